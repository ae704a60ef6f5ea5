"""Stack in, trace out: every layer's inference in its place, or one StackError that says which layer refused and why.

The tracer owns what no single layer knows: names and references, the axes of Inputs, receptive fields through
branches, totals, the legal range of symbols, and the limits.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, count
from typing import Any

from lamina_server.dims import Size, product, symbol, symbols_of
from lamina_server.errors import LayerError, StackError
from lamina_server.layers.base import Inference, Kind, single
from lamina_server.layers.core import Input, input_spec
from lamina_server.layers.tensors import BATCH, DType, Role, Spec, usual_roles
from lamina_server.limits import Limits
from lamina_server.receptive import Fields, fields_after, fields_of_input
from lamina_server.records import Diagnosis, LayerTrace, Trace
from lamina_server.stack import NAME, Namer, Node, Stack, field_name
from lamina_server.totals import inner_elements, peak_bytes, symbol_ranges
from lamina_server.wiring import resolve
from lamina_server.words import nearest, shortened

MAX_SYMBOLS = 16
_LETTERS = {Role.STEPS: "T", Role.DEPTH: "D", Role.HEIGHT: "H", Role.WIDTH: "W", Role.CHANNELS: "C", Role.FEATURES: "F"}


def trace(stack: Stack, limits: Limits = Limits()) -> Trace:  # noqa: B008 - frozen
    """Traces a stack. Raises StackError for an illegal one, LimitError for one that asks for too much."""
    tracer = _Tracer(stack, limits)
    tracer.check_whole()
    for index in range(len(stack.nodes)):
        tracer.step(index)
    return tracer.finish()


class _Tracer:
    """Walks a stack once, in order."""

    def __init__(self, stack: Stack, limits: Limits) -> None:
        self.stack, self.limits = stack, limits
        self.layers: list[LayerTrace] = []
        self.specs: dict[str, Spec] = {}
        self.inferred: dict[tuple[Kind, tuple[Spec, ...]], Inference] = {}
        self.by_ref: dict[str, LayerTrace] = {}
        self.namer = Namer({node.name for node in stack.nodes if node.name})
        self.macs: Size = 0
        self.weight_bytes, self.largest = 0, ("", 0)
        self.takers = _takers(stack)
        self.fixed: set[str] = set()  # layers that depend on no Input
        self.masks: dict[str, str] = {}  # layers whose output has a mask in Keras, and the layer that it is from
        # Symbols that stand somewhere: those that callers name are taken from the start.
        self.symbols = symbols_of(*(size for _, kind in stack.inputs() for size in kind.shape)) - {"?"}

    def check_whole(self) -> None:
        """What is wrong with the stack as a whole."""
        nodes = self.stack.nodes
        self.limits.check("max_layers", len(nodes), "The number of layers is")
        if not nodes:
            raise self._fault(
                "EMPTY_STACK", "The stack has no layers; it needs at least an Input and one layer.", "layers"
            )
        if not any(True for _ in self.stack.inputs()):
            raise self._fault(
                "NO_INPUT", "The stack has no Input, so no shape to start from: put an Input(shape) first.", "layers"
            )
        first: dict[str, int] = {}
        for i, node in enumerate(nodes):
            if node.name is None:
                continue
            if not NAME.fullmatch(node.name):
                raise self._fault(
                    "BAD_NAME",
                    f"layers[{i}] is named {shortened(node.name)}; a name starts with a letter, digit or "
                    'underscore and goes on with those, ".", "-", at most 128 in all.',
                    f"layers[{i}].name",
                )
            if node.name in first:
                raise self._fault(
                    "DUPLICATE_NAME",
                    f'layers[{first[node.name]}] and layers[{i}] are both named "{node.name}"; names must differ.',
                    f"layers[{i}].name",
                )
            first[node.name] = i

    def step(self, index: int) -> None:
        """Traces one layer."""
        node = self.stack.nodes[index]
        try:
            node.kind.check()
            sources = resolve(self.stack, index, self.by_ref, self.layers[-1].name if self.layers else None)
            inputs = tuple(self.specs[ref] for ref in sources)
            mask = self._mask(node.kind, sources)
            done = self._input(index, node.kind) if isinstance(node.kind, Input) else self._inferred(node.kind, inputs)
            self._check_result(node, done)
        except LayerError as error:
            raise self._refusal(index, error) from None
        except ArithmeticError as error:
            raise self._refusal(index, _too_complex(error)) from None
        name = node.name or self.namer.name(done.label)
        try:
            self._check_limits(name, inputs, done)
        except ArithmeticError as error:
            raise self._refusal(index, _too_complex(error), name) from None
        begins = isinstance(node.kind, Input)
        fields = fields_of_input(done.spec) if begins else self._receptive(name, sources, inputs, done)
        layer = LayerTrace(index, name, node, sources, inputs, done, fields)
        self.layers.append(layer)
        if mask or node.kind.sends_mask:
            self.masks[name] = mask or name
        for ref, output in zip(layer.refs, done.outputs, strict=True):
            self.specs[ref] = output.spec
            self.by_ref[ref] = layer

    def finish(self) -> Trace:
        """Outputs, totals and ranges."""
        outputs = self.stack.outputs or (self.layers[-1].name,)
        for i, ref in enumerate(outputs):
            if ref not in self.specs:
                raise self._fault(
                    "UNKNOWN_OUTPUT",
                    f"outputs[{i}] names {shortened(ref)}, which no layer gives; {nearest(ref, self.specs)}",
                    f"outputs[{i}]",
                )
            if ref in outputs[:i]:
                raise self._fault("DUPLICATE_OUTPUT", f'outputs name "{ref}" twice.', f"outputs[{i}]")
        peak = peak_bytes(self.layers, outputs)
        if peak is not None:
            self.limits.check("max_activation_bytes", peak, "The activations alive at once take, per sample,")
        return Trace(self.stack, self.layers, outputs, self.specs, symbol_ranges(self.layers), self.macs, peak)

    def partial(self) -> Trace:
        """What was traced before a fault."""
        outputs = (self.layers[-1].name,) if self.layers else ()
        return Trace(self.stack, self.layers, outputs, self.specs, {}, self.macs, None)

    def _inferred(self, kind: Kind, inputs: tuple[Spec, ...]) -> Inference:
        """What a layer makes of its inputs; blocks repeat, and what is alike is inferred once."""
        known = self.inferred.get((kind, inputs))
        if known is None:
            kind.check_types(inputs)
            known = self.inferred[kind, inputs] = _typed(kind, inputs, kind.infer(inputs, self.stack.layout))
        return known

    def _input(self, index: int, kind: Input) -> Inference:
        for size in kind.shape:
            if isinstance(size, int) and size < 1:
                raise LayerError(
                    "OUT_OF_RANGE", f"declares a size of {size}; sizes are 1 or more, or names", field="shape"
                )
        rank = len(kind.shape) + 1
        self.limits.check("max_rank", rank, f"The number of axes that layers[{index}] declares is")
        taker = self.takers.get(index)
        roles = taker.roles(rank, self.stack.layout) if taker else usual_roles(rank, self.stack.layout)
        shape = [self._named(index, roles[i], size) for i, size in enumerate(kind.shape, 1)]
        if len(self.symbols) > MAX_SYMBOLS:
            raise LayerError("TOO_COMPLEX", f"brings more than {MAX_SYMBOLS} symbols into the stack", field="shape")
        spec = input_spec(shape, roles, BATCH, kind.dtype)
        return Inference(single(spec), "Input", how="what the caller feeds")

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

    def _check_result(self, node: Node, done: Inference) -> None:
        for output in done.outputs:
            for axis in output.spec.axes[1:]:
                if isinstance(axis.size, int) and axis.size < 1:
                    raise LayerError("EMPTY_RESULT", f"would leave {output.spec}: nothing at all")
        if node.expect is not None:
            _check_expected(node.expect, done.spec)

    def _check_limits(self, name: str, inputs: Sequence[Spec], done: Inference) -> None:
        limits = self.limits
        for output in done.outputs:
            limits.check("max_rank", output.spec.rank, f'The number of axes of "{name}" is')
            known = product(size for size in output.spec.shape[1:] if isinstance(size, int))  # symbols are 1 or more
            limits.check("max_tensor_elements", known, f'The number of elements that "{name}" gives per sample is')
        what = "reads per sample, its padding included," if done.windows else "holds per sample while it runs"
        limits.check(
            "max_tensor_elements",
            inner_elements(inputs, done),
            f'The number of elements that "{name}" {what} is',
        )
        if done.macs is None:  # a pool: no products, but as much to walk through
            read = product(window.extent for window in done.windows) * done.spec.elements
            limits.check("max_macs", read, f'The number of elements that the windows of "{name}" read per sample is')
        for weight in done.weights:
            nbytes = weight.size * weight.dtype.nbytes
            self.weight_bytes += nbytes
            if nbytes > self.largest[1]:
                self.largest = (name, nbytes)
        limits.check_weights(self.weight_bytes, *self.largest)
        if done.macs is not None:
            self.macs = self.macs + done.macs.value
            limits.check("max_macs", self.macs, f'Up to "{name}" the multiply-adds per sample are')

    def _receptive(self, name: str, sources: Sequence[str], inputs: Sequence[Spec], done: Inference) -> Fields:
        """Fields through what depends on an Input; numbers that the stack itself holds see nothing."""
        taken = [layer for layer in (self.by_ref[ref] for ref in sources) if layer.name not in self.fixed]
        if not taken:
            self.fixed.add(name)
            return {}
        first = isinstance(taken[0].node.kind, Input)
        return fields_after([layer.receptive for layer in taken], inputs, done, first=first)

    def _mask(self, kind: Kind, sources: Sequence[str]) -> str:
        """The layer whose mask a layer hands on, as in Keras; "" for none. Raises LayerError where it is used."""
        if not self.masks:
            return ""
        mask = next((self.masks[ref.partition(":")[0]] for ref in sources if ref.partition(":")[0] in self.masks), "")
        if mask and kind.masking == "uses":
            raise LayerError(
                "UNSUPPORTED",
                f"would leave out, in Keras, what {mask} masks; here nothing is ever left out, so the numbers would "
                f"differ: take {mask} away, or cut off what it masks before the stack",
                mask=mask,
            )
        return "" if kind.masking == "drops" else mask

    def _fault(self, reason: str, message: str, path: str) -> StackError:
        return StackError(Diagnosis(reason, message, f"stack.{path}"))

    def _refusal(self, index: int, error: LayerError, name: str = "") -> StackError:
        """A layer's bare reason with its index, name, kind and axes."""
        node = self.stack.nodes[index]
        title = node.kind.title
        name = name or node.name or self.namer.name(title)
        where = f"stack.layers[{index}]"
        path = f"{where}.{error.field}" if error.field in Node._fields else f"{where}.{field_name(node.kind)}"
        if error.field and error.field not in Node._fields:
            path += f".{error.field}"
        facts = dict(error.facts)
        expected: Any = facts.pop("expected", ())
        got = {ref: self.specs[ref] for ref in self._known_sources(index)}
        said = error.message
        if all(ref in self.specs for ref in node.inputs):  # else it quotes a name, which may look like a placeholder
            for i, ref in enumerate(node.inputs or got, 1):
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
        return (self.layers[-1].name,) if self.layers and not node.kind.begins else ()


