"""Functions of every number alone that models compute between their layers: no weights, shape unchanged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lamina_server.errors import LayerError
from lamina_server.layers.base import Example, Inference, Kind, Sdk, option, require_type, unchanged
from lamina_server.layers.broadcasting import HELD_BY, ConstantTensor, cast, number_text
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import FLOATS, NUMBERS, DType, Layout, Spec

_SIGNED = NUMBERS - {DType.UINT8, DType.UINT16, DType.UINT32, DType.UINT64}
_SINGLE = FLOATS - {DType.FLOAT64}  # what ONNX Runtime computes only up to float32


class _Operation(NamedTuple):
    """A function: its ONNX operators one after the other, what comes out, and the element types it takes."""

    ops: tuple[str, ...]
    says: str
    takes: frozenset[DType] = FLOATS


OPERATIONS: dict[str, _Operation] = {
    "abs": _Operation(("Abs",), "absolute value of every number", NUMBERS),
    "negative": _Operation(("Neg",), "every number with the other sign", _SIGNED),
    "sign": _Operation(("Sign",), "sign of every number", NUMBERS),
    "square": _Operation(("Square",), "square of every number", NUMBERS),
    "sqrt": _Operation(("Sqrt",), "square root of every number"),
    "rsqrt": _Operation(("Sqrt", "Reciprocal"), "1 / square root of every number"),
    "reciprocal": _Operation(("Reciprocal",), "1 / every number"),
    "exp": _Operation(("Exp",), "e to the power of every number"),
    "log": _Operation(("Log",), "natural logarithm of every number"),
    "sin": _Operation(("Sin",), "sine of every number"),
    "cos": _Operation(("Cos",), "cosine of every number"),
    "tan": _Operation(("Tan",), "tangent of every number", _SINGLE),
    "floor": _Operation(("Floor",), "every number rounded down"),
    "ceil": _Operation(("Ceil",), "every number rounded up"),
    "round": _Operation(("Round",), "every number rounded, a half to the even one"),
    "erf": _Operation(("Erf",), "error function of every number", _SINGLE),
}


@dataclass(frozen=True)
class Elementwise(Kind):
    """A function of every number alone; the shape does not change.

    abs, negative, sign and square take whole numbers too; the element type stays what it is.
    """

    operation: str = option("the function")

    sdk = tuple(
        Sdk(name.capitalize(), operation=name, doc=f"{row.says[0].upper()}{row.says[1:]}.")
        for name, row in OPERATIONS.items()
    )
    in_keras = ("ops.abs", "ops.sqrt", "ops.exp")
    in_torch = ("abs", "sqrt", "exp")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        wide = [name for name, row in OPERATIONS.items() if row.takes != FLOATS and row.takes != _SINGLE]
        return (
            Example(cls("sqrt"), ((7, 5),)),
            *(Example(cls(name), ((3, 4),)) for name in OPERATIONS),
            *(Example(cls(name), ((3, 4),), dtypes=(DType.INT32,)) for name in wide),
        )

    def check_types(self, inputs: Sequence[Spec]) -> None:
        require_type(inputs[0], OPERATIONS[self.operation].takes, 1)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        return unchanged(inputs[0], self.title, how=f"{OPERATIONS[self.operation].says}, shape unchanged")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        name = inputs[0].name
        for op in OPERATIONS[self.operation].ops:
            name = graph.node("Mul", [name, name]) if op == "Square" else graph.node(op, [name])
        return [inputs[0]._replace(name=name)]


@dataclass(frozen=True)
class Clip(Kind):
    """Every number brought between two bounds: max(min, x), and not above max; the shape does not change.

    One bound may be left out. Where both are given, min must not be above max.
    """

    min: float | None = option("smallest value that may come out; no bound where not given", None)
    max: float | None = option("largest value that may come out; no bound where not given", None)

    sdk = (Sdk("Clip"),)
    in_keras = ("ops.clip",)
    in_torch = ("clamp",)
    takes = NUMBERS

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(-0.5, 0.5), ((7, 5),)),
            Example(cls(max=0.25), ((7, 5),)),
            Example(cls(min=1), ((7, 5),), dtypes=(DType.INT64,)),
            Example(cls(1, 2), ((7, 5),), dtypes=(DType.UINT16,)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        if self.min is None and self.max is None:
            raise LayerError("MISSING_FIELD", "has neither min nor max, so there is nothing to do", field="min")
        if self.min is not None and self.max is not None and self.min > self.max:
            text = f"has min={number_text(self.min)} above max={number_text(self.max)}; nothing lies between"
            raise LayerError("OUT_OF_RANGE", text, field="min", got=self.min, maximum=self.max)
        for name in ("min", "max"):
            bound = getattr(self, name)
            if bound is not None:
                ConstantTensor((bound,)).check(inputs[0], name)
        bounds = [
            f"{which} {number_text(bound)}"
            for which, bound in (("at least", self.min), ("at most", self.max))
            if bound is not None
        ]
        return unchanged(inputs[0], "Clip", how=f"{', '.join(bounds)}, shape unchanged")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        (x,) = inputs
        dtype = x.spec.dtype
        held = HELD_BY.get(dtype, dtype)
        bounds = ["" if bound is None else graph.const(bound, held) for bound in (self.min, self.max)]
        name = graph.node("Clip", [cast(graph, x.name, dtype, held), *bounds])
        return [x._replace(name=cast(graph, name, held, dtype))]
