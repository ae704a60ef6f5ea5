"""Dense and the activation functions beside PyTorch's and Keras'."""

import inspect
from collections.abc import Collection
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.core import Activation, Dense, Dropout
from lamina_server.layers.functions import FUNCTIONS, Function
from tests.differential.activations import by_keras, by_torch, functions, of_kind
from tests.differential.oracles import F, keras, keras_values, tensor
from tests.differential.support import (
    BATCH,
    assert_close,
    both,
    kernel,
    layouts,
    normal,
    profile,
    run,
    seeds,
)

shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


@profile
@given(data=st.data(), shape=shapes, units=st.integers(1, 6), use_bias=st.booleans(), layout=layouts, seed=seeds)
def test_dense(data: st.DataObject, shape: tuple[int, ...], units: int, use_bias: bool, layout: Any, seed: int) -> None:
    """The last axis in either layout, whatever the rank."""
    function = data.draw(st.none() | functions(len(shape) + 1))
    x = normal(seed, BATCH, *shape)
    weights = {"kernel": kernel(seed + 1, shape[-1], units)}
    if use_bias:
        weights["bias"] = normal(seed + 2, units)
    by_matrix = F.linear(tensor(x), tensor(weights["kernel"].T), tensor(weights["bias"]) if use_bias else None)
    layer = keras.layers.Dense(units, by_keras(function), use_bias, dtype="float64")
    (expected,) = keras_values(layer, [x], weights)

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(Dense(units, function, use_bias), x, weights=weights, layout=layout, symbolic=symbolic)
        assert_close(found, by_torch(function, by_matrix))
        assert_close(found, expected)

    both(once, range(len(shape) - 1))


@pytest.mark.parametrize("kind", FUNCTIONS, ids=lambda kind: str(kind().name))
@profile
@given(data=st.data(), shape=shapes, seed=seeds, wide=st.sampled_from([0.1, 1, 5, 20]))
def test_activation(kind: type[Function], data: st.DataObject, shape: tuple[int, ...], seed: int, wide: float) -> None:
    """Each function, near 0, across its bends, and far out."""
    function = data.draw(of_kind(kind, len(shape) + 1))
    x = normal(seed, BATCH, *shape, scale=wide)
    (expected,) = keras_values(keras.layers.Activation(by_keras(function), dtype="float64"), [x])

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(Activation(function), x, symbolic=symbolic)
        assert_close(found, by_torch(function, tensor(x)))
        assert_close(found, expected)

    both(once, range(len(shape)))


@pytest.mark.parametrize("kind", FUNCTIONS, ids=lambda kind: str(kind().name))
def test_functions_have_keras_names_and_defaults(kind: type[Function]) -> None:
    """What Keras calls by this name has these parameters with these defaults."""
    applied = keras.activations.get(kind().name)
    theirs = {name: p.default for name, p in inspect.signature(applied).parameters.items() if name != "x"}
    ours = {item.name: item.default for item in fields(kind)}
    known = set(theirs) - {"max_value", "threshold"}  # relu's: a ReLU layer of its own in Keras
    assert ours == {name: theirs[name] for name in known if kind().name != "relu"}
    x = normal(0, BATCH, 7, 5, scale=3)
    (expected,) = keras_values(keras.layers.Activation(kind().name, dtype="float64"), [x])
    (found,) = run(Activation(kind()), x)
    assert_close(found, expected)


@profile
@given(shape=shapes, rate=st.floats(0, 1), seed=seeds)
def test_dropout_changes_nothing(shape: tuple[int, ...], rate: float, seed: int) -> None:
    x = normal(seed, BATCH, *shape)
    (found,) = run(Dropout(rate), x)
    assert (found == x).all()
    assert_close(found, keras_values(keras.layers.Dropout(rate, dtype="float64"), [x])[0])
