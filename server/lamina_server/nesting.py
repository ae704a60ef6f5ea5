"""The layers inside a layer: which they are, and what their Inputs take."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from lamina_server.dims import Dim, Size
from lamina_server.errors import LayerError
from lamina_server.layers.base import Kind, plural
from lamina_server.layers.core.basics import Input
from lamina_server.layers.holders import Block, Holder
from lamina_server.layers.tensors import DType, Layout, Role, Spec
from lamina_server.stack import NAME, NAME_RULE, NamedStack, Node, Stack
from lamina_server.words import nearest, shortened

MAX_DEPTH = 16  # holders inside holders
MAX_NAME = 256  # characters of a whole name, "res1/conv2d": a trace holds many of them

Takers = dict[int, tuple[Kind, int]]


class Inside(NamedTuple):
    """What a holder holds, as it is written: layers with an Input for each tensor, and the path of these layers.

    `block` is the name of the block that they are; "" for one layer alone.
    """

    stack: Stack
    path: str
    block: str


class Blocks:
    """The blocks of the whole stack; the stack of a block has those before it."""

    def __init__(self, named: Sequence[NamedStack]) -> None:
        self.named = named
        self._index = {block.name: i for i, block in enumerate(named)}
        self._taken: dict[str, tuple[list[int], Takers]] = {}

    def inside(self, kind: Holder, stack: Stack) -> Inside:
        """What a layer of a stack holds; `path` is empty where that is written in the layer itself.

        Raises LayerError for a block that there is not, and for a layer alone that cannot stand there.
        """
        if not isinstance(kind, Block):
            _check_alone(kind.layer)
            return Inside(replace(stack, nodes=(Node(Input(())), kind.layer), outputs=()), "", "")
        index = self._index.get(kind.stack, len(self.named))
        if index >= len(stack.blocks):
            raise LayerError("UNKNOWN_BLOCK", self._unknown(kind.stack, len(stack.blocks)), field="stack")
        block = replace(self.named[index].stack, layout=stack.layout, blocks=stack.blocks[:index])
        return Inside(block, f"stack.blocks[{index}]", kind.stack)

    def roles(self, kind: Kind, position: int, rank: int, layout: Layout, depth: int = 0) -> tuple[Role, ...]:
        """What a layer takes the axes of its input at a position to be; a block asks the layer that takes it inside."""
        if depth <= MAX_DEPTH and isinstance(kind, Block) and kind.stack in self._index:
            entries, found = self._takers(kind.stack)
            taker = found.get(entries[position]) if position < len(entries) else None
            if taker:
                return self.roles(*taker, rank, layout, depth + 1)
        elif depth <= MAX_DEPTH and isinstance(kind, Holder) and not isinstance(kind, Block):
            return kind.around(rank, lambda inner: self.roles(kind.layer.kind, 0, inner, layout, depth + 1))
        return kind.roles(rank, layout)

    def _takers(self, name: str) -> tuple[list[int], Takers]:
        """Indices of a block's Inputs, and what takes them."""
        if name not in self._taken:
            block = self.named[self._index[name]].stack
            self._taken[name] = [i for i, _ in block.inputs()], takers(block)
        return self._taken[name]

    def _unknown(self, name: str, before: int) -> str:
        """Why there is no such block, for a layer that may use the first ones."""
        shown = shortened(name)
        if name not in self._index:
            return f"uses the block {shown}, which the stack does not have; {nearest(name, self._index)}"
        own = self.named[before].name
        if name == own:
            return f"stands in the block {shown} and uses it, which would never end"
        return f"uses the block {shown}, which comes after its own, {shortened(own)}; a block uses those before it"


def takers(stack: Stack) -> Takers:
    """For each Input the first layer that takes it, and at which of its inputs: it says what the axes are."""
    by_name = {node.name: i for i, node in enumerate(stack.nodes) if node.name}
    found: Takers = {}
    for i, node in enumerate(stack.nodes):
        if node.kind.begins:
            continue
        sources = [by_name.get(ref, -1) for ref in node.inputs] if node.inputs else [i - 1]
        for position, source in enumerate(sources):
            found.setdefault(source, (node.kind, position))
    return found


