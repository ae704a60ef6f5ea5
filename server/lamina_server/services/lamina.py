"""lamina.v1.LaminaService: an RPC is decode, call, encode."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import grpc

from lamina.v1 import service_pb2, service_pb2_grpc, trace_pb2
from lamina_server.config import Settings, version
from lamina_server.errors import InvalidRequestError, StackError
from lamina_server.export import IR_VERSION, OPSET
from lamina_server.limits import Limits
from lamina_server.repair import check_arrays
from lamina_server.repair.arrays import match_names
from lamina_server.runtime import Session
from lamina_server.services import catalogue
from lamina_server.services.calls import Call, current_call
from lamina_server.services.engine import Engine, Numbers, Outcome, Plan
from lamina_server.services.registry import Registry, seed_of, stack_info
from lamina_server.wire.identity import digest, stack_id
from lamina_server.wire.stacks import refuse_unknown, unknown_field
from lamina_server.wire.tensors import check_shape, decode_tensors, encode_tensor
from lamina_server.wire.traces import encode_diagnosis, encode_spec, encode_trace

_CHUNK = 1 << 20
Context = Any  # grpc.aio.ServicerContext; nothing here uses it


class LaminaService(service_pb2_grpc.LaminaServiceServicer):
    """The RPCs; see service.proto for what each does and its status codes."""

    def __init__(self, settings: Settings, engine: Engine, registry: Registry) -> None:
        self._settings, self._engine, self._registry = settings, engine, registry

    def join(self, server: grpc.aio.Server) -> None:
        """Makes the server answer these RPCs."""
        service_pb2_grpc.add_LaminaServiceServicer_to_server(self, server)

    async def Trace(self, request: service_pb2.TraceRequest, context: Context) -> service_pb2.TraceResponse:
        call = current_call()
        with call.stage("trace"):
            try:
                plan, _, found = await self._plan(request, call)
                _check_shapes(plan, request, self._engine.limits)
                traced = plan.at(request.symbol_values, self._engine.limits)
            except StackError as error:
                if not request.partial:
                    raise
                return _partial(error)
        with call.stage("encode"):
            message = plan.message if traced is plan.trace else encode_trace(traced)
            return service_pb2.TraceResponse(trace=message, stack_id=found)

    async def Export(
        self, request: service_pb2.ExportRequest, context: Context
    ) -> AsyncIterator[service_pb2.ExportResponse]:
        call = current_call()
        plan, numbers, _ = await self._source(request, call)
        refs = list(dict.fromkeys((*plan.trace.outputs, *self._engine.references(plan, request.fetch))))
        with call.stage("build"):
            model = await self._engine.workers.call(lambda: self._engine.model(plan, numbers, refs))
        yield service_pb2.ExportResponse(info=_model_info(model, plan, refs))
        for start in range(0, len(model), _CHUNK):
            yield service_pb2.ExportResponse(chunk=model[start : start + _CHUNK])

    async def Infer(self, request: service_pb2.InferRequest, context: Context) -> service_pb2.InferResponse:
        call = current_call()
        plan, numbers, _ = await self._source(request, call)
        with call.stage("decode"):
            arrays = decode_tensors(request.inputs, "inputs")
            fetch = self._engine.references(plan, request.fetch)
        outcome = await self._engine.infer(plan, numbers, arrays, tuple(request.fetch), call)
        with call.stage("encode"):
            reply = service_pb2.InferResponse(
                outputs=[encode_tensor(ref, outcome.arrays[ref]) for ref in plan.trace.outputs],
                fetched=[encode_tensor(ref, outcome.arrays[ref]) for ref in fetch],
                trace=None if request.omit_trace else _trace_message(plan, outcome),
            )
        reply.receipt.CopyFrom(_receipt(outcome, numbers, self._engine.device.name, call))
        return reply

    async def RegisterStack(
        self, requests: AsyncIterator[service_pb2.RegisterStackRequest], context: Context
    ) -> service_pb2.RegisterStackResponse:
        info, created = await self._registry.register(_known(requests))
        current_call().stack_id = info.id
        return service_pb2.RegisterStackResponse(info=info, created=created)

    async def GetStack(self, request: service_pb2.GetStackRequest, context: Context) -> service_pb2.GetStackResponse:
        refuse_unknown(request, "request")
        found = await self._registry.find(request.stack_id)
        current_call().stack_id = found.manifest.id
        name = "" if request.stack_id == found.manifest.id else request.stack_id
        return service_pb2.GetStackResponse(info=stack_info(name, found.manifest, ""), stack=found.message)

    async def ListStacks(
        self, request: service_pb2.ListStacksRequest, context: Context
    ) -> service_pb2.ListStacksResponse:
        refuse_unknown(request, "request")
        stacks, token = await self._registry.list(request.page_size, request.page_token)
        return service_pb2.ListStacksResponse(stacks=stacks, next_page_token=token)

    async def UnregisterStack(
        self, request: service_pb2.UnregisterStackRequest, context: Context
    ) -> service_pb2.UnregisterStackResponse:
        refuse_unknown(request, "request")
        await self._registry.delete(request.name)
        return service_pb2.UnregisterStackResponse()

    async def ListLayerKinds(
        self, request: service_pb2.ListLayerKindsRequest, context: Context
    ) -> service_pb2.ListLayerKindsResponse:
        refuse_unknown(request, "request")
        return service_pb2.ListLayerKindsResponse(kinds=await self._engine.workers.call(catalogue.kinds))

    async def GetServerInfo(
        self, request: service_pb2.GetServerInfoRequest, context: Context
    ) -> service_pb2.GetServerInfoResponse:
        refuse_unknown(request, "request")
        return service_pb2.GetServerInfoResponse(
            version=version(),
            device=self._engine.device.name,
            providers=self._engine.device.provider_names,
            onnxruntime_version=self._engine.device.onnxruntime_version,
            opset=OPSET,
            limits=[service_pb2.Limit(name=name, value=value, doc=doc) for name, value, doc in self._settings.limits],
        )

    async def _plan(self, request: Any, call: Call) -> tuple[Plan, Numbers | None, str]:
        """Plan of a request's source, numbers where it is registered, and its content id where that is known."""
        _refuse_unknown_parts(request)
        source = request.WhichOneof("source")
        if source == "stack":
            return await self._engine.planned(request.stack), None, ""
        if source == "stack_id":
            found = await self._registry.find(request.stack_id)
            call.stack_id = found.manifest.id
            return found.plan, found.numbers, found.manifest.id
        raise InvalidRequestError(
            "The request names no stack: set `stack`, or `stack_id` for a registered one.",
            reason="NO_STACK",
            field="stack",
        )

    async def _source(self, request: Any, call: Call) -> tuple[Plan, Numbers, str]:
        """Plan and numbers of a request with weights."""
        with call.stage("trace"):
            plan, numbers, found = await self._plan(request, call)
        with call.stage("decode"):
            if numbers is None:
                numbers = await self._inline(request, plan)
            elif request.HasField("weights"):
                raise InvalidRequestError(
                    "A registered stack has its weights; `weights` goes with an inline `stack` only.",
                    reason="WEIGHTS_WITH_ID",
                    field="weights",
                )
        call.stack_id = numbers.stack_id
        return plan, numbers, found

    async def _inline(self, request: Any, plan: Plan) -> Numbers:
        arrays = decode_tensors(request.weights.tensors, "weights.tensors")
        seed = seed_of(request.weights, len(arrays))

        def identify() -> str:
            return stack_id(plan.spec, {name: digest(array) for name, array in arrays.items()}, seed)

        found = await self._engine.workers.call(identify) if arrays else plan.drawn_ids.made(seed, identify)
        return Numbers(found, seed, lambda: arrays)


