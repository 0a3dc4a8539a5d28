"""One seed is an anecdote: the same run with several seeds at once, and how far they lie apart.

The asynchronous client starts all of them; the server trains as many at a time as it has workers.

    python run_api.py                      # in another terminal
    python -m examples.compare_seeds

Expected output:

    seed 0: 500.0
    …
    seed 4: 90.8
    5 seeds: mean 410.6, worst 90.8, spread 179.1

With twice the steps the worst is better: `GRPO_STEPS=6000 python -m examples.compare_seeds`.
"""

import asyncio
import os
import statistics

from grpo_client import DEFAULT_URL, AsyncClient

URL = os.environ.get("GRPO_URL", DEFAULT_URL)
STEPS = int(os.environ.get("GRPO_STEPS", "3000"))
SEEDS = range(5)


async def trained(client: AsyncClient, seed: int) -> float:
    """The mean return of a policy that was trained with this seed, in episodes that all seeds share."""
    job = await client.train(
        "CartPole-v1",
        total_timesteps=STEPS,
        reward_function_type="environment",
        seed=seed,
        model_name=f"seed-{seed}",
        eval_freq=STEPS,
        n_eval_episodes=20,
    )
    await job.wait(progress=False)
    return (await job.metrics()).evaluations[-1].mean_reward


async def main() -> None:
    """All seeds at once."""
    async with AsyncClient(URL) as client:
        returns = await asyncio.gather(*(trained(client, seed) for seed in SEEDS))
    for seed, mean in zip(SEEDS, returns, strict=True):
        print(f"seed {seed}: {mean:.1f}")
    spread = statistics.stdev(returns)
    print(f"{len(returns)} seeds: mean {statistics.mean(returns):.1f}, worst {min(returns):.1f}, spread {spread:.1f}")


asyncio.run(main())
