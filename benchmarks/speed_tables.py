"""The figures of training speed and of HTTP as Markdown tables."""

from typing import Any

from benchmarks import record, tables

TRAINING = {
    "median_cpu_milliseconds": "quick start's 5,000 steps, engine, CPU ms, median (goal ≤ 80)",
    "min_cpu_milliseconds": "fastest",
    "max_cpu_milliseconds": "slowest",
    "api_8x32": "8 × 32, batch 64, 10 epochs: steps/s through the API",
    "job_8x32": "the same by the job's start and end times",
    "ppo_8x32": "the same sizes, Stable-Baselines3's PPO, steps/s",
    "ratio_to_ppo_8x32": "API against PPO (goal ≥ 15)",
    "api_64x32": "64 × 32, batch 256, 4 epochs: steps/s through the API",
    "job_64x32": "the same by the job's start and end times",
    "ppo_64x32": "the same sizes, Stable-Baselines3's PPO, steps/s",
    "ratio_to_ppo_64x32": "API against PPO (goal ≥ 12)",
    "two_jobs": "two jobs of 8 × 32 at once: steps/s in total",
    "ratio_two_jobs_to_one": "against one job alone (goal ≥ 1.8)",
}
HTTP = {
    "bare_1_connections": "bare Litestar route, requests/s, 1 connection",
    "idle_1_connections": "`POST /inference`, requests/s, 1 connection",
    "ratio_to_bare_1_connections": "against the bare route (goal ≥ 0.75)",
    "training_1_connections": "the same while a job trains",
    "ratio_training_to_idle_1_connections": "against idle (goal ≥ 0.6)",
    "bare_16_connections": "bare Litestar route, requests/s, 16 connections",
    "idle_16_connections": "`POST /inference`, requests/s, 16 connections",
    "ratio_to_bare_16_connections": "against the bare route (goal ≥ 0.75)",
    "training_16_connections": "the same while a job trains",
    "ratio_training_to_idle_16_connections": "against idle (goal ≥ 0.6)",
    "batch_observations": "1,000 observations in a request, observations/s, 1 connection",
    "ratio_batch_to_single": "against single observations (goal ≥ 30)",
    "ratio_to_original_1_connections": "single requests/s on 1 connection against the original's 1,500 (goal ≥ 3)",
}
REQUEST = {
    "outside": "outside the application: kernel, wrk's share, uvicorn with httptools and uvloop",
    "litestar": "Litestar: routing, handler, answer (bare route without encoding)",
    "decode": "decoding the body",
    "predict": "prediction: observation to array, forward pass, softmax, value",
    "encode": "encoding the answer",
    "rest": "reading the body and the request's id, less what the answer without response objects saves",
}


def figures(name: str, labels: dict[str, str]) -> str:
    """One row for each figure of a results file."""
    found = _results(name, "summary")
    return tables.markdown(
        ("figure", "value"), [(label, tables.number(found[key])) for key, label in labels.items() if key in found]
    )


def training_parts() -> str:
    """Microseconds of each part, one column for each size."""
    sizes = _results("training", "parts")
    names = [*next(iter(sizes.values()), {})]
    rows = [[name.replace("/", ": "), *(f"{parts[name]:.1f}" for parts in sizes.values())] for name in names]
    return tables.markdown(("µs", *(size.replace("x", " × ") for size in sizes)), rows)


def request_parts() -> str:
    """Microseconds of each part of a request."""
    found = _results("http", "summary")
    rows = [[label, f"{found[f'us_{key}']:.1f}".replace("-", "−")] for key, label in REQUEST.items() if f"us_{key}" in found]
    return tables.markdown(("µs of a request", "16 connections, idle"), rows)


def all_tables() -> dict[str, str]:
    """The tables by the names of their markers."""
    return {
        "training": figures("training", TRAINING),
        "training-parts": training_parts(),
        "http": figures("http", HTTP),
        "http-parts": request_parts(),
    }


def _results(name: str, part: str) -> dict[str, Any]:
    return dict((record.read(name) or {}).get(part, {}))
