"""Infer of a small registered stack beside an empty handler: one process each, same bytes, same callers."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np

import lamina as lm
from lamina.v1 import service_pb2, tensor_pb2
from tests.benchmarks.pairs import compare

CALLS = 400
METHOD = "/lamina.v1.LaminaService/Infer"
_ECHO = """
import asyncio, grpc
async def main():
    async def reply(request, context):
        return REPLY
    handler = grpc.unary_unary_rpc_method_handler(reply)
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handlers = grpc.method_handlers_generic_handler("lamina.v1.LaminaService", {"Infer": handler})
    server.add_generic_rpc_handlers([handlers])
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await server.wait_for_termination()
REPLY = bytes.fromhex(input())
asyncio.run(main())
"""


def run() -> None:
    """Prints calls per second at one caller and at eight."""
    stack = lm.Stack(
        [lm.Input((128, 9)), lm.Conv1D(16, 5, activation="relu"), lm.GlobalAveragePooling1D(), lm.Dense(6)]
    )
    x = np.random.default_rng(0).standard_normal((1, 128, 9), np.float32)
    with lm.LocalServer() as server, lm.Client(server.address) as client:
        client.register("m1", stack)
        tensor = tensor_pb2.Tensor(data_type=tensor_pb2.DATA_TYPE_FLOAT32, shape=x.shape, data=x.tobytes())
        request = service_pb2.InferRequest(stack_id="m1", inputs=[tensor], omit_trace=True).SerializeToString()
        with grpc.insecure_channel(server.address) as channel:
            call: Any = channel.unary_unary(METHOD)
            reply = call(request)
        with _echo(reply) as echo:
            print(f"{'Infer, small registered stack (M1)':<44} {'calls/s':>10} {'echo/s':>10}")
            for callers, goal in ((1, ">= 0.95"), (8, ">= 0.80")):
                compare(
                    f"{callers} caller{'s' if callers > 1 else ''}",
                    lambda n=callers: asyncio.run(_rate(server.address, request, n)),  # type: ignore[misc]
                    lambda n=callers: asyncio.run(_rate(echo, request, n)),  # type: ignore[misc]
                    goal=goal,
                )


async def _rate(address: str, request: bytes, callers: int) -> float:
    """Calls per second of so many callers that each wait for their answer."""
    async with grpc.aio.insecure_channel(address) as channel:
        call: Any = channel.unary_unary(METHOD)
        await call(request)

        async def caller() -> None:
            for _ in range(CALLS // callers):
                await call(request)

        started = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(callers)))
        return CALLS / (time.perf_counter() - started)


@contextmanager
def _echo(reply: bytes) -> Iterator[str]:
    """The address of a process that answers every call with the same bytes."""
    process = subprocess.Popen([sys.executable, "-c", _ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    process.stdin.write(f"{reply.hex()}\n")
    process.stdin.flush()
    try:
        yield f"127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
