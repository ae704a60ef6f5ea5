"""What a trace costs, and what a traced stack would: limits, peaks of memory, and stacks made to be expensive."""

import re
import time
from collections.abc import Callable
from math import prod

import pytest

from lamina_server.dims import Size, symbol
from lamina_server.errors import LimitError, StackError
from lamina_server.layers.activations.functions import Relu
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.core.basics import Activation, Dense, Input
from lamina_server.layers.merging.einsum import Einsum
from lamina_server.layers.merging.joining import Add, Concatenate
from lamina_server.layers.merging.products import CosineSimilarity, PairwiseDistance
from lamina_server.layers.pooling.pools import MaxPool
from lamina_server.layers.recurrent.rnn import LSTM
from lamina_server.layers.shaping.reshaping import Flatten, Reshape
from lamina_server.layers.windows import PadPair
from lamina_server.limits import Limits, grouped_count, human_bytes
from lamina_server.records import Trace
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from lamina_server.wire.traces import encode_trace

T, U, V = symbol("T"), symbol("U"), symbol("V")
RELU = Activation(Relu())
HALF = MaxPool((2,), (), "same")


def chain(shape: tuple[Size, ...], *kinds: Kind) -> Stack:
    return Stack((Node(Input(shape)), *map(Node, kinds)))


@pytest.mark.parametrize(
    ("limits", "stack", "numbers"),
    [
        (Limits(max_layers=3), chain((2,), *[RELU] * 3), ("4", "3")),
        (Limits(max_rank=4), chain((2, 3, 4, 5), RELU), ("5", "4")),
        (Limits(max_tensor_elements=999), chain((10, 10), Dense(100)), ("1 000", "999")),
        (Limits(max_tensor_elements=999), chain((1000,), Dense(1)), ("1 000", "999")),
        (Limits(max_weight_bytes=1000), chain((16,), Dense(16)), ("1.1 KiB", "1000 bytes")),
        (Limits(max_macs=255), chain((16,), Dense(16)), ("256", "255")),
        (Limits(max_macs=400), chain((16,), Dense(16), Dense(10)), ("416", "400")),
        (Limits(max_activation_bytes=1000), chain((512,), RELU), ("4 KiB", "1000 bytes")),
    ],
)
def test_limits_are_told_with_both_numbers_and_their_setting(
    limits: Limits, stack: Stack, numbers: tuple[str, str]
) -> None:
    with pytest.raises(LimitError) as caught:
        trace(stack, limits)
    name = caught.value.facts["limit"]
    assert f"LAMINA_{name.upper()}" in caught.value.message
    assert int(caught.value.facts["maximum"]) == getattr(limits, name) < int(caught.value.facts["value"])
    for number in numbers:
        assert number in caught.value.message


def test_what_just_fits_is_admitted() -> None:
    limits = Limits(4, 2, 100, (16 * 100 + 100) * 4, 16 * 100, (16 + 100 + 100) * 4)
    assert trace(chain((16,), Dense(100), RELU, RELU), limits).macs == 1600


def test_the_largest_weight_is_named() -> None:
    with pytest.raises(LimitError, match=r"Largest: dense_1, 3\.6 KiB") as caught:
        trace(chain((8,), Dense(8), Dense(116), Dense(2)), Limits(max_weight_bytes=5000))
    assert caught.value.facts["largest"] == "dense_1"


def test_default_limits_refuse_at_once_what_nobody_can_run() -> None:
    with pytest.raises(LimitError, match="elements"):
        trace(chain((2**31 - 1, 2**31 - 1), RELU))
    with pytest.raises(LimitError, match="weights"):
        trace(chain((2**20,), Dense(2**31 - 1)))
    with pytest.raises(LimitError, match="padding included"):
        trace(chain((1, 1), Conv(1, (3,), (2**31 - 1,), (PadPair(2**31 - 1, 2**31 - 1),))))


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (int(1.9 * 2**30), "1.9 GiB"),
        (8 * 2**30, "8 GiB"),
        (2**63, "8 EiB"),
    ],
)
def test_bytes_in_words(count: int, text: str) -> None:
    assert human_bytes(count) == text


