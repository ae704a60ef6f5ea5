"""Activation functions: what `activation=` may hold. Each is a frozen dataclass that emits its ONNX nodes."""

import re
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from lamina_server.layers.base import Kind, option, own_axis
from lamina_server.layers.graph import Graph, Value


class Recurrent(NamedTuple):
    """A function inside ONNX's recurrent operators: its name there and the alphas and betas it takes, often none."""

    name: str
    alphas: tuple[float, ...] = ()
    betas: tuple[float, ...] = ()


class Function:
    """An activation function. `recurrent` is what it is called inside ONNX's LSTM, None where it has no name there."""

    __dataclass_fields__: ClassVar[dict[str, Any]]  # every subclass is a dataclass
    op: ClassVar[str] = ""

    @cached_property
    def name(self) -> str:
        """Keras' name: `leaky_relu`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self).__name__).lower()

    @property
    def is_plain(self) -> bool:
        """Whether the name alone says it: every option at its default."""
        return all(getattr(self, item.name) == item.default for item in fields(self))

    @property
    def recurrent(self) -> Recurrent | None:
        """The function inside ONNX's recurrent operators."""
        return None

    def check(self, rank: int) -> None:
        """Raises LayerError for an option outside its range. `rank` is that of the tensor, the batch included."""
        Kind.check(self)  # type: ignore[arg-type]  # the same generic check of ranges

    def sees_along(self, rank: int) -> tuple[int, ...]:
        """Axes along which each result depends on every number."""
        return ()

    def emit(self, graph: Graph, value: Value) -> Value:
        """Adds the nodes; the tensor stays as it lies."""
        return value._replace(name=graph.node(self.op, [value.name]))

    def __str__(self) -> str:
        given = [f"{f.name}={getattr(self, f.name)}" for f in fields(self) if getattr(self, f.name) != f.default]
        return f"{self.name}({', '.join(given)})" if given else self.name


@dataclass(frozen=True)
class Linear(Function):
    """x."""

    @property
    def recurrent(self) -> Recurrent:
        return Recurrent("Affine", (1.0,), (0.0,))

    def emit(self, graph: Graph, value: Value) -> Value:
        return value


@dataclass(frozen=True)
class Relu(Function):
    """max(x, 0)."""

    op = "Relu"

    @property
    def recurrent(self) -> Recurrent:
        return Recurrent("Relu")


@dataclass(frozen=True)
class Relu6(Function):
    """min(max(x, 0), 6)."""

    def emit(self, graph: Graph, value: Value) -> Value:
        return value._replace(
            name=graph.node(
                "Clip", [value.name, graph.const(0.0, value.spec.dtype), graph.const(6.0, value.spec.dtype)]
            )
        )


@dataclass(frozen=True)
class LeakyRelu(Function):
    """x for x > 0, else negative_slope * x."""

    negative_slope: float = option("slope below zero (Keras' LeakyReLU layer: 0.3; PyTorch and ONNX: 0.01)", 0.2)

    def emit(self, graph: Graph, value: Value) -> Value:
        return value._replace(name=graph.node("LeakyRelu", [value.name], alpha=float(self.negative_slope)))

    @property
    def recurrent(self) -> Recurrent:
        return Recurrent("LeakyRelu", (self.negative_slope,))


@dataclass(frozen=True)
class Elu(Function):
    """x for x > 0, else alpha * (exp(x) - 1)."""

    alpha: float = option("very negative inputs approach -alpha", 1.0)

    def emit(self, graph: Graph, value: Value) -> Value:
        return value._replace(name=graph.node("Elu", [value.name], alpha=float(self.alpha)))

    @property
    def recurrent(self) -> Recurrent:
        return Recurrent("Elu", (self.alpha,))


@dataclass(frozen=True)
class Selu(Function):
    """1.0507 * elu(x, alpha = 1.6733), the constants of Klambauer et al. 2017."""

    op = "Selu"


@dataclass(frozen=True)
class Gelu(Function):
    """x * Phi(x), Phi the normal distribution function; exactly by erf, or by tanh where `approximate`."""

    approximate: bool = option("whether tanh stands in for erf", False)

    def emit(self, graph: Graph, value: Value) -> Value:
        how = "tanh" if self.approximate else "none"
        return value._replace(name=graph.node("Gelu", [value.name], approximate=how))


@dataclass(frozen=True)
class Sigmoid(Function):
    """1 / (1 + exp(-x))."""

    op = "Sigmoid"

    @property
    def recurrent(self) -> Recurrent:
        return Recurrent("Sigmoid")


@dataclass(frozen=True)
class HardSigmoid(Function):
    """min(max(x / 6 + 0.5, 0), 1), as Keras 3 and PyTorch (Keras 2 and ONNX's default have slope 0.2)."""

    def emit(self, graph: Graph, value: Value) -> Value:
        return value._replace(name=graph.node("HardSigmoid", [value.name], alpha=1 / 6, beta=0.5))

    @property
    def recurrent(self) -> Recurrent:
        return Recurrent("HardSigmoid", (1 / 6,), (0.5,))


@dataclass(frozen=True)
class Tanh(Function):
    """Hyperbolic tangent."""

    op = "Tanh"

    @property
    def recurrent(self) -> Recurrent:
        return Recurrent("Tanh")


@dataclass(frozen=True)
class Softplus(Function):
    """log(1 + exp(x))."""

    op = "Softplus"  # and none inside ONNX's LSTM: ONNX Runtime's overflows there above 88


@dataclass(frozen=True)
class Silu(Function):
    """x * sigmoid(x), also called swish."""

    def emit(self, graph: Graph, value: Value) -> Value:
        gate = graph.node("Sigmoid", [value.name])
        return value._replace(name=graph.node("Mul", [value.name, gate]))


@dataclass(frozen=True)
class Softmax(Function):
    """exp(x) / sum(exp(x)) along one axis, whose results then sum to 1."""

    axis: int = option("axis along which the results sum to 1; counts the batch axis, negative from the end", -1)

    def check(self, rank: int) -> None:
        own_axis(self.axis, rank)

    def sees_along(self, rank: int) -> tuple[int, ...]:
        return (own_axis(self.axis, rank),)

    def emit(self, graph: Graph, value: Value) -> Value:
        axis = value.physical(own_axis(self.axis, value.spec.rank))
        return value._replace(name=graph.node("Softmax", [value.name], axis=axis))


FUNCTIONS: tuple[type[Function], ...] = (
    Linear,
    Relu,
    Relu6,
    LeakyRelu,
    Elu,
    Selu,
    Gelu,
    Sigmoid,
    HardSigmoid,
    Tanh,
    Softplus,
    Silu,
    Softmax,
)
