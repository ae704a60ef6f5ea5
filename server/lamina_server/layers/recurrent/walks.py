"""What layers that walk along the steps and remember have in common: the way of the cells, the states, the costs.

A layer is a few passes of cells (`cells.py`) along the steps. Inside, a sequence always stands in the order of its
steps; what was read backwards is turned round only where it is put out, as in Keras.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from lamina_server.dims import Size
from lamina_server.errors import LayerError
from lamina_server.formula import Derived, derive
from lamina_server.layers.base import (
    Derivation,
    Inference,
    Kind,
    Output,
    Window,
    grouped,
    option,
    plural,
    require_rank,
)
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.recurrent.beside import check_initial, check_masks, check_types
from lamina_server.layers.recurrent.cells import Cell, Mask, Pass, Term, Walked
from lamina_server.layers.recurrent.dense_cells import DenseCell, GRUCell
from lamina_server.layers.tensors import DType, Layout, Role, Spec

MAX_CELLS = 64  # one above the other


@dataclass(frozen=True)
class WalkOptions(Kind):
    """Options of every layer that walks along the steps, in Keras' order."""

    return_sequences: bool = option("whether every step's output is returned, not only the last", False)
    return_state: bool = option("whether the last states come as outputs too: state_h and, of an LSTM, state_c", False)
    go_backwards: bool = option("whether steps are read from the last to the first, and returned in that order", False)
    stateful: bool = option("refused if true: no state is kept; feed return_state's outputs back as inputs", False)
    unroll: bool = option("no effect on any number: how the steps are run is decided here", False)
    zero_output_for_mask: bool = option(
        "whether steps that a mask leaves out put out zeros, not the output before", False
    )


