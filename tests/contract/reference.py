"""What each kind computes, written a second time: plain numpy in float64, windows by loops, nothing shared.

A reference takes the layer, the inputs (batch included, axes as the caller lays them), the weights by name and the
layout of the stack, and returns the layer's outputs. A kind without one fails the contract test.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import ceil, erf
from typing import Any

import numpy as np

from lamina_server.layers.base import Kind
from lamina_server.layers.tensors import Layout

Array = np.ndarray[Any, Any]
Reference = Callable[[Any, Sequence[Array], Mapping[str, Array], Layout], list[Array]]
Pads = tuple[int, int]


def expected(kind: Kind, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    """The outputs of a layer. Raises KeyError for a kind without a reference."""
    wide = {name: weight.astype(np.float64) for name, weight in weights.items()}
    return REFERENCES[type(kind).__name__](kind, [x.astype(np.float64) for x in inputs], wide, layout)


# ---- activations ----


def _elu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _sigmoid(x: Array) -> Array:
    result: Array = (1 + np.tanh(x / 2)) / 2  # as 1 / (1 + exp(-x)), which would overflow
    return result


def _gelu(x: Array, approximate: bool) -> Array:
    inner = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)) if approximate else _erf(x / np.sqrt(2))
    result: Array = 0.5 * x * (1 + inner)
    return result


_erf: Callable[[Array], Array] = np.vectorize(erf, otypes=[float])


def _softmax(x: Array, axis: int) -> Array:
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    total: Array = powers / powers.sum(axis=axis, keepdims=True)
    return total


FUNCTIONS: dict[str, Callable[[Any, Array], Array]] = {
    "Linear": lambda _, x: x,
    "Relu": lambda _, x: np.maximum(x, 0),
    "Relu6": lambda _, x: np.clip(x, 0, 6),
    "LeakyRelu": lambda f, x: np.where(x > 0, x, f.negative_slope * x),
    "Elu": lambda f, x: _elu(x, f.alpha),
    "Selu": lambda _, x: 1.0507009873554805 * _elu(x, 1.6732632423543772),
    "Gelu": lambda f, x: _gelu(x, f.approximate),
    "Sigmoid": lambda _, x: _sigmoid(x),
    "HardSigmoid": lambda _, x: np.clip(x / 6 + 0.5, 0, 1),
    "Tanh": lambda _, x: np.tanh(x),
    "Softplus": lambda _, x: np.logaddexp(0, x),
    "Silu": lambda _, x: x * _sigmoid(x),
    "Softmax": lambda f, x: _softmax(x, f.axis),
}


def activated(x: Array, function: Any) -> Array:
    """An optional activation applied."""
    return x if function is None else FUNCTIONS[type(function).__name__](function, x)


# ---- windows ----


def same_pads(length: int, k: int, s: int, d: int = 1) -> Pads:
    """What SAME adds: enough for ceil(length / s) windows, the odd element after."""
    total = max((ceil(length / s) - 1) * s + d * (k - 1) + 1 - length, 0)
    return total // 2, total - total // 2


def pads_of(kind: Any, lengths: Sequence[int]) -> list[Pads]:
    """Elements that a convolution or a pool adds before and after, for each spatial axis."""
    sizes, strides, dilations = window_of(kind)
    if kind.padding == "valid":
        return [(0, 0)] * len(sizes)
    if kind.padding == "causal":
        return [(d * (k - 1), 0) for k, d in zip(sizes, dilations, strict=True)]
    if kind.padding in ("same", "same_lower"):
        pairs = [same_pads(*row) for row in zip(lengths, sizes, strides, dilations, strict=True)]
        return pairs if kind.padding == "same" else [(b, a) for a, b in pairs]
    return [(pair[0], pair[1]) for pair in kind.padding]


def window_of(kind: Any) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    """Sizes, strides and dilations of a window, defaults put in."""
    pool = hasattr(kind, "pool_size")
    sizes = kind.pool_size if pool else kind.kernel_size
    ones = (1,) * len(sizes)
    return sizes, kind.strides or (sizes if pool else ones), getattr(kind, "dilation_rate", ()) or ones


def starts(length: int, extent: int, stride: int, pads: Pads, ceil_mode: bool = False) -> list[int]:
    """First positions of the windows in the padded axis, found by walking along it."""
    before, after = pads
    found: list[int] = []
    at = 0
    while at + extent <= before + length + after:
        found.append(at)
        at += stride
    ended = found and found[-1] + extent == before + length + after
    if ceil_mode and not ended and at < before + length:  # one more runs over the end, if it starts inside
        found.append(at)
    return found


def _first(x: Array, kind: Any, layout: Layout) -> tuple[Array, Callable[[Array], Array]]:
    """The array with its channels at 1, and what moves them back."""
    if (kind.data_format or layout) is Layout.CHANNELS_FIRST:
        return x, lambda y: y
    return np.moveaxis(x, -1, 1), lambda y: np.moveaxis(y, 1, -1)


class Windows:
    """The windows of a convolution or a pool over an array laid channels first."""

    def __init__(self, kind: Any, x: Array, fill: float) -> None:
        sizes, strides, dilations = window_of(kind)
        pads, over = pads_of(kind, x.shape[2:]), getattr(kind, "ceil_mode", False)
        self.rows = [
            [[at + d * tap for tap in range(k)] for at in starts(n, d * (k - 1) + 1, s, pad, over)]
            for n, k, s, d, pad in zip(x.shape[2:], sizes, strides, dilations, pads, strict=True)
        ]
        padded = np.pad(x, [(0, 0), (0, 0), *pads], constant_values=fill)
        # Beyond the padding lies what never counts: only ceil_mode looks there.
        self.array = np.pad(padded, [(0, 0), (0, 0), *[(0, max(sizes))] * len(pads)], constant_values=np.nan)

    def each(self, compute: Callable[[Array], Array]) -> Array:
        """(batch, channels', windows...) of what `compute` makes of each window's content (batch, channels, taps)."""
        outer = range(self.array.shape[0]), range(self.array.shape[1])
        contents = (self.array[np.ix_(*outer, *taps)] for taps in product(*self.rows))
        found = np.stack([compute(content.reshape(*content.shape[:2], -1)) for content in contents], axis=-1)
        return found.reshape(*found.shape[:2], *map(len, self.rows))


def _conv(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = _first(inputs[0], kind, layout)
    inside, outside = x.shape[1] // kind.groups, kind.filters // kind.groups
    kernel = weights["kernel"].reshape(-1, inside, kind.groups, outside)

    def summed(patch: Array) -> Array:
        grouped = patch.reshape(x.shape[0], kind.groups, inside, -1)
        sums: Array = np.einsum("bgct,tcgo->bgo", grouped, kernel)
        return sums.reshape(x.shape[0], -1)

    y = _biased(kind, Windows(kind, x, 0).each(summed), weights)
    return [activated(back(y), kind.activation)]


def _depthwise(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = _first(inputs[0], kind, layout)
    kernel = weights["kernel"].reshape(-1, x.shape[1], kind.depth_multiplier)
    y = Windows(kind, x, 0).each(lambda patch: np.einsum("bct,tcm->bcm", patch, kernel).reshape(x.shape[0], -1))
    return [activated(back(_biased(kind, y, weights)), kind.activation)]


def _biased(kind: Any, y: Array, weights: Mapping[str, Array]) -> Array:
    return np.moveaxis(np.moveaxis(y, 1, -1) + weights["bias"], -1, 1) if kind.use_bias else y


def _pool(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = _first(inputs[0], kind, layout)
    if type(kind).__name__ == "MaxPool":
        return [back(Windows(kind, x, np.nan).each(lambda patch: np.nanmax(patch, -1)))]
    fill = 0 if kind.count_include_pad else np.nan
    return [back(Windows(kind, x, fill).each(lambda patch: np.nanmean(patch, -1)))]


def _global(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = _first(inputs[0], kind, layout)
    reduce = np.max if type(kind).__name__ == "GlobalMaxPool" else np.mean
    flat: Array = reduce(x.reshape(*x.shape[:2], -1), axis=-1)
    return [back(flat.reshape(*flat.shape, *(1,) * (x.ndim - 2)))] if kind.keepdims else [flat]


def _zero_padding(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = _first(inputs[0], kind, layout)
    return [back(np.pad(x, [(0, 0), (0, 0), *kind.padding]))]


# ---- everything else ----


def _dense(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    y = inputs[0] @ weights["kernel"]
    return [activated(y + weights["bias"] if kind.use_bias else y, kind.activation)]


def _flatten(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x = inputs[0]
    if kind.data_format is Layout.CHANNELS_FIRST and x.ndim > 2:
        x = np.moveaxis(x, 1, -1)
    return [x.reshape(x.shape[0], -1)]


def _batch_normalization(
    kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout
) -> list[Array]:
    axis = kind.axis if kind.axis is not None else 1 if layout is Layout.CHANNELS_FIRST else -1
    x = np.moveaxis(inputs[0], axis, -1)
    y = (x - weights["moving_mean"]) / np.sqrt(weights["moving_variance"] + kind.epsilon)
    y = y * weights["gamma"] if kind.scale else y
    return [np.moveaxis(y + weights["beta"] if kind.center else y, -1, axis)]


def _add(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    rank = max(x.ndim for x in inputs)
    raised = [x.reshape(x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:]) for x in inputs]
    return [sum(raised[1:], raised[0])]


def _lstm(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, units = inputs[0], kind.units
    h, c = np.zeros((x.shape[0], units)), np.zeros((x.shape[0], units))
    every = []
    for step in range(x.shape[1]):
        z = x[:, step] @ weights["kernel"] + h @ weights["recurrent_kernel"]
        z = z + weights["bias"] if kind.use_bias else z
        i, f, candidate, o = (z[:, g * units : (g + 1) * units] for g in range(4))
        i, f, o = (activated(gate, kind.recurrent_activation) for gate in (i, f, o))
        c = f * c + i * activated(candidate, kind.activation)
        h = o * activated(c, kind.activation)
        every.append(h)
    main = np.stack(every, 1) if kind.return_sequences else h
    return [main, h, c] if kind.return_state else [main]


REFERENCES: dict[str, Reference] = {
    "Input": lambda kind, x, w, layout: list(x),
    "Dense": _dense,
    "Activation": lambda kind, x, w, layout: [activated(x[0], kind.activation)],
    "Conv": _conv,
    "DepthwiseConv": _depthwise,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "GlobalMaxPool": _global,
    "GlobalAveragePool": _global,
    "Flatten": _flatten,
    "Reshape": lambda kind, x, w, layout: [x[0].reshape(x[0].shape[0], *kind.target_shape)],
    "Permute": lambda kind, x, w, layout: [x[0].transpose(0, *kind.dims)],
    "RepeatVector": lambda kind, x, w, layout: [np.repeat(x[0][:, None], kind.n, axis=1)],
    "ZeroPadding": _zero_padding,
    "Dropout": lambda kind, x, w, layout: list(x),
    "BatchNormalization": _batch_normalization,
    "Add": _add,
    "Concatenate": lambda kind, x, w, layout: [np.concatenate(x, axis=kind.axis)],
    "LSTM": _lstm,
}
