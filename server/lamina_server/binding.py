"""Symbols replaced by the sizes of actual inputs."""

from collections.abc import Mapping
from dataclasses import replace

from lamina_server.dims import Dim, Size, evaluate
from lamina_server.errors import StackError
from lamina_server.layers.core import Input
from lamina_server.records import Diagnosis, Trace
from lamina_server.stack import Stack


def bind(stack: Stack, shapes: dict[str, tuple[int, ...]], found: Trace) -> Stack:
    """The stack with its symbols replaced by the sizes of actual inputs (batch included in the shapes).

    Raises StackError where one symbol would have to be two numbers at once.
    """
    values: dict[str, int] = {}
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
    bound = [node._replace(kind=node.kind.bound(values), expect=_bound(node.expect, values)) for node in nodes]
    return replace(stack, nodes=tuple(bound))


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


def _bound(expect: tuple[Size, ...] | None, values: dict[str, int]) -> tuple[Size, ...] | None:
    if expect is None:
        return None
    return tuple(size if str(size) == "?" or isinstance(size, int) else evaluate(size, values) for size in expect)
