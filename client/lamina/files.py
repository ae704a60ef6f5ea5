"""Stacks as files: `load` reads YAML, JSON and textproto, `dump` writes YAML.

    layers:
      - Input: [128, 9]
      - Conv1D: {filters: 100, kernel_size: 10, activation: relu, name: conv}
      - GlobalAveragePooling1D
      - Dense: 6

A layer is a constructor of `lamina.layers` with its arguments by name, a list of them in order, or a single one; or it
is written as the message `lamina.v1.Layer` has it (`{name: conv, conv: {filters: 100, kernelSize: [10]}}`). `layout:`,
`outputs:` and `blocks:`, stacks by name that layers use, stand beside `layers:`. Nothing here knows a kind of layer:
constructors and messages say what they take.
"""

import inspect
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from google.protobuf import json_format, text_format
from google.protobuf.message import Message

from lamina import cells, layers, naming, nesting, reading
from lamina.documents import MAX_BYTES, Document, Where, flow, malformed, read_json, read_yaml
from lamina.enums import name_of
from lamina.errors import InvalidArgumentError, listed, suggest
from lamina.naming import says
from lamina.place import shown
from lamina.render.words import bytes_
from lamina.stack import Layer, Stack
from lamina.typing import AxesLike, CellsLike, ConstantLike, ShapeLike, SizeND
from lamina.v1 import activations_pb2, layers_pb2, merging_pb2, options_pb2, tensor_pb2

Format = Literal["yaml", "json", "textproto"]

_SUFFIXES: Mapping[str, Format] = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".textproto": "textproto",
    ".txtpb": "textproto",
    ".pbtxt": "textproto",
}
_JSON = re.compile(r"\s*[{\[]\s*[\"}\]]")
_TEXTPROTO = re.compile(r"^\s*layers\s*:?\s*[{<]", re.MULTILINE)
_TOP = ("layers", "layout", "outputs", "blocks")
_BLOCK = ("layers", "outputs")
# What makes the values of parameters that take layers or cells.
_INSIDE: Mapping[object, Collection[str]] = {
    Layer: layers.__all__,
    Layer | None: layers.__all__,
    CellsLike: cells.__all__,
}
# First parameters whose value is itself a list: `Input: [128, 9]` is one shape, not two arguments.
_LISTS = (ShapeLike, CellsLike, SizeND, AxesLike, AxesLike | None, ConstantLike | None)


def load(source: "str | os.PathLike[str]", format: Format | None = None) -> Stack:
    """The stack of a file, or of text where `source` has a line break or begins with a brace.

    The format is told by the file's suffix, else by what is in it. At most 8 MiB are read. Raises
    InvalidArgumentError, which names the file, the line or the layer, and the nearest name that would be known; OSError
    where the file cannot be read.
    """
    if isinstance(source, str) and ("\n" in source or source.lstrip().startswith("{")):
        return parse(source, format)
    path = Path(source)
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    return parse(data, format or _SUFFIXES.get(path.suffix.lower()), name=path.name)


def parse(text: str | bytes, format: Format | None = None, *, name: str = "stack") -> Stack:
    """The stack of a text, which errors call `name`. Raises InvalidArgumentError."""
    if len(text) > MAX_BYTES:
        raise malformed(name, f"longer than {bytes_(MAX_BYTES)}, the most that is read.", reason="FILE_TOO_LARGE")
    try:
        text = (text if isinstance(text, bytes) else text.encode()).decode("utf-8-sig")
    except UnicodeError as error:
        raise malformed(name, f"this is no text in UTF-8: {error}.") from error
    format = format or _guess(text)
    if format == "textproto":
        return _textproto(text, name)
    return _stack(read_json(text, name) if format == "json" else read_yaml(text, name))


def _guess(text: str) -> Format:
    if _JSON.match(text):
        return "json"
    return "textproto" if _TEXTPROTO.search(text) else "yaml"


def _textproto(text: str, name: str) -> Stack:
    proto = layers_pb2.Stack()
    try:
        text_format.Parse(text, proto)
    except text_format.ParseError as error:
        raise malformed(name, f"this is no stack in textproto: {error}") from error
    except RecursionError as error:
        raise malformed(name, "nested too deep.", reason="TOO_DEEP") from error
    return Stack.from_proto(proto)


