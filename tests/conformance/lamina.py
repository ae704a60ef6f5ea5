"""Stacks put together layer by layer, with the numbers of another project's model; and the kinds by name."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from lamina_server import runtime  # first: it turns ONNX Runtime's telemetry off
from lamina_server.dims import symbol
from lamina_server.errors import StackError
from lamina_server.explain import explain, how
from lamina_server.export import export, output_name
from lamina_server.layers import FUNCTIONS, KINDS
from lamina_server.layers.broadcasting import ConstantTensor
from lamina_server.layers.core.basics import Input
from lamina_server.layers.tensors import DType, Layout
from lamina_server.layers.windows import PadPair
from lamina_server.records import LayerTrace
from lamina_server.runtime.device import CPU
from lamina_server.stack import NamedStack, Node, Stack
from lamina_server.trace import trace
from lamina_server.weights import weights_of
from lamina_server.widen import widened
from lamina_server.wire.stacks import decode_stack, encode_stack
from tests.contract import words

Array = np.ndarray[Any, Any]
FIRST, LAST = Layout.CHANNELS_FIRST, Layout.CHANNELS_LAST

DEVICE = runtime.Device("cpu", ((CPU, {}),), 1)


class Unmapped(Exception):  # noqa: N818 - a verdict, not an error
    """Lamina has no layer for what a case asks; says which."""


class _Names(SimpleNamespace):
    """Classes by their names."""

    def __getattr__(self, name: str) -> Any:
        raise Unmapped(f"Lamina has no {name}")


kinds: Any = _Names(**{kind.__name__: kind for kind in KINDS})
functions: Any = _Names(**{function.__name__: function for function in FUNCTIONS})


@dataclass(frozen=True)
class Check:
    """A stack, the numbers that go in, and those that must come out, by reference."""

    stack: Stack
    inputs: Mapping[str, Array]
    weights: Mapping[str, Array]
    expected: Mapping[str, Array]
    params: int | None = None  # the other project's own count
    decimals: int | None = None  # that `expected` was written with, where they are few
    fault: str = ""  # what is wrong with `expected`, where that is known; `instead` is what a third party gives
    instead: Mapping[str, Array] = field(default_factory=dict)

    def symbolic(self) -> "Check | None":
        """The same with names for sizes, as many as Lamina admits: for all of them, or for those of one number."""
        sizes = sorted({n for array in self.inputs.values() for n in array.shape[1:]})
        for chosen in [sizes, *([n] for n in reversed(sizes) if len(sizes) > 1)]:
            nodes = tuple(_named(node, chosen) for node in self.stack.nodes)
            other = replace(self, stack=replace(self.stack, nodes=nodes))
            try:
                trace(other.stack)
            except StackError:
                continue
            return other
        return None

    def found(self) -> dict[str, Array]:
        """What Lamina's model gives. Raises LaminaError where the stack is refused."""
        traced = trace(self.stack)
        assert decode_stack(encode_stack(self.stack)) == self.stack, "another stack comes out of its message"
        for layer in traced.walk():
            _check_words(layer)
        needed = {name: weight.shape for name, weight in weights_of(traced)}
        given = {name: value.shape for name, value in self.weights.items()}
        assert given == needed, f"weights {given} were given, {needed} are needed"
        refs = tuple(self.expected)
        model = export(traced, self.weights, refs)
        if any(spec.dtype is DType.BFLOAT16 for spec in traced.specs.values()):
            model = widened(model)  # as the server does for a CPU
        session = runtime.Session(model, DEVICE)
        values = session.run(dict(self.inputs), [output_name(ref, session.input_names) for ref in refs])
        if self.params is not None:
            total = sum(weight.size for _, weight in weights_of(traced))
            assert total == self.params, f"{total} parameters, and {self.params} in the other project"
        return dict(zip(refs, values, strict=True))


def _check_words(layer: LayerTrace) -> None:
    """What is said of a layer has right plurals, and no number that does not stand in its trace, symbols aside."""
    named = any(not isinstance(size, int) for x in layer.inputs for size in x.shape[1:])
    for text in (explain(layer), how(layer)):
        assert not words.faults(text), text
        for sentence in layer.done.sentences:  # these speak of another layer
            text = text.replace(sentence, "")
        assert named or not words.strange_numbers(text, words.numbers_of(layer)), text