def _typed(kind: Kind, inputs: Sequence[Spec], done: Inference) -> Inference:
    """Gives the weights the type that the layer computes in."""
    dtype = kind.computes_in(inputs)
    if dtype is DType.FLOAT32 or not done.weights:
        return done
    typed = (w._replace(dtype=dtype) if w.dtype is DType.FLOAT32 else w for w in done.weights)
    return replace(done, weights=tuple(typed))


def _too_complex(error: ArithmeticError) -> LayerError:
    return LayerError("TOO_COMPLEX", f"cannot be traced exactly: {error}")


def _takers(stack: Stack) -> dict[int, Any]:
    """For each Input the first layer that takes it: it says what the axes are."""
    by_name = {node.name: i for i, node in enumerate(stack.nodes) if node.name}
    takers: dict[int, Any] = {}
    for i, node in enumerate(stack.nodes):
        if node.kind.begins:
            continue
        sources = [by_name.get(ref, -1) for ref in node.inputs] if node.inputs else [i - 1]
        for source in sources:
            takers.setdefault(source, node.kind)
    return takers


def _check_expected(expect: Sequence[Size], spec: Spec) -> None:
    """Raises LayerError where a shape is not the one that was to come out."""
    found = spec.shape[1:]
    if len(found) == len(expect) and all(
        str(want) in ("?", str(size)) for want, size in zip(expect, found, strict=True)
    ):
        return
    raise LayerError(
        "EXPECTATION_NOT_MET",
        f"is expected to give ({_listed(expect)}) but gives ({_listed(found)}): {spec}",
        field="expect",
        expected_shape=_listed(expect),
        found_shape=_listed(found),
    )


def _listed(sizes: Sequence[Size]) -> str:
    return ", ".join(map(str, sizes)) + ("," if len(sizes) == 1 else "")
