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
    plural,
    require_rank,
    single,
)
from lamina_server.layers.convolution import placed
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.pads import add_ends
from lamina_server.layers.tensors import ANY, SPATIAL, Axis, Layout, Role, Spec, axis_text, spatial_roles, usual_roles
from lamina_server.layers.windows import PadPair


@dataclass(frozen=True)
class Flatten(Kind):
    """Merges all axes but the batch into one, row-major: (batch, a, b, c) -> (batch, a * b * c).

    data_format="channels_first" moves the channel axis, at 1, to the end first, as Keras does for that value.
    """

    data_format: Layout | None = option("channels_first: the channel axis goes to the end before flattening", None)

    sdk = (Sdk("Flatten"),)
    masking = "drops"
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(), ((5, 6, 3),)), Example(cls(Layout.CHANNELS_FIRST), ((3, 5, 6),)), Example(cls(), ((),)))

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        names = "abcdefghij" if x.rank <= 11 else [f"n{i}" for i in range(1, x.rank)]
        sizes = dict(zip(names, x.shape[1:], strict=False))
        merged = derive(" * ".join(sizes) or "1", **sizes)
        reason = "These are the values of one sample; the batch axis is never counted in."
        if self.data_format is Layout.CHANNELS_FIRST and x.rank > 2:
            reason += " The channel axis is moved to the end first, so that channels vary fastest."
        out = Spec((x.axes[0], Axis(Role.FEATURES, merged.value)), x.dtype)
        row = Derivation(1, Role.FEATURES, None, merged, reason)
        return Inference(
            single(out),
            "Flatten",
            (row,),
            sees_all=True,
            how=f"{merged.substitution.replace('*', 'x')} = {grouped(merged.value)}"
            if x.rank > 2
            else f"{merged.value}",
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        order = tuple(range(x.spec.rank))
        if self.data_format is Layout.CHANNELS_FIRST and x.spec.rank > 2:
            order = (0, *order[2:], 1)
        return [graph.logical(reshape(graph, graph.arrange(x, order), done.spec), done.spec)]


@dataclass(frozen=True)
class Reshape(Kind):
    """The same numbers, row-major, in another shape; one size may be -1: what the others leave.

    (batch, ...) -> (batch, *target_shape). Sizes exclude the batch axis; their product must be that of the input.
    """

    target_shape: tuple[Size, ...] = option("sizes without the batch axis; one may be -1")

    sdk = (Sdk("Reshape"),)
    masking = "drops"
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls((68, 1)), ((68,),)), Example(cls((-1, 6)), ((4, 9),)))

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        sizes = self._sizes(x)
        roles = usual_roles(len(sizes) + 1, layout)
        out = Spec((x.axes[0], *(Axis(r, n) for r, n in zip(roles[1:], sizes, strict=True))), x.dtype)
        given = " x ".join(grouped(size) for size in sizes) or "1"
        rows = tuple(self._row(x, i, sizes, roles[i + 1]) for i in range(len(sizes)))
        had = " x ".join(grouped(size) for size in x.shape[1:]) or "1"
        return Inference(
            single(out),
            "Reshape",
            rows,
            sees_all=True,
            how=f"{had} {'number' if x.elements == 1 else 'numbers'} as {given}",
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        return [graph.logical(reshape(graph, graph.arrange(inputs[0]), done.spec), done.spec)]

    def _row(self, x: Spec, i: int, sizes: tuple[Size, ...], role: Role) -> Derivation:
        if self.target_shape[i] != -1:
            return Derivation(i + 1, role, None, derive("target", target=sizes[i]), "As given.")
        rest = product(size for j, size in enumerate(sizes) if j != i)
        known = derive("floor(all / rest)", all=x.elements, rest=rest) if isinstance(rest, int) and rest else None
        return Derivation(
            i + 1,
            role,
            None,
            known or derive("left", left=sizes[i]),
            f"-1 stands for what the others leave of {plural(x.elements, 'number')}.",
        )

    def _sizes(self, x: Spec) -> tuple[Size, ...]:
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
        if -1 not in self.target_shape:
            left: Size | None = 1 if others == x.elements else None
        else:
            left = exact_div(x.elements, others)
        if left is None:
            raise self._wrong(x, others)
        return tuple(left if size == -1 else size for size in self.target_shape)

    def _wrong(self, x: Spec, others: Size) -> LayerError:
        shape = ", ".join(map(str, self.target_shape)) + ("," if len(self.target_shape) == 1 else "")
        sizes = f" ({' x '.join(map(str, x.shape[1:]))})" if x.rank > 2 else ""
        have = f"{plural(x.elements, 'number')} per sample{sizes}"
        if -1 in self.target_shape:
            text = f"cannot split {have} by ({shape}): {others} does not divide {x.elements}"
        else:
            text = f"cannot put {have} into ({shape}), which holds {others}"
        return LayerError("SIZE_MISMATCH", text, field="target_shape", have=x.elements, wanted=others)


@dataclass(frozen=True)
class Permute(Kind):
    """Axes in another order: output axis i is input axis dims[i], counted from 1 without the batch axis."""

    dims: tuple[int, ...] = option("for each output axis the input axis it takes, from 1, without the batch axis")

    sdk = (Sdk("Permute"),)
    masking = "drops"
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls((2, 1)), ((9, 128),)), Example(cls((3, 1, 2)), ((4, 5, 6),)))

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        if sorted(self.dims) != list(range(1, x.rank)):
            raise LayerError(
                "BAD_PERMUTATION",
                f"has dims={self.dims}; for {x} they must be the numbers 1 to "
                f"{x.rank - 1}, each once (the batch axis, 0, stays)",
                field="dims",
                rank=x.rank,
            )
        out = Spec((x.axes[0], *(x.axes[i] for i in self.dims)), x.dtype)
        rows = tuple(
            Derivation(
                i,
                out.axes[i].role,
                x.axes[i].size,
                derive(f"axis{source}", **{f"axis{source}": out.axes[i].size}),
                f"Taken from axis {source}.",
            )
            for i, source in enumerate(self.dims, 1)
            if i != source
        )
        return Inference(single(out), "Permute", rows, how=", ".join(axis_text(axis) for axis in out.axes[1:]))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]  # no node: the tensor lies as it lay, only its axes are called otherwise
        place = {source: i for i, source in enumerate((0, *self.dims))}
        return [Value(x.name, tuple(place[axis] for axis in x.order), done.spec)]


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


def reshape(graph: Graph, name: str, spec: Spec) -> str:
    """A Reshape node to a traced shape: the batch is copied, one size that is not a number is left to ONNX."""
    sizes: list[Size] = [0 if i == 0 and isinstance(size, Dim) else size for i, size in enumerate(spec.shape)]
    unknown = [i for i, size in enumerate(sizes) if isinstance(size, Dim)]
    if len(unknown) == 1:
        sizes[unknown[0]] = -1
        unknown = []
    if unknown:
        sizes[0] = spec.shape[0]
    return graph.node("Reshape", [name, graph.shape(sizes)])
