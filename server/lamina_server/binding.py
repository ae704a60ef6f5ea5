"""Symbols replaced by the sizes of actual inputs."""

from collections.abc import Mapping
from dataclasses import replace

from lamina_server.dims import Dim, Size
from lamina_server.errors import InvalidRequestError, StackError
from lamina_server.layers.core.basics import Input
from lamina_server.records import Diagnosis, Trace
from lamina_server.stack import Stack
from lamina_server.words import nearest, shortened


def bind(stack: Stack, shapes: dict[str, tuple[int, ...]], found: Trace) -> Stack:
    """The stack with its symbols replaced by the sizes of actual inputs (batch included in the shapes).

    Raises StackError where one symbol would have to be two numbers at once.
    """
    values: dict[str, Size] = {}
    nodes = list(stack.nodes)
    for layer in found.inputs:
        kind = layer.node.kind
        assert isinstance(kind, Input)
        actual = shapes[layer.name][1:]
        for size, number in zip(layer.done.spec.shape[1:], actual, strict=True):
            if isinstance(size, Dim) and values.setdefault(size.text, number) != number:
                raise StackError(
                    Diagnosis(
                        "SYMBOL_CONFLICT",
                        f"{size} is {values[size.text]} in one input and {number} in "
                        f"{layer.name}; a symbol stands for one number.",
                        "inputs",
                    )
                )
        nodes[layer.index] = layer.node._replace(kind=Input(actual, kind.dtype))
    return put(replace(stack, nodes=tuple(nodes)), values)


def at(found: Trace, values: Mapping[str, Size]) -> Stack:
    """The stack of a trace with numbers in the place of some of its symbols, also of those that the server named."""
    nodes = list(found.stack.nodes)
    for layer in found.inputs:
        kind = layer.node.kind
        assert isinstance(kind, Input)
        nodes[layer.index] = layer.node._replace(kind=Input(layer.done.spec.shape[1:], kind.dtype))
    return put(replace(found.stack, nodes=tuple(nodes)), values)


def put(stack: Stack, values: Mapping[str, Size]) -> Stack:
    """The stack with numbers in the place of some of its symbols; what is written "?" stays."""
    blocks = tuple(block._replace(stack=_within(block.stack, values)) for block in stack.blocks)
    return replace(stack, nodes=tuple(node.bound(values) for node in stack.nodes), blocks=blocks)


def check_values(found: Trace, values: Mapping[str, int]) -> None:
    """Raises InvalidRequestError for a name that is no symbol of the stack, and for a number that is no size."""
    for name, value in sorted(values.items()):
        field = "symbol_values"
        if name not in found.symbols:
            raise InvalidRequestError(
                f"This stack has no symbol {shortened(name)}: {nearest(name, sorted(found.symbols))}",
                reason="UNKNOWN_SYMBOL",
                field=field,
            )
        if value < 1:
            raise InvalidRequestError(f"{name} is {value}; a size is 1 or more.", reason="OUT_OF_RANGE", field=field)


def _within(block: Stack, values: Mapping[str, Size]) -> Stack:
    """A block where the stack's symbols are these; those of its own Inputs stand for what comes at each use."""
    own = {str(size) for _, kind in block.inputs() for size in kind.shape}
    seen = {name: size for name, size in values.items() if name not in own}
    return replace(block, nodes=tuple(node.bound(seen) for node in block.nodes)) if seen else block


def sizes_of(found: Trace, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """What the symbols are in actual inputs."""
    return {
        size.text: number
        for layer in found.inputs
        for size, number in zip(layer.done.spec.shape[1:], shapes[layer.name][1:], strict=True)
        if isinstance(size, Dim)
    }


def too_short(found: Trace, sizes: Mapping[str, int]) -> str:
    """A sentence for each symbol that is less than the stack can take; "" where none is."""
    return " ".join(
        f"{name} is {number} here; the smallest {name} that this stack takes is {found.ranges[name]}."
        for name, number in sorted(sizes.items())
        if number < found.ranges.get(name, 1)
    )
