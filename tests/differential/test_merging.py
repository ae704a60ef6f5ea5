"""Layers that bring tensors together, beside PyTorch's and Keras'."""

from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.merging.joining import Add, Concatenate
from lamina_server.layers.tensors import Layout
from tests.differential.oracles import keras, keras_values, tensor, torch
from tests.differential.support import BATCH, assert_close, both, layouts, normal, profile, run, seeds


@profile
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4), count=st.integers(2, 4), seed=seeds)
def test_add_of_unknown_lengths(shape: list[int], count: int, seed: int) -> None:
    arrays = [normal(seed + i, BATCH, *shape) for i in range(count)]
    (found,) = run(Add(), *arrays, symbolic=range(len(shape)))
    assert_close(found, sum(map(tensor, arrays)))


@profile
@given(data=st.data(), shape=st.lists(st.integers(1, 4), min_size=1, max_size=4), layout=layouts, seed=seeds)
def test_concatenate(data: st.DataObject, shape: list[int], layout: Layout, seed: int) -> None:
    """Along any axis but the batch, counted from either end."""
    rank = len(shape) + 1
    axis = data.draw(st.integers(1, rank - 1) | st.integers(1 - rank, -1))
    place = axis % rank
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    shapes = [(*shape[: place - 1], n, *shape[place:]) for n in sizes]
    arrays = [normal(seed + i, BATCH, *each) for i, each in enumerate(shapes)]
    (by_keras,) = keras_values(keras.layers.Concatenate(axis, dtype="float64"), arrays)

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(Concatenate(axis), *arrays, layout=layout, symbolic=symbolic)
        assert_close(found, torch.cat([tensor(x) for x in arrays], axis))
        assert_close(found, by_keras)

    both(once, [i for i in range(rank - 1) if i + 1 != place])
