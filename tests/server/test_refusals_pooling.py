"""What pools refuse, and what they say of it."""

import time

import pytest

from lamina_server.dims import Size, symbol
from lamina_server.errors import LimitError, StackError
from lamina_server.layers.base import Kind
from lamina_server.layers.core.basics import Input
from lamina_server.layers.pooling.adaptive import AdaptiveAveragePool, AdaptiveMaxPool
from lamina_server.layers.pooling.norm_pooling import GlobalLpPool, LpPool
from lamina_server.layers.pooling.pools import AveragePool, MaxPool
from lamina_server.layers.pooling.unpooling import MaxUnpool
from lamina_server.layers.tensors import DType
from lamina_server.layers.windows import PadPair
from lamina_server.limits import Limits
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from tests.contract.running import model

T, BIG = symbol("T"), 2**31 - 1
SEQUENCE, IMAGE = (9, 4), (8, 8, 4)


def around(kind: Kind, *shapes: tuple[Size, ...], dtypes: tuple[DType, ...] = ()) -> Stack:
    types = dtypes or (DType.FLOAT32, DType.INT64)[: len(shapes)]
    names = tuple("abc"[: len(shapes)])
    rows = zip(names, shapes, types, strict=True)
    return Stack((*(Node(Input(shape, dtype), name) for name, shape, dtype in rows), Node(kind, "it", names)))


@pytest.mark.parametrize(
    ("kind", "shapes", "reason", "said"),
    [
        (AdaptiveAveragePool((2, 2)), [SEQUENCE], "RANK_MISMATCH", "needs batch, height, width, channels"),
        (AdaptiveAveragePool(()), [SEQUENCE], "BAD_RANK", "output_size has 0 sizes; there must be 1, 2 or 3"),
        (AdaptiveMaxPool((1,) * 4), [SEQUENCE], "BAD_RANK", "it (AdaptiveMaxPooling) output_size has 4 sizes"),
        (AdaptiveMaxPool((-1,)), [SEQUENCE], "OUT_OF_RANGE", "output_size=-1; it must be 0 or more"),
        (LpPool(2, (10,)), [SEQUENCE], "WINDOW_TOO_LONG", "window of 10 along steps, longer than the 9 steps there"),
        (LpPool(0, (2,)), [SEQUENCE], "OUT_OF_RANGE", "norm_type=0; it must be 0.01 or more"),
        (LpPool(-2, (2,)), [SEQUENCE], "OUT_OF_RANGE", "norm_type=-2; it must be 0.01 or more"),
        (LpPool(float("inf"), (2,)), [SEQUENCE], "OUT_OF_RANGE", "norm_type=inf, which is not a number"),
        (LpPool(2, (2,), padding="causal"), [SEQUENCE], "BAD_PADDING", "exists for convolutions"),
        (LpPool(2, (3,), padding=(PadPair(2, 0),)), [SEQUENCE], "OUT_OF_RANGE", "more than half of the window of 3"),
        (LpPool(2, (3,), padding="same", ceil_mode=True), [SEQUENCE], "BAD_PADDING", "already rounds up"),
        (GlobalLpPool(float("nan")), [SEQUENCE], "OUT_OF_RANGE", "norm_type=nan, which is not a number"),
        (GlobalLpPool(rank=2), [SEQUENCE], "RANK_MISMATCH", "needs batch, height, width, channels"),
        (MaxPool((3,), dilation_rate=(5,)), [SEQUENCE], "WINDOW_TOO_LONG",
         "window of 3 spread over 11 by dilation_rate 5 along steps"),
        (MaxPool((3,), dilation_rate=(1, 1)), [SEQUENCE], "LENGTH_MISMATCH", "dilation_rate has 2 numbers, but"),
        (MaxPool((3,), dilation_rate=(0,)), [SEQUENCE], "OUT_OF_RANGE", "dilation_rate=0; it must be 1 or more"),
        # As PyTorch: half of the window, not of what it is spread over.
        (MaxPool((3,), (), (PadPair(2, 2),), dilation_rate=(3,)), [SEQUENCE], "OUT_OF_RANGE", "half of the window of"),
        (AveragePool((2,), divisor_override=0), [SEQUENCE], "OUT_OF_RANGE", "divisor_override=0; it must be 1 or more"),
        (MaxUnpool((2,)), [SEQUENCE], "INPUT_COUNT", "takes 2 inputs"),
        (MaxUnpool((2,)), [SEQUENCE, (9, 3)], "SIZE_MISMATCH", "one index for each value, but a is batch, 9 steps"),
        (MaxUnpool((2,), padding="same"), [SEQUENCE] * 2, "BAD_PADDING", "depends on the length that was pooled"),
        (MaxUnpool((2,), output_size=(5, 5)), [SEQUENCE] * 2, "LENGTH_MISMATCH", "output_size has 2 numbers"),
        (MaxUnpool((2,), padding=(PadPair(2, 0),)), [SEQUENCE] * 2, "OUT_OF_RANGE", "more than half of the"),
        (MaxUnpool((2,), (1,), (PadPair(1, 1),)), [(1, 4)] * 2, "EMPTY_RESULT", "nothing at all"),
        (MaxUnpool((2, 2)), [SEQUENCE] * 2, "RANK_MISMATCH", "needs batch, height, width, channels"),
    ],
)  # fmt: skip
def test_refused(kind: Kind, shapes: list[tuple[Size, ...]], reason: str, said: str) -> None:
    with pytest.raises(StackError) as caught:
        trace(around(kind, *shapes))
    assert caught.value.reason == reason
    assert said in caught.value.message
    assert caught.value.message.startswith("it (")


