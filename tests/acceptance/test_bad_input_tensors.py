"""Arrays and weights that do not fit: their bytes, their types, their shapes, their names."""

from collections.abc import Callable

import numpy as np
import pytest

from lamina.v1 import layers_pb2, service_pb2, tensor_pb2
from tests.acceptance.raw import Raw
from tests.acceptance.requests import INPUT, ORDINARY, after_input, infer, stack, tensor
from tests.acceptance.words import says

pytestmark = pytest.mark.usefixtures("harmless")

X = tensor(np.ones((2, 8, 3)))
KERNEL, BIAS = tensor(np.ones((3, 3, 2)), "c/kernel"), tensor(np.zeros(2), "c/bias")
BOTH = stack(
    'layers { name: "a" input { shape { dims { size: 2 } } } }'
    'layers { name: "b" input { shape { dims { size: 2 } } } }'
    'layers { name: "s" add {} inputs: "a" inputs: "b" }'
)


def changed(one: tensor_pb2.Tensor, **fields: object) -> tensor_pb2.Tensor:
    """A tensor with other fields."""
    other = tensor_pb2.Tensor()
    other.CopyFrom(one)
    for name, value in fields.items():
        other.ClearField(name)
        other.MergeFrom(tensor_pb2.Tensor(**{name: value}))  # type: ignore[arg-type]
    return other


# What is wrong with the tensor itself, wherever it stands: change, reason, field, words.
WRONG = (
    ({"data": b""}, "BYTES_MISMATCH", "data", [r"has 0 bytes"]),
    ({"data": b"123"}, "BYTES_MISMATCH", "data", [r"has 3 bytes", r"x 4 ="]),
    ({"data": bytes(10_000)}, "BYTES_MISMATCH", "data", [r"has 10000 bytes"]),
    ({"shape": [-1, 8, 3]}, "BAD_SHAPE", "shape[0]", [r"-1", "0 or more"]),
    ({"shape": [2, -(2**63), 3]}, "BAD_SHAPE", "shape[1]", [str(-(2**63))]),
    ({"shape": [1] * 33}, "BAD_SHAPE", "shape", [r"\b33 axes", r"\b32\b"]),
    ({"shape": [2**62, 0, 2**62], "data": b""}, "BAD_SHAPE", "shape", [str(2**62), str(2**59)]),
    ({"shape": [2**62, 2**62]}, "BAD_SHAPE", "shape", [str(2**62), str(2**59)]),
    ({"shape": [2**40]}, "BYTES_MISMATCH", "data", [str(2**42)]),
    ({"data_type": 0}, "BAD_DATA_TYPE", "data_type", ["not set"]),
    ({"data_type": 99}, "BAD_DATA_TYPE", "data_type", [r"\b99\b", "does not know"]),
    ({"data_type": -7}, "BAD_DATA_TYPE", "data_type", [r"-7\b"]),
    ({"data_type": tensor_pb2.DATA_TYPE_FLOAT64}, "BYTES_MISMATCH", "data", ["float64", "x 8 ="]),
)


@pytest.mark.parametrize("place", ["inputs", "weights.tensors"])
@pytest.mark.parametrize(("change", "reason", "field", "words"), WRONG)
def test_a_tensor_that_contradicts_itself(
    raw: Raw, place: str, change: dict[str, object], reason: str, field: str, words: list[str]
) -> None:
    if place == "inputs":
        refusal = raw.refusal("Infer", infer(stack(ORDINARY), changed(X, **change)))
    else:
        weights = service_pb2.Weights(tensors=[changed(KERNEL, **change)], seed=1)
        refusal = raw.refusal("Infer", infer(stack(ORDINARY), X, weights=weights))
        export = service_pb2.ExportRequest(stack=stack(ORDINARY), weights=weights)
        assert raw.refusal("Export", export).message == refusal.message
    assert (refusal.code, refusal.reason, refusal.field) == ("INVALID_ARGUMENT", reason, f"{place}[0].{field}")
    says(refusal.message, *words)


