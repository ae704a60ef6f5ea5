"""Layers that take a part of a tensor, cut it into parts, or put in and take out axes of size 1."""

from collections.abc import Sequence
from dataclasses import dataclass

from lamina_server.dims import Size, evaluate, exact_div, positive_part
from lamina_server.errors import LayerError
from lamina_server.formula import Derived, derive
from lamina_server.layers.base import (
    MAX_INT,
    Derivation,
    Example,
    Inference,
    Kind,
    Output,
    Sdk,
    Window,
    grouped,
    option,
    own_axis,
    plural,
    require_number,
    single,
)
from lamina_server.layers.broadcasting import axis_name
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.shaping.padding import own_axes
from lamina_server.layers.tensors import ANY, SPATIAL_ROLES, Axis, Layout, Role, Spec, usual_roles

MAX_PARTS = 1024  # of one Split
_FAR = 2**63 - 1  # beyond every axis, for ONNX's Slice


@dataclass(frozen=True)
class SqueezeAxes(Kind):
    """Takes axes of size 1 out: (batch, 1, b) -> (batch, b)."""

    axis: tuple[int, ...] = option("axes of size 1, counting the batch axis, negative from the end")

    sdk = (Sdk("Squeeze"),)
    in_keras = ("ops.squeeze",)
    in_torch = ("squeeze",)
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls((1,)), ((1, 64),)), Example(cls((-1, 1)), ((1, 5, 6, 1),)))

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        gone = own_axes(self.axis, x.rank)
        for axis in gone:
            size = require_number(x.shape[axis], f"axis {axis}", "because only an axis of size 1 can be taken out")
            if size != 1:
                text = f"takes axis {axis} out, which must have size 1, but it is {size}"
                raise LayerError("SIZE_MISMATCH", text, field="axis", size=size)
        out = without(x, gone)
        named = [role.value if (role := x.axes[axis].role) is not Role.NONE else "an axis" for axis in gone]
        return Inference(single(out), "Squeeze", how=f"{' and '.join(named) or 'nothing'} of size 1 taken out")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        return [squeezed(graph, inputs[0], own_axes(self.axis, inputs[0].spec.rank))]


@dataclass(frozen=True)
class UnsqueezeAxes(Kind):
    """Puts axes of size 1 in: (batch, b) -> (batch, 1, b). They are counted in the output, never before the batch."""

    axis: tuple[int, ...] = option("new axes, counted in the output with the batch axis, negative from the end")

    sdk = (Sdk("Unsqueeze"),)
    in_keras = ("ops.expand_dims",)
    in_torch = ("unsqueeze",)
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls((1,)), ((64,),)), Example(cls((-1, 1)), ((5, 6),), Layout.CHANNELS_FIRST))

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        new = own_axes(self.axis, x.rank + len(self.axis))
        usual, old = usual_roles(x.rank + len(new), layout), list(x.axes)
        taken = {axis.role for axis in old}
        axes = [  # a new axis is what it would usually be, unless there is such an axis
            Axis(role if role not in taken else Role.NONE, 1) if i in new else old.pop(0)
            for i, role in enumerate(usual)
        ]
        rows = tuple(Derivation(i, axes[i].role, None, derive("1"), "A new axis.") for i in sorted(new))
        out = Spec(tuple(axes), x.dtype)
        put = " and ".join(f"axis {row.axis}" for row in rows)
        return Inference(single(out), "Unsqueeze", rows, how=f"new {put}, of size 1")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, new = inputs[0], own_axes(self.axis, done.spec.rank)
        old = [i for i in range(done.spec.rank) if i not in new]
        # The new axes stand at the end of the tensor as it lies, wherever they are counted.
        places = graph.ints(range(x.spec.rank, done.spec.rank))
        return [Value(graph.node("Unsqueeze", [x.name, places]), (*(old[i] for i in x.order), *new), done.spec)]


