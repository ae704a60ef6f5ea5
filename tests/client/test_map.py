"""Many samples: batches in order, and never more than one held."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.tensors import to_tensor
from lamina.v1 import service_pb2
from tests.client.clients import AnyClient
from tests.client.fakes import FakeServer

PAIR = lm.Stack([lm.Input((2,), name="a"), lm.Input((2,), name="b"), lm.Add(inputs=["a", "b"])])


def test_map_keeps_the_order_and_holds_one_batch(client: AnyClient, fake: FakeServer) -> None:
    taken = count()
    seen: list[int] = []

    def source() -> Iterator[list[int]]:
        for i in range(7):
            next(taken)
            seen.append(len(fake.received))
            yield [i, i]

    results = client.each("map", "har", source(), batch_size=3)
    assert [result.output.tolist() for result in results] == [[2 * i, 2 * i] for i in range(7)]
    assert [list(call.request.inputs[0].shape) for call in fake.received] == [[3, 2], [3, 2], [1, 2]]
    assert seen == [0, 0, 0, 0, 1, 1, 1]
    assert all(call.request.omit_trace for call in fake.received)


def test_map_cuts_batches_where_the_shape_changes(client: AnyClient, fake: FakeServer) -> None:
    lengths = [3, 3, 5, 3]
    results = client.each("map", "har", [np.full(n, n) for n in lengths])
    assert [result.output.shape for result in results] == [(n,) for n in lengths]
    assert [list(call.request.inputs[0].shape) for call in fake.received] == [[2, 3], [1, 5], [1, 3]]


def test_map_of_arrays_by_name(client: AnyClient, fake: FakeServer) -> None:
    results = client.each("map", PAIR, [{"a": [1, 2], "b": [3, 4]}, {"a": [5, 6], "b": [7, 8]}])
    assert [result["b"].tolist() for result in results] == [[6, 8], [14, 16]]
    assert len(fake.received) == 1


def test_map_of_nothing(client: AnyClient, fake: FakeServer) -> None:
    assert client.each("map", "har", []) == []
    assert not fake.received


@pytest.mark.parametrize(("size", "said"), [(0, "batch_size takes 1 or more"), (2.0, "whole number")])
def test_map_sizes(client: AnyClient, size: Any, said: str) -> None:
    with pytest.raises(lm.InvalidArgumentError, match=said):
        client.each("map", "har", [[1]], batch_size=size)


def test_map_without_a_batch_axis(client: AnyClient, fake: FakeServer) -> None:
    fake.answers["Infer"] = lambda *_: service_pb2.InferResponse(outputs=[to_tensor("y", np.zeros((), np.float32))])
    with pytest.raises(lm.InvalidArgumentError, match="output 'y' has shape \\(\\) for 2 samples"):
        client.each("map", "har", [[1], [2]])


async def test_map_takes_samples_as_they_come(fake: FakeServer) -> None:
    async def arriving() -> AsyncIterator[list[int]]:
        for i in range(3):
            yield [i]

    async with lm.AsyncClient(fake.address) as client:
        results = [result.output.tolist() async for result in client.map("har", arriving(), batch_size=2)]
    assert results == [[0], [2], [4]]
