"""What must hold of a stack, whatever it is: it is refused in order, with fixes that do what they say, or it runs as it
was traced, with symbols as with numbers."""

import re
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import lamina as lm
from lamina.v1 import layers_pb2, trace_pb2
from lamina_server import runtime
from lamina_server.binding import at as at_sizes
from lamina_server.dims import Size, evaluate, symbol
from lamina_server.errors import InvalidRequestError, KernelError, LaminaError, LimitError, StackError
from lamina_server.export import export, output_name
from lamina_server.layers.core.basics import Input
from lamina_server.layers.tensors import FLOATS
from lamina_server.limits import Limits
from lamina_server.notes import annotate
from lamina_server.records import Trace
from lamina_server.repair import repaired
from lamina_server.repair.arrays import check_indices, looked_up
from lamina_server.runtime.device import CPU
from lamina_server.stack import Stack
from lamina_server.trace import trace
from lamina_server.weights import complete
from lamina_server.wire.stacks import decode_stack
from lamina_server.wire.traces import encode_diagnosis, encode_trace

LIMITS = Limits(max_tensor_elements=200_000, max_macs=10**8, max_weight_bytes=4 * 10**6, max_activation_bytes=10**7)
DEVICE = runtime.Device("cpu", ((CPU, {}),), 1)
SLOW = 0.25  # seconds of this thread
_NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


class FoundDefectError(AssertionError):
    """Something that must not be."""


@dataclass
class Found:
    """What came of a stack: "ran", or the reason why not; seconds by stage."""

    outcome: str
    text: str = ""
    fixes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    onnx: bytes = b""
    told: bytes = b""


class _Clock:
    def __init__(self, found: Found) -> None:
        self.found, self.at = found, time.thread_time()

    def __call__(self, stage: str) -> None:
        now = time.thread_time()
        self.found.seconds[stage] = self.found.seconds.get(stage, 0.0) + now - self.at
        self.at = time.thread_time()


def probe(message: layers_pb2.Stack, seed: int, *, run: bool = True) -> Found:
    """Puts a stack through everything. Raises FoundDefectError."""
    found = Found("ran")
    clock = _Clock(found)
    try:
        stack = decode_stack(message)
    except StackError as error:
        _refused(error, found)
        return found
    try:
        traced = annotate(trace(stack, LIMITS), LIMITS)
        clock("trace")
        found.told = encode_trace(traced).SerializeToString()
        clock("tell")
    except StackError as error:
        clock("trace")
        diagnosis = repaired(stack, error.diagnosis, LIMITS)
        clock("repair")
        told = encode_diagnosis(diagnosis)
        _refused(error, found)
        _fixed(message, told, found)
        return found
    except LaminaError as error:
        found.outcome, found.text = error.reason, str(error)
        return found
    if run:
        _ran(stack, traced, seed, found, clock)
    return found


def _refused(error: StackError, found: Found) -> None:
    told = encode_diagnosis(error.diagnosis)
    found.outcome, found.text = error.reason, told.message
    _check(bool(_NAME.fullmatch(told.reason)), "reason", told.reason)
    _check(told.message.isprintable() and told.message[-1] in ".?", "text", ascii(told.message))
    for part in ("None", "Dim(", "<class", "object at", "Fraction", "{input", "..", "  ", " .", "Pair("):
        quoted = (
            re.sub(r'"[^"]*"', "Q", told.message)
            .replace("...", "E")
            .replace("PyTorch's None", "")
            .replace("(None in Python)", "P")
        )
        _check(part not in quoted, f"words {part!r}", told.message)
    _check(len(told.message) < 1200, "length", told.message)


def _check(holds: bool, what: str, detail: Any) -> None:
    if not holds:
        raise FoundDefectError(f"{what}: {detail}")


def _fixed(message: layers_pb2.Stack, told: trace_pb2.Diagnostic, found: Found) -> None:
    """Every fix through the SDK: the stack that comes out is legal, or its fault lies elsewhere, as was said."""
    for proto in told.fixes:
        fix = lm.Fix(proto)
        found.fixes.append(fix.title)
        changed = fix.apply(lm.Stack.from_proto(message)).proto
        specs: dict[str, str] = {}
        try:
            specs = _specs(trace(decode_stack(changed), LIMITS))
        except StackError as error:
            _check(error.diagnosis.partial is not None, "fix leaves nothing", f"{fix.title}: {error}")
            specs = _specs(error.diagnosis.partial)
        name, _, shape = fix.outcome.partition(": ")
        _check(specs.get(name) == shape, "outcome of a fix", f"{fix.title}: {fix.outcome} but {specs}")


def _specs(traced: Trace) -> dict[str, str]:
    every: dict[str, str] = {}
    for layer in traced.walk():
        every[layer.name] = str(layer.done.spec)
    return every


def _ran(stack: Stack, traced: Trace, seed: int, found: Found, clock: _Clock) -> None:
    sizes = {name: traced.ranges.get(name, 1) + 2 for name in traced.symbols if name != "batch"}
    try:
        refs = tuple(layer_ref for layer_ref in traced.specs)
        inputs = [layer.refs[0] for layer in traced.inputs]
        refs = tuple(ref for ref in refs if ref not in inputs)
        if not refs:
            return
        weights = complete(traced, {}, seed)
        found.onnx = export(traced, weights, refs)
        clock("export")
        session = runtime.Session(found.onnx, DEVICE)
        clock("load")
        for more, batch in ((0, 2), (1, 1), (5, 3)):
            if more and not sizes and batch != 1:
                continue
            values = {name: size + more for name, size in sizes.items()}
            if not _run(stack, traced, session, refs, values, batch, seed, weights):
                found.outcome = "INDEX_OUT_OF_RANGE"
                return
        if not sizes and found.outcome == "ran":
            _as_symbols(stack, traced, refs, weights, seed)
        clock("run")
    except KernelError as error:
        found.outcome, found.text = f"no {error.operator}", str(error)


