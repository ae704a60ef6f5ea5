"""What both clients send, retry, refuse and read."""

import inspect
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from itertools import count
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

import lamina as lm
from lamina.tensors import from_tensor, to_tensor
from lamina.transport import method
from lamina.v1 import service_pb2, tensor_pb2, trace_pb2
from tests.client import samples
from tests.client.clients import AnyClient, connected
from tests.client.fakes import SERVICE, FakeServer, reason, refuse, serving

STACK = lm.Stack([lm.Input((4,)), lm.Dense(2)])
PAIR = lm.Stack([lm.Input((2,), name="a"), lm.Input((2,), name="b"), lm.Add(inputs=["a", "b"])])


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with serving() as server:
        server.answers["Infer"] = doubled
        server.answers["Trace"] = lambda *_: service_pb2.TraceResponse(trace=samples.har())
        server.answers["RegisterStack"] = registered
        yield server


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, fake: FakeServer) -> Iterator[AnyClient]:
    with connected(request.param, fake.address, timeout=10) as one:
        yield one


def doubled(request: service_pb2.InferRequest, _: object) -> service_pb2.InferResponse:
    """Every input times two, under its own name, or "y"."""
    outputs = [to_tensor(tensor.name or "y", from_tensor(tensor) * 2) for tensor in request.inputs]
    receipt = service_pb2.Receipt(device="cpu", stages=[service_pb2.StageTime(name="run", seconds=0.5)])
    return service_pb2.InferResponse(outputs=outputs, receipt=receipt)


def registered(requests: list[service_pb2.RegisterStackRequest], _: object) -> service_pb2.RegisterStackResponse:
    """An id for whatever was sent."""
    info = service_pb2.StackInfo(name=requests[0].header.name, id="ab" * 32)
    return service_pb2.RegisterStackResponse(info=info, created=True)


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


def test_trace_sends_the_stack_and_the_shapes(client: AnyClient, fake: FakeServer) -> None:
    trace = client.call("trace", PAIR, [np.zeros((7, 2)), (3, 2)])
    assert trace["conv1d"].output_shape == (None, 119, 100)
    request = fake.received[0].request
    assert request.stack == PAIR.proto
    assert [(shape.name, list(shape.shape)) for shape in request.shapes] == [("a", [7, 2]), ("b", [3, 2])]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ([(1, 740)], [("input", [1, 740])]),
        ((1, 740), [("input", [1, 740])]),
        (np.zeros((1, 740)), [("input", [1, 740])]),
        ({"input": [1, 740]}, [("input", [1, 740])]),
        ([np.zeros(())], [("input", [])]),
        (None, []),
    ],
)
def test_shapes_in_every_form(client: AnyClient, fake: FakeServer, given: Any, sent: list[Any]) -> None:
    client.call("trace", STACK, given)
    assert [(shape.name, list(shape.shape)) for shape in fake.received[0].request.shapes] == sent


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([(1, 2), (3, 4)], "The stack has 1 input, input; 2 shapes given"),
        ({"inptu": (1, 2)}, r"no input 'inptu'\. Did you mean 'input'"),
        ([(1, -2)], r"input 'input': shape\[1\] takes 0 or more; -2"),
        ([(1, 2.5)], r"shape\[1\] takes a whole number"),
        (["ab"], "takes an array or its shape"),
    ],
)
def test_shapes_that_are_none(client: AnyClient, fake: FakeServer, given: Any, said: str) -> None:
    with pytest.raises(lm.InvalidArgumentError, match=said):
        client.call("trace", STACK, given)
    assert not fake.received


def test_partial_traces_have_diagnostics(client: AnyClient, fake: FakeServer) -> None:
    answer = service_pb2.TraceResponse(trace=samples.har(), diagnostics=[samples.rank_mismatch()])
    fake.answers["Trace"] = lambda *_: answer
    trace = client.call("trace", STACK, partial=True)
    assert fake.received[0].request.partial
    assert trace.diagnostics[0].reason == "RANK_MISMATCH"
    assert len(trace.diagnostics[0].fixes) == 2


def test_infer_converts_and_names_the_input(client: AnyClient, fake: FakeServer) -> None:
    result = client.call("infer", STACK, [[1, 2, 3, 4]], fetch="dense", seed=7, trace=False)
    request = fake.received[0].request
    assert (request.inputs[0].name, request.inputs[0].data_type) == ("input", tensor_pb2.DATA_TYPE_FLOAT32)
    assert list(request.fetch) == ["dense"]
    assert (request.weights.seed, request.omit_trace) == (7, True)
    assert result.output.tolist() == [[2, 4, 6, 8]]
    assert result.receipt.stages == {"run": 0.5}
    with pytest.raises(lm.FailedPreconditionError, match="trace=False"):
        _ = result.trace


def test_what_is_not_said_is_not_sent(client: AnyClient, fake: FakeServer) -> None:
    client.call("infer", STACK, [[1]])
    request = fake.received[0].request
    assert not request.HasField("weights")
    assert not request.omit_trace


