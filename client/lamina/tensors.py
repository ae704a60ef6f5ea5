"""Arrays to tensors and back: little-endian, row-major, exactly as long as the shape says."""

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, cast

import numpy as np

from lamina.enums import names_of
from lamina.errors import InternalError, InvalidArgumentError
from lamina.place import shown
from lamina.specs import dtype_of
from lamina.v1 import tensor_pb2

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from lamina.typing import Array

_NUMBERS = "biuf"


def numpy_dtype(data_type: int, where: str) -> "np.dtype[np.generic]":
    """Numpy's type for an element type, little-endian.

    Raises InvalidArgumentError for bfloat16 where ml_dtypes, which teaches it to numpy, is not installed.
    """
    name = dtype_of(data_type)
    if name == "bfloat16":
        try:
            import ml_dtypes
        except ImportError as error:
            raise InvalidArgumentError(
                f"{where} is bfloat16, which numpy alone does not know: install ml_dtypes.", reason="MISSING_PACKAGE"
            ) from error
        bfloat16: np.dtype[np.generic] = np.dtype(ml_dtypes.bfloat16)
        return bfloat16
    if data_type not in names_of(tensor_pb2.DataType.DESCRIPTOR).values():
        raise InternalError(f"{where} has element type {data_type}, which this version of lamina does not know.")
    little: np.dtype[np.generic] = np.dtype(name).newbyteorder("<")
    return little


def to_array(value: "ArrayLike", data_type: int, where: str) -> "Array":
    """Anything numpy reads as numbers, as a contiguous array of an element type.

    Lists, integers and wider floats are converted, as Keras does; into integers only without loss.
    Raises InvalidArgumentError, which names `where`, for text, objects, complex numbers and ragged lists.
    """
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidArgumentError(f"{where} is no regular array of numbers: {error}", reason="NOT_NUMBERS") from error
    if array.dtype.kind not in _NUMBERS and array.dtype.name != "bfloat16":
        raise InvalidArgumentError(
            f"{where} takes an array of numbers; {_said(value, array)} was given.", reason="NOT_NUMBERS"
        )
    wanted = numpy_dtype(data_type, where)
    converted = np.ascontiguousarray(array, wanted).reshape(array.shape)  # ascontiguousarray makes a scalar 1-D
    if wanted.kind in "biu" and array.dtype != wanted and not np.array_equal(converted, array):
        raise InvalidArgumentError(
            f"{where} takes {wanted.name}; the {array.dtype.name} values given do not fit.", reason="LOSSY_CAST"
        )
    return converted


def to_tensor(name: str, array: "Array") -> tensor_pb2.Tensor:
    """A tensor of an array that `to_array` made: the one copy on the way out."""
    return tensor_pb2.Tensor(name=name, data_type=data_type_of(array), shape=array.shape, data=array.tobytes())


def data_type_of(array: "Array") -> tensor_pb2.DataType:
    """Element type of an array."""
    return cast("tensor_pb2.DataType", tensor_pb2.DataType.Value(f"DATA_TYPE_{array.dtype.name.upper()}"))


def from_tensor(tensor: tensor_pb2.Tensor) -> "Array":
    """A read-only array over a tensor's bytes; `.copy()` makes one to change.

    Raises InternalError where the bytes are not as many as the shape says.
    """
    where = f"tensor {tensor.name!r}"
    dtype = numpy_dtype(tensor.data_type, where)
    shape = tuple(tensor.shape)
    data = tensor.data
    if min(shape, default=0) < 0 or prod(shape) * dtype.itemsize != len(data):
        raise InternalError(f"{where} has {len(data)} bytes; its shape {shape} of {dtype.name} does not.")
    return np.frombuffer(data, dtype).reshape(shape)


def chunks(array: "Array", size: int) -> Iterator[bytes]:
    """The bytes of a contiguous array in pieces, each copied only when it is its turn."""
    view = array.reshape(-1).view(np.uint8).data
    for start in range(0, len(view), size):
        yield bytes(view[start : start + size])


def _said(value: object, array: "Array") -> str:
    kinds = {"c": "an array of complex numbers", "U": "text", "S": "bytes", "M": "an array of dates"}
    if array.dtype.kind in "US" and array.ndim:
        return "an array of text"
    return kinds.get(array.dtype.kind, shown(value))
