"""Cells whose frames are vectors: what one step of SimpleRNN, LSTM and GRU computes.

x is what comes at a step, h the state, W the kernel (features, G units), R the recurrent kernel (units, G units), b the
bias, f the activation and g the recurrent activation. Gates lie as Keras has them: i, f, c, o and z, r, h.

    SimpleRNN   h = f(x W + h R + b)
    LSTM        i, f, o = g(x W + h R + b), k = f(x W + h R + b), c = f * c + i * k, h = o * f(c)
    GRU         z, r = g(x W + b + h R + b'), k = f(x W + b + r * (h R + b')), h = z * h + (1 - z) * k
                reset_after=False: k = f(x W + b + (r * h) R), without b'

(Hochreiter & Schmidhuber 1997; Cho et al. 2014, arXiv 1406.1078, version 1 and, with the reset after, version 3.)

ONNX has an operator for each, which ONNX Runtime runs for float32 and float16 and for a few functions. Everything else,
and everything with a mask, is walked by a Scan whose body is the formula.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lamina_server.layers.activations.functions import Function, Sigmoid, Tanh
from lamina_server.layers.base import Kind, Sdk, Weight, option, plural, require_number
from lamina_server.layers.graph import Array, Graph, Value
from lamina_server.layers.recurrent.cells import Cell, Mask, Pass, Term, Walked, applied, remembered, scanned
from lamina_server.layers.tensors import Axis, DType, Role, Spec


class DenseCell(Cell):
    """A cell whose frames are vectors."""

    operator: ClassVar[str] = ""
    gate_order: ClassVar[tuple[int, ...]] = (0,)  # ONNX's order of the gates, as places in Keras'
    units: int
    use_bias: bool
    activation: Function

    @property
    def biases(self) -> int:
        """Biases of each unit of each gate."""
        return int(self.use_bias)

    @property
    def size(self) -> int:
        """Numbers of the output."""
        return getattr(self, "proj_size", None) or self.units

    @property
    def functions(self) -> tuple[Function, ...]:
        """The functions in the order in which ONNX's operator takes them."""
        raise NotImplementedError

    @property
    def has_operator(self) -> bool:
        """Whether ONNX's operator can be told all that the options say."""
        return all(function.recurrent is not None for function in self.functions)

    def after(self, frame: Spec) -> tuple[Spec, ...]:
        sizes = (self.size, self.units)[: len(self.states)]
        return tuple(Spec((frame.axes[0], Axis(Role.FEATURES, size)), frame.dtype) for size in sizes)

    def weights(self, frame: Spec) -> tuple[Weight, ...]:
        width, n = _width(frame), self.gates * self.units
        bias = [Weight("bias", (n,) if self.biases == 1 else (2, n))] if self.biases else []
        return (
            Weight("kernel", (width, n), "glorot", width, n),
            Weight("recurrent_kernel", (self.size, n), "glorot", self.size, n),
            *bias,
        )

    def params(self, frame: Spec) -> Term:
        text, values = self.macs(frame)
        return (text.replace(")", f" + {self.biases})", 1) if self.biases else text), values

    def macs(self, frame: Spec) -> Term:
        gates = f"{self.gates} * " if self.gates > 1 else ""
        return f"{gates}units * (features + units)", {"units": self.units, "features": _width(frame)}

    def reason(self, frame: Spec) -> str:
        each = f"{_width(frame)} + {self.size}{f' + {self.biases}' if self.biases else ''}"
        if self.gates == 1:
            return f"Each of {plural(self.units, 'unit')} has {each} weights"
        return f"Each of {self.gates} gates has {self.units} x ({each}) weights"

    def order(self, frame: Spec) -> tuple[int, ...]:
        return (0, 1)

    def walk(self, graph: Graph, way: Pass, x: str, initial: Sequence[str], mask: Mask | None) -> Walked:
        if mask is None and self.has_operator and way.frame.dtype in (DType.FLOAT32, DType.FLOAT16):
            return self._by_operator(graph, way, x, initial)
        z = graph.node("MatMul", [x, graph.weight(f"{way.name}kernel")])
        if self.use_bias:
            n = self.gates * self.units
            z = graph.node("Add", [z, graph.weight(f"{way.name}bias", lambda b: b.reshape(-1, n)[0])])
        width = way.frame.resized(1, self.gates * self.units)

        def step(body: Graph, frame: Value, states: Sequence[Value]) -> list[str]:
            return self.step(body, frame, states, way.name)

        return scanned(graph, way, (z, width), initial, step, mask)

    def step(self, body: Graph, z: Value, states: Sequence[Value], name: str) -> list[str]:
        """Emits one step: z is x W + b, `name` what its weights begin with. Returns the states after it."""
        raise NotImplementedError

    def _by_operator(self, graph: Graph, way: Pass, x: str, initial: Sequence[str]) -> Walked:
        n, axis = self.gates * self.units, graph.ints([0])
        weights = [graph.weight(f"{way.name}{name}", self._reordered) for name in ("kernel", "recurrent_kernel")]
        # ONNX keeps a second, recurrent bias: zero where there is but one
        bias = graph.weight(f"{way.name}bias", lambda b: self._two_biases(b.reshape(-1, n))) if self.use_bias else ""
        begin = [graph.node("Unsqueeze", [state, axis]) for state in initial]
        used = [function.recurrent for function in self.functions]
        every, *last = graph.nodes_out(
            self.operator,
            [x, *weights, bias, "", *begin] if begin else [x, *weights, bias] if bias else [x, *weights],
            1 + len(self.states),
            hidden_size=self.units,
            direction="reverse" if way.reverse else None,
            activations=[known.name for known in used if known],
            # Consumed in the order of the functions, by those only that take one: no place holders.
            activation_alpha=[float(alpha) for known in used if known for alpha in known.alphas] or None,
            activation_beta=[float(beta) for known in used if known for beta in known.betas] or None,
            **self.attributes,
        )
        states = [graph.node("Squeeze", [name, axis]) for name in last]
        return Walked(graph.node("Squeeze", [every, graph.ints([1])]), states[0], states)

    @property
    def attributes(self) -> dict[str, Any]:
        """What else ONNX's operator is told."""
        return {}

    def _reordered(self, weight: Array) -> Array:
        """Keras' (in, G units) -> ONNX's (1, G units, in), the gates in ONNX's order."""
        gates = np.split(weight, self.gates, axis=-1)
        return np.concatenate([gates[i] for i in self.gate_order], axis=-1).T[None]

    def _two_biases(self, rows: Array) -> Array:
        both = [*rows, *[np.zeros_like(rows[0])] * (2 - len(rows))]
        return np.concatenate([self._reordered(row[None])[..., 0] for row in both], axis=1)


