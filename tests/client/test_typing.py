"""A user's own code under the strictest type checker: the good passes, the bad is caught on its line."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT

GOOD = """
import numpy as np
import lamina as lm
from lamina.typing import WeightsLike

weights: WeightsLike = {"conv1d": {"kernel": np.ones((10, 9, 100), np.float32), "bias": [0.0] * 100}}
stack = lm.Stack(
    [
        lm.Input((128, 9), dtype=np.float32),
        lm.Conv1D(100, 10, activation="relu", padding="causal"),
        lm.Conv1D(8, 3, padding=((1, 2),), weights={"kernel": np.ones((3, 100, 8))}),
        lm.Conv1D(8, 3, activation=lm.activations.leaky_relu(0.1), name="a"),
        lm.Add(inputs=["a", "conv1d_1"]),
        lm.Reshape((-1, None, "T", lm.Dim("T"))),
    ],
    layout="channels_last",
    outputs="add",
)
lm.Bidirectional(lm.RNN([lm.LSTMCell(3), lm.GRUCell(4, reset_after=False)]), None, lm.SimpleRNN(4, go_backwards=True))
lm.RNN(lm.StackedRNNCells([lm.SimpleRNNCell(3)]), return_sequences=True)
image = lm.Stack([lm.Input((8, 8, 3)), lm.Conv2D(4, (3, 3), padding=((1, 1), (0, 2))), lm.MaxPooling2D(2, strides=1)])


def use(server: lm.LocalServer) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    with lm.Client(server.address, timeout=5.0) as client:
        trace: lm.Trace = client.trace(stack, shapes=[np.zeros((1, 128, 9)).shape])
        layer: lm.LayerTrace = trace["conv1d"]
        steps = layer.output_shape[1]
        if isinstance(steps, lm.Dim):
            steps = steps.at(T=14)
        total: int = layer.params + trace.params
        words: str = layer.explanation + str(total)
        client.register("har", stack, weights=weights, seed=1)
        result = client.infer("har", np.zeros((1, 128, 9)), fetch=["conv1d"])
        for one in client.map("har", [np.zeros((128, 9))]):
            words += str(one.output.shape)
        for info in client.list():
            words += info.name
        try:
            client.infer(stack, [[1.0, 2.0]], fetch="a")
        except lm.LayerShapeError as error:
            for fix in error.fixes:
                fixed = fix.apply(stack) if fix.changes_stack else stack
                array = fix.apply_to(np.zeros(3)).shape if fix.changes_array else ()
                words += error.layer + fix.title + fixed.names[0] + str(array)
        model: bytes = bytes(client.export(stack))
        assert model and words
        return result.output


async def use_async(address: str) -> lm.Result:
    async with lm.AsyncClient(address) as client:
        async for info in client.list():
            print(info.id)
        return await client.infer(stack, {"input": [[1]]})
"""

# Each line is an error, and the reason why it is one.
BAD = """
import lamina as lm
lm.Conv1D(8, 3, padding="smae")
lm.Conv2D(8, (3, 3, 3))
lm.Conv1D(8, (3, 3))
lm.Conv2D(8, 3, padding="causal")
lm.Conv2D(8, 3, padding=((1, 1),))
lm.Conv1D(8, 3, activation="rleu")
lm.Conv1D(8.5, 3)
lm.Conv1D(8, 3, dilatoin_rate=2)
lm.Dense()
lm.Stack([lm.Flatten])
lm.Stack([], layout="channel_last")
lm.Input((3,), dtype="float23")
lm.Input(3)
lm.Add(inputs=[3])
lm.Conv1d(8, 3)
lm.RNN([lm.LSTM(3)])
lm.Bidirectional(lm.LSTMCell(3))
lm.Bidirectional(lm.LSTM(3), "add")
lm.Client(8500)
"""


def test_strict_types(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text(GOOD)
    bad.write_text(BAD)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", "--no-color-output"]
    # The cache of the repository's own run, where there is one: numpy alone takes many seconds.
    cache = f"--cache-dir={ROOT / '.mypy_cache' / 'user'}"
    found = subprocess.run(
        [*command, cache, str(good), str(bad)],
        capture_output=True,
        text=True,
        env={"MYPYPATH": f"{ROOT / 'client'}", "PATH": ""},
        cwd=tmp_path,
    )
    lines = found.stdout.splitlines()
    assert not found.stderr
    assert [line for line in lines if not line.startswith("bad.py:") and "/v1/" not in line] == []
    wrong = {int(match[1]) for line in lines if (match := re.match(r"bad\.py:(\d+): error", line))}
    first, last = 3, len(BAD.splitlines())
    assert wrong == set(range(first, last + 1))
