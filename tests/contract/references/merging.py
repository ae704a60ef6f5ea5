"""Layers that bring several tensors together, and arithmetic."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference


def raised(inputs: Sequence[Array]) -> list[Array]:
    """Arrays with equally many axes, the missing ones just after the batch axis."""
    rank = max(x.ndim for x in inputs)
    return [x.reshape(x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:]) for x in inputs]


def operands(kind: Any, inputs: Sequence[Array]) -> list[Array]:
    """What a layer computes with: its inputs, or its input and its constants."""
    if getattr(kind, "constant", None) is None:
        return raised(inputs)
    shape = kind.constant.shape or ((len(kind.constant.values),) if len(kind.constant.values) > 1 else ())
    constant = np.array(kind.constant.values).reshape(shape).astype(inputs[0].dtype)
    return [constant, inputs[0]] if getattr(kind, "constant_first", False) else [inputs[0], constant]


def folded(function: Callable[[Array, Array], Array]) -> Reference:
    """A reference that folds a function of two over the operands."""
    return lambda kind, x, w, layout: [reduce(function, operands(kind, x))]


def _average(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    return [sum(raised(inputs)[1:], raised(inputs)[0]) / len(inputs)]


REFERENCES: dict[str, Reference] = {
    "Add": folded(np.add),
    "Concatenate": lambda kind, x, w, layout: [np.concatenate(x, axis=kind.axis)],
    "Subtract": folded(np.subtract),
    "Multiply": folded(np.multiply),
    "Divide": folded(np.divide),
    "Power": folded(np.power),
    "Average": _average,
    "Maximum": folded(np.maximum),
    "Minimum": folded(np.minimum),
    "StackTensors": lambda kind, x, w, layout: [np.stack(x, axis=kind.axis)],
}
