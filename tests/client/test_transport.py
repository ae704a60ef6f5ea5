"""How calls travel: ids, deadlines, retries, sizes."""

from typing import Any

import grpc
import numpy as np
import pytest

import lamina as lm
from lamina.tensors import to_tensor
from lamina.transport import method
from lamina.v1 import service_pb2
from tests.client.clients import AnyClient, connected
from tests.client.fakes import SERVICE, FakeServer, doubled, reason, refuse

STACK = lm.Stack([lm.Input((4,)), lm.Dense(2)])


def test_every_call_has_a_request_id_of_its_own_and_a_deadline(client: AnyClient, fake: FakeServer) -> None:
    client.call("trace", STACK)
    client.call("trace", STACK, timeout=5)
    client.call("trace", STACK, timeout=float("inf"))
    ids = {str(call.metadata["x-request-id"]) for call in fake.received}
    assert len(ids) == 3
    assert all(len(one) == 32 for one in ids)
    left = [call.seconds_left for call in fake.received]
    assert 8 < left[0] < 11
    assert 3 < left[1] < 6
    assert left[2] > 10**6


def test_metadata_goes_with_every_call(fake: FakeServer) -> None:
    for flavour in ("sync", "async"):
        with connected(flavour, fake.address, metadata={"authorization": "Bearer x"}) as client:
            client.call("trace", STACK)
    assert [call.metadata["authorization"] for call in fake.received] == ["Bearer x"] * 2


@pytest.mark.parametrize("size", [100, 1_000_000])
def test_unavailable_is_tried_again_also_with_large_requests(client: AnyClient, fake: FakeServer, size: int) -> None:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        if len(fake.received) < 3:
            refuse(context, "UNAVAILABLE", "going down", reason("DRAINING"))
        return doubled(request, context)

    fake.answers["Infer"] = answer
    assert client.call("infer", STACK, np.ones((1, size), np.float32)).output.shape == (1, size)
    assert len(fake.received) == 3


@pytest.mark.parametrize("code", ["INTERNAL", "RESOURCE_EXHAUSTED", "INVALID_ARGUMENT"])
def test_nothing_else_is_tried_again(client: AnyClient, fake: FakeServer, code: str) -> None:
    fake.answers["Infer"] = lambda _, context: refuse(context, code, "no", reason("NO"))
    with pytest.raises(lm.LaminaError):
        client.call("infer", STACK, [[1]])
    assert len(fake.received) == 1


def test_unregister_is_not_tried_again(client: AnyClient, fake: FakeServer) -> None:
    fake.answers["UnregisterStack"] = lambda _, context: refuse(context, "UNAVAILABLE", "no", reason("DRAINING"))
    with pytest.raises(lm.UnavailableError):
        client.call("unregister", "har")
    assert len(fake.received) == 1


def test_too_large_is_refused_before_it_is_sent(fake: FakeServer) -> None:
    heavy = {"dense": {"kernel": np.zeros((4, 20_000), np.float32)}}
    for flavour in ("sync", "async"):
        with connected(flavour, fake.address, max_message_bytes=100_000) as client:
            with pytest.raises(
                lm.ResourceExhaustedError, match=r"has 312\.5 KiB; one message holds 97\.7 KiB"
            ) as caught:
                client.call("infer", STACK, [[1]], weights=heavy)
            assert "client.register(name, stack)" in str(caught.value)
            assert caught.value.details == {"size_bytes": "320004", "max_bytes": "100000"}
            with pytest.raises(lm.ResourceExhaustedError, match="Send fewer samples at a time"):
                client.call("infer", STACK, np.zeros((10_000, 4)))
            with pytest.raises(lm.ResourceExhaustedError, match="Send fewer samples at a time"):
                client.call("infer", "har", np.zeros((10_000, 4)))
            assert not fake.received
            client.call("register", "har", STACK, heavy)
            fake.received.clear()


def test_too_large_for_the_server_names_both_sizes(client: AnyClient) -> None:
    with pytest.raises(lm.ResourceExhaustedError, match=r"has 7\.6 MiB; the other end takes 4 MiB"):
        client.call("infer", STACK, np.zeros((500_000, 4), np.float32))


def test_large_answers_arrive(client: AnyClient, fake: FakeServer) -> None:
    big = np.zeros((6_000_000,), np.float32)
    fake.answers["Infer"] = lambda *_: service_pb2.InferResponse(outputs=[to_tensor("y", big)])
    assert client.call("infer", STACK, [[1]]).output.nbytes == 24_000_000


def test_a_closed_client_says_so(fake: FakeServer) -> None:
    for flavour in ("sync", "async"):
        with connected(flavour, fake.address) as client:
            client.call("trace", STACK)
            client.close()
            with pytest.raises(lm.FailedPreconditionError, match="is closed"):
                client.call("trace", STACK)


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:8500", 8500])
@pytest.mark.parametrize("kind", [lm.Client, lm.AsyncClient])
def test_addresses(kind: Any, address: Any) -> None:
    with pytest.raises(lm.InvalidArgumentError, match='address is "host:port"'):
        kind(address)


@pytest.mark.parametrize(
    "options",
    [
        {"max_message_bytes": 0},
        {"timeout": -1},
        {"timeout": "1"},
        {"metadata": {"Key": "x"}},
        {"metadata": {"a": b"x"}},
    ],
)
@pytest.mark.parametrize("kind", [lm.Client, lm.AsyncClient])
def test_options(kind: Any, options: dict[str, Any]) -> None:
    with pytest.raises(lm.InvalidArgumentError, match=next(iter(options))):
        kind("127.0.0.1:1", **options)


def test_every_rpc_of_the_schema_is_reached() -> None:
    assert {rpc.name: method(rpc.name).kind for rpc in SERVICE.methods} == {
        "Trace": "unary_unary",
        "Export": "unary_stream",
        "Infer": "unary_unary",
        "RegisterStack": "stream_unary",
        "GetStack": "unary_unary",
        "ListStacks": "unary_unary",
        "UnregisterStack": "unary_unary",
        "ListLayerKinds": "unary_unary",
        "GetServerInfo": "unary_unary",
    }
