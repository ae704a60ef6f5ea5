"""What looks along one axis in order, beside PyTorch's and Keras'."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.merging.ordering import ArgMax, ArgMin, CumSum, Sort, TopK
from lamina_server.layers.tensors import DType, Layout
from tests.differential.broadcasts import Shape
from tests.differential.oracles import keras, tensor, torch
from tests.differential.support import BATCH, assert_close, both, layouts, normal, profile, run, seeds

shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


def axis_of(shape: Shape) -> st.SearchStrategy[int]:
    return st.integers(1, len(shape)) | st.integers(-len(shape), -1)


@pytest.mark.parametrize("kind", [ArgMax, ArgMin])
@profile
@given(data=st.data(), shape=shapes, keepdims=st.booleans(), layout=layouts, seed=seeds)
def test_arg_max_and_min(
    kind: Any, data: st.DataObject, shape: Shape, keepdims: bool, layout: Layout, seed: int
) -> None:
    axis = data.draw(axis_of(shape))
    x = normal(seed, BATCH, *shape)
    by_torch, by_keras = (torch.argmax, keras.ops.argmax) if kind is ArgMax else (torch.argmin, keras.ops.argmin)

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind(axis, keepdims), x, layout=layout, symbolic=symbolic)
        np.testing.assert_array_equal(found, by_torch(torch.tensor(x), axis, keepdims))
        np.testing.assert_array_equal(found, np.asarray(by_keras(x, axis, keepdims)))

    both(once, range(len(shape)))


@pytest.mark.parametrize("dtype", [DType.INT8, DType.UINT8, DType.INT32, DType.INT64, DType.FLOAT64, DType.FLOAT16])
def test_of_equal_numbers_the_first(dtype: DType) -> None:
    x = np.array([[1, 7, 0, 7, 0]], dtype.numpy)
    assert run(ArgMax(), x)[0].tolist() == [1] and run(ArgMin(), x)[0].tolist() == [2]
    values, indices = run(TopK(3), x)
    assert values.tolist() == [[7, 7, 1]] and indices.tolist() == [[1, 3, 0]]
    values, indices = run(Sort(), x)
    assert values.tolist() == [[0, 0, 1, 7, 7]] and indices.tolist() == [[2, 4, 0, 1, 3]]
    assert run(Sort(descending=True), x)[1].tolist() == [[1, 3, 0, 2, 4]]


@profile
@given(data=st.data(), shape=shapes, largest=st.booleans(), layout=layouts, seed=seeds)
def test_top_k(data: st.DataObject, shape: Shape, largest: bool, layout: Layout, seed: int) -> None:
    axis = data.draw(axis_of(shape))
    place = axis % (len(shape) + 1)
    k = data.draw(st.integers(1, shape[place - 1]))
    x = normal(seed, BATCH, *shape)

    def once(symbolic: Collection[int]) -> None:
        values, indices = run(TopK(k, axis, largest), x, layout=layout, symbolic=symbolic)
        expected = torch.topk(torch.tensor(x), k, axis, largest)
        np.testing.assert_array_equal(values, expected.values)
        np.testing.assert_array_equal(indices, expected.indices)
        if place == len(shape) and largest:
            np.testing.assert_array_equal(values, np.asarray(keras.ops.top_k(x, k)[0]))

    both(once, [i for i in range(len(shape)) if i + 1 != place])


@profile
@given(data=st.data(), shape=shapes, descending=st.booleans(), layout=layouts, seed=seeds)
def test_sort(data: st.DataObject, shape: Shape, descending: bool, layout: Layout, seed: int) -> None:
    axis = data.draw(axis_of(shape))
    x = normal(seed, BATCH, *shape)

    def once(symbolic: Collection[int]) -> None:
        values, indices = run(Sort(axis, descending), x, layout=layout, symbolic=symbolic)
        expected = torch.sort(torch.tensor(x), axis, descending)
        np.testing.assert_array_equal(values, expected.values)
        np.testing.assert_array_equal(indices, expected.indices)
        if not descending:
            np.testing.assert_array_equal(values, np.asarray(keras.ops.sort(x, axis)))

    both(once, range(len(shape)))


@profile
@given(data=st.data(), shape=shapes, options=st.tuples(st.booleans(), st.booleans()), layout=layouts, seed=seeds)
def test_cum_sum(data: st.DataObject, shape: Shape, options: tuple[bool, bool], layout: Layout, seed: int) -> None:
    axis = data.draw(axis_of(shape))
    x = normal(seed, BATCH, *shape)
    exclusive, reverse = options
    t = tensor(x).flip(axis) if reverse else tensor(x)
    total = torch.cumsum(t, axis) - (t if exclusive else 0)
    expected = total.flip(axis) if reverse else total

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(CumSum(axis, exclusive, reverse), x, layout=layout, symbolic=symbolic)
        assert_close(found, expected)
        if not (exclusive or reverse):
            assert_close(found, np.asarray(keras.ops.cumsum(x, axis)))

    both(once, range(len(shape)))
