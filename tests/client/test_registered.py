"""Registered stacks: sent in pieces, found again, registered again where the server lost them."""

from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

import lamina as lm
from lamina.v1 import service_pb2, tensor_pb2, trace_pb2
from tests.client.clients import AnyClient, connected
from tests.client.fakes import FakeServer, reason, refuse

STACK = lm.Stack([lm.Input((4,)), lm.Dense(2)])
PAIR = lm.Stack([lm.Input((2,), name="a"), lm.Input((2,), name="b"), lm.Add(inputs=["a", "b"])])


def test_register_sends_header_weights_and_chunks(client: AnyClient, fake: FakeServer) -> None:
    kernel = np.arange(600_000, dtype=np.float32).reshape(4, -1)
    registration = client.call(
        "register", "har", STACK, {"dense": {"kernel": kernel, "bias": []}}, seed=3, replace=True
    )
    assert (registration.name, registration.id, registration.created) == ("har", "ab" * 32, True)
    header, start, *parts, last = fake.received[0].request
    assert header.header.stack == STACK.proto
    assert (header.header.name, header.header.seed, header.header.replace) == ("har", 3, True)
    assert (start.weight.name, list(start.weight.shape)) == ("dense/kernel", [4, 150_000])
    assert [len(part.chunk) for part in parts] == [2**20, 2**20, 2_400_000 - 2 * 2**20]
    assert b"".join(part.chunk for part in parts) == kernel.tobytes()
    assert (last.weight.name, list(last.weight.shape)) == ("dense/bias", [0])


def lost_once(fake: FakeServer, name: str) -> None:
    """The stack is gone until it is registered again."""
    first_answer = fake.answers[name]

    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        if len(fake.calls("RegisterStack")) < 2:
            refuse(context, "NOT_FOUND", "no stack 'har'", reason("STACK_NOT_FOUND"))
        return first_answer(request, context)

    fake.answers[name] = answer


@pytest.mark.parametrize("by", ["har", "ab" * 32])
def test_a_stack_the_server_lost_is_registered_again(client: AnyClient, fake: FakeServer, by: str) -> None:
    client.call("register", "har", STACK, {"dense/kernel": [[1]]}, seed=5, replace=True)
    lost_once(fake, "Infer")
    assert client.call("infer", by, [[1]]).output.tolist() == [[2]]
    assert [call.method for call in fake.received] == ["RegisterStack", "Infer", "RegisterStack", "Infer"]
    first, again = fake.calls("RegisterStack")
    assert not again.request[0].header.replace
    first.request[0].header.replace = False
    assert again.request == first.request


def test_a_stack_that_stays_lost_is_an_error(client: AnyClient, fake: FakeServer) -> None:
    client.call("register", "har", STACK)
    fake.answers["Infer"] = lambda _, context: refuse(context, "NOT_FOUND", "no", reason("STACK_NOT_FOUND"))
    with pytest.raises(lm.NotFoundError):
        client.call("infer", "har", [[1]])
    assert [call.method for call in fake.received] == ["RegisterStack", "Infer", "RegisterStack", "Infer"]


def test_what_this_client_did_not_register_is_not_registered_again(client: AnyClient, fake: FakeServer) -> None:
    fake.answers["UnregisterStack"] = lambda *_: service_pb2.UnregisterStackResponse()
    lost_once(fake, "Infer")
    with pytest.raises(lm.NotFoundError):
        client.call("infer", "har", [[1]])
    client.call("register", "har", STACK)
    client.call("unregister", "har")
    for name in ("har", "ab" * 32):
        with pytest.raises(lm.NotFoundError):
            client.call("infer", name, [[1]])
    assert len(fake.calls("RegisterStack")) == 1


def test_registering_again_can_be_switched_off(fake: FakeServer) -> None:
    lost_once(fake, "Infer")
    for flavour in ("sync", "async"):
        with connected(flavour, fake.address, reregister=False) as client:
            client.call("register", "har", STACK)
            fake.received.clear()
            with pytest.raises(lm.NotFoundError):
                client.call("infer", "har", [[1]])


def test_a_registered_stack_names_its_inputs_for_arrays(client: AnyClient, fake: FakeServer) -> None:
    client.call("register", "pair", PAIR)
    client.call("infer", "pair", [[[1, 2]], [[3, 4]]])
    assert [tensor.name for tensor in fake.calls("Infer")[0].request.inputs] == ["a", "b"]


def test_list_goes_through_all_pages(client: AnyClient, fake: FakeServer) -> None:
    pages = {"": (["a", "b"], "x"), "x": ([], "y"), "y": (["c"], "")}

    def answer(request: service_pb2.ListStacksRequest, _: object) -> service_pb2.ListStacksResponse:
        names, token = pages[request.page_token]
        stacks = [service_pb2.StackInfo(name=name) for name in names]
        return service_pb2.ListStacksResponse(stacks=stacks, next_page_token=token)

    fake.answers["ListStacks"] = answer
    assert [info.name for info in client.each("list")] == ["a", "b", "c"]


def test_get_reads_stack_and_info(client: AnyClient, fake: FakeServer) -> None:
    info = service_pb2.StackInfo(
        name="har", id="cd", create_time=Timestamp(seconds=1), weight_bytes=8, error="",
        weights=[trace_pb2.WeightSpec(name="dense/bias", data_type=tensor_pb2.DATA_TYPE_FLOAT32, shape=[2])],
    )  # fmt: skip
    fake.answers["GetStack"] = lambda *_: service_pb2.GetStackResponse(info=info, stack=STACK.proto)
    found = client.call("get", "har")
    assert found.stack == STACK
    assert (found.info.name, found.info.id, found.info.seed, found.info.weight_bytes) == ("har", "cd", None, 8)
    assert found.info.create_time.isoformat() == "1970-01-01T00:00:01+00:00"
    assert found.info.weights[0].shape == (2,)
    info.seed = 0
    assert client.call("get", "har").info.seed == 0
