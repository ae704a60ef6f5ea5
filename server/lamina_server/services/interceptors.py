"""Puts a guard around every RPC."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from lamina_server.services.guard import Calls, Context, Guard

# Standard services with handlers of their own kind; they must answer when nothing else does.
_EXEMPT = ("/grpc.health.", "/grpc.reflection.")

Handler = Any  # grpc.RpcMethodHandler: its published types are those of the synchronous server
Details = grpc.HandlerCallDetails


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every handler but health's and reflection's.

    Handlers get decoded messages and return messages: coroutines where the reply is one message, async generators
    where it is a stream.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self, continuation: Callable[[Details], Awaitable[Handler]], handler_call_details: Details
    ) -> Handler:
        """The wrapped handler of the method; None, which gRPC answers with UNIMPLEMENTED, where there is none."""
        method = str(handler_call_details.method)
        wrapped = self._wrapped.get(method)
        if wrapped is not None:
            return wrapped
        handler = await continuation(handler_call_details)
        if handler is None or method.startswith(_EXEMPT):
            return handler
        wrapped = self._wrapped[method] = _wrap(self._calls, method.removeprefix("/"), handler)
        return wrapped


def _wrap(calls: Calls, rpc: str, handler: Handler) -> Handler:
    """A handler that takes and gives bytes, so that decoding and encoding are timed and their errors are ours."""
    decode: Callable[[bytes], Any] = handler.request_deserializer or bytes
    encode: Callable[[Any], bytes] = handler.response_serializer or bytes

    async def unary_unary(received: bytes, context: Context) -> bytes:
        async with Guard(calls, rpc, context, decode, encode) as guard:
            return guard.encode(await handler.unary_unary(guard.request(received), context))

    async def unary_stream(received: bytes, context: Context) -> None:
        async with Guard(calls, rpc, context, decode, encode) as guard:
            await _write_all(handler.unary_stream(guard.request(received), context), guard, context)

    async def stream_unary(received: Any, context: Context) -> bytes:
        async with Guard(calls, rpc, context, decode, encode) as guard:
            return guard.encode(await handler.stream_unary(guard.requests(received), context))

    async def stream_stream(received: Any, context: Context) -> None:
        async with Guard(calls, rpc, context, decode, encode) as guard:
            await _write_all(handler.stream_stream(guard.requests(received), context), guard, context)

    if handler.request_streaming and handler.response_streaming:
        return grpc.stream_stream_rpc_method_handler(stream_stream)
    if handler.request_streaming:
        return grpc.stream_unary_rpc_method_handler(stream_unary)
    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(unary_stream)
    return grpc.unary_unary_rpc_method_handler(unary_unary)


async def _write_all(replies: Any, guard: Guard, context: Context) -> None:
    async with contextlib.aclosing(replies):
        async for reply in replies:
            await context.write(guard.encode(reply))
