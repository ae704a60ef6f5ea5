"""Stack in, trace out: every layer's inference in its place, or one StackError that says which layer refused and why.

The tracer owns what no single layer knows: names and references, the layers inside others, receptive fields through
branches, totals, the legal range of symbols, and the limits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from lamina_server.budget import Budget
from lamina_server.checks import (
    check_batch,
    check_expected,
    check_names,
    check_shared,
    check_sharing,
    check_whole,
    typed,
)
from lamina_server.dims import Size
from lamina_server.errors import LayerError, StackError
from lamina_server.inputs import Inputs
from lamina_server.layers.base import Inference, Kind, Output, Weight, single
from lamina_server.layers.core.basics import Input
from lamina_server.layers.holders import Held, Holder
from lamina_server.layers.tensors import Layout, Spec
from lamina_server.limits import Limits
from lamina_server.lru import Lru
from lamina_server.nesting import MAX_DEPTH, MAX_NAME, Blocks, bound_inside
from lamina_server.origins import Origin, around, check_mask, entering, origins_after
from lamina_server.receptive import fields_of_input
from lamina_server.records import Diagnosis, LayerTrace, Place, Trace, owned
from lamina_server.stack import Namer, Node, Stack, field_name
from lamina_server.totals import never_legal, peak_bytes, per_sample, symbol_ranges
from lamina_server.wiring import resolve
from lamina_server.words import brief, nearest, shortened

MAX_KEPT_WEIGHTS = 64
_INFERRED: Lru[tuple[Kind, tuple[Spec, ...], Layout, Size], Inference] = Lru(4096)


def trace(stack: Stack, limits: Limits = Limits()) -> Trace:  # noqa: B008 - frozen
    """Traces a stack. Raises StackError for an illegal one, LimitError for one that asks for too much."""
    check_names([block.name for block in stack.blocks], "stack.blocks")
    blocks, budget = Blocks(stack.blocks), Budget(limits)
    budget.take_layers(len(stack.nodes))
    tracer = _Tracer(stack, _Scope(), _Shared(budget, blocks, Inputs(stack, blocks, limits)))
    tracer.walk()
    return tracer.finish()


class _Entry(NamedTuple):
    """A tensor that an Input inside a layer stands for."""

    spec: Spec
    origin: Origin


@dataclass(frozen=True)
class _Scope:
    """Where layers stand: what they are called together, where they are written (`alone`: one layer, at `path`), how
    the names of those inside a layer and of their weights begin, and the tensors that come in; None at the top, where
    the caller feeds."""

    what: str = "The stack"
    path: str = "stack"
    alone: bool = False
    prefix: str = ""
    owner: str = ""
    entries: tuple[_Entry, ...] | None = None
    depth: int = 0
    shares: bool = False  # the weights inside are those of another layer

    @cached_property
    def whole(self) -> Size:
        """Entries of the batch axis for which layers tell their costs: those of a sample, or, inside a layer that
        counts the costs of its parts together, those of what comes in."""
        return self.entries[0].spec.folded if self.entries else 1

    def layer(self, index: int) -> str:
        """Path of a layer."""
        return self.path if self.alone else f"{self.path}.layers[{index}]"


@dataclass
class _Shared:
    """What all layers of a stack share, wherever they stand. Names and references are whole: "res1/conv2d"."""

    budget: Budget
    blocks: Blocks
    inputs: Inputs
    weights: dict[str, tuple[Weight, ...]] = field(default_factory=dict)
    specs: dict[str, Spec] = field(default_factory=dict)


class _Tracer:
    """Walks a stack once, in order. References are as the stack writes them."""

    def __init__(self, stack: Stack, scope: _Scope, shared: _Shared) -> None:
        self.stack, self.scope, self.shared = stack, scope, shared
        self.layers: list[LayerTrace] = []
        self.previous: str | None = None
        self.specs: dict[str, Spec] = {}
        self.by_ref: dict[str, LayerTrace] = {}
        self.origins: dict[str, Origin] = {}
        self.namer = Namer({node.name for node in stack.nodes if node.name})
        self.macs: Size = 0
        self.bias_adds: Size = 0
        self.entries = iter(scope.entries or ())

    def walk(self) -> None:
        """Traces every layer."""
        if not self.scope.alone:
            check_whole(self.stack, self.scope.what, self.scope.path)
        for index, node in enumerate(self.stack.nodes):
            self._step(index, node)

    def finish(self) -> Trace:
        """Outputs, totals and ranges."""
        outputs = self.outputs()
        peak = peak_bytes(self.layers, outputs)
        self.shared.budget.take_peak(peak)
        symbolic = len(self.shared.inputs.declared) > 1  # the batch is always there
        ranges = symbol_ranges([layer for top in self.layers for layer in top.walk()]) if symbolic else {}
        if never := never_legal(self.layers, ranges):
            raise self._refusal(*never)
        return Trace(self.stack, self.layers, outputs, self.shared.specs, ranges, self.macs, self.bias_adds, peak)

    def outputs(self) -> tuple[str, ...]:
        """What the stack returns. Raises StackError for a reference that no layer gives."""
        outputs, every = self.stack.outputs or self._given(), f"{self.scope.path}.outputs"
        shown = every.removeprefix("stack.")
        for i, ref in enumerate(outputs):
            if ref not in self.specs:
                said = f"{shown}[{i}] names {shortened(ref)}, which no layer gives; {nearest(ref, self.specs)}"
                raise StackError(Diagnosis("UNKNOWN_OUTPUT", said, f"{every}[{i}]"))
            if ref in outputs[:i]:
                raise StackError(Diagnosis("DUPLICATE_OUTPUT", f'{shown} name "{ref}" twice.', f"{every}[{i}]"))
        return outputs

    def results(self) -> tuple[str, ...]:
        """References of what a layer that holds these gives: all outputs of the last, where nothing is said."""
        last = self.layers[-1]
        return self.stack.outputs or tuple(ref.removeprefix(self.scope.prefix) for ref in last.refs)

    def _given(self) -> tuple[str, ...]:
        """What the last layer so far gives, as references in this stack."""
        return tuple(ref.removeprefix(self.scope.prefix) for ref in self.layers[-1].given)

    def partial(self) -> Trace:
        """What was traced before a fault."""
        outputs = self.layers[-1].given if self.layers else ()
        return Trace(self.stack, self.layers, outputs, self.shared.specs, {}, self.macs, self.bias_adds, None)

    # ---- one layer ----

    def _step(self, index: int, node: Node) -> None:
        """Traces one layer."""
        kind, scope, name, inner = node.kind, self.scope, "", None
        entry = next(self.entries) if isinstance(kind, Input) and scope.entries is not None else None
        try:
            sources = resolve(self.stack, index, self.by_ref, self.previous)
            inputs = tuple([self.specs[ref] for ref in sources])
            taken = [self.origins[ref] for ref in sources]
            check_mask(kind, taken)
            if isinstance(kind, Holder):
                kind.check()
                name = node.name or self.namer.name(kind.title)
                inner = self._walked(index, node, kind, name, sources)
                done = per_sample(kind.made(inputs, inner.held()), scope.whole)
            elif isinstance(kind, Input):
                kind.check()
                entered = entry and Inference(single(entry.spec), "Input", how="what comes in")
                done = entered or self.shared.inputs.infer(index, kind)
            else:
                done = self._inferred(kind, inputs)
            self._check_result(node, done)
            name = name or node.name or self.namer.name(kind.called or done.label)
            whole = scope.prefix + name
            if len(whole) > MAX_NAME:
                text = f"has a whole name of more than {MAX_NAME} characters, with those that it stands in"
                raise LayerError("BAD_NAME", text, field="name")
            owner, owns = self._owner(node, name, done, inner)
            macs = self.macs if done.macs is None else self.macs + done.macs.value
            self.shared.budget.take(brief(whole), inputs, done, macs, owns=owns)
        except LayerError as error:
            raise self._refusal(index, error, name) from None
        except ArithmeticError as error:
            reason = LayerError("TOO_COMPLEX", f"cannot be traced exactly: {error}")
            raise self._refusal(index, reason, name) from None
        self.macs, self.previous = macs, name
        if done.bias_adds is not None:
            self.bias_adds = self.bias_adds + done.bias_adds.value
        refs = tuple(scope.prefix + ref for ref in sources) if scope.prefix else sources
        layer = LayerTrace(index, whole, node, refs, inputs, done, {}, owner, scope.whole)
        if inner is not None:
            layer.layers, layer.results = tuple(inner.layers), tuple(map(inner.scope.prefix.__add__, inner.results()))
        self._keep(layer, taken, entry, inner)

    def _keep(self, layer: LayerTrace, taken: list[Origin], entry: _Entry | None, inner: "_Tracer | None") -> None:
        """Makes a layer, what it gives, and what that goes back to, known to those after it."""
        self.layers.append(layer)
        kind, whole, prefix = layer.node.kind, layer.refs, self.scope.prefix
        own = tuple(ref.removeprefix(prefix) for ref in whole) if prefix else whole
        for i, output in enumerate(layer.done.outputs):
            self.specs[own[i]] = self.shared.specs[whole[i]] = output.spec
            self.by_ref[own[i]] = layer
        if inner is not None:
            assert isinstance(kind, Holder)
            for ref, result in zip(own, inner.results(), strict=True):
                seen = inner.origins[result]
                fields = kind.seen_behind(layer.inputs[0], taken[0].fields, self.specs[ref], seen.fields)
                self.origins[ref] = around(kind, taken[0], seen)._replace(fields=fields)
        else:
            if isinstance(kind, Input):
                found = [entry.origin if entry else Origin(fields_of_input(layer.done.spec), begins=True)]
            else:
                found = origins_after(kind, layer.name, layer.inputs, layer.done, taken)
            self.origins.update(zip(own, found, strict=True))
        layer.receptive = self.origins[own[0]].fields

    def _inferred(self, kind: Kind, inputs: tuple[Spec, ...]) -> Inference:
        """What a layer makes of its inputs. Networks repeat themselves, so what was asked for lately is kept."""
        layout = self.stack.layout
        key = kind, inputs, layout, self.scope.whole
        known = _INFERRED.get(key)
        if known is None:
            kind.check()
            kind.check_types(inputs)
            check_batch(inputs)
            known = per_sample(typed(kind, inputs, kind.infer(inputs, layout)), self.scope.whole)
            if len(known.weights) <= MAX_KEPT_WEIGHTS:
                _INFERRED.put(key, known)
        return known

    def _owner(self, node: Node, name: str, done: Inference, inner: "_Tracer | None") -> tuple[str, bool]:
        """The layer whose weights it uses, and whether it is the first. Raises LayerError where they do not fit."""
        weights = self.shared.weights
        if node.weights_of is None:
            owner = self.scope.owner + name
            if self.scope.shares:
                check_shared(owner, weights.get(owner), done.weights)
        else:
            other = self._other(node)
            owner = other.owner
            check_shared(owner, weights.get(owner), done.weights)
            within = owned(layer for top in inner.layers for layer in top.walk()) if inner else ()
            check_sharing(other, [f"{owner}/{weight.name}" for weight in done.weights] + [name for name, _ in within])
        owns = owner not in weights
        weights.setdefault(owner, done.weights)
        return owner, owns

    def _other(self, node: Node) -> LayerTrace:
        """The layer whose weights a layer shares. Raises LayerError where no layer before it, of its kind, has the
        name."""
        wanted = node.weights_of or ""
        other = self.by_ref.get(wanted)
        if other is None or ":" in wanted:
            near = nearest(wanted, [ref for ref in self.by_ref if ":" not in ref])
            text = f"shares the weights of {shortened(wanted)}, which is no layer before it; {near}"
            raise LayerError("UNKNOWN_LAYER", text, field="weights_of")
        if type(other.node.kind) is not type(node.kind):
            text = f"shares the weights of {wanted}, a layer of another kind: {other.node.kind.title}"
            raise LayerError("WEIGHTS_DIFFER", text, field="weights_of")
        return other

    # ---- layers inside others ----

    def _walked(self, index: int, node: Node, kind: Holder, name: str, sources: Sequence[str]) -> "_Tracer":
        """The layers inside a holder, traced."""
        scope, blocks, layout = self.scope, self.shared.blocks, self.stack.layout
        if scope.depth >= MAX_DEPTH:
            raise LayerError("TOO_DEEP", f"stands inside {MAX_DEPTH} other layers, and would hold one more")
        written, path, block = blocks.inside(kind, self.stack)
        self.shared.budget.take_layers(len(written.nodes))
        specs = [self.specs[ref] for ref in sources]
        given = kind.given(specs, lambda rank: blocks.roles(kind.layer.kind, 0, rank, layout))
        inside = bound_inside(kind, written, given, lambda i, rank: blocks.roles(kind, i, rank, layout))
        entries = tuple(
            _Entry(new, entering(kind, origin)._replace(fields=kind.seen_by(old, new, origin.fields)))
            for old, new, origin in zip(specs, given, [self.origins[ref] for ref in sources], strict=True)
        )
        shares = node.weights_of is not None
        below = _Scope(
            f'The block "{block}"',
            path or f"{scope.layer(index)}.{field_name(kind)}.layer",
            not block,
            f"{scope.prefix}{name}/",
            f"{self._other(node).owner if shares else scope.owner + name}/",
            entries,
            scope.depth + 1,
            shares or scope.shares,
        )
        inner = _Tracer(inside, below, self.shared)
        try:
            inner.walk()
            inner.outputs()
        except StackError as error:
            found = error.diagnosis
            found.within = (Place(written, block, found.index, found.partial), *found.within)
            found.index, found.partial = index, self.partial()
            raise
        return inner

    def held(self) -> Held:
        """What a holder is told of these layers."""
        last = self.layers[-1].done.outputs
        named = tuple(Output(ref if i else "", self.specs[ref]) for i, ref in enumerate(self.stack.outputs))
        inside = [layer for layer in self.layers if not isinstance(layer.node.kind, Input)]
        params = sum(weight.size for _, weight in owned(layer for top in inside for layer in top.walk()))
        layers = tuple((layer.name.removeprefix(self.scope.prefix), layer.done) for layer in inside)
        return Held(named or last, layers, params, self.macs, self.bias_adds)

    # ---- what may be wrong ----

    def _check_result(self, node: Node, done: Inference) -> None:
        for output in done.outputs:
            for axis in output.spec.axes[1:]:
                if isinstance(axis.size, int):
                    if axis.size < 1:
                        raise LayerError("EMPTY_RESULT", f"would leave {output.spec}: nothing at all")
                elif unknown := axis.size.symbols - self.shared.inputs.declared:
                    text = f"would give a size of {axis.size}, but no Input before it says what {min(unknown)} is"
                    raise LayerError("UNKNOWN_SYMBOL", text)
        if node.expect is not None:
            check_expected(node.expect, done.spec)

    def _refusal(self, index: int, error: LayerError, name: str = "") -> StackError:
        """A layer's bare reason with its index, name, kind and axes."""
        node = self.stack.nodes[index]
        title = node.kind.title
        prefix = self.scope.prefix
        name = prefix + (name or node.name or self.namer.name(node.kind.called or title))
        where = self.scope.layer(index)
        path = f"{where}.{error.field}" if error.field in Node._fields else f"{where}.{field_name(node.kind)}"
        if error.field and error.field not in Node._fields:
            path += f".{error.field}"
        facts = dict(error.facts)
        expected: Any = facts.pop("expected", ())
        got = {prefix + ref: self.specs[ref] for ref in self._known_sources(index)}
        said = error.message
        if all(ref in self.specs for ref in node.inputs):  # else it quotes a name, which may look like a placeholder
            for i, ref in enumerate(node.inputs or self._known_sources(index), 1):
                said = said.replace(f"{{input_{i}}}", brief(prefix + ref)).replace(f"{{input_{i}_how}}", self._how(ref))
        text = f"{brief(name)} ({title}) {said}{'' if error.message.endswith(('?', '.')) else '.'}"
        return StackError(
            Diagnosis(error.reason, text, path, name, title, index, got, expected, facts, partial=self.partial())
        )

    def _how(self, ref: str) -> str:
        """Arithmetic of a layer that merged axes, in parentheses: ` (flatten: 32 x 32 x 50 = 51 200)`."""
        layer = self.by_ref.get(ref)
        return f" ({brief(layer.name)}: {layer.done.how})" if layer and " = " in layer.done.how else ""

    def _known_sources(self, index: int) -> tuple[str, ...]:
        node = self.stack.nodes[index]
        if node.inputs:
            return tuple(dict.fromkeys(ref for ref in node.inputs if ref in self.specs))
        return self._given()[:1] if self.layers and not node.kind.begins else ()