def _width(frame: Spec) -> int:
    return require_number(frame.axes[-1].size, "features", "because its kernel has weights for each")


@dataclass(frozen=True)
class SimpleOptions(Kind):
    """Options of SimpleRNN and of its cell."""

    units: int = option("size of the state", minimum=1)
    activation: Function = option("applied to the new state", Tanh())
    use_bias: bool = option("whether a bias is added", True)
    dropout: float = option(
        "fraction of the input dropped in training; no effect at inference", 0.0, minimum=0, maximum=1
    )
    recurrent_dropout: float = option(
        "fraction of the state dropped in training; no effect at inference", 0.0, minimum=0, maximum=1
    )


@dataclass(frozen=True)
class GateOptions(Kind):
    """Options of LSTM and GRU, and of their cells."""

    units: int = option("size of the state", minimum=1)
    activation: Function = option("applied to the candidate, and by an LSTM to the cell state", Tanh())
    recurrent_activation: Function = option("applied to the gates", Sigmoid())
    use_bias: bool = option("whether biases are added", True)
    dropout: float = option(
        "fraction of the input dropped in training; no effect at inference", 0.0, minimum=0, maximum=1
    )
    recurrent_dropout: float = option(
        "fraction of the state dropped in training; no effect at inference", 0.0, minimum=0, maximum=1
    )


@dataclass(frozen=True)
class SimpleRNNCell(DenseCell, SimpleOptions):
    """One step of SimpleRNN: h = activation(x W + h R + b), units numbers.

    Kernel (features, units), recurrent_kernel (units, units), bias (units).
    """

    sdk = (Sdk("SimpleRNNCell"),)
    operator = "RNN"

    @property
    def functions(self) -> tuple[Function, ...]:
        return (self.activation,)

    def step(self, body: Graph, z: Value, states: Sequence[Value], name: str) -> list[str]:
        (h,) = states
        inner = body.node("MatMul", [h.name, body.weight(f"{name}recurrent_kernel")])
        return [applied(body, self.activation, h, body.node("Add", [z.name, inner]))]


