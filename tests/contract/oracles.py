"""Values of each kind, computed without Lamina: by torch where it has the operation, else by numpy.

An oracle takes the layer, its inputs (arrays), its weights by name and the stack's layout, and returns all outputs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lamina_server.layers.base import Kind
from lamina_server.layers.tensors import Layout
from tests.support import require

torch: Any = require("torch")
F: Any = torch.nn.functional
Array = np.ndarray[Any, Any]
Oracle = Callable[[Any, Sequence[Array], Mapping[str, Array], Layout], list[Array]]


def _first(x: Array, layout: Layout) -> Any:
    """Channels first, as torch wants it."""
    return torch.tensor(x if layout is Layout.CHANNELS_FIRST else np.moveaxis(x, -1, 1))


def _back(x: Any, layout: Layout) -> Array:
    array: Array = x.numpy()
    return array if layout is Layout.CHANNELS_FIRST else np.moveaxis(array, 1, -1)


def _ends(kind: Any, sizes: Sequence[int], kernel: Sequence[int], strides: Sequence[int]) -> list[tuple[int, int]]:
    """What is added to each axis, by TensorFlow's rule for SAME."""
    dilations = getattr(kind, "dilation_rate", ()) or (1,) * len(kernel)
    ends = []
    for i, (n, k, s, d) in enumerate(zip(sizes, kernel, strides, dilations, strict=True)):
        reach = d * (k - 1) + 1
        total = max((-(-n // s) - 1) * s + reach - n, 0)
        named = {"valid": (0, 0), "causal": (reach - 1, 0), "same": (total // 2, total - total // 2),
                 "same_lower": (total - total // 2, total // 2)}  # fmt: skip
        ends.append(named[kind.padding] if isinstance(kind.padding, str) else tuple(kind.padding[i]))
    return ends


def _padded(x: Any, ends: Sequence[tuple[int, int]], value: float = 0.0) -> Any:
    return F.pad(x, [side for pair in reversed(ends) for side in pair], value=value)


def _function(function: Any, x: Any) -> Any:
    if function is None:
        return x
    table: dict[str, Callable[[], Any]] = {
        "linear": lambda: x,
        "relu": lambda: torch.relu(x),
        "relu6": lambda: F.relu6(x),
        "leaky_relu": lambda: F.leaky_relu(x, function.negative_slope),
        "elu": lambda: F.elu(x, function.alpha),
        "selu": lambda: F.selu(x),
        "gelu": lambda: F.gelu(x, approximate="tanh" if function.approximate else "none"),
        "sigmoid": lambda: torch.sigmoid(x),
        "hard_sigmoid": lambda: F.hardsigmoid(x),
        "tanh": lambda: torch.tanh(x),
        "softplus": lambda: F.softplus(x),
        "silu": lambda: F.silu(x),
        "softmax": lambda: torch.softmax(x, function.axis),
    }
    return table[function.name]()


def _convolved(kind: Any, x: Array, weights: Mapping[str, Array], layout: Layout, kernel: Array, groups: int) -> Array:
    layout, rank = kind.data_format or layout, len(kind.kernel_size)
    strides, data = kind.strides or (1,) * rank, _first(x, layout)
    laid = torch.tensor(np.moveaxis(kernel, (-1, -2), (0, 1)).copy())
    bias = torch.tensor(weights["bias"]) if "bias" in weights else None
    run = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    ends = _ends(kind, data.shape[2:], kind.kernel_size, strides)
    out = _back(run(_padded(data, ends), laid, bias, strides, 0, kind.dilation_rate or 1, groups), layout)
    return np.asarray(_function(kind.activation, torch.tensor(out)))


def conv(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    return [_convolved(kind, inputs[0], weights, layout, weights["kernel"], kind.groups)]


def depthwise_conv(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    kernel = weights["kernel"]
    flat = kernel.reshape(*kernel.shape[:-2], 1, -1)
    return [_convolved(kind, inputs[0], weights, layout, flat, kernel.shape[-2])]


def max_pool(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    layout, rank = kind.data_format or layout, len(kind.pool_size)
    data, strides = _first(inputs[0], layout), kind.strides or kind.pool_size
    ends = _ends(kind, data.shape[2:], kind.pool_size, strides)
    run = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[rank - 1]
    if kind.ceil_mode:  # torch's own, whose pads are the same on both sides
        assert all(a == b for a, b in ends)
        return [_back(run(data, kind.pool_size, strides, [a for a, _ in ends], 1, True), layout)]
    return [_back(run(_padded(data, ends, -np.inf), kind.pool_size, strides), layout)]


def average_pool(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    layout = kind.data_format or layout
    data, strides = _first(inputs[0], layout), kind.strides or kind.pool_size
    ends = _ends(kind, data.shape[2:], kind.pool_size, strides)
    real = _padded(torch.ones_like(data), ends, 1.0 if kind.count_include_pad else 0.0)
    return [_back(_means(kind, _padded(data, ends), real, strides), layout)]


def _means(kind: Any, x: Any, counted: Any, strides: Sequence[int]) -> Any:
    """Sums of windows over what counts in them; with ceil_mode also the last one that starts before the end."""
    extra = []
    for i, (k, s) in enumerate(zip(kind.pool_size, strides, strict=True)):
        n = x.shape[2 + i]
        after = kind.padding[i][1] if isinstance(kind.padding, tuple) else 0
        out = -(-(n - k) // s) + 1 if kind.ceil_mode else (n - k) // s + 1
        out -= kind.ceil_mode and (out - 1) * s >= n - after
        extra.append((0, max((out - 1) * s + k - n, 0)))
    run = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(strides) - 1]
    means = [run(_padded(part, extra), kind.pool_size, strides) for part in (x, counted)]
    return means[0] / means[1]


def _global(reduce: Callable[..., Array]) -> Oracle:
    def pool(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
        channels = 1 if (kind.data_format or layout) is Layout.CHANNELS_FIRST else inputs[0].ndim - 1
        axes = tuple(axis for axis in range(1, inputs[0].ndim) if axis != channels)
        return [reduce(inputs[0], axis=axes, keepdims=kind.keepdims)]

    return pool


def dense(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    return [
        np.asarray(_function(kind.activation, torch.tensor(inputs[0] @ weights["kernel"] + weights.get("bias", 0.0))))
    ]


def activation(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    return [np.asarray(_function(kind.activation, torch.tensor(inputs[0])))]


def flatten(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x = inputs[0]
    if kind.data_format is Layout.CHANNELS_FIRST and x.ndim > 2:
        x = np.moveaxis(x, 1, -1)
    return [x.reshape(len(x), -1)]


def zero_padding(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    layout = kind.data_format or layout
    return [_back(_padded(_first(inputs[0], layout), [tuple(pair) for pair in kind.padding]), layout)]


def batch_normalization(
    kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout
) -> list[Array]:
    x = inputs[0]
    axis = kind.axis if kind.axis is not None else (1 if layout is Layout.CHANNELS_FIRST else -1)
    shape = [1] * x.ndim
    shape[axis] = -1
    w = {name: array.reshape(shape) for name, array in weights.items()}
    out = (x - w["moving_mean"]) / np.sqrt(w["moving_variance"] + kind.epsilon)
    return [out * w.get("gamma", 1.0) + w.get("beta", 0.0)]


def add(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    rank = max(x.ndim for x in inputs)
    total: Any = 0
    for x in inputs:
        total = total + x.reshape(x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:])
    return [total]


def lstm(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    """Keras' equations, step by step: gates i, f, c, o."""
    x = torch.tensor(inputs[0])
    kernel, recurrent = torch.tensor(weights["kernel"]), torch.tensor(weights["recurrent_kernel"])
    bias = torch.tensor(weights["bias"]) if "bias" in weights else 0.0
    h = c = torch.zeros(len(x), kind.units)
    steps = []
    for t in range(x.shape[1]):
        i, f, g, o = torch.chunk(x[:, t] @ kernel + h @ recurrent + bias, 4, dim=-1)
        gate = lambda z: _function(kind.recurrent_activation, z)  # noqa: E731
        c = gate(f) * c + gate(i) * _function(kind.activation, g)
        h = gate(o) * _function(kind.activation, c)
        steps.append(h)
    main = torch.stack(steps, 1) if kind.return_sequences else h
    return [main.numpy(), *((h.numpy(), c.numpy()) if kind.return_state else ())]


ORACLES: dict[str, Oracle] = {
    "Input": lambda kind, inputs, weights, layout: list(inputs),
    "Dense": dense,
    "Activation": activation,
    "Conv": conv,
    "DepthwiseConv": depthwise_conv,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalMaxPool": _global(np.max),
    "GlobalAveragePool": _global(np.mean),
    "Flatten": flatten,
    "Reshape": lambda kind, inputs, weights, layout: [inputs[0].reshape(len(inputs[0]), *kind.target_shape)],
    "Permute": lambda kind, inputs, weights, layout: [np.transpose(inputs[0], (0, *kind.dims))],
    "RepeatVector": lambda kind, inputs, weights, layout: [np.repeat(inputs[0][:, None], kind.n, axis=1)],
    "ZeroPadding": zero_padding,
    "Dropout": lambda kind, inputs, weights, layout: [inputs[0]],
    "BatchNormalization": batch_normalization,
    "Add": add,
    "Concatenate": lambda kind, inputs, weights, layout: [np.concatenate(inputs, axis=kind.axis)],
    "LSTM": lstm,
}


def oracle(kind: Kind) -> Oracle:
    """The oracle of a kind. Raises KeyError for a kind without one: write it."""
    return ORACLES[type(kind).__name__]