@dataclass(frozen=True)
class Slice(Kind):
    """A part of one axis, as Python's x[start:stop:step]: negative numbers count from the end, ends are clipped.

    Length ceil((stop - start) / step). Something must be left.
    """

    axis: int = option("axis that is cut; counts the batch axis, negative from the end")
    start: int | None = option("first index taken; the first of all, or the last where step is negative", None)
    stop: int | None = option("index before which it ends; the end where not given", None)
    step: int = option("distance between indices, negative to go backwards, never 0", 1)

    sdk = (Sdk("Slice"),)
    in_keras = ("ops.slice",)
    in_torch = ("narrow",)
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(1, 2, -1), ((9, 3),)),
            Example(cls(-1, 1, 7, 2), ((9, 8),)),
            Example(cls(1, -4), ((9, 3),)),
            Example(cls(1, stop=4), ((9, 3),)),
            Example(cls(1, None, 2, -3), ((9, 3),)),
            Example(cls(2, 5, -20, -1), ((3, 9, 4),), Layout.CHANNELS_FIRST),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        if self.step == 0:
            raise LayerError(
                "OUT_OF_RANGE", "has step=0; it must be 1 or more, or negative to go backwards", field="step"
            )
        axis = own_axis(self.axis, x.rank)
        role, length = x.axes[axis].role, x.shape[axis]
        first, last = self._ends(length)
        out = self._length(first, last)
        name = axis_name(role, axis)
        if _most(out.value, backwards=self.step < 0) < 1:
            text = f"takes nothing of {name}, which is {length}: from {first} to before {last}, in steps of {self.step}"
            raise LayerError("EMPTY_RESULT", text, field="start", length=length)
        row = Derivation(axis, role, length, out, self._reason(first, last))
        spec = x.resized(axis, out.value)
        if self.step < 0:
            return Inference(single(spec), "Slice", (row,), uneven=(axis,))
        ends = {axis: (self.step, -first, last - length)}
        windows = tuple(
            Window(i, one.role, 1, *ends.get(i, (1, 0, 0))) for i, one in enumerate(x.axes) if one.role in SPATIAL_ROLES
        )
        return Inference(single(spec), "Slice", (row,), windows)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        axis, way = x.physical(own_axis(self.axis, x.spec.rank)), 1 if self.step > 0 else -1
        start = self.start if self.start is not None else 0 if way > 0 else _FAR
        stop = self.stop if self.stop is not None else way * _FAR
        parts = [graph.ints([n]) for n in (start, stop, axis, self.step)]
        return [x._replace(name=graph.node("Slice", [x.name, *parts]), spec=done.spec)]

    def _ends(self, n: Size) -> tuple[Size, Size]:
        """Where the part starts and before which index it ends. Python's clipping; symbols are clipped only where the
        part could still have something in it, since an empty one is refused.
        """
        if isinstance(n, int):
            return slice(self.start, self.stop, self.step).indices(n)[:2]
        start, stop = self.start, self.stop
        first: Size
        if self.step > 0:
            first = 0 if start is None else start if start >= 0 else _at_least_0(n + start)
            return first, n if stop is None else _at_most(stop, n) if stop >= 0 else n + stop
        first = n - 1 if start is None else _at_most(start, n - 1) if start >= 0 else n + start
        return first, -1 if stop is None else stop if stop >= 0 else _at_least_0(n + stop + 1) - 1

    def _length(self, first: Size, last: Size) -> Derived:
        if self.step == 1:
            return derive(
                "stop - start" if first != 0 else "stop", stop=last, **({"start": first} if first != 0 else {})
            )
        if last == -1:
            return derive("start + 1" if self.step == -1 else "ceil((start + 1) / step)", start=first, step=-self.step)
        text = "ceil((stop - start) / step)" if self.step > 0 else "ceil((start - stop) / step)"
        return derive(text, start=first, stop=last, step=abs(self.step))

    def _reason(self, first: Size, last: Size) -> str:
        through = "" if abs(self.step) == 1 else f" in steps of {abs(self.step)}"
        if self.step > 0:
            return f"Indices {first} to before {last} are taken{through}."
        end = "the first" if last == -1 else f"above {last}"
        return f"Indices {first} down to {end} are taken{through}."


def _most(size: Size, *, backwards: bool) -> int:
    """The most that a length can be: forwards it only grows with a symbol, or, from -2 to 3, only falls."""
    if isinstance(size, int):
        return size
    if backwards:
        return MAX_INT  # who knows
    return max(evaluate(size, dict.fromkeys(size.symbols, n)) for n in (1, MAX_INT))


