"""Tensors: numpy arrays from messages, checked byte for byte, and back."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lamina.v1 import tensor_pb2
from lamina_server.errors import InvalidRequestError
from lamina_server.layers.tensors import DType
from lamina_server.words import shortened

Array = np.ndarray[Any, Any]
_MOST_ELEMENTS = 2**59  # of 8 bytes and more: what fits the 63 bits that numpy counts bytes with
_DTYPES = {
    number: DType(name.removeprefix("DATA_TYPE_").lower()) for name, number in tensor_pb2.DataType.items() if number
}
# Little-endian, as the server's machine is; numpy cannot turn bfloat16 round.
_NUMPY = {dtype: dtype.numpy if dtype is DType.BFLOAT16 else dtype.numpy.newbyteorder("<") for dtype in DType}
_NUMBERS: dict[Any, Any] = {dtype.numpy: number for number, dtype in _DTYPES.items()}


def data_type(dtype: DType) -> str:
    """Name of the enum value of an element type."""
    return f"DATA_TYPE_{dtype.name}"


def decode_dtype(number: int, path: str) -> DType:
    """An element type. Raises InvalidRequestError for none or one this server does not know."""
    if number not in _DTYPES:
        what = "is not set" if number == 0 else f"is {number}, which this server does not know"
        raise InvalidRequestError(f"{path}.data_type {what}.", reason="BAD_DATA_TYPE", field=f"{path}.data_type")
    return _DTYPES[number]


def decode_tensors(messages: Iterable[tensor_pb2.Tensor], path: str) -> dict[str, Array]:
    """Arrays by name, read-only views of the messages. Raises InvalidRequestError: a name twice, or a bad tensor."""
    arrays: dict[str, Array] = {}
    for i, message in enumerate(messages):
        if message.name in arrays:
            raise InvalidRequestError(
                f"{path} holds {shortened(message.name)} twice.", reason="DUPLICATE_NAME", field=f"{path}[{i}].name"
            )
        arrays[message.name] = decode_tensor(message, f"{path}[{i}]")
    return arrays


def decode_tensor(message: tensor_pb2.Tensor, path: str) -> Array:
    """An array, a read-only view of the message. Raises InvalidRequestError where bytes, shape and type disagree."""
    dtype = decode_dtype(message.data_type, path)
    count = check_shape(message.shape, path)
    if len(message.data) != count * dtype.nbytes:
        named = f"{path} ({shortened(message.name)})" if message.name else path
        shape = ", ".join(map(str, message.shape))
        raise InvalidRequestError(
            f"{named} has {len(message.data)} bytes; ({shape}) of {dtype.value} takes {count} x {dtype.nbytes} = "
            f"{count * dtype.nbytes}.",
            reason="BYTES_MISMATCH",
            field=f"{path}.data",
            facts={"got": len(message.data), "expected": count * dtype.nbytes},
        )
    return array_of(message.data, dtype, message.shape)


def check_shape(shape: Sequence[int], path: str) -> int:
    """Number of elements. Raises InvalidRequestError for a negative size, or more than an array can have."""
    if len(shape) > 32:
        raise InvalidRequestError(
            f"{path}.shape has {len(shape)} axes; an array has at most 32.", reason="BAD_SHAPE", field=f"{path}.shape"
        )
    for i, size in enumerate(shape):
        if size < 0:
            raise InvalidRequestError(
                f"{path}.shape[{i}] is {size}; a size is 0 or more.", reason="BAD_SHAPE", field=f"{path}.shape[{i}]"
            )
    if math.prod(size or 1 for size in shape) > _MOST_ELEMENTS:  # also beside a 0: numpy multiplies without it
        raise InvalidRequestError(
            f"{path}.shape is ({', '.join(map(str, shape))}); an array has at most {_MOST_ELEMENTS} elements.",
            reason="BAD_SHAPE",
            field=f"{path}.shape",
        )
    return math.prod(shape)


def array_of(data: bytes, dtype: DType, shape: Sequence[int]) -> Array:
    """Bytes as an array, without a copy."""
    return np.frombuffer(data, dtype=_NUMPY[dtype]).reshape(tuple(shape))


def encode_tensor(name: str, array: Array) -> tensor_pb2.Tensor:
    """A tensor's message."""
    data = np.ascontiguousarray(array, dtype=_NUMPY[DType(array.dtype.name)]).tobytes()
    return tensor_pb2.Tensor(name=name, data_type=_NUMBERS[array.dtype], shape=array.shape, data=data)
