"""Python values into the fields of protobuf messages, by descriptor: nothing here knows a layer kind.

The generated constructors, `lamina.activations` and the readers of stack files all go through `fill`. What is not
given stays unset: defaults are the server's. Every error names the layer and the field.
"""

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, TypeAlias, TypeGuard, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from lamina.dims import Dim
from lamina.enums import number_of
from lamina.errors import suggest
from lamina.place import Place, shown
from lamina.v1 import activations_pb2, layers_pb2, options_pb2, recurrent_pb2, tensor_pb2

_WHOLE = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
}
_REAL = (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT)
_PAD_PAIR = "lamina.v1.PadPair"
_LAYER = "lamina.v1.Layer"
_PLURAL = {1: "1 number", 2: "2 numbers", 3: "3 numbers"}
AnyMessage = TypeVar("AnyMessage", bound=Message)


def fill(message: Message, values: Mapping[str, object], *, rank: int | None = None, where: str) -> None:
    """Sets the fields of a message from Python values.

    None leaves a field unset. A number for a repeated field means that number for each of `rank` axes; where
    `rank` is given, a sequence must have that length. Paddings, shapes, activation functions and enum values are
    taken as the constructors document them; a message is copied; a mapping fills a sub-message. Where one of several
    messages may stand, such as a cell or a layer inside another, any of them is taken, a `Layer` too.
    Raises InvalidArgumentError, which names `where` and the field.
    """
    _fill(message, values, rank, Place(where))


def function(name: str, values: Mapping[str, object]) -> activations_pb2.ActivationFunction:
    """An activation function by its name in the schema, with its options."""
    return build(activations_pb2.ActivationFunction, {name: values}, where=f"activations.{name}")


def cell(name: str, values: Mapping[str, object], *, constructor: str) -> recurrent_pb2.RecurrentCell:
    """A cell by its name in the schema, with its options."""
    made = recurrent_pb2.RecurrentCell()
    getattr(made, name).SetInParent()
    fill(getattr(made, name), values, where=constructor)
    return made


def build(kind: type[AnyMessage], values: Mapping[str, object], *, rank: int | None = None, where: str) -> AnyMessage:
    """A new message of a type, filled; see `fill`."""
    message = kind()
    fill(message, values, rank=rank, where=where)
    return message


def _fill(message: Message, values: Mapping[str, object], rank: int | None, at: Place) -> None:
    fields: Mapping[str, Any] = message.DESCRIPTOR.fields_by_name
    for union in message.DESCRIPTOR.oneofs:
        chosen = [field.name for field in union.fields if values.get(field.name) is not None]
        if len(chosen) > 1:
            raise at.error(f"takes one of {' and '.join(chosen)}; {len(chosen)} were given.")
    for name, value in values.items():
        if name not in fields:
            hint = suggest(str(name), fields, what="option")
            raise at.child(str(name)).error(f"is no option of {message.DESCRIPTOR.name}.{hint}", "UNKNOWN_OPTION")
        if value is not None:
            _set(message, fields[name], value, rank, at.child(name))


def _set(message: Message, field: FieldDescriptor, value: object, rank: int | None, at: Place) -> None:
    if field.is_repeated:
        getattr(message, field.name).extend(_items(field, value, rank, at))
    elif field.message_type is not None:
        _set_message(getattr(message, field.name), value, rank, at)
    else:
        setattr(message, field.name, _scalar(field, value, at))


def _set_message(target: Message, value: object, rank: int | None, at: Place) -> None:
    if isinstance(target, layers_pb2.Layer):
        value = getattr(value, "proto", value)  # a layer inside another, with all that it says
    value = _held(value, at)
    if isinstance(value, Message) and (member := members(target).get(value.DESCRIPTOR.full_name)):
        getattr(target, member).CopyFrom(value)
        getattr(target, member).SetInParent()
    elif isinstance(value, Message):
        if value.DESCRIPTOR.full_name != target.DESCRIPTOR.full_name:
            named = members(target) if target.DESCRIPTOR.full_name not in _SHORT_FORMS else ()
            names = [name.rpartition(".")[2] for name in named] or [target.DESCRIPTOR.name]
            raise at.error(f"takes a {' or '.join(names)}; a {value.DESCRIPTOR.name} was given.")
        target.CopyFrom(value)
    elif (convert := _SHORT_FORMS.get(target.DESCRIPTOR.full_name)) and not isinstance(value, Mapping):
        convert(target, value, rank, at)
    elif isinstance(value, Mapping):
        _fill(target, value, rank, at)
    else:
        wanted = "a layer" if target.DESCRIPTOR.full_name == _LAYER else "options by name"
        raise at.error(f"takes {wanted}; {shown(value)} was given.")
    target.SetInParent()


