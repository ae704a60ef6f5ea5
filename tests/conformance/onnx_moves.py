"""ONNX operators that only move numbers about, and Resize."""

from typing import Any

from tests.conformance.lamina import Array, Check, Net, Unmapped, ints, kinds, layer, pairs
from tests.conformance.onnx_node import OnnxNode, axis_of, lifted, maps, plain, through, together


@maps("Concat")
def concat(node: OnnxNode) -> Check:
    return together(node, kinds.Concatenate(axis_of(node.get("axis"))))


@maps("Transpose")
def transpose(node: OnnxNode) -> Check:
    order = node.get("perm") or range(node.x.ndim)[::-1]
    return through(node, kinds.Permute(tuple(axis + 1 for axis in order)))


@maps("Flatten")
def flatten(node: OnnxNode) -> Check:
    axis = node.get("axis", 1)
    if axis in (1, 1 - node.x.ndim):
        return layer(kinds.Flatten(), [node.x], [node.y])
    return through(node, kinds.Reshape(node.y.shape))


@maps("Reshape")
def reshape(node: OnnxNode) -> Check:
    kept = node.get("allowzero", 0)
    sizes = ints(node.need(1))
    target = tuple(node.x.shape[i] if size == 0 and not kept else size for i, size in enumerate(sizes))
    return through(node, kinds.Reshape(target))


@maps("Squeeze", "Unsqueeze")
def squeeze(node: OnnxNode) -> Check:
    given = node.maybe(1)
    axes = ints(node.get("axes") if given is None else given)
    return through(node, getattr(kinds, f"{node.op}Axes")(tuple(map(axis_of, axes))))


@maps("Expand")
def expand(node: OnnxNode) -> Check:
    net = Net()
    net.input(lifted(node.x, node.y.ndim))
    net.add(kinds.BroadcastTo(node.y.shape))
    net.expect(lifted(node.y))
    return net.check()


@maps("Tile")
def tile(node: OnnxNode) -> Check:
    return through(node, kinds.Tile(ints(node.need(1))))


@maps("Gather")
def gather(node: OnnxNode) -> Check:
    indices = node.need(1)
    if indices.ndim != 1:
        raise Unmapped("Lamina takes elements of one axis by indices along one axis")
    return through(node, kinds.Take(ints(indices), axis_of(node.get("axis", 0))))


@maps("Slice")
def slices(node: OnnxNode) -> Check:
    starts, stops = ints(node.need(1)), ints(node.need(2))
    axes, steps = node.maybe(3), node.maybe(4)
    over = range(len(starts)) if axes is None else ints(axes)
    by = (1,) * len(starts) if steps is None else ints(steps)
    rows = [
        kinds.Slice(axis_of(axis), start, _stop(stop, step), step)
        for axis, start, stop, step in zip(over, starts, stops, by, strict=True)
    ]
    return through(node, *rows)


def _stop(stop: int, step: int) -> int | None:
    """ONNX says "to the end" by the largest number there is, backwards by the smallest."""
    if step > 0:
        return None if stop >= 2**31 - 1 else stop
    return None if stop <= -(2**31) else stop


@maps("Split")
def split(node: OnnxNode) -> Check:
    sizes, axis = node.maybe(1), axis_of(node.get("axis", 0))
    kind = kinds.Split(node.get("num_outputs"), axis) if sizes is None else kinds.Split(None, axis, ints(sizes))
    net = Net()
    net.input(lifted(node.x))
    net.add(kind)
    net.expect(*(lifted(out) for out in node.outputs if out is not None))
    return net.check()


@maps("Pad")
def pad(node: OnnxNode) -> Check:
    ends, value, axes = ints(node.need(1)), node.maybe(2), node.maybe(3)
    over = tuple(range(node.x.ndim)) if axes is None else ints(axes)
    mode = {"edge": "replicate", "wrap": "circular"}.get(node.get("mode", "constant"), node.get("mode", "constant"))
    chosen = [
        (axis_of(axis), (before, after))
        for axis, before, after in zip(over, ends[: len(over)], ends[len(over) :], strict=True)
        if before or after
    ]
    both = [ends for _, ends in chosen]
    filler = 0.0 if value is None else plain(value.item())
    padding = pairs([before for before, _ in both], [after for _, after in both])
    return through(node, kinds.Pad(padding, mode, filler, axes=tuple(axis for axis, _ in chosen)))


@maps("DepthToSpace")
def depth_to_space(node: OnnxNode) -> Check:
    kind = kinds.PixelShuffle(node.get("blocksize"), node.get("mode", "DCR").lower())
    return layer(kind, [node.x], [node.y])


