"""Where Keras on PyTorch is known to give other numbers than Keras on TensorFlow, and what a third party gives."""

from collections.abc import Sequence

import numpy as np

from tests.conformance.keras_call import Made, numpy, torch
from tests.conformance.lamina import Array

EDGES = "trap 49: Keras on PyTorch repeats the edge where pads differ; TensorFlow's mean is of what is inside"
CUBIC = "trap 30: Keras' bicubic has coefficient -0.5 on TensorFlow, and on PyTorch PyTorch's -0.75"
BLIND = "a query that sees nothing: Keras gives the mean of all values, Lamina 0, as ONNX and PyTorch"

SCORED = "a query that is masked: Keras puts 0 in its place, but leaves its scores; Lamina's are 0, too"


def mean_inside(made: Made) -> Array:
    """AveragePooling `same`: the mean over what lies inside the input, as sums over counts by PyTorch."""
    layer, x = made.layer, torch.as_tensor(made.arrays[0]).double()
    last, rank = layer.data_format == "channels_last", x.ndim - 2
    laid = x.movedim(-1, 1) if last else x
    ends: list[int] = []
    for length, size, stride in zip(laid.shape[2:], layer.pool_size, layer.strides, strict=True):
        total = max((-(-length // stride) - 1) * stride + size - length, 0)
        ends = [total // 2, total - total // 2, *ends]
    pool = getattr(torch.nn.functional, f"avg_pool{rank}d")
    sums, counts = (
        pool(torch.nn.functional.pad(part, ends), tuple(layer.pool_size), tuple(layer.strides))
        for part in (laid, torch.ones_like(laid))
    )
    mean = sums / counts
    return numpy((mean.movedim(1, -1) if last else mean).to(getattr(torch, str(made.outputs[0].dtype))))


def bicubic(made: Made) -> Array:
    """Images resized by Keys' cubic with coefficient -0.5, pixel centres halves, what lies outside left out."""
    last, x = made.layer.data_format == "channels_last", made.arrays[0].astype(np.float64)
    out = x if not last else np.moveaxis(x, -1, 1)
    shape = made.outputs[0].shape
    sizes: Sequence[int] = shape[1:3] if last else shape[2:4]
    for axis, size in ((2, sizes[0]), (3, sizes[1])):
        out = np.moveaxis(np.moveaxis(out, axis, -1) @ _taps(out.shape[axis], size), -1, axis)
    return (np.moveaxis(out, 1, -1) if last else out).astype(made.outputs[0].dtype)


def _taps(length: int, size: int) -> Array:
    """(length, size): how much each pixel counts in each pixel of the result."""
    apart = np.abs((np.arange(size) + 0.5) * length / size - 0.5 - np.arange(length)[:, None])
    near = 1.5 * apart**3 - 2.5 * apart**2 + 1
    far = -0.5 * apart**3 + 2.5 * apart**2 - 4 * apart + 2
    weights = np.where(apart <= 1, near, np.where(apart < 2, far, 0.0))
    return np.asarray(weights / weights.sum(0))
