"""What holds for every call, through a real channel."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2 as details_pb2
from grpc_status import rpc_status

from lamina.v1 import layers_pb2, service_pb2, tensor_pb2, trace_pb2
from lamina_server import errors
from lamina_server.services.calls import current_call
from tests.server.stub import running

INFO = service_pb2.GetServerInfoRequest()
METHOD = "/lamina.v1.LaminaService/"


async def failing(call: Any) -> tuple[Any, Any]:
    """The error of a call that must fail, and its status."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error: Any = caught.value
    return error, rpc_status.from_call(error)


def reason(status: Any) -> str:
    info = details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return str(info.reason)


def raising(error: Exception) -> Callable[[], Awaitable[None]]:
    async def behave() -> None:
        raise error

    return behave


class Gate:
    """A behaviour that waits until it is let through."""

    def __init__(self) -> None:
        self.entered, self.open = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> service_pb2.GetServerInfoResponse:
        self.entered.set()
        await self.open.wait()
        return service_pb2.GetServerInfoResponse(version="late")


# --- errors


async def test_malformed_bytes_are_the_callers_fault_in_plain_words() -> None:
    async with running() as server:
        for method in ("GetServerInfo", "Infer", "Trace", "Export", "RegisterStack"):
            streams = method == "RegisterStack"
            make = server.channel.stream_unary if streams else server.channel.unary_unary
            error, status = await failing(make(METHOD + method)(iter([b"\x0a\xff"]) if streams else b"\x0a\xff\xff"))
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert f"not a message of lamina.v1.LaminaService/{method}" in error.details()
            assert reason(status) == "MALFORMED_MESSAGE"


@pytest.mark.parametrize("text", ["100 % of 3\n\tlines", "größer 形状 🙂", "a" * 900, "%41%zz", "trailing \r\n"])
async def test_every_message_arrives_as_it_was_written(text: str) -> None:
    async with running() as server:
        server.service.behave = raising(errors.InvalidRequestError(text))
        error, status = await failing(server.stub.GetServerInfo(INFO))
        assert error.details() == status.message == text


async def test_an_unforeseen_error_shows_an_id_and_no_internals(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as server:
        server.service.behave = raising(RuntimeError("secret /home/somebody"))
        error, status = await failing(server.stub.GetServerInfo(INFO, metadata=(("x-request-id", "abc"),)))
        assert error.code() is grpc.StatusCode.INTERNAL and reason(status) == "INTERNAL_DEFECT"
        assert "request id abc" in error.details() and "secret" not in str(status)
        assert server.log[0]["reason"] == "INTERNAL_DEFECT"
    (record,) = [record for record in caplog.records if record.name == "lamina_server"]
    assert record.levelno == logging.ERROR and "abc" in record.getMessage() and "secret" in str(record.exc_info)


def failing_diagnostic(error: errors.StackError) -> trace_pb2.Diagnostic:
    raise KeyError("secret")


async def test_a_stack_error_carries_its_diagnostic_and_a_diagnostic_that_fails_is_a_defect() -> None:
    async with running() as server:
        diagnosis = SimpleNamespace(message="3 axes", reason="RANK_MISMATCH", field="stack.layers[1]", facts={"got": 3})
        server.service.behave = raising(errors.StackError(diagnosis))
        _, status = await failing(server.stub.GetServerInfo(INFO))
        assert any(detail.Unpack(trace_pb2.Diagnostic()) for detail in status.details)
        server.calls.diagnostic = failing_diagnostic
        error, status = await failing(server.stub.GetServerInfo(INFO))
        assert error.code() is grpc.StatusCode.INTERNAL and reason(status) == "INTERNAL_DEFECT"
        assert "secret" not in error.details()


async def test_a_bare_layer_error_is_a_defect() -> None:
    async with running() as server:
        server.service.behave = raising(errors.LayerError("RANK", "3 axes"))
        error, _ = await failing(server.stub.GetServerInfo(INFO))
        assert error.code() is grpc.StatusCode.INTERNAL


async def test_an_error_in_the_middle_of_a_stream_keeps_what_came_before() -> None:
    async with running() as server:
        server.service.behave = raising(errors.CorruptDataError("damaged"))
        call = server.stub.Export(service_pb2.ExportRequest())
        assert [(await call.read()).chunk for _ in range(2)] == [b"a", b"b"]
        error, status = await failing(call.read())
        assert error.code() is grpc.StatusCode.DATA_LOSS and reason(status) == "CORRUPT_DATA"


async def test_an_unknown_method_is_unimplemented() -> None:
    async with running() as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.channel.unary_unary(METHOD + "Nothing")(b"")
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


# --- sizes


def tensor(size: int) -> service_pb2.InferRequest:
    return service_pb2.InferRequest(inputs=[tensor_pb2.Tensor(data=bytes(size))])


async def test_a_request_that_is_too_large_is_told_both_sizes() -> None:
    async with running(max_message_bytes=2**20) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.stub.Infer(tensor(2**20))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "1048576" in str(caught.value.details()) and str(tensor(2**20).ByteSize()) in str(caught.value.details())


async def test_a_reply_that_is_too_large_is_told_both_sizes() -> None:
    async with running(max_message_bytes=2**20) as server:
        server.service.chunks = [bytes(2**20)]
        call = server.stub.Export(service_pb2.ExportRequest())
        error, status = await failing(call.read())
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and reason(status) == "REPLY_TOO_LARGE"
        assert "1048580 bytes" in error.details() and "1048576 (LAMINA_MAX_MESSAGE_BYTES)" in error.details()


async def test_a_compressed_bomb_does_not_unfold() -> None:
    async with running(max_message_bytes=2**20) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.stub.Infer(tensor(2**26), compression=grpc.Compression.Gzip)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


# --- request ids, log lines, metrics


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("abc-1.2_3", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ('"},{"', False), ("", False)],
)
async def test_sane_request_ids_are_kept_and_others_replaced(sent: str, kept: bool) -> None:
    async with running() as server:
        call = server.stub.GetServerInfo(INFO, metadata=(("x-request-id", sent),))
        await call
        returned = dict(await call.trailing_metadata())["x-request-id"]
        assert (returned == sent) is kept and returned
        error, _ = await failing(
            server.channel.unary_unary(METHOD + "Infer")(b"\xff", metadata=(("x-request-id", sent),))
        )
        assert (dict(error.trailing_metadata())["x-request-id"] == sent) is kept
        assert server.log[0]["request_id"] == returned


