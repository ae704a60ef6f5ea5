"""What kinds require of their inputs and options, and the words in which they say so. `base` exports these too."""

from collections.abc import Sequence
from itertools import pairwise

from lamina_server.dims import Size
from lamina_server.errors import LayerError
from lamina_server.layers.tensors import FLOATS, INTEGERS, NUMBERS, DType, Role, Spec, names

MAX_AXES = 32  # of a shape among the options; what a server admits of a tensor is its limit max_rank


def require_rank(spec: Spec, roles: Sequence[Role]) -> None:
    """Raises LayerError where a tensor has not these axes."""
    if spec.rank != len(roles):
        few = len(roles) - spec.rank
        what = "one axis is" if abs(few) == 1 else f"{abs(few)} axes are"
        raise LayerError(
            "RANK_MISMATCH",
            f"needs {names(roles)}. It gets {spec}: {what} {'missing' if few > 0 else 'too many'}",
            expected=tuple(roles),
            expected_rank=len(roles),
            got_rank=spec.rank,
        )


def require_type(x: Spec, takes: frozenset[DType], position: int) -> None:
    """Raises LayerError where an input, counted from 1, has an element type that is not taken."""
    if x.dtype in takes:
        return
    known = {FLOATS: "floating-point numbers", INTEGERS: "integers", NUMBERS: "numbers"}
    wanted = known.get(takes) or " or ".join(sorted(takes))
    to = next((dtype for dtype in (DType.FLOAT32, DType.INT64) if dtype in takes), sorted(takes)[0])
    raise LayerError(
        "DTYPE_MISMATCH",
        f'takes {wanted}, but {{input_{position}}} is {x.dtype.value}: put Cast("{to}") before it',
        field="inputs",
        got=x.dtype.value,
        cast=to,
        position=position,
    )


def require_types(inputs: Sequence[Spec], *takes: frozenset[DType]) -> None:
    """Raises LayerError where an input has not an element type of its own set."""
    for i, (x, own) in enumerate(zip(inputs, takes, strict=False), 1):
        require_type(x, own, i)


def require_mask(mask: Spec, shape: Sequence[Size], position: int) -> None:
    """Raises LayerError for a mask that has not just this shape, batch included."""
    if mask.shape != tuple(shape):
        listed = ", ".join(map(str, shape))
        text = f"takes a mask of shape ({listed}), but {{input_{position}}} is {mask}"
        raise LayerError("SIZE_MISMATCH", text, field="inputs")


def require_one_type(inputs: Sequence[Spec]) -> None:
    """Raises LayerError where inputs that meet have different element types."""
    for i, x in enumerate(inputs, 1):
        if x.dtype is not inputs[0].dtype:
            raise LayerError(
                "DTYPE_MISMATCH",
                f"brings together {inputs[0].dtype.value} ({{input_1}}) and {x.dtype.value} ({{input_{i}}}); "
                f'one type is computed in: put Cast("{inputs[0].dtype.value}") behind {{input_{i}}}',
                field="inputs",
                got=x.dtype.value,
                cast=inputs[0].dtype.value,
                position=i,
            )


def require_number(size: Size, what: str, why: str) -> int:
    """A size that must be a number. Raises LayerError where it depends on a symbol."""
    if isinstance(size, int):
        return size
    names = sorted(size.symbols)
    listed, number = " and ".join(names), "a number" if len(names) == 1 else "numbers"
    text = f"needs a number for {what}, {why}, but it is {size}, which depends on {listed}: give {listed} {number}"
    raise LayerError("SYMBOLIC_SIZE", text, size=size)


def own_axis(axis: int, rank: int, name: str = "axis") -> int:
    """An axis option, counted with the batch, as an index from 0. Raises LayerError outside 1..rank-1."""
    index = axis + rank if axis < 0 else axis
    if not 0 < index < rank:
        why = "the batch axis is never touched" if index == 0 else f"the tensor has axes 0 to {rank - 1}"
        raise LayerError("BAD_AXIS", f"{name} is {axis}, but {why}", field=name, axis=axis, rank=rank)
    return index


def own_axes(axes: Sequence[int], rank: int, name: str = "axis") -> tuple[int, ...]:
    """Several axes as `own_axis` takes one, in order. Raises LayerError for one that is there twice."""
    found = sorted(own_axis(axis, rank, name) for axis in axes)
    for one, other in pairwise(found):
        if one == other:
            raise LayerError(
                "BAD_AXIS", f"{name} is {option_text(tuple(axes))}: axis {one} is there twice", field=name, axis=one
            )
    return tuple(found)


def axis_name(spec: Spec, axis: int) -> str:
    """An axis as sentences name it: `channels`, or `axis 2` where its role says nothing."""
    role = spec.axes[axis].role
    return role.value if role is not Role.NONE else f"axis {axis}"


def too_many_axes(field: str, count: int) -> LayerError:
    """What is said of an option that declares more than MAX_AXES axes, before anything is computed of them."""
    return LayerError("OUT_OF_RANGE", f"declares {count} axes; there may be {MAX_AXES}", field=field, got=count)


def option_text(value: object, *, per_axis: bool = False) -> str:
    """An option's value as one would write it in Python: what is equal on every axis once, functions by name."""
    if (
        per_axis
        and isinstance(value, tuple)
        and value
        and all(type(item) is int and item == value[0] for item in value)
    ):
        return str(value[0])
    if hasattr(value, "kind"):  # a layer in its place
        return f"{value.kind.title}({value.kind.text()})"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):  # pads
        if per_axis and len({*value}) == 1 and value[0][0] == value[0][-1]:
            return str(value[0][0])
        return "(" + ", ".join(f"({a}, {b})" for a, b in value) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(option_text, value)) + ("," if len(value) == 1 else "") + ")"
    plain = isinstance(value, str) or getattr(value, "is_plain", False)
    return f'"{value}"' if plain else str(value)


def divisors(count: int) -> tuple[int, ...]:
    """Numbers up to 4096 that divide a number."""
    return tuple(n for n in range(1, min(count, 4096) + 1) if count % n == 0)


def dividing(legal: Sequence[int]) -> str:
    """`1, 5 do`, of numbers that divide another."""
    shown = ", ".join(map(str, legal[:12])) + (", ..." if len(legal) > 12 else "")
    return f"{shown} {'do' if len(legal) > 1 else 'does'}"


def plural(count: Size, noun: str) -> str:
    """`1 filter`, `2 filters`, `T filters`."""
    return f"{grouped(count)} {noun if count == 1 else noun + 's'}"


def grouped(size: Size) -> str:
    """A number with its thousands apart: `819 200`."""
    return f"{size:,}".replace(",", " ") if isinstance(size, int) else str(size)