class Recurrent(Kind):
    """A layer that walks along the steps."""

    inputs = (1, None)  # the states before the first step may follow, and a mask
    masking = "uses"

    @property
    def walk(self) -> WalkOptions:
        """Where the options of the walk stand."""
        assert isinstance(self, WalkOptions)
        return self

    def tower(self, layout: Layout) -> tuple[Cell, ...]:
        """The cells, one above the other."""
        raise NotImplementedError

    def paths(self) -> tuple[str, ...]:
        """Where the options of each cell stand in the layer's message; one for all where they are the layer's own."""
        return ("",)

    def passes(self, frame: Spec, layout: Layout) -> tuple[Pass, ...]:
        """The ways of all cells, each after those whose outputs it takes."""
        return chain(self, frame, layout, reverse=self.walk.go_backwards)

    def with_sequences(self) -> "Recurrent":
        """The layer with every step's output instead of the last."""
        return replace(self, return_sequences=True)

    def check(self) -> None:
        super().check()
        if self.walk.stateful:
            raise LayerError(
                "UNSUPPORTED",
                "has stateful=True, but no state is kept between requests: set return_state=True, and feed the states "
                "that come out as inputs the next time",
                field="stateful",
            )

    def step_roles(self, layout: Layout) -> tuple[Role, ...]:
        """The axes that it takes."""
        return (Role.BATCH, Role.STEPS, Role.FEATURES)

    def roles(self, rank: int, layout: Layout) -> tuple[Role, ...]:
        wanted = self.step_roles(layout)
        if rank == len(wanted) - 1:  # a state
            return (Role.BATCH, *wanted[2:])
        return wanted if rank == len(wanted) else super().roles(rank, layout)

    @property
    def zeros_where_masked(self) -> bool:
        """Whether the output at a step that a mask leaves out is zeros."""
        return self.walk.zero_output_for_mask

    def masked_as_keras(self, masked: Sequence[bool]) -> bool:
        return masked[0]

    def hands_mask(self, output: str) -> bool:
        return self.walk.return_sequences and "state_" not in output

    def check_types(self, inputs: Sequence[Spec]) -> None:
        check_types(inputs, self.takes)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        x, masked = inputs[0], any(spec.dtype is DType.BOOL for spec in inputs)
        require_rank(x, self.step_roles(layout))
        check_masks(inputs)
        frame = frame_of(x)
        passes = self.passes(frame, layout)
        found = [passes[i] for i in in_order(passes)]
        states = [
            Output(p.name + name, spec) for p in found for name, spec in zip(p.cell.states, p.states, strict=True)
        ]
        for p in found:
            p.cell.check_functions(p.states[0], p.path)
        check_initial(inputs, states)
        mains, rows = self.put_out(passes, frame)
        windows, spread = self.spatial(frame, layout)
        shift = int(self.walk.return_sequences)
        if shift:
            mains = [Output(name, _stepped(spec, x)) for name, spec in mains]
        return Inference(
            (*mains, *(states if self.walk.return_state else ())),
            self.title,
            derivations=tuple(row._replace(axis=row.axis + shift) for row in rows) if shift else tuple(rows),
            windows=tuple(window._replace(axis=window.axis + 1) for window in windows),
            weights=tuple(
                w._replace(name=p.name + w.name) if p.name else w for p in found for w in p.cell.weights(p.frame)
            ),
            params=total([p.cell.params(p.frame) for p in found]),
            params_reason=self.reason(found),
            macs=total([p.cell.macs(p.frame) for p in found], steps=x.axes[1].size),
            bias_adds=_bias_adds(found, x.axes[1].size),
            how=self.how(frame, mains[0].spec),
            sentences=(*(self._left_out() if masked else ()), *_against_torch(passes)),
            sees_all=not windows,
            sees_along=tuple(axis + shift for axis in spread),
        )

    def put_out(self, passes: Sequence[Pass], frame: Spec) -> tuple[list[Output], list[Derivation]]:
        """The outputs as they are at one step, and why they are so."""
        last = passes[ends(passes)[0]]
        out = last.states[0]
        name, size = "proj_size" if getattr(last.cell, "proj_size", None) else "units", out.shape[-1]
        row = Derivation(
            1,
            Role.FEATURES,
            frame.shape[-1],
            derive(name, **{name: size}),
            f"The state has {plural(size, 'number')}; {self.which}.",
        )
        return [Output("", out)], [row]

    def spatial(self, frame: Spec, layout: Layout) -> tuple[tuple[Window, ...], tuple[int, ...]]:
        """Windows over a frame, if it has spatial axes, and those axes along which the states spread with the steps."""
        return (), ()

    def reason(self, passes: Sequence[Pass]) -> str:
        """What the parameters are, in words."""
        if len({(p.cell, p.frame) for p in passes}) == 1:
            return passes[0].cell.reason(passes[0].frame)
        return "Cell by cell every gate has units x (features + state) weights, and biases"

    @property
    def which(self) -> str:
        """Which outputs are returned, in words."""
        walk = self.walk
        if walk.return_sequences:
            return "every step's output is returned" + (", the last step's first" if walk.go_backwards else "")
        keep = "return_sequences=True would keep the steps"
        if walk.go_backwards:
            return (
                f"the steps are read from the last to the first, and only the first step's output is returned; {keep}"
            )
        return f"only the last step's output is returned; {keep}"

    def how(self, frame: Spec, main: Spec) -> str:
        """The layer in a line."""
        which = "every step" if self.walk.return_sequences else "last step only"
        back = ", read backwards" if self.walk.go_backwards else ""
        return f"features {frame.shape[-1]} -> {main.shape[-1]}, {which}{back}"

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        masks = [graph.arrange(value, (1, 0)) for value in inputs if value.spec.dtype is DType.BOOL]
        mask = Mask(masks[0], self.zeros_where_masked) if masks else None
        x, *given = (value for value in inputs if value.spec.dtype is not DType.BOOL)
        frame = frame_of(x.spec)
        passes = self.passes(frame, graph.layout)
        order = passes[0].cell.order(frame)
        source = graph.arrange(x, _stepped_order(order))
        begin = self._initial(graph, passes, given)
        walked: list[Walked] = []
        for i, p in enumerate(passes):
            taken = [walked[j].every for j in p.sources] or [source]
            over = taken[0] if len(taken) == 1 else graph.node("Concat", taken, axis=2)
            walked.append(p.cell.walk(graph, p, over, begin[i], mask))
        mains = [self._main(graph, walked[i], order, done.spec) for i in ends(passes)]
        names = [name for i in in_order(passes) for name in walked[i].states] if self.walk.return_state else []
        specs = [output.spec for output in done.outputs[len(done.outputs) - len(names) :]]
        states = [Value(name, order, spec) for name, spec in zip(names, specs, strict=True)]
        return [*self.joined(graph, mains, done), *states]

    def _left_out(self) -> tuple[str]:
        """What becomes of a step that the mask leaves out, in words."""
        out = "zeros" if self.zeros_where_masked else "that of the step before, zeros where there is none"
        return (f"Where the mask is false a step is left out: the states stay as they were, and its output is {out}.",)

    def joined(self, graph: Graph, mains: Sequence[Value], done: Inference) -> Sequence[Value]:
        """The outputs from those of the last passes."""
        return mains

    def _main(self, graph: Graph, walked: Walked, order: tuple[int, ...], spec: Spec) -> Value:
        if not self.walk.return_sequences:
            return Value(walked.last, order, spec)
        every = walked.every
        if self.walk.go_backwards:
            turned = [graph.ints([number]) for number in (-1, -(2**31), 0, -1)]  # start, end, axis, step
            every = graph.node("Slice", [every, *turned])
        return Value(every, _stepped_order(order), spec)

    def _initial(self, graph: Graph, passes: Sequence[Pass], given: Sequence[Value]) -> list[list[str]]:
        """The states before the first step, pass by pass; none where they are zeros."""
        left = [graph.arrange(value, passes[0].cell.order(value.spec)) for value in given]
        begin: list[list[str]] = [[] for _ in passes]
        for i in in_order(passes):
            count = len(passes[i].cell.states)
            begin[i], left = left[:count], left[count:]
        return begin


