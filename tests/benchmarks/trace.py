"""A trace, from request bytes to reply bytes, beside what else answers such a question: the creation of an ONNX
Runtime session of the same model, torchinfo on the meta device, and the building of a functional Keras model.

Traces are measured twice: of layers that the server has seen lately, as networks and their callers repeat themselves,
and of layers it has never seen.
"""

import os
import sys

os.environ.setdefault("KERAS_BACKEND", "torch")

from collections.abc import Callable
from typing import Any

import onnxruntime as ort

from lamina.v1 import convolution_pb2, layers_pb2, options_pb2, service_pb2, tensor_pb2
from lamina_server import trace as tracer
from lamina_server.allocator import leave_modules_alone
from lamina_server.export import export
from lamina_server.limits import Limits
from lamina_server.notes import annotate
from lamina_server.trace import trace
from lamina_server.weights import complete
from lamina_server.wire import stacks, traces
from lamina_server.wire.stacks import decode_stack
from lamina_server.wire.traces import encode_trace
from tests.benchmarks.pairs import compare, seconds

LENGTH, CHANNELS = 4096, 4


def stack_of(layers: int, *, different: int) -> layers_pb2.Stack:
    """Convolutions and activations in turn; after so many different convolutions they repeat, as blocks do."""
    stack = layers_pb2.Stack()
    stack.layers.add().input.shape.dims.extend([tensor_pb2.Dim(size=LENGTH), tensor_pb2.Dim(size=CHANNELS)])
    for i in range(layers):
        layer = stack.layers.add()
        if i % 2:
            layer.activation.activation.relu.SetInParent()
        else:
            filters, kernel = options(i, different)
            layer.conv.MergeFrom(convolution_pb2.Conv(filters=filters, kernel_size=[kernel]))
            layer.conv.padding.mode = options_pb2.PADDING_MODE_SAME
    return stack


def answered(request: bytes) -> bytes:
    """What the server does between decoding and encoding, without its cache of plans."""
    stack = decode_stack(service_pb2.TraceRequest.FromString(request).stack)
    found = annotate(trace(stack), Limits())
    return service_pb2.TraceResponse(trace=encode_trace(found)).SerializeToString()


def options(i: int, different: int) -> tuple[int, int]:
    """Filters and kernel size of the convolution at an index."""
    size = i // 2 % different
    return CHANNELS + size % 13, 1 + size


def unseen(request: bytes) -> bytes:
    """The same, as if the server had never seen such layers."""
    for kept in (tracer._INFERRED, stacks._KINDS):
        kept.clear()
    for cached in (traces._axes, traces._field):
        cached.cache_clear()
    return answered(request)


def torchinfo_of(layers: int, different: int) -> Callable[[], Any]:
    """torchinfo on the same network on the meta device, where nothing is computed; the network is made beforehand."""
    import torch
    import torchinfo

    made: list[Any] = []
    width = CHANNELS
    with torch.device("meta"):
        for i in range(layers):
            filters, kernel = options(i, different)
            made.append(torch.nn.ReLU() if i % 2 else torch.nn.Conv1d(width, filters, kernel, padding="same"))
            width = width if i % 2 else filters
        network, x = torch.nn.Sequential(*made), torch.empty(1, CHANNELS, LENGTH)
    return lambda: torchinfo.summary(network, input_data=x, device="meta", verbose=0)


def keras_of(layers: int, different: int) -> Callable[[], Any]:
    """Building the same network with Keras' functional interface."""
    import keras

    sys.setrecursionlimit(max(sys.getrecursionlimit(), 20 * layers))  # Keras walks the network by recursion

    def build() -> Any:
        x = entry = keras.Input((LENGTH, CHANNELS))
        for i in range(layers):
            filters, kernel = options(i, different)
            layer = keras.layers.Conv1D(filters, kernel, padding="same") if i % 2 == 0 else keras.layers.ReLU()
            x = layer(x)
        return keras.Model(entry, x)

    return build


def session_of(layers: int, different: int) -> Callable[[], Any]:
    """Creating a session of the same model."""
    found = trace(decode_stack(stack_of(layers, different=different)))
    model = export(found, complete(found, {}, 0), found.outputs)
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = 1
    return lambda: ort.InferenceSession(model, settings, providers=["CPUExecutionProvider"])


def run() -> None:
    """Prints a line for each number of layers and each other tool."""
    print(f"{'Trace, request bytes to reply bytes':<56} {'trace s':>10} {'other s':>10}")
    for layers in (10, 100, 1000):
        request = service_pb2.TraceRequest(stack=stack_of(layers, different=layers // 2)).SerializeToString()
        reply = service_pb2.TraceResponse.FromString(answered(request)).trace
        others = {
            "creating a session": (session_of(layers, layers // 2), "<= 0.35"),
            "torchinfo on meta": (torchinfo_of(layers, layers // 2), "<= 0.1"),
            "building in Keras": (keras_of(layers, layers // 2), "<= 0.0125"),
        }
        leave_modules_alone()  # as the server does; here it is PyTorch and Keras that are in memory
        assert others["torchinfo on meta"][0]().total_params == reply.params  # the same network, the same answer
        for name, (other, goal) in others.items():
            for how, work in (("seen", answered), ("unseen", unseen)):
                ours = seconds(lambda work=work, request=request: work(request))  # type: ignore[misc]
                compare(f"{layers} {how} layers, {name}", ours, seconds(other), goal=goal)
