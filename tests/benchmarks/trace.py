"""A trace, from request bytes to reply bytes, beside the creation of a session of the same model."""

import onnxruntime as ort

from lamina.v1 import convolution_pb2, layers_pb2, options_pb2, service_pb2, tensor_pb2
from lamina_server.export import export
from lamina_server.limits import Limits
from lamina_server.notes import annotate
from lamina_server.trace import trace
from lamina_server.weights import complete
from lamina_server.wire.stacks import decode_stack
from lamina_server.wire.traces import encode_trace
from tests.benchmarks.pairs import compare, seconds


def stack_of(layers: int, *, different: int) -> layers_pb2.Stack:
    """Convolutions and activations in turn; after so many different convolutions they repeat, as blocks do."""
    stack = layers_pb2.Stack()
    stack.layers.add().input.shape.dims.extend([tensor_pb2.Dim(size=4096), tensor_pb2.Dim(size=4)])
    for i in range(layers):
        layer = stack.layers.add()
        if i % 2:
            layer.activation.activation.relu.SetInParent()
        else:
            size = i // 2 % different
            layer.conv.MergeFrom(convolution_pb2.Conv(filters=4 + size % 13, kernel_size=[1 + size]))
            layer.conv.padding.mode = options_pb2.PADDING_MODE_SAME
    return stack


def answered(request: bytes) -> bytes:
    """What the server does between decoding and encoding, without its cache of plans."""
    stack = decode_stack(service_pb2.TraceRequest.FromString(request).stack)
    found = annotate(trace(stack), Limits())
    return service_pb2.TraceResponse(trace=encode_trace(found)).SerializeToString()


def run() -> None:
    """Prints one line for each number of layers."""
    print(f"{'Trace, request bytes to reply bytes':<44} {'trace s':>10} {'session s':>10}")
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    for layers, different in ((100, 50), (1000, 500), (100, 10), (1000, 10)):
        stack = stack_of(layers, different=different)
        request = service_pb2.TraceRequest(stack=stack).SerializeToString()
        found = trace(decode_stack(stack))
        model = export(found, complete(found, {}, 0), found.outputs)
        compare(
            f"{layers} layers, {different} convolutions different",
            seconds(lambda request=request: answered(request)),  # type: ignore[misc]
            seconds(lambda model=model: ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])),  # type: ignore[misc]
            goal="<= 0.35",
        )
