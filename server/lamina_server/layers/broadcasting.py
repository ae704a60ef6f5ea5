"""How tensors and constants of different shapes meet, element by element."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from math import isfinite, prod
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from lamina_server.dims import Dim, Size
from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import Derivation, grouped, option, plural
from lamina_server.layers.graph import ELEMENT, Graph, Value
from lamina_server.layers.tensors import FLOATS, Axis, DType, Role, Spec

MAX_CONSTANTS = 65_536  # numbers that one layer's message may hold
# ONNX Runtime computes the largest, the smallest and a choice for all but these types, which others hold exactly.
HELD_BY = {DType.INT16: DType.INT32, DType.UINT16: DType.INT32, DType.BFLOAT16: DType.FLOAT32}
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_SHOWN = 4  # numbers that are written out in a sentence


class Broadcasting(StrEnum):
    """Which axes meet where one tensor has fewer: the batch axes, or the last ones."""

    KERAS = "keras"
    NUMPY = "numpy"


@dataclass(frozen=True)
class ConstantTensor:
    """Numbers that stand in a layer's message. They have no batch axis: their last axis meets the tensor's last."""

    values: tuple[float, ...] = option("the numbers, row-major; at most 65 536")
    shape: tuple[int, ...] = option("their shape; without one, a single number or one axis", ())

    @property
    def sizes(self) -> tuple[int, ...]:
        """Their shape; () for a single number."""
        return self.shape or ((len(self.values),) if len(self.values) > 1 else ())

    def check(self, x: Spec, field: str = "constant") -> None:
        """Raises LayerError for constants that are no tensor, have too many axes, or that `x`'s type cannot hold."""
        count, own = len(self.values), x.rank - 1
        if count > MAX_CONSTANTS:
            text = f"has {grouped(count)} constants; one layer holds {grouped(MAX_CONSTANTS)} at most"
            raise LayerError("OUT_OF_RANGE", text, field=field, got=count, maximum=MAX_CONSTANTS)
        if len(self.sizes) > own:
            text = (
                f"has constants of {_axes(len(self.sizes))}, but {{input_1}} is {x}: "
                f"{_axes(own)} beside the batch, which is the most that constants can have"
            )
            raise LayerError("RANK_MISMATCH", text, field=field, expected_rank=own, got_rank=len(self.sizes))
        if prod(self.sizes) != count or min(self.sizes, default=1) < 1:
            held = grouped(max(prod(self.sizes), 0))
            text = f"has {plural(count, 'constant')}, but {shape_text(self.shape)} holds {held}"
            raise LayerError("LENGTH_MISMATCH", text, field=field, got=count)
        self._check_type(x.dtype, field)

    def _check_type(self, dtype: DType, field: str) -> None:
        low, high = _range(dtype)
        for value in self.values:
            if not isfinite(value):
                raise LayerError(
                    "OUT_OF_RANGE",
                    f"has {field}={value}, which is not a number that it can compute with",
                    field=field,
                    got=value,
                )
            if not low <= value <= high or (dtype not in FLOATS and value != int(value)):
                what = "numbers" if dtype in FLOATS else "whole numbers"
                raise LayerError(
                    "OUT_OF_RANGE",
                    f"has {field}={number_text(value)}, but {{input_1}} is {dtype.value}, which holds {what} "
                    f"from {low:g} to {high:g}",
                    field=field,
                    got=value,
                )

    def emit(self, graph: Graph, dtype: DType, order: Sequence[int]) -> str:
        """A constant tensor that lies as a tensor in this order."""
        sizes = self.sizes
        if not sizes:
            return graph.const(self.values[0], dtype)
        array = np.asarray(self.values).reshape((1,) * (len(order) - len(sizes)) + sizes)
        return graph.const(array.transpose(tuple(order)), dtype)

    def __str__(self) -> str:
        if not self.sizes and self.values:
            return number_text(self.values[0])
        if len(self.sizes) == 1 and len(self.values) <= _SHOWN:
            return f"({', '.join(map(number_text, self.values))}{',' if len(self.values) == 1 else ''})"
        return f"{shape_text(self.sizes)} constants"


