"""Examples of requests, answers and errors for the pages that show the schema.

They belong together: one run of CartPole, its job, its model, and what is asked of it. A test sends every request and compares
every answer with what it says it is.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Litestar
from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIResponse, Operation

from adapters.http.responses import config_response
from domain.presets import resolve
from domain.spaces import Box, Discrete, EnvironmentSpec

MODEL, JOB = "my_cartpole_model", "46309d1e-7eca-4036-9c03-a2ed50c09cff"
_CARTPOLE = EnvironmentSpec("CartPole-v1", Box((4,), (-4.8,) * 4, (4.8,) * 4), Discrete(2), 500, cloneable=True)
_RUN = {"env_name": "CartPole-v1", "total_timesteps": 5000, "model_name": MODEL, "seed": 0}
_CONFIG = msgspec.to_builtins(config_response(resolve(_RUN, _CARTPOLE, seed=0, model_name=MODEL)))
_SHA256 = "3b6918687093bf8f7d87b2ec30499268f2eebfbdefa0f8a32b3e3747f85e719b"
_BEGIN, _END = "2026-11-25T22:52:56.442793+00:00", "2026-11-25T22:52:58.183295+00:00"

REQUESTS: dict[str, dict[str, tuple[str, Any]]] = {
    "POST /train": {
        "cartpole": ("CartPole: balanced after 5,000 steps", _RUN),
        "pendulum": (
            "Pendulum: continuous actions, 100,000 steps",
            {"env_name": "Pendulum-v1", "total_timesteps": 100_000, "model_name": "pendulum", "seed": 0},
        ),
        "evaluated": (
            "CartPole, evaluated on the way: the best policy is kept",
            {"env_name": "CartPole-v1", "total_timesteps": 20_000, "eval_freq": 2_000, "n_eval_episodes": 10},
        ),
        "paper": (
            "CartPole from its native reward, in whole episodes, with the fields of the GRPO paper",
            {
                "env_name": "CartPole-v1",
                "reward_function_type": "environment",
                "total_timesteps": 10_000,
                "n_steps": None,
                "num_generations": 8,
                "supervision": "outcome",
                "scale_rewards": "group",
                "loss_type": "grpo",
                "beta": 0.04,
            },
        ),
        "defaults": ("Everything is chosen for you", {}),
    },
    "POST /training/{job_id}/resume": {
        "further": ("To a larger budget", {"total_timesteps": 20_000}),
        "same": ("To the end of the budget it had", {}),
    },
    "POST /inference": {
        "one": ("One observation", {"model_name": MODEL, "observation": [0.1, 0.0, 0.05, 0.0]}),
        "many": (
            "Several observations in one request",
            {"model_name": MODEL, "observation": [[0.1, 0.0, 0.05, 0.0], [0.0, 0.0, -0.05, 0.0]]},
        ),
        "sample": (
            "An action drawn from the policy",
            {"model_name": MODEL, "observation": [0.1, 0.0, 0.05, 0.0], "deterministic": False},
        ),
    },
}

_STATUS = {
    "job_id": JOB,
    "status": "completed",
    "progress": 1.0,
    "current_timesteps": 5000,
    "total_timesteps": 5000,
    "start_time": _BEGIN,
    "end_time": _END,
    "error_message": None,
    "error_code": None,
    "metrics": {
        "rollout/ep_rew_mean": 54.35,
        "rollout/ep_len_mean": 54.35,
        "rollout/reward_mean": 5.138,
        "group/reward_std": 0.0288,
        "group/frac_reward_zero_std": 0.3333,
        "train/loss": -0.0259,
        "train/approx_kl": 0.00658,
        "train/clip_fraction": 0.0,
        "train/entropy": 0.2735,
        "train/grad_norm": 0.5786,
        "train/learning_rate": 0.0003,
    },
    "env_name": "CartPole-v1",
    "model_name": MODEL,
    "created_at": _BEGIN,
}
ANSWERS: dict[str, dict[str, tuple[str, Any]]] = {
    "POST /train": {"cartpole": ("The whole configuration", {"job_id": JOB, "message": "Training started", "config": _CONFIG})},
    "GET /training/{job_id}/status": {
        "running": (
            "It is being trained",
            _STATUS | {"status": "running", "progress": 0.5376, "current_timesteps": 2688, "end_time": None},
        ),
        "completed": ("It has ended", _STATUS),
    },
    "GET /training/{job_id}/metrics": {
        "evaluated": (
            "A run that is evaluated on the way",
            {
                "job_id": JOB,
                "status": "running",
                "timesteps": [192, 2112, 4032],
                "times": [_BEGIN, _BEGIN, _END],
                "metrics": {"rollout/ep_rew_mean": [None, 21.5, 43.9], "train/entropy": [0.69, 0.52, 0.36]},
                "evaluations": [
                    {
                        "timesteps": 2112,
                        "time": _BEGIN,
                        "mean_reward": 287.4,
                        "std_reward": 61.0,
                        "mean_length": 287.4,
                        "episodes": 10,
                        "seed": 0,
                        "best": True,
                    }
                ],
                "diagnosis": [],
            },
        )
    },
    "GET /training/jobs": {"page": ("A page of jobs", {"jobs": [_STATUS], "has_more": False})},
    "POST /training/{job_id}/stop": {"stopped": ("It has ended", {"message": "Training job stopped", "job_id": JOB})},
    "POST /training/{job_id}/resume": {
        "resumed": ("It waits for a worker", {"message": "Training resumed", "job_id": JOB, "config": _CONFIG})
    },
    "POST /inference": {
        "one": ("For one observation", {"action": 1, "action_probs": [0.00068, 0.99932], "value": 99.97}),
        "many": (
            "For a list of observations",
            {"action": [1, 0], "action_probs": [[0.00068, 0.99932], [0.99921, 0.00079]], "value": [99.97, 99.99]},
        ),
        "continuous": ("Of a policy with continuous actions", {"action": [-1.31], "action_probs": None, "value": -62.4}),
    },
    "GET /models": {
        "one": (
            "One model",
            {
                "models": [
                    {
                        "name": MODEL,
                        "status": "loaded",
                        "version": 1,
                        "env_name": "CartPole-v1",
                        "job_id": JOB,
                        "created_at": _END,
                        "size_bytes": 20_468,
                        "sha256": _SHA256,
                    }
                ]
            },
        )
    },
    "GET /models/{model_name}": {
        "one": (
            "One version",
            {
                "name": MODEL,
                "status": "loaded",
                "versions": [
                    {
                        "version": 1,
                        "env_name": "CartPole-v1",
                        "config": _CONFIG,
                        "seed": 0,
                        "job_id": JOB,
                        "created_at": _END,
                        "timesteps": 5000,
                        "evaluation": {
                            "mean_reward": 500.0,
                            "std_reward": 0.0,
                            "mean_length": 500.0,
                            "episodes": 10,
                            "seed": 0,
                        },
                        "size_bytes": 20_468,
                        "sha256": _SHA256,
                        "imported_at": None,
                    }
                ],
            },
        )
    },
    "DELETE /models/{model_name}": {"deleted": ("It is gone", {"message": f"Model '{MODEL}' deleted"})},
    "GET /health": {
        "idle": ("Nothing is trained now", {"status": "healthy", "timestamp": _END, "active_jobs": 0, "loaded_models": 1})
    },
    "GET /health/ready": {
        "ready": ("It can work", {"status": "ready", "checks": {"storage": "ok", "executor": "ok", "shutdown": "ok"}})
    },
}

_BAD_RATE = "learning_rate must be a number, above 0 and at most 1, got -1.0."
_BAD_OBSERVATION = "observation must be a list of 4 numbers, got 1 numbers."


def _problem(status: int, code: str, title: str, detail: str, *fields: str) -> dict[str, Any]:
    problem = {"type": f"urn:grpo:problem:{code}", "title": title, "status": status, "detail": detail, "code": code}
    problem |= {"request_id": "fd475492248bddf70000000000000013"}
    return problem | ({"errors": [{"field": field, "message": detail} for field in fields]} if fields else {})


PROBLEMS: dict[tuple[str, str], dict[str, Any]] = {
    ("POST /train", "422"): _problem(
        422, "invalid-configuration", "Invalid training configuration", _BAD_RATE, "learning_rate"
    ),
    ("POST /inference", "422"): _problem(422, "invalid-observation", "Invalid observation", _BAD_OBSERVATION, "observation"),
    ("GET /training/{job_id}/status", "404"): _problem(
        404, "job-not-found", "Training job not found", "There is no training job 'nothing'."
    ),
    ("GET /models/{model_name}", "404"): _problem(
        404, "model-not-found", "Model not found", "There is no model 'nothing'. GET /models lists what exists."
    ),
    ("POST /training/{job_id}/stop", "409"): _problem(
        409,
        "job-already-ended",
        "Training job has already ended",
        f"Training job '{JOB}' has already ended: it is completed. Only a queued or running job can change.",
    ),
}


class _Verbatim(Example):
    """An example whose nulls are kept: Litestar drops them from everything in a schema."""

    def to_schema(self) -> dict[str, Any]:
        return {"summary": self.summary, "value": self.value}


def describe_examples(app: Litestar) -> None:
    """Put the examples beside what they are examples of. A route without one is left as it is."""
    for route, operation in _operations(app):
        if route in REQUESTS:
            _put(operation.request_body, REQUESTS[route])
        if route in ANSWERS:
            _put((operation.responses or {}).get("200"), ANSWERS[route])
        for status, answer in (operation.responses or {}).items():
            problem = PROBLEMS.get((route, status))
            if problem is not None and isinstance(answer, OpenAPIResponse):
                # Answers of several routes may be one object.
                content = {kind: OpenAPIMediaType(schema=media.schema) for kind, media in (answer.content or {}).items()}
                operation.responses[status] = OpenAPIResponse(answer.description, content=content)  # type: ignore[index]
                _put(operation.responses[status], {problem["code"]: (problem["title"], problem)})  # type: ignore[index]


def _operations(app: Litestar) -> Iterator[tuple[str, Operation]]:
    for path, item in (app.openapi_schema.paths or {}).items():
        for method in ("get", "post", "delete"):
            operation = getattr(item, method)
            if operation is not None:
                yield f"{method.upper()} {path}", operation


def _put(described: Any, examples: dict[str, tuple[str, Any]]) -> None:
    for media in described.content.values():
        media.examples = {name: _Verbatim(summary=summary, value=value) for name, (summary, value) in examples.items()}
