"""Numbers no machine has: each is refused in exact integers, before anything is built of that size."""

import re
import time
from collections.abc import Iterable

import grpc
import pytest

from lamina.v1 import layers_pb2, service_pb2
from tests.acceptance.raw import Raw, taken_apart
from tests.acceptance.requests import INPUT, TAKING_STACKS, after_input, asking, stack
from tests.acceptance.words import says

pytestmark = pytest.mark.usefixtures("harmless")

HUGE = (2**31, 2**62, 2**63 - 1)
BELOW = (-1, -(2**31), -(2**63))
# Layer with a hole for a number, and the field that the number stands in.
HOLES = (
    ("conv { filters: %d kernel_size: 3 }", "conv.filters"),
    ("conv { filters: 2 kernel_size: %d }", "conv.kernel_size"),
    ("conv { filters: 2 kernel_size: 3 strides: %d }", "conv.strides"),
    ("conv { filters: 2 kernel_size: 3 dilation_rate: %d }", "conv.dilation_rate"),
    ("conv { filters: 2 kernel_size: 3 groups: %d }", "conv.groups"),
    ("conv { filters: 2 kernel_size: 3 in_channels: %d }", "conv.in_channels"),
    ("depthwise_conv { kernel_size: 3 depth_multiplier: %d }", "depthwise_conv.depth_multiplier"),
    ("max_pool { pool_size: %d }", "max_pool.pool_size"),
    ("average_pool { pool_size: 2 strides: %d }", "average_pool.strides"),
    ("dense { units: %d }", "dense.units"),
    ("dense { units: 2 in_features: %d }", "dense.in_features"),
    ("lstm { units: %d }", "lstm.units"),
    ("global_max_pool { rank: %d }", "global_max_pool.rank"),
)
PADS = (
    "conv { filters: 2 kernel_size: 3 padding { explicit { pads { before: %d after: 1 } } } }",
    "max_pool { pool_size: 2 padding { explicit { pads { before: 0 after: %d } } } }",
    "zero_padding { padding { before: %d } }",
)
LIMITS = {"max_tensor_elements": 2**31 - 1, "max_layers": 4096, "max_rank": 8, "max_macs": 20 * 10**12}


def limited(raw: Raw, rpc: str, sent: layers_pb2.Stack, limit: str) -> str:
    """The message of a refusal that must name a limit, both numbers, and the variable that sets it."""
    refusal = raw.refusal(rpc, asking(rpc, sent))
    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
    says(refusal.message, rf"LAMINA_{limit.upper()}\b")
    assert refusal.facts["limit"] == limit
    assert int(refusal.facts["maximum"]) == LIMITS[limit] < int(refusal.facts["value"])
    return refusal.message


@pytest.mark.parametrize("number", [*HUGE, *BELOW, 0])
@pytest.mark.parametrize(("layer", "field"), HOLES, ids=[field for _, field in HOLES])
def test_a_number_out_of_range(raw: Raw, layer: str, field: str, number: int) -> None:
    for rpc in TAKING_STACKS:
        refusal = raw.refusal(rpc, asking(rpc, after_input(layer % number)))
        assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "OUT_OF_RANGE")
        assert refusal.field.endswith(f"stack.layers[1].{field}")
        says(refusal.message, rf"{field.rpartition('.')[2]}={number}\b", "must be")
        assert refusal.diagnostic is not None
        assert refusal.diagnostic.layer in refusal.message


@pytest.mark.parametrize("number", HUGE)
def test_copies_and_shapes_without_end(raw: Raw, number: int) -> None:
    for layer, field in (
        ("repeat_vector { n: %d }", "repeat_vector.n"),
        ("reshape { target_shape { dims { size: %d } } }", "reshape.target_shape"),
    ):
        refusal = raw.refusal("Trace", asking("Trace", after_input(layer % number, [8])))
        assert (refusal.code, refusal.field) == ("INVALID_ARGUMENT", f"stack.layers[1].{field}")
        says(refusal.message, str(number))


