"""Explanations: right number and article everywhere, every equation true, every result the size it explains."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina_server.dims import Size, symbol
from lamina_server.errors import LaminaError
from lamina_server.explain import explain, how, parameters, times
from lamina_server.layers import FUNCTIONS, KINDS
from lamina_server.layers.activations.functions import Relu
from lamina_server.layers.base import Example, Kind, Node, grouped, plural
from lamina_server.layers.convolution.conv import Conv, DepthwiseConv
from lamina_server.layers.core.basics import Activation, Dense, Dropout
from lamina_server.layers.holders import TimeDistributed
from lamina_server.layers.merging.joining import Add, Concatenate
from lamina_server.layers.normalization.normalizing import BatchNormalization
from lamina_server.layers.pooling.pools import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
from lamina_server.layers.recurrent.bidirectional import Bidirectional, Merge
from lamina_server.layers.recurrent.dense_cells import GRUCell, LSTMCell
from lamina_server.layers.recurrent.rnn import GRU, LSTM, RNN, SimpleRNN
from lamina_server.layers.shaping.reshaping import Flatten, Permute, RepeatVector, Reshape, ZeroPadding
from lamina_server.layers.tensors import Layout
from lamina_server.layers.windows import PadPair
from lamina_server.limits import Limits
from lamina_server.notes import annotate
from lamina_server.records import LayerTrace
from lamina_server.services.catalogue import example_stack
from lamina_server.trace import trace

T = symbol("T")
NOUNS = [
    "step",
    "channel",
    "filter",
    "zero",
    "row",
    "column",
    "slice",
    "window",
    "weight",
    "parameter",
    "number",
    "unit",
    "value",
    "copy",
    "tensor",
    "position",
    "sample",
    "group",
    "bias",
    "axis",
    "input",
    "feature",
    "gate",
]
PLURALS = [{"copy": "copies", "bias": "biases", "axis": "axes"}.get(noun, f"{noun}s") for noun in NOUNS]
# A number that is a factor or a term of arithmetic counts nothing: "5 x 1 weights".
ALONE = r"(?<![\d.,+*/x>-] )(?<![\w.(])"
FAULTS = [
    re.compile(rf"{ALONE}1 (?:[a-z]+ )?(?:{'|'.join(PLURALS)})\b"),
    re.compile(rf"{ALONE}(?:0|[2-9]|[1-9][\d ]*\d) (?:[a-z]+ )?(?:{'|'.join(NOUNS)})\b(?! (?:{'|'.join(PLURALS)}))"),
    re.compile(rf"\b1 (?:\w+ )?(?:{'|'.join(NOUNS)}) are\b|\b(?:0|[2-9]|\d\d+) (?:{'|'.join(PLURALS)}) is\b"),
    re.compile(r"\ba (?=[aeio]|8\b|1[18]\b)\S+|\ban (?=[bcdfghjklmnpqrstvwxz])\S+", re.IGNORECASE),
    re.compile(r"  |\.\.|,,| \.| ,|\(\)|(?<!=)\b(?:None|True|False)\b|\b(\w+) \1\b|[a-z]\.[A-Z]"),
]
EQUATION = re.compile(
    r"((?:(?:floor|ceil)\(|[(\d])(?:[\d ()+x/-]|floor|ceil)*) = (\d{1,3}(?: \d{3})*|\d+)(?![\d/(]| [*+x-])"
)


def faults(text: str) -> list[str]:
    """Everything in a text that English would not have."""
    return [match[0] for pattern in FAULTS for line in text.splitlines() for match in pattern.finditer(line)]


@pytest.mark.parametrize(
    "wrong",
    ["1 steps", "with 1 zeros before", "2 filter", "1 input channels", "1 zero are added", "2 zeros is", "a axis",
     "an filter", "1 000 parameter", "The last 0 step", "None zeros", "the the"],
)  # fmt: skip
def test_the_check_finds_what_is_wrong(wrong: str) -> None:
    assert faults(wrong)


@pytest.mark.parametrize(
    "right",
    ["1 step", "Each filter has 5 x 1 weights and a bias: 32 x (5 x 1 + 1) = 192", "1 channel", "21 steps", "an 8",
     "1 000 parameters", "2 zeros are added, 1 before and 1 after", "an odd one", "(5 - 1) x 2 + 3 = 11 positions"],
)  # fmt: skip
def test_the_check_lets_pass_what_is_right(right: str) -> None:
    assert faults(right) == []


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (Conv(1, (1,), use_bias=False), (9, 1)),
        (Dense(2), (1,)),
        (Dense(1, use_bias=False), (1,)),
        (MaxPool((1,), (3,), "same"), (2, 3)),
        (Reshape((-1,)), (1,)),
    ],
)
def test_one_is_singular(kind: Kind, shape: tuple[int, ...]) -> None:
    layer = explained(Example(kind, (shape,)))
    assert faults(f"{explain(layer)}\n{how(layer)}") == []


def equations(text: str) -> Iterator[tuple[str, int]]:
    """Every equation between numbers in a text, as Python and as the number that is claimed."""
    for arithmetic, result in EQUATION.findall(text):
        source = re.sub(r"(floor|ceil)\((.*?) / (\d+)\)", r"\1(\2, \3)", arithmetic.replace("x", "*"))
        yield re.sub(r"(?<=\d) (?=\d{3}\b)", "", source), int(result.replace(" ", ""))


def check(layer: LayerTrace) -> None:
    """All that holds for the words about any layer."""
    done, text = layer.done, f"{explain(layer)}\n{how(layer)}\n" + "\n".join(note.text for note in layer.notes)
    assert faults(text) == []
    assert all(text.strip() for text in (explain(layer), how(layer)))
    for source, claimed in equations(text):
        assert eval(source, {"floor": lambda a, b: a // b, "ceil": lambda a, b: -(-a // b)}) == claimed, text
    for row in done.derivations:
        assert row.derived.value == done.spec.axes[row.axis].size
        assert row.role in (done.spec.axes[row.axis].role, *(axis.role for x in layer.inputs[:1] for axis in x.axes))
        assert not row.derived.text.isdigit() or row.derived.substitution == row.derived.text
    assert (done.params.value if done.params else 0) == layer.params
    assert bool(parameters(layer)) == bool(done.params)


def explained(example: Example) -> LayerTrace:
    stack = example_stack(example)
    named = stack.with_node(len(stack.nodes) - 1, stack.nodes[-1]._replace(name="it"))
    return annotate(trace(named), Limits()).layers[-1]


EXAMPLES = [example for kind in KINDS for example in kind.examples()]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.layer.title}({example.layer.text()})")
def test_examples(example: Example) -> None:
    check(explained(example))


one = st.sampled_from([1, 1, 2, 3, 5])
maybe = st.one_of
activations = st.sampled_from([None, *(function.examples()[0] for function in FUNCTIONS)])
formats = st.sampled_from([None, *Layout])
ends = st.tuples(st.integers(0, 2), st.integers(0, 2)).map(lambda pair: PadPair(*pair))


def windowed(rank: int) -> st.SearchStrategy[Any]:
    """Kinds whose window has so many axes."""
    each, pairs, unset = st.tuples(*[one] * rank), st.tuples(*[ends] * rank), st.just(())
    rules = st.sampled_from(["valid", "same", "same_lower", *(["causal"] if rank == 1 else [])]) | pairs
    pool = {"padding": st.sampled_from(["valid", "same", "same_lower"]) | pairs, "data_format": formats}
    return st.one_of(
        st.builds(Conv, one, each, each | unset, rules, formats, each | unset, one, activations, st.booleans()),
        st.builds(DepthwiseConv, each, each | unset, rules, one, formats, each | unset, activations, st.booleans()),
        st.builds(MaxPool, each, each | unset, ceil_mode=st.booleans(), **pool),
        st.builds(AveragePool, each, each | unset, ceil_mode=st.booleans(), count_include_pad=st.booleans(), **pool),
        st.builds(ZeroPadding, pairs, formats),
        st.builds(GlobalMaxPool, st.none() | st.just(rank), formats, st.booleans()),
        st.builds(GlobalAveragePool, st.none() | st.just(rank), formats, st.booleans()),
    )


axes, flag = st.integers(-3, 3), st.booleans()
walk = {"return_sequences": flag, "return_state": flag, "go_backwards": flag}
recurrent = st.one_of(
    st.builds(LSTM, one, use_bias=flag, num_layers=one, proj_size=st.none() | one, **walk),
    st.builds(GRU, one, use_bias=flag, num_layers=one, reset_after=flag, **walk),
    st.builds(SimpleRNN, one, use_bias=flag, num_layers=one, **walk),
    st.builds(RNN, st.lists(st.builds(GRUCell, one) | st.builds(LSTMCell, one), min_size=1).map(tuple), **walk),
)
plain: st.SearchStrategy[Any] = st.one_of(
    st.builds(Dense, one, activations, st.booleans()),
    recurrent,
    st.builds(Bidirectional, recurrent, st.sampled_from(Merge)),
    st.builds(Reshape, st.lists(st.sampled_from([-1, 1, 2, 3]), max_size=3).map(tuple)),
    st.builds(Permute, st.permutations([1, 2]).map(tuple)),
    st.builds(BatchNormalization, st.none() | axes, center=st.booleans(), scale=st.booleans()),
    st.builds(RepeatVector, one),
    st.builds(Dropout),
    st.builds(Activation, activations.filter(lambda function: function is not None)),
    st.builds(Flatten, formats),
)
sizes: st.SearchStrategy[Size] = st.sampled_from([1, 1, 2, 3, 7, 30, T])


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(Layout))
def test_random_options(data: st.DataObject, layout: Layout) -> None:
    rank = data.draw(st.integers(1, 3))
    kind: Kind = data.draw(windowed(rank) | plain)
    count = rank + 1 if kind.spatial_rank or not isinstance(kind, Dense | Flatten) else data.draw(st.integers(0, 4))
    shape = data.draw(st.tuples(*[sizes] * count))
    try:
        layer = explained(Example(kind, (shape,), layout))
    except LaminaError:
        return
    check(layer)


@settings(deadline=None)
@given(st.lists(sizes, min_size=1, max_size=3), st.lists(st.sampled_from([1, 2, 3]), min_size=2, max_size=4), axes)
def test_random_merges(shape: list[Size], along: list[int], axis: int) -> None:
    shapes = tuple((*shape[:-1], size) for size in along)
    for kind in (Concatenate(axis), Add()):
        try:
            layer = explained(Example(kind, shapes))
        except LaminaError:
            continue
        check(layer)


@pytest.mark.parametrize(
    ("kind", "shape", "lines"),
    [
        (Conv(32, (5,), (2,), "same"), (128, 1), [
            ('steps 128 -> 64. padding="same" keeps the length only when the stride is 1; in general it gives '
            "ceil(steps / stride), here ceil(128 / 2) = 64. To place 64 windows of 5, 2 apart, (64 - 1) x 2 + 5 = 131 "
            "positions are needed: 3 zeros are added, 1 before and 2 after."),
            "channels 1 -> 32. One for each filter. Every filter is 5 x 1: it spans the one input channel.",
            "Each filter has 5 x 1 weights and a bias: 32 x (5 x 1 + 1) = 192 parameters."]),
        (Conv(100, (10,), activation=Relu()), (128, 9), [
            "steps 128 -> 119: 128 - 10 + 1 = 119. 119 windows of 10 fit, one apart.",
            ("channels 9 -> 100. One for each filter. Every filter is 10 x 9: it spans all 9 input channels and sums "
            "over them."),
            ("Each filter has 10 x 9 weights and a bias: 100 x (10 x 9 + 1) = 9 100 parameters. To keep the input "
            "channels apart, DepthwiseConv1D(10, depth_multiplier=100) gives (batch, 119 steps, 900 channels), with "
            "9 900 parameters.")]),
        (BatchNormalization(), (7, 3), [
            "Scaled and shifted, shape unchanged.",
            ("Each channel has gamma, beta, moving_mean and moving_variance: 4 x 3 = 12 parameters, 6 of them "
            "not trained.")]),
    ],
)  # fmt: skip
def test_by_example(kind: Kind, shape: tuple[int, ...], lines: list[str]) -> None:
    assert explain(explained(Example(kind, (shape,)))).splitlines() == lines


def test_one_reason_for_several_axes_is_said_once() -> None:
    text = explain(explained(Example(GlobalMaxPool(keepdims=True), ((4, 5, 2),))))
    assert text.startswith("height 4 -> 1; width 5 -> 1. One number for each channel")
    assert text.count("One number") == 1


@pytest.mark.parametrize(("size", "text"), [(819200, "819 200"), (999, "999"), (1000, "1 000"), (T, "T")])
def test_thousands_stand_apart(size: Size, text: str) -> None:
    assert grouped(size) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 steps"), (1, "1 step"), (2000, "2 000 steps"), (T, "T steps")])
def test_plurals(count: Size, text: str) -> None:
    assert plural(count, "step") == text


def test_a_symbol_keeps_its_letters_at_the_start_of_a_sentence() -> None:
    for size, count in ((symbol("t"), "t"), (symbol("t") * 2, "2 * t")):
        assert f" {count} windows of 3 fit, one apart." in explain(explained(Example(Conv(2, (3,)), ((size + 2, 1),))))
    assert "One window of 3 fits." in explain(explained(Example(Conv(2, (3,)), ((3, 1),))))


def test_products_are_written_with_a_cross() -> None:
    assert times("32 * (5 * 1 + 1)") == "32 x (5 x 1 + 1)"


@pytest.mark.parametrize(
    ("conv", "written"),
    [
        (Conv(4, (10,)), "DepthwiseConv1D(10, depth_multiplier=4)"),
        (Conv(4, (5,), (2,), "same"), 'DepthwiseConv1D(5, strides=2, padding="same", depth_multiplier=4)'),
        (
            Conv(4, (3,), dilation_rate=(2,), use_bias=False),
            "DepthwiseConv1D(3, depth_multiplier=4, dilation_rate=2, use_bias=False)",
        ),
    ],
)
def test_what_would_keep_the_channels_apart_is_true(conv: Conv, written: str) -> None:
    """The layer that is named has the shape and the parameters that are said of it."""
    apart = DepthwiseConv(conv.kernel_size, conv.strides, conv.padding, conv.filters, None, conv.dilation_rate,
                          use_bias=conv.use_bias)  # fmt: skip
    found = explained(Example(apart, ((128, 9),)))
    said = f"{written} gives ({found.done.spec}), with {grouped(found.params)} parameters."
    assert said in explain(explained(Example(conv, ((128, 9),))))


def test_rows_folded_at_each_step_are_no_axis_of_their_own() -> None:
    """What a layer inside says of its batch axis is not said of the steps around it."""
    found = explained(Example(TimeDistributed(Node(Reshape((-1, 3, 2), include_batch=True))), ((5, 1, 3, 2),)))
    assert [(row.axis, row.derived.value) for row in found.done.derivations if row.axis < 2] == [(1, 5)]


def test_a_permutation_of_nothing_is_said() -> None:
    assert how(explained(Example(Permute(()), ((),)))) == "batch alone, in its place"