def test_counts_in_words() -> None:
    assert grouped_count(20 * 10**12) == "20 000 000 000 000"
    assert grouped_count(10**30) == "about 10^30"


def peak(*nodes: Node, outputs: tuple[str, ...] = ()) -> Size | None:
    return trace(Stack(nodes, outputs=outputs)).peak_bytes


def test_peak_bytes_of_a_chain() -> None:
    """Input 8 x 2 = 64 bytes, convolution 6 x 4 = 96, flatten 96, dense 8: most while the two of 96 are there."""
    nodes = (Node(Input((8, 2))), Node(Conv(4, (3,))), Node(Flatten()), Node(Dense(2)))
    assert peak(*nodes) == 192
    assert peak(*nodes, outputs=("input", "dense")) == 64 + 192


def test_peak_bytes_of_a_skip_connection() -> None:
    """The input of 64 bytes waits for the sum: three tensors are there while the second relu and the sum are made."""
    nodes = (Node(Input((8, 2)), "x"), Node(RELU, "a"), Node(RELU, "b"))
    assert peak(*nodes) == 128
    assert peak(*nodes, Node(Add(), "sum", ("x", "b"))) == 192
    assert peak(*nodes, Node(Add(), "sum", ("a", "b"))) == 192
    assert peak(*nodes, outputs=("a", "b")) == 128


def test_peak_bytes_of_outputs_that_nobody_takes() -> None:
    """Both states (2 x 12 bytes) are made beside the 12 of the main output, and go at once."""
    nodes = (Node(Input((5, 4)), "x"), Node(LSTM(3, return_state=True), "lstm"), Node(Dense(40), "dense"))
    assert peak(*nodes) == 12 + 160
    assert peak(*nodes[:2]) == 80 + 3 * 12
    assert peak(*nodes, outputs=("lstm:state_h", "dense")) == 12 + 12 + 160


def test_peak_bytes_with_pads_that_may_be_a_tensor_of_their_own() -> None:
    assert peak(Node(Input((1, 1))), Node(Conv(1, (99,), padding="same"))) == 99 * 4


@pytest.mark.parametrize(
    ("shapes", "kind", "elements"),
    [
        (((4, 1, 3), (1, 5, 3)), CosineSimilarity(-1), 60),
        (((4, 1, 3), (1, 5, 3)), PairwiseDistance(), 60),
        (((4,), (5,), (4,), (5,)), Einsum("bi,bj,bi,bj->b"), 20),
        (((4,), (5,), (4,)), Einsum("bi,bj,bi->b"), 4),
        (((4, 5), (5, 6)), Einsum("bij,bjk->bik"), 0),
        (((4,), (5,)), Einsum("bi,bj->b"), 0),
    ],
)
def test_what_is_held_on_the_way_counts(shapes: tuple[tuple[int, ...], ...], kind: Kind, elements: int) -> None:
    """Vectors of every pair, and what einsum multiplies before it sums, can be far larger than what goes in and out."""
    names = "abcd"[: len(shapes)]
    entries = [Node(Input(shape), name) for shape, name in zip(shapes, names, strict=True)]
    found = trace(Stack((*entries, Node(kind, "it", tuple(names)))))
    assert found.layers[-1].done.scratch == elements
    alive = sum(prod(shape) for shape in shapes) + found.layers[-1].done.spec.elements
    assert found.peak_bytes == 4 * (alive + elements)
    if elements > 40:
        with pytest.raises(LimitError, match='that "it" makes on the way per sample is 60; this server admits 59'):
            trace(found.stack, Limits(max_tensor_elements=59))


def test_peak_bytes_over_symbols_are_not_known() -> None:
    assert peak(Node(Input((T, 2))), Node(RELU)) is None