async def test_each_call_leaves_one_line_without_content() -> None:
    async with running() as server:

        async def behave() -> None:
            call = current_call()
            call.stack_id = "f" * 64
            with call.stage("trace"):
                await asyncio.sleep(0.002)

        server.service.behave = behave
        await server.stub.Infer(service_pb2.InferRequest(inputs=[tensor_pb2.Tensor(name="n", data=b"SECRET" * 100)]))
        await failing(server.channel.unary_unary(METHOD + "Infer")(b"SECRET"))
        good, bad = server.log
        assert list(good) == ["time", "level", "request_id", "rpc", "stack_id", "code", "milliseconds", "stages"]
        assert good["rpc"] == "lamina.v1.LaminaService/Infer" and good["code"] == "OK" and good["stack_id"] == "f" * 64
        assert list(good["stages"]) == ["decode", "trace", "encode"] and good["stages"]["trace"] >= 0.002
        assert good["milliseconds"] >= 2
        assert (bad["code"], bad["reason"], bad["stack_id"]) == ("INVALID_ARGUMENT", "MALFORMED_MESSAGE", "")
        assert "SECRET" not in "".join(server.lines) and len(server.lines) == 2


async def test_metrics_count_calls_stages_and_mismatches() -> None:
    async with running() as server:
        await server.stub.GetServerInfo(INFO)
        await server.stub.GetServerInfo(INFO)
        server.service.behave = raising(errors.MismatchError("traced 3, ran 4"))
        await failing(server.stub.GetServerInfo(INFO))
        server.service.behave = raising(errors.MismatchError("refused", reason="RUNTIME_REFUSED"))
        await failing(server.stub.GetServerInfo(INFO))
        _, text = await server.http("GET /metrics")
        rpc = 'rpc="lamina.v1.LaminaService/GetServerInfo"'
        assert f'lamina_requests_total{{code="OK",{rpc}}} 2.0' in text
        assert f'lamina_requests_total{{code="INTERNAL",{rpc}}} 2.0' in text
        assert f"lamina_request_seconds_count{{{rpc}}} 4.0" in text
        assert 'lamina_stage_seconds_count{stage="decode"} 4.0' in text
        assert "lamina_trace_mismatches_total 1.0" in text and "lamina_in_flight 0.0" in text


