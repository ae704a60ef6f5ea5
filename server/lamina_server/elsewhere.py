"""What other tools print for a layer where it is not what Lamina counts, and why.

Measured with torchinfo 1.8.0 and fvcore 0.1.5 on the layer's counterpart in PyTorch: torchinfo multiplies the
parameters of a module, biases and scales included, by the positions of a convolution's output, by the steps of a
recurrent layer, and by 1 for all else; fvcore counts products as Lamina does, adds normalisations, and knows no
recurrent layer.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from lamina_server.dims import Size, product
from lamina_server.layers.base import grouped, plural
from lamina_server.layers.tensors import Role
from lamina_server.records import LayerTrace

MACS, PARAMS = "multiply-adds", "parameters"


class Elsewhere(NamedTuple):
    """A count that another tool prints. `quantity` is "multiply-adds" or "parameters"."""

    tool: str
    quantity: str
    value: Size
    reason: str


def elsewhere(layer: LayerTrace) -> list[Elsewhere]:
    """The counts of other tools that differ from this layer's; none for a layer that PyTorch does not have."""
    write = _WRITERS.get(type(layer.node.kind).__name__)
    if write is None:
        return []
    macs = layer.done.macs.value if layer.done.macs else 0
    own = {MACS: macs, PARAMS: layer.params}
    return [count for count in write(layer) if count.value != own[count.quantity]]


def _convolution(layer: LayerTrace) -> Iterator[Elsewhere]:
    positions = _positions(layer)
    reason = (
        f"it multiplies all {plural(layer.params, 'parameter')} by the {grouped(positions)} positions of the output"
    )
    yield Elsewhere("torchinfo", MACS, positions * layer.params, f"{reason}, the bias among them")


def _transposed(layer: LayerTrace) -> Iterator[Elsewhere]:
    positions = _positions(layer)
    reason = (
        f"it multiplies all {plural(layer.params, 'parameter')} by the {grouped(positions)} positions of the output; "
        "a transposed convolution multiplies at the positions of its input"
    )
    yield Elsewhere("torchinfo", MACS, positions * layer.params, reason)


def _dense(layer: LayerTrace) -> Iterator[Elsewhere]:
    positions = product(layer.done.spec.shape[1:-1])
    once = "it counts the parameters once, the bias among them"
    more = f", not at each of {grouped(positions)} positions" if positions != 1 else ""
    yield Elsewhere("torchinfo", MACS, layer.params, once + more)


def _recurrent(layer: LayerTrace) -> Iterator[Elsewhere]:
    steps = layer.inputs[0].shape[1]
    bias = sum(weight.size for weight in layer.done.weights if weight.name.rpartition("/")[2] == "bias")
    second = 0 if any(w.name.rpartition("/")[2] == "bias" and len(w.shape) > 1 for w in layer.done.weights) else bias
    theirs = layer.params + second
    yield Elsewhere("PyTorch", PARAMS, theirs, f"it keeps a second bias, of {plural(second, 'number')}")
    yield Elsewhere("torchinfo", MACS, steps * theirs, f"it multiplies all {grouped(theirs)} parameters by the steps")
    yield Elsewhere("fvcore", MACS, 0, "it knows no recurrent layer")


def _batch_normalization(layer: LayerTrace) -> Iterator[Elsewhere]:
    learned = sum(weight.size for weight in layer.done.weights if weight.trainable)
    yield Elsewhere("PyTorch", PARAMS, learned, "the moving statistics are buffers there, not parameters")
    yield Elsewhere("torchinfo", MACS, learned, "it counts the parameters once")
    reason = "it counts a scale and a shift for each element"
    yield Elsewhere("fvcore", MACS, 2 * layer.done.spec.elements, reason)


def _normalization(layer: LayerTrace) -> Iterator[Elsewhere]:
    yield Elsewhere("torchinfo", MACS, layer.params, "it counts the parameters once")
    yield Elsewhere("fvcore", MACS, 5 * layer.done.spec.elements, "it counts five operations for each element")


def _embedding(layer: LayerTrace) -> Iterator[Elsewhere]:
    yield Elsewhere("torchinfo", MACS, layer.params, "it counts the parameters once; a lookup multiplies nothing")


def _attention(_: LayerTrace) -> Iterator[Elsewhere]:
    yield Elsewhere("torchinfo", MACS, 0, "it does not see into torch.nn.MultiheadAttention")


def _prelu(layer: LayerTrace) -> Iterator[Elsewhere]:
    yield Elsewhere("torchinfo", MACS, layer.params, "it counts the parameters once")


def _positions(layer: LayerTrace) -> Size:
    return product(axis.size for axis in layer.done.spec.axes[1:] if axis.role is not Role.CHANNELS)


_WRITERS: dict[str, Callable[[LayerTrace], Iterator[Elsewhere]]] = {
    "Conv": _convolution,
    "DepthwiseConv": _convolution,
    "ConvTranspose": _transposed,
    "Dense": _dense,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "SimpleRNN": _recurrent,
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _normalization,
    "GroupNormalization": _normalization,
    "Embedding": _embedding,
    "MultiHeadAttention": _attention,
    "PReLU": _prelu,
}
