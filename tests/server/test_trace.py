"""What the tracer owns: names, axes of Inputs, outputs, expectations, ranges. Costs: test_trace_cost.py."""

import os
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina_server.dims import Size, symbol
from lamina_server.errors import StackError
from lamina_server.layers.activations.functions import Relu
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv, DepthwiseConv
from lamina_server.layers.core.basics import Activation, Dense, Dropout, Input
from lamina_server.layers.merging.joining import Concatenate
from lamina_server.layers.merging.reductions import Variance
from lamina_server.layers.normalization.normalizing import BatchNormalization
from lamina_server.layers.pooling.pools import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
from lamina_server.layers.recurrent.rnn import LSTM
from lamina_server.layers.shaping.reshaping import Flatten, Permute, RepeatVector, Reshape, ZeroPadding
from lamina_server.layers.tensors import Layout, Role
from lamina_server.layers.windows import PadPair
from lamina_server.records import Diagnosis
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from tests.support import require

T, U = symbol("T"), symbol("U")
RELU = Activation(Relu())


def chain(shape: tuple[Size, ...], *kinds: Kind, layout: Layout = Layout.CHANNELS_LAST) -> Stack:
    return Stack((Node(Input(shape)), *map(Node, kinds)), layout)


def refused(stack: Stack) -> Diagnosis:
    with pytest.raises(StackError) as caught:
        trace(stack)
    found: Diagnosis = caught.value.diagnosis
    return found


def test_default_names_are_those_of_keras() -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = require("keras")
    keras.backend.clear_session()
    layers = keras.layers
    pairs: list[tuple[Kind, object]] = [
        (Conv(1, (1, 1)), layers.Conv2D(1, 1)),
        (Conv(1, (1, 1)), layers.Conv2D(1, 1)),
        (DepthwiseConv((1, 1)), layers.DepthwiseConv2D(1)),
        (BatchNormalization(), layers.BatchNormalization()),
        (RELU, layers.Activation("relu")),
        (MaxPool((1, 1)), layers.MaxPooling2D(1)),
        (AveragePool((1, 1)), layers.AveragePooling2D(1)),
        (ZeroPadding((PadPair(1, 1),) * 2), layers.ZeroPadding2D(1)),
        (Dropout(), layers.Dropout(0.5)),
        (Conv(1, (1, 1)), layers.Conv2D(1, 1)),
        (Permute((2, 1, 3)), layers.Permute((2, 1, 3))),
        (GlobalAveragePool(), layers.GlobalAveragePooling2D()),
        (RepeatVector(4), layers.RepeatVector(4)),
        (Conv(2, (1,)), layers.Conv1D(2, 1)),
        (DepthwiseConv((1,)), layers.DepthwiseConv1D(1)),
        (MaxPool((1,)), layers.MaxPooling1D(1)),
        (LSTM(3, return_sequences=True), layers.LSTM(3)),
        (GlobalMaxPool(), layers.GlobalMaxPooling1D()),
        (Dense(8), layers.Dense(8)),
        (Reshape((2, 2, 2, 1)), layers.Reshape((2, 2, 2, 1))),
        (Conv(1, (1, 1, 1)), layers.Conv3D(1, 1)),
        (AveragePool((1, 1, 1)), layers.AveragePooling3D(1)),
        (Flatten(), layers.Flatten()),
        (Dense(1), layers.Dense(1)),
    ]
    found = trace(chain((4, 4, 2), *(kind for kind, _ in pairs)))
    assert [layer.name for layer in found.layers[1:]] == [layer.name for _, layer in pairs]  # type: ignore[attr-defined]


def test_default_names_keep_clear_of_given_ones() -> None:
    nodes = (Node(Input((4,))), Node(Dense(2)), Node(Dense(2), "dense_1"), Node(Dense(2)), Node(Dense(2), "dense"))
    assert [layer.name for layer in trace(Stack(nodes)).layers] == ["input", "dense_2", "dense_1", "dense_3", "dense"]


@pytest.mark.parametrize(
    ("taker", "shape", "layout", "roles"),
    [
        (Conv(1, (1,)), (9, 2), Layout.CHANNELS_LAST, (Role.STEPS, Role.CHANNELS)),
        (Conv(1, (1,)), (2, 9), Layout.CHANNELS_FIRST, (Role.CHANNELS, Role.STEPS)),
        (Conv(1, (1,), data_format=Layout.CHANNELS_LAST), (9, 2), Layout.CHANNELS_FIRST, (Role.STEPS, Role.CHANNELS)),
        (LSTM(1), (9, 2), Layout.CHANNELS_FIRST, (Role.STEPS, Role.FEATURES)),
        (Dense(1), (9,), Layout.CHANNELS_LAST, (Role.FEATURES,)),
        (Flatten(), (4, 5, 6, 2), Layout.CHANNELS_LAST, (Role.DEPTH, Role.HEIGHT, Role.WIDTH, Role.CHANNELS)),
        (Flatten(), (1,) * 5, Layout.CHANNELS_LAST, (Role.NONE,) * 5),
    ],
)
def test_axes_of_an_input_are_what_its_first_taker_says(
    taker: Kind, shape: tuple[int, ...], layout: Layout, roles: Sequence[Role]
) -> None:
    axes = trace(chain(shape, taker, layout=layout)).layers[0].done.spec.axes
    assert [axis.role for axis in axes] == [Role.BATCH, *roles]


