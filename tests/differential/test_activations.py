"""Activation functions, as an option and as layers of their own, beside PyTorch's and Keras'."""

import inspect
from collections.abc import Collection
from dataclasses import MISSING, fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.errors import KernelError, StackError
from lamina_server.layers.activations.as_layers import FUNCTION_LAYERS, GLU, FunctionLayer, PReLU, as_layer
from lamina_server.layers.activations.functions import FUNCTIONS, Function, LeakyRelu, RRelu, Sparsemax, Threshold
from lamina_server.layers.core.basics import Activation
from tests.differential.activations import NOT_KERAS, by_keras, by_torch, of_kind
from tests.differential.oracles import F, keras, keras_values, tensor, torch
from tests.differential.support import (
    BATCH,
    Array,
    assert_close,
    both,
    layouts,
    normal,
    profile,
    run,
    seeds,
)

shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)
by_name = pytest.mark.parametrize("kind", FUNCTIONS, ids=lambda kind: str(kind.name))


@by_name
@profile
@given(data=st.data(), shape=shapes, seed=seeds, wide=st.sampled_from([0.1, 1, 5, 20]))
def test_activation(kind: type[Function], data: st.DataObject, shape: tuple[int, ...], seed: int, wide: float) -> None:
    """Each function, near 0, across its bends, and far out."""
    function = data.draw(of_kind(kind, len(shape) + 1))
    x = normal(seed, BATCH, *shape, scale=wide)
    (expected,) = keras_values(keras.layers.Activation(by_keras(function), dtype="float64"), [x])

    def once(symbolic: Collection[int]) -> None:
        alone = symbolic and function.layer  # over numbers as an option, over symbols as a layer of its own
        (found,) = run(as_layer(function) if alone else Activation(function), x, symbolic=symbolic)
        assert_close(found, by_torch(function, tensor(x)))
        assert_close(found, expected)

    both(once, range(len(shape)))


FAR = np.array([-1e30, -1e4, -100, -89, -50, -17, -1, 0, 1, 17, 50, 88, 100, 1e4, 1e30], np.float32)[None]


@by_name
def test_far_out_nothing_overflows_or_cancels(kind: type[Function]) -> None:
    """Where the true value is a float32, it is found: no inf, no nan, no 0 for what cancels."""
    for function in kind.examples():
        if hasattr(function, "axis"):
            function = kind() if kind is not Sparsemax else Sparsemax(as_keras=True)
        (found,) = run(Activation(function), FAR)
        expected = by_torch(function, tensor(FAR)).numpy()
        if kind.name == "squareplus":  # (x + sqrt(x^2 + b)) / 2 cancels in float64 too
            size = np.abs(FAR.astype(np.float64))
            larger = (size + np.sqrt(size**2 + function.b)) / 2  # type: ignore[attr-defined]
            expected = np.where(FAR > 0, larger, function.b / 4 / np.where(FAR > 0, 1, np.maximum(larger, 1e-30)))  # type: ignore[attr-defined]
        small = abs(expected) < 3e38
        assert_close(found[small], expected[small])
        assert not np.isnan(found).any()


@by_name
@pytest.mark.parametrize("value", [1e-300, 1e-50, 1e-40, 1e-30, 1e38])
def test_options_that_float32_hardly_holds(kind: type[Function], value: float) -> None:
    """They are refused, or no number comes to be none."""
    plain = kind.examples()[0]
    for item in fields(kind):
        if "float" not in str(item.type):
            continue
        try:
            (found,) = run(Activation(replace(plain, **{item.name: value})), FAR)
        except StackError as error:
            if error.reason != "OUT_OF_RANGE":
                raise
        else:
            assert not np.isnan(found).any(), item.name


@by_name
@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_precisions(kind: type[Function], dtype: Any) -> None:
    """float16 is as near as it can be; float64 too, or ONNX Runtime has no kernel: it is never computed in less."""
    x = normal(3, BATCH, 4, 5, scale=3).astype(dtype)
    for function in kind.examples():
        try:
            (found,) = run(Activation(function), x)
        except KernelError:
            assert dtype is np.float64
            return
        assert found.dtype == dtype
        tolerance = 4e-3 if dtype is np.float16 else 1e-6
        expected = by_torch(function, tensor(x)).numpy()
        np.testing.assert_allclose(found.astype(np.float64), expected, rtol=tolerance, atol=tolerance)


