"""Layers that move, turn round or repeat elements along axes."""

from collections.abc import Sequence
from dataclasses import dataclass

from lamina_server.dims import Size
from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import (
    Derivation,
    Example,
    Inference,
    Kind,
    Sdk,
    option,
    own_axis,
    plural,
    single,
    unchanged,
)
from lamina_server.layers.broadcasting import axis_name
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.shaping.padding import own_axes
from lamina_server.layers.tensors import ANY, Axis, DType, Layout, Spec, usual_roles

_FAR = 2**63 - 1  # beyond every axis, for ONNX's Slice


@dataclass(frozen=True)
class Roll(Kind):
    """Moves elements along axes, round the end: output index (i + shift) mod length holds input index i.

    PyTorch's and Keras' roll, as in the shifted windows of Swin.
    """

    shift: tuple[int, ...] = option("places to move by, one for each axis; negative towards the start")
    axis: tuple[int, ...] = option("axes to move along, counting the batch axis, negative from the end")

    sdk = (Sdk("Roll"),)
    in_keras = ("ops.roll",)
    in_torch = ("roll",)
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((2,), (1,)), ((5, 3),)),
            Example(cls((-1, 20), (2, 3)), ((3, 5, 6),), Layout.CHANNELS_FIRST),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axes = own_axes(self.axis, x.rank)
        if len(self.shift) != len(axes):
            text = f"shift has {plural(len(self.shift), 'number')}, but axis has {len(axes)}"
            raise LayerError("LENGTH_MISMATCH", text, field="shift")
        moves = [f"{axis_name(x.axes[a].role, a)} by {n}" for a, n in zip(axes, self.shift, strict=True)]
        return unchanged(x, "Roll", how=f"moved round along {', '.join(moves)}", uneven=axes)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        for axis, shift in zip(own_axes(self.axis, x.spec.rank), self.shift, strict=True):
            start = self._start(graph, x.spec.shape[axis], shift)
            place = x.physical(axis)
            first, far, along = graph.ints([0]), graph.ints([_FAR]), graph.ints([place])
            tail = graph.node("Slice", [x.name, start, far, along])
            head = graph.node("Slice", [x.name, first, start, along])
            x = x._replace(name=graph.node("Concat", [tail, head], axis=place))
        return [x]

    def _start(self, graph: Graph, length: Size, shift: int) -> str:
        """Input index that comes first: -shift mod length."""
        if isinstance(length, int):
            return graph.ints([-shift % length])
        return graph.node("Mod", [graph.ints([-shift]), graph.size(length)])  # the sign is the length's


@dataclass(frozen=True)
class Flip(Kind):
    """Turns axes round: the last element comes first."""

    axis: tuple[int, ...] = option("axes to turn round, counting the batch axis, negative from the end")

    sdk = (Sdk("Flip"),)
    in_keras = ("ops.flip",)
    in_torch = ("flip",)
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls((1,)), ((5, 3),)), Example(cls((-1, 1)), ((3, 5, 6),), Layout.CHANNELS_FIRST))

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axes = own_axes(self.axis, x.rank)
        turned = " and ".join(axis_name(x.axes[axis].role, axis) for axis in axes)
        return unchanged(x, "Flip", how=f"{turned or 'nothing'} turned round", uneven=axes)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        places = [x.physical(axis) for axis in own_axes(self.axis, x.spec.rank)]
        if not places:
            return [x]
        parts = [graph.ints([n] * len(places)) for n in (-1, -_FAR)]
        every = graph.ints([-1] * len(places))
        return [x._replace(name=graph.node("Slice", [x.name, *parts, graph.ints(places), every]))]


@dataclass(frozen=True)
class Tile(Kind):
    """Copies of the whole tensor side by side along axes: each size becomes repeats * size, a b -> a b a b."""

    repeats: tuple[int, ...] = option("number of copies along each axis but the batch", minimum=1)

    sdk = (Sdk("Tile"),)
    in_keras = ("ops.tile",)
    in_torch = ("tile",)
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls((2, 1)), ((5, 3),)), Example(cls((1, 2, 3)), ((3, 2, 4),), Layout.CHANNELS_FIRST))

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        if len(self.repeats) != x.rank - 1:
            text = f"repeats has {plural(len(self.repeats), 'number')}; {x} needs one for each of {x.rank - 1} axes"
            raise LayerError("LENGTH_MISMATCH", f"{text}, the batch left out", field="repeats")
        out, rows = x, []
        for axis, n in enumerate(self.repeats, 1):
            if n != 1:
                rows.append(_repeated(x, axis, n, f"{n} copies side by side."))
                out = out.resized(axis, rows[-1].derived.value)
        return Inference(single(out), "Tile", tuple(rows), how=_how(rows), uneven=tuple(row.axis for row in rows))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        repeats = (1, *self.repeats)
        name = graph.node("Tile", [x.name, graph.ints(repeats[axis] for axis in x.order)])
        return [x._replace(name=name, spec=done.spec)]