def members(message: Message) -> dict[str, str]:
    """Full names of the messages of which a message holds one, and the fields that hold them; {} for other messages."""
    unions = message.DESCRIPTOR.oneofs
    if len(unions) != 1 or len(unions[0].fields) != len(message.DESCRIPTOR.fields):
        return {}
    return {field.message_type.full_name: field.name for field in unions[0].fields if field.message_type is not None}


def _held(value: object, at: Place) -> object:
    """What a layer inside another is made of: the message of its kind. It has no place in the stack of its own."""
    proto = getattr(value, "proto", None)
    if not isinstance(proto, layers_pb2.Layer):
        return value
    given = [field.name for field, _ in proto.ListFields() if field.containing_oneof is None or field.name == "name"]
    given += ["weights"] if getattr(value, "weights", None) else []
    if given:
        raise at.error(f"is a layer inside another, which has no {given[0]} of its own; {shown(value)} was given.")
    kind = proto.WhichOneof("kind")
    return getattr(proto, kind) if kind else value


def _items(field: FieldDescriptor, value: object, rank: int | None, at: Place) -> list[Any]:
    if field.message_type is not None:
        if field.message_type.full_name == _PAD_PAIR:
            return _pairs(value, rank, at)
        kind = GetMessageClass(field.message_type)
        value = [value] if isinstance(value, Message) else value
        return [_converted(kind(), item, rank, at.item(i)) for i, item in enumerate(_sequence(value, at))]
    if (field.type in _WHOLE or field.type in _REAL) and _is_number(value):
        return [_scalar(field, value, at)] * (rank or 1)
    items = [_scalar(field, item, at.item(i)) for i, item in enumerate(_sequence(value, at))]
    if rank is not None and field.type in _WHOLE and len(items) != rank:
        raise at.error(
            f"takes {_PLURAL.get(rank, f'{rank} numbers')}, one for each spatial axis; "
            f"{shown(value)} has {len(items)}.",
            "WRONG_LENGTH",
        )
    return items


def _converted(target: AnyMessage, value: object, rank: int | None, at: Place) -> AnyMessage:
    _set_message(target, value, rank, at)
    return target


def _scalar(field: FieldDescriptor, value: object, at: Place) -> Any:
    if field.enum_type is not None:
        return number_of(field.enum_type, value, at)
    if field.type in _WHOLE:
        return whole(value, at, *_WHOLE[field.type])
    if field.type == FieldDescriptor.TYPE_BOOL:
        if not _is_bool(value):
            raise at.error(f"is True or False; {shown(value)} was given.")
        return bool(value)
    if field.type in _REAL:
        if not _is_number(value):
            raise at.error(f"takes a number; {shown(value)} was given.")
        return float(value)  # type: ignore[arg-type]
    wanted = str if field.type == FieldDescriptor.TYPE_STRING else bytes
    if not isinstance(value, wanted):
        raise at.error(f"takes {'text' if wanted is str else 'bytes'}; {shown(value)} was given.")
    return value


def whole(value: object, at: Place, lowest: int = -(2**63), highest: int = 2**63 - 1) -> int:
    """An int from an int of Python's or numpy's; True and 3.0 are refused."""
    if _is_bool(value) or not isinstance(value, Integral):
        raise at.error(f"takes a whole number; {shown(value)} was given.")
    if int(value) < lowest:
        raise at.error(f"takes {lowest} or more; {shown(value)} was given.", "OUT_OF_RANGE")
    if int(value) > highest:
        raise at.error(f"takes {highest} at most; {shown(value)} was given.", "OUT_OF_RANGE")
    return int(value)


def _is_bool(value: object) -> bool:
    return isinstance(value, bool) or (type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_"))


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not _is_bool(value)


def _sequence(value: object, at: Place) -> Sequence[object]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Sequence):
        listable = getattr(value, "tolist", None)  # a numpy array
        value = listable() if callable(listable) else value
        if not isinstance(value, list):
            raise at.error(f"takes a sequence; {shown(value)} was given.")
    return value


def _pairs(value: object, rank: int | None, at: Place) -> list[options_pb2.PadPair]:
    """Elements before and after each axis, from one number, a number or a pair for each axis."""
    if _is_number(value):
        return [_pair(value, at)] * (rank or 1)
    items = _sequence(value, at)
    if rank == 1 and len(items) == 2 and all(map(_is_number, items)):
        return [_pair(items, at)]
    if rank is not None and len(items) != rank:
        raise at.error(
            f"takes a pair (before, after) for each of {_axes(rank)}; {shown(value)} has {len(items)} entries.",
            "WRONG_LENGTH",
        )
    return [_pair(item, at.item(i)) for i, item in enumerate(items)]


def _pair(value: object, at: Place) -> options_pb2.PadPair:
    if isinstance(value, options_pb2.PadPair):
        return value
    if isinstance(value, Mapping):
        return _converted(options_pb2.PadPair(), value, None, at)
    items = [value, value] if _is_number(value) else _sequence(value, at)
    if len(items) != 2:
        raise at.error(f"takes a pair (before, after); {shown(value)} was given.", "WRONG_LENGTH")
    before, after = (whole(item, at) for item in items)
    return options_pb2.PadPair(before=before, after=after)


