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


def _softmax(x: Array, axis: int | tuple[int, ...]) -> Array:
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    total: Array = powers / powers.sum(axis=axis, keepdims=True)
    return total


def _relu(f: Any, x: Array) -> Array:
    above = x if f.max_value is None else np.minimum(x, f.max_value)
    return np.where(x > f.threshold, above, f.negative_slope * (x - f.threshold))


def _celu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


def _softplus(f: Any, x: Array) -> Array:
    return np.where(f.beta * x > f.threshold, x, np.logaddexp(0, f.beta * x) / f.beta)


def _shrunk(f: Any, x: Array, kept: Array) -> Array:
    return np.where(abs(x) > f.threshold, kept, 0)


def _sparse_plus(x: Array) -> Array:
    return np.where(x <= -1, 0, np.where(x >= 1, x, (x + 1) ** 2 / 4))


def _sparsemax(f: Any, x: Array) -> Array:
    """Each line by itself: the largest k that fulfils the condition, tried one after the other."""

    def line(numbers: Array) -> Array:
        largest = np.sort(numbers)[::-1]
        k = max(i for i in range(1, len(largest) + 1) if 1 + i * largest[i - 1] > largest[:i].sum())
        total = np.cumsum(largest)[:k].sum() if f.as_keras else largest[:k].sum()
        found: Array = np.maximum(numbers - (total - 1) / k, 0)
        return found

    result: Array = np.apply_along_axis(line, f.axis, x)
    return result


def _log_softmax(x: Array, axis: int) -> Array:
    shifted = x - x.max(axis=axis, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return result


FUNCTIONS: dict[str, Callable[[Any, Array], Array]] = {
    "Linear": lambda _, x: x,
    "Relu": _relu,
    "Relu6": lambda _, x: np.clip(x, 0, 6),
    "LeakyRelu": lambda f, x: np.where(x > 0, x, f.negative_slope * x),
    "Elu": lambda f, x: _elu(x, f.alpha),
    "Selu": lambda _, x: 1.0507009873554805 * _elu(x, 1.6732632423543772),
    "Gelu": lambda f, x: _gelu(x, f.approximate),
    "Sigmoid": lambda _, x: _sigmoid(x),
    "HardSigmoid": lambda _, x: np.clip(x / 6 + 0.5, 0, 1),
    "Tanh": lambda _, x: np.tanh(x),
    "Softplus": _softplus,
    "Silu": lambda _, x: x * _sigmoid(x),
    "Softmax": lambda f, x: _softmax(x, f.axes or f.axis),
    "Celu": lambda f, x: _celu(x, f.alpha),
    "HardSwish": lambda _, x: x * np.clip(x / 6 + 0.5, 0, 1),
    "HardTanh": lambda f, x: np.clip(x, f.min_val, f.max_val),
    "Softsign": lambda _, x: x / (1 + abs(x)),
    "LogSoftmax": lambda f, x: _log_softmax(x, f.axis),
    "Softmin": lambda f, x: _softmax(-x, f.axis),
    "LogSigmoid": lambda _, x: -np.logaddexp(0, -x),
    "Mish": lambda _, x: x * np.tanh(np.logaddexp(0, x)),
    "Exponential": lambda _, x: np.exp(x),
    "HardShrink": lambda f, x: _shrunk(f, x, x),
    "SoftShrink": lambda f, x: _shrunk(f, x, x - np.sign(x) * f.threshold),
    "TanhShrink": lambda _, x: x - np.tanh(x),
    "Threshold": lambda f, x: np.where(x > f.threshold, x, f.default_value),
    "Squareplus": lambda f, x: (x + np.sqrt(x**2 + f.b)) / 2,
    "SparsePlus": lambda _, x: _sparse_plus(x),
    "SparseSigmoid": lambda _, x: np.clip(x / 2 + 0.5, 0, 1),
    "Sparsemax": _sparsemax,
    "RRelu": lambda f, x: np.where(x > 0, x, (f.lower + f.upper) / 2 * x),
}


def activated(x: Array, function: Any) -> Array:
    """An optional activation applied, or that of a layer that has its options."""
    return x if function is None else FUNCTIONS[type(function).__name__](function, x)
