"""From nothing to a policy that balances the pole: train on a server, look at the result, play with it here.

    python run_api.py                      # in another terminal
    python -m examples.quickstart

Expected output:

    quickstart  ████████████████████  20,000/20,000 steps  return 217.8  completed
    the finished policy: 500.0 ± 0.0 over 10 episodes
    version 1 of quickstart, 20,508 bytes
    an episode played here: 500 steps
"""

import os

import gymnasium

from grpo_client import DEFAULT_URL, Client

URL = os.environ.get("GRPO_URL", DEFAULT_URL)
STEPS = int(os.environ.get("GRPO_STEPS", "20000"))

with Client(URL) as client:
    job = client.train("CartPole-v1", total_timesteps=STEPS, model_name="quickstart", seed=1)
    job.wait(progress=True)

    newest = job.model.info().versions[-1]
    if newest.evaluation is not None:  # there is none where the episodes might take longer than the training did
        found = newest.evaluation
        print(f"the finished policy: {found.mean_reward:.1f} ± {found.std_reward:.1f} over {found.episodes} episodes")
    print(f"version {newest.version} of {job.model.name}, {newest.size_bytes:,} bytes")

    environment, act = gymnasium.make("CartPole-v1"), job.model.policy()
    observation, _ = environment.reset(seed=0)
    steps, over = 0, False
    while not over:
        observation, _, terminated, truncated, _ = environment.step(act(observation))
        steps, over = steps + 1, terminated or truncated
    environment.close()
    print(f"an episode played here: {steps} steps")
