"""What separable and transposed convolutions refuse, and what they say of it."""

import time

import pytest

from lamina_server.dims import Size, symbol
from lamina_server.errors import LimitError, StackError
from lamina_server.layers.activations.functions import Softmax
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.separable import SeparableConv
from lamina_server.layers.convolution.transposed import ConvTranspose
from lamina_server.layers.core.basics import Input
from lamina_server.layers.tensors import DType
from lamina_server.layers.windows import PadPair
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace

T, BIG = symbol("T"), 2**31 - 1
SEQUENCE, IMAGE = (9, 4), (8, 8, 4)


def traced(kind: Kind, shape: tuple[Size, ...], dtype: DType = DType.FLOAT32) -> None:
    trace(Stack((Node(Input(shape, dtype)), Node(kind, "it"))))


@pytest.mark.parametrize(
    ("kind", "shape", "reason", "said"),
    [
        (SeparableConv(8, (3, 3)), SEQUENCE, "RANK_MISMATCH", "needs batch, height, width, channels. It gets batch, 9"),
        (SeparableConv(8, (3,) * 4), SEQUENCE, "BAD_RANK", "it (SeparableConv) kernel_size has 4 sizes"),
        (SeparableConv(8, (10,)), SEQUENCE, "WINDOW_TOO_LONG", "window of 10 along steps, longer than the 9 steps"),
        (SeparableConv(8, (3,)), (9, T), "SYMBOLIC_SIZE", "needs a number for channels"),
        (SeparableConv(8, (3,), in_channels=3), SEQUENCE, "DECLARED_MISMATCH", "in_channels=3, but its input has 4"),
        (SeparableConv(8, (3, 3), padding="causal"), IMAGE, "BAD_PADDING", "over one axis (steps) only"),
        (SeparableConv(8, (3,), (1, 1)), SEQUENCE, "LENGTH_MISMATCH", "strides has 2 numbers, but kernel_size has 1"),
        (SeparableConv(8, (3,), depth_multiplier=0), SEQUENCE, "OUT_OF_RANGE", "depth_multiplier=0; it must be 1 or"),
        (SeparableConv(8, (3,), activation=Softmax(5)), SEQUENCE, "BAD_AXIS", "axis is 5"),
        (ConvTranspose(8, (3, 3)), SEQUENCE, "RANK_MISMATCH", "needs batch, height, width, channels"),
        (ConvTranspose(8, (3,) * 4), SEQUENCE, "BAD_RANK", "it (ConvTranspose) kernel_size has 4 sizes"),
        (ConvTranspose(8, ()), SEQUENCE, "BAD_RANK", "kernel_size has 0 sizes"),
        (ConvTranspose(8, (3,)), (9, T), "SYMBOLIC_SIZE", "needs a number for channels"),
        (ConvTranspose(8, (3,), in_channels=3), SEQUENCE, "DECLARED_MISMATCH", "in_channels=3, but its input has 4"),
        (ConvTranspose(8, (3,), groups=3), SEQUENCE, "NOT_DIVISIBLE", "groups=3, which does not divide channels 4"),
        (ConvTranspose(6, (3,), groups=4), SEQUENCE, "NOT_DIVISIBLE", "groups=4, which does not divide filters 6"),
        (ConvTranspose(8, (3,), (2, 2)), SEQUENCE, "LENGTH_MISMATCH", "strides has 2 numbers, but kernel_size has 1"),
        (ConvTranspose(8, (3,), output_padding=(0, 0)), SEQUENCE, "LENGTH_MISMATCH", "output_padding has 2 numbers"),
        (ConvTranspose(8, (3,), padding=(PadPair(1, 1),) * 2), SEQUENCE, "LENGTH_MISMATCH", "padding has 2 pairs"),
        (ConvTranspose(8, (3,), padding=(PadPair(-1, 0),)), SEQUENCE, "OUT_OF_RANGE", "padding=-1; it must be 0 or"),
        (ConvTranspose(8, (3,), (2,), "same", (2,)), SEQUENCE, "OUT_OF_RANGE",
         "output_padding=2; it must be less than the stride or the dilation, 2"),
        (ConvTranspose(8, (3,), output_padding=(1,)), SEQUENCE, "OUT_OF_RANGE", "stride or the dilation, 1"),
        (ConvTranspose(8, (3,), (2,), "causal"), SEQUENCE, "BAD_PADDING",
         'transposed convolution crops its output: write "valid", "same", or what to crop, such as ((0, 1),)'),
        (ConvTranspose(8, (4, 3), (1, 2), "same_lower"), IMAGE, "BAD_PADDING", "such as ((2, 1), (1, 0))"),
        (ConvTranspose(8, (3,), (2,), (PadPair(9, 10),)), SEQUENCE, "EMPTY_RESULT",
         "crops 9 before and 10 after along steps, where its windows cover 19 positions: nothing is left"),
        (ConvTranspose(8, (4,), padding="same", output_padding=(0,)), (1, 4), "EMPTY_RESULT", "crops 2 before and 2"),
    ],
)  # fmt: skip
def test_refused(kind: Kind, shape: tuple[Size, ...], reason: str, said: str) -> None:
    with pytest.raises(StackError) as caught:
        traced(kind, shape)
    assert caught.value.reason == reason
    assert said in caught.value.message
    assert caught.value.message.startswith("it (")


@pytest.mark.parametrize("kind", [SeparableConv(2, (3,)), ConvTranspose(2, (3,))])
def test_integers_are_refused(kind: Kind) -> None:
    with pytest.raises(StackError, match="floating-point numbers") as caught:
        traced(kind, SEQUENCE, DType.INT32)
    assert caught.value.reason == "DTYPE_MISMATCH"


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (ConvTranspose(1, (1,), (BIG,)), (3, 1)),  # what comes out
        (ConvTranspose(1, (1,), (BIG,), (PadPair(0, BIG - 9),)), (2, 1)),  # what is cropped after it was made
        (ConvTranspose(1, (2,), (1,), (PadPair(0, BIG - 9),), dilation_rate=(BIG,)), (3, 1)),
        (ConvTranspose(1, (1,), (1,), (PadPair(0, 0),), (2**29,), dilation_rate=(2**30,)), (3, 4)),  # what it is fed
        (ConvTranspose(2**20, (2**20,)), (3, 1)),
        (ConvTranspose(1, (BIG,)), (3, 1)),
        (SeparableConv(BIG, (3,), depth_multiplier=BIG), (9, 4)),
    ],
)
def test_what_asks_for_too_much_is_refused_at_once(kind: Kind, shape: tuple[Size, ...]) -> None:
    started = time.process_time()
    with pytest.raises(LimitError):
        traced(kind, shape)
    assert time.process_time() - started < 0.5


def test_the_range_of_a_symbol_leaves_out_what_is_cropped_away() -> None:
    found = trace(Stack((Node(Input((T, 1))), Node(ConvTranspose(1, (3,), (2,), (PadPair(4, 4),)), "it"))))
    assert str(found.layers[-1].done.spec.shape[1]) == "2 * T - 7"
    assert found.ranges == {"T": 4}