def _seconds(count: int) -> float:
    """Processor time to trace and encode so many layers of several kinds, the least of three."""
    kinds = (Conv(4, (3,), padding="same"), RELU, MaxPool((2,), (1,), "same"), Dense(4))
    stack = chain((32, 4), *(kinds * count)[: count - 1])
    times = []
    for _ in range(3):
        begun = time.process_time()
        encode_trace(trace(stack))
        times.append(time.process_time() - begun)
    return min(times)


def test_the_cost_grows_with_the_number_of_layers_and_no_faster() -> None:
    _seconds(10)
    assert _seconds(1000) / _seconds(100) < 20


def _merged(count: int) -> Stack:
    """Every layer is longer than the one before by half of it."""
    nodes = [Node(Input((T, 1)), "x0")]
    for i in range(1, count):
        nodes += [Node(HALF, f"p{i}", (f"x{i - 1}",)), Node(Concatenate(1), f"x{i}", (f"x{i - 1}", f"p{i}"))]
    return Stack(tuple(nodes))


def _doubled(count: int) -> Stack:
    nodes = [Node(Input((T, 1)), "x0")]
    nodes += [Node(Concatenate(1), f"x{i}", (f"x{i - 1}",) * 2) for i in range(1, count)]
    return Stack(tuple(nodes))


def _wide_sum() -> Stack:
    names = [f"x{i}" for i in range(20)]
    inputs = [Node(Input((symbol(f"s{i}"), 1)), name) for i, name in enumerate(names)]
    return Stack((*inputs, Node(Concatenate(1), None, tuple(names))))


EXPENSIVE: dict[str, Callable[[], Stack]] = {
    "convolutions": lambda: chain((T, 1), *[Conv(1, (3,))] * 4095),
    "volumes": lambda: chain((T, U, V, 2), *[Conv(2, (3, 3, 3))] * 1000),
    "strided convolutions": lambda: chain((T, 1), *[Conv(1, (3,), (2,))] * 4095),
    "strided volumes": lambda: chain((T, U, V, 2), *[Conv(2, (3, 3, 3), (2, 2, 2))] * 4095),
    "same": lambda: chain((T, 1), *[Conv(1, (3,), (3,), "same")] * 4095),
    "short windows": lambda: chain((T, 1), *[Conv(1, (2,), (3,), "same")] * 4095),
    "padded pools": lambda: chain((T, 1), *[MaxPool((3,), (2,), (PadPair(1, 1),), ceil_mode=True)] * 4095),
    "reshapes": lambda: chain((T, 6), *[Reshape((-1, 1)), MaxPool((5,), (2,))] * 500),
    "merges": lambda: _merged(2000),
    "doubling": lambda: _doubled(1000),
    "symbols": _wide_sum,
    "activations": lambda: chain((T, U, V, 2), *[RELU] * 1000),
}


@pytest.mark.parametrize("made", EXPENSIVE.values(), ids=EXPENSIVE)
def test_deep_symbolic_stacks_are_traced_or_refused_soon(made: Callable[[], Stack]) -> None:
    begun = time.process_time()
    refusal = _refusal(made())
    assert time.process_time() - begun < 30
    if refusal is not None:
        assert refusal.reason == "TOO_COMPLEX"
        assert re.search("cannot be traced exactly: a size became|more than 16 symbols", refusal.message)
        assert len(refusal.message) < 200


def _refusal(stack: Stack) -> StackError | None:
    try:
        _encodable(trace(stack))
    except StackError as error:
        return error
    return None


def _encodable(found: Trace) -> None:
    encode_trace(found).SerializeToString()


@pytest.mark.parametrize("count", [70, 1100])
def test_a_field_larger_than_any_number_is_left_out(count: int) -> None:
    _encodable(trace(chain((1, 1), *[HALF] * count)))


@pytest.mark.parametrize("pool", [HALF, MaxPool((2,))])
def test_a_length_that_no_number_reaches_is_refused(pool: Kind) -> None:
    with pytest.raises(StackError, match="cannot be traced exactly"):
        trace(chain((T, 1), *[pool] * 100))
