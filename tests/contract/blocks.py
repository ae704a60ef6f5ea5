"""Random stacks of blocks, and the flat stacks that they stand for."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lamina_server.dims import Dim, Size, symbol
from lamina_server.errors import StackError
from lamina_server.layers.core.basics import Input
from lamina_server.layers.holders import Block, BlockName
from lamina_server.layers.tensors import Spec
from lamina_server.records import Trace
from lamina_server.stack import NamedStack, Node, Stack
from lamina_server.trace import trace
from tests.contract.stacks import random_stack

ANY = symbol("?")


def random_blocks(r: random.Random) -> tuple[Stack, dict[str, int]]:
    """A legal stack with blocks, some inside others, some used again, and a usual number for each symbol."""
    stack, usual = random_stack(r, lambda *_: None)
    stack = replace(stack, outputs=(stack.nodes[-1].name or "",))
    for i in range(r.randint(1, 3)):
        stack = _carved(r, stack, f"b{i}")
    for i in range(r.randint(0, 2)):
        stack = _used_again(r, stack, f"again{i}")
    return stack, usual


def _carved(r: random.Random, stack: Stack, name: str) -> Stack:
    """The stack with some neighbours, and perhaps a block among them, put into a block."""
    first = next(i for i, node in enumerate(stack.nodes) if not isinstance(node.kind, Input))
    if first == len(stack.nodes) - 1:
        return stack
    start = r.randint(first, len(stack.nodes) - 1)
    end = r.randint(start + 1, len(stack.nodes))
    specs, group, rest = trace(stack).specs, stack.nodes[start:end], stack.nodes[end:]
    inner = {node.name for node in group}
    taken = dict.fromkeys(ref for node in group for ref in node.inputs if ref.split(":")[0] not in inner)
    if not taken:  # a Parameter by itself: a block has an Input
        return stack
    later = [*(ref for node in rest for ref in node.inputs), *stack.outputs]
    given = list(dict.fromkeys(ref for ref in later if ref.split(":")[0] in inner)) or [str(group[-1].name)]
    entries, values = [], dict[str, Size]()
    for i, ref in enumerate(taken):
        shape = tuple(_declared(r, size, f"q{i}{axis}", values) for axis, size in enumerate(specs[ref].shape[1:]))
        entries.append(Node(Input(shape), f"in{i}"))
    names = dict(zip(taken, (f"in{i}" for i in range(len(taken))), strict=True))
    inside = [node.bound(values)._replace(inputs=tuple(names.get(ref, ref) for ref in node.inputs)) for node in group]
    r.shuffle(given)
    outputs = () if given == [group[-1].name] and r.random() < 0.5 else tuple(given)
    block = NamedStack(name, Stack((*entries, *inside), outputs=outputs))
    use = Node(Block(BlockName(name)), f"use_{name}", tuple(taken))
    new = {ref: f"use_{name}:{ref}" if i else f"use_{name}" for i, ref in enumerate(given)}
    after = [node._replace(inputs=tuple(new.get(ref, ref) for ref in node.inputs)) for node in rest]
    kept = tuple(new.get(ref, ref) for ref in stack.outputs)
    return Stack((*stack.nodes[:start], use, *after), stack.layout, kept, (*stack.blocks, block))


def _declared(r: random.Random, size: Size, name: str, values: dict[str, Size]) -> Size:
    """What an Input of a block may declare where a size comes; a new symbol takes the place of one that comes alone."""
    plain = isinstance(size, int) or size.text in size.symbols
    chosen = r.choice([ANY, symbol(name), *([size] * 2 if plain else [])])
    if isinstance(size, Dim) and plain and chosen not in (ANY, size):
        values.setdefault(size.text, chosen)
    return chosen


def _used_again(r: random.Random, stack: Stack, name: str) -> Stack:
    """The stack with one more use of a block, with weights of its own or those of an earlier use."""
    uses = [node for node in stack.nodes if isinstance(node.kind, Block)]
    refs = [ref for ref in trace(stack).specs if "/" not in ref]
    for _ in range(6):
        if not uses:
            break
        use = r.choice(uses)
        inputs = tuple(r.choice(refs) for _ in use.inputs)
        shared = use.name if r.random() < 0.5 else None
        longer = replace(
            stack,
            nodes=(*stack.nodes, Node(use.kind, name, inputs, weights_of=shared)),
            outputs=(*stack.outputs, name),
        )
        try:
            trace(longer)
        except StackError:
            continue
        return longer
    return stack


@dataclass
class Flat:
    """A stack without its blocks: `names` are those of the layers, by what the stack with blocks calls them."""

    stack: Stack
    names: dict[str, str]


def flat(stack: Stack) -> Flat:
    """The layers of a stack and of its blocks, one after the other: "use/conv" is called "use.conv"."""
    found = _Inliner(stack, trace(stack))
    refs = found.layers(stack, "", ())
    return Flat(Stack(tuple(found.nodes), stack.layout, tuple(refs[ref] for ref in stack.outputs)), found.names)


@dataclass
class _Inliner:
    """Writes the layers of blocks out. References are looked up by those of the layers around."""

    stack: Stack
    traced: Trace
    nodes: list[Node] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def layers(self, stack: Stack, prefix: str, entries: Sequence[tuple[str, Spec]]) -> dict[str, str]:
        """Adds the layers of a stack; returns what its references are called now."""
        refs: dict[str, str] = {}
        values: dict[str, Size] = {}
        coming = iter(entries)
        for node in stack.nodes:
            name = str(node.name)
            if isinstance(node.kind, Input) and prefix:
                refs[name], spec = next(coming)
                for size, actual in zip(node.kind.shape, spec.shape[1:], strict=True):
                    values[str(size)] = actual
            elif isinstance(node.kind, Block):
                refs.update(self._block(node, node.kind, prefix, refs))
            else:
                refs.update(self._one(node.bound(values) if prefix else node, prefix, refs))
        return refs

    def _block(self, node: Node, kind: Block, prefix: str, refs: dict[str, str]) -> dict[str, str]:
        block = next(block.stack for block in self.stack.blocks if block.name == kind.stack)
        layer = self.traced.layer(f"{prefix}{node.name}")
        entries = [(refs[ref], spec) for ref, spec in zip(node.inputs, layer.inputs, strict=True)]
        inside = self.layers(block, f"{layer.name}/", entries)
        results = [inside[result.removeprefix(f"{layer.name}/")] for result in layer.results]
        return {ref.removeprefix(prefix): result for ref, result in zip(layer.refs, results, strict=True)}

    def _one(self, node: Node, prefix: str, refs: dict[str, str]) -> dict[str, str]:
        layer = self.traced.layer(f"{prefix}{node.name}")
        new = self.names[layer.name] = layer.name.replace("/", ".")
        shared = layer.owner.replace("/", ".") if layer.owner != layer.name and layer.done.weights else None
        inputs = tuple(refs[ref] for ref in node.inputs)
        self.nodes.append(node._replace(name=new, inputs=inputs, weights_of=shared))
        return {ref.removeprefix(prefix): ref.replace("/", ".") for ref in layer.refs}
