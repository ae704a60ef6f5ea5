"""Layers that bring several tensors together."""

from collections.abc import Sequence
from dataclasses import dataclass

from lamina_server.dims import Size
from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import Derivation, Example, Inference, Kind, Sdk, option, own_axis, plural, single
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import ANY, NUMBERS, Axis, Layout, Role, Spec


@dataclass(frozen=True)
class Add(Kind):
    """Elementwise sum of two or more tensors.

    Broadcasting as in Keras: a size 1 stretches, and a tensor with fewer axes gets its missing axes just after the
    batch axis (numpy, PyTorch and ONNX put them before it).
    """

    sdk = (Sdk("Add"),)
    takes = NUMBERS
    inputs = (2, None)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(), ((5, 3), (5, 3))), Example(cls(), ((5, 3), (3,), (1, 3))))

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        rank = max(x.rank for x in inputs)
        widest = next(x for x in inputs if x.rank == rank)
        aligned = [raised(x, rank) for x in inputs]
        axes, rows = [widest.axes[0]], []
        for i in range(1, rank):
            role = widest.axes[i].role
            size = _common([shape[i] for shape in aligned], inputs, i, role)
            axes.append(Axis(role, size))
            if any(shape[i] != size for shape in aligned):
                rows.append(
                    Derivation(i, role, None, derive("largest", largest=size), "A size of 1 is stretched to it.")
                )
        return Inference(
            single(Spec(tuple(axes), widest.dtype)), "Add", tuple(rows), how=f"sum of {plural(len(inputs), 'tensor')}"
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        rank = done.spec.rank
        order = next(x.order for x in inputs if x.spec.rank == rank)
        names = [self._laid(graph, x, order) for x in inputs]
        total = names[0]
        for name in names[1:]:
            total = graph.node("Add", [total, name])
        return [Value(total, order, done.spec)]

    def _laid(self, graph: Graph, x: Value, order: tuple[int, ...]) -> str:
        missing = len(order) - x.spec.rank
        if not missing:
            return graph.arrange(x, order)
        name = graph.node("Unsqueeze", [graph.arrange(x), graph.ints(range(1, 1 + missing))])
        return graph.arrange(graph.logical(name, x.spec)._replace(order=tuple(range(len(order)))), order)


@dataclass(frozen=True)
class Concatenate(Kind):
    """Joins two or more tensors along one axis, whose sizes add up; all other sizes must agree."""

    axis: int = option("axis to join along; counts the batch axis, negative from the end", -1)

    sdk = (Sdk("Concatenate"),)
    takes = ANY
    inputs = (2, None)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(), ((5, 3), (5, 4))), Example(cls(axis=1), ((2, 3), (4, 3), (1, 3))))

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        first = inputs[0]
        for i, x in enumerate(inputs):
            if x.rank != first.rank:
                raise LayerError(
                    "RANK_MISMATCH",
                    f"joins tensors with equally many axes; {{input_1}} is {first}, {{input_{i + 1}}} is {x}",
                )
        axis = own_axis(self.axis, first.rank)
        role = first.axes[axis].role
        for i in range(1, first.rank):
            if i != axis and len({x.axes[i].size for x in inputs}) > 1:
                raise _disagree(
                    inputs,
                    i,
                    f"joins along {_axis_name(role, axis)}, so all other sizes must agree, "
                    f"but {_axis_name(first.axes[i].role, i)}",
                )
        parts = {chr(ord("a") + i) if i < 26 else f"x{i}": x.axes[axis].size for i, x in enumerate(inputs)}
        total = derive(" + ".join(parts), **parts)
        row = Derivation(
            axis,
            role,
            first.axes[axis].size,
            total,
            f"The inputs stand one after the other along {_axis_name(role, axis)}.",
        )
        return Inference(single(first.resized(axis, total.value)), "Concatenate", (row,))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        order = inputs[0].order
        out = Value("", order, done.spec)
        axis = out.physical(own_axis(self.axis, done.spec.rank))
        return [out._replace(name=graph.node("Concat", [graph.arrange(x, order) for x in inputs], axis=axis))]


def raised(x: Spec, rank: int) -> tuple[Size, ...]:
    """The shape with missing axes of size 1 put just after the batch axis."""
    return (x.shape[0], *(1,) * (rank - x.rank), *x.shape[1:])


def _common(sizes: list[Size], inputs: Sequence[Spec], axis: int, role: Role) -> Size:
    wide = {size for size in sizes if size != 1}
    if len(wide) > 1:
        raise _disagree(inputs, axis, f"adds element by element, so {_axis_name(role, axis)} must agree, but it", sizes)
    return wide.pop() if wide else 1


def _disagree(inputs: Sequence[Spec], axis: int, lead: str, sizes: list[Size] | None = None) -> LayerError:
    found = sizes or [x.axes[axis].size for x in inputs]
    listed = ", ".join(f"{size} in {{input_{i + 1}}}" for i, size in enumerate(found))
    shapes = "; ".join(f"{{input_{i + 1}}} is {x}" for i, x in enumerate(inputs))
    return LayerError("SIZE_MISMATCH", f"{lead} is {listed}: {shapes}", axis=axis, sizes=tuple(found))


def _axis_name(role: Role, axis: int) -> str:
    return role.value if role is not Role.NONE else f"axis {axis}"