def test_several_inputs_by_order_and_by_name(client: AnyClient, fake: FakeServer) -> None:
    x, y = np.ones((1, 2)), np.zeros((1, 2))
    results = [client.call("infer", PAIR, given) for given in ([x, y], (x, y), {"a": x, "b": y})]
    for result in results:
        assert list(result.outputs) == ["a", "b"]
        assert result["a"].tolist() == [[2, 2]]
    with pytest.raises(lm.UnknownNameError, match="2 outputs, 'a' and 'b': choose one"):
        _ = results[0].output


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.ones(2), "The stack has 2 inputs, a and b; 1 array given"),
        ([[1], [2], [3]], "2 inputs, a and b; 3 arrays given"),
        ({"a": [1]}, "Nothing is given for input 'b'"),
        ({"a": [1], "c": [1]}, "no input 'c'"),
        ({"a": [1], "b": ["x"]}, "input 'b' takes an array of numbers; an array of text was given"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_before_any_call(
    client: AnyClient, fake: FakeServer, given: Any, said: str
) -> None:
    with pytest.raises(lm.InvalidArgumentError, match=said):
        client.call("infer", PAIR, given)
    assert not fake.received


def test_weights_of_layers_and_over_them_those_given(client: AnyClient, fake: FakeServer) -> None:
    stack = lm.Stack([lm.Input((2,)), lm.Dense(1, weights={"kernel": [[1], [2]], "bias": [0]})])
    client.call("infer", stack, [[1, 2]], weights={"dense/bias": [9]})
    sent = {tensor.name: from_tensor(tensor).tolist() for tensor in fake.received[0].request.weights.tensors}
    assert sent == {"dense/kernel": [[1.0], [2.0]], "dense/bias": [9.0]}


@pytest.mark.parametrize("options", [{"weights": {"dense": {"kernel": [1]}}}, {"seed": 1}])
def test_a_registered_stack_has_its_weights(client: AnyClient, fake: FakeServer, options: dict[str, Any]) -> None:
    with pytest.raises(lm.InvalidArgumentError, match="give weights= and seed= to register"):
        client.call("infer", "har", [1], **options)
    with pytest.raises(lm.InvalidArgumentError, match="give weights= and seed= to register"):
        client.call("export", "har", **options)
    assert not fake.received


@pytest.mark.parametrize(("seed", "said"), [(-1, "takes 0 or more"), (1.5, "whole number"), (2**64, "at most")])
def test_seeds(client: AnyClient, seed: Any, said: str) -> None:
    with pytest.raises(lm.InvalidArgumentError, match=f"seed.*{said}"):
        client.call("infer", STACK, [1], seed=seed)


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        (3, {}, "takes a Stack, or the name or id"),
        ("", {}, "takes a Stack"),
        (STACK, {"timeout": 0}, "timeout is in seconds"),
    ],
)
def test_nonsense(client: AnyClient, source: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(lm.InvalidArgumentError, match=said):
        client.call("trace", source, **options)


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


def test_export_reads_a_whole_model_and_checks_it(client: AnyClient, fake: FakeServer, tmp_path: Any) -> None:
    data = bytes(range(256)) * 10
    info = service_pb2.ModelInfo(
        size_bytes=len(data), sha256=sha256(data).hexdigest(), opset=22, ir_version=10,
        inputs=[samples.spec("input", features=4)], outputs=[samples.spec("dense", features=2)],
    )  # fmt: skip
    parts = [
        service_pb2.ExportResponse(info=info),
        *(service_pb2.ExportResponse(chunk=data[i : i + 1000]) for i in range(0, len(data), 1000)),
    ]
    fake.answers["Export"] = lambda *_: iter(parts)
    model = client.call("export", STACK, fetch=["dense"], seed=1)
    assert bytes(model) == data
    assert (model.opset, model.ir_version, len(model)) == (22, 10, len(data))
    assert model.outputs[0].shape == (None, 2)
    assert repr(model).startswith("Model(2.5 KiB, opset 22, sha256 ")
    assert model.save(tmp_path / "m.onnx").read_bytes() == data
    fake.answers["Export"] = lambda *_: iter(parts[:-1])
    with pytest.raises(lm.InternalError, match="came damaged: 2000 bytes of 2560"):
        client.call("export", STACK)


def test_saving_is_all_or_nothing(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = lm.Model(b"new", "", 22, 10, (), ())
    target = tmp_path / "m.onnx"
    target.write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            model.save(target)
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]
    assert target.read_bytes() == b"old"
    model.save(str(target))
    assert target.read_bytes() == b"new"
    with pytest.raises(FileNotFoundError):
        model.save(tmp_path / "no" / "m.onnx")


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


def test_kinds_and_info(client: AnyClient, fake: FakeServer) -> None:
    kind = service_pb2.LayerKind(
        name="Conv", field="conv", constructors=["Conv1D"], doc="A convolution.", example=STACK.proto,
        options=[service_pb2.LayerOption(name="filters", doc="Output channels.")],
        example_trace=samples.har(), onnx_operators=["Conv"],
    )  # fmt: skip
    fake.answers["ListLayerKinds"] = lambda *_: service_pb2.ListLayerKindsResponse(kinds=[kind])
    fake.answers["GetServerInfo"] = lambda *_: service_pb2.GetServerInfoResponse(
        version="1", device="cpu", providers=["CPUExecutionProvider"], onnxruntime_version="1.32", opset=22,
        limits=[service_pb2.Limit(name="LAMINA_MAX_LAYERS", value=10, doc="layers")],
    )  # fmt: skip
    (read,) = client.call("kinds")
    assert (read.name, read.constructors, read.options[0].name) == ("Conv", ("Conv1D",), "filters")
    assert read.example == STACK
    assert read.example_trace["conv1d"].params == 9100
    info = client.call("info")
    assert (info.device, info.opset, info.limits[0].value) == ("cpu", 22, 10)


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


@pytest.mark.parametrize("options", [{"max_message_bytes": 0}, {"timeout": -1}, {"timeout": "1"}])
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


def test_both_clients_have_the_same_face() -> None:
    def face(kind: type) -> dict[str, list[Any]]:
        public = {name: value for name, value in vars(kind).items() if not name.startswith("_") and callable(value)}
        return {
            name: [(p.name, p.kind, p.default) for p in inspect.signature(value).parameters.values()]
            for name, value in public.items()
        }

    assert face(lm.Client) == face(lm.AsyncClient)