def check_numbers(x: Spec, **numbers: float) -> None:
    """Raises LayerError for an option, by its name, that is finite and yet more than the type of a tensor holds."""
    for name, value in numbers.items():
        if isfinite(value):
            ConstantTensor((value,)).check(x, name)


class Meeting(NamedTuple):
    """The axes that come out where tensors meet, why, and those along which a sample's size of 1 was stretched."""

    axes: tuple[Axis, ...]
    rows: tuple[Derivation, ...] = ()
    stretched: tuple[int, ...] = ()


def meet(
    inputs: Sequence[Spec],
    doing: str,
    constant: ConstantTensor | None = None,
    broadcasting: Broadcasting = Broadcasting.KERAS,
    shown: Sequence[Spec] = (),
    *,
    chosen: bool = True,
) -> Meeting:
    """The common shape of tensors and a constant: a size 1 stretches, every other size must agree.

    A tensor with fewer axes gets its missing ones, of size 1, after the batch axis ("keras"), or before it ("numpy"),
    which is legal only where its batch axis is 1. `doing` begins the text of a refusal: "adds element by element";
    `shown` are the tensors that it speaks of, where they are not the inputs; `chosen` says whether the rule is an
    option of the layer. Raises LayerError.
    """
    first = max(inputs, key=lambda x: (x.rank, x.shape[0] != 1))  # of several the first, rather one of samples
    beside = constant.sizes if constant else ()
    if not beside and all(x.axes == first.axes for x in inputs):
        return Meeting(first.axes)
    rank, shown = first.rank, shown or inputs
    if broadcasting is Broadcasting.NUMPY:
        _check_last_axes(inputs, first, shown, chosen)
    shapes = [raised(x, rank) for x in inputs]
    aligned = [*shapes, (1,) * (rank - len(beside)) + beside] if beside else shapes
    axes, rows, stretched = [], [], []
    for i, (role, _) in enumerate(first.axes):
        size = _common([shape[i] for shape in aligned], i, role, doing, shown)
        axes.append(Axis(role, size))
        if i and any(shape[i] != size for shape in shapes):
            why = _why([x.rank for x in inputs], [shape[i] for shape in shapes], size, i)
            rows.append(Derivation(i, role, None, derive("largest", largest=size), why))
            if any(shape[i] != size and shape[0] != 1 for shape in shapes):  # a batch of 1: no sample is looked at
                stretched.append(i)
    return Meeting(tuple(axes), tuple(rows), tuple(stretched))


def raised(x: Spec, rank: int) -> tuple[Size, ...]:
    """The shape with missing axes of size 1 put just after the batch axis."""
    return (x.shape[0], *(1,) * (rank - x.rank), *x.shape[1:])


def told(how: str, rows: Sequence[Derivation]) -> tuple[str, ...]:
    """What a layer does as a sentence, where its derivations stand in the place of that."""
    return (f"{how[0].upper()}{how[1:]}.",) if rows else ()


def laid(graph: Graph, x: Value, order: tuple[int, ...]) -> str:
    """A tensor that lies as one in this order, missing axes put just after the batch axis."""
    missing = len(order) - x.spec.rank
    if not missing:
        return graph.arrange(x, order)
    name = graph.node("Unsqueeze", [graph.arrange(x), graph.ints(range(1, 1 + missing))])
    return graph.arrange(Value(name, tuple(range(len(order))), Spec(x.spec.axes[:1] * len(order))), order)


def widest_order(inputs: Sequence[Value], rank: int) -> tuple[int, ...]:
    """How the first tensor of the result's rank lies: the others follow it."""
    return next(x.order for x in inputs if x.spec.rank == rank)


def cast(graph: Graph, name: str, dtype: DType, to: DType) -> str:
    """A tensor in another element type, where that is another."""
    return name if dtype is to else graph.node("Cast", [name], to=ELEMENT[to])


