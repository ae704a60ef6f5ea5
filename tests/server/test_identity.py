"""Content ids: golden, canonical, over everything that changes a result and nothing else.

The golden ids must never change: callers keep them, and other implementations compute them.
"""

import hashlib
import json
from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.v1 import convolution_pb2, layers_pb2
from lamina_server.wire.identity import Digest, canonical_spec, digest, stack_id

Array = np.ndarray[Any, Any]


def stack(*layers: dict[str, Any], **more: Any) -> layers_pb2.Stack:
    """A stack's message from ProtoJSON."""
    return json_format.ParseDict({"layers": layers, **more}, layers_pb2.Stack())


def shape(*sizes: int | str) -> dict[str, Any]:
    return {"dims": [{"size": size} if isinstance(size, int) else {"expression": size} for size in sizes]}


HAR = stack(
    {"input": {"shape": shape(128, 9)}},
    {"conv": {"filters": 100, "kernelSize": [10], "activation": {"relu": {}}}},
    {"globalAveragePool": {}},
    {"dense": {"units": 6, "activation": {"softmax": {"axis": -1}}}},
)
SAME = {"mode": "PADDING_MODE_SAME"}
BRANCHES = stack(
    {"name": "größe", "input": {"shape": shape("T", 3), "dtype": "DATA_TYPE_FLOAT32"}},
    {"name": "a", "inputs": ["größe"], "conv": {"filters": 4, "kernelSize": [3], "padding": SAME}},
    {"name": "b", "inputs": ["größe"], "conv": {"filters": 4, "kernelSize": [1], "useBias": False}},
    {"name": "sum", "inputs": ["a", "b"], "expect": shape("?", 4), "add": {}},
    {"inputs": ["sum"], "batchNormalization": {"epsilon": 1e-05, "momentum": 0.5}},
    layout="LAYOUT_CHANNELS_LAST",
    outputs=["sum", "a"],
)  # fmt: skip
PADS = stack(
    {"input": {"shape": shape(3, 32, 32)}},
    {"averagePool": {"poolSize": [3, 3], "padding": {"explicit": {"pads": [{"before": 1, "after": 1}, {}]}}}},
    layout="LAYOUT_CHANNELS_FIRST",
)
KERNEL = np.arange(6, dtype=np.float32).reshape(2, 3)

GOLDEN = [
    (
        HAR,
        {},
        0,
        (
            '{"seed":{"generator":"philox-glorot-uniform-1","seed":"0"},"spec":{"layers":[{"input":{"shape":{"dims":'
            '[{"size":"128"},{"size":"9"}]}}},{"conv":{"activation":{"relu":{}},"filters":"100","kernelSize":["10"]}},'
            '{"globalAveragePool":{}},{"dense":{"activation":{"softmax":{"axis":"-1"}},"units":"6"}}]},"weights":{}}'
        ),
        "e5a7679a08a7432a362b476b624d5bab17dc03665bfe403c17383740744beae8",
    ),
    (
        BRANCHES,
        {"b/kernel": digest(KERNEL)},
        None,
        (
            '{"spec":{"layers":[{"input":{"dtype":"DATA_TYPE_FLOAT32","shape":{"dims":[{"expression":"T"},{"size":"3"}]}},'
            '"name":"größe"},{"conv":{"filters":"4","kernelSize":["3"],"padding":{"mode":"PADDING_MODE_SAME"}},'
            '"inputs":["größe"],"name":"a"},{"conv":{"filters":"4","kernelSize":["1"],"useBias":false},"inputs":["größe"],'
            '"name":"b"},{"add":{},"expect":{"dims":[{"expression":"?"},{"size":"4"}]},"inputs":["a","b"],"name":"sum"},'
            '{"batchNormalization":{"epsilon":0.00001,"momentum":0.5},"inputs":["sum"]}],"layout":"LAYOUT_CHANNELS_LAST",'
            '"outputs":["sum","a"]},"weights":{"b/kernel":{"dtype":"float32","sha256":'
            '"e2c0a71510b5394df7773b63fb5f54372b84c3564e67811bde7d665be227976d","shape":["2","3"]}}}'
        ),
        "d8ab53c38f6326faba7c9e979440806219936e3cb504add44ee5e507ddec818c",
    ),
    (
        PADS,
        {},
        2**64 - 1,
        (
            '{"seed":{"generator":"philox-glorot-uniform-1","seed":"18446744073709551615"},"spec":{"layers":[{"input":'
            '{"shape":{"dims":[{"size":"3"},{"size":"32"},{"size":"32"}]}}},{"averagePool":{"padding":{"explicit":{"pads":'
            '[{"after":"1","before":"1"},{}]}},"poolSize":["3","3"]}}],"layout":"LAYOUT_CHANNELS_FIRST"},"weights":{}}'
        ),
        "4dc4dd2f28275aa9fbc633f4204a90ac31673e72546a25e79e6e08112db35b1f",
    ),
]