def bound_inside(
    kind: Holder, inside: Stack, given: Sequence[Spec], roles: Callable[[int, int], tuple[Role, ...]]
) -> Stack:
    """The layers inside with the sizes that come in the place of their Inputs' symbols. `roles` says what the axes of
    the tensor at a position are taken to be, for a rank.

    Raises LayerError where an Input inside declares other sizes, or there are more or fewer Inputs than tensors.
    """
    inputs = [(inside.nodes[i].name, declared) for i, declared in inside.inputs()]
    if inputs and len(inputs) != len(given):
        has = plural(len(inputs), "Input")
        text = f"holds a block with {has}, but takes {plural(len(given), 'tensor')}"
        raise LayerError("INPUT_COUNT", text, field="inputs", given=len(given), wanted=len(inputs))
    if not isinstance(kind, Block):
        return inside.with_node(0, Node(Input(given[0].shape[1:], given[0].dtype)))
    values: dict[str, Size] = {}
    for i, ((name, declared), spec) in enumerate(zip(inputs, given, strict=False), 1):
        if len(declared.shape) != spec.rank - 1:
            count = len(declared.shape)
            text = f"takes {count} {'axis' if count == 1 else 'axes'} without the batch at {_input(name)}"
            raise LayerError(
                "RANK_MISMATCH",
                f"{text}, but {{input_{i}}} is {spec}",
                field="inputs",
                expected=roles(i - 1, count + 1),
            )
        _match(_input(name), declared, spec, i, values)
    return replace(inside, nodes=tuple(node.bound(values) for node in inside.nodes)) if values else inside


def _check_alone(node: Node) -> None:
    """Raises LayerError for a layer that cannot stand alone inside another."""
    if node.inputs:
        text = "holds a layer with inputs of its own; the layer inside takes what this one takes"
        raise LayerError("UNSUPPORTED", text, field="layer.inputs")
    if node.kind.begins:
        what = "an Input" if isinstance(node.kind, Input) else f"{node.kind.title}, which takes nothing"
        raise LayerError("UNSUPPORTED", f"holds {what}; it needs a layer that computes", field="layer")
    fewest = node.kind.inputs[0]
    if fewest > 1:
        text = f"holds a layer that takes {fewest} inputs or more, {node.kind.title}, but one tensor comes"
        raise LayerError("UNSUPPORTED", text, field="layer")
    if node.name is not None and not NAME.fullmatch(node.name):
        raise LayerError("BAD_NAME", f"holds a layer named {shortened(node.name)}; {NAME_RULE}", field="layer.name")


def _match(name: str, declared: Input, spec: Spec, position: int, values: dict[str, Size]) -> None:
    """Holds a tensor to what an Input declares, and puts sizes in the place of symbols."""
    gets = f"{{input_{position}}}"
    if declared.dtype is not DType.FLOAT32 and declared.dtype is not spec.dtype:
        text = f"takes {declared.dtype.value} at {name}, but {gets} is {spec.dtype.value}"
        raise LayerError("DTYPE_MISMATCH", text, field="inputs")
    for i, (size, axis) in enumerate(zip(declared.shape, spec.axes[1:], strict=True), 1):
        free = isinstance(size, Dim) and size.text != "?"
        wanted = values.setdefault(str(size), axis.size) if free else size
        if str(wanted) not in ("?", str(axis.size)):
            said = f"{size} = {wanted}" if free else wanted
            what = axis.role.value if axis.role is not Role.NONE else "an axis"
            text = f"takes {what} {said} at {name}, but {gets} is {spec}"
            raise LayerError("SIZE_MISMATCH", text, field="inputs", position=position - 1, axis=i)


def _input(name: str | None) -> str:
    return f'the Input "{name}" of its block' if name else "the Input of its block"