@pytest.mark.parametrize("number", [2**31 - 1, 2**31, 2**62, 2**63 - 1])
@pytest.mark.parametrize("layer", PADS)
def test_padding_without_end(raw: Raw, layer: str, number: int) -> None:
    refusal = raw.refusal("Infer", asking("Infer", after_input(layer % number)))
    if layer.startswith("max_pool") or number >= 2**31:
        assert (refusal.code, refusal.field) == ("INVALID_ARGUMENT", f"stack.layers[1].{layer.split()[0]}.padding")
        says(refusal.message, str(number))
    else:
        assert (refusal.code, refusal.facts["limit"]) == ("RESOURCE_EXHAUSTED", "max_tensor_elements")


@pytest.mark.parametrize("number", BELOW)
@pytest.mark.parametrize("layer", PADS)
def test_padding_below_nothing(raw: Raw, layer: str, number: int) -> None:
    refusal = raw.refusal("Trace", asking("Trace", after_input(layer % number)))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "OUT_OF_RANGE")
    says(refusal.message, "0 or more")


@pytest.mark.parametrize("size", [*HUGE, *BELOW, 0])
def test_an_input_of_no_possible_size(raw: Raw, size: int) -> None:
    refusal = raw.refusal("Trace", asking("Trace", after_input("flatten {}", [size, 3])))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "OUT_OF_RANGE")
    assert refusal.field == "stack.layers[0].input.shape"
    says(refusal.message, rf"{size}\b")


def repeated(layer: str, times: int) -> layers_pb2.Stack:
    """A short Input, then the same layer over and over."""
    return stack("layers { input { shape { dims { size: 1 } dims { size: 1 } } } }" + f"layers {{ {layer} }}" * times)


@pytest.mark.parametrize("rpc", TAKING_STACKS)
@pytest.mark.parametrize(
    ("sent", "limit"),
    [
        (after_input("flatten {}", [2**31 - 1] * 4), "max_tensor_elements"),
        (after_input("dense { units: 2147483647 }", [2**20, 1]), "max_tensor_elements"),
        (after_input("zero_padding { padding { after: 2147483647 } }"), "max_tensor_elements"),
        (after_input("flatten {}", [1] * 33), "max_rank"),
        (after_input("flatten {}", [1] * 8), "max_rank"),
        (repeated("flatten {}", 5_000), "max_layers"),
        (after_input("conv { filters: 2 kernel_size: [151, 151] padding { mode: PADDING_MODE_SAME } }",
                     [30_000, 30_000, 1]), "max_macs"),
    ],
    ids=["product", "broad", "padded", "33 axes", "9 axes", "5000 layers", "work"],
)  # fmt: skip
def test_more_than_this_server_admits(raw: Raw, rpc: str, sent: layers_pb2.Stack, limit: str) -> None:
    limited(raw, rpc, sent, limit)


@pytest.mark.parametrize("rpc", TAKING_STACKS)
def test_weights_beyond_onnx_name_its_limit_and_both_sizes(raw: Raw, rpc: str) -> None:
    began = time.perf_counter()
    refusal = raw.refusal(rpc, asking(rpc, after_input("dense { units: 200000 }", [200_000])))
    assert time.perf_counter() - began < 1
    assert (refusal.code, refusal.facts["limit"]) == ("RESOURCE_EXHAUSTED", "max_weight_bytes")
    assert int(refusal.facts["value"]) == 4 * (200_000**2 + 200_000)
    says(refusal.message, r"2 GiB", r"149 GiB", r"1\.9 GiB", "LAMINA_MAX_WEIGHT_BYTES", r"\bdense\b")


