"""Products and reductions, functions of every number alone, comparisons."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from math import erf
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference
from tests.contract.references.merging import operands, raised


def _dot(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    """Sample by sample, by tensordot."""
    axes = kind.axes * 2 if len(kind.axes) == 1 else kind.axes
    a, b = (_unit(x, axis, 2, 1e-7) if kind.normalize else x for x, axis in zip(inputs, axes, strict=True))
    own = [axis % x.ndim - 1 for x, axis in zip(inputs, axes, strict=True)]
    y = np.stack([np.tensordot(p, q, (own[0], own[1])) for p, q in zip(a, b, strict=True)])
    return [y.reshape(-1, 1) if y.ndim == 1 else y]


def _mat_mul(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    a, b = inputs
    a = np.swapaxes(a, -1, -2) if kind.transpose_a else a
    b = np.swapaxes(b, -1, -2) if kind.transpose_b else b
    return [(a[..., :, :, None] * b[..., None, :, :]).sum(-2)]


def _einsum(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    return [np.einsum(kind.equation.replace(" ", ""), *inputs)]


def _cosine(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    # As PyTorch: made as long as each other first, and only then divided by their lengths.
    a, b = (_unit(x, kind.axis, 2, kind.epsilon) for x in np.broadcast_arrays(*inputs))
    return [(a * b).sum(kind.axis)]


def _distance(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    away = inputs[0] - inputs[1] + kind.epsilon
    return [_norm(away, -1, kind.p) if kind.keepdims else _norm(away, -1, kind.p)[..., 0]]


def _norm(x: Array, axis: int, p: float) -> Array:
    if p == np.inf:
        largest: Array = np.abs(x).max(axis, keepdims=True)
        return largest
    total: Array = (np.abs(x) ** p).sum(axis, keepdims=True) ** (1 / p)
    return total


def _unit(x: Array, axis: int, p: float, epsilon: float) -> Array:
    return x / np.maximum(_norm(x, axis, p), epsilon)


_REDUCED: dict[str, Callable[..., Array]] = {
    "mean": np.mean,
    "sum": np.sum,
    "max": np.max,
    "min": np.min,
    "prod": np.prod,
    "l1_norm": lambda x, axis, keepdims: np.abs(x).sum(axis=axis, keepdims=keepdims),
    "l2_norm": lambda x, axis, keepdims: np.sqrt((x**2).sum(axis=axis, keepdims=keepdims)),
    "log_sum_exp": lambda x, axis, keepdims: np.log(np.exp(x).sum(axis=axis, keepdims=keepdims)),
}


def _axes(kind: Any, x: Array) -> tuple[int, ...]:
    return kind.axis or tuple(range(1, x.ndim))


def _reduce(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    (x,) = inputs
    return [_REDUCED[kind.operation](x, axis=_axes(kind, x), keepdims=kind.keepdims).astype(x.dtype)]


def _variance(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    (x,) = inputs
    found = x.var(axis=_axes(kind, x), keepdims=kind.keepdims, ddof=kind.correction)
    return [np.sqrt(found) if kind.operation == "standard_deviation" else found]


def _arg(find: Callable[..., Array]) -> Reference:
    return lambda kind, x, w, layout: [find(x[0], axis=kind.axis, keepdims=kind.keepdims).astype(np.int64)]


def _sorted(x: Array, axis: int, descending: bool) -> list[Array]:
    """In order along an axis, equal numbers as they stood."""
    keys = x if not descending else -x if x.dtype.kind == "f" else ~x  # no whole number lacks its opposite so
    order = np.argsort(keys, axis=axis, kind="stable")
    return [np.take_along_axis(x, order, axis), order]


def _top_k(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    found = _sorted(inputs[0], kind.axis, kind.largest)
    return [np.take(y, range(kind.k), kind.axis) for y in found]


def _cum_sum(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x = np.moveaxis(inputs[0], kind.axis, 0)
    rows, total = [], np.zeros_like(x[0])
    for row in x[::-1] if kind.reverse else x:
        rows.append(total if kind.exclusive else total + row)
        total = total + row
    return [np.moveaxis(np.stack(rows[::-1] if kind.reverse else rows), 0, kind.axis)]


ELEMENTWISE: dict[str, Callable[[Array], Array]] = {
    "abs": np.abs,
    "negative": lambda x: 0 - x,
    "sign": np.sign,
    "square": lambda x: x * x,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: x**-0.5,
    "reciprocal": lambda x: 1 / x,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tan": lambda x: np.sin(x) / np.cos(x),
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.round,
    "erf": np.vectorize(erf, otypes=[float]),
}

COMPARED: dict[str, Callable[[Array, Array], Array]] = {
    "equal": np.equal,
    "not_equal": np.not_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
}

_LOGICAL: dict[str, Callable[[Array, Array], Array]] = {
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
}


def _elementwise(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return [ELEMENTWISE[kind.operation](inputs[0])]


def _clip(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    return [np.clip(inputs[0], kind.min, kind.max).astype(inputs[0].dtype)]


def _logical(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    if kind.operation == "logical_not":
        return [np.logical_not(inputs[0])]
    return [reduce(_LOGICAL[kind.operation], raised(inputs))]


def _where(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    condition, *tensors = raised(inputs)
    left = iter(tensors)
    one, two = (next(left) if number is None else np.array(number) for number in (kind.x1, kind.x2))
    return [np.where(condition, one, two)]


REFERENCES: dict[str, Reference] = {
    "Dot": _dot,
    "MatMul": _mat_mul,
    "Einsum": _einsum,
    "CosineSimilarity": _cosine,
    "PairwiseDistance": _distance,
    "Reduce": _reduce,
    "Variance": _variance,
    "ArgMax": _arg(np.argmax),
    "ArgMin": _arg(np.argmin),
    "TopK": _top_k,
    "Sort": lambda kind, x, w, layout: _sorted(x[0], kind.axis, kind.descending),
    "CumSum": _cum_sum,
    "Normalize": lambda kind, x, w, layout: [_unit(x[0], kind.axis, kind.p, kind.epsilon)],
    "Elementwise": _elementwise,
    "Clip": _clip,
    "Compare": lambda kind, x, w, layout: [COMPARED[kind.operation](*operands(kind, x))],
    "Logical": _logical,
    "Where": _where,
}
