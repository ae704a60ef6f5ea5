"""Stacks with names, symbols and numbers of layers that are legal but meant to hurt: right, and soon."""

import random
import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from lamina.dims import Dim as ClientDim
from lamina_server.dims import Size, symbol
from lamina_server.errors import StackError
from lamina_server.layers.activations.functions import FUNCTIONS, Function, Relu, Relu6, Softmax
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.core.basics import Activation, Dense, Dropout, Input
from lamina_server.layers.merging.joining import Add, Concatenate
from lamina_server.layers.pooling.pools import GlobalAveragePool, MaxPool
from lamina_server.layers.recurrent.rnn import LSTM
from lamina_server.layers.shaping.reshaping import Flatten, RepeatVector, Reshape, ZeroPadding
from lamina_server.layers.tensors import Layout
from lamina_server.layers.windows import PadPair
from lamina_server.limits import Limits
from lamina_server.notes import annotate
from lamina_server.repair import repaired
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from lamina_server.wire.traces import encode_diagnosis, encode_trace
from tests.contract.running import chain, model, random_inputs

ANY = symbol("?")


@pytest.mark.parametrize("name", ["const_0", "const_1", "outputs", "Relu_1", "x", "input", "batch", "0", "_", "é"])
def test_any_legal_name_makes_a_model(name: str) -> None:
    """No name of a layer is one that the exporter uses for itself, on an Input, in the middle or at the end."""
    layers = [Activation(Relu6()), Activation(Relu6()), GlobalAveragePool()]
    for place in range(4):
        names = [name if i == place else f"other{i}" for i in range(4)]
        nodes = [Node(kind, named) for kind, named in zip([Input((5, 3)), *layers], names, strict=True)]
        made = model(Stack(tuple(nodes)), np.random.default_rng(0), refs=names)
        assert list(made.run(random_inputs(made.trace, np.random.default_rng(0)))) == names


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((ANY,) * 5, Activation(Relu())), ((ANY, ANY, 3), Conv(2, (1, 1))), ((ANY, ANY), Activation(Relu()))],
)
def test_each_question_mark_is_a_size_of_its_own(shape: tuple[Size, ...], kind: Kind) -> None:
    free = shape.count(ANY)
    assert len(trace(chain(shape, kind)).symbols) == free


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_question_mark_never_means_a_symbol_of_the_caller_s(order: Sequence[int]) -> None:
    inputs = [Node(Input((ANY, 3)), "free"), Node(Input((symbol("T"), 3)), "named")]
    takers = [Node(Conv(2, (2,)), f"c{i}", (inputs[i].name or "",)) for i in order]
    found = trace(Stack((*(inputs[i] for i in order), *takers)))
    assert len(found.symbols) == 2 and "T" in found.symbols
    assert found.specs["named"].shape[1] == symbol("T")


@pytest.mark.parametrize("name", ["my-in.put", "a-1", "é", "0", "n" * 128])
def test_symbols_of_question_marks_read_back(name: str) -> None:
    nodes = [Node(Input((symbol("T"), 3)), "first"), Node(Input((ANY, 3)), name), Node(MaxPool((2,)), "pool", (name,))]
    found = trace(Stack(tuple(nodes)))
    (own,) = found.symbols - {"T"}
    assert ClientDim(str(found.specs["pool"].shape[1])).symbols == {own} and len(own) <= 32


def test_shapes_with_very_many_axes_are_refused_at_once() -> None:
    for size in (ANY, 1):
        with pytest.raises(Exception, match="axes") as caught:
            trace(chain((size,) * 50_000, Activation(Relu())))
        assert getattr(caught.value, "reason", "") == "LIMIT_EXCEEDED"


def test_axes_beyond_the_alphabet_are_flattened() -> None:
    found = trace(chain((2,) * 14, Flatten()), Limits(max_rank=16))
    assert found.specs["flatten"].shape[1:] == (2**14,)


# ---- receptive fields of what has seen everything ----


@pytest.mark.parametrize(
    "kinds",
    [
        (LSTM(4, return_sequences=True), Conv(2, (3,))),
        (Flatten(), Reshape((20, 3)), Conv(2, (3,))),
        (GlobalAveragePool(), RepeatVector(5), Conv(2, (3,)), MaxPool((2,))),
        (LSTM(4, return_sequences=True), ZeroPadding((PadPair(1, 1),))),
        (Conv(2, (3,)), Activation(Softmax(axis=1))),
        (Conv(2, (3,), activation=Softmax(axis=1)), Conv(2, (3,))),
    ],
    ids=["lstm", "reshape", "repeat", "padding", "softmax", "softmax inside"],
)
def test_what_has_seen_all_steps_goes_on_seeing_all(kinds: Sequence[Kind]) -> None:
    assert trace(chain((20, 3), *kinds)).layers[-1].receptive == {}


