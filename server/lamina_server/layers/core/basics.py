"""Entry points and layers that act on the last axis or on every number alike."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lamina_server.dims import Dim, Size, product
from lamina_server.errors import LayerError
from lamina_server.formula import Derived, derive
from lamina_server.layers.activations.functions import Function, Gelu, Relu, Softmax, applied
from lamina_server.layers.base import (
    Derivation,
    Example,
    Inference,
    Kind,
    Output,
    Sdk,
    Weight,
    one_for_each,
    option,
    plural,
    require_number,
    single,
    unchanged,
)
from lamina_server.layers.graph import ELEMENT, Graph, Value
from lamina_server.layers.tensors import ANY, Axis, DType, Layout, Role, Spec


@dataclass(frozen=True)
class Input(Kind):
    """Entry point of the stack: declares the shape of one sample, without the batch axis.

    A size may be a symbol, a name that stands for the same number wherever it is used: ("T", 9).
    """

    shape: tuple[Size, ...] = option("shape of one sample, without the batch axis; names stand for unknown sizes")
    dtype: DType = option("element type", DType.FLOAT32)

    sdk = (Sdk("Input"),)
    inputs = (0, 0)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls((128, 9)), ()),)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        raise AssertionError("the tracer makes Inputs itself: their axes depend on what takes them")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        value = graph.logical(graph.scope, done.spec)
        graph.declare(value)
        return [value]


@dataclass(frozen=True)
class Dense(Kind):
    """Fully connected: y = activation(x W + b) along the last axis, (..., in) -> (..., units).

    Kernel (in, units). Parameters in * units + units. The other axes are carried along, as in Keras and PyTorch.
    """

    units: int = option("size of the last axis of the output", minimum=1)
    activation: Function | None = option("applied to the result", None)
    use_bias: bool = option("whether a bias is added", True)
    in_features: int | None = option(
        "declared size of the last axis of the input; checked, never used", None, minimum=1
    )

    sdk = (Sdk("Dense"),)
    in_torch = ("nn.Linear",)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(6, activation=Softmax()), ((100,),)),
            Example(cls(5, use_bias=False, in_features=9), ((7, 9),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        if x.rank < 2:
            raise LayerError("RANK_MISMATCH", f"needs at least batch, features. It gets {x}: one axis is missing")
        width = require_number(x.axes[-1].size, "its last axis", "because its kernel has one row for each")
        if self.in_features is not None and self.in_features != width:
            raise LayerError(
                "DECLARED_MISMATCH",
                f"declares in_features={self.in_features}, but its input has {width}{{input_1_how}}",
                field="in_features",
                declared=self.in_features,
                found=width,
            )
        role = x.axes[-1].role if x.axes[-1].role is Role.CHANNELS else Role.FEATURES
        out = x.resized(x.rank - 1, self.units, role)
        check_function(self.activation, out)
        kept = "" if x.rank == 2 else " The other axes are carried along: the same weights serve every position."
        each = "The one unit" if self.units == 1 else f"Each of the {plural(self.units, 'unit')}"
        what = "has the one number" if width == 1 else f"sums over all {width} numbers"
        reason = f"{each} {what} of the last axis.{kept}"
        leading = product(x.shape[1:-1])
        weights = [Weight("kernel", (width, self.units), "glorot", width, self.units)]
        bias = [Weight("bias", (self.units,))] if self.use_bias else []
        return Inference(
            single(out),
            "Dense",
            derivations=(Derivation(x.rank - 1, role, width, derive("units", units=self.units), reason),),
            weights=(*weights, *bias),
            params=dense_params(width, self.units, self.use_bias),
            params_reason=f"Each unit has {plural(width, 'weight')}{' and a bias' if self.use_bias else ''}",
            macs=dense_macs(leading, width, self.units),
            bias_adds=one_for_each(out, self.use_bias),
            how=f"{role.value if role is Role.CHANNELS else 'features'} {width} -> {self.units}",
            sees_all=x.rank == 2,
            sees_along=self.activation.sees_along(x.rank) if self.activation else (),
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        (x,) = inputs
        name, kernel = graph.arrange(x), graph.weight("kernel")
        if x.spec.rank == 2 and self.use_bias:
            name = graph.node("Gemm", [name, kernel, graph.weight("bias")])
        else:
            name = graph.node("MatMul", [name, kernel])
            if self.use_bias:
                name = graph.node("Add", [name, graph.weight("bias")])
        return [activate(graph, graph.logical(name, done.spec), self.activation)]


@dataclass(frozen=True)
class Activation(Kind):
    """Applies a function to every number (softmax: along an axis); the shape does not change."""

    activation: Function = option("the function")

    sdk = (Sdk("Activation"),)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(Relu()), ((7, 5),)),
            Example(cls(Gelu(approximate=True)), ((7, 5),)),
            Example(cls(Softmax(axis=1)), ((7, 5),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        check_function(self.activation, inputs[0])
        return applied(self.activation, inputs[0], "Activation", str(self.activation))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        return [self.activation.emit(graph, inputs[0])]


@dataclass(frozen=True)
class Dropout(Kind):
    """Drops values in training; at inference the identity, so that neither shape nor numbers change."""

    rate: float = option("fraction dropped in training; no effect at inference", 0.5, minimum=0, maximum=1)

    sdk = (Sdk("Dropout"),)
    in_torch = ("nn.Dropout",)
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(0.3), ((7, 5),)),)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        return unchanged(inputs[0], self.title, how="the identity at inference")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        return inputs


RETURN_MASK = "whether the mask is an output too, for layers to take; not an option of Keras'"


def with_mask(done: Inference, mask: Spec) -> Inference:
    """A layer whose second output is the mask that Keras hands on."""
    said = "What the output named mask says is false, layers that take it as an input leave out."
    return replace(done, outputs=(*done.outputs, Output("mask", mask)), sentences=(*done.sentences, said))


@dataclass(frozen=True)
class Masking(Kind):
    """Zeros in the place of every step whose features all equal mask_value; the shape does not change.

    The last axis holds the features. Keras also hands a mask on, by which later layers leave the step out. Here a layer
    leaves out what a mask among its inputs says: return_mask=True (not an option of Keras') makes a second output
    "mask" of bool, (batch, steps), false where a step was replaced, and a layer that Keras would give the mask to
    (recurrent, attention, GlobalAveragePooling1D) takes it as inputs=["masking", "masking:mask"], or is refused.
    """

    mask_value: float = option("the number that marks a step", 0.0)
    return_mask: bool = option(RETURN_MASK, False)

    sdk = (Sdk("Masking"),)
    sends_mask = True

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((7, 1),)),
            Example(cls(2.0), ((3,),), dtypes=(DType.FLOAT64,)),
            Example(cls(return_mask=True), ((7, 2),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        if x.rank < 2:
            raise LayerError("RANK_MISMATCH", f"needs at least batch, features. It gets {x}: one axis is missing")
        done = unchanged(x, "Masking", how=f"zeros where all features are {self.mask_value:g}, shape unchanged")
        return with_mask(done, Spec(x.axes[:-1], DType.BOOL)) if self.return_mask else done

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        (x,) = inputs
        dtype = x.spec.dtype
        equal = graph.node("Equal", [x.name, graph.const(self.mask_value, dtype)])
        own = graph.node("Cast", [graph.node("Not", [equal])], to=ELEMENT[DType.FLOAT32])  # ReduceMax takes no bool
        axis = graph.ints([x.physical(x.spec.rank - 1)])
        kept = graph.node("Cast", [graph.node("ReduceMax", [own, axis], keepdims=1)], to=ELEMENT[DType.BOOL])
        main = x._replace(name=graph.node("Where", [kept, x.name, graph.const(0.0, dtype)]))
        order, masks = tuple(i for i in x.order if i != x.spec.rank - 1), done.outputs[1:]
        return [main, *(Value(graph.node("Squeeze", [kept, axis]), order, mask.spec) for mask in masks)]


@dataclass(frozen=True)
class Cast(Kind):
    """The same numbers in another element type; the shape does not change.

    Floating to integer drops the fraction (2.7 -> 2, -2.7 -> -2), to bool everything but 0 is true, to a shorter
    floating type rounds to the nearest, ties to even: as numpy and ONNX. Beyond the range of an integer type the
    result is not defined, as in ONNX.
    """

    dtype: DType = option("element type of the result")

    sdk = (Sdk("Cast"),)
    in_keras = ("ops.cast",)
    in_torch = ("Tensor.to",)
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(DType.INT32), ((7, 5),)),
            Example(cls(DType.FLOAT32), ((4,),), dtypes=(DType.UINT8,)),
            Example(cls(DType.BOOL), ((4,),), dtypes=(DType.INT64,)),
            Example(cls(DType.FLOAT16), ((4,),), dtypes=(DType.FLOAT64,)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        how = f"{x.dtype.value} -> {self.dtype.value}, shape unchanged"
        return unchanged(x._replace(dtype=self.dtype), "Cast", how=how)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        (x,) = inputs
        return [Value(graph.node("Cast", [x.name], to=ELEMENT[self.dtype]), x.order, done.spec)]


def check_function(function: Function | None, spec: Spec, field: str = "activation") -> None:
    """Raises LayerError where an activation, the layer's option `field`, does not fit a tensor."""
    if function is None:
        return
    try:
        function.check(spec.rank)
    except LayerError as error:
        path = f"{field}.{function.name}.{error.field}"
        raise LayerError(error.reason, str(error), field=path, **error.facts) from None


def activate(graph: Graph, value: Value, function: Function | None) -> Value:
    """Applies an optional activation."""
    return value if function is None else function.emit(graph, value)


def dense_params(width: int, units: int, bias: bool) -> Derived:
    """Parameters of a matrix with or without a bias: units * (in + 1)."""
    return derive("units * (inputs + 1)" if bias else "units * inputs", units=units, inputs=width)


def dense_macs(leading: Size, width: int, units: int) -> Derived:
    """Multiply-adds of a matrix, for so many positions."""
    if leading == 1:
        return derive("inputs * units", inputs=width, units=units)
    return derive("positions * inputs * units", positions=leading, inputs=width, units=units)


def input_spec(shape: Sequence[Size], roles: Sequence[Role], batch: Dim | int, dtype: DType) -> Spec:
    """The tensor that an Input declares."""
    sizes: list[Any] = [batch, *shape]
    return Spec(tuple(Axis(role, size) for role, size in zip(roles, sizes, strict=True)), dtype)
