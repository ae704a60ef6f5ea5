"""Convolutions beside PyTorch's and Keras'. Kernels are (spatial..., in / groups, out), as Keras has them."""

from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv, DepthwiseConv
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

EVERY = ("valid", "same", "same_lower", "explicit", "explicit")
RANKS = pytest.mark.parametrize("rank", [1, 2, 3])


def paddings(rank: int, known: tuple[str, ...]) -> tuple[str, ...]:
    """Paddings by name; causal exists along one axis only."""
    return (*known, "causal") if rank == 1 else known


@st.composite
def convolutions(draw: st.DrawFn, slide: Slide) -> tuple[Conv, Array, dict[str, Array]]:
    """A Conv, its input (channels first) and its weights."""
    groups, inner, outer = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    kind = Conv(
        groups * outer,
        slide.sizes,
        slide.strides,
        slide.padding,
        slide.data_format,
        slide.dilations,
        groups,
        draw(st.none() | functions(slide.rank + 2)),
        draw(st.booleans()),
    )
    weights = {"kernel": kernel(slide.seed + 1, *slide.sizes, inner, groups * outer)}
    if kind.use_bias:
        weights["bias"] = normal(slide.seed + 2, groups * outer)
    return kind, slide.image(groups * inner), weights


@st.composite
def depthwise(draw: st.DrawFn, slide: Slide) -> tuple[DepthwiseConv, Array, dict[str, Array]]:
    """A DepthwiseConv, its input (channels first) and its weights."""
    channels, times = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    kind = DepthwiseConv(
        slide.sizes,
        slide.strides,
        slide.padding,
        times,
        slide.data_format,
        slide.dilations,
        draw(st.none() | functions(slide.rank + 2)),
        draw(st.booleans()),
    )
    weights = {"kernel": kernel(slide.seed + 1, *slide.sizes, channels, times)}
    if kind.use_bias:
        weights["bias"] = normal(slide.seed + 2, channels * times)
    return kind, slide.image(channels), weights


def by_pytorch(slide: Slide, kind: Conv | DepthwiseConv, x: Array, weights: dict[str, Array]) -> Any:
    """The same by PyTorch; its kernels are (out, in / groups, spatial...).."""
    taps = tensor(weights["kernel"])
    groups = kind.groups if isinstance(kind, Conv) else x.shape[1]
    if isinstance(kind, DepthwiseConv):
        taps = taps.flatten(-2).unsqueeze(-2)  # filter m of channel c is output channel c * times + m
    taps = taps.permute(slide.rank + 1, slide.rank, *range(slide.rank))
    bias = tensor(weights["bias"]) if "bias" in weights else None
    convolve = (F.conv1d, F.conv2d, F.conv3d)[slide.rank - 1]
    padded = F.pad(tensor(x), slide.flat_ends)
    y = convolve(padded, taps, bias, slide.strides, 0, slide.dilations, groups)
    y = tensor(laid(y.numpy(), slide.lies))  # before the activation: softmax has an axis
    return by_torch(kind.activation, y)


def check_torch(slide: Slide, kind: Conv | DepthwiseConv, x: Array, weights: dict[str, Array]) -> None:
    """Both agree, or both refuse; with concrete lengths and with symbols."""
    given_x, axes = laid(x, slide.lies), spatial(slide.rank, slide.lies)
    expected = unless_too_short(lambda: by_pytorch(slide, kind, x, weights))
    if expected is None:
        assert refused(kind, given_x, layout=slide.layout, symbolic=axes) == "WINDOW_TOO_LONG"
        return

    def check(symbolic: Collection[int]) -> None:
        (found,) = run(kind, given_x, weights=weights, layout=slide.layout, symbolic=symbolic)
        assert_close(found, expected)

    both(check, axes)


def check_keras(layer: Any, slide: Slide, kind: Kind, x: Array, weights: dict[str, Array]) -> None:
    """Both agree."""
    given_x = laid(x, slide.lies)
    (found,) = run(kind, given_x, weights=weights, layout=slide.layout)
    (expected,) = keras_values(layer, [given_x], weights)
    assert_close(found, expected)


@RANKS
@profile
@given(data=st.data())
def test_conv_is_torchs(rank: int, data: st.DataObject) -> None:
    slide = data.draw(slides(rank, paddings(rank, EVERY), dilations=3))
    check_torch(slide, *data.draw(convolutions(slide)))


@RANKS
@profile
@given(data=st.data())
def test_depthwise_is_torchs(rank: int, data: st.DataObject) -> None:
    slide = data.draw(slides(rank, paddings(rank, EVERY), dilations=3))
    check_torch(slide, *data.draw(depthwise(slide)))


@RANKS
@profile
@given(data=st.data())
def test_conv_is_keras(rank: int, data: st.DataObject) -> None:
    # Keras refuses strides together with dilation.
    known = paddings(rank, ("valid", "same"))
    slide = data.draw(slides(rank, known, dilations=3, dilated_strides=False, fitting=True))
    kind, x, weights = data.draw(convolutions(slide))
    options = slide.keras_options(dilation_rate=slide.dilations, groups=kind.groups, use_bias=kind.use_bias)
    made = getattr(keras.layers, f"Conv{rank}D")
    layer = made(kind.filters, slide.sizes, activation=by_keras(kind.activation), **options)
    check_keras(layer, slide, kind, x, weights)


@pytest.mark.parametrize("rank", [1, 2])  # Keras has no DepthwiseConv3D
@profile
@given(data=st.data())
def test_depthwise_is_keras(rank: int, data: st.DataObject) -> None:
    slide = data.draw(slides(rank, ("valid", "same"), dilations=3, dilated_strides=False, fitting=True))
    kind, x, weights = data.draw(depthwise(slide))
    options = slide.keras_options(dilation_rate=slide.dilations, use_bias=kind.use_bias)
    made = getattr(keras.layers, f"DepthwiseConv{rank}D")
    layer = made(slide.sizes, depth_multiplier=kind.depth_multiplier, activation=by_keras(kind.activation), **options)
    check_keras(layer, slide, kind, x, weights)
