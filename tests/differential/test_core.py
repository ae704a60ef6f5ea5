"""Dense and Dropout beside PyTorch's and Keras'."""

from collections.abc import Collection
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.core.basics import Dense, Dropout
from tests.differential.activations import by_keras, by_torch, functions
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


@profile
@given(shape=shapes, rate=st.floats(0, 1), seed=seeds)
def test_dropout_changes_nothing(shape: tuple[int, ...], rate: float, seed: int) -> None:
    x = normal(seed, BATCH, *shape)
    (found,) = run(Dropout(rate), x)
    assert (found == x).all()
    assert_close(found, keras_values(keras.layers.Dropout(rate, dtype="float64"), [x])[0])
