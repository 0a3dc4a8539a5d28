"""What stands at the top of the pages that show the schema, and above each of their parts."""

from litestar.openapi.spec import Tag

INTRODUCTION = """\
Trains policies with **Group Relative Policy Optimization** (GRPO) on Gymnasium environments, keeps the models,
and acts with them.

### In three requests

1. `POST /train` with `{"env_name": "CartPole-v1", "total_timesteps": 5000, "model_name": "my_cartpole_model"}` answers at once
   with a `job_id` and the whole configuration, every default filled in.
2. `GET /training/{job_id}/status` until `status` is `completed`, `failed` or `stopped`; no other word is final.
3. `POST /inference` with `{"model_name": "my_cartpole_model", "observation": [0.1, 0.0, 0.05, 0.0]}` answers with an action,
   its probabilities and the value of the state.

### What holds everywhere

* **Numbers** are never NaN or Infinity. **Times** are ISO 8601 with offset.
* **Errors** are RFC 9457 problems: `detail` is a sentence that says which value is wrong, why, and what is allowed; `code` is a
  stable word for programs; `errors` names the fields of a body.
* **Unknown fields and parameters are refused**, so a typing error never passes for a default.
* **Repeatable**: the answer's `config`, sent again, gives the same weights, bit for bit, on the same machine.
* **Nothing is lost**: a job goes on from its last checkpoint after a crash of the server or of its worker.
* **Keys**: where the server has them, send `Authorization: Bearer KEY` or `X-API-Key: KEY`. The scope that a route needs stands
  beside it.
* `X-Request-ID` is on every answer, and the server's log has it.

### 日本語

GRPO で Gymnasium 環境の方策を学習し、モデルを保存して推論に使う API です。`POST /train` で学習を始め、
`GET /training/{job_id}/status` で経過を見て、`POST /inference` で行動を求めます。
誤った入力には、どの値がなぜ誤りで何が許されるかを `detail` の一文で答えます。
"""

TAGS = [
    Tag(
        "training",
        "Jobs: start one, watch it, stop it, let it go on. A job is `queued`, then `running`, then `completed`, `failed` or "
        "`stopped`; beyond the number of workers jobs wait in order of arrival.",
    ),
    Tag(
        "sweeps",
        "A search for the training fields with the best policy: many runs as ordinary jobs, guided by those before them; the "
        "hopeless ones are stopped early.",
    ),
    Tag("inference", "Actions for observations. One request may hold many observations."),
    Tag("models", "What training has left: every model has versions, and each knows its job, configuration, seed and digest."),
    Tag("play", "A kept model at play, step by step in real time, and shoves that it has to recover from."),
    Tag("catalogue", "What can be trained here: environments with their spaces and defaults, and reward functions."),
    Tag("system", "The index, the health of the service, and the schema itself."),
    Tag("monitoring", "For whoever watches the service: probes, and figures for Prometheus."),
]
