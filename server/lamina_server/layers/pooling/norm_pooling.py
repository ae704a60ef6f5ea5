"""Pools that take norms."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from lamina_server.layers.base import Example, Inference, Sdk, option
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.pooling.pools import GlobalPool, Pool
from lamina_server.layers.tensors import DType, Layout
from lamina_server.layers.windows import Padding, PadPair


@dataclass(frozen=True)
class LpPool(Pool):
    """The norm of each window: (sum of x^p)^(1 / p), p being norm_type. Padding adds nothing.

    Shapes as MaxPool. PyTorch keeps the sign of odd powers (a negative sum has no root: NaN) and takes a last window
    that ceil_mode cuts short for a whole one; ONNX takes |x|^p and sums what is there.
    """

    norm_type: float = option("p, the power", minimum=0.01)
    pool_size: tuple[int, ...] = option("window length for each spatial axis", minimum=1)
    strides: tuple[int, ...] = option("step between windows; pool_size where not given", (), minimum=1)
    padding: Padding = option(
        "valid, same, same_lower, numbers, or pairs (before, after) of at most half a window",
        "valid",
        minimum=0,
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    ceil_mode: bool = option("whether a last window that runs over the end counts, if it starts inside", False)
    signed: bool = option("whether x^p keeps the sign of x, as PyTorch; else |x|^p, as ONNX", True)
    scale_partial: bool = option("whether a window cut short by ceil_mode is scaled to a whole one, as PyTorch", True)

    sdk = (Sdk("LpPooling1D", 1), Sdk("LpPooling2D", 2), Sdk("LpPooling3D", 3))
    in_keras = ()
    in_torch = ("nn.LPPool1d", "nn.LPPool2d", "nn.LPPool3d")
    label = "LpPooling"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        first, pads = Layout.CHANNELS_FIRST, (PadPair(1, 1), PadPair(0, 1))
        return (
            Example(cls(2, (3,), (2,)), ((9, 3),)),
            Example(cls(2, (3, 2), (2, 2), ceil_mode=True), ((2, 6, 7),), first),
            Example(cls(3, (3, 2), (2, 2), pads, ceil_mode=True, signed=False, scale_partial=False), ((6, 7, 2),)),
            Example(cls(1, (2,), (1,), "same"), ((5, 2),)),
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        order = graph.spatial_order(x.spec, self.data_format or graph.layout)
        name = _powers(graph, graph.arrange(x, order), x.spec.dtype, self.norm_type, self.signed)
        if self.scale_partial and any(window.overrun != 0 for window in done.windows):
            whole = graph.const(prod(self.pool_size), x.spec.dtype)
            sums = graph.node("Mul", [self.mean(graph, name, x.spec, order, done, True), whole])
        else:
            sums = self.total(graph, name, x.spec, done)
        return [Value(_root(graph, sums, x.spec.dtype, self.norm_type), order, done.spec)]


@dataclass(frozen=True)
class GlobalLpPool(GlobalPool):
    """The norm of each channel over all spatial axes, (sum of |x|^p)^(1 / p), as ONNX: -> (batch, channels)."""

    norm_type: float = option("p, the power", 2.0, minimum=0.01)
    rank: int | None = option(
        "number of spatial axes there must be; as many as there are where not given", None, minimum=1, maximum=3
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    keepdims: bool = option("whether the spatial axes stay, with size 1", False)

    sdk = (Sdk("GlobalLpPooling1D", 1), Sdk("GlobalLpPooling2D", 2), Sdk("GlobalLpPooling3D", 3))
    in_keras = ()
    label = "GlobalLpPooling"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((9, 3),)),
            Example(cls(1.0, keepdims=True), ((2, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls(2.5), ((4, 3, 2),)),
        )

    @property
    def verb(self) -> str:
        return f"{self.norm_type:g}-norm"

    def reduce(self, graph: Graph, name: str, dtype: DType, axes: Sequence[int]) -> str:
        sums = _powers(graph, name, dtype, self.norm_type, signed=False)
        sums = graph.node("ReduceSum", [sums, graph.ints(axes)], keepdims=int(self.keepdims))
        return _root(graph, sums, dtype, self.norm_type)


def _powers(graph: Graph, name: str, dtype: DType, power: float, signed: bool) -> str:
    """x^p, or |x|^p."""
    if not signed and power % 2:
        name = graph.node("Abs", [name])
    return name if power == 1 else graph.node("Pow", [name, graph.const(power, dtype)])


def _root(graph: Graph, name: str, dtype: DType, power: float) -> str:
    """x^(1 / p)."""
    return name if power == 1 else graph.node("Pow", [name, graph.const(1 / power, dtype)])
