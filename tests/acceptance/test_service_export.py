"""Export: a model that onnx's checker passes, that onnxruntime loads, and that computes what Infer answers."""

import hashlib
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import lamina as lm
from tests.client.clients import AnyClient
from tests.support import require

STACKS = {
    "signal": lm.Stack(
        [lm.Input(("T", 3), name="x"), lm.Conv1D(4, 3, strides=2, padding="same", activation="relu"), lm.LSTM(5),
         lm.Dense(2, activation="softmax", name="out")]
    ),
    "image": lm.Stack(
        [lm.Input((9, 8, 3), name="x"), lm.Conv2D(4, 3), lm.BatchNormalization(), lm.MaxPooling2D(2), lm.Flatten(),
         lm.Dense(2, name="out")]
    ),
    "image of any size": lm.Stack(
        [lm.Input(("H", "W", 3), name="x"), lm.Conv2D(4, 3, padding="same"), lm.AveragePooling2D(2),
         lm.GlobalMaxPooling2D(name="out")], layout="channels_last",
    ),
    "states": lm.Stack(
        [lm.Input((4, 3), name="x"), lm.LSTM(2, return_sequences=True, return_state=True, name="out")],
        outputs=["out", "out:state_c"],
    ),
}  # fmt: skip
LENGTHS = {"T": 11, "H": 10, "W": 7}


@pytest.fixture(scope="module")
def onnx() -> ModuleType:
    return require("onnx")


@pytest.fixture(scope="module")
def onnxruntime() -> ModuleType:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    return require("onnxruntime")


def sample(spec: lm.TensorSpec) -> np.ndarray[Any, Any]:
    """An array for an Input: two samples, lengths that are none of its numbers."""
    shape = [2, *(size if isinstance(size, int) else LENGTHS[str(size)] for size in spec.shape[1:])]
    return np.random.default_rng(5).standard_normal(shape).astype("float32")


@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS)
def test_what_is_exported_computes_what_is_answered(
    caller: AnyClient, onnx: ModuleType, onnxruntime: ModuleType, stack: lm.Stack
) -> None:
    model = caller.call("export", stack, seed=9)
    proto = onnx.load_from_string(bytes(model))
    onnx.checker.check_model(proto, full_check=True)
    onnx.shape_inference.infer_shapes(proto, check_type=True, strict_mode=True, data_prop=True)
    session = onnxruntime.InferenceSession(bytes(model), providers=["CPUExecutionProvider"])
    x = sample(model.inputs[0])
    answered = caller.call("infer", stack, x, seed=9)
    assert (
        [one.name for one in session.get_outputs()] == [spec.name for spec in model.outputs] == list(answered.outputs)
    )
    for name, array in zip(answered.outputs, session.run(None, {"x": x}), strict=True):
        np.testing.assert_allclose(array, answered[name], rtol=1e-5, atol=1e-6)
    assert model.sha256 == hashlib.sha256(bytes(model)).hexdigest() == answered.receipt.model_sha256


@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS)
def test_the_header_and_the_model_say_the_same(caller: AnyClient, onnx: ModuleType, stack: lm.Stack) -> None:
    model = caller.call("export", stack)
    proto = onnx.load_from_string(bytes(model))
    assert [(one.domain, one.version) for one in proto.opset_import] == [("", 22)]
    assert (model.opset, model.ir_version) == (22, proto.ir_version)
    for specs, values in ((model.inputs, proto.graph.input), (model.outputs, proto.graph.output)):
        assert [spec.name for spec in specs] == [value.name for value in values]
        for spec, value in zip(specs, values, strict=True):
            dims = [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
            assert dims[0] == "batch"
            assert len(dims) == len(spec.shape)
            assert [dim for dim in dims if isinstance(dim, int)] == [dim for dim in spec.shape if isinstance(dim, int)]
            assert all(dims), dims
    named = [str(size) for size in model.inputs[0].shape[1:] if not isinstance(size, int)]
    given = [dim.dim_param for dim in proto.graph.input[0].type.tensor_type.shape.dim]
    assert [name for name in given if name] == ["batch", *named]


def test_what_is_fetched_is_returned_besides_the_outputs(
    caller: AnyClient, onnxruntime: ModuleType, tmp_path: Path
) -> None:
    stack = STACKS["image"]
    path = caller.call("export", stack, fetch=["max_pooling2d", "conv2d"]).save(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    assert names == ["out", "max_pooling2d", "conv2d"]
    x = sample(caller.call("export", stack).inputs[0])
    answered = caller.call("infer", stack, x, fetch=names[1:])
    for name, array in zip(names, session.run(None, {"x": x}), strict=True):
        np.testing.assert_allclose(array, answered[name], rtol=1e-5, atol=1e-6)


def test_the_weights_are_those_that_were_given(caller: AnyClient, onnx: ModuleType) -> None:
    kernel, bias = np.random.default_rng(6).standard_normal((3, 4)).astype("float32"), np.arange(4, dtype="float32")
    stack = lm.Stack([lm.Input((3,)), lm.Dense(4, name="d")])
    proto = onnx.load_from_string(bytes(caller.call("export", stack, weights={"d/kernel": kernel, "d/bias": bias})))
    held = [onnx.numpy_helper.to_array(one) for one in proto.graph.initializer]
    assert any(np.array_equal(one, kernel) or np.array_equal(one, kernel.T) for one in held)
    assert any(np.array_equal(one, bias) for one in held)
