"""A stack with its weights kept on the server, and a stream of samples run through it in batches."""

from collections.abc import Iterator

import numpy as np

import lamina as lm
from lamina.typing import WeightsLike

rng = np.random.default_rng(2)
stack = lm.Stack([lm.Input(("T", 3)), lm.Conv1D(4, 5, name="conv"), lm.GlobalMaxPooling1D(), lm.Dense(1, name="score")])
weights: WeightsLike = {
    "conv": {"kernel": rng.normal(size=(5, 3, 4)), "bias": np.zeros(4)},
    "score": {"kernel": rng.normal(size=(4, 1)), "bias": [0.5]},
}


def recordings() -> Iterator[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """Ten recordings, some of 20 steps and some of 30."""
    for i in range(10):
        yield rng.normal(size=(20 if i < 6 else 30, 3))


with lm.LocalServer() as server, lm.Client(server.address) as client:
    first = client.register("scores", stack, weights)
    again = client.register("scores", stack, weights)
    print(f"registered {first.name} {first.id[:12]}: created {first.created}, then {again.created}")

    steps = client.trace("scores")["conv"].output_shape[1]
    print(f"the convolution gives {steps} steps")

    for i, result in enumerate(client.map("scores", recordings(), batch_size=4)):
        ran = result.receipt.batch_size
        print(f"recording {i}: {result.output[0]:7.3f}  (ran with {ran - 1} other{'' if ran == 2 else 's'})")

    for info in client.list():
        print(f"{info.name}: {len(info.weights)} weights, {info.weight_bytes} bytes")
    client.unregister("scores")
