"""What a fix is made of: steps on a stack, or on an array of the caller's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from lamina_server.layers.tensors import DType, Layout
from lamina_server.stack import Node, Stack


class InsertNode(NamedTuple):
    """Puts a layer in before an index."""

    at: int
    node: Node


class ReplaceNode(NamedTuple):
    """Puts a layer in the place of another."""

    at: int
    node: Node


class RemoveNode(NamedTuple):
    """Takes a layer out."""

    at: int


class SetLayout(NamedTuple):
    """Changes the layout of the whole stack."""

    layout: Layout


class InBlock(NamedTuple):
    """Takes a step in the layers of a block, wherever it is used."""

    block: str
    step: InsertNode | ReplaceNode | RemoveNode


class ExpandArray(NamedTuple):
    """Puts an axis of size 1 into the array for an Input."""

    name: str
    axis: int


class DropAxis(NamedTuple):
    """Takes an axis of size 1 out of the array for an Input."""

    name: str
    axis: int


class MoveAxes(NamedTuple):
    """Reorders the axes of the array for an Input."""

    name: str
    axes: tuple[int, ...]


class CastArray(NamedTuple):
    """Converts the elements of the array for an Input."""

    name: str
    dtype: DType


StackStep = InsertNode | ReplaceNode | RemoveNode | SetLayout | InBlock
ArrayStep = ExpandArray | DropAxis | MoveAxes | CastArray


@dataclass(frozen=True)
class Fix:
    """A change that makes a refused request legal: what it means, what comes out, and the steps."""

    title: str
    outcome: str = ""
    stack_steps: tuple[StackStep, ...] = ()
    array_steps: tuple[ArrayStep, ...] = ()


def apply(stack: Stack, steps: Iterable[StackStep]) -> Stack:
    """The stack after the steps."""
    for step in steps:
        match step:
            case InsertNode(at, node):
                stack = stack.with_inserted(at, node)
            case ReplaceNode(at, node):
                stack = stack.with_node(at, node)
            case RemoveNode(at):
                stack = stack.without_node(at)
            case SetLayout(layout):
                stack = replace(stack, layout=layout)
            case InBlock(name, inner):
                found = (b._replace(stack=apply(b.stack, [inner])) if b.name == name else b for b in stack.blocks)
                stack = replace(stack, blocks=tuple(found))
    return stack


def reshaped(shape: Sequence[int], step: ArrayStep) -> tuple[int, ...]:
    """The shape of an array after a step."""
    sizes = list(shape)
    match step:
        case ExpandArray(_, axis):
            sizes.insert(axis, 1)
        case DropAxis(_, axis):
            del sizes[axis]
        case MoveAxes(_, axes):
            sizes = [shape[axis] for axis in axes]
    return tuple(sizes)
