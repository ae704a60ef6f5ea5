"""Activation functions."""

from collections.abc import Callable
from math import erf
from typing import Any

import numpy as np

from tests.contract.references.base import Array


def _elu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _sigmoid(x: Array) -> Array:
    result: Array = (1 + np.tanh(x / 2)) / 2  # as 1 / (1 + exp(-x)), which would overflow
    return result


def _gelu(x: Array, approximate: bool) -> Array:
    inner = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)) if approximate else _erf(x / np.sqrt(2))
    result: Array = 0.5 * x * (1 + inner)
    return result


_erf: Callable[[Array], Array] = np.vectorize(erf, otypes=[float])


def _softmax(x: Array, axis: int) -> Array:
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    total: Array = powers / powers.sum(axis=axis, keepdims=True)
    return total


FUNCTIONS: dict[str, Callable[[Any, Array], Array]] = {
    "Linear": lambda _, x: x,
    "Relu": lambda _, x: np.maximum(x, 0),
    "Relu6": lambda _, x: np.clip(x, 0, 6),
    "LeakyRelu": lambda f, x: np.where(x > 0, x, f.negative_slope * x),
    "Elu": lambda f, x: _elu(x, f.alpha),
    "Selu": lambda _, x: 1.0507009873554805 * _elu(x, 1.6732632423543772),
    "Gelu": lambda f, x: _gelu(x, f.approximate),
    "Sigmoid": lambda _, x: _sigmoid(x),
    "HardSigmoid": lambda _, x: np.clip(x / 6 + 0.5, 0, 1),
    "Tanh": lambda _, x: np.tanh(x),
    "Softplus": lambda _, x: np.logaddexp(0, x),
    "Silu": lambda _, x: x * _sigmoid(x),
    "Softmax": lambda f, x: _softmax(x, f.axis),
}


def activated(x: Array, function: Any) -> Array:
    """An optional activation applied."""
    return x if function is None else FUNCTIONS[type(function).__name__](function, x)
