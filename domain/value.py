"""A value read-out without a critic: the value as a linear function of the policy's last hidden layer.

V(s) = wᵀφ(s) with φ = [h(s), 1], fitted in closed form to the newest rollout so that V(s) = r + γ·V(s′), where V = 0
behind a terminal state (truncated states go on). It is shown to users and takes no part in training.
"""

import numpy as np

from domain.arrays import BoolArray, FloatArray, check_shape

RIDGE = 1e-3
MIN_SAMPLES = 64


def fit_value(
    features: FloatArray, next_features: FloatArray, rewards: FloatArray, terminated: BoolArray, gamma: float
) -> FloatArray:
    """Least-squares temporal differences: (Φᵀ(Φ − γ·(1 − d)·Φ′) + λB·I) w = Φᵀr, float32 [H + 1].

    `features`, `next_features`: [B, H + 1], last column ones; `rewards`: [B]; `terminated`: bool [B]. The bias has no ridge.
    Where the system has no sensible solution, the answer is the best constant.
    Source: Bradtke, Barto, "Linear least-squares algorithms for temporal difference learning", 1996.
    """
    count, width = features.shape
    check_shape("next_features", next_features, (count, width))
    phi = features.astype(np.float64)
    following = next_features * (gamma * ~terminated)[:, None]
    ridge = np.full(width, RIDGE * count)
    ridge[-1] = 1e-6 * count
    system = phi.T @ (phi - following) + np.diag(ridge)
    try:
        weights = np.linalg.solve(system, phi.T @ rewards)
    except np.linalg.LinAlgError:
        weights = np.full(width, np.nan)
    # An unlucky batch makes the system nearly singular: no value may leave the range that its rewards allow.
    largest = np.abs(rewards).max() / max(1 - gamma, 1e-4)
    if not np.all(np.abs(phi @ weights) <= 1.5 * largest):
        weights = np.zeros(width)
        weights[-1] = rewards.mean() / max(1 - gamma * float(np.mean(~terminated)), 1e-4)
    return weights.astype(np.float32)


def predict_value(weights: FloatArray, hidden: FloatArray) -> FloatArray:
    """V for hidden activations [B, H], with weights [H + 1]: [B]."""
    check_shape("hidden", hidden, (None, len(weights) - 1))
    return np.asarray(hidden @ weights[:-1] + weights[-1])
