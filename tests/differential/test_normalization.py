"""Batch normalisation at inference beside PyTorch's and Keras'. Variances are in [0.5, 2]."""

from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.normalization import BatchNormalization
from lamina_server.layers.tensors import Layout
from lamina_server.trace import trace
from tests.differential.oracles import F, keras, keras_values, tensor
from tests.differential.support import (
    BATCH,
    FIRST,
    assert_close,
    both,
    drawn,
    layouts,
    normal,
    profile,
    run,
    seeds,
    stack_of,
)

shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


@profile
@given(
    data=st.data(),
    shape=shapes,
    layout=layouts,
    epsilon=st.floats(0, 0.1),
    center=st.booleans(),
    scale=st.booleans(),
    seed=seeds,
)
def test_batch_normalization(
    data: st.DataObject,
    shape: tuple[int, ...],
    layout: Layout,
    epsilon: float,
    center: bool,
    scale: bool,
    seed: int,
) -> None:
    """Any axis but the batch; without one, the channel axis of the layout."""
    rank = len(shape) + 1
    axis = data.draw(st.none() | st.integers(1, rank - 1) | st.integers(1 - rank, -1))
    kind = BatchNormalization(axis, epsilon=epsilon, center=center, scale=scale)
    used = axis if axis is not None else 1 if layout is FIRST else -1
    x = normal(seed, BATCH, *shape)
    found_weights = drawn(trace(stack_of(kind, [shape], layout)), seed + 1)
    weights = {name.removeprefix("layer/"): value for name, value in found_weights.items()}
    assert all(value.shape == (x.shape[used],) for value in weights.values())

    wide = {name: tensor(value) for name, value in weights.items()}
    statistics = (wide["moving_mean"], wide["moving_variance"], wide.get("gamma"), wide.get("beta"))
    by_torch = F.batch_norm(tensor(x).movedim(used, 1), *statistics, eps=epsilon).movedim(1, used)
    layer = keras.layers.BatchNormalization(used, 0.9, epsilon, center, scale, dtype="float64")
    (by_keras,) = keras_values(layer, [x], weights)

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, x, weights=weights, layout=layout, symbolic=symbolic)
        assert_close(found, by_torch)
        assert_close(found, by_keras)

    both(once, [i for i in range(rank - 1) if i + 1 != used % rank])
