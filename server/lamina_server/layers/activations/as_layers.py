"""Activations that are layers: one kind for each function that stands alone, and those that functions cannot be.

The kinds are made from `FUNCTIONS`: a kind has the options of its function, whose message is its message too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, make_dataclass, replace
from functools import cached_property
from math import prod
from typing import ClassVar, cast

from lamina_server.dims import Size, exact_div
from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.activations.functions import FUNCTIONS, Function, Softmax, applied
from lamina_server.layers.base import (
    Derivation,
    Example,
    Inference,
    Kind,
    Sdk,
    Weight,
    axis_name,
    grouped,
    option,
    own_axis,
    plural,
    require_number,
    require_types,
    single,
    unchanged,
)
from lamina_server.layers.broadcasting import laid, meet
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import BOOLS, DType, Layout, Spec
from lamina_server.layers.weighted import each_of, spread


class FunctionLayer(Kind):
    """A layer that applies a function and does nothing else. Subclasses have the function's options as fields."""

    made_of: ClassVar[type[Function]]

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return tuple(Example(as_layer(function), ((7, 5),)) for function in cls.made_of.examples())

    @cached_property
    def function(self) -> Function:
        """The function, with the layer's options."""
        return self.made_of(**{item.name: getattr(self, item.name) for item in fields(self)})

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        self.function.check(x.rank)
        along = " and ".join(axis_name(x, axis) for axis in self.function.sees_along(x.rank))
        return applied(self.function, x, self.title, f"along {along}" if along else "each number by itself")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        return [self.function.emit(graph, inputs[0])]


class MaskedLayer(FunctionLayer):
    """A layer whose second input, if it has one, is a mask: what is false there counts for nothing and gives 0."""

    inputs = (1, 2)
    masking = "uses"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        plain, dtypes = super().examples(), (DType.FLOAT32, DType.BOOL)
        shapes = (((7, 5), (7, 5)), ((7, 5), (5,)), ((7, 5), (7, 1)))
        return plain + tuple(Example(one.layer, both, dtypes=dtypes) for one, both in zip(plain, shapes, strict=True))

    def check_types(self, inputs: Sequence[Spec]) -> None:
        require_types(inputs, self.takes, BOOLS)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        x = inputs[0]
        done = super().infer(inputs[:1], layout)
        if len(inputs) == 1:
            return done
        if meet(inputs, "masks element by element").axes != x.axes:
            raise LayerError(
                "SIZE_MISMATCH",
                f"takes a mask whose sizes are its input's or 1: {{input_1}} is {x}, {{input_2}} is {inputs[1]}",
                field="inputs",
            )
        return replace(done, sentences=("What is false in the second input counts for nothing and gives 0.",))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        if len(inputs) == 1:
            return super().emit(graph, inputs, done)
        x, dtype = inputs[0], inputs[0].spec.dtype
        seen = laid(graph, inputs[1], x.order)
        lowest = graph.lowest(dtype)
        (y,) = super().emit(graph, [x._replace(name=graph.node("Where", [seen, x.name, lowest]))], done)
        return [y._replace(name=graph.node("Where", [seen, y.name, graph.const(0.0, dtype)]))]


_BASES: dict[type[Function], type[FunctionLayer]] = {Softmax: MaskedLayer}
_KERAS_LAYERS = ("ReLU", "LeakyReLU", "ELU", "Softmax")
_NOT_IN_KERAS = ("softmin", "r_relu", "rrelu")
_NOT_IN_TORCH = ("exponential", "squareplus", "sparse_plus", "sparse_sigmoid", "sparsemax")


def _in_keras(function: type[Function]) -> tuple[str, ...]:
    layer = (function.layer,) if function.layer in _KERAS_LAYERS else ()
    return layer if function.name in _NOT_IN_KERAS else (*layer, f"activations.{function.name}")


def _kind(function: type[Function]) -> type[FunctionLayer]:
    options = {item.name: item for item in fields(function)}
    rows = []
    for name in function.layer_order or options:
        item = options[name]
        metadata = {**item.metadata, "usual": function.usual.get(name, item.metadata["usual"])}
        rows.append((name, item.type, field(default=item.default, metadata=metadata)))
    said = {
        "__doc__": function.__doc__,
        "__module__": __name__,
        "made_of": function,
        "sdk": (Sdk(function.layer),),
        "called": function.field,
        "masking": function.masking,
        "in_keras": _in_keras(function),
        "in_torch": (f"nn.{function.layer}",) if function.name not in _NOT_IN_TORCH else (),
    }
    made = make_dataclass(
        function.__name__, rows, bases=(_BASES.get(function, FunctionLayer),), namespace=said, frozen=True
    )
    return cast("type[FunctionLayer]", made)


