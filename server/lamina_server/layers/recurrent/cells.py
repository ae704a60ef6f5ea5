"""What a recurrent layer walks along the steps: a cell, its way, and the ONNX that takes any step along them."""

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from lamina_server.dims import Size
from lamina_server.layers.activations.functions import Function
from lamina_server.layers.base import Kind, Weight
from lamina_server.layers.core.basics import check_function
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import Axis, DType, Role, Spec

Term = tuple[str, dict[str, Size]]  # a formula and its numbers
Step = Callable[[Graph, Value, Sequence[Value]], list[str]]  # of a body, a frame and the states before: those after


class Pass(NamedTuple):
    """One cell's way along the steps: over the layer's input, or over what other passes put out, joined.

    `frame` is what it takes at each step, the batch first, and `states` what it leaves; `name` is what its weights and
    states begin with, such as "forward/l1/", `path` where its options stand in the layer's message, `second` whether it
    is a Bidirectional's other direction.
    """

    cell: "Cell"
    frame: Spec
    states: tuple[Spec, ...]
    name: str = ""
    path: str = ""
    reverse: bool = False
    second: bool = False
    sources: tuple[int, ...] = ()


class Mask(NamedTuple):
    """A mask laid as (steps, batch), and whether the output at a false step is zeros, not the one before it."""

    name: str
    zeros: bool


class Walked(NamedTuple):
    """Every step's output, each where its frame stood, that of the step that was read last, and the states after it."""

    every: str
    last: str
    states: list[str]


class Cell(Kind):
    """What one step computes. `states` are its memories, the first of which is its output too."""

    states: ClassVar[tuple[str, ...]] = ("state_h",)
    gates: ClassVar[int] = 1

    def after(self, frame: Spec) -> tuple[Spec, ...]:
        """The states after a step over a frame. Raises LayerError for a frame that does not fit."""
        raise NotImplementedError

    def weights(self, frame: Spec) -> tuple[Weight, ...]:
        """Weights over such frames."""
        raise NotImplementedError

    def params(self, frame: Spec) -> Term:
        """Parameters over such frames."""
        raise NotImplementedError

    def macs(self, frame: Spec) -> Term:
        """Multiply-adds of one step."""
        raise NotImplementedError

    def bias_adds(self, frame: Spec) -> Size:
        """Additions of biases in one step."""
        return sum(weight.size for weight in self.weights(frame) if weight.name.endswith("bias"))

    def reason(self, frame: Spec) -> str:
        """What the parameters are, in words."""
        raise NotImplementedError

    def order(self, frame: Spec) -> tuple[int, ...]:
        """How frames and states lie when they are computed with."""
        raise NotImplementedError

    def walk(self, graph: Graph, way: Pass, x: str, initial: Sequence[str], mask: Mask | None) -> Walked:
        """Emits the way along the first axis of x. `initial` is () for states of zeros."""
        raise NotImplementedError

    def named_functions(self) -> dict[str, Function]:
        """The functions by the names of their options."""
        return {name: getattr(self, name) for name in ("activation", "recurrent_activation") if hasattr(self, name)}

    def check_functions(self, state: Spec, path: str) -> None:
        """Raises LayerError where an activation does not fit the state."""
        for name, function in self.named_functions().items():
            check_function(function, state, path + name)


def zeros(graph: Graph, spec: Spec, order: Sequence[int]) -> str:
    """A state before the first step."""
    return graph.node("Expand", [graph.const(0.0, spec.dtype), graph.shape([spec.shape[axis] for axis in order])])


def scanned(
    graph: Graph, way: Pass, over: tuple[str, Spec], initial: Sequence[str], step: Step, mask: Mask | None
) -> Walked:
    """Walks a `step(body, frame, states)` along the first axis of `over`, whose slices have the spec beside it."""
    specs, order, along = list(way.states), way.cell.order(way.frame), [over[0]]
    start = list(initial) or [zeros(graph, spec, order) for spec in specs]
    if mask is not None:  # the last output is one more state: it is not the state where that is given
        start, specs = [*start, zeros(graph, specs[0], order)], [*specs, specs[0]]
        inner = graph.ints(range(2, 1 + len(order)))
        along.append(graph.node("Unsqueeze", [mask.name, inner]))
    body = graph.body()
    states = [body.feed(spec, order) for spec in specs]
    frame = body.feed(over[1], order)
    if mask is None:
        after = step(body, frame, states)
        *last, every = graph.scan(body, start, along, [*after, after[0]], reverse=way.reverse)
        return Walked(every, last[0], last)
    one = Spec((way.frame.axes[0], *[Axis(Role.NONE, 1)] * (len(order) - 1)), DType.BOOL)
    after = _where(body, body.feed(one, order).name, states, step(body, frame, states[:-1]), mask.zeros)
    *last, out, every = graph.scan(body, start, along, [*after, after[-1]], reverse=way.reverse)
    return Walked(every, out, last)


def _where(body: Graph, seen: str, before: Sequence[Value], after: Sequence[str], to_zeros: bool) -> list[str]:
    """States after a step and what it puts out; where it is not seen, what there was `before`, the output or zeros."""
    *kept, shown = (value.name for value in before)
    other = body.const(0.0, before[0].spec.dtype) if to_zeros else shown
    pairs = [*zip(after, kept, strict=True), (after[0], other)]
    return [body.node("Where", [seen, new, old]) for new, old in pairs]


def applied(body: Graph, function: Function, like: Value, name: str) -> str:
    """A function of a tensor that lies as a state does."""
    return body.arrange(function.emit(body, like._replace(name=name)), like.order)


def remembered(body: Graph, z: str, c: Value, inside: Function, gates: Function) -> list[str]:
    """The step of every LSTM: from x W + h R + b, the gates along axis 1, and the cell state c, to h and c."""
    i, f, candidate, o = body.nodes_out("Split", [z], 4, axis=1, num_outputs=4)
    i, f, o = (applied(body, gates, c, gate) for gate in (i, f, o))
    kept = body.node("Mul", [f, c.name])
    state = body.node("Add", [kept, body.node("Mul", [i, applied(body, inside, c, candidate)])])
    return [body.node("Mul", [o, applied(body, inside, c, state)]), state]
