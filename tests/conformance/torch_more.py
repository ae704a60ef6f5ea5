"""Modules of torch.nn for which PyTorch has no samples, or few: some of each option, and how they are mapped."""

from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any

from tests.conformance.lamina import Check, Unmapped, kinds
from tests.conformance.suite import Case
from tests.conformance.torch_sample import Sample, mapped, maps, one, several, torch

nn = torch.nn


@maps("Identity", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")
def identity(m: Any, s: Sample) -> Check:
    name = type(m).__name__
    if name == "Identity":
        return one(kinds.Identity(), s)
    spatial = name[-2:] in ("1d", "2d", "3d")
    return one(getattr(kinds, "SpatialDropout" if spatial else name)(m.p), s)


@maps("Flatten")
def flatten(m: Any, s: Sample) -> Check:
    s.lift()
    return one(kinds.Reshape(s.y.shape[1:]), s)


@maps("Unflatten")
def unflatten(m: Any, s: Sample) -> Check:
    return one(kinds.Reshape(s.y.shape[1:]), s)


@maps("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d")
def upsample(m: Any, s: Sample) -> Check:
    rank = s.x.ndim - 2
    size = () if m.size is None else several(m.size, rank)
    factor = () if m.scale_factor is None else several(m.scale_factor, rank)
    mode = m.mode.replace("-", "_")
    kind = kinds.Upsample(
        size,
        tuple(map(float, factor)),
        mode,
        bool(m.align_corners),
        bool(getattr(m, "recompute_scale_factor", None)),
    )
    return one(kind, s)


@maps("PixelShuffle")
def pixel_shuffle(m: Any, s: Sample) -> Check:
    return one(kinds.PixelShuffle(m.upscale_factor), s)


@maps("PixelUnshuffle")
def pixel_unshuffle(m: Any, s: Sample) -> Check:
    return one(kinds.PixelUnshuffle(m.downscale_factor), s)


@maps("ChannelShuffle")
def channel_shuffle(m: Any, s: Sample) -> Check:
    return one(kinds.ChannelShuffle(m.groups), s)


@maps("Unfold")
def unfold(m: Any, s: Sample) -> Check:
    options = (several(getattr(m, name), 2) for name in ("kernel_size", "dilation", "padding", "stride"))
    return one(kinds.Unfold(*options), s)


@maps("Fold")
def fold(m: Any, s: Sample) -> Check:
    names = ("output_size", "kernel_size", "dilation", "padding", "stride")
    return one(kinds.Fold(*(several(getattr(m, name), 2) for name in names)), s)


@maps("CosineSimilarity")
def cosine(m: Any, s: Sample) -> Check:
    return one(kinds.CosineSimilarity(m.dim, m.eps), s)


@maps("PairwiseDistance")
def distance(m: Any, s: Sample) -> Check:
    return one(kinds.PairwiseDistance(float(m.norm), m.eps, m.keepdim), s)


@maps("EmbeddingBag", "AdaptiveLogSoftmaxWithLoss")
def unmapped(m: Any, s: Sample) -> Check:
    raise Unmapped(f"Lamina has no {type(m).__name__}: an Embedding and a Reduce say the same of bags of one size")


def _modules() -> Iterator[tuple[Any, Any]]:
    """Modules, and shapes of what they take."""
    yield from ((cls(0.3), [(2, 4, 5)]) for cls in (nn.Dropout, nn.Dropout1d, nn.AlphaDropout))
    yield from ((cls, [(2, 4, 5, 3)]) for cls in (nn.Identity(), nn.Dropout2d(), nn.FeatureAlphaDropout()))
    yield nn.Dropout3d(), [(2, 4, 5, 3, 2)]
    yield from ((nn.Hardsigmoid(), [shape]) for shape in ((7,), (2, 3, 4)))
    yield nn.RReLU(0.1, 0.4), [(2, 3, 4)]
    yield from ((nn.Flatten(*span), [(2, 3, 4, 5)]) for span in ((), (2,), (1, 2), (0, 1)))
    yield nn.Unflatten(1, (2, 3)), [(2, 6, 4)]
    yield from ((nn.PixelShuffle(r), [(2, 2 * r * r, 3, 4)]) for r in (2, 3))
    yield from ((nn.PixelUnshuffle(r), [(2, 3, 4 * r, r)]) for r in (2, 3))
    yield from ((nn.ChannelShuffle(g), [(2, 6, 3, 4)]) for g in (2, 3))
    yield nn.EmbeddingBag(5, 3), [(2, 4)]
    yield from ((nn.CosineSimilarity(dim), [(2, 5, 4), (2, 5, 4)]) for dim in (1, 2))
    yield from (
        (nn.PairwiseDistance(p, keepdim=keep), [(3, 4), (3, 4)]) for p in (1.0, 2.0, 3.0) for keep in (True, False)
    )
    yield from _windows()
    yield from _resized()
    yield from _convolutions()
    layer = nn.TransformerDecoderLayer(8, 2, 12, batch_first=True)
    yield nn.TransformerDecoder(layer, 2, nn.LayerNorm(8)), [(2, 3, 8), (2, 5, 8)]


def _windows() -> Iterator[tuple[Any, Any]]:
    for size, dilation, padding, stride in product((2, (3, 2)), (1, 2), (0, 1), (1, (2, 1))):
        options = {"dilation": dilation, "padding": padding, "stride": stride}
        unfold = nn.Unfold(size, **options)
        yield unfold, [(2, 3, 7, 6)]
        count = unfold(torch.zeros(1, 1, 7, 6)).shape
        yield nn.Fold((7, 6), size, **options), [(2, 2 * count[1], count[2])]
    for rank, lengths in ((1, (11,)), (2, (9, 8)), (3, (6, 7, 5))):
        pool = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)[rank - 1]
        for padding, dilation, ceil in product((0, 1), (1, 2), (False, True)):
            yield pool(2 + rank % 2, 2, padding, dilation, True, ceil), [(2, 3, *lengths)]