@by_name
def test_functions_have_keras_names_and_defaults(kind: type[Function]) -> None:
    """What Keras calls by this name has these parameters, in this order, with these defaults."""
    if not hasattr(keras.activations, kind.name):
        assert kind.name in ("softmin", "rrelu")
        return
    parameters = inspect.signature(getattr(keras.activations, kind.name)).parameters
    theirs = {name: p.default for name, p in parameters.items() if name != "x"}
    lacking = NOT_KERAS.get(kind.name, ())
    ours = {item.name: item.default for item in fields(kind) if item.name not in lacking}
    required = {name for name, default in theirs.items() if default is inspect.Parameter.empty}
    assert required == {name for name, default in ours.items() if default is MISSING}
    assert list(ours.items()) == list(theirs.items()) or required
    if required or kind is Sparsemax:
        return
    x = normal(0, BATCH, 7, 5, scale=3)
    (expected,) = keras_values(keras.layers.Activation(kind.name, dtype="float64"), [x])
    (found,) = run(Activation(kind()), x)
    assert_close(found, expected)


@pytest.mark.parametrize("kind", FUNCTION_LAYERS, ids=lambda kind: str(kind.__name__))
def test_layers_have_the_names_and_defaults_of_keras_or_torch(kind: type[FunctionLayer]) -> None:
    title = kind.sdk[0].name
    if hasattr(keras.layers, title):
        parameters = inspect.signature(getattr(keras.layers, title)).parameters
        theirs = {name: p.default for name, p in parameters.items() if name != "kwargs"}
        lacking = NOT_KERAS.get(kind.made_of.name, ())
        shown = [(item.name, item.metadata["usual"], item.default) for item in fields(kind)]
        ours = {name: default if usual is None else usual for name, usual, default in shown if name not in lacking}
        assert list(ours.items()) == list(theirs.items())
    else:
        assert hasattr(torch.nn, title) or hasattr(keras.activations, kind.made_of.name)


@profile
@given(
    data=st.data(),
    shape=shapes,
    layout=layouts,
    max_value=st.none() | st.floats(0, 3),
    negative_slope=st.just(0.0) | st.floats(0, 1),
    threshold=st.just(0.0) | st.floats(0, 2),
    seed=seeds,
)
def test_relu_layer(
    data: st.DataObject,
    shape: tuple[int, ...],
    layout: Any,
    max_value: float | None,
    negative_slope: float,
    threshold: float,
    seed: int,
) -> None:
    """Keras' ReLU with all its options at once."""
    (kind,) = [kind for kind in FUNCTION_LAYERS if kind.sdk[0].name == "ReLU"]
    x = normal(seed, BATCH, *shape, scale=2)
    layer = keras.layers.ReLU(max_value, negative_slope, threshold, dtype="float64")
    (found,) = run(kind(max_value, negative_slope, threshold), x, layout=layout)  # type: ignore[call-arg]
    assert_close(found, keras_values(layer, [x])[0])


@profile
@given(data=st.data(), shape=shapes, seed=seeds, layout=layouts)
def test_p_re_lu(data: st.DataObject, shape: tuple[int, ...], seed: int, layout: Any) -> None:
    """Every set of shared axes; the one that PyTorch has for each number of its parameters."""
    shared = tuple(sorted(data.draw(st.sets(st.integers(1, len(shape))))))
    alpha = normal(seed, *(1 if i in shared else n for i, n in enumerate(shape, 1)))
    x = normal(seed + 1, BATCH, *shape)
    layer = keras.layers.PReLU(shared_axes=list(shared) or None, dtype="float64")
    (expected,) = keras_values(layer, [x], {"alpha": alpha})

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(PReLU(shared), x, weights={"alpha": alpha}, layout=layout, symbolic=symbolic)
        assert_close(found, expected)
        if len(shared) == len(shape):  # one parameter for all
            assert_close(found, F.prelu(tensor(x), tensor(alpha).reshape(1)))
        if 1 not in shared and len(shared) == len(shape) - 1:  # one for each channel, at axis 1
            assert_close(found, F.prelu(tensor(x), tensor(alpha).reshape(-1)))

    both(once, [axis - 1 for axis in shared])


