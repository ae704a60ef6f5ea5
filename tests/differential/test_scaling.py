"""Layers that scale and shift, or divide by a length, beside PyTorch's and Keras'."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.errors import KernelError
from lamina_server.layers.normalization.scaling import (
    LayerScale,
    LocalResponseNormalization,
    Normalization,
    Rescaling,
    UnitNormalization,
)
from lamina_server.layers.tensors import DType, Layout
from tests.differential.oracles import F, keras, keras_values, tensor
from tests.differential.support import (
    BATCH,
    FIRST,
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
numbers = st.floats(-3, 3, width=32)
INTEGERS = (np.uint8, np.int8, np.int32, np.int64, np.uint16)


def some_axes(data: st.DataObject, rank: int) -> list[int]:
    return sorted(data.draw(st.sets(st.integers(1, rank - 1), min_size=1)))


def channels(rank: int, layout: Layout) -> int:
    return 1 if layout is FIRST else rank - 1


def drawn_input(data: st.DataObject, seed: int, shape: tuple[int, ...]) -> Array:
    """Floating-point numbers, or integers of any kind."""
    x, dtype = normal(seed, BATCH, *shape, scale=30), data.draw(st.sampled_from((np.float32, *INTEGERS)))
    return x if dtype is np.float32 else abs(x).astype(dtype)


@profile
@given(data=st.data(), shape=shapes, layout=layouts, seed=seeds, wide=st.sampled_from([0, 1e-20, 1, 1e6]))
def test_unit_normalization(
    data: st.DataObject, shape: tuple[int, ...], layout: Layout, seed: int, wide: float
) -> None:
    """Any axes, and lengths from 0 on."""
    rank = len(shape) + 1
    axes = some_axes(data, rank)
    kind = UnitNormalization(() if axes == [rank - 1] and data.draw(st.booleans()) else tuple(axes))
    x = normal(seed, BATCH, *shape, scale=wide)
    (by_keras,) = keras_values(keras.layers.UnitNormalization(axes, dtype="float64"), [x])

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, x, layout=layout, symbolic=symbolic)
        assert_close(found, by_keras)
        if len(axes) == 1:
            assert_close(found, F.normalize(tensor(x), dim=axes[0]))

    both(once, range(rank - 1))


@profile
@given(
    data=st.data(),
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple),
    layout=layouts,
    size=st.integers(1, 12),
    factors=st.tuples(st.floats(0, 2), st.floats(-1, 2), st.floats(0.5, 2)),
    seed=seeds,
)
def test_local_response_normalization(
    data: st.DataObject,
    shape: tuple[int, ...],
    layout: Layout,
    size: int,
    factors: tuple[float, float, float],
    seed: int,
) -> None:
    """Windows with and without a middle, longer than the channels too; PyTorch wants three axes."""
    rank = len(shape) + 1
    axis = data.draw(st.none() | st.integers(1, rank - 1) | st.integers(1 - rank, -1))
    used = axis % rank if axis is not None else channels(rank, layout)
    x = normal(seed, BATCH, *shape)
    moved = tensor(x).movedim(used, 1)
    moved = (moved if rank > 2 else moved[..., None]).contiguous()  # it is viewed in another shape
    by_torch = F.local_response_norm(moved, size, *factors)
    by_torch = (by_torch if rank > 2 else by_torch[..., 0]).movedim(1, used)

    def once(symbolic: Collection[int]) -> None:
        kind = LocalResponseNormalization(size, *factors, axis=axis)
        (found,) = run(kind, x, layout=layout, symbolic=symbolic)
        assert_close(found, by_torch)

    both(once, [i for i in range(rank - 1) if i + 1 != used])


@profile
@given(data=st.data(), shape=shapes, layout=layouts, own=st.none() | layouts, seed=seeds)
def test_rescaling(data: st.DataObject, shape: tuple[int, ...], layout: Layout, own: Layout | None, seed: int) -> None:
    """One number or one a channel, of any element type. Keras takes the latter along its last axis."""
    rank = len(shape) + 1
    axis = channels(rank, own or layout)
    lengths = st.sampled_from([1, shape[axis - 1]])
    scale = data.draw(lengths.flatmap(lambda n: st.tuples(*[numbers] * n)))
    offset = data.draw(st.just(()) | lengths.flatmap(lambda n: st.tuples(*[numbers] * n)))
    x = drawn_input(data, seed, shape)
    layer = keras.layers.Rescaling(np.array(scale), np.array(offset or (0,)), dtype="float64")
    (expected,) = keras_values(layer, [np.moveaxis(x, axis, -1).astype(np.float32)])

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(Rescaling(scale, offset, own), x, layout=layout, symbolic=symbolic)
        assert found.dtype == np.float32
        assert_close(found, np.moveaxis(expected, -1, axis))

    both(once, [i for i in range(rank - 1) if i + 1 != axis])


@profile
@given(data=st.data(), shape=shapes, layout=layouts, invert=st.booleans(), seed=seeds)
def test_normalization(data: st.DataObject, shape: tuple[int, ...], layout: Layout, invert: bool, seed: int) -> None:
    """Statistics for any axes, or for none; given as options or as weights."""
    rank = len(shape) + 1
    scalar = data.draw(st.booleans())
    axes = [] if scalar else some_axes(data, rank)
    sizes = tuple(shape[axis - 1] for axis in axes)
    mean, variance = normal(seed, *sizes), np.random.default_rng(seed).uniform(0, 2, sizes).astype(np.float32)
    if data.draw(st.integers(0, 4)) == 0:
        variance *= 0  # no deviation is smaller than 1e-7
    x = drawn_input(data, seed + 1, shape)
    wide = x.astype(np.float64)
    used: dict[str, Any] = {"axis": tuple(axes) or None, "invert": invert, "dtype": "float64"}
    as_options = data.draw(st.booleans())
    if as_options:
        layer = keras.layers.Normalization(mean=mean.astype(np.float64), variance=variance.astype(np.float64), **used)
        (expected,) = keras_values(layer, [wide])
        flat = {"mean": tuple(map(float, mean.ravel())), "variance": tuple(map(float, variance.ravel()))}
        kind = Normalization(tuple(axes), flat["mean"], flat["variance"], invert, scalar)
    else:
        layer = keras.layers.Normalization(**used)
        layer.build(x.shape)
        layer.adapt_mean.assign(mean)
        layer.adapt_variance.assign(variance)
        layer.finalize_state()
        expected = layer(tensor(x)).numpy()
        kind = Normalization(tuple(axes), invert=invert, scalar=scalar)
    weights = {} if as_options else {"mean": mean, "variance": variance}

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, x, weights=weights, layout=layout, symbolic=symbolic)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * max(1.0, float(abs(expected).max())))

    both(once, [i for i in range(rank - 1) if i + 1 not in axes])


def test_normalization_with_one_number_for_all() -> None:
    x = normal(0, BATCH, 4, 3)
    layer = keras.layers.Normalization(mean=2.0, variance=4.0, dtype="float64")
    (found,) = run(Normalization(mean=(2.0,), variance=(4.0,)), x)
    assert_close(found, keras_values(layer, [x])[0])


def test_keras_keeps_a_count_that_inference_never_reads() -> None:
    layer = keras.layers.Normalization()
    layer.build((2, 3))
    assert [weight.name for weight in layer.weights] == ["mean", "variance", "count"]
    layer.adapt(normal(0, 20, 3))
    x = normal(1, BATCH, 3)
    weights = {"mean": layer.mean.numpy()[0], "variance": layer.variance.numpy()[0]}
    assert_close(run(Normalization(), x, weights=weights)[0], layer(x).detach())


@profile
@given(data=st.data(), shape=shapes, layout=layouts, center=st.booleans(), seed=seeds)
def test_layer_scale(data: st.DataObject, shape: tuple[int, ...], layout: Layout, center: bool, seed: int) -> None:
    rank = len(shape) + 1
    axis = data.draw(st.none() | st.integers(1, rank - 1) | st.integers(1 - rank, -1))
    used = axis % rank if axis is not None else channels(rank, layout)
    x, gamma, beta = normal(seed, BATCH, *shape), normal(seed + 1, shape[used - 1]), normal(seed + 2, shape[used - 1])
    beside = [-1 if i == used else 1 for i in range(rank)]
    expected = tensor(x) * tensor(gamma).reshape(beside)
    expected = expected + tensor(beta).reshape(beside) if center else expected
    weights = {"gamma": gamma, **({"beta": beta} if center else {})}

    def once(symbolic: Collection[int]) -> None:
        kind = LayerScale(axis=axis, center=center)
        (found,) = run(kind, x, weights=weights, layout=layout, symbolic=symbolic)
        assert_close(found, expected)

    both(once, [i for i in range(rank - 1) if i + 1 != used])


PRECISE: list[Any] = [
    UnitNormalization((1, 2)),
    LocalResponseNormalization(3, 0.1),
    LocalResponseNormalization(4, 0.1),
    Rescaling((0.5,), (1.0, 2.0, 3.0)),
    Normalization(mean=(2.0,), variance=(4.0,)),
    LayerScale(),
]


@pytest.mark.parametrize("kind", PRECISE, ids=lambda kind: f"{kind.title}({kind.text()})")
@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_precisions(kind: Any, dtype: Any) -> None:
    """The type of a floating input is kept; squares that float16 cannot hold are no matter."""
    x = normal(0, BATCH, 5, 4, 3, scale=300)
    weights = {"gamma": normal(1, 3)} if isinstance(kind, LayerScale) else {}
    (expected,) = run(kind, x, weights=weights)
    cast = {name: value.astype(dtype) for name, value in weights.items()}
    try:
        (found,) = run(kind, x.astype(dtype), weights=cast)
    except KernelError:  # float64 is never computed in less
        assert dtype is np.float64
        return
    assert found.dtype == dtype
    np.testing.assert_allclose(found.astype(np.float32), expected, rtol=4e-3, atol=4e-3)


@pytest.mark.parametrize("dtype", [DType.FLOAT16, DType.FLOAT64, DType.FLOAT32])
def test_the_type_that_is_asked_for(dtype: DType) -> None:
    x = np.arange(12, dtype=np.uint8).reshape(BATCH, 2, 3)
    for kind in (Rescaling((0.5,), dtype=dtype), Normalization(mean=(0.0,), variance=(4.0,), dtype=dtype)):
        (found,) = run(kind, x)
        assert found.dtype == dtype.numpy
        np.testing.assert_array_equal(found, x / 2)
    for fed in (x, x.astype(np.float16)):  # the weights are of the type of the result
        weights = {"mean": np.zeros(3, dtype.numpy), "variance": np.full(3, 4, dtype.numpy)}
        (found,) = run(Normalization(dtype=dtype), fed, weights=weights)
        assert found.dtype == dtype.numpy
        np.testing.assert_array_equal(found, x / 2)