# --- how many, how long


async def test_more_calls_than_admitted_are_told_when_to_come_back() -> None:
    async with running(max_concurrent_rpcs=1) as server:
        gate = server.service.behave = Gate()
        first = server.stub.GetServerInfo(INFO)
        waiting = asyncio.ensure_future(first.wait_for_connection())
        await gate.entered.wait()
        error, status = await failing(server.stub.GetServerInfo(INFO))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and reason(status) == "TOO_MANY_CALLS"
        assert any(detail.Is(details_pb2.RetryInfo.DESCRIPTOR) for detail in status.details)
        gate.open.set()
        assert (await first).version == "late"
        await waiting
        assert (await server.stub.GetServerInfo(INFO)).version == "late" and server.calls.admitted == 0


async def test_calls_without_a_deadline_get_one() -> None:
    async with running(default_deadline_seconds=0.1) as server:
        server.service.behave = Gate()
        error, status = await failing(server.stub.GetServerInfo(INFO))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED and reason(status) == "DEADLINE_EXCEEDED"
        assert server.calls.admitted == 0


async def test_a_timeout_inside_the_service_is_no_deadline() -> None:
    async with running() as server:
        server.service.behave = raising(TimeoutError())
        error, _ = await failing(server.stub.GetServerInfo(INFO))
        assert error.code() is grpc.StatusCode.INTERNAL


async def test_a_call_that_arrives_too_late_is_not_worked_on() -> None:
    async with running() as server:
        details: Any = SimpleNamespace(method=METHOD + "GetServerInfo")
        server.service.behave = raising(AssertionError("worked on"))
        await failing(server.stub.GetServerInfo(INFO))  # the handler is known from here on
        wrapped = await server.interceptor.intercept_service(not_asked, details)
        with pytest.raises(grpc.aio.AbortError):
            await wrapped.unary_unary(b"", late := LateContext())
        assert late.code() is grpc.StatusCode.DEADLINE_EXCEEDED and server.log[-1]["reason"] == "DEADLINE_EXCEEDED"


async def not_asked(details: Any) -> Any:
    raise AssertionError("the handler is known")


class LateContext:
    """A call whose deadline has passed."""

    def __init__(self) -> None:
        self._code: grpc.StatusCode | None = None

    def time_remaining(self) -> float:
        return 0.0

    def invocation_metadata(self) -> None:
        return None

    def set_trailing_metadata(self, metadata: object) -> None:
        self._metadata = metadata

    def code(self) -> grpc.StatusCode | None:
        return self._code

    async def abort(self, code: grpc.StatusCode, details: str, metadata: object) -> None:
        self._code = code
        raise grpc.aio.AbortError


@pytest.mark.parametrize(("seconds", "code"), [(None, "CANCELLED"), (0.2, "DEADLINE_EXCEEDED")])
async def test_a_call_given_up_is_counted_as_such(seconds: float | None, code: str) -> None:
    async with running() as server:
        gate = server.service.behave = Gate()
        ended = asyncio.Event()

        def write(line: str) -> None:
            server.lines.append(line)
            ended.set()

        server.calls.write_line = write
        call = server.stub.GetServerInfo(INFO, timeout=seconds)
        waiting = asyncio.ensure_future(call.code())
        await gate.entered.wait()
        if seconds is None:
            call.cancel()
        await asyncio.wait_for(ended.wait(), 5)
        assert server.log[0]["code"] == code == (await waiting).name
        assert server.calls.admitted == 0


async def test_a_stream_that_falls_silent_is_ended() -> None:
    async with running(stream_idle_seconds=0.1) as server:
        call = server.stub.RegisterStack()
        await call.write(service_pb2.RegisterStackRequest(chunk=b"a"))
        error, status = await failing(call)
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED and reason(status) == "STREAM_IDLE"


async def test_client_streams_are_counted_once() -> None:
    async with running() as server:
        requests = [
            service_pb2.RegisterStackRequest(header=service_pb2.RegisterHeader(stack=layers_pb2.Stack())),
            *(service_pb2.RegisterStackRequest(chunk=b"a") for _ in range(3)),
        ]
        assert (await server.stub.RegisterStack(iter(requests))).info.name == "4 messages"
        assert server.log[0]["code"] == "OK" and server.calls.admitted == 0
