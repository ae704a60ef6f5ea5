"""An LSTM whose frames are signals, images or volumes, and whose products are convolutions."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import prod

from lamina_server.dims import Size, product
from lamina_server.formula import derive
from lamina_server.layers.activations.functions import Function, Gelu, Relu, Sigmoid, Tanh
from lamina_server.layers.base import Derivation, Example, Kind, Output, Sdk, Weight, Window, option, require_number
from lamina_server.layers.convolution.conv import conv_kernel, placed
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.pads import padded
from lamina_server.layers.recurrent.cells import Cell, Mask, Pass, Term, Walked, remembered, scanned
from lamina_server.layers.recurrent.walks import Recurrent, WalkOptions
from lamina_server.layers.tensors import SPATIAL, DType, Layout, Role, Spec, channel_axis
from lamina_server.layers.windows import Padding, PadPair, Sliding, complete

# The steps are an axis of their own, so that what a frame of one axis has is a width.
_ROLES = {**SPATIAL, 1: (Role.WIDTH,)}


@dataclass(frozen=True)
class ConvOptions(Kind):
    """Options of ConvLSTM and of its cell."""

    filters: int = option("channels of the state and of the output", minimum=1)
    kernel_size: tuple[int, ...] = option("window length for each spatial axis", minimum=1)
    strides: tuple[int, ...] = option("step between windows over the input; 1 where not given", (), minimum=1)
    padding: Padding = option(
        "of the input: valid, same, same_lower, numbers, or pairs (before, after)", "valid", minimum=0
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    dilation_rate: tuple[int, ...] = option(
        "distance between the taps of a window over the input; 1 where not given", (), minimum=1
    )
    activation: Function = option("applied to the candidate and to the cell state", Tanh())
    recurrent_activation: Function = option("applied to the gates", Sigmoid())
    use_bias: bool = option("whether biases are added", True)
    dropout: float = option(
        "fraction of the input dropped in training; no effect at inference", 0.0, minimum=0, maximum=1
    )
    recurrent_dropout: float = option(
        "fraction of the state dropped in training; no effect at inference", 0.0, minimum=0, maximum=1
    )


@dataclass(frozen=True)
class ConvLSTM(Recurrent, WalkOptions, ConvOptions):
    """LSTM over (batch, steps, spatial..., channels) with convolutions for products, over 1, 2 or 3 spatial axes.

    Last output (batch, spatial'..., filters), or every step's. Lengths as Conv from frame to state; from state to state
    padding same, stride 1, no dilation, as in Keras. Gates in the order i, f, c, o: kernel (spatial..., channels,
    4 filters), recurrent_kernel (spatial..., filters, 4 filters), bias (4 filters). Initial states h and c may
    follow as inputs, and a mask of bool, (batch, steps). Parameters 4 * filters * (k * (channels + filters) + 1).
    (Shi et al. 2015, arXiv 1506.04214, without its peepholes.)
    """

    sdk = (Sdk("ConvLSTM1D", 1), Sdk("ConvLSTM2D", 2), Sdk("ConvLSTM3D", 3))

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        first = Layout.CHANNELS_FIRST
        return (
            Example(cls(4, (3, 3)), ((5, 8, 9, 2),)),
            Example(cls(3, (2,), (2,), "same", return_sequences=True, go_backwards=True), ((4, 7, 2),)),
            Example(cls(3, (3, 2), padding="same", return_state=True), ((5, 4, 7, 2), (4, 7, 3), (4, 7, 3))),
            Example(cls(2, (2, 3), (2, 1), (PadPair(1, 2), PadPair(0, 1)), use_bias=False), ((3, 2, 6, 5),), first),
            Example(
                cls(2, (3,), (3,), "same_lower", dilation_rate=(2,), activation=Relu(), return_sequences=True),
                ((3, 2, 11),),
                first,
            ),
            Example(cls(2, (2, 1, 2), padding="same", activation=Gelu(), return_state=True), ((3, 4, 3, 5, 2),)),
            Example(
                cls(3, (2, 3), return_sequences=True, return_state=True),
                ((3, 2, 6, 5), (3,)),
                first,
                (DType.FLOAT32, DType.BOOL),
            ),
        )

    def tower(self, layout: Layout) -> tuple[Cell, ...]:
        options = {item.name: getattr(self, item.name) for item in fields(ConvOptions)}
        return (ConvLSTMCell(**options | {"data_format": self.data_format or layout}),)

    def check(self) -> None:
        super().check()
        _slide(self)

    def step_roles(self, layout: Layout) -> tuple[Role, ...]:
        spatial = _ROLES.get(len(self.kernel_size), ())
        last = (self.data_format or layout) is Layout.CHANNELS_LAST
        return (Role.BATCH, Role.STEPS, *((*spatial, Role.CHANNELS) if last else (Role.CHANNELS, *spatial)))

    def put_out(self, passes: Sequence[Pass], frame: Spec) -> tuple[list[Output], list[Derivation]]:
        (way,) = passes
        assert isinstance(way.cell, ConvLSTMCell)
        *rows, change = way.cell.slid(frame)[0]
        kept = change._replace(reason=f"{change.reason[:-1]}; {self.which}.")
        return [Output("", way.states[0])], [*rows, kept]

    def spatial(self, frame: Spec, layout: Layout) -> tuple[tuple[Window, ...], tuple[int, ...]]:
        (cell,) = self.tower(layout)
        assert isinstance(cell, ConvLSTMCell)
        windows = cell.slid(frame)[1]
        spread = {w.axis for w, k in zip(windows, self.kernel_size, strict=True) if k > 1}
        spread |= {axis for f in cell.named_functions().values() for axis in f.sees_along(frame.rank)}
        return tuple(windows), tuple(sorted(spread))

    def how(self, frame: Spec, main: Spec) -> str:
        return ""  # from the derivations


@dataclass(frozen=True)
class ConvLSTMCell(Cell, ConvOptions):
    """One step of ConvLSTM; data_format is given."""

    sdk = (Sdk("ConvLSTMCell"),)
    states = ("state_h", "state_c")

    def slid(self, frame: Spec) -> tuple[list[Derivation], list[Window]]:
        """Why each axis of the state is as long as it is, the channels last, and the windows over a frame."""
        layout, channels = self._layout, self._channels(frame)
        rows, windows = _slide(self).over(frame.axes, layout)
        kernel = " x ".join(map(str, self.kernel_size))
        change = Derivation(
            channel_axis(frame.rank, layout),
            Role.CHANNELS,
            channels,
            derive("filters", filters=self.filters),
            f"One for each filter, which is {kernel} x {channels} over the input and {kernel} x {self.filters} over "
            "the state.",
        )
        return [*rows, change], windows

    def after(self, frame: Spec) -> tuple[Spec, ...]:
        return (placed(frame, self._layout, self.slid(frame)[0]),) * 2

    def weights(self, frame: Spec) -> tuple[Weight, ...]:
        n, taps = 4 * self.filters, prod(self.kernel_size)
        kernels = [
            Weight(name, (*self.kernel_size, width, n), "glorot", taps * width, taps * n)
            for name, width in (("kernel", self._channels(frame)), ("recurrent_kernel", self.filters))
        ]
        return (*kernels, *([Weight("bias", (n,))] if self.use_bias else []))

    def params(self, frame: Spec) -> Term:
        taps, values = self._taps(frame)
        bias = " + 1" if self.use_bias else ""
        inner = f"{taps} * (channels + filters)"
        return f"4 * filters * ({inner}{bias})" if bias else f"4 * filters * {inner}", values

    def macs(self, frame: Spec) -> Term:
        taps, values = self._taps(frame)
        text = f"positions * 4 * filters * {taps} * (channels + filters)"
        return text, {"positions": self._positions(frame), **values}

    def bias_adds(self, frame: Spec) -> Size:
        return super().bias_adds(frame) * self._positions(frame)

    def _positions(self, frame: Spec) -> Size:
        channels = channel_axis(frame.rank, self._layout)
        return product(size for i, size in enumerate(self.after(frame)[0].shape) if i not in (0, channels))

    def reason(self, frame: Spec) -> str:
        each = f"{' x '.join(map(str, self.kernel_size))} x ({self._channels(frame)} + {self.filters})"
        return f"Each filter of each of 4 gates has {each} weights{' and a bias' if self.use_bias else ''}"

    def order(self, frame: Spec) -> tuple[int, ...]:
        channels = channel_axis(frame.rank, self._layout)
        return (0, channels, *(axis for axis in range(1, frame.rank) if axis != channels))

    def walk(self, graph: Graph, way: Pass, x: str, initial: Sequence[str], mask: Mask | None) -> Walked:
        windows, dtype = self.slid(way.frame)[1], way.frame.dtype
        x, pads = padded(graph, x, windows, self.padding, self.dilation_rate, dtype, leading=3)
        ones = (1,) * len(self.kernel_size)
        slide = {"strides": self.strides or ones, "dilations": self.dilation_rate or ones, **pads}
        before = [(k - 1) // 2 for k in self.kernel_size]
        same = {"pads": [*before, *(k - 1 - a for k, a in zip(self.kernel_size, before, strict=True))]}

        def step(body: Graph, frame: Value, states: Sequence[Value]) -> list[str]:
            h, c = states
            bias = [body.weight(f"{way.name}bias")] if self.use_bias else []
            given = body.node("Conv", [frame.name, body.weight(f"{way.name}kernel", conv_kernel), *bias], **slide)
            inner = body.node("Conv", [h.name, body.weight(f"{way.name}recurrent_kernel", conv_kernel)], **same)
            total = body.node("Add", [given, inner])
            return remembered(body, total, c, self.activation, self.recurrent_activation)

        return scanned(graph, way, (x, way.frame), initial, step, mask)

    @property
    def _layout(self) -> Layout:
        assert self.data_format is not None
        return self.data_format

    def _channels(self, frame: Spec) -> int:
        size = frame.axes[channel_axis(frame.rank, self._layout)].size
        return require_number(size, "channels", "because its kernel has weights for each")

    def _taps(self, frame: Spec) -> Term:
        names = tuple("khw"[: len(self.kernel_size)]) if len(self.kernel_size) > 1 else ("k",)
        sizes = dict(zip(names, self.kernel_size, strict=True))
        return " * ".join(names), {"filters": self.filters, "channels": self._channels(frame), **sizes}


def _slide(options: ConvOptions) -> Sliding:
    """The windows over a frame. Raises LayerError for options that do not fit each other."""
    given = options.kernel_size, options.strides, options.padding, options.dilation_rate
    slide = complete(*given, field="kernel_size")
    return slide._replace(roles=_ROLES[slide.rank])
