"""Fixes of stacks: for every reason, what people usually mean comes first, and every fix that is offered works."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lamina_server.dims import Size, symbol
from lamina_server.errors import StackError
from lamina_server.layers.activations.functions import Relu, Softmax
from lamina_server.layers.base import Kind
from lamina_server.layers.broadcasting import Broadcasting, ConstantTensor
from lamina_server.layers.convolution.conv import Conv, DepthwiseConv
from lamina_server.layers.convolution.transposed import ConvTranspose
from lamina_server.layers.core.basics import Activation, Dense, Input
from lamina_server.layers.core.lookups import Embedding
from lamina_server.layers.holders import Block, BlockName
from lamina_server.layers.merging.arithmetic import Multiply, Subtract
from lamina_server.layers.merging.einsum import Einsum
from lamina_server.layers.merging.joining import Add, Concatenate, StackTensors
from lamina_server.layers.merging.ordering import TopK
from lamina_server.layers.merging.products import Dot, MatMul
from lamina_server.layers.merging.reductions import Reduce, Variance
from lamina_server.layers.normalization.normalizing import BatchNormalization, GroupNormalization, LayerNormalization
from lamina_server.layers.pooling.norm_pooling import LpPool
from lamina_server.layers.pooling.pools import AveragePool, GlobalAveragePool, MaxPool
from lamina_server.layers.recurrent.bidirectional import Bidirectional, Merge
from lamina_server.layers.recurrent.conv_lstm import ConvLSTM
from lamina_server.layers.recurrent.dense_cells import GRUCell, LSTMCell
from lamina_server.layers.recurrent.rnn import GRU, LSTM, RNN, SimpleRNN
from lamina_server.layers.shaping.reshaping import Flatten, Permute, RepeatVector, Reshape, ZeroPadding
from lamina_server.layers.tensors import Layout
from lamina_server.layers.windows import PadPair
from lamina_server.limits import Limits
from lamina_server.records import Diagnosis, Trace
from lamina_server.repair import Fix, InsertNode, RemoveNode, apply, repaired
from lamina_server.repair.writers import WRITERS
from lamina_server.stack import NamedStack, Node, Stack
from lamina_server.trace import trace
from lamina_server.wire.traces import encode_diagnosis

T = symbol("T")
LIMITS = Limits()
FIRST = Layout.CHANNELS_FIRST
ONE, TWO = PadPair(1, 1), (PadPair(1, 1), PadPair(1, 1))


class Case(NamedTuple):
    """A faulty stack, and how its fixes begin, in their order."""

    reason: str
    stack: Stack
    titles: tuple[str, ...]
    outcome: str


def chain(shape: tuple[Size, ...], *kinds: Kind, layout: Layout = Layout.CHANNELS_LAST, dtype: Any = None) -> Stack:
    entry = Input(shape, dtype) if dtype else Input(shape)
    return Stack((Node(entry), *map(Node, kinds)), layout)


def merged(
    left: tuple[Size, ...], right: tuple[Size, ...], merge: Kind, refs: tuple[str, ...] = ("left", "right")
) -> Stack:
    return Stack((Node(Input(left), "left"), Node(Input(right), "right"), Node(merge, "merge", tuple(refs))))


def expecting(kind: Kind, *expect: Size, shape: tuple[Size, ...] = (128, 9)) -> Stack:
    return Stack((Node(Input(shape)), Node(kind, "it", (), expect)))


def using(name: str, *known: str) -> Stack:
    blocks = tuple(NamedStack(one, Stack((Node(Input((4,))), Node(Dense(4))))) for one in known)
    return Stack((Node(Input((4,))), Node(Block(BlockName(name)))), blocks=blocks)


def sharing(units: int, name: str) -> Stack:
    return Stack((Node(Input((4,))), Node(Dense(4)), Node(Dense(units), weights_of=name)))


RELU, SAME_POOL = Activation(Relu()), MaxPool((2, 2), (1, 1), "same")
CASES = [
    # 1 of the reference's list of errors that people hit, and so on
    Case("RANK_MISMATCH", chain((68,), Conv(64, (2,), padding="same", activation=Relu())),
         ("68 moments of one signal: put Reshape((68, 1)) before it",
          '68 features in no order: use Dense(64, activation="relu") instead',
          "one vector to repeat at every step: put RepeatVector(n) before it, here n = 2"), "batch, 68 steps, 64"),
    Case("RANK_MISMATCH", chain((68,), Conv(64, (2,)), layout=FIRST),
         ("68 moments of one signal: put Reshape((1, 68)) before it",), "batch, 64 channels, 67 steps"),
    Case("RANK_MISMATCH", chain((28, 28), Conv(8, (3, 3))),
         ("28 x 28 values of one channel: put Reshape((28, 28, 1))",), "batch, height 26, width 26, 8 channels"),
    # 2
    Case("RANK_MISMATCH", chain((26721, 32, 32, 1), Conv(8, (3, 3))),
         ("26721 is the number of samples: an Input leaves the batch axis out, so declare Input((32, 32, 1))",),
         "batch, height 30, width 30, 8 channels"),
    # 3
    Case("RANK_MISMATCH", chain((9, 4), LSTM(32), LSTM(8)),
         ("lstm returns its last step only: set return_sequences=True there",), "batch, 8"),
    Case("RANK_MISMATCH", chain((9, 4), SimpleRNN(32), GRU(8)),
         ("simple_rnn returns its last step only: set return_sequences=True there",), "batch, 8"),
    Case("RANK_MISMATCH", chain((9, 4), RNN((GRUCell(6), LSTMCell(5))), Bidirectional(LSTM(8))),
         ("rnn returns its last step only: set return_sequences=True there",), "batch, 16"),
    Case("RANK_MISMATCH", chain((9, 4), Bidirectional(LSTM(8), Merge.SUM, GRU(8, go_backwards=True)), Conv(2, (3,))),
         ("bidirectional returns its last step only: set return_sequences=True there",), "batch, 7 steps, 2 channels"),
    Case("RANK_MISMATCH", chain((4, 9, 9, 2), ConvLSTM(3, (3, 3)), ConvLSTM(4, (3, 3))),
         ("conv_lstm2d returns its last step only: set return_sequences=True there",), "batch, height 5, width 5, 4"),
    Case("WINDOW_TOO_LONG", chain((4, 2, 9, 2), Bidirectional(ConvLSTM(3, (3, 3)))),
         ('keep the length: padding="same"', "a window that fits: kernel_size=(2, 3)"), "batch, height 2, width 9, 6"),
    Case("BAD_PADDING", chain((4, 9, 2), Bidirectional(ConvLSTM(3, (3,), padding="causal"))),
         ('keep the length: padding="same"', 'no padding: padding="valid"'), "batch, width 9, 6"),
    Case("UNSUPPORTED", chain((9, 2), Bidirectional(GRU(3, stateful=True))),
         ("states go in and out: stateful=False, return_state=True",), "batch, 6"),
    Case("RANK_MISMATCH", chain((9, 4), RELU, Flatten(), Bidirectional(LSTM(8))),
         ("flatten merges the axes this layer needs: take it out", "36 moments", "36 features in no order"),
         "batch, 16"),
    Case("RANK_MISMATCH", chain((7,), GRU(8), layout=FIRST),
         ("7 moments of one signal: put Reshape((7, 1)) before it", "7 features in no order: use Dense(8) instead"),
         "batch, 8"),
    Case("RANK_MISMATCH", chain((9, 4), RELU, Flatten(), Conv(8, (3,))),
         ("flatten merges the axes this layer needs: take it out",), "batch, 7 steps, 8"),
    Case("RANK_MISMATCH", chain((9, 4), RELU, RepeatVector(3)),
         ("36 numbers as one vector: put Flatten()", "one number for each channel"), "batch, 3 steps, 36"),
    Case("RANK_MISMATCH", chain((32, 32, 3), RELU, Conv(8, (3,))),
         ("height and width: use Conv2D(8, 3) instead", "32 steps of 96 numbers each: put Reshape((32, 96))"),
         "batch, height 30, width 30, 8"),
    # 4
    Case("DECLARED_MISMATCH", chain((9, 128), Conv(64, (5,), in_channels=9)),
         ("the 9 channels stand on the other axis: put Permute((2, 1)) before it", "the data is laid the other way"),
         "batch, 124 steps, 64"),
    # 5
    Case("DECLARED_MISMATCH", chain((124, 4), Flatten(), Dense(2, in_features=100)),
         ("declare what comes: in_features=496",), "batch, 2"),
    # 6
    Case("DECLARED_MISMATCH", chain((64, 30), Dense(5, in_features=1920)),
         ("1920 is all of 64 x 30: put Flatten() before it", "declare what comes: in_features=30"), "batch, 5"),
    Case("DECLARED_MISMATCH", chain((128, 128, 3), SAME_POOL, SAME_POOL, Flatten(), Dense(2, in_features=32 * 32 * 3)),
         ("declare what comes: in_features=49152", "each of the 2 pools before it has stride 1, so nothing shrinks"),
         "batch, 2"),
    # 7
    Case("WINDOW_TOO_LONG", chain((28, 28, 1), *[Conv(8, (3, 3)), MaxPool((2, 2))] * 3, MaxPool((2, 2))),
         ('keep the length: padding="same"', "nothing is left to pool here: take it out", "a window that fits"),
         "batch, height 1, width 1"),
    Case("WINDOW_TOO_LONG", chain((1, 8000), Conv(4, (5,))),
         ("steps and channels are swapped, 8000 steps of 1 channel: put Permute((2, 1)) before it",
          'the data is laid the other way: layout="channels_first" for the whole stack'), "batch, 7996 steps, 4"),
    Case("WINDOW_TOO_LONG", chain((3, 2), Conv(4, (5,))), ('keep the length: padding="same"', "a window that fits"),
         "batch, 3 steps, 4"),
    # 10
    Case("SIZE_MISMATCH", merged((225, 225, 64), (224, 224, 64), Concatenate()),
         ("right is shorter by 1 and 1: pad it with zeros at the end",), "batch, height 225, width 225, 128"),
    # 11
    Case("SIZE_MISMATCH", merged((8, 3), (8, 4), Add()),
         ("bring left to 4 channels by a convolution of size 1",), "batch, 8 steps, 4"),
    Case("SIZE_MISMATCH", merged((8,), (4,), Multiply()),
         ("bring right to 8 features by a dense layer",), "batch, 8"),
    Case("SIZE_MISMATCH", merged((5, 3), (T, 3), Subtract()), ("right declares T; declare 5: Input((5, 3))",),
         "batch, 5 steps, 3"),
    Case("SIZE_MISMATCH", merged((5, 4), (3, 4), MatMul()), ("turn the second input: transpose_b",),
         "batch, 5 steps, 3"),
    Case("SIZE_MISMATCH", merged((4, 5), (4, 3), MatMul()), ("turn the first input: transpose_a",),
         "batch, 5 channels, 3 channels"),
    Case("SIZE_MISMATCH", merged((5, 4), (4, 3), Dot((-1,))), ("sum along axes that agree, 4 in both: axes=(2, 1)",),
         "batch, 5 steps, 3 channels"),
    Case("SIZE_MISMATCH", chain((3, 8, 9), Multiply(ConstantTensor((0.1, 0.2, 0.3))), layout=FIRST),
         ("one constant for each of channels: shape (3, 1, 1)",), "batch, 3 channels, height 8, width 9"),
    Case("RANK_MISMATCH", merged((5, 3), (3,), Add(broadcasting=Broadcasting.NUMPY)),
         ('align batch with batch: broadcasting="keras"',), "batch, 5 steps, 3"),
    Case("BAD_AXIS", chain((8, 3), Reduce("mean", (0, 1))),
         ("the axes that there are: axis=(1,)", "all axes but the batch: axis not given"), "batch, 3"),
    Case("OUT_OF_RANGE", chain((8, 3), TopK(5)), ("the most that fits: k=3",), "batch, 8 steps, 3"),
    Case("OUT_OF_RANGE", chain((8, 3), Variance("variance", (1,), correction=8)), ("the most that fits: correction=7",),
         "batch, 3"),
    # 12
    Case("SIZE_MISMATCH", chain((24,), Reshape((5, 3))),
         ("let the size of axis 1 follow from the others: Reshape((-1, 3))", "24 numbers in one axis"),
         "batch, 8 steps, 3"),
    # 13
    Case("NOT_DIVISIBLE", chain((9, 12), Conv(10, (3,), groups=4)),
         ("the next multiple of 4: filters=12", "2 groups, which divides both 12 and 10: groups=2"),
         "batch, 7 steps, 12"),
    Case("NOT_DIVISIBLE", chain((9, 12), Conv(10, (3,), groups=5)), ("2 groups", "1 group"), "batch, 7 steps, 10"),
    Case("UNKNOWN_INPUT", merged((8, 3), (8, 3), Add(), ("left", "rigth")), ('take "right"',), "batch, 8 steps, 3"),
    Case("BAD_PADDING", chain((9, 9, 2), Conv(4, (3, 3), padding="causal")),
         ('keep the length: padding="same"', 'no padding: padding="valid"'), "batch, height 9, width 9, 4"),
    Case("BAD_PADDING", chain((9, 2), MaxPool((2,), (), "same", ceil_mode=True)),
         ('padding="same" rounds up by itself: ceil_mode=False',), "batch, 5 steps"),
    Case("BAD_PADDING", chain((9, 2), ConvTranspose(4, (3,), (2,), "same_lower")),
         ('length x stride: padding="same"', 'no padding: padding="valid"'), "batch, 18 steps, 4"),
    Case("BAD_PADDING", chain((9, 2), LpPool(2.0, (2,), padding="causal")), ('keep the length: padding="same"',),
         "batch, 5 steps"),
    Case("BAD_PERMUTATION", chain((9, 2), Permute((0, 2, 1))),
         ("the batch axis is not named: Permute((2, 1))",), "batch, 2 channels, 9 steps"),
    Case("BAD_PERMUTATION", chain((9, 2), Permute((1, 0))), ("axes are counted from 1: Permute((2, 1))",), "batch, 2"),
    Case("BAD_AXIS", merged((8, 3), (8, 3), Concatenate(0)),
         ("the last axis: axis=-1", "the first axis after the batch: axis=1"), "batch, 8 steps, 6"),
    Case("NOT_DIVISIBLE", chain((9, 12), GroupNormalization()),
         ("12 groups, which divides 12: groups=12", "6 groups"), "batch, 9 steps, 12 channels"),
    Case("BAD_AXIS", chain((9, 2), LayerNormalization((0,))), ("the last axis: axis=-1", "the first axis"), "batch, 9"),
    Case("BAD_AXIS", chain((9, 2), BatchNormalization(axis=7)), ("the last axis: axis=-1",), "batch, 9 steps, 2"),
    Case("SYMBOLIC_SIZE", chain((T, 9), Flatten(), Dense(2)),
         ("any length gives the same number of features: a global average pooling instead of flatten",), "batch, 2"),
    Case("EXPECTATION_NOT_MET", expecting(Conv(4, (3,)), 128, 4), ('keep the length: padding="same"',), "128 steps"),
    Case("EXPECTATION_NOT_MET", expecting(Conv(4, (3,)), 126, 7), ("filters=7",), "batch, 126 steps, 7 channels"),
    Case("EXPECTATION_NOT_MET", expecting(Dense(4), 128, 7), ("units=7",), "batch, 128 steps, 7"),
    Case("OUT_OF_RANGE", chain((9, 2), MaxPool((3,), (), (PadPair(2, 0),))), ("the most that fits: padding=((1, 0),)",),
         "batch, 3 steps"),
    Case("OUT_OF_RANGE", chain((9, 2), ConvTranspose(4, (3,), (2,), "same", (2,))),
         ("the most that fits: output_padding=(1,)",), "batch, 18 steps"),
    Case("NOT_DIVISIBLE", chain((9, 12), ConvTranspose(10, (3,), groups=4)),
         ("the next multiple of 4: filters=12", "2 groups"), "batch, 11 steps, 12"),
    Case("UNSUPPORTED", chain((9, 2), LSTM(3, stateful=True)),
         ("states go in and out: stateful=False, return_state=True",), "batch, 3"),
    Case("UNKNOWN_BLOCK", using("blok", "block"), ('use "block"',), "batch, 4"),
    Case("UNKNOWN_LAYER", sharing(4, "densee"), ("share those of dense", "weights of its own"), "batch, 4"),
    Case("WEIGHTS_DIFFER", sharing(5, "dense"), ("weights of its own",), "batch, 5"),
    Case("LENGTH_MISMATCH", chain((9, 9, 2), Conv(4, (3, 3), (2,))), ("2 numbers: strides=(2, 2)",),
         "batch, height 4, width 4, 4"),
    Case("DTYPE_MISMATCH", chain((9,), Embedding(4, 3)), ('convert input to int64: put Cast("int64") behind it',),
         "embedding: batch, 9 steps, 3"),
]  # fmt: skip


def diagnosed(stack: Stack) -> Diagnosis:
    with pytest.raises(StackError) as caught:
        trace(stack)
    return repaired(stack, caught.value.diagnosis, LIMITS)


def test_every_reason_with_a_writer_has_a_case() -> None:
    assert {case.reason for case in CASES} == set(WRITERS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.reason}: {case.titles[0][:30]}")
def test_what_is_meant_comes_first(case: Case) -> None:
    found = diagnosed(case.stack)
    assert found.reason == case.reason
    for fix, title in zip(found.fixes, case.titles, strict=False):
        assert fix.title.startswith(title)
    assert len(found.fixes) >= len(case.titles)
    assert case.outcome in found.fixes[0].outcome
    trace(apply(case.stack, found.fixes[0].stack_steps))
    check(case.stack, found)


def check(stack: Stack, found: Diagnosis) -> None:
    """Every fix clears its fault, those that leave none come first, and each shows what really comes out."""
    assert len(found.fixes) <= 3
    clean = [clears(stack, found, fix) for fix in found.fixes]
    assert clean == sorted(clean, reverse=True)
    assert len({fix.title for fix in found.fixes}) == len(found.fixes)
    assert all(fix.title.isprintable() and "  " not in fix.title for fix in found.fixes)
    encode_diagnosis(found).SerializeToString()


def clears(stack: Stack, found: Diagnosis, fix: Fix) -> bool:
    """Applies a fix and checks it; returns whether no fault is left."""
    assert fix.stack_steps and not fix.array_steps
    steps = fix.stack_steps
    shift = sum(isinstance(s, InsertNode) for s in steps) - sum(isinstance(s, RemoveNode) for s in steps)
    result, fault = traced(apply(stack, steps))
    assert fault is None or fault.index > found.index + shift
    layer = result.layers[min(found.index + shift, len(result.layers) - 1)]
    assert fix.outcome == f"{layer.name}: {layer.done.spec}"
    return fault is None


def traced(stack: Stack) -> tuple[Trace, Diagnosis | None]:
    """A trace, or as much of one as there is, with the fault."""
    try:
        return trace(stack), None
    except StackError as error:
        return error.diagnosis.partial, error.diagnosis


def test_a_fix_that_leaves_a_later_fault_is_offered_after_those_that_leave_none() -> None:
    stack = chain((68,), Conv(64, (2,)), Dense(3, in_features=64), Reshape((67, 3)))
    found = diagnosed(stack)
    assert [clears(stack, found, fix) for fix in found.fixes] == [True, False, False]


def test_reasons_without_a_writer_have_no_fixes() -> None:
    found = diagnosed(chain((9, 2), Einsum("a b")))
    assert (found.reason, found.fixes) == ("BAD_EQUATION", [])
    assert diagnosed(Stack(())).fixes == []


sizes = st.integers(1, 6)
pairs = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda pair: PadPair(*pair))


def ranked(rank: int) -> st.SearchStrategy[Any]:
    each, many = st.tuples(*[sizes] * rank), st.tuples(*[pairs] * rank)
    rules = st.sampled_from(["valid", "same", "causal"]) | many
    return st.one_of(
        st.builds(
            Conv, sizes, each, each | st.just(()), rules, groups=st.integers(1, 3), in_channels=st.none() | sizes
        ),
        st.builds(DepthwiseConv, each, padding=rules),
        st.builds(MaxPool, each, each | st.just(()), rules, ceil_mode=st.booleans()),
        st.builds(AveragePool, each, each | st.just(()), rules),
        st.builds(ZeroPadding, many),
    )


kinds: st.SearchStrategy[Any] = st.one_of(
    *map(ranked, (1, 2)),
    st.builds(Dense, sizes, in_features=st.none() | st.integers(1, 40)),
    st.builds(LSTM, sizes, return_sequences=st.booleans()),
    st.builds(Reshape, st.lists(st.integers(-1, 6), max_size=3).map(tuple)),
    st.builds(Permute, st.lists(st.integers(0, 3), max_size=3).map(tuple)),
    st.builds(BatchNormalization, st.none() | st.integers(-4, 4)),
    st.builds(RepeatVector, sizes),
    st.builds(Activation, st.builds(Softmax, st.integers(-4, 4))),
    st.just(Flatten()),
    st.just(GlobalAveragePool()),
    st.builds(Reduce, st.just("mean"), st.lists(st.integers(-4, 4), max_size=3).map(tuple), st.booleans()),
    st.builds(TopK, sizes, st.integers(-4, 4)),
    st.builds(Multiply, st.builds(ConstantTensor, st.lists(st.just(0.5), min_size=1, max_size=6).map(tuple))),
)
lengths: st.SearchStrategy[Size] = sizes | st.just(T)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(lengths, max_size=4), st.lists(kinds, min_size=1, max_size=5), st.sampled_from(Layout))
def test_whatever_is_offered_works(shape: list[Size], layers: Sequence[Kind], layout: Layout) -> None:
    stack = chain(tuple(shape), *layers, layout=layout)
    _, fault = traced(stack)
    if fault is not None:
        check(stack, repaired(stack, fault, LIMITS))


references = st.lists(st.sampled_from(["left", "right", "lefd", "merge", "later", "left:h"]), max_size=3).map(tuple)


@settings(deadline=None)
@given(
    st.lists(sizes, max_size=3),
    st.lists(sizes, max_size=3),
    st.sampled_from([Add(), Concatenate(), Concatenate(1), MatMul(), Dot((-1,)), Multiply(), StackTensors()]),
    references,
)
def test_whatever_is_offered_for_branches_works(
    left: list[int], right: list[int], merge: Kind, refs: tuple[str, ...]
) -> None:
    stack = merged(tuple(left), tuple(right), merge, refs)
    _, fault = traced(stack)
    if fault is not None:
        check(stack, repaired(stack, fault, LIMITS))