def _resized() -> Iterator[tuple[Any, Any]]:
    shapes = {1: (2, 3, 5), 2: (2, 3, 5, 4), 3: (2, 3, 4, 3, 5)}
    modes = {1: ("linear",), 2: ("bilinear", "bicubic"), 3: ("trilinear",)}
    for rank, shape in shapes.items():
        for mode in ("nearest", "nearest-exact", "area", *modes[rank]):
            for align in (False, True) if mode in modes[rank] else (None,):
                for given in ({"size": 3}, {"size": 7}, {"scale_factor": 2.0}, {"scale_factor": 1.3}):
                    yield nn.Upsample(mode=mode, align_corners=align, **given), [shape]
    yield nn.Upsample(scale_factor=1.3, mode="bilinear", recompute_scale_factor=True), [shapes[2]]
    yield nn.UpsamplingNearest2d(scale_factor=2), [shapes[2]]
    yield nn.UpsamplingBilinear2d(scale_factor=2), [shapes[2]]


def _convolutions() -> Iterator[tuple[Any, Any]]:
    shapes = {1: (2, 4, 11), 2: (2, 4, 8, 9), 3: (2, 4, 6, 5, 7)}
    for rank, shape in shapes.items():
        conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1]
        turned = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[rank - 1]
        for mode, stride, dilation, groups in product(
            ("zeros", "reflect", "replicate", "circular"), (1, 2), (1, 2), (1, 2)
        ):
            yield conv(4, 6, 3, stride, 1, dilation, groups, groups == 1, mode), [shape]
        for stride, padding, dilation, groups in product((1, 2, 3), (0, 1), (1, 2), (1, 2)):
            added = max(stride, dilation) - 1
            yield turned(4, 6, 2, stride, padding, added, groups, groups == 2, dilation), [shape]


def more() -> Iterator[Case]:
    """The cases."""
    for i, (module, shapes) in enumerate(_modules()):
        name = type(module).__name__
        yield Case(name, f"{name} own {i}: {module}".replace("\n", " "), partial(_check, module, shapes))


def _check(module: Any, shapes: list[tuple[int, ...]]) -> Check:
    torch.manual_seed(3)
    if isinstance(module, nn.EmbeddingBag):
        return mapped(module, [torch.randint(0, 5, shapes[0])], {})
    return mapped(module, [torch.randn(shape) for shape in shapes], {})