def diagnostic(error: StackError) -> trace_pb2.Diagnostic:
    """The detail that the status of a StackError carries."""
    return encode_diagnosis(error.diagnosis)


async def _known(
    requests: AsyncIterator[service_pb2.RegisterStackRequest],
) -> AsyncIterator[service_pb2.RegisterStackRequest]:
    async for request in requests:
        if not request.HasField("chunk"):
            refuse_unknown(request, "request")
        yield request


def _refuse_unknown_parts(request: Any) -> None:
    """Unknown fields anywhere but in the stack, which its decoder looks through; tensors are not copied for it."""
    messages = [("request", request)]
    messages += [(f"inputs[{i}]", item) for i, item in enumerate(getattr(request, "inputs", ()))]
    messages += [(f"shapes[{i}]", item) for i, item in enumerate(getattr(request, "shapes", ()))]
    if "weights" in type(request).DESCRIPTOR.fields_by_name and request.HasField("weights"):
        messages += [("weights", request.weights)]
        messages += [(f"weights.tensors[{i}]", item) for i, item in enumerate(request.weights.tensors)]
    for path, message in messages:
        number = unknown_field(message)
        if number is not None:
            raise InvalidRequestError(
                f"{path} has field number {number}, which this server does not know: either it is malformed, "
                "or the caller's schema is newer.",
                reason="UNKNOWN_FIELD",
                field=path,
            )


