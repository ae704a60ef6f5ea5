"""The register of traps: what is easily got wrong between Keras, PyTorch and ONNX, and the tests that hold each.

A trap has the number under which its tests are named: `test_trap_23_...`, anywhere under tests/.
"""

import re

from tests.conformance import table
from tests.support import ROOT

TRAPS: dict[int, str] = {
    1: "`same` with a stride: Keras and `padding=k // 2` have one shape and other numbers",
    2: "PyTorch refuses `same` with a stride",
    3: "ONNX Runtime has no SAME with a dilation: pads are always numbers",
    4: "Keras forbids strides together with a dilation, PyTorch and ONNX do not",
    5: "a strided causal output ends at input i * s",
    6: "`same` with a window shorter than its stride adds nothing",
    7: "PyTorch takes a tensor without its batch axis for another one",
    8: "where kernels have which axis, in Keras, PyTorch and ONNX",
    9: "a transposed convolution's crop: Keras at the end, PyTorch at the start",
    10: "a transposed window shorter than its stride: Keras' tail of zeros",
    11: "`output_padding=0` is not `None` in Keras",
    12: "SAME_UPPER of ONNX's ConvTranspose once meant the opposite",
    13: "which `output_padding` is legal, in PyTorch and in Keras",
    14: "transposed convolutions with uneven pads leave the GPU",
    15: "ceil_mode drops a window that would start in the padding",
    16: "an input shorter than the window: ONNX makes one output of it",
    17: "a pool's stride is the window, but 1 in ONNX",
    18: "count_include_pad: True in PyTorch, 0 in ONNX, never in Keras",
    19: "maximum pools pad with minus infinity",
    20: "LPPool keeps the sign in PyTorch, and scales partial windows",
    21: "PyTorch's pads are at most half a window",
    22: "adaptive pools to lengths that do not divide",
    23: "Flatten's order in two layouts",
    24: "Permute counts from 1 without the batch; a Reshape's 0",
    25: "the order of pads; a negative pad crops",
    26: "Concatenate's default axis",
    27: "Keras aligns a missing axis behind the batch, numpy before it",
    28: "ONNX's Flatten and Gemm are for two axes",
    29: "nearest: which pixel it is",
    30: "bicubic: the coefficient",
    31: "half pixels where the output has length 1",
    32: "recompute_scale_factor changes numbers",
    33: "the order of gates",
    34: "GRU's reset_after",
    35: "GRU's linear_before_reset on the GPU",
    36: "ONNX Runtime's recurrences have steps first",
    37: "the last state of a Bidirectional",
    38: "PyTorch's batch_first",
    39: "epsilons and momenta",
    40: "GroupNormalization's scale, for each group or channel",
    41: "PyTorch's InstanceNorm takes another number of channels",
    42: "LeakyReLU's three slopes",
    43: "hard_sigmoid's two slopes; gelu exactly or by tanh",
    44: "Softmax's axis",
    45: "PixelShuffle's order of channels",
    46: "a negative or a fractional id of an Embedding",
    47: "Dropout at inference; embed_dim is all heads', key_dim one's",
    48: "what Keras' own ONNX export makes of transposed convolutions and GRUs",
    49: "Keras on PyTorch repeats the edge in AveragePooling `same`",
    50: "Keras' newer layers",
    51: "use_gate adds weights",
    52: "Keras' static shape of attention scores; EinsumDense's None",
    53: "ONNX Runtime's Resize with aligned corners; its Attention with a mask and causal",
    54: "operations of a Keras model that are no layers",
    55: "parameters of a PyTorch model that are no module's",
    56: "ceil_mode as a floor pool with pads at the end",
    57: "Keras 1's order of arguments: Conv2D(32, 3, 3)",
    58: "adaptive pools have no ONNX operator",
}
_NAMED = re.compile(r"^(?:async )?def (test_trap_0*(\d+)_\w+)", re.M)


def held() -> dict[int, list[str]]:
    """Trap -> its tests, as `file::test`."""
    found: dict[int, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, number in _NAMED.findall(path.read_text(encoding="utf-8")):
            found.setdefault(int(number), []).append(f"{path.relative_to(ROOT / 'tests')}::{name}")
    return found


def register() -> str:
    """The table of traps."""
    tests, lines = held(), ["| trap | what it is | held by |", "|---|---|---|"]
    for number, what in TRAPS.items():
        by = "<br>".join(f"`{test}`" for test in tests.get(number, []))
        lines.append(f"| {number} | {what} | {by} |")
    return "\n".join(lines)


def written(text: str) -> str:
    """The README with the register as it is now."""
    return table.put(text, "traps", register())


if __name__ == "__main__":
    table.README.write_text(written(table.README.read_text(encoding="utf-8")), encoding="utf-8")
