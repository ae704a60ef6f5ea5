"""Layers that shift and scale by statistics."""

from collections.abc import Sequence
from dataclasses import dataclass

from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import Example, Inference, Kind, Sdk, Weight, option, own_axis, require_number, unchanged
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import Layout, Spec, channel_axis


@dataclass(frozen=True)
class BatchNormalization(Kind):
    """(x - moving_mean) / sqrt(moving_variance + epsilon) * gamma + beta, for each index of one axis; shape unchanged.

    Weights gamma, beta (trained), moving_mean, moving_variance (not): 4 for each index.
    """

    axis: int | None = option(
        "axis with its own statistics, counting the batch axis; the channel axis if not given", None
    )
    momentum: float = option(
        "how slowly the statistics move in training; no effect at inference", 0.99, minimum=0, maximum=1
    )
    epsilon: float = option("added to the variance (PyTorch and ONNX: 0.00001)", 1e-3, minimum=0)
    center: bool = option("whether beta is added", True)
    scale: bool = option("whether gamma multiplies", True)

    sdk = (Sdk("BatchNormalization"),)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((5, 6, 3),)),
            Example(cls(epsilon=1e-5), ((3, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls(axis=1, scale=False, center=False), ((4, 7),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        if x.rank < 2:
            raise LayerError("RANK_MISMATCH", f"needs at least batch, channels. It gets {x}: one axis is missing")
        axis = self._index(x, layout)
        size = require_number(x.axes[axis].size, x.axes[axis].role.value, "because it keeps statistics for each")
        trained = [Weight("gamma", (size,), "ones")] if self.scale else []
        trained += [Weight("beta", (size,))] if self.center else []
        moving = [
            Weight("moving_mean", (size,), trainable=False),
            Weight("moving_variance", (size,), "ones", trainable=False),
        ]
        kept = [weight.name for weight in (*trained, *moving)]
        return unchanged(
            x,
            "BatchNormalization",
            weights=(*trained, *moving),
            how="scaled and shifted, shape unchanged",
            params=derive("n * channels", n=len(kept), channels=size),
            params_reason=f"Each index of axis {axis} has {', '.join(kept[:-1])} and {kept[-1]}",
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        axis = self._index(x.spec, graph.layout)
        size = done.weights[-1].shape[0]
        gamma = graph.weight("gamma") if self.scale else graph.const([1.0] * size, x.spec.dtype)
        beta = graph.weight("beta") if self.center else graph.const([0.0] * size, x.spec.dtype)
        order = x.order if x.physical(axis) == 1 else (0, axis, *(i for i in range(1, x.spec.rank) if i != axis))
        out = graph.node(
            "BatchNormalization",
            [graph.arrange(x, order), gamma, beta, graph.weight("moving_mean"), graph.weight("moving_variance")],
            epsilon=float(self.epsilon),
        )
        return [Value(out, order, done.spec)]

    def _index(self, x: Spec, layout: Layout) -> int:
        return channel_axis(x.rank, layout) if self.axis is None else own_axis(self.axis, x.rank)
