"""What a trace is made of."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lamina_server.dims import Size, symbols_of
from lamina_server.layers.base import Inference, Weight
from lamina_server.layers.core.basics import Input
from lamina_server.layers.tensors import Role, Spec
from lamina_server.receptive import Fields
from lamina_server.stack import Node, Stack


@dataclass
class Note:
    """Something surprising about a legal layer."""

    reason: str
    text: str
    warning: bool = False


@dataclass
class LayerTrace:
    """One layer with everything known of it. `refs` are the references of its outputs: "lstm", "lstm:state_h".

    `owner` is the layer whose weights it uses, mostly itself. A holder has the layers inside it in `layers`; their
    names begin with its own ("res1/conv2d"), and `results` are the references of what they give. Its costs are those of
    `whole` entries of the batch axis: a sample's, or, inside a layer that counts for its parts, what comes in there.
    """

    index: int
    name: str
    node: Node
    sources: tuple[str, ...]
    inputs: tuple[Spec, ...]
    done: Inference
    receptive: Fields
    owner: str
    whole: Size = 1
    layers: tuple["LayerTrace", ...] = ()
    results: tuple[str, ...] = ()
    notes: list[Note] = dataclasses.field(default_factory=list)
    refs: tuple[str, ...] = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.refs = tuple([f"{self.name}:{o.name}" if o.name else self.name for o in self.done.outputs])

    def walk(self) -> Iterator["LayerTrace"]:
        """The layer, and those inside it, in the order in which they run."""
        yield self
        for layer in self.layers:
            yield from layer.walk()

    @property
    def given(self) -> tuple[str, ...]:
        """What a stack returns that ends with this layer: its main output; all of them where none is the main one."""
        return self.refs if self.done.outputs[0].name else (self.name,)

    @property
    def summary(self) -> str:
        """As one would write it: `Conv1D(100, 10)`."""
        text = self.node.kind.text()
        return f"{self.done.label}({text})" if text else self.done.label

    @property
    def output_bytes(self) -> Size:
        """Bytes of all outputs, per sample."""
        return sum(output_bytes(self.done), 0)

    @property
    def params(self) -> int:
        """Number of weights, those of the layers inside it among them; shared ones once."""
        return sum(weight.size for _, weight in owned(self.walk()))


def output_bytes(done: Inference) -> list[Size]:
    """Bytes of each output, per sample."""
    if "output_bytes" not in done.kept:
        done.kept["output_bytes"] = [o.spec.elements * o.spec.folded * o.spec.dtype.nbytes for o in done.outputs]
    known: list[Size] = done.kept["output_bytes"]
    return known


def owned(layers: Iterable["LayerTrace"]) -> Iterator[tuple[str, Weight]]:
    """Every weight of some layers by its full name "layer/weight", shared ones once."""
    seen: set[str] = set()
    for layer in layers:
        if layer.done.weights and layer.owner not in seen:
            seen.add(layer.owner)
            yield from ((f"{layer.owner}/{weight.name}", weight) for weight in layer.done.weights)


@dataclass
class Trace:
    """A legal stack with everything known of it."""

    stack: Stack
    layers: list[LayerTrace]
    outputs: tuple[str, ...]
    specs: dict[str, Spec]
    ranges: dict[str, int]
    macs: Size
    bias_adds: Size
    peak_bytes: Size | None

    def walk(self) -> Iterator["LayerTrace"]:
        """Every layer, those inside others among them, in the order in which they run."""
        for layer in self.layers:
            if layer.layers:
                yield from layer.walk()
            else:
                yield layer

    def layer(self, name: str) -> LayerTrace:
        """A layer by its name. Raises KeyError."""
        for layer in self.walk():
            if layer.name == name:
                return layer
        raise KeyError(name)

    @property
    def inputs(self) -> list[LayerTrace]:
        """The entry points, in order."""
        return [layer for layer in self.layers if isinstance(layer.node.kind, Input)]

    @property
    def symbols(self) -> set[str]:
        """Symbols other than the batch."""
        return symbols_of(*(size for x in self.inputs for size in x.done.spec.shape[1:]))


@dataclass(frozen=True)
class Place:
    """Where the layer at fault stands inside another: the layers there as they are written, which of them it is (-1:
    none), and what was traced of them. `block` is the name of the block that they are, "" for one layer alone."""

    stack: Stack
    block: str
    index: int
    partial: "Trace | None"


@dataclass
class Diagnosis:
    """Why a stack or an array is refused; `fixes` (lamina_server.repair.Fix) are added by repair.

    Where a layer inside others is at fault, `index` and `partial` are those of the outermost, and `within` are the
    places inside it, down to the layer at fault.
    """

    reason: str
    message: str
    field: str = ""
    layer: str = ""
    kind: str = ""
    index: int = -1
    got: dict[str, Spec] = dataclasses.field(default_factory=dict)
    expected: tuple[Role, ...] = ()
    facts: dict[str, object] = dataclasses.field(default_factory=dict)
    within: tuple[Place, ...] = ()
    fixes: list[Any] = dataclasses.field(default_factory=list)
    partial: "Trace | None" = None