@dataclass(frozen=True)
class Take(Kind):
    """Elements of one axis by index, in the order given, as often as given; negative indices count from the end.

    Keras' ops.take, PyTorch's index_select. With keepdims=False one index takes its axis out, as x[:, 0] does.
    """

    indices: tuple[int, ...] = option("indices to take, negative from the end")
    axis: int = option("axis they are taken from; counts the batch axis, negative from the end")
    keepdims: bool = option("whether the axis stays; False needs a single index", True)

    sdk = (Sdk("Take"),)
    in_keras = ("ops.take",)
    in_torch = ("index_select",)
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((2, 0, -1, 2), 1), ((5, 3),)),
            Example(cls((0,), 1, keepdims=False), ((5, 3),)),
            Example(cls((-1,), 2, keepdims=False), ((3, 5, 6),), Layout.CHANNELS_FIRST),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axis, count = own_axis(self.axis, x.rank), len(self.indices)
        role, length = x.axes[axis].role, x.shape[axis]
        name = axis_name(role, axis)
        if not count:
            raise LayerError("EMPTY_RESULT", f"takes no index of {name}: name at least one", field="indices")
        rooms = (length - max(*self.indices, 0), length + min(*self.indices, 0) + 1)
        for wrong, room in zip((max(self.indices), min(self.indices)), rooms, strict=True):
            if isinstance(room, int) and room < 1:
                text = f"takes index {wrong} of {name}, which has indices {-length} to {length - 1}"
                raise LayerError("OUT_OF_RANGE", text, field="indices", got=wrong)
        if not self.keepdims:
            if count != 1:
                text = f"has {count} indices and keepdims=False, which takes out the axis of a single index"
                raise LayerError("LENGTH_MISMATCH", text, field="keepdims")
            how = f"index {self.indices[0]} of {name}"
            return Inference(single(without(x, (axis,))), "Take", how=how, least_one=rooms)
        reason = f"{plural(count, 'element')} {'is' if count == 1 else 'are'} taken by index."
        row = Derivation(axis, role, length, derive("indices", indices=count), reason)
        return Inference(single(x.resized(axis, count)), "Take", (row,), uneven=(axis,), least_one=rooms)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, axis = inputs[0], own_axis(self.axis, inputs[0].spec.rank)
        name = graph.node("Gather", [x.name, graph.ints(self.indices)], axis=x.physical(axis))
        taken = x._replace(name=name, spec=x.spec.resized(axis, len(self.indices)))
        return [taken if self.keepdims else squeezed(graph, taken, (axis,))]


