"""Stacks: from messages, refusing by name whatever this server does not know, and back.

A message has the same name and fields as its dataclass, so decoding walks descriptors. Absent fields are not passed:
defaults live in the dataclasses alone. A union (a oneof that holds every field) decodes to its member, a message with
one repeated field to a tuple. A function that stands in the place of a layer becomes the kind made of it.
"""

import re
from dataclasses import MISSING, fields
from enum import StrEnum
from functools import cache
from typing import Any, cast

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from lamina.v1 import layers_pb2, options_pb2, tensor_pb2
from lamina_server.dims import Dim, symbol
from lamina_server.errors import StackError
from lamina_server.layers import CELLS, FUNCTIONS, KINDS
from lamina_server.layers.activations.as_layers import as_layer
from lamina_server.layers.activations.function import Function
from lamina_server.layers.broadcasting import Broadcasting, ConstantTensor
from lamina_server.layers.recurrent.bidirectional import Merge
from lamina_server.layers.tensors import DType, Layout
from lamina_server.layers.windows import PadPair
from lamina_server.lru import Lru
from lamina_server.records import Diagnosis
from lamina_server.stack import NamedStack, Node, Stack, field_name
from lamina_server.words import shortened

# Descriptors are typed Any below: protobuf's stubs name two classes for one thing.
CLASSES: dict[str, type[Any]] = {cls.__name__: cls for cls in (*KINDS, *FUNCTIONS, *CELLS, PadPair, ConstantTensor)}
_ENUMS: dict[str, type[StrEnum]] = {
    "Layout": Layout,
    "DataType": DType,
    "Broadcasting": Broadcasting,
    "MergeMode": Merge,
}
_SYMBOL = re.compile(r"[A-Za-z_]\w{0,31}|\?", re.ASCII)


MAX_KEPT_BYTES = 1024
_KINDS: Lru[tuple[str, bytes], Any] = Lru(4096)


def decode_stack(message: layers_pb2.Stack) -> Stack:
    """A stack from its message. Raises StackError for anything this server does not know or that cannot be."""
    refuse_unknown(message, "stack")
    layout = _enum(message.DESCRIPTOR.fields_by_name["layout"], message.layout, "stack.layout")
    blocks = tuple(
        NamedStack(block.name, Stack(_nodes(block, f"stack.blocks[{i}]"), outputs=tuple(block.outputs)))
        for i, block in enumerate(message.blocks)
    )
    nodes = _nodes(message, "stack")
    return Stack(nodes, layout or Layout.CHANNELS_LAST, tuple(message.outputs), blocks)


def _nodes(message: layers_pb2.Stack | layers_pb2.NamedStack, path: str) -> tuple[Node, ...]:
    return tuple(_node(layer, f"{path}.layers[{i}]") for i, layer in enumerate(message.layers))


def encode_layer(node: Node) -> layers_pb2.Layer:
    """A layer's message; options at their defaults are left unset."""
    message = layers_pb2.Layer(name=node.name, inputs=node.inputs, weights_of=node.weights_of)
    getattr(message, field_name(node.kind)).SetInParent()
    _fill(getattr(message, field_name(node.kind)), node.kind)
    if node.expect is not None:
        message.expect.SetInParent()
        message.expect.dims.extend(map(encode_dim, node.expect))
    return message


def encode_stack(stack: Stack) -> layers_pb2.Stack:
    """A stack's message."""
    layout = f"LAYOUT_{stack.layout.name}" if stack.layout is not Layout.CHANNELS_LAST else None
    blocks = (
        layers_pb2.NamedStack(name=name, layers=map(encode_layer, inside.nodes), outputs=inside.outputs)
        for name, inside in stack.blocks
    )
    layers = map(encode_layer, stack.nodes)
    return layers_pb2.Stack(layers=layers, layout=layout, outputs=stack.outputs, blocks=blocks)


def encode_dim(size: int | Dim) -> tensor_pb2.Dim:
    """A size."""
    return tensor_pb2.Dim(size=size) if isinstance(size, int) else tensor_pb2.Dim(expression=size.text)


