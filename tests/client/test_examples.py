"""The examples run as they stand and say what they promise."""

import re
import subprocess
import sys

import pytest

from tests.support import ROOT

EXAMPLES = ROOT / "client" / "examples"
SAID = {
    "quickstart": [
        r"conv1d +Conv1D\(100, 10.*\) +batch, 119 steps, 100 ch +9 100 +steps 128 - 10 \+ 1 = 119",
        r"total +9 706 +1\.07 M multiply-adds per sample",
        r"channels 9 -> 100",
        r"output \(2, 6\), each row adds up to \[1\. 1\.\]",
        r"ran on cpu, weights drawn from seed 0",
        r"har\.onnx: \d+ bytes, opset \d+",
    ],
    "activations": [
        r"edges +\(1, 28, 28, 8\)",
        r"half +\(1, 14, 14, 8\)",
        r"corners +\(1, 12, 12, 16\)",
        r"flat +\(1, 2304\)",
        r"fetched edges, corners; the digit is \d",
    ],
    "register_and_map": [
        r"registered scores [0-9a-f]{12}: created True, then False",
        r"the convolution gives T - 4 steps",
        r"recording 9: ",
        r"scores: 4 weights, 276 bytes",
    ],
    "errors_and_fixes": [
        r"convLayer \(Conv1D\) needs batch, steps, channels\. It gets batch, 68",
        r"Reshape\(\(68, 1\)\),",
        r"\(None, 68, 64\)",
        r"\(1, 68, 64\)",
        r"convLayer \(Conv1D\): padding knows no value 'smae'\. Did you mean 'same'\?",
    ],
}


def test_every_example_is_tested() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == SAID.keys()


@pytest.mark.parametrize("name", SAID)
def test_example(name: str) -> None:
    done = subprocess.run([sys.executable, str(EXAMPLES / f"{name}.py")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    for line in SAID[name]:
        assert re.search(line, done.stdout), f"{line!r} is not in\n{done.stdout}"
