"""How good is a policy, and how sure can one be of it? Many fresh episodes, an interval, the spread, and one to look at.

    python run_api.py                      # in another terminal
    python -m examples.evaluate_model

Expected output:

    mean return 431.4, with 95 % confidence 411.3 to 451.4
      152.0 …  186.8 ███
    …
    sampled actions: 204.5, with 95 % confidence 194.7 to 214.4
    the same episode every time: 3f1c0e…
"""

import os

from grpo_client import DEFAULT_URL, Client

URL = os.environ.get("GRPO_URL", DEFAULT_URL)
STEPS = int(os.environ.get("GRPO_STEPS", "3000"))
EPISODES = 200

with Client(URL) as client:
    # A small budget and the environment's own reward, so that there is something to see: 4 of 5 seeds do well.
    job = client.train("CartPole-v1", total_timesteps=STEPS, reward_function_type="environment", seed=4)
    job.wait(progress=False)

    report = job.model.evaluate(episodes=EPISODES, seed=0)
    low, high = report.ci95
    print(f"mean return {report.mean_reward:.1f}, with 95 % confidence {low:.1f} to {high:.1f}")
    edges = report.histogram.edges
    for begin, end, count in zip(edges, edges[1:], report.histogram.counts, strict=False):
        print(f"  {begin:6.1f} … {end:6.1f} {'█' * round(60 * count / EPISODES)}")

    # The policy as it explores: it samples its actions, which costs return.
    sampled = job.model.evaluate(episodes=EPISODES, seed=0, deterministic=False)
    print("sampled actions: {:.1f}, with 95 % confidence {:.1f} to {:.1f}".format(sampled.mean_reward, *sampled.ci95))

    replays = [job.model.replay(seed=7) for _ in range(2)]
    assert replays[0].trajectory_sha256 == replays[1].trajectory_sha256
    print("an episode of", replays[0].length, "steps, with return", replays[0].return_)
    print("the same episode every time:", replays[0].trajectory_sha256[:12])