def _named(node: Node, sizes: Collection[int]) -> Node:
    """An Input with names for these sizes; any other layer as it is."""
    if not isinstance(node.kind, Input):
        return node
    shape = tuple(symbol(f"S{n}") if n in sizes else n for n in node.kind.shape)
    return node._replace(kind=replace(node.kind, shape=shape))


@dataclass
class Net:
    """A stack being put together. Every method that adds a layer returns its name, to be used as a source."""

    layout: Layout = FIRST
    nodes: list[Node] = field(default_factory=list)
    inputs: dict[str, Array] = field(default_factory=dict)
    weights: dict[str, Array] = field(default_factory=dict)
    expected: dict[str, Array] = field(default_factory=dict)
    blocks: list[NamedStack] = field(default_factory=list)
    params: int | None = None

    def input(self, array: Array) -> str:
        """An entry point for an array with its batch axis."""
        name = f"x{len(self.inputs)}"
        self.inputs[name] = np.ascontiguousarray(array)
        self.nodes.append(Node(Input(array.shape[1:], dtype_of(array)), name))
        return name

    def add(self, kind: Any, *sources: str, weights: Mapping[str, Any] | None = None, name: str = "") -> str:
        """A layer over these sources, by default the newest layer, with its weights by their own names."""
        name = name or f"l{len(self.nodes)}"
        taken = list(sources)
        if not sources and kind.inputs[1] != 0:
            taken = [str(self.nodes[-1].name)]
        self.nodes.append(Node(kind, name, tuple(taken)))
        for key, value in (weights or {}).items():
            self.weights[f"{name}/{key}"] = np.array(value, order="C")  # which leaves a number a number
        return name

    def expect(self, *values: Any, of: str = "") -> None:
        """What the outputs of a layer, by default the newest, must be; None for one that is not compared."""
        name = of or self.nodes[-1].name or ""
        refs: tuple[str, ...] = (name,)
        if len(values) > 1:
            refs = trace(Stack(tuple(self.nodes), self.layout, blocks=tuple(self.blocks))).layer(name).refs
        for ref, value in zip(refs, values, strict=True):
            if value is not None:
                self.expected[ref] = np.asarray(value)

    def check(self) -> Check:
        """All of it."""
        stack = Stack(tuple(self.nodes), self.layout, blocks=tuple(self.blocks))
        return Check(stack, self.inputs, self.weights, self.expected, self.params)


def layer(
    kind: Any,
    arrays: Sequence[Array],
    expected: Sequence[Any],
    weights: Mapping[str, Any] | None = None,
    layout: Layout = FIRST,
) -> Check:
    """One layer over arrays with a batch axis."""
    net = Net(layout)
    sources = [net.input(array) for array in arrays]
    net.add(kind, *sources, weights=weights, name="layer")
    net.expect(*expected)
    return net.check()


def dtype_of(array: Array) -> DType:
    """The element type of an array. Raises Unmapped for one that Lamina has not."""
    try:
        return DType(array.dtype.name)
    except ValueError:
        raise Unmapped(f"Lamina has no element type {array.dtype.name}") from None


def pairs(before: Sequence[int], after: Sequence[int]) -> tuple[PadPair, ...]:
    """Pads, from what is added before and after each axis."""
    return tuple(PadPair(int(a), int(b)) for a, b in zip(before, after, strict=True))


def ints(values: Any) -> tuple[int, ...]:
    """A tuple of ints, from one or several."""
    return tuple(int(value) for value in np.atleast_1d(np.asarray(values, dtype=np.int64)))


def constant(values: Any) -> ConstantTensor:
    """Numbers beside a tensor, whose last axes they meet."""
    array = np.asarray(values, dtype=np.float64)
    return ConstantTensor(tuple(map(float, array.reshape(-1))), array.shape)


def option_names(kind: Any) -> frozenset[str]:
    """Names of a kind's options."""
    return frozenset(item.name for item in fields(kind))
