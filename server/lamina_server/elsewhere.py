"""What other tools print for a layer where it is not what Lamina counts, and why.

Measured with Keras 3.15, and with torchinfo 1.8.0 and fvcore 0.1.5 on the layer's counterpart in PyTorch, in eval mode
with gradients on: torchinfo multiplies the parameters of a module, biases and scales included, by the positions of a
convolution's output, by the steps of a recurrent layer, and by 1 for all else, and sees no function; fvcore counts
products as Lamina does, adds some operations that are no products, and knows no recurrent layer.
"""

from collections.abc import Callable, Iterator
from math import floor
from typing import NamedTuple

from lamina_server.dims import Size, exact_div, product
from lamina_server.layers.base import grouped, plural
from lamina_server.layers.recurrent.rnn import RNN
from lamina_server.layers.tensors import Role
from lamina_server.records import LayerTrace

MACS, PARAMS = "multiply-adds", "parameters"
_NO_MODULE = "it counts modules with parameters, and this is a function"


class Elsewhere(NamedTuple):
    """A count that another tool prints. `quantity` is "multiply-adds" or "parameters"."""

    tool: str
    quantity: str
    value: Size
    reason: str


def elsewhere(layer: LayerTrace) -> list[Elsewhere]:
    """The counts of other tools that differ from this layer's; none for a layer that they do not have."""
    write = _WRITERS.get(type(layer.node.kind).__name__)
    if write is None:
        return []
    own = {MACS: _macs(layer), PARAMS: layer.params}
    return [count for count in write(layer) if count.value != own[count.quantity]]


Writer = Callable[[LayerTrace], Iterator[Elsewhere]]


# ---- layers that multiply ----


def _convolution(layer: LayerTrace) -> Iterator[Elsewhere]:
    yield _each_position(layer, ", the bias among them")
    kind = layer.node.kind
    if getattr(kind, "padding", "") == "same" and set(getattr(kind, "strides", ())) <= {1}:
        reason = (
            'with padding="same" it meets an operator that it does not know; with numbers as padding it counts as here'
        )
        yield Elsewhere("fvcore", MACS, 0, reason)


def _transposed(layer: LayerTrace) -> Iterator[Elsewhere]:
    yield _each_position(layer, "; a transposed convolution multiplies at the positions of its input")


def _each_position(layer: LayerTrace, more: str) -> Elsewhere:
    axes = layer.done.spec.axes[1:]
    positions = product(axis.size for axis in axes if axis.role is not Role.CHANNELS) * _rows(layer)
    what = plural(layer.params, "parameter")
    reason = f"it multiplies all {what} by the {plural(positions, 'position')} of the output{more}"
    return Elsewhere("torchinfo", MACS, positions * layer.params, reason)


def _dense(layer: LayerTrace) -> Iterator[Elsewhere]:
    positions = product(layer.done.spec.shape[1:-1])
    bias = ", the bias among them" if layer.done.bias_adds else ""
    yield _once(layer, bias + (f", not at each of {grouped(positions)} positions" if positions != 1 else ""))


def _recurrent(layer: LayerTrace) -> Iterator[Elsewhere]:
    kind = layer.node.kind
    if isinstance(getattr(kind, "layer", None), RNN):  # a Bidirectional of cells
        return
    steps = layer.inputs[0].shape[1] * _rows(layer)
    biases = [weight for weight in layer.done.weights if weight.name.rpartition("/")[2] == "bias"]
    second = sum(weight.size for weight in biases if len(weight.shape) == 1)
    theirs = layer.params + second
    yield Elsewhere("PyTorch", PARAMS, theirs, f"it keeps a second bias, of {plural(second, 'number')}")
    yield Elsewhere("torchinfo", MACS, steps * theirs, f"it multiplies all {grouped(theirs)} parameters by the steps")
    yield Elsewhere("fvcore", MACS, 0, "it knows no recurrent layer")


def _spectral(layer: LayerTrace) -> Iterator[Elsewhere]:
    (vector,) = layer.done.weights
    reason = f"the vector of the power method, {plural(vector.size, 'number')}, is a buffer there"
    yield Elsewhere("PyTorch", PARAMS, layer.params - vector.size, reason)
    yield Elsewhere("torchinfo", MACS, 0, "it counts modules without others inside, and spectral_norm puts one there")


