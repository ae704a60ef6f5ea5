"""What must hold of a stack, whatever it is: it is refused in order, with fixes that do what they say, or it is told in
order and runs as it was traced (`numbers.py`)."""

import re

import lamina as lm
from lamina.v1 import layers_pb2, trace_pb2
from lamina_server.errors import LaminaError, StackError
from lamina_server.explain import explain, how
from lamina_server.formula import derive
from lamina_server.notes import annotate
from lamina_server.records import LayerTrace, Trace
from lamina_server.repair import repaired
from lamina_server.trace import trace
from lamina_server.weights import weights_of
from lamina_server.wire.stacks import decode_stack, encode_stack
from lamina_server.wire.traces import encode_diagnosis, encode_trace
from tests.contract import words
from tests.hostile.found import LIMITS, Clock, Found, check
from tests.hostile.numbers import run

_NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_LONGEST = 1200  # letters of a refusal
_NO_WORDS = ("None", "Dim(", "<class", "object at", "Fraction", "{input", "..", "  ", " .", "Pair(", "Role.", "DType.")


def probe(message: layers_pb2.Stack, seed: int, *, values: bool = True) -> Found:
    """Puts a stack through everything; random numbers come from the seed. Raises FoundDefectError.

    Values are compared with those of the references in float64: not for options that no other type can hold.
    """
    found = Found()
    clock = Clock(found)
    try:
        stack = decode_stack(message)
    except StackError as error:
        _refused(error.reason, encode_diagnosis(error.diagnosis), found)
        return found
    encoded = encode_stack(stack)
    check(encode_stack(decode_stack(encoded)) == encoded, "encoded as another stack", encoded)
    clock("decode")
    try:
        traced = annotate(trace(stack, LIMITS), LIMITS)
        clock("trace")
    except StackError as error:
        clock("trace")
        diagnosis = repaired(stack, error.diagnosis, LIMITS)
        clock("repair")
        told = encode_diagnosis(diagnosis)
        _refused(error.reason, told, found)
        _fixed(message, told, found)
        return found
    except LaminaError as error:
        _said_well(str(error))
        found.outcome = error.reason
        return found
    proto = encode_trace(traced)
    clock("tell")
    _told(traced, proto)
    run(stack, traced, seed, found, clock, values=values)
    return found


# ---- what is refused ----


def _refused(reason: str, told: trace_pb2.Diagnostic, found: Found) -> None:
    found.outcome = reason
    check(bool(_NAME.fullmatch(told.reason)), "a reason is no name", told.reason)
    _said_well(told.message)


def _said_well(text: str) -> None:
    check(text.isprintable() and text[-1] in ".?", "no sentence", ascii(text))
    check(len(text) < _LONGEST, "too long", text)
    own = re.sub(r'"[^"]*"', "Q", text).replace("...", "E")
    own = own.replace("PyTorch's None", "it").replace("(None in Python)", "(that)")
    for part in _NO_WORDS:
        check(part not in own, f"says {part!r}", text)


def _fixed(message: layers_pb2.Stack, told: trace_pb2.Diagnostic, found: Found) -> None:
    """Every fix through the SDK: the stack that comes out is legal, or its fault lies elsewhere, as was said."""
    for proto in told.fixes:
        fix = lm.Fix(proto)
        found.fixes.append(fix.title)
        changed = fix.apply(lm.Stack.from_proto(message)).proto
        try:
            specs = _specs(trace(decode_stack(changed), LIMITS))
        except StackError as error:
            check(error.diagnosis.partial is not None, "a fix leaves nothing", f"{fix.title}: {error}")
            specs = _specs(error.diagnosis.partial)
        name, _, shape = fix.outcome.partition(": ")
        check(specs.get(name) == shape, "a fix has another outcome", f"{fix.title}: {fix.outcome} but {specs}")


def _specs(traced: Trace) -> dict[str, str]:
    return {layer.name: str(layer.done.spec) for layer in traced.walk()}


# ---- what is told ----


def _told(traced: Trace, proto: trace_pb2.StackTrace) -> None:
    """Every layer is explained in words and numbers that agree, and the SDK can print all of it."""
    for layer in traced.walk():
        for text in (explain(layer), how(layer)):
            check(bool(text) and text == text.strip() and "  " not in text and ".." not in text, "no sentence", text)
            check(not words.faults(text), "number and noun disagree", text)
        _derived(layer)
    check(proto.params == sum(weight.size for _, weight in weights_of(traced)), "counts weights", proto.params)
    told = lm.Trace(proto)
    for rendered in (told.to_text(), told.to_markdown(), told.to_html(), told.to_json()):
        check(bool(rendered), "renders nothing", "")


def _derived(layer: LayerTrace) -> None:
    """A derivation's result is the axis, and the result of its formula."""
    for row in layer.done.derivations:
        size = layer.done.spec.axes[row.axis].size
        check(size == row.derived.value, "derives another axis", f"{layer.name} axis {row.axis}: {row.derived}, {size}")
        again = derive(row.derived.text, **row.derived.values).value
        check(again == size, "a formula gives another axis", f"{layer.name} axis {row.axis}: {row.derived}, {size}")
    own = sum(weight.size for weight in layer.done.weights)
    said = layer.done.params.value if layer.done.params else own
    check(said == own or bool(layer.layers), "counts weights otherwise", f"{layer.name}: {layer.done.params}, {own}")