OPTIONS = (
    ("dropout { rate: %s }", "dropout.rate"),
    ("batch_normalization { epsilon: %s }", "batch_normalization.epsilon"),
    ("batch_normalization { momentum: %s }", "batch_normalization.momentum"),
    ("activation { activation { elu { alpha: %s } } }", "activation.activation.elu.alpha"),
    ("dense { units: 2 activation { leaky_relu { negative_slope: %s } } }",
     "dense.activation.leaky_relu.negative_slope"),
    ("lstm { units: 2 activation { elu { alpha: %s } } }", "lstm.activation.elu.alpha"),
    ("conv { filters: 2 kernel_size: 3 activation { elu { alpha: %s } } }", "conv.activation.elu.alpha"),
)  # fmt: skip


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e300", "-1e300"])
@pytest.mark.parametrize(("layer", "field"), OPTIONS, ids=[field for _, field in OPTIONS])
def test_an_option_that_nothing_can_be_computed_with(raw: Raw, layer: str, field: str, value: str) -> None:
    for rpc in TAKING_STACKS:
        refusal = raw.refusal(rpc, asking(rpc, after_input(layer % value)))
        assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "OUT_OF_RANGE")
        assert refusal.field.endswith(f"stack.layers[1].{field}")
        says(refusal.message, re.escape(f"{field.rpartition('.')[2]}={float(value)}"))


def symbolic(layers: Iterable[str]) -> layers_pb2.Stack:
    """Layers over steps of a number that is not known."""
    first = 'layers { name: "x0" input { shape { dims { expression: "T" } dims { size: 1 } } } }'
    return stack(first + "".join(layers))


POOL = "layers {{ max_pool {{ pool_size: 2 strides: {} padding {{ explicit {{ pads {{ before: 1 }} }} }} }} }}"
DEEP = {
    "nested floors": [POOL.format(2 + i % 2) for i in range(1_000)],
    "sums of floors": [
        f'layers {{ name: "p{i}" max_pool {{ pool_size: 3 }} inputs: "x{i}" }}'
        f'layers {{ name: "x{i + 1}" concatenate {{ axis: 1 }} inputs: "x{i}" inputs: "p{i}" }}'
        for i in range(400)
    ],
    "doubled": [
        f'layers {{ name: "x{i + 1}" concatenate {{ axis: 1 }} inputs: "x{i}" inputs: "x{i}" }}' for i in range(400)
    ],
    "one left": ["layers { max_pool { pool_size: 2 padding { mode: PADDING_MODE_SAME } } }"] * 1_000,
}


@pytest.mark.parametrize("rpc", ["Trace", "Export"])
@pytest.mark.parametrize("layers", DEEP.values(), ids=DEEP)
def test_a_deep_chain_of_symbolic_sizes_is_traced_or_refused_soon(raw: Raw, rpc: str, layers: list[str]) -> None:
    sent = symbolic(layers)
    try:
        answer = raw.call(rpc, asking(rpc, sent))
    except grpc.RpcError as error:
        refusal = taken_apart(error)
        assert refusal.code in ("INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"), refusal
        says(refusal.message, r"too long|too large|admits")
    else:
        assert rpc == "Export" or len(service_pb2.TraceResponse.FromString(answer).trace.layers) == len(sent.layers)


def test_too_many_symbols(raw: Raw) -> None:
    inputs = "".join(f'layers {{ input {{ shape {{ dims {{ expression: "S{i}" }} }} }} }}' for i in range(40))
    refusal = raw.refusal("Trace", asking("Trace", stack(inputs)))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "TOO_COMPLEX")
    says(refusal.message, r"\b16 symbols")


def test_a_window_that_leaves_nothing(raw: Raw) -> None:
    refusal = raw.refusal(
        "Infer", asking("Infer", stack(INPUT + 'layers { name: "c" conv { filters: 2 kernel_size: 9 } }'))
    )
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "WINDOW_TOO_LONG")
    says(refusal.message, r"c \(Conv1D\)", r"\b9\b", r"\b8 steps")
    assert refusal.diagnostic is not None
    assert refusal.diagnostic.fixes