def _stack(document: Document) -> Stack:
    top = document.data
    if not isinstance(top, dict):
        raise document.error((), f"a file begins with `layers:`, a list below it; {_found(top)} was found.")
    built: list[Stack] = []
    for key, block in _blocks(document, top.get("blocks")):
        where: Where = ("blocks", key)
        if not isinstance(block, dict):
            raise document.error(where, f"a block has `layers:` and may have `outputs:`; {_found(block)} was found.")
        name = key if isinstance(key, str) else block.get("name")
        known = _BLOCK if isinstance(key, str) else ("name", *_BLOCK)
        if not isinstance(name, str):
            raise document.error(where, f"a block in a list has a name; {_found(name)} was found.")
        built.append(_built(document, where, block, known, built, name=name))
    return _built(document, (), top, _TOP, built, layout=top.get("layout"))


def _blocks(document: Document, blocks: object) -> list[tuple[str | int, Any]]:
    """Blocks with where they stand: by name, or in a list as the message has them."""
    if blocks is None:
        return []
    if not isinstance(blocks, dict | list):
        raise document.error(("blocks",), f"blocks takes stacks by name; {_found(blocks)} was found.")
    return list(blocks.items() if isinstance(blocks, dict) else enumerate(blocks))


def _built(
    document: Document,
    where: Where,
    top: Mapping[str, Any],
    known: Sequence[str],
    blocks: Sequence[Stack],
    **options: Any,
) -> Stack:
    """The stack of `layers:` and `outputs:`, whose layers may use some blocks."""
    for key in top:
        if key not in known:
            raise document.error(
                (*where, key), f"there is no key {shown(key)} here.{suggest(key, known)}", "UNKNOWN_KEY"
            )
    items = top.get("layers")
    if not isinstance(items, list):
        raise document.error((*where, "layers"), f"layers takes a list of layers; {_found(items)} was found.")
    layers, names = [], [block.name for block in blocks]
    for i, item in enumerate(items):
        layer = _layer(document, (*where, "layers", i), item)
        for name in nesting.used(layer.proto):
            if name not in names:
                text = f"there is no block {shown(name)} before it.{suggest(name, names, what='block')}"
                raise document.error((*where, "layers", i), text, "UNKNOWN_BLOCK")
        layers.append(layer)
    try:
        made = Stack(layers, outputs=top.get("outputs"), **options)
    except InvalidArgumentError as error:
        message = error.message.removeprefix("Stack: ")
        raise document.error((*where, _head(error.field)), message, error.reason) from error
    for block in blocks:
        made.proto.blocks.add(name=block.name, layers=block.proto.layers, outputs=block.proto.outputs)
    return made


def _layer(document: Document, where: Where, item: object) -> Layer:
    if isinstance(item, str):
        return _construct(document, where, item, None)
    if not isinstance(item, dict) or not item:
        raise document.error(where, f"a layer reads, for example, `Dense: {{units: 6}}`; {_found(item)} was found.")
    names = [key for key in item if key in layers.__all__]
    if names and len(item) > 1:
        beside = next(key for key in item if key != names[0])
        raise document.error(
            where, f"{beside!r} stands beside {names[0]}: write {names[0]}: {{..., {beside}: ...}}.", "UNKNOWN_KEY"
        )
    fields = layers_pb2.Layer.DESCRIPTOR.fields
    if not names and item.keys() <= {spelling for field in fields for spelling in (field.name, field.json_name)}:
        return _message(document, where, item)
    name = names[0] if names else next((key for key in item if key[:1].isupper()), next(iter(item)))
    return _construct(document, where, name, item[name])


def _message(document: Document, where: Where, item: Mapping[str, object]) -> Layer:
    """A layer in the words of its message."""
    proto = layers_pb2.Layer()
    try:
        json_format.ParseDict(dict(item), proto)
    except json_format.ParseError as error:
        raise document.error(where, f"{error}") from error
    except RecursionError as error:
        raise document.error(where, "nested too deep.", "TOO_DEEP") from error
    return Layer(proto)