def test_sizes_without_a_name_are_named_after_their_axes() -> None:
    anonymous = symbol("?")
    nodes = (
        Node(Input((anonymous, 2)), "left"),
        Node(Input((anonymous, 2)), "right"),
        Node(Concatenate(1), "both", ("left", "right")),
        Node(GlobalAveragePool()),
    )
    found = trace(Stack(nodes))
    assert str(found.layer("both").done.spec) == "batch, T + T_right steps, 2 channels"
    assert found.symbols == {"T", "T_right"}
    image = trace(chain((anonymous, anonymous, anonymous), MaxPool((1, 1)))).layers[0].done.spec
    assert str(image) == "batch, height H, width W, C channels"


def test_several_outputs() -> None:
    nodes = (
        Node(Input((5, 3)), "x"),
        Node(LSTM(4, return_sequences=True, return_state=True), "lstm"),
        Node(Dense(2), "y"),
    )
    found = trace(Stack(nodes, outputs=("lstm:state_c", "y", "lstm")))
    assert found.outputs == ("lstm:state_c", "y", "lstm")
    assert {ref: str(spec) for ref, spec in found.specs.items()} == {
        "x": "batch, 5 steps, 3",
        "lstm": "batch, 5 steps, 4",
        "lstm:state_h": "batch, 4",
        "lstm:state_c": "batch, 4",
        "y": "batch, 5 steps, 2",
    }
    assert trace(Stack(nodes)).outputs == ("y",)


@pytest.mark.parametrize(
    ("outputs", "reason", "said"),
    [
        (("densee",), "UNKNOWN_OUTPUT", 'outputs[0] names "densee", which no layer gives; did you mean "dense"?'),
        (("input", "dense:h"), "UNKNOWN_OUTPUT", 'outputs[1] names "dense:h"'),
        (("dense", "input", "dense"), "DUPLICATE_OUTPUT", 'outputs name "dense" twice.'),
    ],
)
def test_outputs_that_are_not_there(outputs: tuple[str, ...], reason: str, said: str) -> None:
    found = refused(replace(chain((4,), Dense(1)), outputs=outputs))
    assert (found.reason, found.field) == (reason, f"stack.outputs[{len(outputs) - 1}]")
    assert said in found.message


@pytest.mark.parametrize("expect", [(64, 32), (symbol("?"), 32), (symbol("?"), symbol("?"))])
def test_expectations_that_are_met(expect: tuple[Size, ...]) -> None:
    trace(Stack((Node(Input((128, 1))), Node(Conv(32, (5,), (2,), "same"), None, (), expect))))


@pytest.mark.parametrize(
    ("expect", "listed"), [((128, 32), "128, 32"), ((64,), "64,"), ((T, 32), "T, 32"), ((64, 32, 1), "64, 32, 1")]
)
def test_expectations_that_are_not_met(expect: tuple[Size, ...], listed: str) -> None:
    found = refused(Stack((Node(Input((128, 1))), Node(Conv(32, (5,), (2,), "same"), "c", (), expect))))
    assert (found.reason, found.field) == ("EXPECTATION_NOT_MET", "stack.layers[1].expect")
    assert f"c (Conv1D) is expected to give ({listed}) but gives (64, 32)" in found.message


def test_symbolic_expectations() -> None:
    layer = Node(Conv(4, (5,), (2,), "same"), None, (), (symbol("?"), 4))
    assert (
        str(trace(Stack((Node(Input((T, 1))), layer))).layers[-1].done.spec) == "batch, ceil(T / 2) steps, 4 channels"
    )
    same = Node(Conv(4, (5,), padding="same"), None, (), (T, 4))
    assert trace(Stack((Node(Input((T, 1))), same))).layers[-1].done.spec.shape[1:] == (T, 4)


@pytest.mark.parametrize(
    ("kinds", "smallest"),
    [
        ((Conv(1, (10,)),), 10),
        ((Conv(1, (10,), padding="same"),), 1),
        ((Conv(1, (3,)), MaxPool((2,))) * 3, 22),
        ((Conv(1, (3,), dilation_rate=(4,)), Conv(1, (3,))), 11),
        ((ZeroPadding((PadPair(1, 1),)), Conv(1, (9,))), 7),
        ((MaxPool((2,), ceil_mode=True), Conv(1, (2,))), 3),
        ((Variance("variance", (1,), correction=6),), 7),
        ((Variance("variance", (1, 2), correction=6),), 4),
    ],
)
def test_the_smallest_legal_length(kinds: Sequence[Kind], smallest: int) -> None:
    assert trace(chain((T, 2), *kinds)).ranges == {"T": smallest}


def test_ranges_of_several_symbols() -> None:
    found = trace(chain((T, U, 2), Conv(1, (3, 5)), MaxPool((2, 1))))
    assert found.ranges == {"T": 4, "U": 5}
    assert trace(chain((8, 2), Dense(1))).ranges == {}


pads = st.tuples(st.integers(0, 1), st.integers(0, 1)).map(lambda pair: (PadPair(*pair),))
rules = st.sampled_from(["valid", "same", "causal"])
windows = st.one_of(
    st.builds(Conv, st.just(1), st.tuples(st.integers(1, 5)), st.tuples(st.integers(1, 3)), rules | pads,
              dilation_rate=st.tuples(st.integers(1, 2))),
    st.builds(MaxPool, st.tuples(st.integers(2, 4)), st.tuples(st.integers(1, 3)), st.just("valid") | pads,
              ceil_mode=st.booleans()),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(windows, min_size=1, max_size=4))
def test_the_smallest_legal_length_is_the_first_that_is_traced(kinds: list[Kind]) -> None:
    smallest = trace(chain((T, 1), *kinds)).ranges["T"]
    trace(chain((smallest, 1), *kinds))
    if smallest > 1:
        assert refused(chain((smallest - 1, 1), *kinds)).reason in {"WINDOW_TOO_LONG", "EMPTY_RESULT"}
