"""Layers that only move numbers about."""

from collections.abc import Sequence
from dataclasses import dataclass

from lamina_server.dims import Dim, Size, exact_div, product
from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import (
    Derivation,
    Example,
    Inference,
    Kind,
    Sdk,
    Window,
    grouped,
    option,
    own_axis,
    plural,
    require_rank,
    single,
)
from lamina_server.layers.convolution.conv import placed
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.pads import add_ends
from lamina_server.layers.tensors import (
    ANY,
    BATCH,
    SPATIAL,
    Axis,
    Layout,
    Role,
    Spec,
    axis_text,
    spatial_roles,
    usual_roles,
)
from lamina_server.layers.windows import PadPair


@dataclass(frozen=True)
class Flatten(Kind):
    """Merges axes into one, row-major, by default all but the batch: (batch, a, b, c) -> (batch, a * b * c).

    data_format="channels_first" moves the channel axis, at 1, to the end first, as Keras does for that value.
    start_axis and end_axis are PyTorch's: (batch, a, b, c) from 2 to 3 -> (batch, a, b * c).
    """

    data_format: Layout | None = option("channels_first: the channel axis goes to the end before flattening", None)
    start_axis: int = option("first axis merged; counts the batch axis, negative from the end", 1)
    end_axis: int = option("last axis merged; counts the batch axis, negative from the end", -1)

    sdk = (Sdk("Flatten"),)
    in_torch = ("nn.Flatten",)
    masking = "drops"
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((5, 6, 3),)),
            Example(cls(Layout.CHANNELS_FIRST), ((3, 5, 6),)),
            Example(cls(), ((),)),
            Example(cls(start_axis=2), ((3, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls(start_axis=-4, end_axis=2), ((3, 5, 6, 2),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        first, last = self._ends(x)
        names = "abcdefghij" if x.rank <= 11 else [f"n{i}" for i in range(1, x.rank)]
        sizes = dict(zip(names, x.shape[first : last + 1], strict=False))
        merged = derive(" * ".join(sizes) or "1", **sizes)
        reason = "These are the values of one sample; the batch axis is never counted in."
        whole = len(sizes) == x.rank - 1
        if not whole:
            reason = "These axes become one, row-major." if last > first else "One axis alone stays as it is."
        elif self.data_format is Layout.CHANNELS_FIRST and x.rank > 2:
            reason += " The channel axis is moved to the end first, so that channels vary fastest."
        kept = (*x.axes[1:first], *x.axes[last + 1 :])
        role = Role.FEATURES if whole else usual_roles(len(kept) + 2, layout)[first]
        role = x.axes[first].role if not whole and first == last else role
        role = Role.NONE if any(axis.role is role for axis in kept) else role  # there is one already
        out = Spec((*x.axes[:first], Axis(role, merged.value), *x.axes[last + 1 :]), x.dtype)
        row = Derivation(first, role, None, merged, reason)
        how = f"{merged.substitution.replace('*', 'x')} = {grouped(merged.value)}"
        return Inference(
            single(out),
            "Flatten",
            (row,),
            sees_all=whole,
            uneven=() if first == last else (first,),
            how=how if len(sizes) > 1 else f"{merged.value}",
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        order = tuple(range(x.spec.rank))
        if self.data_format is Layout.CHANNELS_FIRST and x.spec.rank > 2:
            order = (0, *order[2:], 1)
        return [graph.logical(reshape(graph, graph.arrange(x, order), done.spec.shape), done.spec)]

    def _ends(self, x: Spec) -> tuple[int, int]:
        """First and last axis merged. Raises LayerError where there is none between them."""
        if x.rank == 1 and (self.start_axis, self.end_axis) == (1, -1):
            return 1, 0
        first, last = own_axis(self.start_axis, x.rank, "start_axis"), own_axis(self.end_axis, x.rank, "end_axis")
        if first > last:
            text = f"starts at axis {first} and ends at axis {last}, before it"
            raise LayerError("BAD_AXIS", text, field="end_axis", axis=last, rank=x.rank)
        if self.data_format is Layout.CHANNELS_FIRST and (first, last) != (1, x.rank - 1):
            text = 'has data_format="channels_first", which is for merging all axes: start_axis=1, end_axis=-1'
            raise LayerError("UNSUPPORTED", text, field="data_format")
        return first, last


@dataclass(frozen=True)
class Reshape(Kind):
    """The same numbers, row-major, in another shape; one size may be -1: what the others leave.

    (batch, ...) -> (batch, *target_shape). Sizes exclude the batch axis; their product must be that of the input.
    With include_batch they start with the batch axis, which must be -1: (batch, 64, 49, c) -> (-1, 49, c) folds 64
    windows into the batch axis, and (-1, 64, 49, c) takes them out again.
    """

    target_shape: tuple[Size, ...] = option("sizes without the batch axis; one may be -1")
    include_batch: bool = option("whether target_shape starts with the batch axis, as -1, into which rows fold", False)

    sdk = (Sdk("Reshape"),)
    in_torch = ("reshape", "nn.Unflatten")
    masking = "drops"
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((68, 1)), ((68,),)),
            Example(cls((-1, 6)), ((4, 9),)),
            Example(cls((-1, 3, 2), include_batch=True), ((4, 3, 2),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        sizes = self._sizes(x)
        batch, sizes = (sizes[0], sizes[1:]) if self.include_batch else (x.axes[0].size, sizes)
        roles = usual_roles(len(sizes) + 1, layout)
        out = Spec(tuple(Axis(r, n) for r, n in zip(roles, (batch, *sizes), strict=True)), x.dtype)
        first = 0 if self.include_batch else 1
        rows = tuple(self._row(x, out, i, first) for i in range(first, out.rank))
        had = " x ".join(grouped(size) for size in x.shape[first:]) or "1"
        given = " x ".join(grouped(size) for size in out.shape[first:]) or "1"
        numbers = "number" if product(x.shape[1:]) == 1 else "numbers"
        return Inference(single(out), "Reshape", rows, sees_all=True, how=f"{had} {numbers} as {given}")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        batch = inputs[0].spec.axes[0].size
        return [graph.logical(reshape(graph, graph.arrange(inputs[0]), done.spec.shape, batch), done.spec)]

    def _row(self, x: Spec, out: Spec, i: int, first: int) -> Derivation:
        role, size, count = out.axes[i].role, out.shape[i], product(x.shape[first:])
        if self.target_shape[i - first] != -1:
            return Derivation(i, role, None, derive("target", target=size), "As given.")
        rest = product(out.shape[first:i] + out.shape[i + 1 :])
        known = derive("floor(all / rest)", all=count, rest=rest) if isinstance(rest, int) and rest else None
        reason = f"-1 stands for what the others leave of {plural(count, 'number')}."
        return Derivation(i, role, None, known or derive("left", left=size), reason)

    def _sizes(self, x: Spec) -> tuple[Size, ...]:
        if self.include_batch and self.target_shape[:1] != (-1,):
            text = "counts the batch axis in, so its target_shape starts with -1: as many rows as the other sizes leave"
            raise LayerError("OUT_OF_RANGE", text, field="target_shape")
        for size in self.target_shape:
            if str(size) == "?":
                raise LayerError(
                    "OUT_OF_RANGE", 'target_shape holds "?"; write -1 for what the others leave', field="target_shape"
                )
            if isinstance(size, int) and size < -1:
                raise LayerError(
                    "OUT_OF_RANGE",
                    f"target_shape holds {size}; a size is 0 or more, or one is -1",
                    field="target_shape",
                )
        if self.target_shape.count(-1) > 1:
            raise LayerError(
                "TWO_UNKNOWNS",
                "target_shape holds -1 twice; only one size can follow from the others",
                field="target_shape",
            )
        others = product(size for size in self.target_shape if size != -1)
        count = product(x.shape[1:])
        if -1 not in self.target_shape:
            left: Size | None = 1 if others == count else None
        elif self.include_batch:  # each sample must be whole rows
            left = exact_div(x.axes[0].size * count, others)
            left = None if left is None or exact_div(left, BATCH) is None else left
        else:
            left = exact_div(count, others)
        if left is None:
            raise self._wrong(x, others)
        return tuple(left if size == -1 else size for size in self.target_shape)

    def _wrong(self, x: Spec, others: Size) -> LayerError:
        shape = ", ".join(map(str, self.target_shape)) + ("," if len(self.target_shape) == 1 else "")
        sizes = f" ({' x '.join(map(str, x.shape[1:]))})" if x.rank > 2 else ""
        count = product(x.shape[1:])
        have = f"{plural(count, 'number')} per {'sample' if x.folded == 1 else 'row'}{sizes}"
        if self.include_batch and x.folded != 1:
            have, count = f"{x.folded} rows per sample of {count} each{sizes}", x.folded * count
        if -1 in self.target_shape:
            text = f"cannot split {have} by ({shape}): {others} does not divide {count}"
        else:
            text = f"cannot put {have} into ({shape}), which holds {others}"
        return LayerError("SIZE_MISMATCH", text, field="target_shape", have=count, wanted=others)


@dataclass(frozen=True)
class Permute(Kind):
    """Axes in another order: output axis i is input axis dims[i], counted from 1 without the batch axis.

    With include_batch the batch axis is counted too, as in PyTorch's permute: dims starts with 0, which stays.
    """

    dims: tuple[int, ...] = option("for each output axis the input axis it takes, from 1, without the batch axis")
    include_batch: bool = option("whether dims starts with the batch axis, 0, which stays where it is", False)

    sdk = (Sdk("Permute"),)
    in_torch = ("permute",)
    masking = "drops"
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((2, 1)), ((9, 128),)),
            Example(cls((3, 1, 2)), ((4, 5, 6),)),
            Example(cls((0, 2, 1), include_batch=True), ((4, 5),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        dims = self._own()
        if (self.include_batch and self.dims[:1] != (0,)) or sorted(dims) != list(range(1, x.rank)):
            start, counted = ("0, then ", "counted in, stays first") if self.include_batch else ("", "0, stays")
            legal = f"{start}the numbers 1 to {x.rank - 1}, each once" if x.rank > 1 else f"({start[:1]})"
            raise LayerError(
                "BAD_PERMUTATION",
                f"has dims={self.dims}; for {x} they must be {legal} (the batch axis, {counted})",
                field="dims",
                rank=x.rank,
            )
        out = Spec((x.axes[0], *(x.axes[i] for i in dims)), x.dtype)
        rows = tuple(
            Derivation(
                i,
                out.axes[i].role,
                x.axes[i].size,
                derive(f"axis{source}", **{f"axis{source}": out.axes[i].size}),
                f"Taken from axis {source}.",
            )
            for i, source in enumerate(dims, 1)
            if i != source
        )
        order = ", ".join(axis_text(axis) for axis in out.axes[1:])
        return Inference(single(out), "Permute", rows, how=order or "batch alone, in its place")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]  # no node: the tensor lies as it lay, only its axes are called otherwise
        place = {source: i for i, source in enumerate((0, *self._own()))}
        return [Value(x.name, tuple(place[axis] for axis in x.order), done.spec)]

    def _own(self) -> tuple[int, ...]:
        """The axes behind the batch."""
        return self.dims[1:] if self.include_batch else self.dims


@dataclass(frozen=True)
class RepeatVector(Kind):
    """A vector copied to every step: (batch, features) -> (batch, n, features)."""

    n: int = option("number of copies", minimum=1)

    sdk = (Sdk("RepeatVector"),)
    masking = "drops"
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(5), ((64,),)),)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        require_rank(x, (Role.BATCH, Role.FEATURES))
        roles = usual_roles(3, layout)
        out = Spec((x.axes[0], Axis(roles[1], self.n), Axis(roles[2], x.axes[1].size)), x.dtype)
        row = Derivation(1, roles[1], None, derive("n", n=self.n), f"The vector is copied to {plural(self.n, 'step')}.")
        return Inference(single(out), "RepeatVector", (row,), sees_all=True, how=f"copied to {plural(self.n, 'step')}")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        raised = graph.node("Unsqueeze", [graph.arrange(inputs[0]), graph.ints([1])])
        return [graph.logical(graph.node("Expand", [raised, graph.ints([1, self.n, 1])]), done.spec)]


@dataclass(frozen=True)
class ZeroPadding(Kind):
    """Zeros around the spatial axes: each length becomes before + length + after."""

    padding: tuple[PadPair, ...] = option("zeros (before, after), one pair for each spatial axis", minimum=0, usual=1)
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)

    sdk = (Sdk("ZeroPadding1D", 1), Sdk("ZeroPadding2D", 2), Sdk("ZeroPadding3D", 3))
    in_torch = ("nn.ZeroPad1d", "nn.ZeroPad2d", "nn.ZeroPad3d")
    masking = "drops"
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((PadPair(1, 2),)), ((9, 3),)),
            Example(cls((PadPair(0, 1), PadPair(2, 0))), ((3, 5, 6),), Layout.CHANNELS_FIRST),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        rank = len(self.padding)
        if rank not in SPATIAL:
            raise LayerError(
                "BAD_RANK", f"padding has {plural(rank, 'pair')}; there must be 1, 2 or 3", field="padding"
            )
        if any(min(pair) < 0 for pair in self.padding):
            raise LayerError("OUT_OF_RANGE", "padding must be 0 or more on each side", field="padding")
        x, layout = inputs[0], self.data_format or layout
        require_rank(x, spatial_roles(rank, layout))
        first = 2 if layout is Layout.CHANNELS_FIRST else 1
        rows = [self._row(i, first + i, x.axes[first + i].size) for i in range(rank)]
        out = placed(x, layout, rows)
        windows = tuple(Window(row.axis, row.role, 1, 1, *pair) for row, pair in zip(rows, self.padding, strict=True))
        return Inference(single(out), f"ZeroPadding{rank}D", tuple(rows), windows)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        order = graph.spatial_order(x.spec, self.data_format or graph.layout)
        return [Value(add_ends(graph, graph.arrange(x, order), done.windows, 0.0, x.spec.dtype), order, done.spec)]

    def _row(self, i: int, axis: int, length: Size) -> Derivation:
        role, (a, b) = SPATIAL[len(self.padding)][i], self.padding[i]
        out = derive("a + L + b", a=a, L=length, b=b)
        return Derivation(axis, role, length, out, f"{plural(a, 'zero')} before, {plural(b, 'zero')} after.")


def reshape(graph: Graph, name: str, shape: Sequence[Size], first: Size | None = None) -> str:
    """A Reshape node to a traced shape: one size that is not a number is left to ONNX, and the first one is copied
    from the tensor, unless it was `first` there and changes.
    """
    copied = isinstance(shape[0], Dim) and first in (None, shape[0])
    sizes: list[Size] = [0 if copied else shape[0], *shape[1:]]
    unknown = [i for i, size in enumerate(sizes) if isinstance(size, Dim)]
    if len(unknown) == 1:
        sizes[unknown[0]] = -1
    return graph.node("Reshape", [name, graph.shape(sizes)])