# ---- attention, products of tensors ----


def _attention(_: LayerTrace) -> Iterator[Elsewhere]:
    yield Elsewhere("torchinfo", MACS, 0, "it does not see into torch.nn.MultiheadAttention")


def _unprojected(layer: LayerTrace) -> Iterator[Elsewhere]:
    if getattr(layer.node.kind, "score_mode", "") == "dot":
        yield Elsewhere("torchinfo", MACS, 0, _NO_MODULE)
        yield Elsewhere("fvcore", MACS, 0, "it does not know scaled_dot_product_attention")


def _transformer(layer: LayerTrace) -> Iterator[Elsewhere]:
    """Dense layers and norms are modules; what PyTorch multiplies in scaled_dot_product_attention fvcore misses."""
    done, rows = layer.done, _rows(layer)
    seen = sum(weight.size for weight in done.weights if weight.name.startswith(("linear", "norm")))
    reason = f"it counts the {grouped(seen)} parameters of dense layers and norms once, and does not see the attention"
    yield Elsewhere("torchinfo", MACS, seen * rows, reason)
    assert done.macs is not None
    known = done.macs.values
    scores = known["steps"] * (known["steps"] + known.get("others", 0)) * known["d"] * 2
    norms = sum(1 for weight in done.weights if weight.name.endswith("gamma"))
    value = done.macs.value + (5 * norms * done.spec.elements - scores) * rows
    reason = (
        f"it does not know scaled_dot_product_attention, and counts five operations for each element of {norms} norms"
    )
    yield Elsewhere("fvcore", MACS, value, reason)


def _function(_: LayerTrace) -> Iterator[Elsewhere]:
    yield Elsewhere("torchinfo", MACS, 0, _NO_MODULE)


def _matrices(layer: LayerTrace) -> Iterator[Elsewhere]:
    yield from _function(layer)
    value = layer.inputs[0].elements * layer.done.spec.shape[-1] * _rows(layer)
    yield Elsewhere("fvcore", MACS, value, "it counts the matrices of the first input before they are stretched")


def _einsum(layer: LayerTrace) -> Iterator[Elsewhere]:
    """numpy.einsum_path writes its count, 2 n + 1 or for a sum of nothing n + 1, with four digits; fvcore halves it."""
    yield from _function(layer)
    macs, kind = _macs(layer), layer.node.kind
    operands, _, result = str(getattr(kind, "equation", "")).replace(" ", "").partition("->")
    if isinstance(macs, int) and operands.count(",") == 1 and layer.inputs[0].shape[0] == layer.done.spec.shape[0]:
        summed = bool(set(operands) - set(result) - {",", "."})
        printed = floor(float(f"{macs * (1 + summed) + 1:.3e}") / 2)
        yield Elsewhere("fvcore", MACS, printed, "it halves what numpy.einsum_path prints, which has four digits")


def _similarity(_: LayerTrace) -> Iterator[Elsewhere]:
    yield Elsewhere("torchinfo", MACS, 0, "it counts modules with parameters")
    yield Elsewhere("fvcore", MACS, 0, "it does not know cosine_similarity")


# ---- layers that multiply nothing ----


def _normalization(layer: LayerTrace) -> Iterator[Elsewhere]:
    """PyTorch has a scale, with or without a bias, or neither; fvcore asks for the scale."""
    yield from _learned(layer)
    yield _once(layer)
    if layer.done.spec.rank <= 5:
        count, said = (5, "five") if getattr(layer.node.kind, "scale", True) else (4, "four")
        yield _each_element(layer, count, f"{said} operations")


def _batch_normalization(layer: LayerTrace) -> Iterator[Elsewhere]:
    yield from _learned(layer)
    yield _once(layer)
    scaled = getattr(layer.node.kind, "scale", True)
    yield _each_element(layer, 2 if scaled else 1, "a scale and a shift" if scaled else "one operation")