@pytest.mark.parametrize(("message", "weights", "seed", "text", "identity"), GOLDEN)
def test_golden_ids(
    message: layers_pb2.Stack, weights: dict[str, Digest], seed: int | None, text: str, identity: str
) -> None:
    assert canonical_spec(message) == canonical(json.loads(text)["spec"])
    assert stack_id(canonical_spec(message), weights, seed) == identity
    assert hashlib.sha256(text.encode()).hexdigest() == identity


def canonical(value: Any) -> str:
    """Canonical JSON as far as these stacks need it: sorted keys, no spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.replace("1e-05", "0.00001")


def id_of(message: layers_pb2.Stack, weights: dict[str, Digest] | None = None, seed: int | None = 0) -> str:
    return stack_id(canonical_spec(message), weights or {}, seed)


@pytest.mark.parametrize(
    ("unset", "default"),
    [
        ({"dense": {"units": 6}}, {"dense": {"units": 6, "useBias": True}}),
        ({"conv": {"filters": 1, "kernelSize": [1]}}, {"conv": {"filters": 1, "kernelSize": [1], "groups": 1}}),
        ({"dropout": {}}, {"dropout": {"rate": 0.5}}),
        ({"add": {}}, {"name": "add", "add": {}}),
        ({"maxPool": {"poolSize": [2]}}, {"maxPool": {"poolSize": [2], "strides": [2]}}),
        ({"maxPool": {"poolSize": [2]}}, {"maxPool": {"poolSize": [2], "padding": {"mode": "PADDING_MODE_VALID"}}}),
        ({"globalMaxPool": {}}, {"globalMaxPool": {"keepdims": False}}),
        ({"input": {"shape": shape(3)}}, {"input": {"shape": shape(3), "dtype": "DATA_TYPE_FLOAT32"}}),
    ],
)
def test_unset_is_not_the_default(unset: dict[str, Any], default: dict[str, Any]) -> None:
    assert id_of(stack(unset)) != id_of(stack(default))


def test_layout_and_outputs_count() -> None:
    ids = [
        id_of(stack({"name": "x", "input": {"shape": shape(3)}}, **more))
        for more in ({}, {"layout": "LAYOUT_CHANNELS_LAST"}, {"layout": "LAYOUT_CHANNELS_FIRST"}, {"outputs": ["x"]})
    ]
    assert len(set(ids)) == 4


def test_seeds_count_and_no_seed_is_not_seed_zero() -> None:
    seeds = (None, 0, 1, 2**64 - 1)
    assert len({id_of(HAR, seed=seed) for seed in seeds}) == len(seeds)


def test_weights_count_by_name_type_shape_and_bytes() -> None:
    other = KERNEL.copy()
    other[0, 0] = 1
    variants: list[dict[str, Array]] = [
        {},
        {"d/kernel": KERNEL},
        {"e/kernel": KERNEL},
        {"d/kernel": other},
        {"d/kernel": KERNEL.reshape(3, 2)},
        {"d/kernel": KERNEL.view(np.int32)},
        {"d/kernel": KERNEL, "d/bias": np.zeros(3, np.float32)},
    ]
    ids = [id_of(HAR, {name: digest(array) for name, array in given.items()}) for given in variants]
    assert len(set(ids)) == len(variants)


def test_weights_count_in_any_order() -> None:
    digests = {name: digest(KERNEL + i) for i, name in enumerate("abc")}
    assert len({id_of(HAR, dict(items)) for items in permutations(digests.items())}) == 1


@pytest.mark.parametrize(
    "array",
    [
        KERNEL.astype(">f4"),
        np.asfortranarray(KERNEL),
        np.repeat(KERNEL, 2, axis=0)[::2],
        np.repeat(KERNEL, 2, axis=1)[:, ::2],
    ],
    ids=["big-endian", "column-major", "strided rows", "strided columns"],
)
def test_a_digest_is_over_values_not_over_memory(array: Array) -> None:
    assert digest(array) == digest(KERNEL)
    assert digest(array).sha256 == hashlib.sha256(KERNEL.astype("<f4").tobytes()).hexdigest()


@pytest.mark.parametrize("empty", [np.zeros((0, 3), np.float32), np.zeros((2, 0), np.int64)])
def test_nothing_has_the_digest_of_nothing(empty: Array) -> None:
    assert digest(empty) == Digest(empty.dtype.name, empty.shape, hashlib.sha256(b"").hexdigest())


def test_a_single_number_has_a_digest() -> None:
    assert digest(np.array(1.5, np.float32)) == Digest(
        "float32", (), hashlib.sha256(np.array(1.5, "<f4").tobytes()).hexdigest()
    )


def _field(number: int, payload: bytes) -> bytes:
    return bytes([number << 3 | 2, len(payload)]) + payload


def test_the_order_of_fields_on_the_wire_does_not_count() -> None:
    """The same conv layer, its fields written in every order that protobuf allows."""
    name = _field(1, b"c")
    activation = _field(8, _field(2, b""))
    parts = (b"\x08\x04", _field(2, b"\x03"), activation, b"\x48\x00")  # filters 4, kernel 3, relu, no bias
    wanted = {"name": "c", "conv": {"filters": 4, "kernelSize": [3], "activation": {"relu": {}}, "useBias": False}}
    for order in permutations(parts):
        conv = b"\xc2\x02" + bytes([sum(map(len, order))]) + b"".join(order)
        for layer in (name + conv, conv + name):
            assert id_of(layers_pb2.Stack.FromString(_field(1, layer))) == id_of(stack(wanted))


@settings(deadline=None)
@given(st.permutations(range(4)))
def test_the_order_in_which_fields_are_set_does_not_count(order: list[int]) -> None:
    made = convolution_pb2.Conv()
    steps: list[Callable[[], Any]] = [
        lambda: setattr(made, "filters", 3),
        lambda: made.kernel_size.extend([2, 2]),
        lambda: setattr(made, "use_bias", True),
        lambda: made.activation.softmax.SetInParent(),
    ]
    for step in order:
        steps[step]()
    wanted = {"conv": {"filters": 3, "kernelSize": [2, 2], "useBias": True, "activation": {"softmax": {}}}}
    assert id_of(layers_pb2.Stack(layers=[layers_pb2.Layer(conv=made)])) == id_of(stack(wanted))


def test_the_order_of_layers_counts() -> None:
    layers: list[dict[str, Any]] = [{"dropout": {}}, {"flatten": {}}]
    assert id_of(stack(*layers)) != id_of(stack(*layers[::-1]))


@pytest.mark.parametrize("value", [0.1, 1e-7, 1e21, 5e-324, 1.7976931348623157e308, 123456789.123])
def test_numbers_are_written_as_the_standard_says(value: float) -> None:
    spec = canonical_spec(stack({"dropout": {"rate": value}}))
    assert json.loads(spec)["layers"][0]["dropout"]["rate"] == value
    assert spec == canonical_spec(json_format.Parse(spec, layers_pb2.Stack()))
