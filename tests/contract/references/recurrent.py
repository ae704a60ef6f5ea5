"""Layers that walk along the steps and remember: one step after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.tensors import Layout
from tests.contract.references import convolution
from tests.contract.references.base import Array, Reference
from tests.contract.references.functions import activated

Weights = Mapping[str, Array]
States = list[Array]


def _below(weights: Weights, name: str) -> Weights:
    return {key.removeprefix(name): value for key, value in weights.items() if key.startswith(name)}


def _lstm_gates(z: Array, h: Array, c: Array, kind: Any, axis: int) -> States:
    i, f, candidate, o = np.split(z, 4, axis)
    i, f, o = (activated(gate, kind.recurrent_activation) for gate in (i, f, o))
    c = f * c + i * activated(candidate, kind.activation)
    return [o * activated(c, kind.activation), c]


def _simple(kind: Any, x: Array, states: States, w: Weights) -> States:
    return [activated(x @ w["kernel"] + states[0] @ w["recurrent_kernel"] + w.get("bias", 0), kind.activation)]


def _lstm(kind: Any, x: Array, states: States, w: Weights) -> States:
    h, c = states
    h, c = _lstm_gates(x @ w["kernel"] + h @ w["recurrent_kernel"] + w.get("bias", 0), h, c, kind, 1)
    return [h @ w["projection"] if kind.proj_size else h, c]


def _gru(kind: Any, x: Array, states: States, w: Weights) -> States:
    (h,), n = states, kind.units
    bias, inner = w.get("bias", np.zeros((2, 3 * n))), np.zeros(3 * n)
    if bias.ndim == 2:
        bias, inner = bias
    z, r, candidate = np.split(x @ w["kernel"] + bias, 3, 1)
    to_z, to_r, _ = np.split(h @ w["recurrent_kernel"] + inner, 3, 1)
    z, r = activated(z + to_z, kind.recurrent_activation), activated(r + to_r, kind.recurrent_activation)
    last = w["recurrent_kernel"][:, 2 * n :]
    rest = r * (h @ last + inner[2 * n :]) if kind.reset_after else (r * h) @ last
    return [z * h + (1 - z) * activated(candidate + rest, kind.activation)]


def _conv_lstm(kind: Any, x: Array, states: States, w: Weights, layout: Layout) -> States:
    (h, c), axis = states, 1 if layout is Layout.CHANNELS_FIRST else -1
    n = 4 * kind.filters
    conv = Conv(n, kind.kernel_size, kind.strides, kind.padding, layout, kind.dilation_rate, use_bias=kind.use_bias)
    same = Conv(n, kind.kernel_size, padding="same", data_format=layout, use_bias=False)
    (z,) = convolution.REFERENCES["Conv"](conv, [x], w, layout)
    (inner,) = convolution.REFERENCES["Conv"](same, [h], {"kernel": w["recurrent_kernel"]}, layout)
    return _lstm_gates(z + inner, h, c, kind, axis)


_STEPS = {"SimpleRNN": _simple, "LSTM": _lstm, "GRU": _gru}
_STATES = {"SimpleRNN": 1, "LSTM": 2, "GRU": 1, "ConvLSTM": 2}


def _name(kind: Kind) -> str:
    return type(kind).__name__.removesuffix("Cell")


def _cells(layer: Any, weights: Weights) -> list[tuple[Any, Weights]]:
    """The cells of a layer from below, each with its weights."""
    cells = list(layer.cells) if _name(layer) == "RNN" else [layer] * getattr(layer, "num_layers", 1)
    if len(cells) == 1:
        return [(cells[0], weights)]
    return [(cell, _below(weights, f"l{i}/")) for i, cell in enumerate(cells)]


def _begin(cell: Any, x: Array, layout: Layout) -> States:
    """Zeros for the states before the first step."""
    if _name(cell) != "ConvLSTM":
        sizes = (getattr(cell, "proj_size", None) or cell.units, cell.units)
        return [np.zeros((len(x), size)) for size in sizes[: _STATES[_name(cell)]]]
    axis = 1 if layout is Layout.CHANNELS_FIRST else x.ndim - 2
    w = {"kernel": np.zeros((*cell.kernel_size, x[:, 0].shape[axis], cell.filters))}
    conv = Conv(cell.filters, cell.kernel_size, cell.strides, cell.padding, layout, cell.dilation_rate, use_bias=False)
    (h,) = convolution.REFERENCES["Conv"](conv, [x[:, 0]], w, layout)
    return [h, h]


class Seen(NamedTuple):
    """Which steps are seen, (batch, steps); None for all. `zeros`: what is put out at the others."""

    steps: Array | None = None
    zeros: bool = False


def _walk(
    cell: Any, x: Array, states: States, w: Weights, layout: Layout, backwards: bool, seen: Seen
) -> tuple[Array, States]:
    """Every step's output, in the order in which steps are read, and the last states."""
    layout = getattr(cell, "data_format", None) or layout
    states, every = states or _begin(cell, x, layout), []
    shown = np.zeros_like(states[0])
    for t in reversed(range(x.shape[1])) if backwards else range(x.shape[1]):
        if _name(cell) == "ConvLSTM":
            after = _conv_lstm(cell, x[:, t], states, w, layout)
        else:
            after = _STEPS[_name(cell)](cell, x[:, t], states, w)
        at = np.ones(len(x), bool) if seen.steps is None else seen.steps[:, t]
        at = at.reshape(-1, *[1] * (shown.ndim - 1))
        shown = np.where(at, after[0], 0 * shown if seen.zeros else shown)
        states = [np.where(at, new, old) for new, old in zip(after, states, strict=True)]
        every.append(shown)
    return np.stack(every, 1), states