def test_a_global_pool_after_a_recurrent_layer_in_either_layout() -> None:
    """ONNX's LSTM leaves the steps in front of the batch; what follows must not take one for the other."""
    for layout in Layout:
        stack = chain((5, 3), LSTM(4, return_sequences=True), GlobalAveragePool(), Dense(2), layout=layout)
        made = model(stack, np.random.default_rng(0), refs=("lstm", "global_average_pooling1d"))
        ran = made.run(random_inputs(made.trace, np.random.default_rng(0)))
        axis = 1 if layout is Layout.CHANNELS_LAST else 2
        np.testing.assert_allclose(ran["global_average_pooling1d"], ran["lstm"].mean(axis), rtol=1e-5, atol=1e-6)


RECURRENT = [function for cls in FUNCTIONS for function in cls.examples() if function.recurrent]


@pytest.mark.parametrize("function", RECURRENT, ids=str)
def test_recurrent_functions_of_large_numbers_are_numbers(function: Function) -> None:
    """exp(89) is no float32 any more: a function that goes by way of it inside ONNX's LSTM must not be admitted."""
    made = model(chain((1, 4), LSTM(8, activation=function)), np.random.default_rng(0))
    arrays = {name: 1000 * array for name, array in random_inputs(made.trace, np.random.default_rng(0)).items()}
    assert np.isfinite(made.run(arrays)["lstm"]).all()


# ---- faults ----


@pytest.mark.parametrize("inputs", [("a", "a", "b"), ("b", "a", "a"), ("a", "b", "b"), ("a", "b", "a", "b")])
@pytest.mark.parametrize("shape", [(3, 3), (5, 4)])
def test_merging_a_tensor_twice_with_one_that_does_not_fit(inputs: tuple[str, ...], shape: tuple[int, ...]) -> None:
    stack = Stack((Node(Input((5, 3)), "a"), Node(Input(shape), "b"), Node(Add(), "sum", inputs)))
    with pytest.raises(StackError) as caught:
        trace(stack)
    assert caught.value.reason == "SIZE_MISMATCH"
    assert encode_diagnosis(repaired(stack, caught.value.diagnosis, Limits())).layer == "sum"


def test_a_layer_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="nobody"):
        trace(chain((3,), Dense(2))).layer("nobody")


# ---- many of something: ten times as many take about ten times as long, never a hundred times ----


def _answered(stack: Stack) -> None:
    try:
        encode_trace(annotate(trace(stack), Limits()))
    except StackError as error:
        encode_diagnosis(repaired(stack, error.diagnosis, Limits()))


def _inputs(count: int) -> Stack:
    return Stack(tuple(Node(Input((3,))) for _ in range(count)))


def _free_inputs(count: int) -> Stack:
    return Stack(tuple(Node(Input((symbol("T"), 3))) for _ in range(count)))


def _still_pools(count: int) -> Stack:
    return chain((8, 3), *[MaxPool((2,), (1,), "same")] * count)


def _swapped(count: int) -> Stack:
    return Stack((Node(Input((1, 9)), "x"), *(Node(Conv(1, (1,)), f"c{i}", ("x",)) for i in range(count))))


def _old_outputs(count: int) -> Stack:
    names = tuple(f"d{i}" for i in range(count))
    return Stack((Node(Input((3,)), "x"), *(Node(Dropout(), name, ("x",)) for name in names)), outputs=names)


def _alike_names(count: int) -> Stack:
    """Long names of two letters, the worst for a search of near ones, and one that is not there."""
    r = random.Random(0)
    names = ["".join(r.choices("ab", k=128)) for _ in range(count)]
    last = Node(Dropout(), "last", ("".join(r.choices("ab", k=128)),))
    return Stack((Node(Input((3,)), "x"), *(Node(Dropout(), name, ("x",)) for name in names), last))


def _wide_merge(count: int) -> Stack:
    inputs = tuple(f"x{i}" for i in range(count))
    return Stack(
        (*(Node(Input((3 + i % 2,)), name) for i, name in enumerate(inputs)), Node(Concatenate(axis=1), "c", inputs))
    )


@pytest.mark.parametrize(
    "many",
    [_inputs, _free_inputs, _still_pools, _swapped, _old_outputs, _alike_names, _wide_merge],
    ids=lambda made: made.__name__.strip("_"),
)
def test_ten_times_as_many_take_about_ten_times_as_long(many: Callable[[int], Stack]) -> None:
    few, lots = many(200), many(2000)
    _answered(few)  # what is computed once and kept

    def seconds(stack: Stack) -> float:
        started = time.thread_time()
        _answered(stack)
        return time.thread_time() - started

    assert min(seconds(lots) for _ in range(2)) < 40 * max(min(seconds(few) for _ in range(3)), 1e-3)
