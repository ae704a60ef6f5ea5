"""Symbols replaced by the sizes of actual inputs."""

from collections.abc import Mapping
from dataclasses import replace

from lamina_server.dims import Dim, Size
from lamina_server.errors import StackError
from lamina_server.layers.core.basics import Input
from lamina_server.records import Diagnosis, Trace
from lamina_server.stack import Stack


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
    blocks = tuple(block._replace(stack=_within(block.stack, values)) for block in stack.blocks)
    return replace(stack, nodes=tuple(node.bound(values) for node in nodes), blocks=blocks)


def _within(block: Stack, values: Mapping[str, Size]) -> Stack:
    """A block where the stack's symbols are these; those of its own Inputs stand for what comes at each use."""
    own = {str(size) for _, kind in block.inputs() for size in kind.shape}
    seen = {name: size for name, size in values.items() if name not in own}
    return replace(block, nodes=tuple(node.bound(seen) for node in block.nodes)) if seen else block


def too_short(found: Trace, shapes: Mapping[str, tuple[int, ...]]) -> str:
    """A sentence for each symbol that is less than the stack can take; "" where none is."""
    sizes = {
        size.text: number
        for layer in found.inputs
        for size, number in zip(layer.done.spec.shape[1:], shapes[layer.name][1:], strict=True)
        if isinstance(size, Dim)
    }
    return " ".join(
        f"{name} is {number} here; the smallest {name} that this stack takes is {found.ranges[name]}."
        for name, number in sorted(sizes.items())
        if number < found.ranges.get(name, 1)
    )