@dataclass(frozen=True)
class Repeat(Kind):
    """Every element of one axis several times in a row: a b -> a a b b. The size becomes repeats * size.

    Keras' ops.repeat, PyTorch's repeat_interleave.
    """

    repeats: int = option("how often each element comes", minimum=1)
    axis: int = option("axis of the elements; counts the batch axis, negative from the end")

    sdk = (Sdk("Repeat"),)
    in_keras = ("ops.repeat",)
    in_torch = ("repeat_interleave",)
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(3, 1), ((5, 3),)), Example(cls(2, -1), ((3, 2, 4),), Layout.CHANNELS_FIRST))

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axis, n = own_axis(self.axis, x.rank), self.repeats
        row = _repeated(x, axis, n, f"Every element comes {f'{n} times in a row' if n > 1 else 'once'}.")
        return Inference(single(x.resized(axis, row.derived.value)), "Repeat", (row,), uneven=(axis,) if n > 1 else ())

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, axis = inputs[0], own_axis(self.axis, inputs[0].spec.rank)
        return [repeated(graph, x, axis, self.repeats)._replace(spec=done.spec)]


@dataclass(frozen=True)
class BroadcastTo(Kind):
    """Stretches axes of size 1 to given sizes; missing axes are new ones just after the batch axis.

    NumPy's, Keras' and PyTorch's rule but for the batch axis, which stays. -1 keeps a size, as in PyTorch's expand.
    """

    shape: tuple[Size, ...] = option("sizes without the batch axis; -1 keeps one, a name stands for a symbol")

    sdk = (Sdk("BroadcastTo"),)
    in_keras = ("ops.broadcast_to",)
    in_torch = ("broadcast_to",)
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((5, 3)), ((1, 3),)),
            Example(cls((4, 5, -1)), ((1, 3),)),
            Example(cls((3, 4, 5)), ((3, 1, 5),), Layout.CHANNELS_FIRST),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        more = len(self.shape) - (x.rank - 1)
        if more < 0:
            text = f"shape has {plural(len(self.shape), 'size')}, fewer than the {x.rank - 1} axes of {x}"
            raise LayerError("RANK_MISMATCH", text, field="shape")
        old = [None] * more + list(x.axes[1:])
        roles = usual_roles(len(self.shape) + 1, layout)[1:] if more else [axis.role for axis in x.axes[1:]]
        axes, rows = [x.axes[0]], []
        for i, (want, axis, role) in enumerate(zip(self.shape, old, roles, strict=True), 1):
            size = self._size(want, axis, i)
            axes.append(Axis(role, size))
            if axis is None or size != axis.size:
                reason = (
                    "A new axis: the same numbers at each place." if axis is None else "The one element is repeated."
                )
                rows.append(Derivation(i, role, axis.size if axis else None, derive("target", target=size), reason))
        out = Spec(tuple(axes), x.dtype)
        how = ", ".join(f"{axis_name(row.role, row.axis)} {row.derived.value}" for row in rows)
        return Inference(
            single(out),
            "BroadcastTo",
            tuple(rows),
            how=how or "shape unchanged",
            uneven=tuple(row.axis for row in rows),
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        more = done.spec.rank - x.spec.rank
        name = graph.arrange(x)
        if more:
            name = graph.node("Unsqueeze", [name, graph.ints(range(1, 1 + more))])
        sizes = (1, *done.spec.shape[1:])  # of the batch there are as many as there are
        return [graph.logical(graph.node("Expand", [name, graph.shape(sizes)]), done.spec)]

    def _size(self, want: Size, axis: Axis | None, place: int) -> Size:
        if str(want) == "?" or (want == -1 and axis is None) or (isinstance(want, int) and want < 1 and want != -1):
            text = f"shape holds {want} at axis {place}; a size is 1 or more, a symbol, or -1 for an axis that is there"
            raise LayerError("OUT_OF_RANGE", text, field="shape")
        if axis is None or want == -1 or want == axis.size:
            return axis.size if axis is not None and want == -1 else want
        if axis.size != 1:
            name = axis_name(axis.role, place)
            text = f"cannot stretch {name} {axis.size} to {want}: only a size of 1 can be stretched"
            raise LayerError("SIZE_MISMATCH", text, field="shape", have=axis.size, wanted=want)
        return want


def repeated(graph: Graph, x: Value, axis: int, times: int) -> Value:
    """The tensor with every element of an axis several times in a row."""
    out = x.spec.resized(axis, x.spec.shape[axis] * times)
    if times == 1:
        return x
    places = graph.node("Div", [graph.range(out.shape[axis]), graph.const(times, DType.INT64)])
    return x._replace(name=graph.node("Gather", [x.name, places], axis=x.physical(axis)), spec=out)


def _repeated(x: Spec, axis: int, n: int, reason: str) -> Derivation:
    return Derivation(axis, x.axes[axis].role, x.shape[axis], derive("n * L", n=n, L=x.shape[axis]), reason)


def _how(rows: Sequence[Derivation]) -> str:
    return "" if rows else "shape unchanged"