DTYPES = {
    "float64": (tensor_pb2.DATA_TYPE_FLOAT64, 8), "float16": (tensor_pb2.DATA_TYPE_FLOAT16, 2),
    "int64": (tensor_pb2.DATA_TYPE_INT64, 8), "uint8": (tensor_pb2.DATA_TYPE_UINT8, 1),
    "bool": (tensor_pb2.DATA_TYPE_BOOL, 1),
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
def test_another_type_than_is_needed(raw: Raw, dtype: str) -> None:
    number, size = DTYPES[dtype]
    fed = raw.refusal("Infer", infer(stack(ORDINARY), changed(X, data_type=number, data=bytes(48 * size))))
    assert (fed.code, fed.reason) == ("INVALID_ARGUMENT", "DTYPE_MISMATCH")
    says(fed.message, rf"x is fed {dtype}", "float32")
    assert fed.diagnostic is not None
    assert [edit.WhichOneof("edit") for fix in fed.diagnostic.fixes for edit in fix.array_edits] == ["cast"]
    wrong = changed(KERNEL, data_type=number, data=bytes(18 * size))
    given = raw.refusal("Infer", infer(stack(ORDINARY), X, weights=service_pb2.Weights(tensors=[wrong, BIAS])))
    assert (given.code, given.reason, given.field) == ("INVALID_ARGUMENT", "WEIGHT_DTYPE", "weights")
    says(given.message, rf"c/kernel is {dtype}", "float32")


def test_bfloat16_is_not_what_this_server_computes_in(raw: Raw) -> None:
    bits = changed(X, data_type=tensor_pb2.DATA_TYPE_BFLOAT16, data=bytes(96))
    says(raw.refusal("Infer", infer(stack(ORDINARY), bits)).message, "float32")


WEIGHTS = (
    ([tensor(np.ones((2, 3, 3)), "c/kernel"), BIAS], "WEIGHT_SHAPE",
     [r"c/kernel", r"\(2, 3, 3\)", r"\(3, 3, 2\)", "PyTorch", r"\(out, in, spatial\.\.\.\)"]),
    ([tensor(np.ones((3, 3, 4)), "c/kernel"), BIAS], "WEIGHT_SHAPE", [r"\(3, 3, 4\)", r"\(3, 3, 2\)"]),
    ([tensor(np.ones(18), "c/kernel"), BIAS], "WEIGHT_SHAPE", [r"\(18,\)"]),
    ([KERNEL, tensor(np.ones((1, 2)), "c/bias")], "WEIGHT_SHAPE", ["c/bias", r"\(1, 2\)", r"\(2,\)"]),
    ([KERNEL], "MISSING_WEIGHT", ["c/bias", "not given", "seed"]),
    ([BIAS], "MISSING_WEIGHT", ["c/kernel", r"\(3, 3, 2\)"]),
    ([KERNEL, BIAS, tensor(np.ones(2), "c/gamma")], "UNKNOWN_WEIGHT", ["c/gamma", "no weight"]),
    ([tensor(np.ones((3, 3, 2)), "c/kernal"), BIAS], "UNKNOWN_WEIGHT", ["c/kernal", 'did you mean "c/kernel"']),
    ([KERNEL, KERNEL, BIAS], "DUPLICATE_NAME", ["c/kernel", "twice"]),
    ([KERNEL, BIAS, tensor(np.ones(2))], "UNKNOWN_WEIGHT", ['""']),
    ([KERNEL, BIAS, tensor(np.ones(2), "\u202e\n" * 5_000)], "UNKNOWN_WEIGHT", [r"u202e"]),
)  # fmt: skip


@pytest.mark.parametrize(("given", "reason", "words"), WEIGHTS)
def test_weights_that_are_not_this_stacks(
    raw: Raw, given: list[tensor_pb2.Tensor], reason: str, words: list[str]
) -> None:
    for rpc in ("Infer", "Export"):
        request = getattr(service_pb2, f"{rpc}Request")(
            stack=stack(ORDINARY), weights=service_pb2.Weights(tensors=given)
        )
        if rpc == "Infer":
            request.inputs.append(X)
        refusal = raw.refusal(rpc, request)
        assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", reason)
        assert refusal.field.startswith("weights")
        says(refusal.message, *words)


def test_a_transposed_dense_kernel_is_told_from_a_wrong_one(raw: Raw) -> None:
    sent = stack(
        'layers { input { shape { dims { size: 4 } } } } layers { name: "d" dense { units: 2 use_bias: false } }'
    )
    weights = service_pb2.Weights(tensors=[tensor(np.ones((2, 4)), "d/kernel")])
    refusal = raw.refusal("Infer", infer(sent, tensor(np.ones((1, 4))), weights=weights))
    says(refusal.message, r"\(2, 4\)", r"\(4, 2\)", "another order", "PyTorch")


ARRAYS: tuple[tuple[layers_pb2.Stack, list[tensor_pb2.Tensor], str, list[str]], ...] = (
    (stack(ORDINARY), [], "MISSING_INPUT", ["given for x"]),
    (stack(ORDINARY), [X, changed(X, name="y")], "UNKNOWN_INPUT", ['""', '"x"']),
    (stack(ORDINARY), [changed(X, name="y")], "UNKNOWN_INPUT", ['"y"', "no Input", '"x"']),
    (stack(ORDINARY), [changed(X, name="c")], "UNKNOWN_INPUT", ['"c"', "no Input"]),
    (stack(ORDINARY), [changed(X, name="x")] * 2, "DUPLICATE_NAME", ['"x"', "twice"]),
    (BOTH, [tensor(np.ones((1, 2)))], "UNKNOWN_INPUT", ['"a"', '"b"']),
    (BOTH, [tensor(np.ones((1, 2)), "a")], "MISSING_INPUT", ["for b", "2 Inputs"]),
    (BOTH, [tensor(np.ones((3, 2)), "a"), tensor(np.ones((4, 2)), "b")], "BATCH_MISMATCH", ["a 3", "b 4"]),
)


@pytest.mark.parametrize(("sent", "arrays", "reason", "words"), ARRAYS)
def test_arrays_that_are_not_the_inputs(
    raw: Raw, sent: layers_pb2.Stack, arrays: list[tensor_pb2.Tensor], reason: str, words: list[str]
) -> None:
    refusal = raw.refusal("Infer", service_pb2.InferRequest(stack=sent, inputs=arrays))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", reason)
    assert refusal.field.startswith("inputs")
    says(refusal.message, *words)


@pytest.mark.parametrize(
    ("shape", "edit"),
    [((8, 3), "expand_dims"), ((2, 3, 8), "transpose"), ((2, 8, 3, 1), "squeeze"), ((2, 8, 4), ""), ((), "")],
)
def test_an_array_of_another_shape_and_what_to_do_with_it(raw: Raw, shape: tuple[int, ...], edit: str) -> None:
    refusal = raw.refusal("Infer", infer(stack(ORDINARY), tensor(np.ones(shape))))
    traced = service_pb2.TraceRequest(stack=stack(ORDINARY), shapes=[tensor_pb2.ArrayShape(shape=shape)])
    assert raw.refusal("Trace", traced).message == refusal.message
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "ARRAY_MISMATCH")
    says(refusal.message, r"^x takes batch, 8 steps, 3 channels", rf"\({', '.join(map(str, shape))}\)")
    assert refusal.diagnostic is not None
    edits = [one.WhichOneof("edit") for fix in refusal.diagnostic.fixes for one in fix.array_edits]
    assert edits[:1] == [edit] * bool(edit)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ([2**62, 8, 3], "BAD_SHAPE"),
        ([-1, 8, 3], "BAD_SHAPE"),
        ([2**62, 0, 2**62], "BAD_SHAPE"),
        ([1] * 33, "BAD_SHAPE"),
    ],
)
def test_array_shapes_that_no_array_has(raw: Raw, shape: list[int], reason: str) -> None:
    traced = service_pb2.TraceRequest(stack=stack(ORDINARY), shapes=[tensor_pb2.ArrayShape(shape=shape)])
    refusal = raw.refusal("Trace", traced)
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", reason)


