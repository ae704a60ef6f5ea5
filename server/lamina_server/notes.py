"""Notes: what is surprising about a legal layer. What is plain gets none."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from lamina_server.dims import Size
from lamina_server.errors import LaminaError
from lamina_server.layers.base import grouped, plural
from lamina_server.layers.broadcasting import Broadcasting
from lamina_server.layers.convolution.conv import Conv, DepthwiseConv
from lamina_server.layers.convolution.separable import SeparableConv
from lamina_server.layers.convolution.transposed import ConvTranspose
from lamina_server.layers.merging.joining import Concatenate
from lamina_server.layers.pooling.pools import Pool
from lamina_server.layers.shaping.reshaping import Flatten
from lamina_server.layers.tensors import Layout, axis_text, channel_axis
from lamina_server.layers.windows import SAME
from lamina_server.limits import Limits
from lamina_server.records import LayerTrace, Note, Trace
from lamina_server.stack import Stack
from lamina_server.trace import trace

MOST_RETRACED = 4  # pools whose consequences are computed by tracing anew


def annotate(found: Trace, limits: Limits) -> Trace:
    """Adds the notes to a trace."""
    takers: dict[str, list[LayerTrace]] = {}
    every, fed = list(found.walk()), {layer.name for layer in found.inputs}
    for layer in every:
        for source in layer.sources:
            takers.setdefault(source, []).append(layer)
    still = [layer for layer in every if _is_still_pool(layer) and not _feeds_branches(layer, takers)]
    for layer in every:
        if "notes" not in layer.done.kept:
            layer.done.kept["notes"] = [note for write in _ALONE for note in write(layer)]
        layer.notes.extend(layer.done.kept["notes"])
        layer.notes.extend(_swapped(found, layer, fed))
        layer.notes.extend(_fewer_axes(layer))
    for layer in still[:MOST_RETRACED]:
        layer.notes.append(_still_pool(found, layer, still, limits))
    return found


def _same_against_torch(layer: LayerTrace) -> Iterator[Note]:
    """SAME with a stride and lopsided pads: PyTorch's symmetric padding may have the shape but not the numbers."""
    kind = layer.node.kind
    if not isinstance(kind, Conv | DepthwiseConv | SeparableConv) or kind.padding not in SAME:
        return
    windows = layer.done.windows
    lopsided = [w for w in windows if w.stride > 1 and w.before != w.after]
    if not lopsided or not all(isinstance(layer.inputs[0].shape[w.axis], int) for w in windows):
        return
    half = [w.extent // 2 for w in windows]
    sizes = [layer.inputs[0].shape[w.axis] for w in windows]
    theirs = [(n + 2 * h - w.extent) // w.stride + 1 for n, h, w in zip(sizes, half, windows, strict=True)]  # type: ignore[operator]
    alike = theirs == [layer.done.spec.shape[w.axis] for w in windows]
    result = "has this shape but other numbers" if alike else f"gives {' x '.join(map(str, theirs))}"
    named = _per_axis(kind.kernel_size), _per_axis([w.stride for w in windows]), _per_axis(half)
    spread = f", dilation={_per_axis(kind.dilation_rate)}" if set(kind.dilation_rate) - {1} else ""
    added = " and ".join(dict.fromkeys(f"{h} and {h}" for h in half))
    pairs = " and ".join(f"({w.before}, {w.after})" for w in windows)
    yield Note(
        "SAME_IS_LOPSIDED",
        f"PyTorch's Conv{len(windows)}d with kernel {named[0]}, stride={named[1]}, padding={named[2]}{spread} "
        f"{result}: "
        f"it adds {added}{'' if len(windows) == 1 else ' along each axis'}. Pad {pairs} yourself to agree.",
    )


def _transposed_against_torch(layer: LayerTrace) -> Iterator[Note]:
    """SAME that crops an odd number: PyTorch's padding and output_padding have the shape but not the numbers."""
    kind = layer.node.kind
    if not isinstance(kind, ConvTranspose) or kind.padding != "same" or kind.output_padding:
        return
    spreads = kind.spreads()
    if not any(spread.before != spread.after and not spread.more for spread in spreads):
        return
    theirs = [max(spread.extent - spread.s + 1, 0) // 2 for spread in spreads]
    more = [2 * p - spread.extent + spread.s for p, spread in zip(theirs, spreads, strict=True)]
    sizes = _per_axis(kind.kernel_size), _per_axis([spread.s for spread in spreads]), _per_axis(theirs)
    spread_by = f", dilation={_per_axis(kind.dilation_rate)}" if set(kind.dilation_rate) - {1} else ""
    own = " and ".join(f"({spread.before}, {spread.net})" for spread in spreads)
    cropped = " and ".join(f"({p}, {p - extra})" for p, extra in zip(theirs, more, strict=True))
    pairs = ", ".join(f"({p}, {p})" for p in theirs) + ("," if len(theirs) == 1 else "")
    yield Note(
        "SAME_IS_LOPSIDED",
        f"PyTorch's ConvTranspose{len(spreads)}d with kernel {sizes[0]}, stride={sizes[1]}, padding={sizes[2]}, "
        f"output_padding={_per_axis(more)}{spread_by} has this shape but other numbers: it crops {cropped}, "
        f'padding="same" {own}. For its numbers write padding=({pairs}), output_padding={_per_axis(more)}.',
    )


def _per_axis(values: Sequence[Size]) -> str:
    return str(values[0]) if len(set(values)) == 1 else f"({', '.join(map(str, values))})"


def _swapped(found: Trace, layer: LayerTrace, fed: Collection[str]) -> Iterator[Note]:
    """A convolution over a single step with many channels, straight from an Input (Q6)."""
    kind = layer.node.kind
    if not isinstance(kind, Conv) or len(kind.kernel_size) != 1 or not layer.inputs:
        return
    x, layout = layer.inputs[0], kind.data_format or found.stack.layout
    channels = x.axes[channel_axis(3, layout)].size
    steps = x.shape[1 if layout is Layout.CHANNELS_LAST else 2]
    if steps != 1 or not isinstance(channels, int) or channels == 1:
        return
    if layer.sources[0] in fed:
        yield Note(
            "AXES_LOOK_SWAPPED",
            f"there is 1 step with {plural(channels, 'channel')}: every window is this one step, so nothing moves "
            f"along time. If the data is {channels} steps of 1 channel, the axes are swapped: feed "
            f"({f'{channels}, 1' if layout is Layout.CHANNELS_LAST else f'1, {channels}'}) or use the other layout.",
            warning=True,
        )


def _old_arguments(layer: LayerTrace) -> Iterator[Note]:
    """Keras 1 wrote Conv2D(32, 3, 3) for a 3 x 3 kernel; today the third argument is the stride."""
    kind = layer.node.kind
    if not isinstance(kind, Conv) or len(kind.kernel_size) != 2 or kind.padding != "valid":
        return
    k, s = kind.kernel_size, kind.strides
    if len(set(k)) == 1 and s == k and k[0] in (3, 5, 7):
        yield Note(
            "STRIDE_LOOKS_LIKE_KERNEL",
            f"the stride is {k[0]}, as long as the kernel. In Keras 1, Conv2D({kind.filters}, {k[0]}, {k[0]}) meant a "
            f"{k[0]} x {k[0]} kernel; today its third argument is the stride. "
            f"For the old meaning write kernel_size=({k[0]}, {k[0]}).",
        )


def _fewer_axes(layer: LayerTrace) -> Iterator[Note]:
    """A tensor with fewer axes: Keras aligns batch with batch; PyTorch, numpy and ONNX last axis with last axis."""
    if getattr(layer.node.kind, "broadcasting", None) is not Broadcasting.KERAS:
        return
    rank = layer.done.spec.rank
    for source, x in zip(layer.sources, layer.inputs, strict=True):
        if x.rank < rank and x.shape[0] != 1:
            met = layer.done.spec.axes[rank - x.rank]
            yield Note(
                "BATCH_MEETS_BATCH",
                f"{source} has fewer axes; as in Keras, each of its samples meets the same sample. PyTorch, numpy and "
                f"ONNX align the last axes: there its batch would meet {axis_text(met)}, which fails, or, where the "
                f"batch is {met.size} too, gives other numbers in the same shape.",
            )
            return


# What follows from a layer's options and the shapes of its inputs alone.
_ALONE = (_same_against_torch, _transposed_against_torch, _old_arguments)


def _is_still_pool(layer: LayerTrace) -> bool:
    """A pool of more than 1 with stride 1 and SAME: nothing shrinks."""
    kind = layer.node.kind
    return (
        isinstance(kind, Pool)
        and kind.padding in SAME
        and bool(kind.strides)
        and set(kind.strides) == {1}
        and max(kind.pool_size) > 1
    )


def _feeds_branches(layer: LayerTrace, takers: Mapping[str, Sequence[LayerTrace]]) -> bool:
    """Whether a pool is one branch of several, as in Inception, where stride 1 is what is meant."""
    siblings = takers.get(layer.sources[0], [])
    return len(siblings) > 1 or any(isinstance(x.node.kind, Concatenate) for x in takers.get(layer.name, []))


def _still_pool(found: Trace, layer: LayerTrace, still: list[LayerTrace], limits: Limits) -> Note:
    kind = layer.node.kind
    assert isinstance(kind, Pool)
    length = _per_axis([row.derived.value for row in layer.done.derivations])
    text = (
        f"size {_per_axis(kind.pool_size)}, stride 1, padding {kind.padding} keeps {length}: the stride, not the size, "
        "divides the length. Keras and PyTorch default to stride = pool size; here it was given as 1."
    )
    if "/" in layer.name:  # inside another layer
        return Note("POOL_STRIDE_ONE", text)
    still = [pool for pool in still if "/" not in pool.name]
    alone, together = _flattened(found, [layer], limits), _flattened(found, still, limits)
    stride = _per_axis(kind.pool_size)
    if alone and len(still) == 1:
        text += f" With stride {stride}, N would be {alone}."
    elif alone and together:
        every = "both pools" if len(still) == 2 else f"all {len(still)} pools"
        text += f" With stride {stride} here alone, N would be {alone}; with stride {stride} in {every}, {together}."
    return Note("POOL_STRIDE_ONE", text)


def _flattened(found: Trace, pools: list[LayerTrace], limits: Limits) -> str:
    """What the first Flatten after the pools would give if they had their default strides; "" where there is none."""
    stack: Stack = found.stack
    for pool in pools:
        stack = stack.with_node(pool.index, pool.node._replace(kind=replace(pool.node.kind, strides=())))
    after = max(pool.index for pool in pools)
    flat = next((x for x in found.layers if x.index > after and isinstance(x.node.kind, Flatten)), None)
    if flat is None:
        return ""
    cut = replace(stack, nodes=stack.nodes[: flat.index + 1], outputs=())
    try:
        return grouped(trace(cut, limits).layers[-1].done.spec.elements)
    except LaminaError:
        return ""