def _axes(rank: int) -> str:
    return f"{rank} spatial {'axis' if rank == 1 else 'axes'}"


def _padding(target: Any, value: object, rank: int | None, at: Place) -> None:
    if isinstance(value, str):
        target.mode = number_of(options_pb2.PaddingMode.DESCRIPTOR, value, at)
        return
    if rank == 1 and _is_flat(value) and len(value) == 2:  # before and after, or a second axis: nobody can say
        raise at.error(
            f"takes a rule such as 'same', a number for both ends, or a pair for each axis: for {shown(value)} write "
            f"(({value[0]}, {value[1]}),)."
        )
    target.explicit.pads.extend(_pairs(value, rank, at))
    target.explicit.SetInParent()


def _is_flat(value: object) -> TypeGuard[Sequence[int]]:
    return isinstance(value, Sequence) and len(value) > 0 and all(map(_is_number, value))


def _shape(target: Any, value: object, rank: int | None, at: Place) -> None:
    if _is_number(value) and at.field.endswith("output_shape"):  # as Keras, whose other shapes are tuples too
        value = (value,)
    if _is_number(value) or isinstance(value, str | Dim):
        raise at.error(f"takes a tuple of sizes: write ({shown(value)},).")
    for i, item in enumerate(_sequence(value, at)):
        _dim(target.dims.add(), item, rank, at.item(i))


def _dim(target: Any, value: object, _rank: int | None, at: Place) -> None:
    if value is None:
        target.expression = "?"
    elif isinstance(value, str | Dim):
        target.expression = str(value)
    elif isinstance(value, tensor_pb2.Dim):
        target.CopyFrom(value)
    elif _is_number(value):
        target.size = whole(value, at)
    else:
        raise at.error(f"takes a number, a symbol such as 'T', or None for any size; {shown(value)} was given.")


# What Keras or PyTorch call some functions too.
_OTHER_NAMES = {
    "exp": "exponential",
    "hard_silu": "hard_swish",
    "hardshrink": "hard_shrink",
    "hardsigmoid": "hard_sigmoid",
    "hardswish": "hard_swish",
    "hardtanh": "hard_tanh",
    "logsigmoid": "log_sigmoid",
    "softshrink": "soft_shrink",
    "swish": "silu",
    "tanhshrink": "tanh_shrink",
}
# Functions that are layers only, and what to do.
_LAYERS_ONLY = {
    "glu": "glu halves an axis, so it is a layer of its own: put GLU() behind this one",
    "prelu": "prelu has weights, so it is a layer of its own: put PReLU() behind this one",
}


def _function(target: Any, value: object, _rank: int | None, at: Place) -> None:
    known = activations_pb2.ActivationFunction.DESCRIPTOR.fields_by_name
    if not isinstance(value, str):
        raise at.error(f"takes the name of a function, or one of lamina.activations; {shown(value)} was given.")
    value = _OTHER_NAMES.get(value, value)
    if value in _LAYERS_ONLY:
        raise at.error(f"takes what keeps a shape and has no weights; {_LAYERS_ONLY[value]}.", "UNSUPPORTED")
    if value not in known:
        raise at.error(
            f"knows no function {value!r}.{suggest(value, known, what='function', most=20)}", "UNKNOWN_VALUE"
        )
    getattr(target, value).SetInParent()


def _constant(target: Any, value: object, _rank: int | None, at: Place) -> None:
    """A number, or numbers in sequences as deep as they have axes; an array."""
    shape, numbers = _unnested(value, at)
    target.values.extend(numbers)
    target.shape.extend(shape if len(shape) > 1 else ())


def _unnested(value: object, at: Place) -> tuple[tuple[int, ...], list[float]]:
    listable = getattr(value, "tolist", None)  # an array, or one of its elements
    value = listable() if callable(listable) else value
    if _is_number(value):
        return (), [float(value)]  # type: ignore[arg-type]
    items = [_unnested(item, at.item(i)) for i, item in enumerate(_sequence(value, at))]
    shapes = {shape for shape, _ in items}
    if len(shapes) != 1:
        found = f"rows of shape {' and '.join(sorted(map(str, shapes)))} were" if shapes else "nothing was"
        raise at.error(f"takes numbers in rows of one length; {found} given.", "WRONG_LENGTH")
    return (len(items), *shapes.pop()), [number for _, numbers in items for number in numbers]


_Convert: TypeAlias = Callable[[Any, object, int | None, Place], None]
_SHORT_FORMS: Mapping[str, _Convert] = {
    "lamina.v1.Padding": _padding,
    "lamina.v1.Shape": _shape,
    "lamina.v1.Dim": _dim,
    "lamina.v1.ConstantTensor": _constant,
    "lamina.v1.ActivationFunction": _function,
}
