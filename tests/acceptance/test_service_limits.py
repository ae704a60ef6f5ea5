"""What the server says of itself, and small limits: each names itself, both numbers, and the variable that sets it."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.v1 import layers_pb2
from tests.acceptance.conftest import resident
from tests.acceptance.words import says
from tests.client.clients import AnyClient, connected

SETTINGS = {
    "max_layers": 4,
    "max_rank": 3,
    "max_tensor_elements": 1_000,
    "max_weight_bytes": 4_000,
    "max_macs": 10_000,
    "max_activation_bytes": 2**20,
    "max_message_bytes": 2**20,
}
WIDE = lm.Stack([lm.Input((1_000,)), lm.Activation("relu"), lm.Activation("tanh"), lm.Activation("relu")])


@pytest.fixture(scope="module", params=["sync", "async"])
def narrow(request: pytest.FixtureRequest) -> Iterator[AnyClient]:
    """A client of a server that admits next to nothing."""
    with lm.LocalServer(settings=SETTINGS) as server, connected(request.param, server.address) as one:
        yield one


def over(narrow: AnyClient, limit: str, value: int, *call: Any, **options: Any) -> str:
    """The message of a refusal, which must name the limit and both numbers."""
    with pytest.raises(lm.ResourceExhaustedError) as caught:
        narrow.call(*call, **options)
    error = caught.value
    says(error.message, rf"LAMINA_{limit.upper()}\b")
    assert (error.code, error.reason) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
    facts = error.details
    assert (facts["limit"], int(facts["value"]), int(facts["maximum"])) == (limit, value, SETTINGS[limit])
    return error.message


@pytest.mark.parametrize(
    ("limit", "value", "layers", "words"),
    [
        ("max_layers", 5, [lm.Input((3,)), *[lm.Flatten()] * 4], [r"\b5;", r"admits 4\b"]),
        ("max_rank", 4, [lm.Input((2, 2, 2))], [r"(input\"|layers\[0\]).* is 4\b", r"admits 3\b"]),
        ("max_tensor_elements", 1_001, [lm.Input((1_001,))], [r"1 001", r"admits 1 000\b"]),
        ("max_tensor_elements", 1_200, [lm.Input((4,)), lm.RepeatVector(300)], [r'"repeat_vector"', r"1 200"]),
        ("max_weight_bytes", 40_400, [lm.Input((100,)), lm.Dense(100)], [r"39\.5 KiB", r"3\.9 KiB", "dense", "2 GiB"]),
        ("max_macs", 27_000, [lm.Input((30, 30)), lm.Dense(30)], [r'"dense"', r"27 000", r"admits 10 000\b"]),
    ],
)  # fmt: skip
def test_a_stack_over_a_limit(
    narrow: AnyClient, limit: str, value: int, layers: list[lm.Layer], words: list[str]
) -> None:
    for method in ("trace", "export"):
        says(over(narrow, limit, value, method, lm.Stack(layers)), *words)
    over(narrow, limit, value, "register", "never", lm.Stack(layers))
    assert narrow.each("list") == []


def test_a_batch_over_a_limit(narrow: AnyClient) -> None:
    message = over(narrow, "max_activation_bytes", 200 * 8_000, "infer", WIDE, np.ones((200, 1_000)))
    says(message, "200 samples", r"1\.5 MiB", r"\b1 MiB")
    dense = lm.Stack([lm.Input((30, 10)), lm.Dense(30)])
    assert narrow.call("infer", dense, np.ones((1, 30, 10))).output.shape == (1, 30, 30)
    says(over(narrow, "max_macs", 18_000, "infer", dense, np.ones((2, 30, 10))), "2 samples", r"18 000", r"10 000")


def test_a_reply_over_a_limit(narrow: AnyClient) -> None:
    x = np.ones((100, 1_000))
    assert narrow.call("infer", WIDE, x).output.shape == x.shape
    message = over(narrow, "max_message_bytes", 4 * 400_000, "infer", WIDE, x, fetch="*")
    says(message, r"1\.5 MiB", r"\b1 MiB", "fewer")


def test_a_request_over_a_limit(narrow: AnyClient) -> None:
    with pytest.raises(lm.ResourceExhaustedError) as caught:
        narrow.call("infer", WIDE, np.ones((300, 1_000)))
    says(caught.value.message, r"1\.1 MiB", r"\b1 MiB", "LAMINA_MAX_MESSAGE_BYTES")


def test_what_is_admitted_runs(narrow: AnyClient) -> None:
    assert narrow.call("trace", lm.Stack([lm.Input((10, 10)), *[lm.Dropout()] * 3])).params == 0
    limits = {limit.name: limit.value for limit in narrow.call("info").limits}
    assert limits == {f"LAMINA_{name.upper()}": value for name, value in SETTINGS.items()}


@pytest.mark.parametrize("method", ["trace", "export", "register"])
def test_weights_over_onnxs_limit_cost_no_memory(server: lm.LocalServer, caller: AnyClient, method: str) -> None:
    stack = lm.Stack([lm.Input((30_000,)), lm.Dense(20_000, name="a"), lm.Dense(10_000, name="b")])
    before = resident(server.pid)
    with pytest.raises(lm.ResourceExhaustedError) as caught:
        caller.call(method, *(["never"] if method == "register" else []), stack)
    assert resident(server.pid) - before < 10 * 2**20
    nbytes = 4 * 30_001 * 20_000
    assert int(caught.value.details["value"]) == nbytes
    says(caught.value.message, rf"{nbytes / 2**30:.1f} GiB", "2 GiB", r"1\.9 GiB", "LAMINA_MAX_WEIGHT_BYTES", r"\ba\b")


def test_just_below_the_limit_is_traced(caller: AnyClient) -> None:
    trace = caller.call("trace", lm.Stack([lm.Input((20_000,)), lm.Dense(25_000)]))
    assert trace.params == 20_001 * 25_000


def test_what_the_server_is(caller: AnyClient) -> None:
    info = caller.call("info")
    assert re.match(r"\d", info.version)
    assert (info.device, info.opset) == ("cpu", 22)
    assert info.providers == ("CPUExecutionProvider",)
    assert info.onnxruntime_version.count(".") == 2
    limits = {limit.name.removeprefix("LAMINA_").lower(): limit.value for limit in info.limits}
    assert set(limits) == set(SETTINGS)
    assert (limits["max_layers"], limits["max_rank"], limits["max_weight_bytes"]) == (4096, 8, int(1.9 * 2**30))
    assert all(limit.doc for limit in info.limits)


def test_the_kinds_are_those_of_the_schema_and_their_examples_hold(caller: AnyClient) -> None:
    kinds = caller.call("kinds")
    fields: Any = layers_pb2.Layer.DESCRIPTOR.oneofs_by_name["kind"].fields
    assert [(kind.name, kind.field) for kind in kinds] == [(field.message_type.name, field.name) for field in fields]
    for kind, field in zip(kinds, fields, strict=True):
        assert kind.doc
        assert [option.name for option in kind.options] == [option.name for option in field.message_type.fields]
        assert all(option.doc for option in kind.options)
        assert all(hasattr(lm, name) for name in kind.constructors)
        assert kind.constructors
        assert caller.call("trace", kind.example).to_json() == kind.example_trace.to_json()