@pytest.mark.parametrize("kind", [AdaptiveMaxPool((2,)), AdaptiveAveragePool((2,)), LpPool(2, (2,)), GlobalLpPool()])
def test_integers_are_refused(kind: Kind) -> None:
    with pytest.raises(StackError, match="floating-point numbers") as caught:
        trace(around(kind, SEQUENCE, dtypes=(DType.INT32,)))
    assert caught.value.reason == "DTYPE_MISMATCH"


def test_indices_are_whole_numbers() -> None:
    for dtypes, said in (((DType.FLOAT32,) * 2, "takes int64, but b is float32"), ((DType.INT64,) * 2, "a is int64")):
        with pytest.raises(StackError, match=said) as caught:
            trace(around(MaxUnpool((2,)), SEQUENCE, SEQUENCE, dtypes=dtypes))
        assert caught.value.reason == "DTYPE_MISMATCH"


@pytest.mark.parametrize(
    ("kind", "shapes"),
    [
        (AdaptiveMaxPool((BIG,)), [(2, 4)]),
        (AdaptiveAveragePool((2**30,)), [(2**31 - 3, 1)]),  # bins side by side
        (LpPool(2, (BIG,)), [(BIG, 1)]),
        (MaxUnpool((2,), output_size=(BIG,)), [(9, 4)] * 2),
        (MaxUnpool((BIG,)), [(9, 4)] * 2),
    ],
)
def test_what_asks_for_too_much_is_refused_at_once(kind: Kind, shapes: list[tuple[Size, ...]]) -> None:
    started = time.process_time()
    with pytest.raises(LimitError):
        trace(around(kind, *shapes), Limits(max_activation_bytes=2**32))
    assert time.process_time() - started < 0.5


def test_a_dilated_window_reads_its_taps_alone() -> None:
    """2 x 900 000 elements, not the 100 001 that each window spans."""
    trace(around(MaxPool((2,), (1,), dilation_rate=(100_000,)), (1_000_000, 1)), Limits(max_macs=2_000_000))


def test_a_model_of_long_bins_is_small() -> None:
    """Indices of bins are computed where the model runs: a list would be as long as the axis."""
    made = trace(around(AdaptiveMaxPool((7,)), (2**24 + 1, 1)))
    assert len(model(made.stack, None).onnx) < 10_000  # type: ignore[arg-type]  # there are no weights to draw
