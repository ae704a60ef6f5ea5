"""What the services call: stacks planned, modelled and run, with everything that is worth keeping kept.

Plan      a decoded stack with its annotated trace; pure, cached by the bytes it came from
Numbers   where its weights come from: arrays, a seed, or a registered stack's files; with the content id
Outcome   what a run gave, and how it was run
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

import numpy as np

from lamina.v1 import layers_pb2, trace_pb2
from lamina_server.binding import at, bind, check_values, sizes_of, too_short
from lamina_server.dims import evaluate
from lamina_server.errors import InvalidRequestError, KernelError, LimitError, MismatchError, StackError
from lamina_server.export import export
from lamina_server.layers.core.basics import Input
from lamina_server.layers.tensors import DType
from lamina_server.limits import Limits, human_bytes
from lamina_server.lru import Lru
from lamina_server.notes import annotate
from lamina_server.records import Trace
from lamina_server.repair import Fix, ReplaceNode, check_arrays, repaired
from lamina_server.repair.arrays import check_indices, looked_up, match_names
from lamina_server.runtime import Device, Session, SessionCache, Workers
from lamina_server.services.calls import Call
from lamina_server.trace import trace
from lamina_server.weights import complete
from lamina_server.widen import widened
from lamina_server.wire.identity import canonical_spec
from lamina_server.wire.stacks import decode_stack
from lamina_server.wire.traces import encode_trace
from lamina_server.words import nearest, shortened

Array = np.ndarray[Any, Any]
MANY_LAYERS = 100  # a layer takes some 100 microseconds


class Admitted(NamedTuple):
    """What a run will be: the Inputs in the order of its arrays, the trace at their sizes, samples, what is asked for,
    the shape of each output that is not an Input itself, and how many rows an Input's numbers choose from."""

    names: tuple[str, ...]
    trace: Trace
    batch: int
    refs: tuple[str, ...]
    outputs: dict[str, tuple[int, ...]]
    bounds: dict[str, tuple[str, int]]


@dataclass
class Plan:
    """A legal stack, traced and annotated. `source` is its message, in a copy that holds no request alive."""

    trace: Trace
    source: layers_pb2.Stack
    drawn_ids: Lru[int | None, str] = field(default_factory=lambda: Lru(16))
    admitted: Lru[Any, Admitted] = field(default_factory=lambda: Lru(64))
    _bound: Lru[tuple[tuple[int, ...], ...], Trace] = field(default_factory=lambda: Lru(16))

    @cached_property
    def message(self) -> trace_pb2.StackTrace:
        """The trace as a message."""
        return encode_trace(self.trace)

    @cached_property
    def spec(self) -> str:
        """The stack as canonical JSON, of which content ids are made."""
        return canonical_spec(self.source)

    @cached_property
    def input_names(self) -> list[str]:
        """Names of the Inputs, in order."""
        return [layer.name for layer in self.trace.inputs]

    def bound(self, shapes: Mapping[str, tuple[int, ...]], limits: Limits) -> Trace:
        """The trace for actual inputs. Raises StackError for a length too short."""
        if not self.trace.symbols:
            return self.trace
        key = tuple(shapes[name][1:] for name in self.input_names)
        return self._bound.made(key, lambda: self._bind(shapes, limits))

    def at(self, values: Mapping[str, int], limits: Limits) -> Trace:
        """The trace with numbers for symbols. Raises InvalidRequestError for what is no symbol of the stack, or no
        size; StackError for a number too small."""
        check_values(self.trace, values)
        if not values:
            return self.trace
        with self._numbers_named(values):
            return annotate(traced(at(self.trace, values), limits), limits)

    def _bind(self, shapes: Mapping[str, tuple[int, ...]], limits: Limits) -> Trace:
        with self._numbers_named(sizes_of(self.trace, shapes)):
            return traced(bind(self.trace.stack, dict(shapes), self.trace), limits)

    @contextmanager
    def _numbers_named(self, sizes: Mapping[str, int]) -> Iterator[None]:
        try:
            yield
        except StackError as error:
            # The fixes are of the stack with numbers for symbols: what changes an Input would take its symbols away.
            found = error.diagnosis
            found.fixes = [fix for fix in found.fixes if not _changes_input(fix)]
            found.message = f"{found.message} {too_short(self.trace, sizes)}".rstrip()
            raise StackError(found) from None


@dataclass(frozen=True)
class Numbers:
    """Where a stack's weights come from. `load` gives the arrays that are not drawn from `seed`."""

    stack_id: str
    seed: int | None
    load: Callable[[], Mapping[str, Array]]