def _construct(document: Document, where: Where, name: str, value: object) -> Layer:
    """A layer in the words of its constructor; a layer inside it is written as any other."""
    if name not in layers.__all__:
        known = [*layers.__all__, *(field.name for field in layers_pb2.Layer.DESCRIPTOR.oneofs[0].fields)]
        hint = suggest(name, known, what="layer")
        raise document.error(where, f"there is no layer {shown(name)}.{hint}", "UNKNOWN_LAYER")
    where = (*where, name)
    if "layer" in _parameters(name):
        value = _with_layer(document, where, value)
    try:
        return _call(name, value)
    except InvalidArgumentError as error:
        inner = _head(error.field)
        raise document.error((*where, inner) if inner else where, error.message, error.reason) from error


def _with_layer(document: Document, where: Where, value: object) -> object:
    """The arguments of a layer that holds one, with that one made; it may stand for all of them."""
    if isinstance(value, Mapping) and "layer" in value:
        if value["layer"] == {}:  # a message that holds nothing
            return value
        return {**value, "layer": _layer(document, (*where, "layer"), value["layer"])}
    if not value:
        return value
    if isinstance(value, list):
        return [_layer(document, (*where, 0), value[0]), *value[1:]]
    return {"layer": _layer(document, where, value)}


def _call(name: str, value: object) -> Layer:
    """What a constructor makes of arguments by name, in order, or of a single one."""
    return cast("Layer", _maker(name)(**_arguments_of(name, value)))


def _maker(name: str) -> Callable[..., object]:
    return cast("Callable[..., object]", getattr(layers if name in layers.__all__ else cells, name))


def _arguments_of(name: str, value: object) -> dict[str, object]:
    """Arguments by name, as they are or with what makes layers and cells inside a layer."""
    parameters = _parameters(name)
    if isinstance(value, Mapping):
        given = dict(value)
    else:
        items = [] if value is None else value if isinstance(value, list) else [value]
        order = [one for one in parameters.values() if one.kind is not one.KEYWORD_ONLY]
        if isinstance(value, list) and order and order[0].annotation in _LISTS and not _nested(items):
            items = [items]
        if len(items) > len(order):
            taken = ", ".join(one.name for one in order) or "none"
            raise InvalidArgumentError(
                f"{name} takes {len(order)} options in order ({taken}); {len(items)} were given.", reason="WRONG_LENGTH"
            )
        given = {one.name: item for one, item in zip(order, items, strict=False)}
    if "weights" in given:
        raise InvalidArgumentError(
            f"{name}: weights do not stand in this file; give them beside it, as a .npz.", field="weights"
        )
    for key in given:
        if key not in parameters:
            hint = suggest(str(key), [one for one in parameters if one != "weights"], what="option")
            raise InvalidArgumentError(
                f"{name} has no option {shown(key)}.{hint}", reason="UNKNOWN_OPTION", field=str(key)
            )
    missing = [one.name for one in parameters.values() if one.default is one.empty and given.get(one.name) is None]
    if missing:
        raise InvalidArgumentError(f"{name} needs {listed(missing)}.", reason="MISSING_OPTION")
    return {key: _made(item, parameters[key].annotation) for key, item in given.items()}


def _made(value: object, annotation: object) -> object:
    """What an argument says where layers or cells are taken: `{LSTM: 4}` or `{LSTM: {units: 4}}` makes one."""
    known = _INSIDE.get(annotation)
    if known is None:
        return value
    if isinstance(value, list):
        return [_made(item, annotation) for item in value]
    if isinstance(value, Mapping) and len(value) == 1 and (name := next(iter(value))) in known:
        return _call(name, value[name])
    return value


def _nested(items: list[object]) -> bool:
    """Whether the first argument is given as a list already."""
    return bool(items) and isinstance(items[0], list)


@cache
def _parameters(name: str) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(_maker(name)).parameters


def _head(field: str) -> str:
    """The option in which a path begins: kernel_size for kernel_size[0]."""
    return re.split(r"[.\[]", field, maxsplit=1)[0]