_KINDS = {function: _kind(function) for function in FUNCTIONS if function.layer}
FUNCTION_LAYERS: tuple[type[FunctionLayer], ...] = tuple(_KINDS.values())


def as_layer(function: Function) -> FunctionLayer:
    """The layer that applies a function."""
    return _KINDS[type(function)](**{item.name: getattr(function, item.name) for item in fields(function)})


@dataclass(frozen=True)
class PReLU(Kind):
    """x for x > 0, else alpha * x, with a learned alpha for each place of a sample; shape unchanged.

    Weight alpha: the input's shape without the batch, but 1 along `shared_axes`. PyTorch's PReLU(1) shares all axes,
    its PReLU(channels) all but the channels: shared_axes=(2, 3) for images channels first, (1, 2) channels last.
    """

    shared_axes: tuple[int, ...] = option("axes along which one alpha serves all, counted from 1 behind the batch", ())

    sdk = (Sdk("PReLU"),)
    in_torch = ("nn.PReLU",)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((1, 2)), ((5, 6, 3),)),
            Example(cls((2, 3)), ((3, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls((1, 2)), ((7, 4),)),
            Example(cls(), ((7,),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        shared = self._shared(x.rank)
        shape = tuple(1 if i in shared else self._number(x, i) for i in range(1, x.rank))
        count = prod(shape)
        own = tuple(i for i in range(1, x.rank) if i not in shared)
        sizes = {f"n{i}": x.shape[i] for i in own}
        each = "All numbers share one alpha" if not own else f"{each_of(x, own)} has an alpha"
        return unchanged(
            x,
            "PReLU",
            weights=(Weight("alpha", shape),),
            how=f"slopes of {plural(count, 'alpha')}, shape unchanged",
            params=derive(" * ".join(sizes) or "1", **sizes),
            params_reason=each,
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        alpha = graph.weight("alpha", spread(range(1, x.spec.rank), x.order))
        return [x._replace(name=graph.single("PRelu", [x.name, alpha], x.spec.dtype))]

    def _shared(self, rank: int) -> frozenset[int]:
        for axis in self.shared_axes:
            if not 0 < axis < rank:
                raise LayerError(
                    "BAD_AXIS",
                    f"shared_axes holds {axis}; axes are counted from 1, behind the batch, here to {rank - 1}",
                    field="shared_axes",
                    axis=axis,
                    rank=rank,
                )
        return frozenset(self.shared_axes)

    def _number(self, x: Spec, axis: int) -> int:
        why = f"because it has a slope for each (shared_axes=({axis},) needs none)"
        return require_number(x.axes[axis].size, axis_name(x, axis), why)


@dataclass(frozen=True)
class GLU(Kind):
    """Gated linear unit: the first half of an axis times the sigmoid of the second half; the axis is halved.

    (..., 2 n) -> (..., n) (Dauphin et al. 2017).
    """

    axis: int = option("axis that is halved; counts the batch axis, negative from the end", -1)

    sdk = (Sdk("GLU"),)
    in_keras = ("activations.glu",)
    in_torch = ("nn.GLU",)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(), ((7, 6),)), Example(cls(axis=1), ((4, 5, 3),)))

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axis = own_axis(self.axis, x.rank)
        role, size = x.axes[axis]
        half = derive("floor(n / 2)", n=size)
        if exact_div(size, 2) is None:
            raise self._odd(size, axis_name(x, axis))
        reason = f"The first {grouped(half.value)} are multiplied by the sigmoids of the others."
        out = x.resized(axis, half.value)
        return Inference(single(out), "GLU", (Derivation(axis, role, size, half, reason),), sees_along=(axis,))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        axis = x.physical(own_axis(self.axis, x.spec.rank))
        value, gate = graph.nodes_out("Split", [x.name], 2, axis=axis, num_outputs=2)
        return [x._replace(name=graph.node("Mul", [value, graph.node("Sigmoid", [gate])]), spec=done.spec)]

    def _odd(self, size: Size, name: str) -> LayerError:
        if isinstance(size, int):
            return LayerError(
                "NOT_DIVISIBLE",
                f"halves {name}, of which there {'is' if size == 1 else 'are'} {size}, an odd number; "
                f"{size + 1} would do",
                field="axis",
                size=size,
            )
        return LayerError(
            "SYMBOLIC_SIZE", f"halves {name}, but {size} need not be an even number; give a number", size=size
        )