@dataclass(frozen=True)
class Outcome:
    """What a run gave: arrays by reference, the session, whether it was there, and what was admitted."""

    arrays: dict[str, Array]
    session: Session
    hit: bool
    admitted: Admitted


def _changes_input(fix: Fix) -> bool:
    return any(isinstance(step, ReplaceNode) and isinstance(step.node.kind, Input) for step in fix.stack_steps)


def traced(stack: Any, limits: Limits) -> Trace:
    """Traces a stack; a StackError comes with its fixes."""
    try:
        return trace(stack, limits)
    except StackError as error:
        repaired(stack, error.diagnosis, limits)
        raise


class Engine:
    """Plans, models and runs stacks on one device."""

    def __init__(
        self, limits: Limits, device: Device, workers: Workers, sessions: SessionCache, max_reply_bytes: int
    ) -> None:
        self.limits, self.device, self.workers, self.sessions = limits, device, workers, sessions
        self.max_reply_bytes = max_reply_bytes
        self._plans: Lru[bytes, Plan] = Lru(256)

    def plan(self, message: layers_pb2.Stack) -> Plan:
        """The plan of a stack's message. Raises StackError with fixes, LimitError."""
        return self._plans.made(message.SerializeToString(), lambda: self._make_plan(message))

    async def planned(self, message: layers_pb2.Stack) -> Plan:
        """As `plan`; a stack that takes long is traced in a thread, so that other calls go on."""
        key = message.SerializeToString()
        known = self._plans.get(key)
        if known is None:
            many = len(message.layers) > MANY_LAYERS or len(message.blocks) > 0
            known = await self.workers.call(lambda: self._make_plan(message)) if many else self._make_plan(message)
            self._plans.put(key, known)
        return known

    def references(self, plan: Plan, fetch: Sequence[str]) -> list[str]:
        """The references that a `fetch` list asks for; "*" is every layer. Raises InvalidRequestError."""
        known = plan.trace.specs
        if list(fetch) == ["*"]:
            return list(known)
        for i, ref in enumerate(fetch):
            if ref not in known or ref in fetch[:i]:
                why = "is named twice." if ref in known else f"is no layer of this stack; {nearest(ref, known)}"
                why = "stands for every layer, so nothing stands beside it." if ref == "*" else why
                raise InvalidRequestError(
                    f"fetch[{i}]: {shortened(ref)} {why}", reason="UNKNOWN_FETCH", field=f"fetch[{i}]"
                )
        return list(fetch)

    def model(self, plan: Plan, numbers: Numbers, refs: Sequence[str]) -> bytes:
        """The ONNX model that returns some references. Raises InvalidRequestError for weights that do not fit."""
        return export(plan.trace, complete(plan.trace, numbers.load(), numbers.seed), refs)

    def admit(self, plan: Plan, arrays: Mapping[str, Array], fetch: tuple[str, ...]) -> Admitted:
        """What a run of these arrays will be. Raises StackError with fixes, InvalidRequestError, LimitError.

        Calls with the same shapes are alike in all of it, so each kind of call is looked into once.
        """
        kind = tuple((name, array.shape, array.dtype) for name, array in arrays.items())
        return plan.admitted.made((kind, fetch), lambda: self._look_into(plan, arrays, fetch))

    def _look_into(self, plan: Plan, arrays: Mapping[str, Array], fetch: tuple[str, ...]) -> Admitted:
        names = match_names(plan.trace, list(arrays), "inputs")
        shapes = {name: array.shape for name, array in zip(names, arrays.values(), strict=True)}
        dtypes = {name: DType(array.dtype.name) for name, array in zip(names, arrays.values(), strict=True)}
        check_arrays(plan.trace, shapes, self.limits, dtypes)
        actual, batch = plan.bound(shapes, self.limits), shapes[names[0]][0]
        refs = tuple(dict.fromkeys((*plan.trace.outputs, *self.references(plan, fetch))))
        self._check_cost(actual, refs, batch)
        sizes = {"batch": batch}
        outputs = {
            ref: tuple(evaluate(size, sizes) for size in actual.specs[ref].shape) for ref in refs if ref not in names
        }
        return Admitted(tuple(names), actual, batch, refs, outputs, looked_up(actual))

    async def infer(
        self, plan: Plan, numbers: Numbers, arrays: Mapping[str, Array], fetch: tuple[str, ...], call: Call
    ) -> Outcome:
        """Runs a stack. Raises StackError for arrays that do not fit, LimitError, MismatchError."""
        with call.stage("trace"):
            admitted = self.admit(plan, arrays, fetch)
        fed = dict(zip(admitted.names, arrays.values(), strict=True))
        check_indices(admitted.bounds, fed)
        wanted = list(admitted.outputs)
        key = "\n".join((numbers.stack_id, *wanted))
        async with AsyncExitStack() as held:
            with call.stage("build"):
                build = self.sessions.lease(key, lambda: self._build(plan, numbers, wanted or admitted.refs))
                lease = await held.enter_async_context(build)
            if lease.hit:  # nothing was built, and the receipt says so
                del call.stages["build"]
            with call.stage("run"):
                results = await self._run(lease.session, fed, admitted)
        return Outcome({**fed, **results}, lease.session, lease.hit, admitted)

    def _build(self, plan: Plan, numbers: Numbers, refs: Sequence[str]) -> Session:
        model = self.model(plan, numbers, refs)
        wide = self.device.name == "cpu" and any(s.dtype is DType.BFLOAT16 for s in plan.trace.specs.values())
        try:
            return Session(widened(model) if wide else model, self.device)
        except KernelError as error:
            raise _no_kernel(plan.trace, error, self.device) from None

    async def _run(self, session: Session, fed: dict[str, Array], admitted: Admitted) -> dict[str, Array]:
        shapes = admitted.outputs
        if not shapes:
            return {}
        if admitted.batch == 0:  # nothing to run, and the answer is known
            specs = admitted.trace.specs
            return {ref: np.zeros(shape, specs[ref].dtype.numpy) for ref, shape in shapes.items()}
        try:
            found = dict(zip(shapes, await self.workers.run(session, fed, list(shapes)), strict=True))
        except KernelError as error:
            raise _no_kernel(admitted.trace, error, self.device) from None
        for ref, array in found.items():
            if array.shape != shapes[ref]:
                raise MismatchError(
                    f'"{ref}" was traced as {shapes[ref]} and ran as {array.shape}; this is a defect of the server.',
                    facts={"layer": ref, "traced": shapes[ref], "ran": array.shape},
                )
        return found

    def _check_cost(self, actual: Trace, refs: Sequence[str], batch: int) -> None:
        values = {"batch": batch}
        self.limits.check(
            "max_macs", evaluate(actual.macs, values) * batch, f"{_samples(batch)} would take multiply-adds:"
        )
        if actual.peak_bytes is not None:
            self.limits.check(
                "max_activation_bytes",
                evaluate(actual.peak_bytes, values) * batch,
                f"The activations of {_samples(batch)} alive at once would take",
            )
        reply = sum(
            prod(evaluate(size, values) for size in actual.specs[ref].shape) * actual.specs[ref].dtype.nbytes
            for ref in refs
        )
        if reply > self.max_reply_bytes:
            raise LimitError(
                f"The reply would hold {human_bytes(reply)} of tensors; one message holds at most "
                f"{human_bytes(self.max_reply_bytes)} (LAMINA_MAX_MESSAGE_BYTES). "
                "Send fewer samples or fetch fewer layers.",
                facts={"limit": "max_message_bytes", "value": reply, "maximum": self.max_reply_bytes},
            )

    def _make_plan(self, message: layers_pb2.Stack) -> Plan:
        written = len(message.layers) + sum(1 + len(block.layers) for block in message.blocks)
        self.limits.check("max_layers", written, "The number of layers is")
        found = annotate(traced(decode_stack(message), self.limits), self.limits)
        source = layers_pb2.Stack()
        source.CopyFrom(message)
        return Plan(found, source)


def _no_kernel(trace: Trace, error: KernelError, device: Device) -> KernelError:
    """Which layer has an operator that does not run in its element type, and what to do."""
    found = [x for x in trace.walk() if error.node.startswith(f"{x.name}/") and not x.layers]
    if found:
        layer = found[-1]
        dtype, who = (layer.inputs or (layer.done.spec,))[0].dtype, f"{layer.name} ({layer.done.label}) is computed"
    else:  # ONNX Runtime wrote the operator itself, from one that it has no kernel for
        dtype, who = trace.inputs[0].done.spec.dtype, "This stack is computed"
    text = (
        f"{who} in {dtype.value}, and ONNX Runtime has no {error.operator} for that type on {device.name}: "
        'declare the Input float32, or put Cast("float32") before the layer.'
    )
    return KernelError(text, error.node, error.operator)


def _samples(batch: int) -> str:
    return f"{batch} sample{'' if batch == 1 else 's'}"