def disagree(inputs: Sequence[Spec], axis: int, lead: str, sizes: Sequence[Size]) -> LayerError:
    """The error for sizes, one for each input, that should be equal; `lead` ends before "is 3 in a, 4 in b"."""
    names = [f"{{input_{i}}}" for i in range(1, len(inputs) + 1)]
    listed = ", ".join(f"{size} in {name}" for size, name in zip(sizes, [*names, "the constants"], strict=False))
    shapes = "; ".join(f"{name} is {x}" for name, x in zip(names, inputs, strict=True))
    loose = sorted({str(size) for size in sizes if isinstance(size, Dim)})
    hint = f". {loose[0]} may be any number, so it agrees only with itself or with 1" if loose else ""
    return LayerError("SIZE_MISMATCH", f"{lead} is {listed}: {shapes}{hint}", axis=axis, sizes=tuple(sizes))


def axis_name(role: Role, axis: int) -> str:
    """What a sentence calls an axis: `height`, `axis 2`."""
    return role.value if role is not Role.NONE else f"axis {axis}"


def shape_text(sizes: Sequence[int]) -> str:
    """Sizes as answers write them: `8 x 1 x 1`."""
    return " x ".join(map(grouped, sizes))


def number_text(value: float) -> str:
    """A number as people write it: 3, 0.1667, -100."""
    if abs(value) < 1e15 and value == int(value):
        return str(int(value))
    return np.format_float_positional(value, trim="-") if 1e-7 < abs(value) < 1e15 else str(value)


def _common(sizes: list[Size], axis: int, role: Role, doing: str, shown: Sequence[Spec]) -> Size:
    wide = {size for size in sizes if size != 1}
    if len(wide) > 1:
        raise disagree(shown, axis, f"{doing}, so {axis_name(role, axis)} must agree, but it", sizes)
    return wide.pop() if wide else 1


def _check_last_axes(inputs: Sequence[Spec], first: Spec, shown: Sequence[Spec], chosen: bool) -> None:
    """With numpy's rule a batch axis stays the batch axis only where every tensor has all axes, or a batch of 1."""
    for i, x in enumerate(inputs, 1):
        if x.rank < first.rank and x.shape[0] != 1:
            at = first.rank - x.rank
            rule = ' (broadcasting="numpy")' if chosen else ""
            way = ', or align batch with batch by broadcasting="keras"' if chosen else ""
            listed = "; ".join(f"{{input_{n}}} is {each}" for n, each in enumerate(shown, 1))
            raise LayerError(
                "RANK_MISMATCH",
                f"aligns last axes with last axes{rule}, so the batch axis of "
                f"{{input_{i}}} meets {axis_name(first.axes[at].role, at)} of {{input_{inputs.index(first) + 1}}}: "
                f"{listed}. Give both the same number of axes{way}",
                field="broadcasting" if chosen else "",
                expected_rank=first.rank,
                got_rank=x.rank,
            )


def _why(ranks: Sequence[int], sizes: Sequence[Size], size: Size, axis: int) -> str:
    """What is stretched along an axis, and why it has a size of 1."""
    missing = [i for i, rank in enumerate(ranks) if axis <= max(ranks) - rank]
    short = [i for i, own in enumerate(sizes) if own != size and i not in missing]
    said = []
    if missing:
        has = "has" if len(missing) == 1 else "have"
        name = _named(missing, len(ranks))
        said.append(f"{name} {has} no such axis: one of size 1 is put after the batch axis and stretched.")
    if short:
        has = "has" if len(short) == 1 else "have"
        said.append(f"{_named(short, len(ranks))} {has} size 1 here, which is stretched.")
    return " ".join(said)


def _named(places: Sequence[int], count: int) -> str:
    """`The input`, `The second input`, `The second and the third input`, `4 of the inputs`."""
    if count == 1:
        return "The input"
    if max(places) >= len(_ORDINALS):
        return "One of the inputs" if len(places) == 1 else "Several of the inputs"
    return f"{listed([f'the {_ORDINALS[i]}' for i in places]).capitalize()} input"


def listed(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]]))


@cache
def _range(dtype: DType) -> tuple[float, float]:
    """The least and the largest number that an element type holds."""
    if dtype is DType.BOOL:
        return 0.0, 1.0
    info: Any = ml_dtypes.finfo(dtype.numpy) if dtype in FLOATS else np.iinfo(dtype.numpy)  # type: ignore[no-untyped-call]
    return float(info.min), float(info.max)


def _axes(count: int) -> str:
    return "1 axis" if count == 1 else f"{count} axes"
