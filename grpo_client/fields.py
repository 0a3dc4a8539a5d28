"""The fields of a training run, for editors and type checkers. The server checks their values and says what is wrong."""

from typing import Literal, TypedDict


class TrainingFields(TypedDict, total=False):
    """An absent field gets a value that suits the environment; `job.config` shows all. docs/configuration.md explains them."""

    total_timesteps: int
    learning_rate: float
    n_steps: int | None
    batch_size: int
    n_epochs: int
    reward_function_type: str
    model_name: str
    seed: int
    n_envs: int
    num_generations: int
    group_size: int
    segment_start: Literal["branched", "fresh", "carried"]
    reset_probability: float
    max_episode_steps: int
    gamma: float
    epsilon: float
    clip_range: float
    epsilon_high: float | None
    beta: float
    ref_model_sync_steps: int | None
    ent_coef: float
    target_kl: float | None
    max_grad_norm: float | None
    lr_schedule: Literal["constant", "linear"]
    loss_type: Literal["grpo", "dapo", "dr_grpo"]
    scale_rewards: Literal["group", "batch", "none"]
    importance_sampling_level: Literal["token", "sequence"]
    supervision: Literal["process", "outcome"]
    norm_obs: bool
    noise_correlation: float
    ema_decay: float
    gae_lambda: float | None
    log_std_init: float
    hidden_sizes: list[int]
    activation: Literal["tanh", "relu"]
    eval_freq: int
    n_eval_episodes: int
    num_workers: int
