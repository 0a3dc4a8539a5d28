/** Japanese names and descriptions of the fields of a training run, which the service's schema describes in English. */

/** @type {[string, string, string][]} field, name, description */
const FIELDS = [
  ["env_name", "環境", "登録済みの Gymnasium 環境の ID。観測は Box か Discrete、行動は Discrete か Box。"],
  ["reward_function_type", "報酬", "学習に使う報酬。environment は環境そのものの報酬。"],
  ["total_timesteps", "ステップ予算", "全環境を合わせたシミュレーションステップ数。"],
  ["model_name", "モデル名", "モデルを保存する名前。文字・数字と . _ - が使え、先頭は文字か数字。"],
  ["seed", "シード", "同じシード・同じ機械・同じ版なら、重みはビット単位で同じ。空なら自動。"],
  ["eval_freq", "評価の間隔", "評価と評価のあいだのステップ数。0 なら評価しない。"],
  ["n_eval_episodes", "評価のエピソード数", "1 回の評価で実行するエピソード数。"],
  ["num_workers", "サンプリングのワーカー数", "環境を分け持つワーカーの数。Ray では並んで動く。"],
  ["n_envs", "並列環境数", "並列に動かす環境の数。グループの大きさの倍数。"],
  ["num_generations", "グループの大きさ", "互いに比べるグループの人数 G。"],
  ["n_steps", "更新ごとのステップ", "更新と更新のあいだの、環境ごとのステップ数。null なら 1 エピソード全体。"],
  [
    "segment_start",
    "区間の始め方",
    "branched = 1 つの状態を全員が複製、fresh = 新しい開始を共有、carried = それぞれ続きから。",
  ],
  ["reset_probability", "新規開始の確率", "branched のグループが代わりに新しく始める確率。"],
  ["max_episode_steps", "エピソードの上限", "1 エピソードの時間制限。空なら環境の値。"],
  ["noise_correlation", "ノイズの相関", "隣り合うステップの探索ノイズの相関。0 なら無相関。"],
  ["learning_rate", "学習率", "Adam のステップ幅。"],
  ["lr_schedule", "学習率の変化", "linear は予算の終わりまでに 5 % へ下げる。"],
  ["batch_size", "バッチサイズ", "ミニバッチのステップ数。"],
  ["n_epochs", "反復回数", "1 つのバッチを何回使うか。"],
  ["max_grad_norm", "勾配の上限", "勾配全体のノルムの上限。"],
  ["ema_decay", "移動平均", "保存する方策はパラメーターの移動平均。0 なら最後の値。"],
  ["loss_type", "損失の種類", "grpo = 軌跡ごとに平均、dapo = 全ステップで平均、dr_grpo = 一定の長さで割る。"],
  ["epsilon", "クリップ幅", "確率比を 1 より下でクリップする幅。"],
  ["epsilon_high", "上側のクリップ幅", "1 より上の幅。null か空なら epsilon と同じ。"],
  ["beta", "KL の重み", "参照方策との KL の重み。0 なら使わない。"],
  ["ref_model_sync_steps", "参照方策の更新間隔", "参照方策へ複写する間隔(更新回数)。null なら最初のまま。"],
  ["ent_coef", "エントロピーの重み", "エントロピー項の重み。大きいほど探索する。"],
  ["target_kl", "KL の目標", "approx_kl がこの 1.5 倍を超えると更新を早く終える。null なら終えない。"],
  ["importance_sampling_level", "確率比の単位", "token = ステップごと、sequence = 軌跡ごと(loss_type は grpo)。"],
  ["gamma", "割引率", "将来の報酬の割引。"],
  ["gae_lambda", "GAE の λ", "一般化アドバンテージ推定の λ。null なら価値を使わず全リターン。"],
  ["scale_rewards", "リターンの尺度", "中心化したリターンをどの標準偏差で割るか。"],
  ["supervision", "評価の単位", "process = その後の報酬の和、outcome = 軌跡ごとに 1 つのリターン。"],
  ["hidden_sizes", "隠れ層", "各隠れ層のユニット数。"],
  ["activation", "活性化関数", "隠れ層の活性化関数。"],
  ["norm_obs", "観測の正規化", "観測を逐次正規化する。"],
  ["log_std_init", "初期の対数標準偏差", "連続行動の標準偏差の初期値(対数)。"],
];

export const fields = Object.fromEntries(
  FIELDS.flatMap(([name, called, described]) => [
    [`field.${name}`, called],
    [`describe.${name}`, described],
  ]),
);
