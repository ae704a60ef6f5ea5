"""A stack of layers as the server thinks of it: no protobuf, every reference resolved by name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from lamina_server.layers.base import Kind
from lamina_server.layers.base import Node as Node  # which a stack is made of, and a kind may hold
from lamina_server.layers.core.basics import Input
from lamina_server.layers.tensors import Layout
from lamina_server.words import snake_case as snake_case

NAME = re.compile(r"\w[\w.\-]{0,127}")
NAME_RULE = 'a name starts with a letter, digit or underscore and goes on with those, ".", "-", at most 128 in all'


@dataclass(frozen=True)
class Stack:
    """Layers in the order in which they run. `outputs` () means the last layer; `blocks` are stacks that layers use
    by name, each of which may use those before it."""

    nodes: tuple[Node, ...]
    layout: Layout = Layout.CHANNELS_LAST
    outputs: tuple[str, ...] = ()
    blocks: tuple["NamedStack", ...] = ()

    def with_node(self, index: int, node: Node) -> "Stack":
        """The stack with another layer at an index."""
        return replace(self, nodes=(*self.nodes[:index], node, *self.nodes[index + 1 :]))

    def without_node(self, index: int) -> "Stack":
        """The stack with one layer taken out."""
        return replace(self, nodes=(*self.nodes[:index], *self.nodes[index + 1 :]))

    def with_inserted(self, index: int, node: Node) -> "Stack":
        """The stack with a layer put in before an index."""
        return replace(self, nodes=(*self.nodes[:index], node, *self.nodes[index:]))

    def inputs(self) -> Iterator[tuple[int, Input]]:
        """Indices and kinds of the entry points."""
        return ((i, node.kind) for i, node in enumerate(self.nodes) if isinstance(node.kind, Input))


class NamedStack(NamedTuple):
    """A stack that layers use by name."""

    name: str
    stack: Stack


@dataclass
class Namer:
    """Gives default names as Keras does: `conv1d`, then `conv1d_1`; names given explicitly are never taken."""

    taken: set[str]
    counts: dict[str, int] = field(default_factory=dict)

    def name(self, title: str) -> str:
        """The next default name for a Keras class name."""
        base = snake_case(title)
        while True:
            count = self.counts.get(base, 0)
            self.counts[base] = count + 1
            name = f"{base}_{count}" if count else base
            if name not in self.taken:
                self.taken.add(name)
                return name


def field_name(kind: Kind | type[Kind]) -> str:
    """Field of the proto message Layer that holds a kind: `depthwise_conv`."""
    return kind.called or snake_case((kind if isinstance(kind, type) else type(kind)).__name__)
