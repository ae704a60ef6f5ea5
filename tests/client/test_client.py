"""What both clients send for a call, and what they refuse before any."""

import inspect
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.tensors import from_tensor
from lamina.v1 import service_pb2, tensor_pb2
from tests.client import samples
from tests.client.clients import AnyClient
from tests.client.fakes import FakeServer

STACK = lm.Stack([lm.Input((4,)), lm.Dense(2)])
PAIR = lm.Stack([lm.Input((2,), name="a"), lm.Input((2,), name="b"), lm.Add(inputs=["a", "b"])])


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


def test_both_clients_have_the_same_face() -> None:
    def face(kind: type) -> dict[str, list[Any]]:
        public = {name: value for name, value in vars(kind).items() if not name.startswith("_") and callable(value)}
        return {
            name: [(p.name, p.kind, p.default) for p in inspect.signature(value).parameters.values()]
            for name, value in public.items()
        }

    assert face(lm.Client) == face(lm.AsyncClient)
