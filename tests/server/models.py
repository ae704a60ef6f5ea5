"""Small ONNX models, made by onnx's own helpers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


Value = tuple[str, int, Sequence[str | int | None]]


def model(
    nodes: Sequence[NodeProto],
    inputs: Sequence[Value],
    outputs: Sequence[Value],
    weights: Sequence[tuple[str, np.ndarray[Any, Any]]] = (),
) -> bytes:
    """A serialised model; inputs and outputs are (name, type, shape), weights (name, array)."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(*item) for item in inputs],
        [helper.make_tensor_value_info(*item) for item in outputs],
        [
            helper.make_tensor(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape, array.tobytes(), True)
            for name, array in weights
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    return bytes(made.SerializeToString())


def dense(size: int = 4, depth: int = 1) -> bytes:
    """y = relu(x W) `depth` times; W is the identity times 2, `size` by `size`."""
    nodes = []
    for index in range(depth):
        last = "y" if index == depth - 1 else f"r{index}"
        nodes.append(helper.make_node("MatMul", ["x" if index == 0 else f"r{index - 1}", "w"], [f"m{index}"]))
        nodes.append(helper.make_node("Relu", [f"m{index}"], [last]))
    weight = 2 * np.eye(size, dtype=np.float32)
    return model(nodes, [("x", FLOAT, ["b", size])], [("y", FLOAT, ["b", size])], [("w", weight)])


def expand() -> bytes:
    """y = x expanded to `shape`, so that a run can ask for any amount of memory."""
    return model(
        [helper.make_node("Expand", ["x", "shape"], ["y"])],
        [("x", FLOAT, [1]), ("shape", INT64, [2])],
        [("y", FLOAT, [None, None])],
    )


def folding_bomb() -> bytes:
    """A constant that unfolds to 1 GiB while the model is loaded, if it is let."""
    return model(
        [
            helper.make_node("Expand", ["one", "size"], ["big"]),
            helper.make_node("ReduceSum", ["big"], ["sum"], keepdims=0),
            helper.make_node("Add", ["x", "sum"], ["y"]),
        ],
        [("x", FLOAT, [1])],
        [("y", FLOAT, [1])],
        [("one", np.ones(1, np.float32)), ("size", np.array([2**28], np.int64))],
    )