def _found(value: object) -> str:
    return "nothing" if value is None else shown(value)


def dump(stack: Stack) -> str:
    """A stack as YAML, without its weights; `load` gives an equal stack back."""
    options = {"layout": stack.layout, "outputs": list(stack.outputs)}
    lines = [f"{name}: {flow(value)}" for name, value in options.items() if value]
    lines += ["blocks:"] if stack.proto.blocks else []
    for block in stack.proto.blocks:
        lines.append(f"  {flow(block.name)}:")
        lines += [f"    outputs: {flow(list(block.outputs))}"] if block.outputs else []
        lines += _items([Layer(layer) for layer in block.layers], "    ")
    return "\n".join([*lines, *_items(stack.layers, "")]) + "\n"


def _items(layers: Sequence[Layer], indent: str) -> list[str]:
    written = [f"{indent}  - {_written(layer)}" for layer in layers]
    return [f"{indent}layers:", *written] if written else [f"{indent}layers: []"]


def _written(layer: Layer) -> str:
    """A layer on one line: as its constructor has it where that says everything, else as its message."""
    name, arguments = layer.class_name, _arguments(layer)
    if name in layers.__all__:
        try:
            said = _call(name, arguments).proto == layer.proto
        except InvalidArgumentError:  # a legal message that the constructor cannot say: rank 4, for one
            said = False
        if said:
            return f"{name}: {flow(arguments)}" if arguments else name
    return flow(json_format.MessageToDict(layer.proto, preserving_proto_field_name=True))


def _arguments(layer: Layer) -> dict[str, object]:
    """What a constructor takes to make this layer."""
    found = _options(layer.class_name, getattr(layer.proto, layer.field)) if layer.field else {}
    if layer.name is not None:
        found["name"] = layer.name
    if layer.inputs:
        found["inputs"] = list(layer.inputs)
    if layer.proto.HasField("expect"):
        found["expect"] = list(reading.shape(layer.proto.expect))
    if layer.weights_of:
        found["weights_of"] = layer.weights_of
    return found


def _options(name: str, message: Message) -> dict[str, object]:
    """The options with which a constructor makes a message."""
    ranked = re.search(r"[123]D", name) is not None
    given = [(field, value) for field, value in message.ListFields() if not says(name, field.name)]
    return {field.name: _plain(field, value, ranked) for field, value in given}


def _inner(message: Message) -> object:
    """A layer or cell inside a layer, as the constructor that makes it with its options."""
    held = reading.inside(message)
    if held is None:
        return {}
    name = naming.constructor(held)
    return {name: _options(name, held)}


def _plain(field: Any, value: Any, ranked: bool) -> object:
    """The value of a field as plain data that `messages.fill` takes."""
    if isinstance(value, options_pb2.Padding):
        pads = value.explicit.pads
        return name_of(options_pb2.PaddingMode.DESCRIPTOR, value.mode) or [[pad.before, pad.after] for pad in pads]
    if isinstance(value, activations_pb2.ActivationFunction):
        name = value.WhichOneof("function")
        options = {inner.name: _plain(inner, one, False) for inner, one in getattr(value, name or "relu").ListFields()}
        return {name: options} if options else name
    if isinstance(value, tensor_pb2.Shape):
        return list(reading.shape(value))
    if isinstance(value, layers_pb2.Layer):
        inside = Layer(value)
        return {inside.class_name: _arguments(inside)}
    if isinstance(value, merging_pb2.ConstantTensor):
        return reading.constant(value)
    if field.enum_type is not None and not field.is_repeated:
        return name_of(field.enum_type, value)
    if not field.is_repeated:
        return _inner(value) if isinstance(value, Message) else value
    if field.message_type is not None and not isinstance(value[0], options_pb2.PadPair):
        return [_inner(item) for item in value]
    items = [[item.before, item.after] if isinstance(item, options_pb2.PadPair) else item for item in value]
    one_for_all = ranked and not isinstance(items[0], list) and len({*items}) == 1
    return items[0] if one_for_all else items
