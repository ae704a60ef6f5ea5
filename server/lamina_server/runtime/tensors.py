"""Arrays to ONNX Runtime and back where its Python interface takes no numpy array: bfloat16."""

import ctypes
from typing import Any

import ml_dtypes
import numpy as np
import onnxruntime as ort

Array = np.ndarray[Any, Any]
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_ONNX_BFLOAT16 = 16


def to_value(array: Array) -> ort.OrtValue:
    """An array as a value of ONNX Runtime's."""
    if array.dtype == BFLOAT16:
        bits = np.ascontiguousarray(array).view(np.uint16)
        return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, _ONNX_BFLOAT16)
    return ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))


def from_value(value: ort.OrtValue) -> Array:
    """A value in the CPU's memory as an array of its own."""
    if value.element_type() != _ONNX_BFLOAT16:
        array: Array = value.numpy()
        return array
    shape = tuple(value.shape())
    bits = np.empty(shape, np.uint16)
    ctypes.memmove(bits.ctypes.data, value.data_ptr(), bits.nbytes)
    return bits.view(BFLOAT16)
