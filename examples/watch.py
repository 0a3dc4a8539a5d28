"""Watch a run as it happens: every event of a job, with a curve that grows in the terminal.

    python run_api.py                      # in another terminal
    python -m examples.watch

Expected output:

    running: begun
    evaluation after 1,069 steps: 71.3 ± 17.7, the best so far
    evaluation after 2,343 steps: 446.9 ± 114.0, the best so far
    …
    completed: its training is over
    return ▁▁▁▂▃▃▄▅▇▇ 22 to 89

The last line is lower than the evaluations: exploring costs return, and in so few steps only short episodes come to an end.
"""

import os

from grpo_client import DEFAULT_URL, Client

URL = os.environ.get("GRPO_URL", DEFAULT_URL)
STEPS = int(os.environ.get("GRPO_STEPS", "8000"))
BARS = "▁▂▃▄▅▆▇█"
WIDTH = 60

with Client(URL) as client:
    job = client.train(
        "CartPole-v1", total_timesteps=STEPS, reward_function_type="environment", eval_freq=max(1, STEPS // 8), seed=1
    )
    returns = []
    for event in job.events():  # comes back by itself where the connection breaks, without gap or repetition
        data = event.data
        if event.kind == "status":
            print(f"{data['status']}: {data['reason']}")
        elif event.kind == "log":
            print(f"{data['level']}: {data['message']}")
        elif event.kind == "eval":
            best = ", the best so far" if data["best"] else ""
            print(f"evaluation after {data['timesteps']:,} steps: {data['mean_reward']:.1f} ± {data['std_reward']:.1f}{best}")
        elif event.kind == "metrics" and "rollout/ep_rew_mean" in data["metrics"]:
            returns.append(data["metrics"]["rollout/ep_rew_mean"])
    for advice in job.metrics().diagnosis:
        print(f"why it may be flat: {advice.message}")

shown = returns[:: max(1, len(returns) // WIDTH)]
low, high = min(shown), max(shown)
curve = "".join(BARS[int((value - low) / (high - low + 1e-9) * (len(BARS) - 1))] for value in shown)
print(f"return {curve} {low:.0f} to {high:.0f}")
