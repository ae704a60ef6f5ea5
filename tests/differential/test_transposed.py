"""Transposed and separable convolutions beside PyTorch's and Keras'.

Keras refuses strides together with dilation, and output_padding as long as the stride. Its layers know no groups.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.separable import SeparableConv
from lamina_server.layers.convolution.transposed import ConvTranspose
from lamina_server.layers.windows import Padding, PadPair
from tests.differential.activations import by_keras, by_torch, functions
from tests.differential.oracles import F, keras, keras_values, tensor, unless_too_short
from tests.differential.support import (
    Array,
    assert_close,
    both,
    kernel,
    laid,
    normal,
    profile,
    refused,
    run,
    spatial,
)
from tests.differential.windows import Slide, slides

RANKS = pytest.mark.parametrize("rank", [1, 2, 3])


def transposed(data: st.DataObject, slide: Slide, padding: Padding, more: tuple[int, ...], groups: int) -> Any:
    """A ConvTranspose over a slide's axes, its input (channels first) and its weights."""
    inner, outer = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    kind = ConvTranspose(
        groups * outer,
        slide.sizes,
        slide.strides,
        padding,
        more,
        slide.data_format,
        slide.dilations,
        data.draw(st.none() | functions(slide.rank + 2)),
        data.draw(st.booleans()),
        groups,
    )
    weights = {"kernel": kernel(slide.seed + 1, *slide.sizes, outer, groups * inner)}
    if kind.use_bias:
        weights["bias"] = normal(slide.seed + 2, groups * outer)
    return kind, slide.image(groups * inner), weights


def check(kind: Kind, slide: Slide, x: Array, weights: dict[str, Array], expected: Array) -> None:
    """What is expected comes, with concrete lengths and with symbols."""

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, laid(x, slide.lies), weights=weights, layout=slide.layout, symbolic=symbolic)
        assert_close(found, expected)

    both(once, spatial(slide.rank, slide.lies))


@RANKS
@profile
@given(data=st.data())
def test_transposed_is_torchs(rank: int, data: st.DataObject) -> None:
    """Pads before and after, which PyTorch has alike: its uncropped result, cropped or continued by zeros."""
    slide = data.draw(slides(rank, ("valid",), dilations=3))
    limits = [max(s, d) - 1 for s, d in zip(slide.strides, slide.dilations, strict=True)]
    more = data.draw(st.just(()) | st.tuples(*[st.integers(0, most) for most in limits]))
    pads = data.draw(st.tuples(*[st.builds(PadPair, st.integers(0, 3), st.integers(0, 3))] * rank))
    kind, x, weights = transposed(data, slide, pads, more, data.draw(st.integers(1, 3)))
    taps = tensor(np.moveaxis(weights["kernel"], (-1, -2), (0, 1)))
    bias = tensor(weights["bias"]) if kind.use_bias else None
    convolve = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[rank - 1]

    def alike(ends: Any, extra: Any) -> Any:
        return convolve(tensor(x), taps, bias, slide.strides, ends, extra or 0, kind.groups, slide.dilations)

    whole = convolve(tensor(x), taps, None, slide.strides, 0, 0, kind.groups, slide.dilations)
    put = more or (0,) * rank
    if any(n - a - b + p < 1 for n, (a, b), p in zip(whole.shape[2:], pads, put, strict=True)):
        axes = spatial(rank, slide.lies)
        assert refused(kind, laid(x, slide.lies), layout=slide.layout, symbolic=axes) == "EMPTY_RESULT"
        return
    y = F.pad(whole, [n for p in reversed(put) for n in (0, p)])
    y = F.pad(y, [-n for pair in reversed(pads) for n in pair])
    y = y if bias is None else y + bias.reshape(-1, *[1] * rank)
    if all(a == b for a, b in pads):  # then PyTorch says it in one call
        assert_close(y.numpy().astype(np.float32), alike([a for a, _ in pads], more))
    y = tensor(laid(y.numpy(), slide.lies))  # before the activation: softmax has an axis
    check(kind, slide, x, weights, by_torch(kind.activation, y))


