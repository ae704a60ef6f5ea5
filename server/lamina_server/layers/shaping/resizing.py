"""Layers that change how many places there are along the spatial axes: copies, interpolation, resized images."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any, Literal

from lamina_server.dims import Size, floor_div, positive_part
from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import (
    Derivation,
    Example,
    Inference,
    Kind,
    Sdk,
    Window,
    option,
    plural,
    require_number,
    require_rank,
    require_type,
    single,
)
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.pads import pad
from lamina_server.layers.shaping.interpolation import Method, Resampled, check_table, copied, resample
from lamina_server.layers.shaping.padding import PadMode, check_value
from lamina_server.layers.tensors import ANY, FLOATS, SPATIAL, Layout, Role, Spec, spatial_axes, spatial_roles

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"]
UpsampleMode = Literal["nearest", "nearest_exact", "linear", "bilinear", "trilinear", "bicubic", "area"]

# Keras' on TensorFlow and JAX: pixel centres; all but bilinear leave out what lies beyond the edge.
_KERAS = {
    "nearest": Method("nearest_exact"),
    "bilinear": Method("linear"),
    "bicubic": Method("cubic", inside=True, a=-0.5),
    "lanczos3": Method("lanczos3", inside=True),
    "lanczos5": Method("lanczos5", inside=True),
}
_RANKS = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


@dataclass(frozen=True)
class UpSampling(Kind):
    """Makes the spatial axes size times as long: every element repeated, or interpolated between pixel centres.

    Length size * length. bilinear, bicubic, lanczos3 and lanczos5 are for two spatial axes and compute as TensorFlow
    and JAX do: bicubic has coefficient -0.5 and leaves out what lies beyond the edge (PyTorch's, -0.75 with the edge
    repeated, is Upsample's).
    """

    size: tuple[int, ...] = option("how many times as long, for each spatial axis", minimum=1, usual=2)
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    interpolation: Interpolation = option("nearest repeats; the others are for two spatial axes", "nearest")

    sdk = (Sdk("UpSampling1D", 1), Sdk("UpSampling2D", 2), Sdk("UpSampling3D", 3))
    in_torch = ("nn.Upsample",)
    takes, masking = ANY, "drops"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((2,)), ((5, 3),)),
            Example(cls((2, 3)), ((2, 3, 4),), Layout.CHANNELS_FIRST),
            Example(cls((2, 41, 1)), ((2, 3, 4, 2),)),
            Example(cls((2, 3), interpolation="bilinear"), ((3, 4, 2),)),
            Example(cls((3, 2), interpolation="bicubic"), ((2, 3, 5),), Layout.CHANNELS_FIRST),
            Example(cls((2, 1), interpolation="lanczos3"), ((4, 5, 2),)),
            Example(cls((2, 3), interpolation="lanczos5"), ((2, 4, 5),), Layout.CHANNELS_FIRST),
        )

    @property
    def spatial_rank(self) -> int:
        return len(self.size)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,), rank = inputs, len(self.size)
        if rank not in SPATIAL:
            raise LayerError("BAD_RANK", f"size has {plural(rank, 'number')}; there must be 1, 2 or 3", field="size")
        if self.interpolation != "nearest" and rank != 2:
            text = f'has interpolation="{self.interpolation}", which is for two spatial axes; along {rank} use '
            raise LayerError("UNSUPPORTED", f'{text}Upsample(mode="{_LINEAR[rank]}")', field="interpolation")
        layout = self.data_format or layout
        require_rank(x, spatial_roles(rank, layout))
        near = self.interpolation == "nearest"
        how = "Every element is repeated." if near else _KERAS[self.interpolation].words
        rows = [
            Derivation(axis, role, x.shape[axis], derive("s * L", s=times, L=x.shape[axis]), how)
            for axis, role, times in zip(spatial_axes(rank, layout), SPATIAL[rank], self.size, strict=True)
        ]
        if self.interpolation != "nearest":
            _check(x, rows, _KERAS[self.interpolation])
        return _changed(x, rows, f"UpSampling{rank}D")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        if self.interpolation == "nearest":
            copies = {row.axis: n for row, n in zip(done.derivations, self.size, strict=True) if n > 1}
            return [copied(graph, x, copies)._replace(spec=done.spec)]
        axes = [Resampled(row.axis, x.spec.shape[row.axis], row.derived.value) for row in done.derivations]
        return [resample(graph, x, axes, _KERAS[self.interpolation])._replace(spec=done.spec)]


@dataclass(frozen=True)
class Upsample(Kind):
    """Resizes the spatial axes to a size or by a factor, as PyTorch's Upsample and functional.interpolate do.

    Length size, or floor(scale_factor * length). Place o looks at (o + 1/2) step - 1/2, the step being 1 / scale_factor
    or length / size; nearest at floor(o step), nearest_exact at floor((o + 1/2) step), with align_corners at
    o (length - 1) / (size - 1). Beyond the ends the edge is repeated; bicubic has coefficient -0.75. area is the mean
    of what a place stands for.
    """

    size: tuple[int, ...] = option("length of each spatial axis, or one for all", (), minimum=1)
    scale_factor: tuple[float, ...] = option("factor for each spatial axis, or one for all", (), minimum=0, lone=True)
    mode: UpsampleMode = option(
        "linear for 1 spatial axis, bilinear and bicubic for 2, trilinear for 3, else for any", "nearest"
    )
    align_corners: bool = option("whether the first and the last elements keep their places; not for nearest", False)
    recompute_scale_factor: bool = option("whether the step follows from the size that a factor gives", False)
    antialias: bool = option("whether a smaller size averages; bilinear and bicubic (coefficient -0.5)", False)
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)

    sdk = (Sdk("Upsample"),)
    in_keras = ()
    in_torch = ("nn.Upsample", "nn.functional.interpolate")
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        first = Layout.CHANNELS_FIRST
        return (
            Example(cls(scale_factor=(2,), mode="bilinear"), ((3, 4, 5),), first),
            Example(cls((4,)), ((6, 2),)),
            Example(cls((7, 2), mode="nearest_exact"), ((5, 6, 2),)),
            Example(cls(scale_factor=(1.5, 0.5)), ((2, 5, 6),), first),
            Example(cls((3,), mode="linear", align_corners=True), ((2, 7),), first),
            Example(cls(scale_factor=(1.25,), mode="linear"), ((7, 2),)),
            Example(cls((2, 3, 4), mode="trilinear"), ((3, 2, 6, 1),)),
            Example(cls(scale_factor=(1.5,), mode="trilinear"), ((3, 2, 6, 1),)),
            Example(cls((3, 8), mode="bicubic"), ((2, 5, 6),), first),
            Example(cls((3, 8), mode="bicubic", align_corners=True), ((2, 5, 6),), first),
            Example(cls((3, 8), mode="bilinear", antialias=True), ((2, 7, 6),), first),
            Example(cls((2, 8), mode="bicubic", antialias=True), ((9, 6, 2),)),
            Example(cls((3, 4), mode="area"), ((7, 2, 2),)),
            Example(cls(scale_factor=(1.5,), mode="bilinear", recompute_scale_factor=True), ((5, 3, 2),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        layout, rank = self.data_format or layout, x.rank - 2
        if rank not in SPATIAL:
            text = f"needs batch, channels and 1 to 3 spatial axes. It gets {x}"
            raise LayerError("RANK_MISMATCH", text, got_rank=x.rank)
        self._check_options(x, rank)
        sizes, factors = self._each("size", rank), self._each("scale_factor", rank)
        rows = []
        for i, (axis, role) in enumerate(zip(spatial_axes(rank, layout), SPATIAL[rank], strict=True)):
            length = x.shape[axis]
            row = Derivation(axis, role, length, derive("size", size=sizes[i]), "As given.") if sizes else None
            row = row or _scaled(axis, role, length, factors[i])
            rows.append(row._replace(reason=f"{row.reason} {self._method(rank).words}"))
        if not self.mode.startswith("nearest"):
            _check(x, rows, self._method(rank), self._steps(rank))
        return _changed(x, rows, "Upsample")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, rank = inputs[0], done.spec.rank - 2
        axes = [
            Resampled(row.axis, x.spec.shape[row.axis], row.derived.value, step)
            for row, step in zip(done.derivations, self._steps(rank), strict=True)
        ]
        return [resample(graph, x, axes, self._method(rank))._replace(spec=done.spec)]

    def _each(self, name: str, rank: int) -> tuple[Any, ...]:
        """An option's number for each axis; none where it is not given."""
        values: tuple[Any, ...] = getattr(self, name)
        if len(values) not in (0, 1, rank):
            axes = "one spatial axis" if rank == 1 else f"{rank} spatial axes"
            text = f"{name} has {plural(len(values), 'number')}, but its input has {axes}"
            raise LayerError("LENGTH_MISMATCH", text, field=name)
        return values * rank if len(values) == 1 else values

    def _steps(self, rank: int) -> list[float | None]:
        """Steps between places that do not follow from the sizes: those of factors that are no whole numbers."""
        free = self.recompute_scale_factor or self.align_corners or self.mode == "area"
        factors = self._each("scale_factor", rank)
        return [None if free or factor == int(factor) else 1 / factor for factor in factors] or [None] * rank

    def _method(self, rank: int) -> Method:
        """PyTorch copies where the length stays, nearest over two axes also where it doubles."""
        if self.mode.startswith("nearest"):
            return Method(self.mode, whole=(1, 2) if self.mode == "nearest" and rank == 2 else ())
        if self.mode == "area":
            return Method("area")
        if self.mode == "bicubic":
            if self.antialias:
                return Method("cubic", antialias=True, inside=True, a=-0.5, whole=(1,))
            return Method("cubic", self.align_corners)
        return Method("linear", self.align_corners, self.antialias, inside=self.antialias, whole=(1,))

    def _check_options(self, x: Spec, rank: int) -> None:
        """Raises LayerError for options that contradict each other."""
        if bool(self.size) == bool(self.scale_factor):
            both = "both are" if self.size else "none is"
            raise LayerError("OUT_OF_RANGE", f"takes either size or scale_factor, but {both} given", field="size")
        wanted = _RANKS.get(self.mode, rank)
        if wanted != rank:
            spatial = "one spatial axis" if wanted == 1 else f"{wanted} spatial axes"
            text = f'has mode="{self.mode}", which is for {spatial}. It gets {x}: use "{_LINEAR[rank]}"'
            raise LayerError("UNSUPPORTED", text, field="mode")
        refused = {
            "align_corners": self.align_corners and self.mode not in _RANKS,
            "antialias": self.antialias and self.mode not in ("bilinear", "bicubic"),
            "recompute_scale_factor": self.recompute_scale_factor and not self.scale_factor,
        }
        for field, wrong in refused.items():
            if wrong:
                why = "without scale_factor" if field == "recompute_scale_factor" else f'with mode="{self.mode}"'
                raise LayerError("UNSUPPORTED", f"has {field}=True, which has no meaning {why}", field=field)
        if self.antialias and self.align_corners:
            text = "has antialias and align_corners: PyTorch takes the step of one and the places of the other"
            raise LayerError("UNSUPPORTED", text, field="align_corners")


@dataclass(frozen=True)
class Resizing(Kind):
    """Resizes images to height and width, between pixel centres, as Keras does on TensorFlow and JAX.

    Place o looks at (o + 1/2) length / size - 1/2. bicubic has coefficient -0.5 and leaves out what lies beyond the
    edge. To keep the aspect ratio the middle is cut out first, or both sides are padded.
    """

    height: int = option("height of the output", minimum=1)
    width: int = option("width of the output", minimum=1)
    interpolation: Interpolation = option("how values between pixels are found", "bilinear")
    crop_to_aspect_ratio: bool = option("whether the middle of the right aspect ratio is cut out first", False)
    pad_to_aspect_ratio: bool = option("whether the shorter side is padded to the aspect ratio first", False)
    fill_mode: PadMode = option("how the padding is filled; only constant, as in Keras", "constant")
    fill_value: float = option("what is padded with", 0.0)
    antialias: bool = option("whether a smaller size averages over what it stands for; not for nearest", False)
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)

    sdk = (Sdk("Resizing"),)
    in_torch = ("nn.functional.interpolate",)
    takes, masking = ANY, "drops"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        first = Layout.CHANNELS_FIRST
        return (
            Example(cls(8, 3), ((5, 6, 2),)),
            Example(cls(4, 7, "nearest"), ((2, 5, 6),), first),
            Example(cls(4, 7, "bicubic"), ((5, 6, 2),)),
            Example(cls(3, 8, "lanczos3", antialias=True), ((2, 7, 6),), first),
            Example(cls(3, 8, "lanczos5"), ((7, 6, 2),)),
            Example(cls(3, 4, "bicubic", antialias=True), ((2, 7, 9),), first),
            Example(cls(3, 4, antialias=True), ((7, 9, 2),)),
            Example(cls(6, 3, crop_to_aspect_ratio=True), ((2, 5, 6),), first),
            Example(cls(4, 9, pad_to_aspect_ratio=True, fill_value=0.5), ((5, 6, 2),)),
            Example(cls(9, 4, "nearest", pad_to_aspect_ratio=True), ((5, 6, 2),)),
        )

    @property
    def spatial_rank(self) -> int:
        return 2

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        x, layout = inputs[0], self.data_format or layout
        require_rank(x, spatial_roles(2, layout))
        self._check_options(x)
        targets = (derive("height", height=self.height), derive("width", width=self.width))
        axes = spatial_axes(2, layout)
        rows, windows = [], []
        for axis, role, out, ends in zip(axes, SPATIAL[2], targets, self._ends(x, axes), strict=True):
            windows.append(Window(axis, role, 1, 1, *ends))
            reason = f"As given. {self._method().words}{_moved(*ends)}"
            rows.append(Derivation(axis, role, x.shape[axis], out, reason))
        if self.interpolation != "nearest":
            _check(x, rows, self._method(), windows=windows)
        moved = windows if self.crop_to_aspect_ratio or self.pad_to_aspect_ratio else []
        return _changed(x, rows, "Resizing", tuple(moved))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        lengths = {row.axis: x.spec.shape[row.axis] for row in done.derivations}
        if done.windows:
            if self.crop_to_aspect_ratio:
                starts = graph.shape([-w.before for w in done.windows])
                ends = graph.shape([lengths[w.axis] + w.after for w in done.windows])
                name = graph.node("Slice", [x.name, starts, ends, graph.ints(map(x.physical, lengths))])
            else:
                pairs = {w.axis: (w.before, w.after) for w in done.windows}
                name = pad(graph, x.name, [pairs.get(axis, (0, 0)) for axis in x.order], x.spec.dtype, self.fill_value)
            x = x._replace(name=name)
            for w in done.windows:
                lengths[w.axis] = lengths[w.axis] + w.before + w.after
                x = x._replace(spec=x.spec.resized(w.axis, lengths[w.axis]))
        axes = [Resampled(row.axis, lengths[row.axis], row.derived.value) for row in done.derivations]
        return [resample(graph, x, axes, self._method())._replace(spec=done.spec)]

    def _method(self) -> Method:
        method = _KERAS[self.interpolation]
        return method._replace(antialias=True, inside=True) if self.antialias else method

    def _ends(self, x: Spec, axes: Sequence[int]) -> list[tuple[Size, Size]]:
        """Rows and columns added at both ends of the image, or, below 0, cut off, to reach the aspect ratio."""
        (h, w), ends = (x.shape[axis] for axis in axes), []
        for length, other, size, across in ((h, w, self.height, self.width), (w, h, self.width, self.height)):
            fitting = floor_div(other * size, across)
            if self.crop_to_aspect_ratio:
                left = _greater(length - positive_part(length - fitting), 1)
                start = floor_div(length - left, 2)
                ends.append((-start, start + left - length))
            elif self.pad_to_aspect_ratio:
                more = floor_div(positive_part(fitting - length), 2)
                ends.append((more, more))
            else:
                ends.append((0, 0))
        return ends

    def _check_options(self, x: Spec) -> None:
        """Raises LayerError for options that contradict each other."""
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            text = "can crop or pad to the aspect ratio, but not both"
            raise LayerError("UNSUPPORTED", text, field="pad_to_aspect_ratio")
        if self.fill_mode != "constant":
            text = f'has fill_mode="{self.fill_mode}"; Keras fills with a constant only'
            raise LayerError("UNSUPPORTED", text, field="fill_mode")
        if self.fill_value != 0 and not self.pad_to_aspect_ratio:
            text = f"has fill_value={self.fill_value:g}, but nothing is filled without pad_to_aspect_ratio"
            raise LayerError("UNSUPPORTED", text, field="fill_value")
        if self.antialias and self.interpolation == "nearest":
            text = 'has antialias=True, which has no meaning with interpolation="nearest"'
            raise LayerError("UNSUPPORTED", text, field="antialias")
        check_value(self.fill_value, x.dtype, "fill_value")


