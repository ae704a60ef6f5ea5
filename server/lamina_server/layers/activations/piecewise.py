"""Activation functions made of straight lines and parabolas."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lamina_server.errors import LayerError
from lamina_server.layers.activations.function import Function, Recurrent
from lamina_server.layers.base import option
from lamina_server.layers.graph import Graph
from lamina_server.layers.tensors import DType


@dataclass(frozen=True)
class Linear(Function):
    """x."""

    @property
    def recurrent(self) -> Recurrent:
        return Recurrent("Affine", (1.0,), (0.0,))

    def apply(self, graph: Graph, x: str, dtype: DType) -> str:
        return x


@dataclass(frozen=True)
class Relu(Function):
    """max(x, 0); with options min(x, max_value) for x > threshold, else negative_slope * (x - threshold)."""

    negative_slope: float = option("slope up to the threshold", 0.0, minimum=0)
    max_value: float | None = option("largest result; none if not given", None, minimum=0)
    threshold: float = option("results are 0, or on the slope, for inputs up to this", 0.0, minimum=0)

    layer, field = "ReLU", "re_lu"
    layer_order = ("max_value", "negative_slope", "threshold")

    @classmethod
    def examples(cls) -> tuple[Function, ...]:
        return (cls(), cls(max_value=6.0), cls(0.1, 1.0, 0.5), cls(0.2), cls(0.25, None, 0.75), cls(0.0, 2.0, 1.0))

    @property
    def recurrent(self) -> Recurrent | None:
        return Recurrent("Relu") if self.is_plain else None

    def apply(self, graph: Graph, x: str, dtype: DType) -> str:
        if self.max_value is None and not self.threshold:
            bent = LeakyRelu(self.negative_slope) if self.negative_slope else None
            return bent.apply(graph, x, dtype) if bent else graph.node("Relu", [x])
        zero, bend = graph.const(0.0, dtype), graph.const(self.threshold, dtype)
        most = "" if self.max_value is None else graph.const(self.max_value, dtype)
        if self.threshold:
            above = graph.node("Where", [graph.node("Greater", [x, bend]), x, zero])
            above = graph.node("Min", [above, most]) if most else above
        else:
            above = graph.node("Clip", [x, zero, most])
        if not self.negative_slope:
            return above
        below = graph.node("Min", [graph.node("Sub", [x, bend]), zero])
        return graph.node("Add", [above, graph.node("Mul", [below, graph.const(self.negative_slope, dtype)])])


@dataclass(frozen=True)
class Relu6(Function):
    """min(max(x, 0), 6)."""

    layer = "ReLU6"

    def apply(self, graph: Graph, x: str, dtype: DType) -> str:
        return graph.node("Clip", [x, graph.const(0.0, dtype), graph.const(6.0, dtype)])


@dataclass(frozen=True)
class LeakyRelu(Function):
    """x for x > 0, else negative_slope * x."""

    negative_slope: float = option("slope below zero (Keras' LeakyReLU layer: 0.3; PyTorch and ONNX: 0.01)", 0.2)

    op, layer, field = "LeakyRelu", "LeakyReLU", "leaky_re_lu"
    usual = {"negative_slope": 0.3}  # noqa: RUF012 - ClassVar in the base

    @classmethod
    def examples(cls) -> tuple[Function, ...]:
        return (cls(0.3), cls(), cls(0.01))

    @property
    def attributes(self) -> Mapping[str, Any]:
        return {"alpha": float(self.negative_slope)}

    @property
    def recurrent(self) -> Recurrent:
        return Recurrent("LeakyRelu", (self.negative_slope,))


@dataclass(frozen=True)
class RRelu(Function):
    """x for x > 0, else (lower + upper) / 2 * x: the slope that PyTorch draws in training is its mean at inference."""

    lower: float = option("least slope drawn in training", 0.125)
    upper: float = option("largest slope drawn in training, lower or more", 0.3333333333333333)

    layer = "RReLU"

    @classmethod
    def examples(cls) -> tuple[Function, ...]:
        return (cls(), cls(0.1, 0.9))

    def check(self, rank: int) -> None:
        super().check(rank)
        require_order(self, "lower", "upper")

    @property
    def _slope(self) -> LeakyRelu:
        return LeakyRelu((self.lower + self.upper) / 2)

    @property
    def recurrent(self) -> Recurrent:
        return self._slope.recurrent

    def apply(self, graph: Graph, x: str, dtype: DType) -> str:
        return self._slope.apply(graph, x, dtype)


@dataclass(frozen=True)
class HardSigmoid(Function):
    """min(max(x / 6 + 0.5, 0), 1), as Keras 3 and PyTorch (Keras 2 and ONNX's default have slope 0.2)."""

    op, layer = "HardSigmoid", "Hardsigmoid"

    @property
    def attributes(self) -> Mapping[str, Any]:
        return {"alpha": 1 / 6, "beta": 0.5}

    @property
    def recurrent(self) -> Recurrent:
        return Recurrent("HardSigmoid", (1 / 6,), (0.5,))


@dataclass(frozen=True)
class SparseSigmoid(Function):
    """min(max(x / 2 + 0.5, 0), 1)."""

    op, layer = "HardSigmoid", "SparseSigmoid"

    @property
    def attributes(self) -> Mapping[str, Any]:
        return {"alpha": 0.5, "beta": 0.5}

    @property
    def recurrent(self) -> Recurrent:
        return Recurrent("HardSigmoid", (0.5,), (0.5,))


@dataclass(frozen=True)
class HardSwish(Function):
    """x * min(max(x / 6 + 0.5, 0), 1), also called hard silu."""

    op, layer = "HardSwish", "Hardswish"


@dataclass(frozen=True)
class HardTanh(Function):
    """min(max(x, min_val), max_val)."""

    min_val: float = option("least result", -1.0)
    max_val: float = option("largest result, min_val or more", 1.0)

    layer = "Hardtanh"

    @classmethod
    def examples(cls) -> tuple[Function, ...]:
        return (cls(), cls(-0.5, 2.0))

    def check(self, rank: int) -> None:
        super().check(rank)
        require_order(self, "min_val", "max_val")

    def apply(self, graph: Graph, x: str, dtype: DType) -> str:
        return graph.node("Clip", [x, graph.const(self.min_val, dtype), graph.const(self.max_val, dtype)])


@dataclass(frozen=True)
class HardShrink(Function):
    """x where |x| > threshold, else 0."""

    threshold: float = option("largest size that becomes 0; PyTorch's lambd", 0.5, minimum=0)

    op, layer = "Shrink", "Hardshrink"

    @classmethod
    def examples(cls) -> tuple[Function, ...]:
        return (cls(), cls(1.25))

    @property
    def attributes(self) -> Mapping[str, Any]:
        return {"lambd": float(self.threshold), "bias": 0.0}

    def apply(self, graph: Graph, x: str, dtype: DType) -> str:
        if dtype is not DType.FLOAT64:
            return super().apply(graph, x, dtype)
        # ONNX Runtime's Shrink computes float64 in float32.
        kept = graph.node("Greater", [graph.node("Abs", [x]), graph.const(self.threshold, dtype)])
        return graph.node("Where", [kept, x, graph.const(0.0, dtype)])


@dataclass(frozen=True)
class SoftShrink(Function):
    """x - threshold for x > threshold, x + threshold for x < -threshold, else 0."""

    threshold: float = option("largest size that becomes 0; PyTorch's lambd", 0.5, minimum=0)

    op, layer = "Shrink", "Softshrink"

    @classmethod
    def examples(cls) -> tuple[Function, ...]:
        return (cls(), cls(1.25))

    @property
    def attributes(self) -> Mapping[str, Any]:
        return {"lambd": float(self.threshold), "bias": float(self.threshold)}

    def apply(self, graph: Graph, x: str, dtype: DType) -> str:
        if dtype is not DType.FLOAT64:
            return super().apply(graph, x, dtype)
        ends = [graph.const(end, dtype) for end in (-self.threshold, self.threshold)]  # as above
        return graph.node("Sub", [x, graph.node("Clip", [x, *ends])])


@dataclass(frozen=True)
class Threshold(Function):
    """x where x > threshold, else default_value."""

    threshold: float = option("what an input must exceed to stay")
    default_value: float = option("what the others become; PyTorch's value")

    layer = "Threshold"

    @classmethod
    def examples(cls) -> tuple[Function, ...]:
        return (cls(0.5, -2.0), cls(-1.0, 20.0))

    def apply(self, graph: Graph, x: str, dtype: DType) -> str:
        above = graph.node("Greater", [x, graph.const(self.threshold, dtype)])
        return graph.node("Where", [above, x, graph.const(self.default_value, dtype)])


@dataclass(frozen=True)
class SparsePlus(Function):
    """0 for x <= -1, x for x >= 1, (x + 1)^2 / 4 between."""

    layer = "SparsePlus"

    def apply(self, graph: Graph, x: str, dtype: DType) -> str:
        one = graph.const(1.0, dtype)
        root = graph.node("Add", [graph.node("Clip", [x, graph.const(-1.0, dtype), one]), one])
        arc = graph.node("Mul", [graph.node("Mul", [root, root]), graph.const(0.25, dtype)])
        return graph.node("Max", [x, arc])  # the parabola lies above the line, which touches it at 1


def require_order(function: Function, low: str, high: str) -> None:
    """Raises LayerError where two options that bound something are the wrong way round."""
    least, most = getattr(function, low), getattr(function, high)
    if least > most:
        raise LayerError(
            "OUT_OF_RANGE", f"has {low}={least:g}, which is more than {high}={most:g}", field=low, got=least
        )