@maps("SpaceToDepth")
def space_to_depth(node: OnnxNode) -> Check:
    return layer(kinds.PixelUnshuffle(node.get("blocksize"), node.get("mode", "DCR").lower()), [node.x], [node.y])


@maps("Col2Im")
def fold(node: OnnxNode) -> Check:
    sizes, window = ints(node.need(1)), ints(node.need(2))
    rank = len(sizes)
    ends = node.get("pads") or [0] * 2 * rank
    if rank != 2 or list(ends[:rank]) != list(ends[rank:]):
        raise Unmapped("Lamina folds images, with as much padding before as behind")
    dilations, strides = ints(node.get("dilations", [1] * rank)), ints(node.get("strides", [1] * rank))
    return layer(kinds.Fold(sizes, window, dilations, ints(ends[:rank]), strides), [node.x], [node.y])


@maps("Dropout")
def dropout(node: OnnxNode) -> Check:
    """Of two outputs the first: which numbers were kept is for training."""
    training = node.maybe(2)
    if training is not None and training.item():
        raise Unmapped("Lamina answers for inference, not for training")
    ratio = node.maybe(1)
    rate = node.get("ratio", 0.5) if ratio is None else float(ratio.item())
    return through(node, kinds.Dropout(rate))


@maps("Resize")
def resize(node: OnnxNode) -> Check:
    axes, modes = node.get("axes"), ("half_pixel", "align_corners", "asymmetric")
    where, mode = node.get("coordinate_transformation_mode", "half_pixel"), node.get("mode", "nearest")
    if where not in modes:
        raise Unmapped(f"Lamina resizes as Keras and PyTorch do, who have no {where}")
    if node.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Unmapped("Lamina is told each length by itself")
    sizes, scales = _spatial(node, axes)
    options: dict[str, Any] = {"antialias": bool(node.get("antialias", 0))}
    if mode == "nearest":
        options["mode"] = _nearest(node, where, scales)
    else:
        options |= {"mode": {"linear": "bilinear", "cubic": "bicubic"}[mode], "align_corners": where == "align_corners"}
        if where == "asymmetric":
            raise Unmapped("Lamina resizes as Keras and PyTorch do, who have no asymmetric interpolation")
        if mode == "cubic" and (node.get("cubic_coeff_a", -0.75) != -0.75 or node.get("exclude_outside", 0)):
            raise Unmapped("Lamina's cubic coefficient is PyTorch's, -0.75")
        if options["antialias"] and (mode == "cubic" or not node.get("exclude_outside", 0)):
            raise Unmapped("Lamina's antialias is PyTorch's: nothing outside counts, and the cubic coefficient is -0.5")
        if where == "align_corners" and not sizes and node.y.shape[2:] != _exact(node, scales):
            raise Unmapped(
                "Lamina aligns the corners of what comes out; ONNX those of a length that is no whole number"
            )
    kind = kinds.Upsample(sizes, scale_factor=() if sizes else scales, **options)
    return layer(kind, [node.x], [node.y])


def _exact(node: OnnxNode, scales: tuple[float, ...]) -> tuple[float, ...]:
    """Lengths times factors, not rounded."""
    return tuple(n * scale for n, scale in zip(node.x.shape[2:], scales, strict=True))


def _spatial(node: OnnxNode, axes: Any) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Wanted sizes or factors of height and width, and the factors in any case."""
    given: Array | None = node.maybe(3)
    named = list(range(node.x.ndim)) if axes is None else list(axes)
    values = node.need(2) if given is None else given
    by_axis = dict(zip(named, values.tolist(), strict=True))
    chosen = [by_axis[axis] for axis in (2, 3)]
    if given is None:
        return (), tuple(map(plain, chosen))
    return ints(chosen), tuple(n / node.x.shape[axis] for axis, n in zip((2, 3), chosen, strict=True))


def _nearest(node: OnnxNode, where: str, scales: tuple[float, ...]) -> str:
    """Where each number comes from: floor(i / scale), PyTorch's "nearest", or floor((i + 1/2) / scale)."""
    rounding = node.get("nearest_mode", "round_prefer_floor")
    if where == "asymmetric" and rounding == "floor":
        return "nearest"
    if where == "half_pixel" and rounding == "round_prefer_ceil":
        return "nearest_exact"
    if where == "half_pixel" and rounding == "round_prefer_floor" and all(s >= 1 and s == int(s) for s in scales):
        return "nearest"  # the same for whole factors
    raise Unmapped("Lamina's nearest is floor(i / scale) or floor((i + 1/2) / scale), as PyTorch's")