def _chain(layer: Any, x: Array, given: States, w: Weights, layout: Layout, seen: Seen) -> tuple[Array, States]:
    """A layer's cells one above the other."""
    last: States = []
    backwards = layer.go_backwards
    for cell, own in _cells(layer, w):
        count = _STATES[_name(cell)]
        x, states = _walk(cell, x, given[:count], own, layout, backwards, seen)
        if backwards and seen.steps is not None:
            seen = seen._replace(steps=seen.steps[:, ::-1])
        last, given, backwards = [*last, *states], given[count:], False
    return x, last


def _parts(inputs: Sequence[Array]) -> tuple[States, Array | None]:
    """Sequence and states, and the mask."""
    masks = [x for x in inputs if x.dtype == bool]
    return [x for x in inputs if x.dtype != bool], masks[0] if masks else None


def _recurrent(kind: Any, inputs: Sequence[Array], weights: Weights, layout: Layout) -> list[Array]:
    (x, *begin), steps = _parts(inputs)
    every, states = _chain(kind, x, begin, weights, layout, Seen(steps, kind.zero_output_for_mask))
    main = every if kind.return_sequences else every[:, -1]
    return [main, *states] if kind.return_state else [main]


def _merged(mode: str, a: Array, b: Array) -> list[Array]:
    if mode == "none":
        return [a, b]
    if mode == "concat":
        return [np.concatenate([a, b], -1)]
    return [{"mul": a * b, "sum": a + b, "ave": (a + b) / 2}[mode]]


def _turned(y: Array, layer: Any) -> Array:
    """Outputs in the order in which steps were read, in the order of the steps."""
    return y[:, ::-1] if layer.go_backwards else y


def _both(kind: Any, inputs: Sequence[Array], weights: Weights, layout: Layout) -> list[Array]:
    one = kind.layer
    other = kind.backward_layer or replace(one, go_backwards=not one.go_backwards)
    ways = [(one, _below(weights, "forward/")), (other, _below(weights, "backward/"))]
    (x, *begin), steps = _parts(inputs)
    half, seen = len(begin) // 2, Seen(steps, one.return_sequences)
    given, states = [begin[:half], begin[half:]], [list[Array](), list[Array]()]
    if getattr(one, "num_layers", 1) == 1:
        walked = [_chain(layer, x, first, w, layout, seen) for (layer, w), first in zip(ways, given, strict=True)]
        found, states = [every for every, _ in walked], [last for _, last in walked]
    else:
        found = _levels(ways, x, given, states, layout, seen)
    if one.return_sequences:
        found = [_turned(_turned(y, layer), one) for y, (layer, _) in zip(found, ways, strict=True)]
    else:
        found = [y[:, -1] for y in found]
    merged = _merged(kind.merge_mode, *found)
    return [*merged, *states[0], *states[1]] if one.return_state else merged


def _levels(ways: Any, x: Array, given: list[States], states: list[States], layout: Layout, seen: Seen) -> list[Array]:
    """PyTorch's: both directions meet at every level."""
    found: list[Array] = []
    for level in range(ways[0][0].num_layers):
        x = np.concatenate([_turned(y, layer) for y, (layer, _) in zip(found, ways, strict=True)], -1) if found else x
        found = []
        for side, (layer, w) in enumerate(ways):
            cell, own = _cells(layer, w)[level]
            count = _STATES[_name(cell)]
            taken, given[side] = given[side][:count], given[side][count:]
            every, last = _walk(cell, x, taken, own, layout, layer.go_backwards, seen)
            found.append(every)
            states[side] += last
    return found


REFERENCES: dict[str, Reference] = {
    **dict.fromkeys(("SimpleRNN", "LSTM", "GRU", "RNN", "ConvLSTM"), _recurrent),
    "Bidirectional": _both,
}
