"""A trace and its weights into an ONNX model.

Opset 22 is chosen on purpose: the first whose pools drop the last ceil_mode window by the rule that runtimes apply,
and loaded by every ONNX Runtime from 1.20 on. Tensor names are the references of the trace ("conv1d", "lstm:state_h"),
dynamic axes carry the stack's symbols, and only plain protobuf is emitted.
"""

from collections.abc import Mapping, Sequence

import onnx

from lamina_server.dims import Size
from lamina_server.errors import LimitError
from lamina_server.layers.core.basics import Input
from lamina_server.layers.graph import ELEMENT, Array, Graph, Value
from lamina_server.layers.holders import Holder
from lamina_server.layers.tensors import Spec
from lamina_server.limits import ONNX_BYTES, human_bytes
from lamina_server.records import LayerTrace, Trace

OPSET = 22
IR_VERSION = 10


def export(trace: Trace, weights: Mapping[str, Array], outputs: Sequence[str], *, name: str = "lamina") -> bytes:
    """The model as bytes, returning `outputs` in this order. Raises LimitError above ONNX's 2 GiB."""
    graph = Graph(weights, trace.stack.layout)
    values: dict[str, Value] = {}
    # Inputs first: they give the sizes that are only known at run time.
    ordered = sorted(trace.layers, key=lambda layer: not isinstance(layer.node.kind, Input))
    _emit(graph, ordered, values)
    inputs = [layer.refs[0] for layer in trace.inputs]
    results = _named_results(graph, values, outputs, inputs)
    model = onnx.ModelProto(ir_version=IR_VERSION, producer_name="lamina", graph=onnx.GraphProto(name=name))
    model.opset_import.add(domain="", version=OPSET)
    model.graph.node.extend(_needed(graph.nodes, results))
    used = {name for node in model.graph.node for name in node.input} | set(results)
    model.graph.initializer.extend(tensor for tensor in graph.initializers if tensor.name in used)
    model.graph.input.extend(_info(ref, trace.specs[ref]) for ref in inputs)
    model.graph.output.extend(_info(result, trace.specs[ref]) for result, ref in zip(results, outputs, strict=True))
    return _serialized(model)


def _emit(graph: Graph, layers: Sequence[LayerTrace], values: dict[str, Value]) -> None:
    """Adds the nodes of layers, and of those inside them, in order."""
    for layer in layers:
        kind = layer.node.kind
        taken = [values[ref] for ref in layer.sources]
        if not isinstance(kind, Holder):
            graph.scope, graph.owner = layer.name, layer.owner
            values.update(zip(layer.refs, kind.emit(graph, taken, layer.done), strict=True))
            continue
        entries = [inner for inner in layer.layers if isinstance(inner.node.kind, Input)]
        graph.scope = f"{layer.name}/"  # no layer inside has an empty name
        entered = kind.enter(graph, taken, [inner.done.spec for inner in entries])
        values.update((inner.refs[0], value) for inner, value in zip(entries, entered, strict=True))
        _emit(graph, [inner for inner in layer.layers if not isinstance(inner.node.kind, Input)], values)
        graph.scope = f"{layer.name}/"
        left = kind.leave(graph, [values[ref] for ref in layer.results], layer.done)
        values.update(zip(layer.refs, left, strict=True))


def operators(model: bytes) -> list[str]:
    """The ONNX operators of a model, each once, in the order of their first use."""
    return list(dict.fromkeys(node.op_type for node in onnx.ModelProto.FromString(model).graph.node))


def output_name(ref: str, inputs: Sequence[str]) -> str:
    """Name of a graph output: the reference itself, but an Input returned as it is needs a name of its own."""
    return f"{ref}/output" if ref in inputs else ref


def _named_results(
    graph: Graph, values: Mapping[str, Value], outputs: Sequence[str], inputs: Sequence[str]
) -> list[str]:
    """Gives the outputs their references as names, in logical order, renaming nodes where that needs no new one."""
    graph.scope = "/outputs"
    final = {ref: graph.arrange(values[ref]) for ref in outputs}
    producers = {name: node for node in graph.nodes for name in node.output}
    renamed: dict[str, str] = {}
    for ref, internal in final.items():
        wanted = output_name(ref, inputs)
        if internal in producers and internal not in renamed:
            renamed[internal] = wanted
        else:  # an input, or a tensor that is another output already
            graph.nodes.append(
                onnx.NodeProto(op_type="Identity", name=f"{wanted}/Identity", input=[internal], output=[wanted])
            )
    for node in graph.nodes:
        for names in (node.input, node.output):
            names[:] = [renamed.get(name, name) for name in names]
    return [output_name(ref, inputs) for ref in outputs]


def _needed(nodes: Sequence[onnx.NodeProto], results: Sequence[str]) -> list[onnx.NodeProto]:
    """The nodes that the results depend on, in order."""
    wanted, kept = set(results), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(node.input)
    return kept[::-1]


def _info(name: str, spec: Spec) -> onnx.ValueInfoProto:
    info = onnx.ValueInfoProto(name=name)
    info.type.tensor_type.elem_type = ELEMENT[spec.dtype]
    info.type.tensor_type.shape.SetInParent()
    for size in spec.shape:
        _dim(info.type.tensor_type.shape.dim.add(), size)
    return info


def _dim(dim: onnx.TensorShapeProto.Dimension, size: Size) -> None:
    if isinstance(size, int):
        dim.dim_value = size
    else:
        dim.dim_param = size.text


def _serialized(model: onnx.ModelProto) -> bytes:
    size = model.ByteSize()
    if size >= ONNX_BYTES:
        raise LimitError(
            f"The ONNX model would take {human_bytes(size)}; one ONNX file holds less than {human_bytes(ONNX_BYTES)}.",
            facts={"value": size, "maximum": ONNX_BYTES},
        )
    return model.SerializeToString(deterministic=True)