@dataclass(frozen=True)
class LSTMCell(DenseCell, GateOptions):
    """One step of LSTM: a state and a cell state, both of units numbers, gates in the order i, f, c, o.

    Kernel (features, 4 units), recurrent_kernel (units, 4 units), bias (4 units); with proj_size the state has so many
    numbers, by projection (units, proj_size), and recurrent_kernel is (proj_size, 4 units).
    """

    proj_size: int | None = option(
        "size that the output is projected to, as in PyTorch; none where not given", None, minimum=1
    )

    sdk = (Sdk("LSTMCell"),)
    operator, gates, gate_order = "LSTM", 4, (0, 3, 1, 2)
    states = ("state_h", "state_c")

    @property
    def functions(self) -> tuple[Function, ...]:
        return (self.recurrent_activation, self.activation, self.activation)

    @property
    def has_operator(self) -> bool:
        return self.proj_size is None and super().has_operator

    def weights(self, frame: Spec) -> tuple[Weight, ...]:
        if self.proj_size is None:
            return super().weights(frame)
        projection = Weight("projection", (self.units, self.proj_size), "glorot", self.units, self.proj_size)
        return (*super().weights(frame), projection)

    def macs(self, frame: Spec) -> Term:
        text, values = super().macs(frame)
        if self.proj_size is None:
            return text, values
        text = text.replace("+ units)", "+ proj_size)") + " + units * proj_size"
        return text, {**values, "proj_size": self.proj_size}

    def reason(self, frame: Spec) -> str:
        if self.proj_size is None:
            return super().reason(frame)
        return f"{super().reason(frame)}, and the projection {self.units} x {self.proj_size}"

    def step(self, body: Graph, z: Value, states: Sequence[Value], name: str) -> list[str]:
        h, c = states
        inner = body.node("MatMul", [h.name, body.weight(f"{name}recurrent_kernel")])
        after, memory = remembered(
            body, body.node("Add", [z.name, inner]), c, self.activation, self.recurrent_activation
        )
        if self.proj_size is not None:
            after = body.node("MatMul", [after, body.weight(f"{name}projection")])
        return [after, memory]


@dataclass(frozen=True)
class GRUCell(DenseCell, GateOptions):
    """One step of GRU: a state of units numbers, gates in the order z, r, h.

    Kernel (features, 3 units), recurrent_kernel (units, 3 units), bias (2, 3 units), the second row inside the reset
    gate; without reset_after bias (3 units).
    """

    reset_after: bool = option("whether the reset gate multiplies behind the recurrent product, as in PyTorch", True)

    sdk = (Sdk("GRUCell"),)
    operator, gates, gate_order = "GRU", 3, (0, 1, 2)

    @property
    def biases(self) -> int:
        return self.use_bias * (2 if self.reset_after else 1)

    @property
    def functions(self) -> tuple[Function, ...]:
        return (self.recurrent_activation, self.activation)

    @property
    def attributes(self) -> dict[str, Any]:
        # Written even where it is 0, ONNX's default: ONNX Runtime's CUDA side looks at what is written only.
        return {"linear_before_reset": int(self.reset_after)}

    def step(self, body: Graph, z: Value, states: Sequence[Value], name: str) -> list[str]:
        (h,), kernel = states, body.weight(f"{name}recurrent_kernel")
        update, reset, candidate = body.nodes_out("Split", [z.name], 3, axis=1, num_outputs=3)
        gated = (self._gated_after if self.reset_after else self._gated_before)(body, h, reset, kernel, name)
        new = applied(body, self.activation, h, body.node("Add", [candidate, gated[0]]))
        kept = applied(body, self.recurrent_activation, h, body.node("Add", [update, gated[1]]))
        # z h + (1 - z) k
        return [body.node("Add", [new, body.node("Mul", [kept, body.node("Sub", [h.name, new])])])]

    def _gated_after(self, body: Graph, h: Value, reset: str, kernel: str, name: str) -> tuple[str, str]:
        """What comes from the state to the candidate and to the update gate: r * (h R + b'), h R + b'."""
        inner = body.node("MatMul", [h.name, kernel])
        if self.use_bias:
            inner = body.node("Add", [inner, body.weight(f"{name}bias", lambda b: b[1])])
        update, own, candidate = body.nodes_out("Split", [inner], 3, axis=1, num_outputs=3)
        gate = applied(body, self.recurrent_activation, h, body.node("Add", [reset, own]))
        return body.node("Mul", [gate, candidate]), update

    def _gated_before(self, body: Graph, h: Value, reset: str, kernel: str, name: str) -> tuple[str, str]:
        """The same where the reset gate acts before the product: (r * h) R, h R."""
        gates, candidate = body.nodes_out("Split", [kernel, body.ints([2 * self.units, self.units])], 2, axis=1)
        update, own = body.nodes_out("Split", [body.node("MatMul", [h.name, gates])], 2, axis=1, num_outputs=2)
        gate = applied(body, self.recurrent_activation, h, body.node("Add", [reset, own]))
        return body.node("MatMul", [body.node("Mul", [gate, h.name]), candidate]), update


CELLS: tuple[type[Cell], ...] = (SimpleRNNCell, GRUCell, LSTMCell)
