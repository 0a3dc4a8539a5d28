"""Take a policy along: as one safetensors file to another server, as ONNX into a program that knows nothing of this project.

    pip install onnx onnxruntime           # the server needs the first, this program the second
    python run_api.py                      # in another terminal
    python -m examples.export_onnx

Expected output:

    safetensors: 20,508 bytes, imported as version 1 of travelled
    onnx: 21,066 bytes, 259 of 259 actions as the policy's
    onnxruntime and the server agree on 100 of 100 actions
"""

import os

import numpy as np
import onnxruntime

from grpo_client import DEFAULT_URL, Client

URL = os.environ.get("GRPO_URL", DEFAULT_URL)
STEPS = int(os.environ.get("GRPO_STEPS", "5000"))

with Client(URL) as client:
    job = client.train("CartPole-v1", total_timesteps=STEPS, seed=1)
    job.wait(progress=False)

    file = job.model.export()  # export("pole.safetensors") writes it, too
    imported = client.import_model(file, name="travelled")  # as well at another server
    print(f"safetensors: {len(file):,} bytes, imported as version {imported.version} of {imported.name}")

    graph = job.model.export(format="onnx")
    parity = graph.parity or {}
    print(f"onnx: {len(graph):,} bytes, {parity['equal_actions']} of {parity['observations']} actions as the policy's")

    # Raw observations in, actions out: normaliser and softmax are within the graph.
    observations = np.random.default_rng(0).uniform(-0.2, 0.2, (100, 4)).astype(np.float32)
    session = onnxruntime.InferenceSession(bytes(graph), providers=["CPUExecutionProvider"])
    actions, action_probs, values = session.run(["action", "action_probs", "value"], {"observation": observations})
    answer = client.model("travelled").predict(observations)
    agreed = int(np.sum(np.asarray(actions) == answer.action))
    print(f"onnxruntime and the server agree on {agreed} of {len(observations)} actions")
