"""A stack of layers as the server thinks of it: no protobuf, every reference resolved by name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from lamina_server.dims import Size
from lamina_server.layers.base import Kind
from lamina_server.layers.core import Input
from lamina_server.layers.tensors import Layout
from lamina_server.words import snake_case as snake_case

NAME = re.compile(r"\w[\w.\-]{0,127}")


class Node(NamedTuple):
    """One layer in its place. `name` None means Keras' default; `inputs` () means the layer before."""

    kind: Kind
    name: str | None = None
    inputs: tuple[str, ...] = ()
    expect: tuple[Size, ...] | None = None


@dataclass(frozen=True)
class Stack:
    """Layers in the order in which they run. `outputs` () means the last layer."""

    nodes: tuple[Node, ...]
    layout: Layout = Layout.CHANNELS_LAST
    outputs: tuple[str, ...] = ()

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
    return snake_case((kind if isinstance(kind, type) else type(kind)).__name__)