@RANKS
@profile
@given(data=st.data(), padding=st.sampled_from(["valid", "same"]))
def test_transposed_is_keras(rank: int, data: st.DataObject, padding: str) -> None:
    slide = data.draw(slides(rank, ("valid",), dilations=3, dilated_strides=False))
    more = data.draw(st.just(()) | st.tuples(*[st.integers(0, s - 1) for s in slide.strides]))
    kind, x, weights = transposed(data, slide, padding, more, 1)
    extents = zip(slide.lengths, slide.strides, slide.extents, more, strict=False)
    assume(padding == "valid" or all((n - 1) * s + ke % 2 + p > 0 for n, s, ke, p in extents))
    options = slide.keras_options(
        padding=padding, output_padding=more or None, dilation_rate=slide.dilations, use_bias=kind.use_bias
    )
    made = getattr(keras.layers, f"Conv{rank}DTranspose")
    layer = made(kind.filters, slide.sizes, activation=by_keras(kind.activation), **options)
    (expected,) = keras_values(layer, [laid(x, slide.lies)], weights)
    check(kind, slide, x, weights, expected)


def separable(data: st.DataObject, slide: Slide) -> tuple[SeparableConv, Array, dict[str, Array]]:
    """A SeparableConv, its input (channels first) and its weights."""
    channels, times, filters = (data.draw(st.integers(1, 3)) for _ in range(3))
    kind = SeparableConv(
        filters,
        slide.sizes,
        slide.strides,
        slide.padding,
        slide.data_format,
        slide.dilations,
        times,
        data.draw(st.none() | functions(slide.rank + 2)),
        data.draw(st.booleans()),
    )
    weights = {
        "depthwise_kernel": kernel(slide.seed + 1, *slide.sizes, channels, times),
        "pointwise_kernel": kernel(slide.seed + 2, *[1] * slide.rank, channels * times, filters),
    }
    if kind.use_bias:
        weights["bias"] = normal(slide.seed + 3, filters)
    return kind, slide.image(channels), weights


@pytest.mark.parametrize("rank", [1, 2])  # Keras has no SeparableConv3D
@profile
@given(data=st.data())
def test_separable_is_keras(rank: int, data: st.DataObject) -> None:
    slide = data.draw(slides(rank, ("valid", "same"), dilations=3, dilated_strides=False, fitting=True))
    kind, x, weights = separable(data, slide)
    options = slide.keras_options(
        dilation_rate=slide.dilations, depth_multiplier=kind.depth_multiplier, use_bias=kind.use_bias
    )
    made = getattr(keras.layers, f"SeparableConv{rank}D")
    layer = made(kind.filters, slide.sizes, activation=by_keras(kind.activation), **options)
    (expected,) = keras_values(layer, [laid(x, slide.lies)], weights)
    check(kind, slide, x, weights, expected)


@RANKS
@profile
@given(data=st.data())
def test_separable_is_torchs(rank: int, data: st.DataObject) -> None:
    """Two convolutions of PyTorch's, of any padding, strides and dilation."""
    known = ("valid", "same", "same_lower", "explicit", *(("causal",) if rank == 1 else ()))
    slide = data.draw(slides(rank, known, dilations=3))
    kind, x, weights = separable(data, slide)
    convolve = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    apart = tensor(weights["depthwise_kernel"]).flatten(-2).unsqueeze(-2).permute(rank + 1, rank, *range(rank))
    mixed = tensor(weights["pointwise_kernel"]).permute(rank + 1, rank, *range(rank))
    bias = tensor(weights["bias"]) if kind.use_bias else None
    padded = F.pad(tensor(x), slide.flat_ends)
    inner = unless_too_short(lambda: convolve(padded, apart, None, slide.strides, 0, slide.dilations, x.shape[1]))
    if inner is None:
        axes = spatial(rank, slide.lies)
        assert refused(kind, laid(x, slide.lies), layout=slide.layout, symbolic=axes) == "WINDOW_TOO_LONG"
        return
    y = tensor(laid(convolve(inner, mixed, bias).numpy(), slide.lies))
    check(kind, slide, x, weights, by_torch(kind.activation, y))