@pytest.mark.parametrize(
    ("fetch", "field", "words"),
    [
        (["y"], "fetch[0]", ['"y"', '"x"', '"c"']),
        (["c", "c"], "fetch[1]", ['"c"', "twice"]),
        (["*", "x"], "fetch[0]", [r'"\*"', "every layer"]),
        (["x", "*"], "fetch[1]", [r'"\*"', "every layer"]),
        (["c:state_h"], "fetch[0]", ["state_h"]),
        ([""], "fetch[0]", ['""']),
        (["\u202e" * 10_000], "fetch[0]", ["u202e"]),
        (["x"] * 5_000, "fetch[1]", ["twice"]),
    ],
)
def test_fetching_what_there_is_not(raw: Raw, fetch: list[str], field: str, words: list[str]) -> None:
    for rpc, more in (("Infer", {"inputs": [X]}), ("Export", {})):
        refusal = raw.refusal(rpc, getattr(service_pb2, f"{rpc}Request")(stack=stack(ORDINARY), fetch=fetch, **more))
        assert (refusal.code, refusal.reason, refusal.field) == ("INVALID_ARGUMENT", "UNKNOWN_FETCH", field)
        says(refusal.message, *words)


def test_no_samples_give_empty_outputs(raw: Raw) -> None:
    answer = raw.infer(infer(stack(ORDINARY), tensor(np.ones((0, 8, 3))), fetch=["x"]))
    assert [list(one.shape) for one in (*answer.outputs, *answer.fetched)] == [[0, 6, 2], [0, 8, 3]]
    assert [one.data for one in (*answer.outputs, *answer.fetched)] == [b"", b""]
    assert answer.receipt.batch_size == 0


@pytest.mark.parametrize("make", [np.zeros, lambda shape: np.full(shape, np.nan), lambda shape: np.full(shape, np.inf)])
def test_any_number_may_be_fed(raw: Raw, make: Callable[[tuple[int, ...]], np.ndarray]) -> None:
    answer = raw.infer(infer(stack(ORDINARY), tensor(make((1, 8, 3)))))
    assert list(answer.outputs[0].shape) == [1, 6, 2]


def test_more_samples_than_may_be_alive_at_once(raw: Raw) -> None:
    sent = after_input("zero_padding { padding { after: 100000000 } }", [1, 1])
    refusal = raw.refusal("Infer", infer(sent, tensor(np.ones((30, 1, 1)))))
    assert (refusal.code, refusal.facts["limit"]) == ("RESOURCE_EXHAUSTED", "max_activation_bytes")
    says(refusal.message, "30 samples", "8 GiB", "LAMINA_MAX_ACTIVATION_BYTES")


def test_a_reply_longer_than_a_message(raw: Raw) -> None:
    sent = stack(INPUT + "layers { flatten {} } layers { repeat_vector { n: 1000000 } }")
    refusal = raw.refusal("Infer", infer(sent, X))
    assert refusal.code == "RESOURCE_EXHAUSTED"
    says(refusal.message, "64 MiB", "LAMINA_MAX_MESSAGE_BYTES")