def refuse_unknown(message: Message, path: str) -> None:
    """Raises StackError where a message, or one inside it, has a field that this server does not know."""
    known = type(message)()
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    if known.ByteSize() != message.ByteSize():
        where, number = _unknown(message, path) or (path, 0)
        raise _fault(
            "UNKNOWN_FIELD",
            f"{where} has field number {number}, which this server does not know: either it is "
            "malformed, or the caller's schema is newer than this server.",
            where,
        )


def unknown_field(message: Message) -> int | None:
    """Number of the first field of a message, not of those inside it, that this server does not know."""
    unknown: Any = UnknownFieldSet(message)
    return unknown[0].field_number if len(unknown) else None


def _unknown(message: Message, path: str) -> tuple[str, int] | None:
    number = unknown_field(message)
    if number is not None:
        return path, number
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        items = value if descriptor.is_repeated else [value]
        for i, item in enumerate(items):
            inner = _unknown(item, f"{path}.{descriptor.name}" + (f"[{i}]" if descriptor.is_repeated else ""))
            if inner:
                return inner
    return None


def _node(message: layers_pb2.Layer, path: str) -> Node:
    chosen = message.WhichOneof("kind")
    if chosen is None:
        raise _fault(
            "EMPTY_UNION",
            f"{path} says no kind of layer: either none was set, or the caller's schema is newer than "
            "this server and names a kind it does not know.",
            path,
        )
    kind = _kind(getattr(message, chosen), f"{path}.{chosen}")
    expect = _message(message.expect, f"{path}.expect") if message.HasField("expect") else None
    name = message.name if message.HasField("name") else None
    weights_of = message.weights_of if message.HasField("weights_of") else None
    return Node(kind, name, tuple(message.inputs), expect, weights_of)


def _kind(message: Message, path: str) -> Any:
    """A layer's options. Networks repeat themselves, so those seen lately are kept by their bytes."""
    data = message.SerializeToString()
    key = message.DESCRIPTOR.name, data
    kind = _KINDS.get(key)
    if kind is None:
        kind = _message(message, path)
        kind = as_layer(kind) if isinstance(kind, Function) else kind
        if len(data) <= MAX_KEPT_BYTES:
            _KINDS.put(key, kind)
    return kind


def _message(message: Message, path: str) -> Any:
    shape = _shape_of(message.DESCRIPTOR)
    if shape == "layer":
        return _node(cast("layers_pb2.Layer", message), path)
    if shape == "union":
        member = message.WhichOneof(message.DESCRIPTOR.oneofs[0].name)
        if member is None:
            raise _fault(
                "EMPTY_UNION",
                f"{path} is set but empty: either nothing was chosen, or the caller's schema is newer "
                "than this server.",
                path,
            )
        value = _value(message, message.DESCRIPTOR.fields_by_name[member], f"{path}.{member}")
        return _symbol(value, path) if message.DESCRIPTOR.name == "Dim" and isinstance(value, str) else value
    if shape == "list":
        (descriptor,) = message.DESCRIPTOR.fields
        return _value(message, descriptor, f"{path}.{descriptor.name}")
    values = {}
    for descriptor in message.DESCRIPTOR.fields:
        if _given(message, descriptor):
            value = _value(message, descriptor, f"{path}.{descriptor.name}")
            if value is not None:  # UNSPECIFIED, which is as good as unset
                values[descriptor.name] = value
    return _construct(CLASSES[message.DESCRIPTOR.name], values, path)


def _construct(cls: type[Any], values: dict[str, Any], path: str) -> Any:
    if cls is PadPair:
        return PadPair(values.get("before", 0), values.get("after", 0))
    for item in fields(cls):
        if item.default is MISSING and item.name not in values:
            raise _fault(
                "MISSING_FIELD",
                f"{path} has no {item.name}, which is required: {item.metadata['doc']}.",
                f"{path}.{item.name}",
            )
    return cls(**values)


def _value(message: Message, descriptor: Any, path: str) -> Any:
    value = getattr(message, descriptor.name)
    if descriptor.is_repeated:
        if descriptor.message_type is None:
            return tuple(value)
        return tuple(_message(item, f"{path}[{i}]") for i, item in enumerate(value))
    if descriptor.message_type is not None:
        return _message(value, path)
    return _enum(descriptor, value, path) if descriptor.enum_type is not None else value


