"""The same stacks on CUDA and on the CPU."""

from collections.abc import Iterator

import numpy as np
import pytest

import lamina as lm
from tests.support import require

pytestmark = pytest.mark.gpu

STACKS = {
    "conv1d": lm.Stack([lm.Input((128, 9)), lm.Conv1D(100, 10, 2, "same", activation="relu"), lm.Dense(6)]),
    "conv2d": lm.Stack(
        [lm.Input((32, 31, 3)), lm.Conv2D(8, 3, 2, "same"), lm.BatchNormalization(), lm.MaxPooling2D(), lm.Flatten()]
    ),
    "depthwise": lm.Stack([lm.Input((3, 20, 20)), lm.DepthwiseConv2D(3, depth_multiplier=2)], layout="channels_first"),
    "average": lm.Stack(
        [lm.Input((17, 4)), lm.AveragePooling1D(3, 2, ((1, 1),), ceil_mode=True, count_include_pad=True)]
    ),
    "transposed": lm.Stack(
        [lm.Input((17, 4)), lm.Conv1DTranspose(6, 3, 2, "same"), lm.Conv1DTranspose(3, 5, 2, ((0, 3),), 1)]
    ),
    "transposed2d": lm.Stack([lm.Input((6, 7, 4)), lm.Conv2DTranspose(6, (3, 2), (2, 3), "same", groups=2)]),
    "separable": lm.Stack([lm.Input((20, 20, 3)), lm.SeparableConv2D(8, 3, 2, "same", depth_multiplier=2)]),
    "adaptive": lm.Stack([lm.Input((13, "W", 4)), lm.AdaptiveAveragePooling2D((7, 3)), lm.AdaptiveMaxPooling2D(2)]),
    "dilated": lm.Stack([lm.Input((20, 4)), lm.MaxPooling1D(3, 2, "same", dilation_rate=4), lm.LpPooling1D(3, 2)]),
    "lstm": lm.Stack([lm.Input(("T", 5)), lm.LSTM(7, return_sequences=True), lm.LSTM(3)]),
    "gru": lm.Stack([lm.Input(("T", 5)), lm.GRU(7, return_sequences=True), lm.GRU(3, reset_after=False)]),
    "bidirectional": lm.Stack([lm.Input(("T", 5)), lm.Bidirectional(lm.LSTM(7, num_layers=2))]),
    "scan": lm.Stack([lm.Input(("T", 5)), lm.GRU(7, "gelu", return_sequences=True), lm.LSTM(4, proj_size=3)]),
    "conv_lstm": lm.Stack([lm.Input(("T", 9, 8, 2)), lm.ConvLSTM2D(3, 3, go_backwards=True)]),
    "attention": lm.Stack(
        [
            lm.Input(("T", 8)),
            lm.MultiHeadAttention(2, 4, use_causal_mask=True),
            lm.TransformerEncoderLayer(8, 2, 16, norm_first=True),
            lm.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de"),
        ]
    ),
}


@pytest.fixture(scope="module")
def cuda() -> Iterator[lm.Client]:
    require("onnxruntime")
    with lm.LocalServer(device="cuda") as server, lm.Client(server.address) as client:
        yield client


@pytest.fixture(scope="module")
def cpu() -> Iterator[lm.Client]:
    with lm.LocalServer() as server, lm.Client(server.address) as client:
        yield client


@pytest.mark.parametrize("name", STACKS)
def test_cuda_agrees_with_the_cpu(name: str, cuda: lm.Client, cpu: lm.Client) -> None:
    stack = STACKS[name]
    shape = [size if isinstance(size, int) else 11 for size in cpu.trace(stack).layers[0].output_shape[1:]]
    x = np.random.default_rng(0).standard_normal((4, *shape), np.float32)
    on_cuda, on_cpu = cuda.infer(stack, x, seed=1), cpu.infer(stack, x, seed=1)
    np.testing.assert_allclose(on_cuda.output, on_cpu.output, rtol=1e-3, atol=1e-4)
    assert on_cuda.receipt.device == "cuda"
    assert on_cuda.receipt.placements[0].provider == "CUDAExecutionProvider"


@pytest.mark.parametrize("name", ["transposed", "transposed2d"])
def test_transposed_convolutions_stay_on_the_device(name: str, cuda: lm.Client) -> None:
    """ONNX Runtime leaves those with pads that differ, or with a rule for them, to the CPU."""
    shape = (17, 4) if name == "transposed" else (6, 7, 4)
    placements = cuda.infer(STACKS[name], np.zeros((1, *shape), np.float32), seed=1).receipt.placements
    assert [placement.provider for placement in placements if "ConvTranspose" in placement.op_types] == [
        "CUDAExecutionProvider"
    ]


def test_every_node_elsewhere_has_its_reason(cuda: lm.Client) -> None:
    x = np.zeros((1, 128, 9), np.float32)
    for placement in cuda.infer(STACKS["conv1d"], x).receipt.placements:
        assert (placement.provider == "CUDAExecutionProvider") == (placement.fallback_reason == "")