@dataclass(frozen=True)
class Split(Kind):
    """Cuts one axis into parts, which are outputs "0", "1", ... of the layer: "split:0".

    Exactly one of three: sizes (of which one may be -1: what the others leave), size (of each part; the last may be
    smaller, as PyTorch's split), sections (so many parts of ceil(length / sections), the last smaller or the last
    ones missing, as PyTorch's chunk; Keras' ops.split takes only what divides).
    """

    sections: int | None = option("number of equal parts; the last may be smaller", None, minimum=1)
    axis: int = option("axis that is cut; counts the batch axis, negative from the end", -1)
    sizes: tuple[int, ...] = option("size of each part; one may be -1: what the others leave", (), minimum=-1)
    size: int | None = option("size of every part; the last may be smaller", None, minimum=1)

    sdk = (Sdk("Split"),)
    in_keras = ("ops.split",)
    in_torch = ("split", "chunk")
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(3), ((5, 9),)),
            Example(cls(axis=1, sizes=(2, -1, 1)), ((7, 3),)),
            Example(cls(axis=1, size=3), ((3, 5),), Layout.CHANNELS_FIRST),
            Example(cls(4, 2), ((5, 9),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axis = own_axis(self.axis, x.rank)
        role, length = x.axes[axis].role, x.shape[axis]
        parts = self._parts(length, axis_name(role, axis))
        outputs = tuple(Output(str(i), x.resized(axis, size)) for i, size in enumerate(parts))
        listed = ", ".join(map(grouped, parts[:8])) + (" and so on" if len(parts) > 8 else "")
        reason = f"{plural(len(parts), 'part')}: {listed}."
        row = Derivation(axis, role, length, self._first(length, parts[0]), reason)
        how = f"{axis_name(role, axis)} {grouped(length)} in {plural(len(parts), 'part')}: {listed}"
        return Inference(outputs, "Split", (row,), how=how, uneven=(axis,), least_one=tuple(parts))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, axis = inputs[0], own_axis(self.axis, inputs[0].spec.rank)
        sizes = graph.shape([output.spec.shape[axis] for output in done.outputs])
        names = graph.nodes_out("Split", [x.name, sizes], len(done.outputs), axis=x.physical(axis))
        return [x._replace(name=name, spec=output.spec) for name, output in zip(names, done.outputs, strict=True)]

    def _parts(self, length: Size, name: str) -> list[Size]:
        given = [key for key in ("sections", "sizes", "size") if getattr(self, key)]
        if len(given) != 1:
            what = " and ".join(given) or "none of them"
            text = f"takes exactly one of sizes, size and sections, but {what} {'are' if given else 'is'} given"
            raise LayerError("OUT_OF_RANGE", text, field=given[-1] if given else "sections")
        if self.sizes:
            parts = self._given_parts(length, name)
        elif not isinstance(length, int):
            part = exact_div(length, self.sections) if self.sections else None
            if part is None:
                require_number(length, name, "because the number of parts must be known")
            parts = [part] * min(self.sections or 0, MAX_PARTS + 1)  # type: ignore[list-item]  # not None here
        else:
            each = self.size or -(-length // (self.sections or 1))
            count = min(-(-length // each), MAX_PARTS + 1)
            parts = [min(each, length - i * each) for i in range(count)]
        if len(parts) > MAX_PARTS:
            text = (
                f"would cut {name} {grouped(length)} into more than {grouped(MAX_PARTS)} parts, the most there may be"
            )
            raise LayerError("OUT_OF_RANGE", text, field=given[0])
        return parts

    def _given_parts(self, length: Size, name: str) -> list[Size]:
        if self.sizes.count(-1) > 1:
            raise LayerError(
                "TWO_UNKNOWNS", "has -1 twice in sizes; only one can follow from the others", field="sizes"
            )
        others = sum(size for size in self.sizes if size != -1)
        rest = length - others
        if 0 in self.sizes or (isinstance(rest, int) and rest < 1 and -1 in self.sizes):
            text = f"has sizes={self.sizes}, of which one would be empty: {name} is {length}"
            raise LayerError("EMPTY_RESULT", text, field="sizes")
        if -1 not in self.sizes and rest != 0:
            require_number(length, name, "because the sizes of all parts are given")
            text = (
                f"has sizes={self.sizes}, {others} in all, but {name} is {length}; write -1 for what the others leave"
            )
            raise LayerError("SIZE_MISMATCH", text, field="sizes", have=length, wanted=others)
        return [rest if size == -1 else size for size in self.sizes]

    def _first(self, length: Size, first: Size) -> Derived:
        if self.sections:
            return derive("ceil(L / sections)", L=length, sections=self.sections)
        if self.size:
            return derive("part", part=first)
        if self.sizes[0] != -1:
            return derive("sizes", sizes=first)
        return derive("L - others", L=length, others=length - first)


def without(x: Spec, gone: Sequence[int]) -> Spec:
    """The tensor with axes taken out; where one is left beside the batch, it holds features."""
    kept = [axis for i, axis in enumerate(x.axes) if i not in gone]
    if len(kept) == 2 and kept[1].role is Role.CHANNELS:
        kept[1] = Axis(Role.FEATURES, kept[1].size)
    return Spec(tuple(kept), x.dtype)


def squeezed(graph: Graph, x: Value, gone: Sequence[int]) -> Value:
    """The tensor with axes of size 1 taken out."""
    if not gone:  # to ONNX no axes are all axes
        return x
    name = graph.node("Squeeze", [x.name, graph.ints(map(x.physical, gone))])
    left = sorted(set(x.order) - set(gone))
    return Value(name, tuple(left.index(axis) for axis in x.order if axis not in gone), without(x.spec, gone))


def _least(size: Size) -> int:
    """The least that a size can be: sizes never fall when a symbol grows, and symbols are 1 or more."""
    return size if isinstance(size, int) else evaluate(size, dict.fromkeys(size.symbols, 1))


def _at_least_0(size: Size) -> Size:
    return size if _least(size) >= 0 else positive_part(size)


def _at_most(number: int, size: Size) -> Size:
    """The smaller of both."""
    return number if _least(size) >= number else number - positive_part(number - size)
