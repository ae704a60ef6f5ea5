"""Layers that bring numbers to mean 0 and variance 1, beside PyTorch's and Keras'. Variances are in [0.5, 2]."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.errors import KernelError
from lamina_server.layers.base import Kind
from lamina_server.layers.normalization.normalizing import (
    BatchNormalization,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    RMSNormalization,
)
from lamina_server.layers.tensors import Layout
from lamina_server.trace import trace
from tests.differential.oracles import F, keras, keras_values, tensor, torch
from tests.differential.support import (
    BATCH,
    FIRST,
    LAST,
    Array,
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
epsilons = st.floats(1e-3, 0.1)
flags = st.booleans()


def weights_for(kind: Kind, shape: tuple[int, ...], layout: Layout, seed: int) -> dict[str, Array]:
    """Numbers for the weights of a layer, by their own names."""
    found = drawn(trace(stack_of(kind, [shape], layout)), seed)
    return {name.removeprefix("layer/"): value for name, value in found.items()}


def one_axis(data: st.DataObject, rank: int) -> int | None:
    return data.draw(st.none() | st.integers(1, rank - 1) | st.integers(1 - rank, -1))


def some_axes(data: st.DataObject, rank: int) -> tuple[int, ...]:
    """Any set of axes, counted from either end."""
    axes = data.draw(st.sets(st.integers(1, rank - 1), min_size=1))
    return tuple(axis - rank * data.draw(flags) for axis in axes)


def used_axis(axis: int | None, rank: int, layout: Layout) -> int:
    return axis % rank if axis is not None else 1 if layout is FIRST else rank - 1


def learned(y: Any, axes: list[int], weights: dict[str, Array]) -> Any:
    """A tensor times gamma, or scale, plus beta."""
    for name in ("gamma", "scale", "beta"):
        if name in weights:
            sizes = [n if i in axes else 1 for i, n in enumerate(y.shape)]
            weight = tensor(weights[name]).reshape(sizes)
            y = y + weight if name == "beta" else y * weight
    return y


def trailing(axes: list[int], rank: int) -> bool:
    """Whether the axes are the last ones: those of PyTorch's normalized_shape.

    Keras on PyTorch hands neighbouring axes to PyTorch's function as if they were, so that of other axes it raises or,
    where the sizes happen to agree, takes the wrong ones: there PyTorch is asked along moved axes.
    """
    return axes == list(range(rank - len(axes), rank))


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


@profile
@given(data=st.data(), shape=shapes, layout=layouts, epsilon=epsilons, center=flags, scale=flags, seed=seeds)
def test_layer_normalization(
    data: st.DataObject, shape: tuple[int, ...], layout: Layout, epsilon: float, center: bool, scale: bool, seed: int
) -> None:
    """Any axes; the last where none are given, which is PyTorch's and Keras' default."""
    rank = len(shape) + 1
    given_axes = data.draw(st.just(())) if data.draw(flags) else some_axes(data, rank)
    kind = LayerNormalization(given_axes, epsilon, center, scale)
    axes = sorted(axis % rank for axis in given_axes or (-1,))
    x, weights = normal(seed, BATCH, *shape), weights_for(kind, shape, layout, seed + 1)
    moved = tensor(x).movedim(axes, list(range(rank - len(axes), rank)))
    sizes = moved.shape[rank - len(axes) :]
    gamma, beta = (tensor(weights[name]) if name in weights else None for name in ("gamma", "beta"))
    by_torch = F.layer_norm(moved, sizes, gamma, beta, epsilon).movedim(list(range(rank - len(axes), rank)), axes)
    by_keras = None
    if trailing(axes, rank):
        layer = keras.layers.LayerNormalization(list(axes), epsilon, center, scale, dtype="float64")
        (by_keras,) = keras_values(layer, [x], weights)

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, x, weights=weights, layout=layout, symbolic=symbolic)
        assert_close(found, by_torch)
        if by_keras is not None:
            assert_close(found, by_keras)

    both(once, [i for i in range(rank - 1) if i + 1 not in axes or not weights])


@profile
@given(data=st.data(), shape=shapes, layout=layouts, epsilon=epsilons, center=flags, scale=flags, seed=seeds)
@pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`")
def test_layer_normalization_by_variance_alone(
    data: st.DataObject, shape: tuple[int, ...], layout: Layout, epsilon: float, center: bool, scale: bool, seed: int
) -> None:
    """Keras' rms_scaling: center and scale are passed over."""
    rank = len(shape) + 1
    axes = sorted(data.draw(st.sets(st.integers(1, rank - 1), min_size=1)))
    kind = LayerNormalization(tuple(axes), epsilon, center, scale, rms_scaling=True)
    x, weights = normal(seed, BATCH, *shape), weights_for(kind, shape, layout, seed + 1)
    layer = keras.layers.LayerNormalization(axes, epsilon, center, scale, rms_scaling=True, dtype="float64")
    (found,) = run(kind, x, weights=weights, layout=layout)
    assert_close(found, keras_values(layer, [x], weights)[0])


