"""Smooth activation functions, in forms that neither overflow nor cancel."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from lamina_server.errors import LayerError
from lamina_server.layers.activations.function import Function, Recurrent
from lamina_server.layers.base import option
from lamina_server.layers.graph import Graph
from lamina_server.layers.tensors import DType


@dataclass(frozen=True)
class Elu(Function):
    """x for x > 0, else alpha * (exp(x) - 1)."""

    alpha: float = option("very negative inputs approach -alpha", 1.0)

    op, layer = "Elu", "ELU"

    @classmethod
    def examples(cls) -> tuple[Function, ...]:
        return (cls(), cls(0.5))

    @property
    def attributes(self) -> Mapping[str, Any]:
        return {"alpha": float(self.alpha)}

    @property
    def recurrent(self) -> Recurrent:
        return Recurrent("Elu", (self.alpha,))


@dataclass(frozen=True)
class Celu(Function):
    """max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)."""

    alpha: float = option("very negative inputs approach -alpha; not 0", 1.0)

    op, layer = "Celu", "CELU"

    @classmethod
    def examples(cls) -> tuple[Function, ...]:
        return (cls(), cls(0.5))

    def check(self, rank: int) -> None:
        super().check(rank)
        _require_some(self, "alpha")

    def apply(self, graph: Graph, x: str, dtype: DType) -> str:
        if dtype is not DType.FLOAT64:
            return graph.single("Celu", [x], dtype, alpha=float(self.alpha))
        alpha, one, zero = (graph.const(number, dtype) for number in (self.alpha, 1.0, 0.0))
        grown = graph.node("Sub", [graph.node("Exp", [graph.node("Div", [x, alpha])]), one])
        below = graph.node("Min", [graph.node("Mul", [grown, alpha]), zero])
        return graph.node("Add", [graph.node("Max", [x, zero]), below])


@dataclass(frozen=True)
class Selu(Function):
    """1.0507 * elu(x, alpha = 1.6733), the constants of Klambauer et al. 2017."""

    op, layer = "Selu", "SELU"


@dataclass(frozen=True)
class Gelu(Function):
    """x * Phi(x), Phi the normal distribution function; exactly by erf, or by tanh where `approximate`."""

    approximate: bool = option("whether tanh stands in for erf", False)

    op, layer = "Gelu", "GELU"

    @classmethod
    def examples(cls) -> tuple[Function, ...]:
        return (cls(), cls(approximate=True))

    @property
    def attributes(self) -> Mapping[str, Any]:
        return {"approximate": "tanh" if self.approximate else "none"}


@dataclass(frozen=True)
class Sigmoid(Function):
    """1 / (1 + exp(-x))."""

    op, layer = "Sigmoid", "Sigmoid"

    @property
    def recurrent(self) -> Recurrent:
        return Recurrent("Sigmoid")


@dataclass(frozen=True)
class LogSigmoid(Function):
    """log(1 / (1 + exp(-x))), which is -softplus(-x)."""

    layer = "LogSigmoid"

    def apply(self, graph: Graph, x: str, dtype: DType) -> str:
        return graph.node("Neg", [graph.single("Softplus", [graph.node("Neg", [x])], dtype)])


@dataclass(frozen=True)
class Tanh(Function):
    """Hyperbolic tangent."""

    op, layer = "Tanh", "Tanh"

    @property
    def recurrent(self) -> Recurrent:
        return Recurrent("Tanh")


@dataclass(frozen=True)
class TanhShrink(Function):
    """x - tanh(x)."""

    layer = "Tanhshrink"

    def apply(self, graph: Graph, x: str, dtype: DType) -> str:
        return graph.node("Sub", [x, graph.node("Tanh", [x])])


@dataclass(frozen=True)
class Softplus(Function):
    """log(1 + exp(beta * x)) / beta; x itself where beta * x > threshold, as PyTorch."""

    beta: float = option("sharpness of the bend at 0; not 0", 1.0)
    threshold: float = option("beyond this beta * x counts as large, and the result is x", 20.0)

    op, layer = "Softplus", "Softplus"  # and none inside ONNX's LSTM: ONNX Runtime's overflows there above 88

    @classmethod
    def examples(cls) -> tuple[Function, ...]:
        return (cls(), cls(2.0), cls(0.5, 0.25))

    def check(self, rank: int) -> None:
        super().check(rank)
        _require_some(self, "beta")

    def apply(self, graph: Graph, x: str, dtype: DType) -> str:
        beta = graph.const(self.beta, dtype)
        scaled = x if self.beta == 1 else graph.node("Mul", [x, beta])
        out = super().apply(graph, scaled, dtype)
        out = out if self.beta == 1 else graph.node("Div", [out, beta])
        if self.threshold >= 20:  # from here on x and the result differ by less than float32 shows
            return out
        return graph.node("Where", [graph.node("Greater", [scaled, graph.const(self.threshold, dtype)]), x, out])


@dataclass(frozen=True)
class Softsign(Function):
    """x / (1 + |x|)."""

    op, layer = "Softsign", "Softsign"

    @property
    def recurrent(self) -> Recurrent:
        return Recurrent("Softsign")


@dataclass(frozen=True)
class Silu(Function):
    """x * sigmoid(x), also called swish."""

    layer = "SiLU"

    def apply(self, graph: Graph, x: str, dtype: DType) -> str:
        return graph.node("Mul", [x, graph.node("Sigmoid", [x])])


@dataclass(frozen=True)
class Mish(Function):
    """x * tanh(softplus(x))."""

    op, layer = "Mish", "Mish"


@dataclass(frozen=True)
class Exponential(Function):
    """exp(x)."""

    op, layer = "Exp", "Exponential"


@dataclass(frozen=True)
class Squareplus(Function):
    """(x + sqrt(x^2 + b)) / 2."""

    b: float = option("how round the bend at 0 is; 0 gives relu", 4.0, minimum=0)

    layer = "Squareplus"

    @classmethod
    def examples(cls) -> tuple[Function, ...]:
        return (cls(), cls(0.25), cls(0.0))

    def apply(self, graph: Graph, x: str, dtype: DType) -> str:
        if dtype.numpy.type(sqrt(self.b)) == 0:  # 0, or less than this type can hold
            return graph.node("Relu", [x])
        # x^2 may overflow, and x + sqrt(x^2 + b) cancels below 0. With the larger of the two roots of
        # y^2 - |x| y = b / 4, the smaller is -b / 4 divided by it; for x < 0 it is that one, its sign turned.
        size, round_ = graph.node("Abs", [x]), graph.const(sqrt(self.b), dtype)
        most = graph.node("Max", [size, round_])
        ratio = graph.node("Div", [graph.node("Min", [size, round_]), most])
        inside = graph.node("Add", [graph.node("Mul", [ratio, ratio]), graph.const(1.0, dtype)])
        hypotenuse = graph.node("Mul", [most, graph.node("Sqrt", [inside])])
        larger = graph.node("Mul", [graph.node("Add", [size, hypotenuse]), graph.const(0.5, dtype)])
        smaller = graph.node("Div", [graph.const(self.b / 4, dtype), larger])
        positive = graph.node("Greater", [x, graph.const(0.0, dtype)])
        return graph.node("Where", [positive, larger, smaller])


def _require_some(function: Function, name: str) -> None:
    """Raises LayerError where an option that divides is 0, or is in ONNX's attributes, which are float32."""
    value = getattr(function, name)
    if np.float32(value) != 0:
        return
    what = "another number" if value == 0 else "a number that float32 can tell from 0"
    raise LayerError("OUT_OF_RANGE", f"has {name}={value:g}; it must be {what}, for x is divided by it", field=name)
