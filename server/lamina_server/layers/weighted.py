"""What layers share that treat each index of some axes by itself: which axes, their weights, and how these must lie."""

from collections.abc import Callable, Sequence
from typing import Any

from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import (
    Inference,
    Weight,
    axis_name,
    own_axes,
    own_axis,
    require_number,
    unchanged,
)
from lamina_server.layers.graph import Array, Graph, Value
from lamina_server.layers.tensors import DType, Layout, Role, Spec, channel_axis


def chosen_axis(axis: int | None, x: Spec, layout: Layout) -> int:
    """An `axis` option, or the channel axis of the layout."""
    if x.rank < 2:
        raise LayerError("RANK_MISMATCH", f"needs at least batch, channels. It gets {x}: one axis is missing")
    return channel_axis(x.rank, layout) if axis is None else own_axis(axis, x.rank)


def chosen_axes(axes: tuple[int, ...], x: Spec) -> tuple[int, ...]:
    """An option for several axes, in order; the last axis where it is empty."""
    if x.rank < 2:
        raise LayerError("RANK_MISMATCH", f"needs at least batch, features. It gets {x}: one axis is missing")
    return own_axes(axes or (-1,), x.rank)


def channels_second(rank: int, axis: int) -> tuple[int, ...]:
    """The order in which the batch comes first, one axis second, then the others."""
    return (0, axis, *(i for i in range(1, rank) if i != axis))


def named(x: Spec, axes: Sequence[int]) -> str:
    """Axes as sentences name them: `height and width`."""
    return listed([axis_name(x, axis) for axis in axes])


def each_of(x: Spec, axes: Sequence[int]) -> str:
    """What has weights of its own: `Each channel`, `Each index of height and width`."""
    (role, _), *others = (x.axes[axis] for axis in axes)
    if not others and role in (Role.CHANNELS, Role.FEATURES, Role.STEPS):
        return f"Each {role.value.removesuffix('s')}"
    return f"Each index of {named(x, axes)}"


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def learned(
    x: Spec, axes: tuple[int, ...], *, scale: bool = False, center: bool = False, gamma: str = "gamma"
) -> tuple[Weight, ...]:
    """Weights that multiply and are added, of the sizes of some axes; these must be numbers where there are any."""
    if not scale and not center:
        return ()
    shape = tuple(require_number(x.shape[i], axis_name(x, i), "because it has weights for each") for i in axes)
    return tuple([Weight(gamma, shape, "ones")] * scale + [Weight("beta", shape)] * center)


def weighted(
    x: Spec, label: str, axes: Sequence[int], weights: tuple[Weight, ...], what: str, along: Sequence[int] = ()
) -> Inference:
    """What a layer infers that keeps the shape and has weights for each index of some axes."""
    more: dict[str, Any] = {}
    if weights:
        names = [weight.name for weight in weights]
        sizes = {name if (name := axis_name(x, i)).isalpha() else f"n{i}": x.shape[i] for i in axes}
        text = " * ".join((["n"] if len(names) > 1 else []) + list(sizes))
        count = {"n": len(names)} if len(names) > 1 else {}
        more["params"] = derive(text, **count, **sizes)
        more["params_reason"] = f"{each_of(x, axes)} has {listed(names)}"
    return unchanged(x, label, how=f"{what}, shape unchanged", weights=weights, sees_along=tuple(along), **more)


def spread(axes: Sequence[int], order: Sequence[int]) -> Callable[[Array], Array]:
    """How an array over some axes must lie beside a tensor whose axes lie in an order."""

    def change(array: Array) -> Array:
        sizes = dict(zip(axes, array.shape, strict=True))
        return array.reshape([sizes.get(i, 1) for i in range(len(order))]).transpose(order)

    return change


def scaled(graph: Graph, x: Value, axes: Sequence[int], done: Inference) -> Value:
    """The tensor times the first weight, plus beta; the weights run over some axes."""
    for weight in done.weights:
        beside = graph.weight(weight.name, spread(axes, x.order))
        x = x._replace(name=graph.node("Add" if weight.name == "beta" else "Mul", [x.name, beside]))
    return x


def wide(dtype: DType) -> DType:
    """The type in which sums of squares are computed: half precision overflows above 255."""
    return DType.FLOAT32 if dtype.nbytes == 2 else dtype


def computed_wide(graph: Graph, x: Value, compute: Callable[[str], str]) -> Value:
    """What is computed of a tensor in at least single precision, as Keras does."""
    dtype = x.spec.dtype
    if wide(dtype) is dtype:
        return x._replace(name=compute(x.name))
    return x._replace(name=graph.cast(compute(graph.cast(x.name, wide(dtype))), dtype))
