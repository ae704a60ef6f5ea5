"""Notes: what is surprising is said with its numbers, what is ordinary is not commented on."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina_server.dims import Size, symbol
from lamina_server.layers.activations.functions import Relu, Softmax
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv, DepthwiseConv
from lamina_server.layers.convolution.transposed import ConvTranspose
from lamina_server.layers.core.basics import Activation, Dense, Dropout, Input
from lamina_server.layers.merging.joining import Add, Concatenate
from lamina_server.layers.normalization.normalizing import BatchNormalization
from lamina_server.layers.pooling.pools import AveragePool, GlobalAveragePool, MaxPool
from lamina_server.layers.recurrent.rnn import LSTM
from lamina_server.layers.shaping.reshaping import Flatten, Permute, RepeatVector, Reshape, ZeroPadding
from lamina_server.layers.tensors import Layout
from lamina_server.layers.windows import PadPair
from lamina_server.limits import Limits
from lamina_server.notes import MOST_RETRACED, annotate
from lamina_server.records import Note
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from tests.support import require

T = symbol("T")
RELU = Activation(Relu())
STILL = MaxPool((2, 2), (1, 1), "same")
FIRST = Layout.CHANNELS_FIRST


def notes(stack: Stack) -> dict[str, list[Note]]:
    """The notes of every layer that has some."""
    return {layer.name: layer.notes for layer in annotate(trace(stack), Limits()).layers if layer.notes}


def chain(shape: tuple[Size, ...], *kinds: Kind, layout: Layout = Layout.CHANNELS_LAST) -> dict[str, list[Note]]:
    return notes(Stack((Node(Input(shape)), *map(Node, kinds)), layout))


def only(found: dict[str, list[Note]]) -> Note:
    ((note,),) = found.values()
    return note


def same(filters: int) -> Conv:
    return Conv(filters, (4, 4), padding="same", activation=Relu())


def test_q5_pools_of_stride_one_that_keep_everything() -> None:
    found = chain((128, 128, 3), same(25), STILL, same(50), STILL, Flatten(), Dense(10))
    assert list(found) == ["max_pooling2d", "max_pooling2d_1"]
    for (note,) in found.values():
        assert (note.reason, note.warning) == ("POOL_STRIDE_ONE", False)
        assert note.text == (
            "size 2, stride 1, padding same keeps 128: the stride, not the size, divides the length. "
            "Keras and PyTorch default to stride = pool size; here it was given as 1. "
            "With stride 2 here alone, N would be 204 800; with stride 2 in both pools, 51 200."
        )


@pytest.mark.parametrize(
    ("kinds", "end"),
    [
        ((STILL, Flatten()), "With stride 2, N would be 12 288."),
        ((STILL, GlobalAveragePool()), "here it was given as 1."),
        ((Flatten(), Reshape((128, 128, 3)), STILL), "here it was given as 1."),
        ((AveragePool((3, 3), (1, 1), "same_lower"), Flatten()), "With stride 3, N would be 5 547."),
    ],
)
def test_n_is_told_where_a_flatten_follows(kinds: Sequence[Kind], end: str) -> None:
    assert only(chain((128, 128, 3), *kinds)).text.endswith(end)


def test_a_transposed_convolution_that_crops_an_odd_number() -> None:
    note = only(chain((T, 3), ConvTranspose(4, (3,), (2,), "same")))
    assert (note.reason, note.warning) == ("SAME_IS_LOPSIDED", False)
    assert note.text == (
        "PyTorch's ConvTranspose1d with kernel 3, stride=2, padding=1, output_padding=1 has this shape but other "
        'numbers: it crops (1, 0), padding="same" (0, 1). For its numbers write padding=((1, 1),), output_padding=1.'
    )
    note = only(chain((5, T, 3), ConvTranspose(4, (3, 4), (2, 2), "same", dilation_rate=(2, 1))))
    assert "kernel (3, 4), stride=2, padding=(2, 1), output_padding=(1, 0), dilation=(2, 1) has" in note.text
    assert 'it crops (2, 1) and (1, 1), padding="same" (1, 2) and (1, 1).' in note.text


@pytest.mark.parametrize(
    "kind",
    [
        ConvTranspose(4, (4,), (2,), "same"),  # alike on both sides, as PyTorch
        ConvTranspose(4, (2,), (3,), "same"),  # nothing to crop
        ConvTranspose(4, (3,), (2,)),
        ConvTranspose(4, (3,), (2,), (PadPair(0, 1),)),
        ConvTranspose(4, (3,), (2,), "same", (0,)),
    ],
)
def test_other_transposed_convolutions_are_plain(kind: Kind) -> None:
    assert not chain((T, 3), kind)


def test_n_over_a_symbol() -> None:
    assert (
        "With stride 2, N would be 3 * ceil(T / 2)." in only(chain((T, 3), MaxPool((2,), (1,), "same"), Flatten())).text
    )


def test_n_that_the_rest_cannot_have_is_not_told() -> None:
    """With its default stride the pool would leave 4, too short for the window of 5 after it."""
    found = chain((8, 3), MaxPool((2,), (1,), "same"), Conv(1, (5,)), Flatten())
    assert only(found).text.endswith("here it was given as 1.")


def test_many_such_pools_are_counted_but_not_all_commented_on() -> None:
    found = chain((64, 64, 1), *[STILL] * 6, Flatten())
    assert len(found) == MOST_RETRACED
    assert all("in all 6 pools, 1." in note.text for (note,) in found.values())


@pytest.mark.parametrize(
    ("size", "said"), [((1, 3), "size (1, 3)"), ((2, 3), "With stride (2, 3), N would be 8 448.")]
)  # fmt: skip
def test_pools_that_differ_by_axis(size: tuple[int, int], said: str) -> None:
    assert said in only(chain((128, 130, 3), MaxPool(size, (1, 1), "same"), Flatten())).text


def test_q6_axes_that_look_swapped() -> None:
    note = only(chain((1, 8000), Conv(4, (1,))))
    assert (note.reason, note.warning) == ("AXES_LOOK_SWAPPED", True)
    assert note.text == (
        "there is 1 step with 8 000 channels: every window is this one step, so nothing moves along time. "
        "If the data is 8000 steps of 1 channel, the axes are swapped: feed (8000, 1) or use the other layout."
    )


def test_swapped_axes_channels_first() -> None:
    assert "feed (1, 8000)" in only(chain((8000, 1), Conv(4, (1,)), layout=FIRST)).text


@pytest.mark.parametrize(
    ("shape", "kinds"),
    [
        ((8000, 1), (Conv(4, (1,)),)),
        ((1, 1), (Conv(4, (1,)),)),
        ((T, 9), (Conv(4, (1,)),)),
        ((4, 8), (MaxPool((4,)), Conv(4, (1,)))),
        ((1, 1, 64), (Conv(4, (1, 1)),)),
    ],
)
def test_axes_that_do_not_look_swapped(shape: tuple[Size, ...], kinds: Sequence[Kind]) -> None:
    assert chain(shape, *kinds) == {}


def test_keras_1_arguments() -> None:
    note = only(chain((32, 32, 3), Conv(16, (3, 3), (3, 3))))
    assert note.reason == "STRIDE_LOOKS_LIKE_KERNEL"
    assert "In Keras 1, Conv2D(16, 3, 3) meant a 3 x 3 kernel" in note.text
    for kind in (Conv(16, (2, 2), (2, 2)), Conv(16, (16, 16), (16, 16)), Conv(16, (3, 3), (2, 2))):
        assert chain((32, 32, 3), kind) == {}


LOPSIDED = re.compile(
    r"PyTorch's Conv(\d)d with kernel (\S+|\(.*?\)), stride=(\S+?|\(.*?\)), padding=(\S+|\(.*?\)) "
    r"(has this shape but other numbers|gives (.*?)): it adds (.*?)\. Pad (.*) yourself to agree\."
)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 2).flatmap(
        lambda rank: st.tuples(
            *(st.tuples(*[st.integers(low, high)] * rank) for low, high in ((8, 20), (1, 6), (2, 3)))
        )
    )
)
def test_what_pytorch_would_do_instead(options: tuple[tuple[int, ...], ...]) -> None:
    """The layer that the note speaks of is made in PyTorch, and gives what the note says."""
    torch = require("torch")
    lengths, kernel, strides = options
    layer = annotate(trace(_convolution(lengths, kernel, strides)), Limits()).layers[-1]
    lopsided = any(window.before != window.after for window in layer.done.windows)
    assert [note.reason for note in layer.notes if note.reason != "STRIDE_LOOKS_LIKE_KERNEL"] == (
        ["SAME_IS_LOPSIDED"] if lopsided else []
    )
    if not lopsided:
        return
    said = LOPSIDED.fullmatch(layer.notes[0].text)
    assert said is not None
    rank, size, stride, padding = (eval(text) for text in said.groups()[:4])
    x = torch.zeros(1, 1, *lengths)
    theirs = getattr(torch.nn, f"Conv{rank}d")(1, 1, size, stride, padding)(x).shape[2:]
    ours = layer.done.spec.shape[1:-1]
    assert said[6] == (None if tuple(theirs) == ours else " x ".join(map(str, theirs)))
    ends = [eval(pair) for pair in said[8].split(" and ")]
    padded = torch.nn.functional.pad(x, [end for pair in reversed(ends) for end in pair])
    assert getattr(torch.nn, f"Conv{rank}d")(1, 1, size, stride)(padded).shape[2:] == ours


def _convolution(lengths: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...]) -> Stack:
    return Stack((Node(Input((*lengths, 1))), Node(Conv(1, kernel, strides, "same"))))


def test_what_pytorch_would_do_instead_with_a_dilation() -> None:
    note = only(chain((128, 1), Conv(32, (3,), (2,), "same", dilation_rate=(2,))))
    assert "kernel 3, stride=2, padding=2, dilation=2" in note.text


def test_fifty_ordinary_layers_have_no_notes() -> None:
    block = (
        Conv(16, (3, 3), padding="same", use_bias=False),
        BatchNormalization(),
        RELU,
        MaxPool((2, 2)),
        Dropout(0.2),
    )
    images = chain((512, 512, 3), *block * 6, DepthwiseConv((3, 3)), Conv(8, (1, 1)), Permute((3, 1, 2)), Flatten(),
                   Dense(64), RELU, Dropout(0.5), Dense(10, activation=Softmax()))  # fmt: skip
    signals = chain((256, 9), ZeroPadding((PadPair(2, 2),)), Conv(8, (5,), (2,)), AveragePool((2,)),
                    Conv(8, (3,), padding="causal", dilation_rate=(4,)), LSTM(4), RepeatVector(5),
                    LSTM(4, return_sequences=True), Reshape((20,)), Dense(3))  # fmt: skip
    assert images == signals == {}
    assert len(block) * 6 + 8 + 9 >= 47


def test_a_residual_block_has_no_notes() -> None:
    nodes = (
        Node(Input((32, 32, 8)), "x"),
        Node(Conv(8, (3, 3), padding="same"), "a"),
        Node(Add(), "sum", ("x", "a")),
        Node(RELU, "out"),
    )
    assert notes(Stack(nodes)) == {}


def _inception() -> tuple[Node, ...]:
    pool = MaxPool((3, 3), (1, 1), "same")
    return (
        Node(Input((28, 28, 192)), "x"),
        Node(Conv(64, (1, 1)), "one", ("x",)),
        Node(Conv(128, (3, 3), padding="same"), "three", ("x",)),
        Node(pool, "pool", ("x",)),
        Node(Conv(32, (1, 1)), "projected", ("pool",)),
        Node(Concatenate(), "joined", ("one", "three", "projected")),
        Node(Flatten(), "flat"),
    )


def test_a_pool_beside_other_branches_has_no_note() -> None:
    assert notes(Stack(_inception())) == {}


def test_a_pool_that_is_joined_at_once_has_no_note() -> None:
    nodes = (
        Node(Input((28, 28, 2)), "x"),
        Node(RELU, "a"),
        Node(MaxPool((3, 3), (1, 1), "same"), "pool"),
        Node(Concatenate(), "joined", ("a", "pool")),
    )
    assert notes(Stack(nodes)) == {}


def test_the_same_pool_alone_has_one() -> None:
    nodes = _inception()
    assert list(notes(Stack((nodes[0], nodes[3], nodes[4], nodes[6])))) == ["pool"]
