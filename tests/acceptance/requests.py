"""Requests written down: a stack as text, the same call as one message or as a registration."""

from collections.abc import Sequence

import numpy as np
from google.protobuf import text_format
from google.protobuf.message import Message

from lamina.v1 import layers_pb2, service_pb2, tensor_pb2
from tests.acceptance.raw import Raw

# Every RPC that takes a stack with the request, and what its stack is called in a field path.
TAKING_STACKS = ("Trace", "Export", "Infer", "RegisterStack")
INPUT = 'layers { name: "x" input { shape { dims { size: 8 } dims { size: 3 } } } }'
ORDINARY = INPUT + ' layers { name: "c" conv { filters: 2 kernel_size: 3 } }'


def stack(text: str) -> layers_pb2.Stack:
    """A stack from protobuf's text format."""
    return text_format.Parse(text, layers_pb2.Stack())


def after_input(layer: str, shape: Sequence[int] = (8, 3)) -> layers_pb2.Stack:
    """An Input of a shape, and one layer that takes it."""
    dims = " ".join(f"dims {{ size: {size} }}" for size in shape)
    return stack(f"layers {{ input {{ shape {{ {dims} }} }} }} layers {{ {layer} }}")


def asking(rpc: str, sent: layers_pb2.Stack) -> Message:
    """The request by which an RPC is given a stack."""
    if rpc == "RegisterStack":
        return service_pb2.RegisterStackRequest(header=service_pb2.RegisterHeader(name="bad", stack=sent))
    request: Message = getattr(service_pb2, f"{rpc}Request")(stack=sent)
    return request


def tensor(array: np.ndarray, name: str = "") -> tensor_pb2.Tensor:
    """An array of float32 as a message."""
    data = np.asarray(array, "<f4")
    return tensor_pb2.Tensor(name=name, data_type=tensor_pb2.DATA_TYPE_FLOAT32, shape=data.shape, data=data.tobytes())


def infer(sent: layers_pb2.Stack, *tensors: tensor_pb2.Tensor, **fields: object) -> service_pb2.InferRequest:
    """A run of a stack on tensors."""
    return service_pb2.InferRequest(stack=sent, inputs=tensors, **fields)  # type: ignore[arg-type]


def ordinary(raw: Raw) -> None:
    """A run that is legal: all weights 1, each output the sum of the 9 ones under its window."""
    weights = service_pb2.Weights(tensors=[tensor(np.ones((3, 3, 2)), "c/kernel"), tensor(np.zeros(2), "c/bias")])
    answer = raw.infer(infer(stack(ORDINARY), tensor(np.ones((2, 8, 3))), weights=weights))
    (output,) = answer.outputs
    assert (output.name, list(output.shape)) == ("c", [2, 6, 2])
    np.testing.assert_array_equal(np.frombuffer(output.data, "<f4"), 9)