def _scaled(axis: int, role: Role, length: Size, factor: float) -> Derivation:
    """floor(factor * length), in double precision as PyTorch computes it."""
    if factor == int(factor):
        return Derivation(axis, role, length, derive("s * L", s=int(factor), L=length), f"{factor:g} times as long.")
    exact, written = Fraction(factor), Fraction(repr(factor))
    if not isinstance(length, int):
        if exact.denominator > 2**20:
            text = f"because {factor:g} has no exact double and PyTorch rounds: give size, or a factor such as 1.5"
            require_number(length, role.value, text)
        out = derive("floor(L * p / q)", L=length, p=exact.numerator, q=exact.denominator)
    else:
        size = floor(length * factor)
        tried = (derive("floor(L * p / q)", L=length, p=f.numerator, q=f.denominator) for f in (written, exact))
        out = next((found for found in tried if found.value == size), derive("size", size=size))
    share = f"{out.values['p']} / {out.values['q']}" if "p" in out.values else "rounded in double precision"
    return Derivation(axis, role, length, out, f"scale_factor {factor:g} is {share}.")


def _changed(x: Spec, rows: Sequence[Derivation], label: str, windows: tuple[Window, ...] = ()) -> Inference:
    """Of a layer that resizes axes: neighbours see no neighbours where a length changes, or an axis gets a new name."""
    out = x
    for row in rows:
        out = out.resized(row.axis, row.derived.value, row.role)
    uneven = tuple(row.axis for row in rows if windows or out.axes[row.axis] != x.axes[row.axis])
    return Inference(single(out), label, tuple(rows), windows, uneven=uneven)


def _check(
    x: Spec,
    rows: Sequence[Derivation],
    method: Method,
    steps: Sequence[float | None] = (),
    windows: Sequence[Window] = (),
) -> None:
    """Raises LayerError for what cannot be interpolated: other types than floating ones, tables too large."""
    require_type(x, FLOATS, 1)
    added = {window.axis: window.before + window.after for window in windows}
    given = steps or [None] * len(rows)
    axes = [
        Resampled(row.axis, x.shape[row.axis] + added.get(row.axis, 0), row.derived.value, step)
        for row, step in zip(rows, given, strict=True)
    ]
    check_table(axes, [row.role for row in rows], method, x.dtype)


def _moved(before: Size, after: Size) -> str:
    """What was done to reach the aspect ratio."""
    if before == 0 and after == 0:
        return ""
    if isinstance(before, int) and isinstance(after, int) and before + after < 0:
        return f" Before that {-before} at the start and {-after} at the end are cut off."
    if isinstance(before, int):
        return f" Before that {before} are added at each end."
    return " Before that the aspect ratio is reached at both ends."


def _greater(a: Size, b: int) -> Size:
    return b + positive_part(a - b)
