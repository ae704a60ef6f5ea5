"""Layers that add to the ends of axes, or take away from them. ZeroPadding, the plainest, is in `shaping`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lamina_server.dims import Size
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
    own_axis,
    plural,
    require_rank,
    single,
)
from lamina_server.layers.broadcasting import axis_name
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.pads import pad
from lamina_server.layers.tensors import (
    ANY,
    FLOATS,
    SPATIAL,
    SPATIAL_ROLES,
    DType,
    Layout,
    Role,
    Spec,
    spatial_axes,
    spatial_roles,
)
from lamina_server.layers.windows import PadPair

PadMode = Literal["constant", "reflect", "replicate", "circular"]

_ONNX_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
_WORDS = {
    "reflect": "mirrored about the first and the last element, which are not repeated",
    "replicate": "copies of the first and of the last element",
    "circular": "taken from the other end",
}
_SIDES = ("at the start", "at the end")
_END = 2**63 - 1  # "to the end" in ONNX's Slice


@dataclass(frozen=True)
class Cropping(Kind):
    """Takes elements away at the ends of the spatial axes: each length becomes length - before - after.

    channels last: (batch, spatial..., channels) -> (batch, spatial'..., channels). Something must be left.
    """

    cropping: tuple[PadPair, ...] = option(
        "elements taken away (before, after), one pair for each spatial axis", minimum=0, usual=(1, 0, 1)
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)

    masking = "drops"
    sdk = (Sdk("Cropping1D", 1), Sdk("Cropping2D", 2), Sdk("Cropping3D", 3))
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((PadPair(1, 2),)), ((9, 3),)),
            Example(cls((PadPair(1, 0), PadPair(0, 2))), ((3, 5, 6),), Layout.CHANNELS_FIRST),
        )

    @property
    def spatial_rank(self) -> int:
        return len(self.cropping)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        axes = pair_axes(inputs[0], self.cropping, self.data_format or layout, "cropping")
        roles = SPATIAL[len(axes)]
        rows = [self._row(inputs[0], *row) for row in zip(axes, roles, self.cropping, strict=True)]
        return moved_ends(inputs[0], rows, [PadPair(-a, -b) for a, b in self.cropping], f"Cropping{len(axes)}D")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        ends = {row.axis: (-a, -b) for row, (a, b) in zip(done.derivations, self.cropping, strict=True)}
        return [inputs[0]._replace(name=cut(graph, inputs[0], ends), spec=done.spec)]

    def _row(self, x: Spec, axis: int, role: Role, pair: PadPair) -> Derivation:
        length, (a, b) = x.shape[axis], pair
        if isinstance(length, int) and a + b >= length:
            raise LayerError(
                "EMPTY_RESULT",
                f"takes {a} and {b} away along {role.value}, which is {length}: nothing would be left; "
                f"together they may be {length - 1} at most",
                field="cropping",
                length=length,
            )
        text = "L" + (" - a" if a else "") + (" - b" if b else "")
        out = derive(text, L=length, **({"a": a} if a else {}), **({"b": b} if b else {}))
        return Derivation(axis, role, length, out, _ends_text(-a, -b, ""))


@dataclass(frozen=True)
class Pad(Kind):
    """Adds elements at the ends of axes; a negative number takes elements away, as in PyTorch.

    Length before + length + after. Values: one constant, or the input's own: reflect mirrors it without its edge
    (pads below the length), replicate repeats the edge, circular goes round (pads of at most the length).
    """

    padding: tuple[PadPair, ...] = option("elements (before, after), a pair for each axis; negative ones take away")
    mode: PadMode = option("constant, reflect, replicate (ONNX: edge) or circular (ONNX: wrap)", "constant")
    value: float = option("what constant adds", 0.0)
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    axes: tuple[int, ...] = option(
        "axes to pad, counting the batch axis, negative from the end; the spatial axes where not given", ()
    )

    sdk = (Sdk("Pad"),)
    in_keras = ("ops.pad",)
    in_torch = (
        "nn.functional.pad",
        "nn.ConstantPad1d",
        "nn.ReflectionPad1d",
        "nn.ReplicationPad1d",
        "nn.CircularPad1d",
    )
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        two = (PadPair(1, 2), PadPair(2, 0))
        return (
            Example(cls((PadPair(2, 1),), "reflect"), ((9, 3),)),
            Example(cls(two, value=1.5), ((2, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls(two, "replicate"), ((5, 6, 2),)),
            Example(cls((PadPair(3, 0), PadPair(-1, 2)), "circular"), ((5, 6, 2),)),
            Example(cls((PadPair(2, -3), PadPair(-1, -1)), "reflect"), ((5, 6, 2),)),
            Example(cls((PadPair(0, 2), PadPair(1, -2)), axes=(-1, 1)), ((5, 6),)),
            Example(cls((PadPair(1, 1),), value=2), ((5, 3),), dtypes=(DType.INT16,)),
        )

    @property
    def spatial_rank(self) -> int | None:
        return None if self.axes else len(self.padding)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        check_value(self.value, x.dtype, "value")
        if self.mode != "constant" and self.value != 0:
            text = f'has value={self.value:g}, which mode="{self.mode}" never adds'
            raise LayerError("UNSUPPORTED", text, field="value")
        axes = self._axes(x, layout)
        roles = [x.axes[axis].role for axis in axes] if self.axes else SPATIAL[len(axes)]
        rows, rooms, own = [], [], []
        for axis, role, (a, b) in zip(axes, roles, self.padding, strict=True):
            rows.append(self._row(x, axis, role, a, b))
            rooms += self._room(x.shape[axis], axis_name(role, axis), a, b)
            own += [axis] if self.mode != "constant" and max(a, b) > 0 else []
        return moved_ends(x, rows, self.padding, "Pad", uneven=tuple(own), least_one=tuple(rooms))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        ends = dict(zip(self._axes(x.spec, graph.layout), self.padding, strict=True))
        away = {axis: (min(a, 0), min(b, 0)) for axis, (a, b) in ends.items()}
        if self.mode == "circular":  # PyTorch goes round what is left; the other modes look at what was there
            x = x._replace(name=cut(graph, x, away))
        added = {axis: (max(a, 0), max(b, 0)) for axis, (a, b) in ends.items()}
        if any(map(any, added.values())):
            whole = [added.get(axis, (0, 0)) for axis in x.order]
            x = x._replace(name=pad(graph, x.name, whole, x.spec.dtype, self.value, _ONNX_MODES[self.mode]))
        if self.mode != "circular":
            x = x._replace(name=cut(graph, x, away))
        return [x._replace(spec=done.spec)]

    def _axes(self, x: Spec, layout: Layout) -> tuple[int, ...]:
        if not self.axes:
            return tuple(pair_axes(x, self.padding, self.data_format or layout, "padding"))
        if self.data_format is not None:
            text = "has data_format, which says nothing where axes are given"
            raise LayerError("UNSUPPORTED", text, field="data_format")
        if len(self.axes) != len(self.padding):
            text = f"axes has {plural(len(self.axes), 'number')}, but padding has {plural(len(self.padding), 'pair')}"
            raise LayerError("LENGTH_MISMATCH", text, field="axes")
        return own_axes(self.axes, x.rank, "axes")

    def _room(self, length: Size, where: str, a: int, b: int) -> list[Size]:
        """What must be 1 or more for the mode to find its elements. Raises LayerError where it is not."""
        most, taken = max(a, b), -min(a, 0) - min(b, 0)
        if self.mode == "constant" and most > 0 and taken:
            room, text = length - taken + 1, f"takes {taken} away along {where}, which is {length}"
        elif most > 0 and self.mode in ("reflect", "circular"):
            there = length - taken if self.mode == "circular" else length
            room = there - most + (self.mode == "circular")
            left = "" if there == length else f" ({there} of them left)"
            text = f'adds {most} along {where}, which is {length}{left}: mode="{self.mode}" can add at most '
            text += str(room + most - 1)
        else:
            return []
        if isinstance(room, int) and room < 1:
            raise LayerError("BAD_PADDING", text, field="padding", length=length)
        return [room]

    def _row(self, x: Spec, axis: int, role: Role, a: int, b: int) -> Derivation:
        length = x.shape[axis]
        text = ("a + L" if a > 0 else "L - a" if a else "L") + (" + b" if b > 0 else " - b" if b else "")
        values = {"L": length, **({"a": abs(a)} if a else {}), **({"b": abs(b)} if b else {})}
        what = f"of value {self.value:g}" if self.mode == "constant" else _WORDS[self.mode]
        return Derivation(axis, role, length, derive(text, **values), _ends_text(a, b, what))


def _ends_text(a: int, b: int, what: str) -> str:
    parts = []
    for sign, lead, names, tail in ((1, "Added", ("before", "after"), f", {what}"), (-1, "Taken away", _SIDES, "")):
        places = [f"{sign * n} {name}" for n, name in zip((a, b), names, strict=True) if sign * n > 0]
        parts += [f"{lead}: {' and '.join(places)}{tail}."] if places else []
    return " ".join(parts) or "Nothing is added."


def pair_axes(x: Spec, pairs: Sequence[PadPair], layout: Layout, field: str) -> range:
    """The spatial axes that pairs are for, one each. Raises LayerError where the tensor has not so many."""
    if len(pairs) not in SPATIAL:
        raise LayerError("BAD_RANK", f"{field} has {plural(len(pairs), 'pair')}; there must be 1, 2 or 3", field=field)
    require_rank(x, spatial_roles(len(pairs), layout))
    return spatial_axes(len(pairs), layout)


def moved_ends(
    x: Spec,
    rows: Sequence[Derivation],
    pairs: Sequence[tuple[Size, Size]],
    label: str,
    *,
    uneven: tuple[int, ...] = (),
    least_one: tuple[Size, ...] = (),
) -> Inference:
    """What a layer infers that moves the ends of axes, a pair for each row, and leaves the other axes as they are."""
    out, ends = x, {}
    for row, pair in zip(rows, pairs, strict=True):
        out, ends[row.axis] = out.resized(row.axis, row.derived.value, row.role), pair
    windows = tuple(
        Window(i, axis.role, 1, 1, *ends.get(i, (0, 0)))
        for i, axis in enumerate(out.axes)
        if axis.role in SPATIAL_ROLES
    )
    return Inference(single(out), label, tuple(rows), windows, uneven=uneven, least_one=least_one)


def own_axes(axes: Sequence[int], rank: int, field: str = "axis") -> tuple[int, ...]:
    """Axis options as indices from 0. Raises LayerError outside 1..rank-1, and for an axis named twice."""
    found = tuple(own_axis(axis, rank, field) for axis in axes)
    if len(set(found)) < len(found):
        raise LayerError("BAD_AXIS", f"has {field}={axes}, which names one axis twice", field=field)
    return found


def cut(graph: Graph, x: Value, ends: Mapping[int, tuple[Size, Size]]) -> str:
    """The tensor with numbers of elements, written as 0 or less, taken away at the ends of some axes."""
    axes = [axis for axis, pair in ends.items() if pair != (0, 0)]
    if not axes:
        return x.name
    starts = graph.ints(-ends[axis][0] for axis in axes)  # type: ignore[misc]  # numbers, in every caller
    stops = graph.ints(ends[axis][1] or _END for axis in axes)  # type: ignore[misc]
    return graph.node("Slice", [x.name, starts, stops, graph.ints(map(x.physical, axes))])


def check_value(value: float, dtype: DType, field: str) -> None:
    """Raises LayerError for a number that an element type does not hold."""
    if dtype is DType.BOOL:
        low, high = 0.0, 1.0
    elif dtype in FLOATS:
        high = float(np.finfo(dtype.numpy).max) if dtype is DType.FLOAT16 else float("inf")
        low = -high
    else:
        low, high = float(np.iinfo(dtype.numpy).min), float(np.iinfo(dtype.numpy).max)
    if not low <= value <= high or (dtype not in FLOATS and value != int(value)):
        text = f"has {field}={value:g}, which is no {dtype.value}, the type of its input"
        raise LayerError("OUT_OF_RANGE", text, field=field, got=value)
