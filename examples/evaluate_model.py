"""How good is a policy, and how sure can one be of it? Many fresh episodes, an interval, the spread, and one to look at.

    python run_api.py                      # in another terminal
    python -m examples.evaluate_model

Expected output:

    mean return 83.7, with 95 % confidence 79.6 to 87.7
        40.0 …   60.0 ██████████
        60.0 …   80.0 ███████████████████████
    …
    sampled actions: 62.2, with 95 % confidence 59.2 to 65.3
    an episode of 73 steps, with return 73.0
    the same episode every time: b9e35d5ed2d0
"""

import os

from grpo_client import DEFAULT_URL, Client, EvaluationReport

URL = os.environ.get("GRPO_URL", DEFAULT_URL)
STEPS = int(os.environ.get("GRPO_STEPS", "3000"))
EPISODES = 200


def with_interval(report: EvaluationReport) -> str:
    """The mean, and where the mean of all episodes that there could be lies."""
    low, high = report.ci95 or (float("-inf"), float("inf"))  # one episode says nothing of the others
    return f"{report.mean_reward:.1f}, with 95 % confidence {low:.1f} to {high:.1f}"


with Client(URL) as client:
    # A small budget, the environment's own reward and an unlucky seed, so that there is something to see.
    job = client.train("CartPole-v1", total_timesteps=STEPS, reward_function_type="environment", seed=4)
    job.wait(progress=False)

    report = job.model.evaluate(episodes=EPISODES, seed=0)
    print(f"mean return {with_interval(report)}")
    edges = report.histogram.edges
    for begin, end, count in zip(edges[:-1], edges[1:], report.histogram.counts, strict=True):
        print(f"  {begin:6.1f} … {end:6.1f} {'█' * round(60 * count / EPISODES)}")

    # The policy as it explores: it samples its actions, which costs return.
    sampled = job.model.evaluate(episodes=EPISODES, seed=0, deterministic=False)
    print(f"sampled actions: {with_interval(sampled)}")

    replays = [job.model.replay(seed=7) for _ in range(2)]
    assert replays[0].trajectory_sha256 == replays[1].trajectory_sha256
    print("an episode of", replays[0].length, "steps, with return", replays[0].return_)
    print("the same episode every time:", replays[0].trajectory_sha256[:12])
