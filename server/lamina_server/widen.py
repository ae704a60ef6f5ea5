"""A bfloat16 model for a device without bfloat16 arithmetic: each operator computes in float32 and rounds its result.

Casting up is exact and the result is rounded once, so the numbers are those of an exact bfloat16 operator.
"""

import numpy as np
import onnx

from lamina_server.layers.tensors import DType

_BFLOAT16, _FLOAT = onnx.TensorProto.BFLOAT16, onnx.TensorProto.FLOAT
# What ONNX Runtime's CPU moves about as it is.
_MOVES = frozenset(
    {
        *("Cast", "Concat", "Flatten", "Gather", "Identity", "Pad", "Reshape", "Shape", "Size", "Slice", "Split"),
        *("Squeeze", "Transpose", "Unsqueeze"),
    }
)


def widened(model: bytes) -> bytes:
    """The model with a Cast around every operator that takes or gives bfloat16 and computes."""
    wide = onnx.shape_inference.infer_shapes(onnx.ModelProto.FromString(model), data_prop=False)
    _widen(wide.graph)
    return wide.SerializeToString(deterministic=True)


def _widen(graph: onnx.GraphProto) -> None:
    """The same for a graph. The body of a loop computes in float32 throughout, and what comes out is rounded."""
    narrow = {tensor.name for tensor in graph.initializer if tensor.data_type == _BFLOAT16}
    typed = (*graph.input, *graph.output, *graph.value_info)
    narrow |= {value.name for value in typed if value.type.tensor_type.elem_type == _BFLOAT16}
    nodes: list[onnx.NodeProto] = []
    cast: dict[str, str] = {}
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _retype(attribute.g)
        if node.op_type in _MOVES or not narrow.intersection((*node.input, *node.output)):
            nodes.append(node)
            continue
        for name in sorted(narrow.intersection(node.input) - cast.keys()):
            cast[name] = f"{name}/float32"
            nodes.append(_cast(name, cast[name], _FLOAT))
        node.input[:] = [cast.get(name, name) for name in node.input]
        given = [name for name in node.output if name in narrow]
        node.output[:] = [f"{name}/wide" if name in narrow else name for name in node.output]
        nodes.append(node)
        nodes += [_cast(f"{name}/wide", name, _BFLOAT16) for name in given]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)


def _retype(body: onnx.GraphProto) -> None:
    """The body of a loop with float32 for bfloat16; it sees nothing of what is around it."""
    for value in (*body.input, *body.output):
        if value.type.tensor_type.elem_type == _BFLOAT16:
            value.type.tensor_type.elem_type = _FLOAT
    for tensor in body.initializer:
        if tensor.data_type == _BFLOAT16:
            numbers = np.frombuffer(tensor.raw_data, DType.BFLOAT16.numpy).astype(np.float32)
            tensor.raw_data, tensor.data_type = numbers.tobytes(), _FLOAT
    for node in body.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.i == _BFLOAT16:
                attribute.i = _FLOAT
    del body.value_info[:]


def _cast(source: str, target: str, to: int) -> onnx.NodeProto:
    node = onnx.NodeProto(op_type="Cast", name=f"{target}/Cast", input=[source], output=[target])
    node.attribute.add(name="to", type=onnx.AttributeProto.INT, i=to)
    return node
