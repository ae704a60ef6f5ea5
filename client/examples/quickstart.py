"""Shapes with their reasons, outputs, and the ONNX model of a small network."""

import tempfile
from pathlib import Path

import numpy as np

import lamina as lm

stack = lm.Stack(
    [
        lm.Input((128, 9)),
        lm.Conv1D(100, 10, activation="relu"),
        lm.GlobalAveragePooling1D(name="pool"),
        lm.Dense(6, activation="softmax"),
    ]
)

with lm.LocalServer() as server, lm.Client(server.address) as client:
    trace = client.trace(stack)
    print(trace)
    print()
    print(trace.explain("conv1d"))

    x = np.random.default_rng(0).normal(size=(2, 128, 9))
    result = client.infer(stack, x, seed=0)
    print()
    print(f"output {result.output.shape}, each row adds up to {result.output.sum(axis=1).round(6)}")
    print(f"ran on {result.receipt.device}, weights drawn from seed {result.receipt.seed}")

    with tempfile.TemporaryDirectory() as folder:
        model = client.export(stack, seed=0)
        path = model.save(Path(folder) / "har.onnx")
        print(f"{path.name}: {path.stat().st_size} bytes, opset {model.opset}")