def chain(
    layer: Recurrent,
    frame: Spec,
    layout: Layout,
    *,
    reverse: bool,
    name: str = "",
    path: str = "",
    second: bool = False,
    first: int = 0,
) -> tuple[Pass, ...]:
    """The passes of a layer's cells, each over the outputs of the one below; `first` is the place of the first."""
    cells, paths, passes = layer.tower(layout), layer.paths(), []
    for i, cell in enumerate(cells):
        own, stands = level_name(name, i, len(cells)), path + paths[i % len(paths)]
        passes.append(way(cell, frame, own, stands, reverse, second, (first + i - 1,) if i else ()))
        frame = passes[-1].states[0]
    return tuple(passes)


def way(cell: Cell, frame: Spec, name: str, path: str, reverse: bool, second: bool, sources: tuple[int, ...]) -> Pass:
    """A pass. Raises LayerError for a frame that does not fit, with the path of the option at fault."""
    try:
        states = cell.after(frame)
    except LayerError as error:
        field = path + error.field if error.field else ""
        raise LayerError(error.reason, error.message, field=field, **error.facts) from None
    return Pass(cell, frame, states, name, path, reverse, second, sources)


def level_name(name: str, i: int, count: int) -> str:
    """What the weights of a cell begin with: nothing where it is the only one, else l0/, l1/, ... from below."""
    return f"{name}l{i}/" if count > 1 else name


def frame_of(x: Spec) -> Spec:
    """What comes at one step."""
    return Spec((x.axes[0], *x.axes[2:]), x.dtype)


def in_order(passes: Sequence[Pass]) -> list[int]:
    """Places of the passes in the order of weights and states: the other direction after the one."""
    return sorted(range(len(passes)), key=lambda i: passes[i].second)


def ends(passes: Sequence[Pass]) -> list[int]:
    """Places of the passes whose outputs are the layer's: the last of each direction."""
    last = {p.second: i for i, p in enumerate(passes)}
    return [last[second] for second in sorted(last)]


def _bias_adds(found: Sequence[Pass], steps: Size) -> Derived | None:
    biases: Size = sum((p.cell.bias_adds(p.frame) for p in found), 0)
    return derive("steps * biases", steps=steps, biases=biases) if biases != 0 else None


def total(terms: Sequence[Term], **factor: Size) -> Derived:
    """The sum of formulas, equal ones counted, times one more factor."""
    if len(terms) == 1:
        whole, numbers = terms[0][0], {**factor, **terms[0][1]}
    else:
        whole, numbers = _summed(terms, factor)
    for name in factor:
        whole = _times(name, whole)
    return derive(whole, **numbers)


def _summed(terms: Sequence[Term], factor: Mapping[str, Size]) -> tuple[str, dict[str, Size]]:
    counts = Counter((text, tuple(values.items())) for text, values in terms)
    parts, numbers = [], dict(factor)
    for i, ((text, values), n) in enumerate(counts.items(), 1):
        mark = str(i) if len(counts) > 1 else ""
        own = re.sub(r"[a-z_]+", rf"\g<0>{mark}", text)
        parts.append(_times(str(n), own) if n > 1 else own)
        numbers |= {name + mark: value for name, value in values}
    return " + ".join(parts), numbers


@lru_cache(maxsize=1024)
def _times(factor: str, text: str) -> str:
    """A product, with parentheses around what is a sum."""
    flat = text
    while "(" in flat:
        flat = re.sub(r"\([^()]*\)", "", flat)
    return f"{factor} * ({text})" if "+" in flat else f"{factor} * {text}"


def _stepped(spec: Spec, x: Spec) -> Spec:
    return Spec((spec.axes[0], x.axes[1], *spec.axes[1:]), spec.dtype)


def _stepped_order(order: tuple[int, ...]) -> tuple[int, ...]:
    """How a sequence lies whose frames lie so: the steps first."""
    return (1, 0, *(axis + 1 for axis in order[1:]))


def _against_torch(passes: Sequence[Pass]) -> tuple[str, ...]:
    """What PyTorch counts, or has, otherwise."""
    cells: list[Any] = [p.cell for p in passes if isinstance(p.cell, DenseCell)]
    if any(isinstance(cell, GRUCell) and not cell.reset_after for cell in cells):
        return (
            "PyTorch has no such GRU: there the reset gate acts after the recurrent product, as with reset_after=True.",
        )
    more = sum(cell.gates * cell.units for cell in cells if cell.biases == 1)
    if not more:
        return ()
    return (
        f"PyTorch counts {grouped(more)} more: beside each bias it keeps a second one, only ever added to the first.",
    )
