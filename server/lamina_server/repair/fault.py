"""A fault with what the writers of candidates ask about it, and the steps they are made of."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

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
        if not self.node.inputs:
            return (InsertNode(self.index, Node(kind)),)
        name = f"{self.producers[which].name}_{type(kind).__name__.lower()}"
        refs = (*self.node.inputs[:which], name, *self.node.inputs[which + 1 :])
        return (
            InsertNode(self.index, Node(kind, name, (self.node.inputs[which],))),
            ReplaceNode(self.index + 1, self.node._replace(inputs=refs)),
        )
