"""Many numbers to one along some axes, beside PyTorch's and Keras'."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.merging.reductions import OPERATIONS, Normalize, Reduce, Variance
from lamina_server.layers.tensors import DType, Layout
from tests.differential.broadcasts import Shape
from tests.differential.oracles import F, keras, tensor, torch
from tests.differential.support import BATCH, assert_close, both, layouts, normal, profile, run, seeds

BY_TORCH: dict[str, Callable[..., Any]] = {
    "mean": torch.mean,
    "sum": torch.sum,
    "max": torch.amax,
    "min": torch.amin,
    "prod": lambda x, dim, keepdim: _one_by_one(torch.prod, x, dim, keepdim),
    "l1_norm": lambda x, dim, keepdim: torch.linalg.vector_norm(x, 1, dim, keepdim),
    "l2_norm": lambda x, dim, keepdim: torch.linalg.vector_norm(x, 2, dim, keepdim),
    "log_sum_exp": torch.logsumexp,
}
BY_KERAS: dict[str, Callable[..., Any]] = {
    "mean": keras.ops.mean,
    "sum": keras.ops.sum,
    "max": keras.ops.max,
    "min": keras.ops.min,
    "prod": keras.ops.prod,
    "l1_norm": lambda x, axis, keepdims: keras.ops.sum(keras.ops.abs(x), axis, keepdims),
    "l2_norm": lambda x, axis, keepdims: keras.ops.sqrt(keras.ops.sum(x * x, axis, keepdims)),
    "log_sum_exp": keras.ops.logsumexp,
}
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


def _one_by_one(reduce: Any, x: Any, axes: tuple[int, ...], keepdim: bool) -> Any:
    for axis in sorted((axis % x.ndim for axis in axes), reverse=True):
        x = reduce(x, axis, keepdim)
    return x


@st.composite
def axes_of(draw: st.DrawFn, shape: Shape) -> tuple[int, ...]:
    """Some axes but the batch, each counted from either end, in any order; sometimes none, which means all."""
    rank = len(shape) + 1
    chosen = draw(st.lists(st.integers(1, rank - 1), unique=True))
    return tuple(axis - rank if draw(st.booleans()) else axis for axis in chosen)


def all_of(axes: tuple[int, ...], shape: Shape) -> tuple[int, ...]:
    return axes or tuple(range(1, len(shape) + 1))


@pytest.mark.parametrize("operation", OPERATIONS)
@profile
@given(data=st.data(), shape=shapes, keepdims=st.booleans(), layout=layouts, seed=seeds)
def test_reduce(operation: str, data: st.DataObject, shape: Shape, keepdims: bool, layout: Layout, seed: int) -> None:
    axes = data.draw(axes_of(shape))
    x = normal(seed, BATCH, *shape)
    named = all_of(axes, shape)

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(Reduce(operation, axes, keepdims), x, layout=layout, symbolic=symbolic)
        assert_close(found, BY_TORCH[operation](tensor(x), dim=named, keepdim=keepdims))
        assert_close(found, np.asarray(BY_KERAS[operation](tensor(x), axis=named, keepdims=keepdims)))

    both(once, range(len(shape)))


@pytest.mark.parametrize("operation", ["variance", "standard_deviation"])
@profile
@given(data=st.data(), shape=shapes, keepdims=st.booleans(), correction=st.integers(0, 2), seed=seeds, layout=layouts)
def test_variance(
    operation: str,
    data: st.DataObject,
    shape: Shape,
    keepdims: bool,
    correction: int,
    seed: int,
    layout: Layout,
) -> None:
    """PyTorch takes a correction, 1 by default; Keras has none and divides by n."""
    axes = data.draw(axes_of(shape))
    named = all_of(axes, shape)
    correction = min(correction, int(np.prod([(BATCH, *shape)[axis] for axis in named])) - 1)
    x = normal(seed, BATCH, *shape)
    by_torch = {"variance": torch.var, "standard_deviation": torch.std}[operation]
    by_keras = {"variance": keras.ops.var, "standard_deviation": keras.ops.std}[operation]

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(Variance(operation, axes, keepdims, correction), x, layout=layout, symbolic=symbolic)
        assert_close(found, by_torch(tensor(x), dim=named, keepdim=keepdims, correction=correction))
        if not correction:
            assert_close(found, np.asarray(by_keras(tensor(x), axis=named, keepdims=keepdims)))

    both(once, range(len(shape)))


@profile
@given(
    data=st.data(), shape=shapes, p=st.sampled_from([1.0, 2.0, 3.0, 1.5, float("inf")]),
    epsilon=st.sampled_from([1e-12, 0.7]), layout=layouts, seed=seeds,
)  # fmt: skip
def test_normalize(data: st.DataObject, shape: Shape, p: float, epsilon: float, layout: Layout, seed: int) -> None:
    axis = data.draw(st.integers(1, len(shape)) | st.integers(-len(shape), -1))
    x = normal(seed, BATCH, *shape)

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(Normalize(axis, p, epsilon), x, layout=layout, symbolic=symbolic)
        assert_close(found, F.normalize(tensor(x), p, axis, epsilon))
        if p in (1.0, 2.0, 3.0):
            assert_close(found, np.asarray(keras.ops.normalize(tensor(x), axis, int(p), epsilon)))

    both(once, range(len(shape)))


def test_a_vector_of_zeros_is_left_as_it_is() -> None:
    x = np.zeros((BATCH, 3), np.float32)
    (found,) = run(Normalize(), x)
    np.testing.assert_array_equal(found, F.normalize(torch.tensor(x)))


def test_large_numbers_do_not_overflow() -> None:
    x = normal(1, BATCH, 5, scale=200)
    (found,) = run(Reduce("log_sum_exp"), x)
    assert_close(found, torch.logsumexp(tensor(x), 1))


@pytest.mark.parametrize("operation", [name for name, row in OPERATIONS.items() if DType.INT32 in row.takes])
@pytest.mark.parametrize("dtype", [DType.INT32, DType.INT64, DType.FLOAT64, DType.FLOAT16])
def test_element_types_stay(operation: str, dtype: DType) -> None:
    x = np.arange(-6, 6).reshape(BATCH, 3, 2).astype(dtype.numpy)
    (found,) = run(Reduce(operation, (1,)), x)
    expected = BY_TORCH[operation](torch.tensor(x).double(), dim=(1,), keepdim=False)
    np.testing.assert_array_equal(found, expected)
