"""Layers that walk along the steps and remember."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import (
    Derivation,
    Example,
    Inference,
    Kind,
    Output,
    Sdk,
    Weight,
    option,
    plural,
    require_number,
    require_rank,
)
from lamina_server.layers.core import check_function
from lamina_server.layers.functions import Function, Sigmoid, Tanh
from lamina_server.layers.graph import Array, Graph, Value
from lamina_server.layers.tensors import Axis, Layout, Role, Spec


@dataclass(frozen=True)
class LSTM(Kind):
    """Long short-term memory over (batch, steps, features), in this order in either layout.

    Last output (batch, units), or every step's (batch, steps, units); with return_state also the last hidden and cell
    state. Gates in the order i, f, c, o: kernel (features, 4 units), recurrent_kernel (units, 4 units), bias (4 units).
    Parameters 4 * units * (features + units + 1), as Keras (PyTorch keeps two biases: + 2).
    """

    units: int = option("size of the state", minimum=1)
    activation: Function = option("applied to the candidate and the cell state; only what ONNX's LSTM knows", Tanh())
    recurrent_activation: Function = option("applied to the gates; only what ONNX's LSTM knows", Sigmoid())
    use_bias: bool = option("whether a bias is added", True)
    return_sequences: bool = option("whether every step's output is returned, not only the last", False)
    return_state: bool = option("whether the last states come as outputs state_h and state_c", False)

    sdk = (Sdk("LSTM"),)
    masking = "uses"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(6), ((5, 3),)),
            Example(cls(4, return_sequences=True, return_state=True), ((7, 2),)),
            Example(cls(3, use_bias=False, return_state=True), ((4, 2),), Layout.CHANNELS_FIRST),
        )

    def roles(self, rank: int, layout: Layout) -> tuple[Role, ...]:
        three = (Role.BATCH, Role.STEPS, Role.FEATURES)
        return three if rank == len(three) else super().roles(rank, layout)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        require_rank(x, (Role.BATCH, Role.STEPS, Role.FEATURES))
        self._check_functions(x)
        steps, width = x.axes[1], require_number(x.axes[2].size, "features", "because its kernel has weights for each")
        state = Spec((x.axes[0], Axis(Role.FEATURES, self.units)), x.dtype)
        every = Spec((x.axes[0], Axis(Role.STEPS, steps.size), Axis(Role.FEATURES, self.units)), x.dtype)
        main = every if self.return_sequences else state
        states = (Output("state_h", state), Output("state_c", state)) if self.return_state else ()
        which = (
            "every step's output is returned"
            if self.return_sequences
            else "only the last step's output is returned; return_sequences=True would keep the steps"
        )
        row = Derivation(
            main.rank - 1,
            Role.FEATURES,
            width,
            derive("units", units=self.units),
            f"The state has {plural(self.units, 'number')}; {which}.",
        )
        return Inference(
            (Output("", main), *states),
            "LSTM",
            derivations=(row,),
            weights=self._weights(width),
            params=derive(
                "4 * units * (features + units + 1)" if self.use_bias else "4 * units * (features + units)",
                units=self.units,
                features=width,
            ),
            params_reason=f"Each of 4 gates has {self.units} x ({width} + {self.units}"
            f"{' + 1' if self.use_bias else ''}) weights",
            macs=derive("steps * 4 * units * (features + units)", steps=steps.size, units=self.units, features=width),
            bias_adds=derive("steps * 4 * units", steps=steps.size, units=self.units) if self.use_bias else None,
            how=f"features {width} -> {self.units}, {'every step' if self.return_sequences else 'last step only'}",
            sees_all=True,
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        weights = [graph.weight("kernel", _gates), graph.weight("recurrent_kernel", _gates)]
        if self.use_bias:  # ONNX keeps a second, recurrent bias: zero here
            weights.append(graph.weight("bias", lambda b: np.concatenate([_gates(b), np.zeros_like(b)[None]], 1)))
        gates, cell = self.recurrent_activation.recurrent, self.activation.recurrent
        assert gates is not None and cell is not None, "infer refuses the others"
        used = [gates, cell, cell]
        y, h, c = graph.nodes_out(
            "LSTM",
            [graph.arrange(inputs[0], (1, 0, 2)), *weights],
            3,
            hidden_size=self.units,
            activations=[f.name for f in used],
            # Consumed in the order of the functions, by those only that take one: no place holders.
            activation_alpha=[float(alpha) for f in used for alpha in f.alphas] or None,
            activation_beta=[float(beta) for f in used for beta in f.betas] or None,
        )
        state = [graph.node("Squeeze", [name, graph.ints([0])]) for name in ((h, c) if self.return_state else (h,))]
        specs = [output.spec for output in done.outputs]
        if not self.return_sequences:
            main = graph.logical(state[0], specs[0])
        else:  # (steps, 1, batch, units)
            main = Value(graph.node("Squeeze", [y, graph.ints([1])]), (1, 0, 2), specs[0])
        return [main, *(graph.logical(name, spec) for name, spec in zip(state, specs[1:], strict=False))]

    def _check_functions(self, x: Spec) -> None:
        for name in ("activation", "recurrent_activation"):
            function: Function = getattr(self, name)
            if function.recurrent is None:
                raise LayerError(
                    "UNSUPPORTED",
                    f'has {name}="{function}", which ONNX\'s LSTM operator does not know; it knows '
                    "tanh, sigmoid, relu, hard_sigmoid, elu, leaky_relu and linear",
                    field=name,
                )
            check_function(function, x, name)

    def _weights(self, width: int) -> tuple[Weight, ...]:
        n = 4 * self.units
        bias = (Weight("bias", (n,)),) if self.use_bias else ()
        return (
            Weight("kernel", (width, n), "glorot", width, n),
            Weight("recurrent_kernel", (self.units, n), "glorot", self.units, n),
            *bias,
        )


def _gates(weight: Array) -> Array:
    """Keras' (in, 4 units) in the order i, f, c, o -> ONNX's (1, 4 units, in) in the order i, o, f, c."""
    i, f, c, o = np.split(weight, 4, axis=-1)
    return np.concatenate([i, o, f, c], axis=-1).T[None]