def _check_shapes(plan: Plan, request: service_pb2.TraceRequest, limits: Limits) -> None:
    """The caller's array shapes against the Inputs, where any are given."""
    if not request.shapes:
        return
    for i, shape in enumerate(request.shapes):
        check_shape(shape.shape, f"shapes[{i}]")
    given = [shape.name for shape in request.shapes]
    if len(set(given)) < len(given):
        raise InvalidRequestError("shapes names an Input twice.", reason="DUPLICATE_NAME", field="shapes")
    names = match_names(plan.trace, given, "shapes")
    shapes = {name: tuple(shape.shape) for name, shape in zip(names, request.shapes, strict=True)}
    check_arrays(plan.trace, shapes, limits, path="shapes")
    plan.bound(shapes, limits)


def _partial(error: StackError) -> service_pb2.TraceResponse:
    found = error.diagnosis
    partial = encode_trace(found.partial) if found.partial else None
    return service_pb2.TraceResponse(trace=partial, diagnostics=[encode_diagnosis(found)])


def _trace_message(plan: Plan, outcome: Outcome) -> trace_pb2.StackTrace:
    return plan.message if outcome.admitted.trace is plan.trace else encode_trace(outcome.admitted.trace)


def _model_info(model: bytes, plan: Plan, refs: list[str]) -> service_pb2.ModelInfo:
    return service_pb2.ModelInfo(
        size_bytes=len(model),
        sha256=hashlib.sha256(model).hexdigest(),
        opset=OPSET,
        ir_version=IR_VERSION,
        inputs=[encode_spec(name, plan.trace.specs[name]) for name in plan.input_names],
        outputs=[encode_spec(ref, plan.trace.specs[ref]) for ref in refs],
    )


def _receipt(outcome: Outcome, numbers: Numbers, device: str, call: Call) -> service_pb2.Receipt:
    return service_pb2.Receipt(
        device=device,
        placements=_placements(outcome.session),
        stages=[service_pb2.StageTime(name=name, seconds=seconds) for name, seconds in call.stages.items()],
        cache_hit=outcome.hit,
        batch_size=outcome.admitted.batch,
        model_sha256=outcome.session.sha256,
        stack_id=numbers.stack_id,
        seed=numbers.seed,
    )


def _placements(session: Session) -> list[service_pb2.NodePlacement]:
    return [
        service_pb2.NodePlacement(
            provider=p.provider, nodes=p.nodes, op_types=p.op_types, fallback_reason=p.fallback_reason
        )
        for p in session.placements
    ]