def _arrays(traced: Trace, values: dict[str, int], seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    made = {}
    for layer in traced.inputs:
        spec = layer.done.spec
        shape = tuple(evaluate(size, values) for size in spec.shape)
        if spec.dtype in FLOATS:
            made[layer.name] = rng.standard_normal(shape).astype(spec.dtype.numpy)
        else:
            made[layer.name] = rng.integers(0, 2, shape).astype(spec.dtype.numpy)
    return made


def _run(
    stack: Stack,
    traced: Trace,
    session: Any,
    refs: tuple[str, ...],
    values: dict[str, int],
    batch: int,
    seed: int,
    weights: dict[str, Any],
) -> bool:
    """Runs a model; shapes are those that were traced, with symbols as numbers too."""
    try:
        actual = trace(at_sizes(traced, values), LIMITS) if values else traced
    except StackError as error:
        smallest = [v for n, v in values.items() if v < traced.ranges.get(n, 1)]
        raise FoundDefectError(
            f"symbolic was legal, at {values} it is not: {error.reason} {error} {smallest}"
        ) from None
    except LimitError:
        return True
    at = {"batch": batch, **values}
    arrays = _arrays(traced, at, seed)
    try:
        check_indices(looked_up(actual), arrays)
        ran = dict(zip(refs, session.run(arrays, [output_name(ref, session.input_names) for ref in refs]), strict=True))
    except InvalidRequestError as error:
        if error.reason != "INDEX_OUT_OF_RANGE":
            raise
        return False
    except LimitError as error:
        raise FoundDefectError(f"out of memory at {values}: {error}") from None
    for ref, array in ran.items():
        shape = tuple(evaluate(size, at) for size in traced.specs[ref].shape)
        own = tuple(evaluate(size, {"batch": batch}) for size in actual.specs[ref].shape)
        _check(
            shape == own, "numbers give another shape than symbols", f"{ref}: {traced.specs[ref]} at {values}, {own}"
        )
        _check(array.shape == shape, "ran as another shape", f"{ref}: traced {traced.specs[ref]}, ran {array.shape}")
        _check(array.dtype == traced.specs[ref].dtype.numpy, "another type", f"{ref}: {array.dtype}")
    if values:
        other = runtime.Session(export(actual, weights, refs), DEVICE)
        again = dict(zip(refs, other.run(arrays, [output_name(ref, other.input_names) for ref in refs]), strict=True))
        _alike(ran, again, f"with numbers for symbols at {values}")
    return True


def _alike(one: dict[str, Any], other: dict[str, Any], what: str) -> None:
    for ref, array in one.items():
        a, b = array.astype(np.float64), other[ref].astype(np.float64)
        scale = float(np.nanmax(np.abs(np.where(np.isfinite(b), b, 0)), initial=0.0)) or 1.0
        wide = 2e-2 if array.dtype.itemsize < 4 else 1e-4
        if array.shape != b.shape or not np.allclose(a, b, rtol=wide, atol=wide * scale, equal_nan=True):
            raise FoundDefectError(f"other values {what}: {ref}")


def _as_symbols(stack: Stack, traced: Trace, refs: tuple[str, ...], weights: dict[str, Any], seed: int) -> None:
    """The same stack with symbols for the sizes of its Inputs, where that is legal: the same values come out."""
    sizes = sorted({size for layer in traced.inputs for size in layer.done.spec.shape[1:] if isinstance(size, int)})
    names: dict[Size, str] = {size: f"S{size}" for size in sizes}
    nodes = tuple(
        node._replace(kind=Input(tuple(symbol(names[size]) for size in node.kind.shape), node.kind.dtype))
        if isinstance(node.kind, Input)
        else node
        for node in stack.nodes
    )
    try:
        symbolic = trace(replace(stack, nodes=nodes), LIMITS)
    except LaminaError:
        return
    for name, least in symbolic.ranges.items():
        _check(int(name[1:]) >= least, "range", f"{name} must be {least} or more, but is legal")
    if any(ref not in symbolic.specs for ref in refs) or set(complete(symbolic, {}, 0)) != set(weights):
        raise FoundDefectError("symbols change names or weights")
    values = {names[size]: size for size in sizes}
    arrays = _arrays(traced, {"batch": 2}, seed)
    one = runtime.Session(export(traced, weights, refs), DEVICE)
    other = runtime.Session(export(symbolic, weights, refs), DEVICE)
    outs = [output_name(ref, one.input_names) for ref in refs]
    try:
        a = dict(zip(refs, one.run(arrays, outs), strict=True))
        b = dict(zip(refs, other.run(arrays, outs), strict=True))
    except InvalidRequestError:
        return
    for ref in refs:
        shape = tuple(evaluate(size, {"batch": 2, **values}) for size in symbolic.specs[ref].shape)
        _check(a[ref].shape == shape, "symbols give another shape", f"{ref}: {symbolic.specs[ref]}, {a[ref].shape}")
    _alike(b, a, "with symbols for numbers")