@profile
@given(data=st.data(), shape=shapes, seed=seeds, layout=layouts)
def test_glu(data: st.DataObject, shape: tuple[int, ...], seed: int, layout: Any) -> None:
    rank = len(shape) + 1
    axis = data.draw(st.integers(1, rank - 1) | st.integers(1 - rank, -1))
    doubled = [2 * n if i == axis % rank - 1 else n for i, n in enumerate(shape)]
    x = normal(seed, BATCH, *doubled)

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(GLU(axis), x, layout=layout, symbolic=symbolic)
        assert_close(found, F.glu(tensor(x), axis))
        assert_close(found, keras.activations.glu(tensor(x), axis))

    both(once, [i for i in range(len(shape)) if i != axis % rank - 1])


def test_layers_lie_as_their_input_lies() -> None:
    """A slope for each channel and a gate behind a convolution, whose tensor lies channels first in either layout."""
    from lamina_server.layers.convolution.conv import Conv
    from lamina_server.layers.core.basics import Input
    from lamina_server.stack import Node, Stack
    from lamina_server.trace import trace
    from tests.differential.support import drawn, run_stack

    x = normal(0, BATCH, 6, 5, 3)
    nodes = [Node(Input((6, 5, 3)), "x"), Node(Conv(4, (2, 2)), "conv"), Node(PReLU((2,)), "slope")]
    stack = Stack((*nodes, Node(GLU(-1), "glu"), Node(PReLU(), "own"), Node(as_layer(LeakyRelu(0.1)), "leaky")))
    weights = drawn(trace(stack), 1)
    found = run_stack(stack, {"x": x}, weights, ["conv", "slope", "glu", "own", "leaky"])
    wide = {name: tensor(array) for name, array in found.items()}
    bent = torch.where(wide["conv"] > 0, wide["conv"], wide["conv"] * tensor(weights["slope/alpha"]))
    assert_close(found["slope"], bent)
    assert_close(found["glu"], F.glu(wide["slope"], -1))
    bent = torch.where(wide["glu"] > 0, wide["glu"], wide["glu"] * tensor(weights["own/alpha"]))
    assert_close(found["own"], bent)
    assert_close(found["leaky"], F.leaky_relu(wide["own"], 0.1))


def sums(x: Array) -> Array:
    return np.asarray(x.sum(-1))


@profile
@given(seed=seeds, size=st.integers(1, 40))
def test_sparsemax_sums_to_1_and_keras_own_need_not(seed: int, size: int) -> None:
    """Keras 3 adds up the cumulative sums of the k largest, in every backend, where the paper has their sum."""
    x = normal(seed, BATCH, size)
    np.testing.assert_allclose(sums(run(Activation(Sparsemax()), x)[0]), 1, atol=1e-5)
    (theirs,) = run(Activation(Sparsemax(as_keras=True)), x)
    assert_close(theirs, keras.activations.sparsemax(tensor(x)))


def test_sparsemax_of_two_that_survive() -> None:
    x = np.array([[0.5, 0.4, -1]], np.float32)
    np.testing.assert_allclose(run(Activation(Sparsemax()), x)[0], [[0.55, 0.45, 0]], atol=1e-6)
    np.testing.assert_allclose(run(Activation(Sparsemax(as_keras=True)), x)[0], [[0.3, 0.2, 0]], atol=1e-6)
    np.testing.assert_allclose(np.asarray(keras.ops.sparsemax(x)), [[0.3, 0.2, 0]], atol=1e-6)


def test_what_is_masked_away_stays_away() -> None:
    """-inf for what must not be chosen."""
    x = np.array([[0.5, -np.inf, 0.4]], np.float32)
    np.testing.assert_allclose(run(Activation(Sparsemax()), x)[0], [[0.55, 0, 0.45]], atol=1e-6)


def test_randomised_slopes_at_inference() -> None:
    x = normal(0, BATCH, 9)
    assert_close(run(Activation(RRelu()), x)[0], torch.nn.RReLU().eval()(tensor(x)))


def test_a_threshold_needs_its_numbers() -> None:
    with pytest.raises(TypeError):
        Threshold()
