"""Fields of a layer's message back into the Python that writes them: the inverse of `messages`, for repr."""

import re
from collections.abc import Collection
from math import prod
from typing import Any

from google.protobuf.message import Message

from lamina import naming
from lamina.enums import name_of
from lamina.messages import members
from lamina.naming import class_name, says
from lamina.v1 import activations_pb2, layers_pb2, merging_pb2, options_pb2, tensor_pb2

# Leading options that read well without their name, as in Conv1D(100, 10, strides=2).
_MOST_POSITIONAL = 2


class Code(str):
    """Text that is its own repr: a piece of Python."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Made(Code):
    """A call that makes what an option holds."""

    __slots__ = ()


def call(constructor: str, message: Message, extras: dict[str, object]) -> str:
    """The call that makes a message: 'Conv1D(100, 10, strides=2, name="a")'."""
    ranked = re.search(r"[123]D", constructor) is not None
    positional: list[str] = []
    named: list[str] = []
    leading = True
    for field in message.DESCRIPTOR.fields:
        if says(constructor, field.name):
            continue
        present = getattr(message, field.name) if field.is_repeated or not field.has_presence else None
        if not (message.HasField(field.name) if field.has_presence else present):
            leading = False
            continue
        value = _value(field, getattr(message, field.name), ranked)
        leading = leading and len(positional) < _MOST_POSITIONAL and _reads_alone(message, field, value)
        (positional if leading else named).append(code(value) if leading else f"{field.name}={code(value)}")
    named += [f"{name}={code(value)}" for name, value in extras.items() if value is not None]
    return f"{constructor}({', '.join(positional + named)})"


def _reads_alone(message: Message, field: Any, value: object) -> bool:
    """Whether the value of an option reads well without its name: Dense(3), Block("residual")."""
    only = len(message.DESCRIPTOR.fields) == 1 and isinstance(value, str)
    holds = field.message_type is layers_pb2.Layer.DESCRIPTOR
    return only or holds or (isinstance(value, int | tuple | list | Made) and not isinstance(value, bool))


def layer(message: layers_pb2.Layer, constructor: str, weights: Collection[str] = ()) -> Code:
    """The call that makes a layer; weights by name only."""
    kind = message.WhichOneof("kind")
    if kind is None:
        return Code("Layer()")
    inputs = list(message.inputs)
    extras: dict[str, object] = {
        "name": message.name if message.HasField("name") else None,
        "inputs": (inputs[0] if len(inputs) == 1 else inputs) if inputs else None,
        "expect": shape(message.expect) if message.HasField("expect") else None,
        "weights_of": message.weights_of if message.HasField("weights_of") else None,
        "weights": Code(f"<{', '.join(weights)}>") if weights else None,
    }
    return Code(call(constructor, getattr(message, kind), extras))


def code(value: object) -> str:
    """A value as Python, with double quotes."""
    if isinstance(value, str) and not isinstance(value, Code):
        text = repr(value)
        return f'"{text[1:-1]}"' if text[0] == "'" and '"' not in text else text
    if isinstance(value, tuple):
        items = ", ".join(map(code, value))
        return f"({items},)" if len(value) == 1 else f"({items})"
    if isinstance(value, list):
        return f"[{', '.join(map(code, value))}]"
    return repr(value)


def shape(message: tensor_pb2.Shape) -> tuple[int | str | None, ...]:
    """Sizes of a shape as one writes them: None for any size."""
    return tuple(_size(dim) for dim in message.dims)


def constant(message: merging_pb2.ConstantTensor) -> object:
    """Constants as one writes them: a number, or numbers in tuples."""
    items: list[Any] = list(message.values)
    shape = list(message.shape)
    if prod(shape) != len(items) and shape:
        return {"values": items, "shape": shape}  # what no server takes; shown as it is
    for size in reversed(shape[1:]):
        items = [tuple(items[i : i + size]) for i in range(0, len(items), size)]
    return tuple(items) if shape or len(items) != 1 else items[0]


def _size(dim: tensor_pb2.Dim) -> int | str | None:
    if dim.WhichOneof("value") != "expression":
        return dim.size
    return None if dim.expression == "?" else dim.expression


def _value(field: Any, value: Any, ranked: bool) -> object:
    if isinstance(value, options_pb2.Padding):
        return _padding(value)
    if isinstance(value, activations_pb2.ActivationFunction):
        return _function(value)
    if isinstance(value, tensor_pb2.Shape):
        return shape(value)
    if isinstance(value, layers_pb2.Layer):
        return layer(value, class_name(value))
    if isinstance(value, merging_pb2.ConstantTensor):
        return constant(value)
    if field.enum_type is not None:
        return name_of(field.enum_type, value)
    if not field.is_repeated:
        return _made(value) if isinstance(value, Message) else value
    if field.message_type is not None and field.message_type.full_name != options_pb2.PadPair.DESCRIPTOR.full_name:
        return [_made(item) for item in value]
    pads = field.message_type is not None
    items = tuple((pad.before, pad.after) for pad in value) if pads else tuple(value)
    return _one_for_all(items) if ranked else items


def inside(message: Message) -> Message | None:
    """What stands in a message that holds one of several."""
    name = next((name for name in members(message).values() if message.HasField(name)), None)
    return None if name is None else getattr(message, name)


def _made(message: Message) -> Made:
    """The call that makes what stands in a message that holds one of several."""
    held = inside(message)
    if held is None:
        return Made(f"{message.DESCRIPTOR.name}()")
    return Made(call(naming.constructor(held), held, {}))


def _one_for_all(items: tuple[Any, ...]) -> object:
    """5 for (5, 5), and for ((5, 5), (5, 5)); pairs of one axis lose their outer parentheses."""
    if isinstance(items[0], tuple):
        if len({*items}) == 1 and items[0][0] == items[0][1]:
            return items[0][0]
        return items[0] if len(items) == 1 else items
    return items[0] if len({*items}) == 1 else items


def _padding(padding: options_pb2.Padding) -> object:
    if padding.WhichOneof("value") == "mode":
        return name_of(options_pb2.PaddingMode.DESCRIPTOR, padding.mode)
    pairs = tuple((pad.before, pad.after) for pad in padding.explicit.pads)
    return pairs[0][0] if len({*pairs}) == 1 and pairs[0][0] == pairs[0][1] else pairs


def _function(activation: activations_pb2.ActivationFunction) -> object:
    name = activation.WhichOneof("function")
    if name is None:
        return Code("ActivationFunction()")
    options = getattr(activation, name)
    return Code(f"activations.{call(name, options, {})}") if options.ListFields() else name
