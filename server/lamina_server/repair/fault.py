"""A fault with what the writers of candidates ask about it, and the steps they are made of."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lamina_server.dims import Dim, Size
from lamina_server.layers.base import Kind
from lamina_server.layers.tensors import Layout, Spec
from lamina_server.records import Diagnosis
from lamina_server.repair.steps import InsertNode, RemoveNode, ReplaceNode, StackStep
from lamina_server.stack import Node, Stack

Candidate = tuple[str, tuple[StackStep, ...]]


class Fault:
    """A fault with what the writers of candidates ask about it."""

    def __init__(self, stack: Stack, found: Diagnosis) -> None:
        self.stack, self.found, self.index = stack, found, found.index
        self.node = stack.nodes[found.index]
        self.kind: Any = self.node.kind.held or self.node.kind  # what its options are about
        self.facts = found.facts
        self.got = list(found.got.values())
        self.refs = list(found.got)
        layers = found.partial.layers if found.partial else []
        self.producers = [next(x for x in layers if ref in x.refs) for ref in self.refs]
        self.layout: Layout = getattr(self.kind, "data_format", None) or stack.layout

    @property
    def x(self) -> Spec:
        return self.got[0]

    def changed(self, **options: Any) -> tuple[StackStep, ...]:
        """This layer, or the one inside it, with other options."""
        kind = replace(self.kind, **options)
        whole = self.node.kind.holding(kind) if self.node.kind.held else kind
        return (ReplaceNode(self.index, self.node._replace(kind=whole)),)

    def exchanged(self, kind: Kind) -> tuple[StackStep, ...]:
        """Another kind in this layer's place."""
        return (ReplaceNode(self.index, self.node._replace(kind=kind)),)

    def removed(self, index: int, why: str) -> Iterator[Candidate]:
        """A layer taken out, where nobody names it and it names nobody, so that its neighbours simply meet."""
        named = {ref.split(":")[0] for node in self.stack.nodes for ref in node.inputs} | set(self.stack.outputs)
        node = self.stack.nodes[index]
        if not node.inputs and node.name not in named:
            yield f"{why}: take it out", (RemoveNode(index),)

    def before(self, kind: Kind, which: int = 0) -> tuple[StackStep, ...]:
        """A layer between this one and one of its inputs."""
        return put_before(self.stack, self.index, kind, which)

    @property
    def known(self) -> list[str]:
        """References that the layer may name."""
        prefix = self.found.layer[: self.found.layer.rfind("/") + 1]
        specs = self.found.partial.specs if self.found.partial else {}
        inner = (ref.removeprefix(prefix) for ref in specs if ref.startswith(prefix))
        return [ref for ref in inner if "/" not in ref]


def put_before(stack: Stack, index: int, kind: Kind, which: int = 0) -> tuple[StackStep, ...]:
    """A layer between the one at an index and one of its inputs."""
    node = stack.nodes[index]
    if not node.inputs:
        return (InsertNode(index, Node(kind)),)
    source = node.inputs[which]
    name = f"{source.split(':')[0]}_{type(kind).__name__.lower()}"
    refs = (*node.inputs[:which], name, *node.inputs[which + 1 :])
    return InsertNode(index, Node(kind, name, (source,))), ReplaceNode(index + 1, node._replace(inputs=refs))


def written(sizes: tuple[Size, ...]) -> tuple[Size, ...] | None:
    """A target shape as a request can write it, which knows symbols but no arithmetic: one such size becomes -1, and
    with more there is none.
    """
    computed = [i for i, size in enumerate(sizes) if isinstance(size, Dim) and size.text not in size.symbols]
    if len(computed) > 1:
        return None
    return tuple(-1 if i in computed else size for i, size in enumerate(sizes))
