"""Arithmetic element by element, beside PyTorch's and Keras'."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.broadcasting import Broadcasting
from lamina_server.layers.core.basics import Input
from lamina_server.layers.merging.arithmetic import Average, Divide, Maximum, Minimum, Multiply, Power, Subtract
from lamina_server.layers.merging.joining import Add, Concatenate, StackTensors
from lamina_server.layers.tensors import DType, Layout
from lamina_server.stack import Node, Stack
from tests.contract.held import held
from tests.differential.broadcasts import Shape, aligned, broadcast, by_constant, constants, several
from tests.differential.oracles import keras, keras_values, tensor, torch
from tests.differential.support import BATCH, Runner, assert_close, layouts, normal, profile, run, seeds

BY_TORCH: dict[type[Any], Callable[[Any, Any], Any]] = {
    Add: torch.add,
    Subtract: torch.subtract,
    Multiply: torch.multiply,
    Divide: torch.divide,
    Power: torch.pow,
    Maximum: torch.maximum,
    Minimum: torch.minimum,
}
# Keras' layers; what has none is one of its operations.
BY_KERAS: dict[type[Any], Any] = {
    Add: keras.layers.Add,
    Subtract: keras.layers.Subtract,
    Multiply: keras.layers.Multiply,
    Maximum: keras.layers.Maximum,
    Minimum: keras.layers.Minimum,
    Average: keras.layers.Average,
}
every = pytest.mark.parametrize("kind", BY_TORCH, ids=lambda kind: kind.__name__)


def fit(kind: type[Any], arrays: list[Any]) -> list[Any]:
    """Arrays over which the result is a number of no great size: no division by almost 0, powers of what is above 0."""
    if kind is Divide:
        return [arrays[0], *(np.abs(x) + 0.5 for x in arrays[1:])]
    return [np.abs(arrays[0]) + 0.5, *arrays[1:]] if kind is Power else arrays


@every
@profile
@given(data=st.data(), layout=layouts, seed=seeds)
def test_tensors_with_tensors(kind: type[Any], data: st.DataObject, layout: Layout, seed: int) -> None:
    """Keras puts missing axes just after the batch axis; PyTorch, told so, agrees."""
    arrays = fit(kind, several(data.draw(broadcast(2 if kind.inputs[1] == 2 else 4)), seed))
    (found,) = run(kind(), *arrays, layout=layout)
    assert_close(found, reduce(BY_TORCH[kind], aligned(arrays)))
    if kind in BY_KERAS:
        assert_close(found, keras_values(BY_KERAS[kind](dtype="float64"), arrays)[0])


@profile
@given(shapes=broadcast(), layout=layouts, seed=seeds)
def test_average(shapes: list[Shape], layout: Layout, seed: int) -> None:
    arrays = several(shapes, seed)
    (found,) = run(Average(), *arrays, layout=layout)
    total = sum(aligned(arrays)[1:], aligned(arrays)[0])
    assert_close(found, total / len(arrays))
    assert_close(found, keras_values(BY_KERAS[Average](dtype="float64"), arrays)[0])


@every
@profile
@given(data=st.data(), shape=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple), layout=layouts, seed=seeds)
def test_a_tensor_with_constants(kind: type[Any], data: st.DataObject, shape: Shape, layout: Layout, seed: int) -> None:
    """A number or an array, at either end, in either layout; with unknown lengths where the constant admits them."""
    constant = data.draw(constants(shape))
    first = kind in (Subtract, Divide, Power) and data.draw(st.booleans())
    x = normal(seed, BATCH, *shape)
    if kind in (Divide, Power):
        x, constant = np.abs(x) + 0.5, type(constant)(tuple(abs(v) + 0.5 for v in constant.values), constant.shape)
    options: dict[str, Any] = {"constant_first": True} if first else {}
    operands = [by_constant(constant), tensor(x)] if first else [tensor(x), by_constant(constant)]
    expected = BY_TORCH[kind](*operands)
    own = len(shape) - len(constant.shape)
    met = [n == 1 for n in (1,) * own + constant.shape]
    for symbolic in ((), [i for i, one in enumerate(met) if one]):
        (found,) = run(kind(constant, **options), x, layout=layout, symbolic=symbolic)
        assert_close(found, expected)


@profile
@given(
    kind=st.sampled_from(list(BY_TORCH)),
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    small=st.integers(0, 2),
    seed=seeds,
)
def test_what_the_stack_holds_meets_every_sample(kind: type[Any], shape: list[int], small: int, seed: int) -> None:
    """A batch axis of 1 beside the batch, in either position and by either rule, which are one here."""
    kept = tuple(shape[min(small, len(shape) - 1) :])
    x, other = normal(seed, BATCH, *shape), normal(seed + 1, 1, *kept)
    if kind in (Divide, Power):
        x, other = np.abs(x) + 0.5, np.abs(other) + 0.5
    for rule in Broadcasting:
        for order in (("x", "held"), ("held", "x")):
            nodes = (
                Node(held(other[0]), "held"),
                Node(Input(tuple(shape)), "x"),
                Node(kind(broadcasting=rule), "layer", order),
            )
            found = Runner(Stack(nodes), {}, ["layer"])({"x": x})["layer"]
            one, two = aligned([x, other])
            assert_close(found, BY_TORCH[kind](*((one, two) if order[0] == "x" else (two, one))))


@pytest.mark.parametrize("kind", [Add, Subtract, Multiply, Maximum, Minimum])
@pytest.mark.parametrize("dtype", [DType.FLOAT64, DType.FLOAT16, *(d for d in DType if "int" in d)])
def test_every_element_type(kind: type[Any], dtype: DType) -> None:
    """Whole numbers wrap around where they leave their type, as numpy's."""
    a, b = (np.array([values], dtype.numpy) for values in ([100, 3, 0, 7], [100, 4, 1, 2]))
    by_numpy = {Add: np.add, Subtract: np.subtract, Multiply: np.multiply, Maximum: np.maximum, Minimum: np.minimum}
    (found,) = run(kind(), a, b)
    np.testing.assert_array_equal(found, by_numpy[kind](a, b))


@profile
@given(data=st.data(), shape=st.lists(st.integers(1, 4), min_size=1, max_size=3), count=st.integers(2, 4), seed=seeds)
def test_stack(data: st.DataObject, shape: list[int], count: int, seed: int) -> None:
    rank = len(shape) + 2
    axis = data.draw(st.integers(1, rank - 1) | st.integers(1 - rank, -1))
    arrays = several([tuple(shape)] * count, seed)
    for symbolic in ((), range(len(shape))):
        (found,) = run(StackTensors(axis), *arrays, symbolic=symbolic)
        np.testing.assert_array_equal(found, torch.stack([torch.tensor(x) for x in arrays], axis))
        np.testing.assert_array_equal(found, keras.ops.stack(arrays, axis))


@pytest.mark.parametrize("kind", [Concatenate(1), StackTensors(1)])
def test_joining_what_the_stack_holds_copies_it_to_every_sample(kind: Any) -> None:
    """A class token: one vector, held, in front of the steps of every sample."""
    token, x = normal(1, 1, 5, 3), normal(2, BATCH, 5, 3)
    nodes = (Node(held(token[0]), "token"), Node(Input((5, 3)), "x"), Node(kind, "layer", ("token", "x")))
    found = Runner(Stack(nodes), {}, ["layer"])({"x": x})["layer"]
    both = [torch.tensor(token).expand(BATCH, -1, -1), torch.tensor(x)]
    join = torch.cat if isinstance(kind, Concatenate) else torch.stack
    np.testing.assert_array_equal(found, join(both, 1))