@profile
@given(data=st.data(), shape=shapes, layout=layouts, epsilon=epsilons, center=flags, scale=flags, seed=seeds)
def test_group_normalization(
    data: st.DataObject, shape: tuple[int, ...], layout: Layout, epsilon: float, center: bool, scale: bool, seed: int
) -> None:
    """Any axis cut into any groups, each channel by itself among them."""
    rank = len(shape) + 1
    axis, per_group = one_axis(data, rank), data.draw(st.integers(1, 3))
    used = used_axis(axis, rank, layout)
    groups = shape[used - 1]
    shape = tuple(n * per_group if i + 1 == used else n for i, n in enumerate(shape))
    groups = -1 if per_group == 1 and data.draw(flags) else groups
    kind = GroupNormalization(groups, axis, epsilon, center, scale)
    x, weights = normal(seed, BATCH, *shape), weights_for(kind, shape, layout, seed + 1)
    gamma, beta = (tensor(weights[name]) if name in weights else None for name in ("gamma", "beta"))
    many = shape[used - 1] if groups == -1 else groups
    by_torch = F.group_norm(tensor(x).movedim(used, 1), many, gamma, beta, epsilon).movedim(1, used)
    layer = keras.layers.GroupNormalization(groups, used, epsilon, center, scale, dtype="float64")
    (by_keras,) = keras_values(layer, [x], weights)

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, x, weights=weights, layout=layout, symbolic=symbolic)
        assert_close(found, by_torch)
        assert_close(found, by_keras)

    both(once, [i for i in range(rank - 1) if i + 1 != used])


@profile
@given(
    data=st.data(),
    shape=st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple),
    layout=layouts,
    epsilon=epsilons,
    affine=flags,
    tracked=flags,
    seed=seeds,
)
def test_instance_normalization(
    data: st.DataObject, shape: tuple[int, ...], layout: Layout, epsilon: float, affine: bool, tracked: bool, seed: int
) -> None:
    """PyTorch's, by the sample's own statistics or by stored ones; Keras' name for the former is groups=-1."""
    rank = len(shape) + 1
    axis = one_axis(data, rank)
    used = used_axis(axis, rank, layout)
    kind = InstanceNormalization(axis, epsilon, affine, affine, tracked)
    x, weights = normal(seed, BATCH, *shape), weights_for(kind, shape, layout, seed + 1)
    names = ("moving_mean", "moving_variance", "gamma", "beta")
    parts = [tensor(weights[name]) if name in weights else None for name in names]
    moved = tensor(x).movedim(used, 1)
    alone = moved[0, 0].numel() == 1 and not tracked  # PyTorch refuses the statistics of one number
    by_torch = None if alone else F.instance_norm(moved, *parts, use_input_stats=not tracked, eps=epsilon)
    own = {name: value for name, value in weights.items() if not name.startswith("moving")}
    layer = keras.layers.GroupNormalization(-1, used, epsilon, affine, affine, dtype="float64")
    by_keras = None if tracked else keras_values(layer, [x], own)[0]

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, x, weights=weights, layout=layout, symbolic=symbolic)
        if by_torch is not None:
            assert_close(found, by_torch.movedim(1, used))
        if by_keras is not None:
            assert_close(found, by_keras)

    both(once, [i for i in range(rank - 1) if i + 1 != used or not weights])


