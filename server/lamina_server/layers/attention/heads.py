"""Projections to several heads and back: the weights of Keras' multi-head attention, their counts and their nodes."""

from collections.abc import Iterable, Sequence
from math import prod, sqrt
from typing import NamedTuple

import numpy as np

from lamina_server.dims import Size
from lamina_server.formula import Derived, derive
from lamina_server.layers.attention.attending import Scores, Sight
from lamina_server.layers.base import Weight
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import DType


class Heads(NamedTuple):
    """`number` heads of queries and `groups` heads of keys and values, a divisor of it; sizes of a key and of a value;
    sizes that come out; whether there are biases and a gate; what their weights' names start with; whether a trained
    key and value, and one of zeros, stand behind the others.
    """

    number: int
    groups: int
    key: int
    value: int
    out: tuple[int, ...]
    bias: bool = True
    gate: bool = False
    prefix: str = ""
    trained: bool = False
    zeros: bool = False

    @property
    def always(self) -> int:
        """Number of keys behind those given, which every query sees."""
        return self.trained + self.zeros

    def weights(self, query: int, key: int, value: int) -> tuple[Weight, ...]:
        """Kernels (features, heads, size) and biases (heads, size), back (heads, size, out), for inputs so wide."""
        rows = [
            ("query", (query,), (self.number, self.key)),
            ("key", (key,), (self.groups, self.key)),
            *([("gate", (query,), (self.number, self.value))] if self.gate else []),
            ("value", (value,), (self.groups, self.value)),
            ("attention_output", (self.number, self.value), self.out),
        ]
        found = []
        for name, taken, given in rows:
            name = f"{self.prefix}{name}"
            found.append(Weight(f"{name}/kernel", (*taken, *given), "glorot", prod(taken), prod(given)))
            if self.bias:
                found.append(Weight(f"{name}/bias", given))
        if self.trained:
            pair = (("bias_k", self.key), ("bias_v", self.value))
            found += [Weight(name, (self.number, size), "glorot", self.number, size) for name, size in pair]
        return tuple(found)

    def params(self, query: int, key: int, value: int) -> Derived:
        """Number of weights."""

        def into(name: str) -> str:
            return f"({name} + 1)" if self.bias else name

        groups = "heads" if self.groups == self.number else "groups"
        gate = f" + heads * value_dim * {into('query')}" if self.gate else ""
        back = "(heads * value_dim + 1) * out" if self.bias else "heads * value_dim * out"
        back += " + heads * (key_dim + value_dim)" if self.trained else ""
        return derive(
            f"heads * key_dim * {into('query')} + {groups} * key_dim * {into('key')} + {groups} * value_dim * "
            f"{into('value')}{gate} + {back}",
            **{groups: self.groups, "heads": self.number, "key_dim": self.key, "value_dim": self.value},
            query=query,
            key=key,
            value=value,
            out=prod(self.out),
        )

    def macs(self, widths: tuple[int, int, int], queries: Size, keys: Size, pairs: Size) -> Derived:
        """Multiply-adds of the projections, and of each pair of a query and a key."""
        query, key, value = widths
        groups = "heads" if self.groups == self.number else "groups"
        gate = " + queries * heads * value_dim * query" if self.gate else ""
        return derive(
            f"queries * heads * key_dim * query + keys * {groups} * (key_dim * key + value_dim * value){gate}"
            " + pairs * heads * (key_dim + value_dim) + queries * heads * value_dim * out",
            **{groups: self.groups, "heads": self.number, "key_dim": self.key, "value_dim": self.value},
            query=query,
            key=key,
            value=value,
            out=prod(self.out),
            queries=queries,
            keys=keys,
            pairs=pairs,
        )

    def sentences(self) -> tuple[str, ...]:
        """The keys that every query sees, in words."""
        said = ["A trained key and value stand behind the others; every query sees them."] if self.trained else []
        if self.zeros:
            said.append("A key and a value of zeros stand behind all others; every query sees them.")
        return tuple(said)

    def scratch(self, queries: Size, keys: Size, pairs: Size) -> Size:
        """Elements per sample of scores, weights and projections."""
        return (
            pairs * (2 * self.number)
            + queries * (self.number * (self.key + self.value))
            + keys * (self.groups * (self.key + self.value))
        )

    def emit(
        self, graph: Graph, taken: tuple[str, str, str], scores: Scores, sight: Sight, masks: Sequence[Value]
    ) -> tuple[str, str]:
        """Answers (batch, ..., queries, out) and weights (batch, ..., heads, queries, keys), the sizes in `out` merged.

        Taken are query, value and key, each (batch, ..., attended axes, features).
        """
        dtype, batch = scores.spec.dtype, scores.lead - 1
        first, copied = tuple(range(batch)), [0] * batch
        swapped = (*first, batch + 1, batch, batch + 2)
        query, value, key = taken
        grouped = self.groups != self.number

        def headed(name: str, which: str, count: int, size: int, order: tuple[int, ...]) -> str:
            name = dense(graph, name, f"{self.prefix}{which}", bias=self.bias)
            if which == "query":
                name = graph.node("Mul", [name, graph.const(1 / sqrt(self.key), dtype)])
            return graph.node(
                "Transpose", [graph.node("Reshape", [name, graph.ints([*copied, -1, count, size])])], perm=order
            )

        q = headed(query, "query", self.number, self.key, swapped)
        k = headed(key, "key", self.groups, self.key, (*first, batch + 1, batch + 2, batch))
        v = headed(value, "value", self.groups, self.value, swapped)
        if grouped:  # the queries of all heads of a group stand one after the other
            q = graph.node("Reshape", [q, graph.ints([*copied, self.groups, -1, self.key])])
        name = graph.node("MatMul", [q, k])
        if grouped:
            name = graph.node("Reshape", [name, graph.shape([*copied, self.number, scores.queries, -1])])
        always = ""
        if self.always:
            always = graph.node("MatMul", [q, self._behind(graph, "bias_k", dtype, (1, 2, 0))])
            sizes = graph.shape([*scores.spec.shape[:batch], self.number, self.always, self.value])
            behind = graph.node("Expand", [self._behind(graph, "bias_v", dtype, (1, 0, 2)), sizes])
            v = graph.node("Concat", [v, behind], axis=-2)
        weights = shares = sight.weights(graph, name, scores, masks, always)
        if grouped:
            shares = graph.node("Reshape", [weights, graph.shape([*copied, self.groups, -1, scores.keys])])
        name = graph.node("MatMul", [shares, v])
        if grouped:
            name = graph.node("Reshape", [name, graph.ints([*copied, self.number, -1, self.value])])
        name = graph.node("Transpose", [name], perm=swapped)
        width = self.number * self.value
        name = graph.node("Reshape", [name, graph.ints([*copied, 0, width])])
        if self.gate:
            gate = graph.node("Sigmoid", [dense(graph, query, f"{self.prefix}gate", bias=self.bias)])
            if scores.along > 1:
                gate = graph.node("Reshape", [gate, graph.ints([*copied, -1, width])])
            name = graph.node("Mul", [name, gate])
        return dense(graph, name, f"{self.prefix}attention_output", bias=self.bias, rows=width), weights

    def _behind(self, graph: Graph, name: str, dtype: DType, order: tuple[int, ...]) -> str:
        """The keys or values behind those given, (number, heads, size) in this order of axes."""
        zeros = np.zeros((int(self.zeros), self.number, self.key if name == "bias_k" else self.value))
        if not self.trained:
            return graph.const(zeros.transpose(order), dtype)
        return graph.weight(name, lambda w: np.concatenate([w[None], zeros.astype(w.dtype)]).transpose(order))