def _learned(layer: LayerTrace) -> Iterator[Elsewhere]:
    """The parameters in PyTorch of a norm with moving statistics."""
    reason = "the moving statistics are buffers there, not parameters"
    yield Elsewhere("PyTorch", PARAMS, _trainable(layer), reason)


def _scaled(layer: LayerTrace) -> Iterator[Elsewhere]:
    yield _once(layer)


def _embedding(layer: LayerTrace) -> Iterator[Elsewhere]:
    yield _once(layer, "; a lookup multiplies nothing")


def _reversible(layer: LayerTrace) -> Iterator[Elsewhere]:
    kind = layer.node.kind
    if not getattr(kind, "tie_weights", True):
        yield Elsewhere("Keras", PARAMS, 2 * layer.params, "it keeps both tables, the one there and the one back")
    yield from _function(layer) if getattr(kind, "reverse", False) else _embedding(layer)


def _statistics(layer: LayerTrace) -> Iterator[Elsewhere]:
    if layer.done.weights:
        yield Elsewhere("Keras", PARAMS, layer.params + 1, "it keeps a count of the samples that it has seen")


def _pooled(layer: LayerTrace) -> Iterator[Elsewhere]:
    """Only AdaptiveAvgPool2d, which knows no masks."""
    x, *masks = layer.inputs
    if x.rank == 4 and not masks:
        reason = "it counts one operation for each element that is averaged"
        yield Elsewhere("fvcore", MACS, x.elements * _rows(layer), reason)


def _resized(layer: LayerTrace) -> Iterator[Elsewhere]:
    """Only over two axes, repeating or bilinear."""
    kind = layer.node.kind
    mode = getattr(kind, "interpolation", "") or getattr(kind, "mode", "")
    if layer.done.spec.rank == 4 and mode in ("nearest", "bilinear") and not getattr(kind, "antialias", False):
        yield _each_element(layer, *((1, "one operation") if mode == "nearest" else (4, "four operations")))


# ---- what they share ----


def _macs(layer: LayerTrace) -> Size:
    return layer.done.macs.value if layer.done.macs else 0


def _rows(layer: LayerTrace) -> Size:
    """How many entries of the batch axis the costs of a layer are those of: more than 1 where a sample is folded."""
    return exact_div(layer.done.spec.folded, layer.whole) or 1


def _trainable(layer: LayerTrace) -> int:
    return sum(weight.size for weight in layer.done.weights if weight.trainable)


def _once(layer: LayerTrace, more: str = "") -> Elsewhere:
    """torchinfo, of a module neither convolutional nor recurrent: its parameters, for each entry of the batch axis."""
    rows = _rows(layer)
    once = "once" if rows == 1 else f"once for each of the {grouped(rows)} entries of the batch axis"
    return Elsewhere("torchinfo", MACS, _trainable(layer) * rows, f"it counts the parameters {once}{more}")


def _each_element(layer: LayerTrace, count: int, what: str) -> Elsewhere:
    value = count * layer.done.spec.elements * _rows(layer)
    return Elsewhere("fvcore", MACS, value, f"it counts {what} for each element")


_WRITERS: dict[str, Writer] = {
    "Conv": _convolution,
    "DepthwiseConv": _convolution,
    "SeparableConv": _convolution,
    "ConvTranspose": _transposed,
    "Dense": _dense,
    "EinsumDense": _einsum,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "SimpleRNN": _recurrent,
    "Bidirectional": _recurrent,
    "SpectralNormalization": _spectral,
    "MultiHeadAttention": _attention,
    "Attention": _unprojected,
    "TransformerEncoderLayer": _transformer,
    "TransformerDecoderLayer": _transformer,
    "MatMul": _matrices,
    "Einsum": _einsum,
    "CosineSimilarity": _similarity,
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _normalization,
    "GroupNormalization": _normalization,
    "InstanceNormalization": _normalization,
    "RMSNormalization": _scaled,
    "Embedding": _embedding,
    "ReversibleEmbedding": _reversible,
    "Normalization": _statistics,
    "PReLU": _scaled,
    "GlobalAveragePool": _pooled,
    "AdaptiveAveragePool": _pooled,
    "UpSampling": _resized,
    "Upsample": _resized,
    "Resizing": _resized,
}
