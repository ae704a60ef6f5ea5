"""Ids of rows that are not there: refused with the bound, whoever made them, and never a defect of the server."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc
import numpy as np
import pytest

from lamina_server.errors import InvalidRequestError
from lamina_server.layers.core.basics import Cast, Input
from lamina_server.layers.core.lookups import Embedding, ReversibleEmbedding
from lamina_server.layers.merging.joining import Add
from lamina_server.layers.shaping.reshaping import Reshape
from lamina_server.layers.tensors import DType
from lamina_server.limits import Limits
from lamina_server.repair.arrays import looked_up
from lamina_server.runtime import Device, SessionCache, Workers
from lamina_server.runtime.device import CPU
from lamina_server.services.calls import Call
from lamina_server.services.engine import Engine, Numbers
from lamina_server.services.status import code_of
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from lamina_server.wire.stacks import encode_stack

Array = np.ndarray[Any, Any]
DRAWN = Numbers("drawn", 0, dict)
IDS = Node(Input((3,), DType.INT32), "ids")


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    workers = Workers(1)
    sessions = SessionCache(workers, max_entries=4, max_bytes=2**30)
    yield Engine(Limits(), Device("cpu", ((CPU, {}),), 1), workers, sessions, max_reply_bytes=10**6)
    workers.close()


async def refused(engine: Engine, nodes: tuple[Node, ...], arrays: Mapping[str, Array]) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        await engine.infer(engine.plan(encode_stack(Stack(nodes))), DRAWN, arrays, (), Call("Infer", ""))
    assert caught.value.reason == "INDEX_OUT_OF_RANGE" and code_of(caught.value) is grpc.StatusCode.INVALID_ARGUMENT
    return caught.value


@pytest.mark.parametrize("kind", [Embedding(4, 2), ReversibleEmbedding(4, 2)])
async def test_ids_that_are_fed(engine: Engine, kind: Embedding | ReversibleEmbedding) -> None:
    """Looked at before anything runs, on any device: CUDA's Gather would give zeros."""
    nodes = (IDS, Node(kind, "rows"))
    plan = engine.plan(encode_stack(Stack(nodes)))
    legal = np.array([[-4, 0, 3], [1, 1, 1]], np.int32)
    outcome = await engine.infer(plan, DRAWN, {"ids": legal}, (), Call("Infer", ""))
    assert outcome.arrays["rows"].shape == (2, 3, 2)
    for wrong in (4, -5, 10**6):
        ids = legal.copy()
        ids[1, 2] = wrong
        error = await refused(engine, nodes, {"ids": ids})
        assert error.message == (
            f"ids[1, 2] is {wrong}, but rows has 4 rows: its ids are 0 to 3, and -4 to -1 count from the end."
        )
        assert error.field == "inputs[0]"
        assert error.facts == {"layer": "rows", "index": str(wrong), "minimum": "-4", "maximum": "3"}


@pytest.mark.parametrize("dtype", [DType.INT8, DType.UINT8, DType.INT64, DType.UINT64])
async def test_ids_of_every_type(engine: Engine, dtype: DType) -> None:
    nodes = (Node(Input((1,), dtype), "ids"), Node(Embedding(100, 1), "rows"))
    error = await refused(engine, nodes, {"ids": np.array([[101]], dtype.numpy)})
    assert "ids[0, 0] is 101, but rows has 100 rows" in error.message
    if dtype is DType.UINT64:
        assert (
            "18446744073709551615"
            in (await refused(engine, nodes, {"ids": np.array([[2**64 - 1]], np.uint64)})).message
        )


async def test_ids_that_layers_make(engine: Engine) -> None:
    """ONNX Runtime finds them while it runs."""
    nodes = (IDS, Node(Add(), "twice", ("ids", "ids")), Node(Embedding(4, 2), "rows"))
    error = await refused(engine, nodes, {"ids": np.array([[0, 1, 2]], np.int32)})
    assert error.message == "rows is asked for row 4; it has rows 0 to 3, and -4 to -1 count from the end."
    assert error.facts == {"layer": "rows", "index": "4", "minimum": "-4", "maximum": "3"}


def test_the_fewest_rows_bound_an_input() -> None:
    nodes = (
        Node(Input((3,)), "floats"),
        IDS,
        Node(Embedding(9, 1), "many", ("ids",)),
        Node(Embedding(5, 1), "few", ("ids",)),
        Node(Reshape((1, 3)), "shaped", ("ids",)),
        Node(Embedding(2, 1), "fewer", ("shaped",)),
        Node(Cast(DType.INT64), "cast", ("floats",)),
        Node(Embedding(3, 1), "made", ("cast",)),
        Node(ReversibleEmbedding(7, 3, reverse=True), "back", ("floats",)),
    )
    assert looked_up(trace(Stack(nodes))) == {"ids": ("few", 5)}