def dense(graph: Graph, name: str, which: str, *, bias: bool, rows: int = 0) -> str:
    """Nodes of a fully connected layer over the last axis: its kernel's first axis, or as many rows as that merges."""
    kernel = graph.weight(f"{which}/kernel", lambda w: w.reshape(rows or w.shape[0], -1))
    name = graph.node("MatMul", [name, kernel])
    return graph.node("Add", [name, graph.weight(f"{which}/bias", lambda b: b.reshape(-1))]) if bias else name


def shown(graph: Graph, weights: str, scores: Scores) -> Value:
    """The weights with an axis for each axis of queries and keys."""
    spec = scores.shown
    if scores.along > 1:
        sizes: list[Size] = [*[0] * scores.lead, *scores.spec.shape[scores.lead : -1], -1]
        weights = graph.node("Reshape", [weights, graph.shape(sizes)])
    return graph.logical(weights, spec)


def bias_adds(weights: Iterable[Weight], queries: Size, keys: Size, far: str = "") -> Derived | None:
    """Additions of biases: at each query, but those of keys and values at each key, where their names begin so."""
    near = there = 0
    for weight in weights:
        *_, part, kind = ("", *weight.name.split("/"))
        if kind == "bias" and part in ("key", "value") and weight.name.startswith(far):
            there += weight.size
        elif kind == "bias":
            near += weight.size
    if not near and not there:
        return None
    return derive("queries * near + keys * there", queries=queries, near=near, keys=keys, there=there)