@profile
@given(data=st.data(), shape=shapes, layout=layouts, epsilon=epsilons, scale=flags, seed=seeds)
def test_rms_normalization(
    data: st.DataObject, shape: tuple[int, ...], layout: Layout, epsilon: float, scale: bool, seed: int
) -> None:
    rank = len(shape) + 1
    given_axes = () if data.draw(flags) else some_axes(data, rank)
    kind = RMSNormalization(given_axes, epsilon, scale)
    axes = sorted(axis % rank for axis in given_axes or (-1,))
    last = list(range(rank - len(axes), rank))
    x, weights = normal(seed, BATCH, *shape), weights_for(kind, shape, layout, seed + 1)
    moved = tensor(x).movedim(axes, last)
    gamma = tensor(weights["scale"]) if scale else None
    by_torch = F.rms_norm(moved, moved.shape[rank - len(axes) :], gamma, epsilon).movedim(last, axes)
    by_keras = None
    if scale and trailing(axes, rank):
        (by_keras,) = keras_values(keras.layers.RMSNormalization(axes, epsilon, dtype="float64"), [x], weights)

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, x, weights=weights, layout=layout, symbolic=symbolic)
        assert_close(found, by_torch)
        if by_keras is not None:
            assert_close(found, by_keras)

    both(once, [i for i in range(rank - 1) if i + 1 not in axes or not weights])


KINDS = (
    LayerNormalization(),
    LayerNormalization((1, 2), scale=False),
    LayerNormalization((1,), rms_scaling=True),
    GroupNormalization(2),
    InstanceNormalization(scale=True),
    RMSNormalization(),
    BatchNormalization(),
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.title}({kind.text()})")
@pytest.mark.parametrize("layout", [LAST, FIRST])
def test_other_precisions(kind: Kind, layout: Layout) -> None:
    """float16 with numbers whose squares it cannot hold, and float64."""
    shape = (6, 5, 4) if layout is LAST else (4, 6, 5)
    weights = weights_for(kind, shape, layout, 1)
    x = normal(0, BATCH, *shape, scale=300)
    (expected,) = run(kind, x, weights=weights, layout=layout)
    for dtype in (np.float16, np.float64):
        cast = {name: value.astype(dtype) for name, value in weights.items()}
        try:
            (found,) = run(kind, x.astype(dtype), weights=cast, layout=layout)
        except KernelError:  # float64 is never computed in less
            assert dtype is np.float64
            continue
        assert found.dtype == dtype
        np.testing.assert_allclose(found.astype(np.float32), expected, rtol=4e-3, atol=4e-3 * abs(expected).max())


@pytest.mark.parametrize(
    ("kind", "by_torch"),
    [
        (GroupNormalization(2, center=False, scale=False), lambda x: F.group_norm(x, 2, eps=1e-3)),
        (LayerNormalization((2, 3), center=False, scale=False), lambda x: F.layer_norm(x, x.shape[2:], eps=1e-3)),
        (InstanceNormalization(), lambda x: F.instance_norm(x)),
    ],
    ids=lambda given: getattr(given, "title", ""),
)
def test_a_large_mean_is_no_loss(kind: Kind, by_torch: Any) -> None:
    """E(x^2) - E(x)^2 cancels where the mean is large; ONNX Runtime's GroupNormalization computes it so, 0.3 off."""
    x = normal(0, BATCH, 4, 6, 5) + np.float32(1000)
    (found,) = run(kind, x, layout=FIRST)
    np.testing.assert_allclose(found, by_torch(tensor(x)), atol=1e-3)


def test_batch_normalization_by_torch_module() -> None:
    """affine=False is center=False and scale=False; BatchNorm1d takes channels first, and eps is 1e-5."""
    module = torch.nn.BatchNorm1d(4, affine=False).double().eval()
    module.running_mean[:], module.running_var[:] = tensor(normal(1, 4)), tensor(abs(normal(2, 4)) + 1)
    weights = {"moving_mean": module.running_mean, "moving_variance": module.running_var}
    kind = BatchNormalization(epsilon=1e-5, center=False, scale=False)
    x = normal(0, BATCH, 4, 7)
    given = {name: value.numpy().astype(np.float32) for name, value in weights.items()}
    (found,) = run(kind, x, weights=given, layout=FIRST)
    assert_close(found, module(tensor(x)))