def _prefix(name: str) -> str:
    """`PaddingMode` -> `PADDING_MODE_`, which starts the names of its values."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper() + "_"


def _enum(descriptor: Any, number: int, path: str) -> Any:
    known = descriptor.enum_type.values_by_number.get(number)
    if known is None:
        raise _fault(
            "UNKNOWN_ENUM_VALUE",
            f"{path} has the number {number}, which {descriptor.enum_type.name} does not define: "
            "either it is wrong, or the caller's schema is newer than this server.",
            path,
        )
    text = known.name.removeprefix(_prefix(descriptor.enum_type.name)).lower()
    if text == "unspecified":
        return "valid" if descriptor.enum_type.name == "PaddingMode" else None
    kind = _ENUMS.get(descriptor.enum_type.name)
    return kind(text) if kind else text


def _symbol(text: str, path: str) -> Dim:
    if not _SYMBOL.fullmatch(text):
        raise _fault(
            "BAD_SYMBOL",
            f"{path} is {shortened(text)}; a symbol is a letter or underscore, then letters, digits or "
            'underscores, at most 32, or "?".',
            path,
        )
    if text == "batch":
        raise _fault("BAD_SYMBOL", f'{path} is "batch", which stands for the batch axis; choose another name.', path)
    return symbol(text)


def _given(message: Message, descriptor: Any) -> bool:
    value = getattr(message, descriptor.name)
    if descriptor.is_repeated:
        return len(value) > 0
    return message.HasField(descriptor.name) if descriptor.has_presence else bool(value)


@cache
def _shape_of(descriptor: Any) -> str:
    if descriptor.name == "Layer":
        return "layer"
    if (
        len(descriptor.oneofs) == 1
        and len(descriptor.oneofs[0].fields) == len(descriptor.fields)
        and len(descriptor.fields) > 1
    ):
        return "union"
    if descriptor.name not in CLASSES and len(descriptor.fields) == 1 and descriptor.fields[0].is_repeated:
        return "list"
    return "class"


def _fill(message: Message, value: Any) -> None:
    for item in fields(value):
        given = getattr(value, item.name)
        if item.default is MISSING or given != item.default:
            _set(message, message.DESCRIPTOR.fields_by_name[item.name], given)


def _set(message: Message, descriptor: Any, value: Any) -> None:
    name, target = descriptor.name, getattr(message, descriptor.name)
    if descriptor.enum_type is not None:
        setattr(message, name, _prefix(descriptor.enum_type.name) + value.upper())
    elif descriptor.is_repeated and descriptor.message_type is None:
        target.extend(value)
    elif descriptor.is_repeated:
        for item in value:
            _set_message(target.add(), item)
    elif descriptor.message_type is not None:
        target.SetInParent()
        _set_message(target, value)
    else:
        setattr(message, name, value)


def _set_message(target: Any, value: Any) -> None:
    name = target.DESCRIPTOR.name
    if isinstance(value, Node):
        target.CopyFrom(encode_layer(value))
    elif name == "Shape":
        target.dims.extend(map(encode_dim, value))
    elif name == "Padding" and isinstance(value, tuple):
        target.explicit.pads.extend(map(_pair, value))
    elif name == "Padding":
        target.mode = f"PADDING_MODE_{value.upper()}"
    elif name == "PadPair":
        target.CopyFrom(_pair(value))
    elif name in CLASSES:
        _fill(target, value)
    else:  # a union of messages, such as an activation function
        kinds = {field.message_type.name: field.name for field in target.DESCRIPTOR.fields}
        member = getattr(target, kinds[type(value).__name__])
        member.SetInParent()
        _fill(member, value)


def _pair(pair: PadPair) -> options_pb2.PadPair:
    return options_pb2.PadPair(before=pair.before, after=pair.after)


def _fault(reason: str, message: str, path: str) -> StackError:
    index = re.match(r"stack\.layers\[(\d+)\]", path)
    return StackError(Diagnosis(reason, message, path, index=int(index[1]) if index else -1))
