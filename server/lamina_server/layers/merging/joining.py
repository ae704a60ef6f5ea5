"""Layers that bring several tensors together."""

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
)
from lamina_server.layers.broadcasting import (
    Broadcasting,
    ConstantTensor,
    axis_name,
    disagree,
)
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.merging.arithmetic import BROADCASTING_DOC, CONSTANT_DOC, Merge
from lamina_server.layers.tensors import ANY, Axis, DType, Layout, Role, Spec


@dataclass(frozen=True)
class Add(Merge):
    """Elementwise sum of two or more tensors, or of one and a constant.

    Broadcasting as in Keras: a size 1 stretches, and a tensor with fewer axes gets its missing axes just after the
    batch axis (numpy, PyTorch and ONNX put them before it).
    """

    constant: ConstantTensor | None = option(CONSTANT_DOC, None)
    broadcasting: Broadcasting = option(BROADCASTING_DOC, Broadcasting.KERAS)

    sdk = (Sdk("Add"),)
    in_torch = ("add",)
    op, doing, together, beside = "Add", "adds", "sum of {n}", "plus {c}"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((5, 3), (5, 3))),
            Example(cls(), ((5, 3), (3,), (1, 3))),
            Example(cls(ConstantTensor((3.0,))), ((4, 7),)),
            Example(cls(ConstantTensor((1.0, -2.0, 0.5))), ((1, 3),), Layout.CHANNELS_FIRST),
            Example(cls(ConstantTensor((3.0,))), ((4,),), dtypes=(DType.INT8,)),
            Example(cls(broadcasting=Broadcasting.NUMPY), ((5, 3), (1, 3)), dtypes=(DType.FLOAT64, DType.FLOAT64)),
        )


@dataclass(frozen=True)
class Concatenate(Kind):
    """Joins two or more tensors along one axis, whose sizes add up; all other sizes must agree."""

    axis: int = option("axis to join along; counts the batch axis, negative from the end", -1)

    sdk = (Sdk("Concatenate"),)
    in_torch = ("cat",)
    takes = ANY
    inputs = (2, None)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(), ((5, 3), (5, 4))), Example(cls(axis=1), ((2, 3), (4, 3), (1, 3))))

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        first = _same_rank(inputs, "joins")
        axis = own_axis(self.axis, first.rank)
        role = first.axes[axis].role
        _check_others(inputs, axis, f"joins along {axis_name(role, axis)}")
        parts = {chr(ord("a") + i) if i < 26 else f"x{i}": x.axes[axis].size for i, x in enumerate(inputs)}
        total = derive(" + ".join(parts), **parts)
        row = Derivation(
            axis,
            role,
            first.axes[axis].size,
            total,
            f"The inputs stand one after the other along {axis_name(role, axis)}.",
        )
        out = Spec((_batch(inputs), *first.axes[1:]), first.dtype).resized(axis, total.value)
        return Inference(single(out), "Concatenate", (row,), sees_along=(axis,))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        order = inputs[0].order
        out = Value("", order, done.spec)
        axis = out.physical(own_axis(self.axis, done.spec.rank))
        names = [_for_batch(graph, x, order, done.spec) for x in inputs]
        return [out._replace(name=graph.node("Concat", names, axis=axis))]


@dataclass(frozen=True)
class StackTensors(Kind):
    """Tensors of one shape along a new axis, as long as there are tensors: n times (batch, a, b) -> (batch, n, a, b).

    What numpy, PyTorch and Keras call stack; Stack itself is the network.
    """

    axis: int = option("where the new axis stands in the result; counts the batch axis, negative from the end", -1)

    sdk = (Sdk("StackTensors"),)
    in_keras = ("ops.stack",)
    in_torch = ("stack",)
    takes = ANY
    inputs = (2, None)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(axis=1), ((5, 3), (5, 3))),
            Example(cls(), ((4,), (4,), (4,)), dtypes=(DType.BOOL,) * 3),
            Example(cls(axis=-2), ((5, 3), (5, 3)), Layout.CHANNELS_FIRST),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        first = _same_rank(inputs, "stacks")
        axis = own_axis(self.axis, first.rank + 1)
        _check_others(inputs, 0, "stacks along a new axis")
        count = len(inputs)
        axes = (_batch(inputs), *first.axes[1:axis], Axis(Role.NONE, count), *first.axes[axis:])
        row = Derivation(axis, Role.NONE, None, derive("n", n=count), "The new axis, with one place for each input.")
        how = f"{plural(count, 'tensor')} along a new axis {axis}"
        return Inference(single(Spec(axes, first.dtype)), "StackTensors", (row,), how=how)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        axis = own_axis(self.axis, done.spec.rank)
        order = tuple(i if i < axis else i + 1 for i in inputs[0].order)
        place = axis if inputs[0].order == tuple(range(len(inputs[0].order))) else len(order)
        order = (*order[:place], axis, *order[place:])
        raised = [
            graph.node("Unsqueeze", [_for_batch(graph, x, inputs[0].order, done.spec), graph.ints([place])])
            for x in inputs
        ]
        return [Value(graph.node("Concat", raised, axis=place), order, done.spec)]


def _same_rank(inputs: Sequence[Spec], doing: str) -> Spec:
    """The first input. Raises LayerError where one has another number of axes."""
    first = inputs[0]
    for i, x in enumerate(inputs):
        if x.rank != first.rank:
            raise LayerError(
                "RANK_MISMATCH",
                f"{doing} tensors with equally many axes; {{input_1}} is {first}, {{input_{i + 1}}} is {x}",
            )
    return first


def _check_others(inputs: Sequence[Spec], axis: int, doing: str) -> None:
    """Raises LayerError where sizes differ along any axis but the batch and one."""
    first = inputs[0]
    for i in range(1, first.rank):
        sizes: list[Size] = [x.axes[i].size for x in inputs]
        if i != axis and len(set(sizes)) > 1:
            what = "all other sizes" if axis else "all sizes"
            lead = f"{doing}, so {what} must agree, but {axis_name(first.axes[i].role, i)}"
            raise disagree(inputs, i, lead, sizes)


def _batch(inputs: Sequence[Spec]) -> Axis:
    """The batch axis of what is joined: a batch of 1 is stretched."""
    return next((x.axes[0] for x in inputs if x.axes[0].size != 1), inputs[0].axes[0])


def _for_batch(graph: Graph, x: Value, order: tuple[int, ...], out: Spec) -> str:
    """A tensor in this order, a batch of 1 copied to every sample."""
    name, batch = graph.arrange(x, order), out.shape[0]
    if x.spec.shape[0] == batch:
        return name
    return graph.node("Expand", [name, graph.shape([batch if axis == 0 else 1 for axis in order])])
