"""Receptive fields: formulas by hand, and against which inputs really change an output."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina_server.dims import Size, symbol
from lamina_server.layers.activations.functions import Relu
from lamina_server.layers.attention.multi_head import MultiHeadAttention
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv, DepthwiseConv
from lamina_server.layers.convolution.transposed import ConvTranspose
from lamina_server.layers.core.basics import Activation, Dense, Input
from lamina_server.layers.core.held import Parameter
from lamina_server.layers.merging.joining import Add, Concatenate
from lamina_server.layers.pooling.adaptive import AdaptiveAveragePool, AdaptiveMaxPool
from lamina_server.layers.pooling.pools import AveragePool, GlobalAveragePool, MaxPool
from lamina_server.layers.recurrent.bidirectional import Bidirectional
from lamina_server.layers.recurrent.conv_lstm import ConvLSTM
from lamina_server.layers.recurrent.rnn import LSTM
from lamina_server.layers.shaping.reshaping import Flatten, Permute, Reshape, ZeroPadding
from lamina_server.layers.tensors import Layout, Role
from lamina_server.layers.windows import PadPair
from lamina_server.receptive import Field
from lamina_server.records import Trace
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace

STEPS, HEIGHT, WIDTH = Role.STEPS, Role.HEIGHT, Role.WIDTH


def chain(*kinds: Kind, shape: tuple[Size, ...] = (64, 2), layout: Layout = Layout.CHANNELS_LAST) -> Trace:
    return trace(Stack((Node(Input(shape)), *map(Node, kinds)), layout))


def test_four_convolutions_in_a_row_see_5_9_13_17() -> None:
    found = chain(*[Conv(64, (5,))] * 4, shape=(1, 740), layout=Layout.CHANNELS_FIRST)
    assert [layer.done.spec.shape[1:] for layer in found.layers[1:]] == [(64, n) for n in (736, 732, 728, 724)]
    assert [layer.params for layer in found.layers[1:]] == [384, 20544, 20544, 20544]
    fields = [layer.receptive[STEPS] for layer in found.layers]
    assert [field.size for field in fields] == [1, 5, 9, 13, 17]
    assert [field.jump for field in fields] == [1] * 5
    assert [field.start for field in fields] == [0, 2, 4, 6, 8]


@pytest.mark.parametrize(
    ("kinds", "fields"),
    [
        ((Conv(4, (3,), (2,)), Conv(4, (3,), (2,))), [Field(3, 2, 1), Field(7, 4, 3)]),
        ((MaxPool((2,)), MaxPool((2,)), Conv(1, (3,))), [Field(2, 2, 0.5), Field(4, 4, 1.5), Field(12, 4, 5.5)]),
        ((Conv(4, (3,), dilation_rate=(4,)),), [Field(9, 1, 4)]),
        ([Conv(4, (2,), padding="causal", dilation_rate=(d,)) for d in (1, 2, 4)],
         [Field(2, 1, -0.5), Field(4, 1, -1.5), Field(8, 1, -3.5)]),
        ((Conv(4, (5,), padding="same"),), [Field(5, 1, 0)]),
        ((Conv(4, (4,), padding="same"),), [Field(4, 1, 0.5)]),
        ((Conv(4, (4,), padding="same_lower"),), [Field(4, 1, -0.5)]),
        ((Conv(4, (5,), (2,), "same"),), [Field(5, 2, 1)]),
        ((DepthwiseConv((3,), padding=(PadPair(2, 0),)),), [Field(3, 1, -1)]),
        ((ZeroPadding((PadPair(3, 1),)), Conv(4, (3,))), [Field(1, 1, -3), Field(3, 1, -2)]),
        ((AveragePool((3,), (1,)), Activation(Relu())), [Field(3, 1, 1)] * 2),
        ((MaxPool((3,), (2,), dilation_rate=(2,)),), [Field(5, 2, 2)]),
        # With a stride of 1 a transposed convolution is another way to write a convolution.
        ((ConvTranspose(4, (3,), padding="same"),), [Field(3, 1, 0)]),
        ((ConvTranspose(4, (3,)), Conv(4, (3,))), [Field(3, 1, -1), Field(5, 1, 0)]),
        ((ConvTranspose(4, (2,), padding=(PadPair(5, 0),)),), [Field(2, 1, 4.5)]),
        ((AdaptiveMaxPool((16,)), AdaptiveMaxPool((0,))), [Field(4, 4, 1.5)] * 2),
    ],
)  # fmt: skip
def test_windows_along_one_axis(kinds: Sequence[Kind], fields: Sequence[Field]) -> None:
    assert [layer.receptive[STEPS] for layer in chain(*kinds).layers[1:]] == fields


@pytest.mark.parametrize(
    "kind", [ConvTranspose(4, (3,), (2,), "same"), AdaptiveAveragePool((7,)), AdaptiveAveragePool((1,))]
)
def test_neighbours_that_see_different_numbers_have_no_field(kind: Kind) -> None:
    found = chain(kind, Conv(2, (3,), padding="same"))
    assert [layer.receptive for layer in found.layers[1:]] == [{}, {}]


def test_axes_are_kept_apart() -> None:
    found = chain(Conv(4, (3, 5), (2, 1), "same"), MaxPool((1, 2)), shape=(32, 20, 3)).layers[-1]
    assert found.receptive == {HEIGHT: Field(3, 2, 1), WIDTH: Field(6, 2, 0.5)}


def test_the_centre_of_same_padding_over_a_symbol_depends() -> None:
    length = (symbol("T"), 2)
    assert chain(Conv(4, (5,), (2,), "same"), shape=length).layers[-1].receptive == {STEPS: Field(5, 2, None)}
    assert chain(Conv(4, (5,), (1,), "same"), shape=length).layers[-1].receptive == {STEPS: Field(5, 1, 0)}
    later = chain(Conv(4, (5,), (2,), "same"), Conv(4, (3,)), shape=length).layers[-1].receptive
    assert later == {STEPS: Field(9, 2, None)}


SEE_ALL = [
    GlobalAveragePool(),
    GlobalAveragePool(keepdims=True),
    Flatten(),
    LSTM(3, return_sequences=True),
    Reshape((2, 64)),
]


@pytest.mark.parametrize("kind", SEE_ALL)
def test_what_sees_everything_has_no_field(kind: Kind) -> None:
    assert chain(Conv(2, (3,), padding="same"), kind).layers[-1].receptive == {}


def test_what_spreads_with_the_steps_has_no_field() -> None:
    """From state to state a convolution reaches further at every step, but not where its window is 1."""
    same = ConvLSTM(2, (3, 1), padding="same")
    for kind, jump in ((same, 1), (Bidirectional(same), 1), (ConvLSTM(2, (3, 1), (1, 2), return_sequences=True), 2)):
        assert chain(kind, shape=(4, 8, 8, 3)).layers[-1].receptive == {WIDTH: Field(1, jump, 0)}


def test_a_dense_layer_over_positions_keeps_the_field() -> None:
    assert chain(Conv(2, (3,)), Dense(4)).layers[-1].receptive == {STEPS: Field(3, 1, 1)}
    assert chain(Dense(4), shape=(9,)).layers[-1].receptive == {}


def test_permuted_axes_take_their_fields_along() -> None:
    found = chain(Conv(4, (3, 1)), Permute((3, 1, 2)), shape=(8, 8, 3)).layers[-1]
    assert found.receptive == {HEIGHT: Field(3, 1, 1), WIDTH: Field(1, 1, 0)}


def branches(left: Sequence[Kind], right: Sequence[Kind], merge: Kind) -> dict[Role, Field]:
    """The fields of a merge of two branches from one Input."""
    nodes = [Node(Input((64, 2)), "x")]
    ends = []
    for side, kinds in zip("ab", (left, right), strict=True):
        names = ["x", *(f"{side}{i}" for i in range(len(kinds)))]
        nodes += [Node(kind, name, (before,)) for kind, (before, name) in zip(kinds, pairwise(names), strict=True)]
        ends.append(names[-1])
    return trace(Stack((*nodes, Node(merge, "sum", tuple(ends))))).layers[-1].receptive


@pytest.mark.parametrize("merge", [Add(), Concatenate()])
def test_branches_that_step_alike_are_joined(merge: Kind) -> None:
    same3, same5 = Conv(2, (3,), padding="same"), Conv(2, (5,), padding="same")
    assert branches([same3], [same5], merge) == {STEPS: Field(5, 1, 0)}
    assert branches([same3, same3], [], merge) == {STEPS: Field(5, 1, 0)}
    assert branches([Conv(2, (3,), (2,), "same")], [MaxPool((2,))], merge) == {STEPS: Field(3, 2, 1)}
    causal = Conv(2, (3,), padding="causal")
    assert branches([causal], [same3], merge) == {STEPS: Field(4, 1, -0.5)}


def test_a_gap_between_branches_is_part_of_the_field() -> None:
    """The union is the whole stretch from the first to the last input that is seen."""
    late = Conv(2, (1,), padding=(PadPair(0, 6),))
    early = Conv(2, (1,), padding=(PadPair(6, 0),))
    assert branches([late], [early], Add()) == {STEPS: Field(7, 1, -3)}


def test_branches_that_step_differently_have_no_field() -> None:
    halved = [Conv(2, (3,), (2,), "same")]
    padded = [Conv(2, (3,), padding="same"), Conv(2, (33,))]
    assert branches(halved, padded, Add()) == {}


@pytest.mark.parametrize("kind", [kind for kind in SEE_ALL if kind not in (GlobalAveragePool(), Flatten())])
def test_a_window_over_what_saw_everything_sees_everything(kind: Kind) -> None:
    assert chain(Conv(2, (3,), padding="same"), kind, Conv(2, (2,), padding="same")).layers[-1].receptive == {}


def test_a_window_over_branches_that_step_differently_has_no_field() -> None:
    halved = [Conv(2, (3,), (2,), "same")]
    padded = [Conv(2, (3,), padding="same"), Conv(2, (33,))]
    nodes = [
        Node(Input((64, 2)), "x"),
        Node(halved[0], "a"),
        Node(padded[0], "b", ("x",)),
        Node(padded[1], "c"),
        Node(Add(), "sum", ("a", "c")),
        Node(Conv(2, (3,)), "after"),
    ]
    assert trace(Stack(tuple(nodes))).layer("after").receptive == {}


def test_a_window_along_what_were_channels_has_no_field() -> None:
    assert chain(Conv(4, (5,)), Permute((2, 1)), Conv(2, (2,))).layers[-1].receptive == {}


layers = st.lists(
    st.builds(
        lambda k, s, d, rule: Conv(2, (k,), (s,), rule, dilation_rate=(d,)),
        st.integers(1, 4),
        st.integers(1, 3),
        st.integers(1, 2),
        st.sampled_from(["valid", "same", "same_lower", "causal"]),
    ),
    min_size=1,
    max_size=3,
)


@settings(deadline=None)
@given(layers)
def test_the_stretch_of_inputs_that_an_output_reads(kinds: list[Conv]) -> None:
    """Walks back from an output through every window to the first and last input position it touches."""
    found = chain(*kinds, shape=(96, 2))
    field = found.layers[-1].receptive[STEPS]
    for output in range(min(3, int(found.layers[-1].done.spec.shape[1]))):  # type: ignore[arg-type]  # a number
        low = high = output
        for layer in reversed(found.layers[1:]):
            (window,) = layer.done.windows
            before = window.before
            assert isinstance(before, int)
            low, high = low * window.stride - before, high * window.stride - before + window.extent - 1
        assert field.size == high - low + 1
        assert field.start is not None
        assert field.start + output * field.jump == (low + high) / 2


def test_numbers_that_the_stack_holds_see_nothing_and_hide_nothing() -> None:
    """Positions added behind a stride leave the field as it was; what comes of them alone has none."""
    nodes = (
        Node(Parameter((16, 4)), "positions"),
        Node(Input((64, 2)), "x"),
        Node(Conv(4, (4,), (4,)), "patches"),
        Node(Permute((1, 2)), "moved", ("positions",)),
        Node(Add(), "sum", ("moved", "patches")),
        Node(Conv(4, (3,)), "conv"),
        Node(MultiHeadAttention(2, 2), "attention"),
    )
    fields = {layer.name: layer.receptive for layer in trace(Stack(nodes)).layers}
    assert fields["positions"] == fields["moved"] == {}
    assert fields["sum"] == fields["patches"] == {STEPS: Field(4, 4, 1.5)}
    assert fields["conv"] == {STEPS: Field(12, 4, 5.5)}
    assert fields["attention"] == {}, "each query sees every step"


def test_attention_along_one_of_two_axes_leaves_the_other() -> None:
    found = chain(Conv(3, (3, 3)), MultiHeadAttention(1, 2, attention_axes=(2,)), shape=(9, 8, 2))
    assert found.layers[-1].receptive == {HEIGHT: Field(3, 1, 1)}
