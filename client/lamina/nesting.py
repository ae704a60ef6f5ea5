"""Layers inside layers, as messages: which blocks they use, and what the names of their weights become.

A weight of a layer inside another has a path for a name: "conv1d/kernel" in the layer that holds it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lamina import naming
from lamina.errors import InvalidArgumentError
from lamina.v1 import layers_pb2

# Old names of a block's layers, and the new ones; None where a layer is gone, or is of another kind now.
Renamed = Mapping[str, "str | None"]


def add_block(proto: layers_pb2.Stack, block: layers_pb2.NamedStack) -> None:
    """Adds a block to a stack's message, once. Raises InvalidArgumentError where another block has its name."""
    known = next((one for one in proto.blocks if one.name == block.name), None)
    if known is None:
        proto.blocks.append(block)
    elif known != block:
        raise InvalidArgumentError(
            f"Stack: two different blocks are called {block.name!r}; give one of them another name.",
            reason="DUPLICATE_NAME",
            field="blocks",
        )


def used(layer: layers_pb2.Layer) -> Iterator[str]:
    """Names of the blocks that a layer uses, or one inside it."""
    options, inside = _parts(layer)
    if isinstance(options, layers_pb2.Block):
        yield options.stack
    if inside is not None:
        yield from used(inside)


def needed(proto: layers_pb2.Stack, names: Iterator[str]) -> list[layers_pb2.NamedStack]:
    """The blocks of these names with those that they use themselves, in the stack's order."""
    wanted = {*names}
    for block in reversed(proto.blocks):
        if block.name in wanted:
            wanted.update(name for layer in block.layers for name in used(layer))
    return [block for block in proto.blocks if block.name in wanted]


def same_kind(one: layers_pb2.Layer, other: layers_pb2.Layer) -> bool:
    """Whether two layers are of one kind, and so are those that they hold: the weights of one fit the other."""
    if one.WhichOneof("kind") != other.WhichOneof("kind"):
        return False
    inside, there = _parts(one)[1], _parts(other)[1]
    return inside is None or there is None or same_kind(inside, there)


def moved(
    layer: layers_pb2.Layer, weight: str, blocks: Mapping[str, layers_pb2.NamedStack], changed: str, names: Renamed
) -> str | None:
    """Name of a weight that a layer carries once the layers of a block have other names; None where it is gone."""
    head, slash, rest = weight.partition("/")
    options, inside = _parts(layer)
    if not slash:
        return weight
    new: str | None = head
    if isinstance(options, layers_pb2.Block):
        if options.stack == changed:
            new = names.get(head, head)
        inside = _named(blocks.get(options.stack), head)
    below = moved(inside, rest, blocks, changed, names) if inside is not None else rest
    return None if new is None or below is None else f"{new}/{below}"


def _named(block: layers_pb2.NamedStack | None, name: str) -> layers_pb2.Layer | None:
    """The layer of a block that has a name, given or default."""
    layers = list(block.layers) if block is not None else []
    given = [layer.name if layer.HasField("name") else None for layer in layers]
    names = naming.default_names([naming.class_name(layer) for layer in layers], given)
    return layers[names.index(name)] if name in names else None


def _parts(layer: layers_pb2.Layer) -> tuple[Any, layers_pb2.Layer | None]:
    """The options of a layer, and the layer among them."""
    options: Any = getattr(layer, layer.WhichOneof("kind") or "", None)
    held = (value for _, value in options.ListFields()) if options is not None else ()
    return options, next((value for value in held if isinstance(value, layers_pb2.Layer)), None)
