"""The layers inside a layer: which they are, and what their Inputs take."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lamina_server.dims import Dim, Size, substitute
from lamina_server.errors import LayerError
from lamina_server.layers.base import Kind, plural
from lamina_server.layers.core import Input
from lamina_server.layers.holders import Block, Holder
from lamina_server.layers.tensors import DType, Layout, Role, Spec
from lamina_server.stack import NamedStack, Node, Stack

MAX_DEPTH = 16  # holders inside holders


def stack_inside(kind: Holder, blocks: Sequence[NamedStack], layout: Layout) -> tuple[Stack, str]:
    """The layers that a holder holds, with an Input for each tensor, and where they are written: its path.

    Raises LayerError for a block that there is not.
    """
    if not isinstance(kind, Block):
        if kind.layer.inputs or isinstance(kind.layer.kind, Input):
            what = "inputs of its own" if kind.layer.inputs else "an Input"
            text = f"holds a layer with {what}; the layer inside takes what this one takes"
            raise LayerError("UNSUPPORTED", text, field="layer.inputs")
        return Stack((Node(Input(()), "input"), kind.layer), layout, blocks=tuple(blocks)), ""
    for i, (name, stack) in enumerate(blocks):
        if name == kind.stack:
            return replace(stack, layout=layout, blocks=tuple(blocks[:i])), f"stack.blocks[{i}]"
    known = f"it has {', '.join(name for name, _ in blocks)}" if blocks else "it has none"
    text = f'uses the block "{kind.stack[:60]}", which the stack does not have, or not before here; {known}'
    raise LayerError("UNKNOWN_BLOCK", text, field="stack")


def bound_inside(kind: Holder, inside: Stack, given: Sequence[Spec]) -> Stack:
    """The layers inside with the sizes that come in the place of their Inputs' symbols.

    Raises LayerError where an Input inside declares other sizes, or there are more or fewer Inputs than tensors.
    """
    inputs = [(node.name or f"input_{i}", node.kind) for i, node in enumerate(inside.nodes) if _is_input(node)]
    if len(inputs) != len(given):
        has = plural(len(inputs), "Input")
        text = f"holds a block with {has}, but takes {plural(len(given), 'tensor')}"
        raise LayerError("INPUT_COUNT", text, field="inputs", given=len(given), wanted=len(inputs))
    if not isinstance(kind, Block):
        return inside
    values: dict[str, Size] = {}
    for i, ((name, declared), spec) in enumerate(zip(inputs, given, strict=True), 1):
        assert isinstance(declared, Input)
        _match(name, declared, spec, i, values)
    nodes = tuple(
        node if _is_input(node) else node._replace(kind=node.kind.bound(values), expect=_expected(node, values))
        for node in inside.nodes
    )
    return replace(inside, nodes=nodes)


def roles_inside(kind: Kind, position: int, rank: int, stack: Stack, depth: int = 0) -> tuple[Role, ...]:
    """What a layer takes the axes of its input at a position to be; a block asks the layer that takes it inside."""
    if not isinstance(kind, Block):
        return kind.roles(rank, stack.layout)
    inside = next((block.stack for block in stack.blocks if block.name == kind.stack), None)
    entries = [i for i, node in enumerate(inside.nodes) if _is_input(node)] if inside else []
    if inside is None or position >= len(entries) or depth > MAX_DEPTH:
        return kind.roles(rank, stack.layout)
    found = takers(inside).get(entries[position])
    blocks = replace(inside, layout=stack.layout, blocks=stack.blocks)
    return roles_inside(found[0], found[1], rank, blocks, depth + 1) if found else kind.roles(rank, stack.layout)


def takers(stack: Stack) -> dict[int, tuple[Kind, int]]:
    """For each Input the first layer that takes it, and at which of its inputs: it says what the axes are."""
    by_name = {node.name: i for i, node in enumerate(stack.nodes) if node.name}
    found: dict[int, tuple[Kind, int]] = {}
    for i, node in enumerate(stack.nodes):
        if _is_input(node):
            continue
        sources = [by_name.get(ref, -1) for ref in node.inputs] if node.inputs else [i - 1]
        for position, source in enumerate(sources):
            found.setdefault(source, (node.kind, position))
    return found


def _is_input(node: Node) -> bool:
    return isinstance(node.kind, Input)


def _match(name: str, declared: Input, spec: Spec, position: int, values: dict[str, Size]) -> None:
    if len(declared.shape) != spec.rank - 1:
        text = f"{name} of its block has {plural(len(declared.shape), 'axis')}".replace("axiss", "axes")
        raise LayerError("RANK_MISMATCH", f"gets {{input_{position}}}, which is {spec}; {text} without the batch")
    if declared.dtype is not DType.FLOAT32 and declared.dtype is not spec.dtype:
        text = f"takes {declared.dtype.value} at {name} of its block, but {{input_{position}}} is {spec.dtype.value}"
        raise LayerError("DTYPE_MISMATCH", text, field="inputs")
    for axis, (size, found) in enumerate(zip(declared.shape, spec.shape[1:], strict=True), 1):
        wanted = values.setdefault(size.text, found) if isinstance(size, Dim) and size.text != "?" else size
        if str(wanted) not in ("?", str(found)):
            text = f"takes {wanted} along axis {axis} at {name} of its block, but {{input_{position}}} has {found}"
            raise LayerError("SIZE_MISMATCH", f"{text}: it is {spec}", field="inputs")


def _expected(node: Node, values: Mapping[str, Size]) -> tuple[Size, ...] | None:
    if node.expect is None:
        return None
    return tuple(size if str(size) == "?" else substitute(size, values) for size in node.expect)
