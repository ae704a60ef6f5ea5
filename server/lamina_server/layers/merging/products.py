"""Products of tensors that sum along axes: dot products, matrix products, and likeness and distance of vectors."""

from collections.abc import Sequence
from dataclasses import dataclass

from lamina_server.dims import Size, product
from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import (
    MAX_INT,
    Derivation,
    Example,
    Inference,
    Kind,
    Sdk,
    grouped,
    option,
    own_axis,
    plural,
    single,
)
from lamina_server.layers.broadcasting import (
    Broadcasting,
    axis_name,
    check_numbers,
    disagree,
    laid,
    meet,
    number_text,
    raised,
    widest_order,
)
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.merging.reductions import norm, without
from lamina_server.layers.shaping.reshaping import reshape
from lamina_server.layers.tensors import FLOATS, Axis, DType, Layout, Role, Spec

_KERAS_EPSILON = 1e-7  # the shortest length that Keras' Dot divides by


@dataclass(frozen=True)
class Dot(Kind):
    """Dot products of two tensors along one axis of each, which goes: (batch, a, k), (batch, b, k) -> (batch, a, b).

    The other axes stand in their order, those of the first input before those of the second; of two vectors one number
    is left, (batch, 1). With normalize every vector is first divided by its length: the cosine of the angle.
    """

    axes: tuple[int, ...] = option(
        "axis to sum along, of both inputs, or one of each; counts the batch axis", minimum=-MAX_INT
    )
    normalize: bool = option("whether each vector is divided by its length first", False)

    sdk = (Sdk("Dot"),)
    inputs = (2, 2)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((-1,)), ((5, 4), (6, 4))),
            Example(cls((1, 2)), ((4, 5), (3, 4))),
            Example(cls((1,), True), ((7,), (7,))),
            Example(cls((2, 1), True), ((5, 4, 2), (4,)), Layout.CHANNELS_FIRST),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        axes = self._summed(inputs)
        sizes = [x.shape[axis] for x, axis in zip(inputs, axes, strict=True)]
        if sizes[0] != sizes[1]:
            along = [axis_name(x.axes[axis].role, axis) for x, axis in zip(inputs, axes, strict=True)]
            lead = f"sums along {along[0]} of {{input_1}} and {along[1]} of {{input_2}}, so these must agree, but it"
            raise disagree(inputs, axes[0], lead, sizes)
        batch = meet([Spec(x.axes[:1]) for x in inputs], "multiplies", shown=inputs).axes
        kept = [[a for i, a in enumerate(x.axes) if i not in (0, axis)] for x, axis in zip(inputs, axes, strict=True)]
        out = without(Spec((*batch, *kept[0], *kept[1]), inputs[0].dtype), ())
        rows = [
            Derivation(
                i, a.role, None, derive("n", n=a.size), f"From the {'first' if i <= len(kept[0]) else 'second'} input."
            )
            for i, a in enumerate(out.axes[1:], 1)
        ]
        if not rows:
            out = Spec((*batch, Axis(Role.FEATURES, 1)), out.dtype)
            rows = [Derivation(1, Role.FEATURES, None, derive("1"), "Of two vectors one number is left.")]
        first, second = (product(a.size for a in side) for side in kept)
        return Inference(
            single(out),
            "Dot",
            tuple(rows),
            macs=derive("first * second * along", first=first, second=second, along=sizes[0]),
            how=f"{'cosines' if self.normalize else 'dot products'} of vectors of {plural(sizes[0], 'number')}",
            sees_all=True,
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        axes = self._summed([x.spec for x in inputs])
        names = [self._matrix(graph, x, axis, i) for i, (x, axis) in enumerate(zip(inputs, axes, strict=True))]
        name = graph.node("MatMul", names)
        if [x.spec.rank for x in inputs] != [3, 3]:
            name = reshape(graph, name, done.spec.shape)
        return [graph.logical(name, done.spec)]

    def _matrix(self, graph: Graph, x: Value, axis: int, position: int) -> str:
        """One input as (batch, others, along), the second as (batch, along, others)."""
        others = tuple(i for i in range(1, x.spec.rank) if i != axis)
        name = graph.arrange(x, (0, axis, *others) if position else (0, *others, axis))
        if self.normalize:
            place = 1 if position else x.spec.rank - 1
            name = graph.node("Div", [name, _length(graph, name, place, _KERAS_EPSILON, x.spec.dtype)])
        if len(others) == 1:
            return name
        sizes: list[Size] = [product(x.spec.shape[i] for i in others), x.spec.shape[axis]]
        return reshape(graph, name, (x.spec.axes[0].size, *(reversed(sizes) if position else sizes)))

    def _summed(self, inputs: Sequence[Spec]) -> list[int]:
        if len(self.axes) not in (1, 2):
            text = f"has axes={self.axes}; it takes one axis for both inputs, or one for each"
            raise LayerError("LENGTH_MISMATCH", text, field="axes", got=len(self.axes))
        given = self.axes * 2 if len(self.axes) == 1 else self.axes
        return [own_axis(axis, x.rank, "axes") for x, axis in zip(inputs, given, strict=True)]


@dataclass(frozen=True)
class MatMul(Kind):
    """Matrix products over the last two axes: (batch, ..., n, k) times (batch, ..., k, m) gives (batch, ..., n, m).

    As numpy, PyTorch and ONNX: the axes before the last two meet by their ends, a size 1 stretches, and a tensor with
    fewer of them must have a batch of 1. Each input needs three axes or more. Multiply-adds: matrices * n * m * k.
    """

    transpose_a: bool = option("whether the last two axes of the first input change places first", False)
    transpose_b: bool = option("whether the last two axes of the second input change places first", False)

    sdk = (Sdk("MatMul"),)
    in_keras = ("ops.matmul",)
    in_torch = ("matmul",)
    takes = FLOATS | {DType.INT32, DType.INT64}
    inputs = (2, 2)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((5, 4), (4, 3))),
            Example(cls(transpose_b=True), ((2, 5, 4), (2, 3, 4))),
            Example(cls(True, True), ((2, 4, 5), (1, 3, 4)), Layout.CHANNELS_FIRST),
            Example(cls(), ((5, 4), (4, 3)), dtypes=(DType.INT32, DType.INT32)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        for i, x in enumerate(inputs, 1):
            if x.rank < 3:
                text = (
                    f"needs batch, rows, columns of each input, but {{input_{i}}} is {x}: put Reshape before it, or "
                    "use Dot for vectors and Dense for a kernel"
                )
                raise LayerError("RANK_MISMATCH", text, expected_rank=3, got_rank=x.rank)
        (row, inner), (other, column) = (
            [x.axes[i] for i in ((-1, -2) if turned else (-2, -1))]
            for x, turned in zip(inputs, (self.transpose_a, self.transpose_b), strict=True)
        )
        if inner.size != other.size:
            lead = "sums over the columns of {input_1} against the rows of {input_2}, so these must agree, but it"
            raise disagree(inputs, -1, lead, [inner.size, other.size])
        leading = [Spec(x.axes[:-2]) for x in inputs]
        met = meet(leading, "multiplies matrix by matrix", None, Broadcasting.NUMPY, inputs, chosen=False)
        out = Spec((*met.axes, row, column), inputs[0].dtype)
        rows = (
            *met.rows,
            Derivation(out.rank - 2, row.role, None, derive("rows", rows=row.size), "The rows of the first input."),
            Derivation(
                out.rank - 1,
                column.role,
                None,
                derive("columns", columns=column.size),
                "The columns of the second input.",
            ),
        )
        matrices = product(axis.size for axis in met.axes[1:])
        sizes = {"rows": row.size, "inner": inner.size, "columns": column.size}
        if len(met.axes) > 1:
            sizes = {"matrices": matrices, **sizes}
        n, k, m = map(grouped, (row.size, inner.size, column.size))
        return Inference(
            single(out),
            "MatMul",
            rows,
            macs=derive(" * ".join(sizes), **sizes),
            how=f"{n} x {k} times {k} x {m} gives {n} x {m}",
            sees_all=True,
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        names = []
        for x, turned in zip(inputs, (self.transpose_a, self.transpose_b), strict=True):
            *leading, a, b = range(x.spec.rank)
            names.append(graph.arrange(x, (*leading, b, a) if turned else (*leading, a, b)))
        return [graph.logical(graph.node("MatMul", names), done.spec)]


@dataclass(frozen=True)
class CosineSimilarity(Kind):
    """The cosine of the angle between the vectors of two tensors along one axis, which goes.

    sum(x1 * x2) / (max(|x1|, epsilon) * max(|x2|, epsilon)), PyTorch's. A size 1 is stretched first, and counts in
    the length; both inputs have equally many axes.
    """

    axis: int = option("axis of the vectors; counts the batch axis, negative from the end", 1)
    epsilon: float = option("smallest length to divide by", 1e-8, minimum=0)

    sdk = (Sdk("CosineSimilarity"),)
    in_keras = ()
    in_torch = ("nn.CosineSimilarity",)
    inputs = (2, 2)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((7,), (7,))),
            Example(cls(-1), ((5, 4), (1, 4))),
            Example(cls(1), ((4, 5), (4, 5)), Layout.CHANNELS_FIRST),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        met = meet(inputs, "multiplies element by element", None, Broadcasting.NUMPY, chosen=False)
        whole = Spec(met.axes, inputs[0].dtype)
        axis = own_axis(self.axis, whole.rank)
        check_numbers(whole, epsilon=self.epsilon)
        size = whole.shape[axis]
        others = product(a.size for i, a in enumerate(whole.axes) if i not in (0, axis))
        return Inference(
            single(without(whole, (axis,))),
            "CosineSimilarity",
            _moved(met.rows, axis),
            macs=derive("vectors * along", vectors=others, along=size),
            how=f"cosine of vectors of {plural(size, 'number')} along {axis_name(whole.axes[axis].role, axis)}",
            sees_all=True,
            scratch=whole.elements,
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        rank, dtype = done.spec.rank + 1, done.spec.dtype
        order = widest_order(inputs, rank)
        axis = own_axis(self.axis, rank)
        place = order.index(axis)
        sizes = [raised(x.spec, rank)[axis] for x in inputs]
        full = next((size for size in sizes if size != 1), 1)
        stretched = graph.shape([full if i == axis else 1 for i in order])
        names = [
            laid(graph, x, order) if size == full else graph.node("Expand", [laid(graph, x, order), stretched])
            for x, size in zip(inputs, sizes, strict=True)
        ]
        units = [graph.node("Div", [name, _length(graph, name, place, self.epsilon, dtype)]) for name in names]
        total = graph.node("ReduceSum", [graph.node("Mul", units), graph.ints([place])], keepdims=0)
        return [Value(total, _left(order, axis), done.spec)]


@dataclass(frozen=True)
class PairwiseDistance(Kind):
    """The distance between the vectors of two tensors along the last axis, which goes: the p-norm of x1 - x2 + epsilon.

    PyTorch's. A size 1 stretches; both inputs have equally many axes.
    """

    p: float = option("order of the norm: 2 for the distance in space", 2.0, minimum=1, maximum=float("inf"))
    epsilon: float = option("added to every difference", 1e-6)
    keepdims: bool = option("whether the axis stays, with size 1", False)

    sdk = (Sdk("PairwiseDistance"),)
    in_keras = ()
    in_torch = ("nn.PairwiseDistance",)
    inputs = (2, 2)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((7,), (7,))),
            Example(cls(1.0, keepdims=True), ((5, 4), (1, 4))),
            Example(cls(3.0, 0.5), ((5, 4), (5, 4)), Layout.CHANNELS_FIRST),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        met = meet(inputs, "subtracts element by element", None, Broadcasting.NUMPY, chosen=False)
        whole = Spec(met.axes, inputs[0].dtype)
        axis = own_axis(-1, whole.rank)
        check_numbers(whole, p=self.p, epsilon=self.epsilon)
        vectors = f"vectors of {plural(whole.shape[axis], 'number')}"
        how = f"{'distance' if self.p == 2 else f'{number_text(self.p)}-norm of the difference'} of {vectors}"
        rows = _moved(met.rows, axis)
        if self.keepdims:
            role, size = whole.axes[axis]
            rows = (*rows, Derivation(axis, role, size, derive("1"), f"The {how}."))
        out = whole.resized(axis, 1) if self.keepdims else without(whole, (axis,))
        return Inference(single(out), "PairwiseDistance", rows, how=how, sees_all=True, scratch=whole.elements)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        rank, dtype = done.spec.rank + (not self.keepdims), done.spec.dtype
        order = widest_order(inputs, rank)
        away = graph.node("Sub", [laid(graph, x, order) for x in inputs])
        away = graph.node("Add", [away, graph.const(self.epsilon, dtype)])
        name = norm(graph, away, order.index(rank - 1), self.p, dtype, self.keepdims)
        return [Value(name, order if self.keepdims else _left(order, rank - 1), done.spec)]


def _length(graph: Graph, name: str, place: int, epsilon: float, dtype: DType) -> str:
    """Lengths of the vectors along an axis as the tensor lies, at least epsilon."""
    return graph.node("Max", [norm(graph, name, place, 2, dtype), graph.const(epsilon, dtype)])


def _left(order: Sequence[int], axis: int) -> tuple[int, ...]:
    """How a tensor lies once an axis has gone."""
    return tuple(i - (i > axis) for i in order if i != axis)


def _moved(rows: Sequence[Derivation], axis: int) -> tuple[Derivation, ...]:
    """Derivations of the axes that are left when one has gone."""
    return tuple(row._replace(axis=row.axis - (row.axis > axis)) for row in rows if row.axis != axis)
