"""Stack in, trace out: every layer's inference in its place, or one StackError that says which layer refused and why.

The tracer owns what no single layer knows: names and references, the axes of Inputs, the layers inside others,
receptive fields through branches, totals, the legal range of symbols, and the limits.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any, NamedTuple

from lamina_server.budget import Budget
from lamina_server.checks import check_expected, check_shared, typed
from lamina_server.dims import Size, symbol, symbols_of
from lamina_server.errors import LayerError, StackError
from lamina_server.layers.base import Inference, Kind, Output, Weight, single
from lamina_server.layers.core import Input, input_spec
from lamina_server.layers.holders import Held, Holder
from lamina_server.layers.tensors import Layout, Role, Spec, usual_roles
from lamina_server.limits import Limits
from lamina_server.lru import Lru
from lamina_server.nesting import MAX_DEPTH, bound_inside, roles_inside, stack_inside, takers
from lamina_server.receptive import Fields, fields_after, fields_of_input
from lamina_server.records import Diagnosis, LayerTrace, Trace, owned
from lamina_server.stack import NAME, Namer, Node, Stack, field_name
from lamina_server.totals import peak_bytes, symbol_ranges
from lamina_server.wiring import resolve
from lamina_server.words import nearest, shortened

BATCH = symbol("batch")
MAX_SYMBOLS = 16
MAX_KEPT_WEIGHTS = 64
_INFERRED: Lru[tuple[Kind, tuple[Spec, ...], Layout], Inference] = Lru(4096)
_LETTERS = {Role.STEPS: "T", Role.DEPTH: "D", Role.HEIGHT: "H", Role.WIDTH: "W", Role.CHANNELS: "C", Role.FEATURES: "F"}


def trace(stack: Stack, limits: Limits = Limits()) -> Trace:  # noqa: B008 - frozen
    """Traces a stack. Raises StackError for an illegal one, LimitError for one that asks for too much."""
    tracer = _Tracer(stack, _Scope(), _Shared(Budget(limits)))
    tracer.walk()
    return tracer.finish()


class _Entry(NamedTuple):
    """A tensor that an Input inside a layer stands for. `begins`: it is what the caller feeds, as it is."""

    spec: Spec
    fields: Fields
    begins: bool


@dataclass(frozen=True)
class _Scope:
    """Where layers stand: where they are written, how the names of those inside a layer and of their weights begin,
    and the tensors that come in; None at the top, where the caller feeds."""

    path: str = "stack.layers"
    prefix: str = ""
    owner: str = ""
    entries: tuple[_Entry, ...] | None = None
    depth: int = 0
    shares: bool = False  # the weights inside are those of another layer


@dataclass
class _Shared:
    """What all layers of a stack share, wherever they stand. Names and references are whole: "res1/conv2d"."""

    budget: Budget
    weights: dict[str, tuple[Weight, ...]] = field(default_factory=dict)
    specs: dict[str, Spec] = field(default_factory=dict)


class _Tracer:
    """Walks a stack once, in order. References are as the stack writes them."""

    def __init__(self, stack: Stack, scope: _Scope, shared: _Shared) -> None:
        self.stack, self.scope, self.shared = stack, scope, shared
        self.limits = shared.budget.limits
        self.layers: list[LayerTrace] = []
        self.previous: str | None = None
        self.specs: dict[str, Spec] = {}
        self.by_ref: dict[str, LayerTrace] = {}
        self.begins: set[str] = set()
        self.namer = Namer({node.name for node in stack.nodes if node.name})
        self.macs: Size = 0
        self.bias_adds: Size = 0
        self.takers = takers(stack)
        self.entries = iter(scope.entries or ())
        self.entry: _Entry | None = None
        # Symbols that stand somewhere: those that callers name are taken from the start.
        self.symbols = symbols_of(*(size for _, kind in stack.inputs() for size in kind.shape)) - {"?"}

    def walk(self) -> None:
        """Traces every layer."""
        self._check_whole()
        for index in range(len(self.stack.nodes)):
            self._step(index)

    def finish(self) -> Trace:
        """Outputs, totals and ranges."""
        outputs = self.outputs()
        peak = peak_bytes(self.layers, outputs)
        if peak is not None:
            self.limits.check("max_activation_bytes", peak, "The activations alive at once take, per sample,")
        ranges = symbol_ranges([layer for top in self.layers for layer in top.walk()])
        return Trace(self.stack, self.layers, outputs, self.shared.specs, ranges, self.macs, self.bias_adds, peak)

    def outputs(self) -> tuple[str, ...]:
        """What the stack returns. Raises StackError for a reference that no layer gives."""
        outputs = self.stack.outputs or (self.previous or "",)
        for i, ref in enumerate(outputs):
            if ref not in self.specs:
                raise self._fault(
                    "UNKNOWN_OUTPUT",
                    f"outputs[{i}] names {shortened(ref)}, which no layer gives; {nearest(ref, self.specs)}",
                    f"outputs[{i}]",
                )
            if ref in outputs[:i]:
                raise self._fault("DUPLICATE_OUTPUT", f'outputs name "{ref}" twice.', f"outputs[{i}]")
        return outputs

    def partial(self) -> Trace:
        """What was traced before a fault."""
        outputs = (self.layers[-1].name,) if self.layers else ()
        return Trace(self.stack, self.layers, outputs, self.shared.specs, {}, self.macs, self.bias_adds, None)

    # ---- one layer ----

    def _step(self, index: int) -> None:
        """Traces one layer."""
        node, name, inner = self.stack.nodes[index], "", None
        try:
            sources = resolve(self.stack, index, self.by_ref, self.previous)
            inputs = tuple(self.specs[ref] for ref in sources)
            if isinstance(node.kind, Holder):
                node.kind.check()
                name = node.name or self.namer.name(node.kind.title)
                inner = self._walked(index, node, name, sources)
                done = node.kind.made(inputs, _held(inner))
            else:
                done = self._input(index, node.kind) if isinstance(node.kind, Input) else self._inferred(node, inputs)
            self._check_result(node, done)
            name = name or node.name or self.namer.name(node.kind.called or done.label)
            owner, owns = self._owner(node, name, done)
            macs = self.macs if done.macs is None else self.macs + done.macs.value
            self.shared.budget.take(self.scope.prefix + name, inputs, done, macs, owns=owns)
        except LayerError as error:
            raise self._refusal(index, error, name) from None
        except ArithmeticError as error:
            reason = LayerError("TOO_COMPLEX", f"cannot be traced exactly: {error}")
            raise self._refusal(index, reason, name) from None
        self.macs = macs
        if done.bias_adds is not None:
            self.bias_adds = self.bias_adds + done.bias_adds.value
        fields = self._fields(name, node, sources, inputs, done, inner)
        self._add(index, name, node, sources, inputs, done, fields, owner, inner)

    def _add(
        self,
        index: int,
        name: str,
        node: Node,
        sources: Sequence[str],
        inputs: tuple[Spec, ...],
        done: Inference,
        fields: Fields,
        owner: str,
        inner: "_Tracer | None",
    ) -> None:
        prefix = self.scope.prefix
        whole = tuple(prefix + ref for ref in sources)
        layers, results = ((), ()) if inner is None else (tuple(inner.layers), inner.results())
        layer = LayerTrace(index, prefix + name, node, whole, inputs, done, fields, owner, layers, results)
        self.layers.append(layer)
        self.previous = name
        for ref, output in zip(layer.refs, done.outputs, strict=True):
            self.specs[ref.removeprefix(prefix)] = self.shared.specs[ref] = output.spec
            self.by_ref[ref.removeprefix(prefix)] = layer

    def _inferred(self, node: Node, inputs: tuple[Spec, ...]) -> Inference:
        """What a layer makes of its inputs. Networks repeat themselves, so what was asked for lately is kept."""
        kind, layout = node.kind, self.stack.layout
        known = _INFERRED.get((kind, inputs, layout))
        if known is None:
            kind.check()
            kind.check_types(inputs)
            known = typed(kind, inputs, kind.infer(inputs, layout))
            if len(known.weights) <= MAX_KEPT_WEIGHTS:
                _INFERRED.put((kind, inputs, layout), known)
        return known

    def _owner(self, node: Node, name: str, done: Inference) -> tuple[str, bool]:
        """The layer whose weights it uses, and whether it is the first. Raises LayerError where they do not fit."""
        shared = node.weights_of is not None
        owner = self._other(node).owner if shared else self.scope.owner + name
        kept = self.shared.weights.get(owner)
        if shared or self.scope.shares:
            check_shared(owner, kept, done.weights, inside=not shared or isinstance(node.kind, Holder))
        self.shared.weights.setdefault(owner, done.weights)
        return owner, kept is None

    def _other(self, node: Node) -> LayerTrace:
        """The layer whose weights a layer shares. Raises LayerError for a name that no layer before it has."""
        other = self.by_ref.get(node.weights_of or "")
        if other is None:
            text = f"shares the weights of {shortened(node.weights_of or '')}, which is no layer before it"
            near = nearest(node.weights_of or "", self.by_ref)
            raise LayerError("UNKNOWN_LAYER", f"{text}; {near}", field="weights_of")
        return other

    # ---- layers inside others ----

    def _walked(self, index: int, node: Node, name: str, sources: Sequence[str]) -> "_Tracer":
        """The layers inside a holder, traced."""
        kind, scope = node.kind, self.scope
        assert isinstance(kind, Holder)
        if scope.depth >= MAX_DEPTH:
            raise LayerError("TOO_DEEP", f"stands inside {MAX_DEPTH} other layers, and would hold one more")
        inside, path = stack_inside(kind, self.stack.blocks, self.stack.layout)
        given = kind.given([self.specs[ref] for ref in sources], self.stack.layout)
        inside = bound_inside(kind, inside, given)
        entries = tuple(
            _Entry(spec, self.by_ref[ref].receptive, ref in self.begins)
            for spec, ref in zip(given, sources, strict=True)
        )
        shares = node.weights_of is not None
        owner = self._other(node).owner if shares else scope.owner + name
        written = f"{path}.layers" if path else f"{scope.path}[{index}].{field_name(kind)}.layer"
        below = _Scope(written, f"{scope.prefix}{name}/", f"{owner}/", entries, scope.depth + 1, shares or scope.shares)
        inner = _Tracer(inside, below, self.shared)
        try:
            inner.walk()
            inner.outputs()
        except StackError as error:
            found = error.diagnosis
            found.index, found.inside, found.partial = index, True, self.partial()
            raise
        return inner

    def results(self) -> tuple[str, ...]:
        """Whole references of what a stack inside a layer gives; of a single layer, all its outputs."""
        if self.stack.outputs:
            return tuple(self.scope.prefix + ref for ref in self.stack.outputs)
        return self.layers[-1].refs

    # ---- Inputs ----

    def _input(self, index: int, kind: Input) -> Inference:
        if self.scope.entries is not None:
            self.entry = next(self.entries)
            return Inference(single(self.entry.spec), "Input", how="what comes in")
        for size in kind.shape:
            if isinstance(size, int) and size < 1:
                raise LayerError(
                    "OUT_OF_RANGE", f"declares a size of {size}; sizes are 1 or more, or names", field="shape"
                )
        rank = len(kind.shape) + 1
        self.limits.check("max_rank", rank, f"The number of axes that layers[{index}] declares is")
        taker = self.takers.get(index)
        roles = roles_inside(*taker, rank, self.stack) if taker else usual_roles(rank, self.stack.layout)
        shape = [self._named(index, roles[i], size) for i, size in enumerate(kind.shape, 1)]
        if len(self.symbols) > MAX_SYMBOLS:
            raise LayerError("TOO_COMPLEX", f"brings more than {MAX_SYMBOLS} symbols into the stack", field="shape")
        return Inference(single(input_spec(shape, roles, BATCH, kind.dtype)), "Input", how="what the caller feeds")

    def _named(self, index: int, role: Role, size: Size) -> Size:
        """A size with "?" replaced by a symbol named after the axis, and the layer where that is taken."""
        if str(size) != "?":
            return size
        letter = _LETTERS.get(role, "N")
        # Of the layer's name what a symbol may hold: expressions must read back.
        named = self.stack.nodes[index].name or (f"input{index}" if index else "input")
        own = f"{letter}_{re.sub(r'[^A-Za-z0-9_]', '_', named)[:20]}"
        name = next(name for name in chain((letter, own), (f"{own}_{i}" for i in count(1))) if name not in self.symbols)
        self.symbols.add(name)
        return symbol(name)

    # ---- receptive fields ----

    def _fields(
        self,
        name: str,
        node: Node,
        sources: Sequence[str],
        inputs: Sequence[Spec],
        done: Inference,
        inner: "_Tracer | None",
    ) -> Fields:
        if inner is not None:
            assert isinstance(node.kind, Holder)
            last = inner.by_ref[inner.stack.outputs[0]] if inner.stack.outputs else inner.layers[-1]
            return node.kind.fields(inputs[0], self.by_ref[sources[0]].receptive, last.receptive)
        if isinstance(node.kind, Input):
            if self.entry is None or self.entry.begins:
                self.begins.add(name)
            return fields_of_input(done.spec) if self.entry is None else self.entry.fields
        if not sources:
            return {}
        taken = [self.by_ref[ref].receptive for ref in sources]
        return fields_after(taken, inputs, done, first=sources[0] in self.begins)

    # ---- what may be wrong ----

    def _check_whole(self) -> None:
        """What is wrong with the stack as a whole."""
        nodes = self.stack.nodes
        self.shared.budget.take_layers(len(nodes))
        if not nodes:
            raise self._fault(
                "EMPTY_STACK", "The stack has no layers; it needs at least an Input and one layer.", "layers"
            )
        if not any(True for _ in self.stack.inputs()):
            raise self._fault(
                "NO_INPUT", "The stack has no Input, so no shape to start from: put an Input(shape) first.", "layers"
            )
        self._check_names([node.name for node in nodes], "layers")
        if not self.scope.depth:
            self._check_names([block.name for block in self.stack.blocks], "blocks")

    def _check_names(self, names: Sequence[str | None], what: str) -> None:
        first: dict[str, int] = {}
        for i, name in enumerate(names):
            if name is None:
                continue
            if not NAME.fullmatch(name):
                raise self._fault(
                    "BAD_NAME",
                    f"{what}[{i}] is named {shortened(name)}; a name starts with a letter, digit or "
                    'underscore and goes on with those, ".", "-", at most 128 in all.',
                    f"{what}[{i}].name",
                )
            if name in first:
                raise self._fault(
                    "DUPLICATE_NAME",
                    f'{what}[{first[name]}] and {what}[{i}] are both named "{name}"; names must differ.',
                    f"{what}[{i}].name",
                )
            first[name] = i

    def _check_result(self, node: Node, done: Inference) -> None:
        for output in done.outputs:
            for axis in output.spec.axes[1:]:
                if isinstance(axis.size, int) and axis.size < 1:
                    raise LayerError("EMPTY_RESULT", f"would leave {output.spec}: nothing at all")
        if node.expect is not None:
            check_expected(node.expect, done.spec)

    def _fault(self, reason: str, message: str, path: str) -> StackError:
        return StackError(Diagnosis(reason, message, f"{self.scope.path.removesuffix('.layers')}.{path}"))

    def _refusal(self, index: int, error: LayerError, name: str = "") -> StackError:
        """A layer's bare reason with its index, name, kind and axes."""
        node = self.stack.nodes[index]
        title = node.kind.title
        name = self.scope.prefix + (name or node.name or self.namer.name(node.kind.called or title))
        where = f"{self.scope.path}[{index}]" if not self.scope.path.endswith(".layer") else self.scope.path
        path = f"{where}.{error.field}" if error.field in Node._fields else f"{where}.{field_name(node.kind)}"
        if error.field and error.field not in Node._fields:
            path += f".{error.field}"
        facts = dict(error.facts)
        expected: Any = facts.pop("expected", ())
        got = {self.scope.prefix + ref: self.specs[ref] for ref in self._known_sources(index)}
        said = error.message
        if all(ref in self.specs for ref in node.inputs):  # else it quotes a name, which may look like a placeholder
            for i, ref in enumerate(node.inputs or self._known_sources(index), 1):
                said = said.replace(f"{{input_{i}}}", ref).replace(f"{{input_{i}_how}}", self._how(ref))
        text = f"{name} ({title}) {said}{'' if error.message.endswith(('?', '.')) else '.'}"
        return StackError(
            Diagnosis(error.reason, text, path, name, title, index, got, expected, facts, partial=self.partial())
        )

    def _how(self, ref: str) -> str:
        """Arithmetic of a layer that merged axes, in parentheses: ` (flatten: 32 x 32 x 50 = 51 200)`."""
        layer = self.by_ref.get(ref)
        return f" ({layer.name}: {layer.done.how})" if layer and " = " in layer.done.how else ""

    def _known_sources(self, index: int) -> tuple[str, ...]:
        node = self.stack.nodes[index]
        if node.inputs:
            return tuple(dict.fromkeys(ref for ref in node.inputs if ref in self.specs))
        return (self.previous,) if self.previous and not isinstance(node.kind, Input) else ()


def _held(inner: _Tracer) -> Held:
    """What a holder is told of the layers inside it."""
    refs = inner.stack.outputs
    last = inner.layers[-1].done.outputs
    outputs = tuple(Output(ref if i else "", inner.specs[ref]) for i, ref in enumerate(refs)) if refs else last
    layers = tuple((x.name.rpartition("/")[2], x.done) for x in inner.layers if not isinstance(x.node.kind, Input))
    params = sum(weight.size for _, weight in owned(x for top in inner.layers for x in top.walk()))
    return Held(outputs, layers, params, inner.macs, inner.bias_adds)
