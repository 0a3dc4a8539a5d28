/** Which field of a training run stands where in the form. A field that is new to the API shows up in the last group. */

export const ESSENTIAL = ["env_name", "reward_function_type", "total_timesteps", "model_name", "seed", "eval_freq"];

/** @type {[string, string[]][]} */
const GROUPS = [
  ["evaluation", ["n_eval_episodes"]],
  [
    "sampling",
    ["n_envs", "num_generations", "n_steps", "segment_start", "reset_probability", "max_episode_steps", "noise_correlation"],
  ],
  ["learning", ["learning_rate", "lr_schedule", "batch_size", "n_epochs", "max_grad_norm", "ema_decay"]],
  [
    "objective",
    [
      "loss_type",
      "epsilon",
      "epsilon_high",
      "beta",
      "ref_model_sync_steps",
      "ent_coef",
      "target_kl",
      "importance_sampling_level",
    ],
  ],
  ["advantages", ["gamma", "gae_lambda", "scale_rewards", "supervision"]],
  ["network", ["hidden_sizes", "activation", "norm_obs", "log_std_init"]],
];
/** Second names of other fields. */
const ALIASES = ["group_size", "clip_range"];

/** @param {string[]} names every field of the schema @returns {[string, string[]][]} */
export function grouped(names) {
  const placed = new Set([...ESSENTIAL, ...ALIASES, ...GROUPS.flatMap(([, fields]) => fields)]);
  const others = names.filter((name) => !placed.has(name));
  const groups = GROUPS.map(([group, fields]) => [group, fields.filter((name) => names.includes(name))]);
  return [...groups, ["other", others]].filter(([, fields]) => fields.length);
}
