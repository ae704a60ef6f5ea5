"""Pixels, channels and windows: exactly PyTorch's numbers, in the same places."""

from typing import Any

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from lamina_server.dims import symbol
from lamina_server.layers.core.basics import Input
from lamina_server.layers.shaping.folding import ChannelShuffle, Fold, PixelShuffle, PixelUnshuffle, Unfold
from lamina_server.layers.tensors import Layout
from lamina_server.stack import Node, Stack
from tests.differential.oracles import F, tensor, torch
from tests.differential.support import (
    BATCH,
    FIRST,
    assert_close,
    laid,
    layouts,
    normal,
    profile,
    run,
    run_stack,
    seeds,
    spatial,
)
from tests.differential.test_padding import same

few = st.integers(1, 3)


@profile
@given(
    sizes=st.tuples(few, few, few, few),
    order=st.sampled_from(("crd", "dcr")),
    layout=layouts,
    data_format=st.none() | layouts,
    seed=seeds,
)
def test_pixel_shuffle(
    sizes: tuple[int, int, int, int], order: Any, layout: Layout, data_format: Layout | None, seed: int
) -> None:
    """PyTorch's order is crd; TensorFlow and ONNX count the channels of a pixel last."""
    r, channels, height, width = sizes
    lies = data_format or layout
    image = normal(seed, BATCH, channels * r * r, height, width)
    expected = F.pixel_shuffle(tensor(image), r).numpy()
    if order == "dcr":
        image = image.reshape(BATCH, channels, r * r, height, width).swapaxes(1, 2).reshape(image.shape)
    kind = PixelShuffle(r, order, data_format)
    same(kind, laid(image, lies), laid(expected, lies), layout, spatial(2, lies))
    (back,) = run(PixelUnshuffle(r, order, data_format), laid(expected, lies).astype(np.float32), layout=layout)
    np.testing.assert_array_equal(back, laid(image, lies))


@profile
@given(
    groups=few,
    each=few,
    lengths=st.lists(few, min_size=1, max_size=3).map(tuple),
    layout=layouts,
    data_format=st.none() | layouts,
    seed=seeds,
)
def test_channel_shuffle(
    groups: int, each: int, lengths: tuple[int, ...], layout: Layout, data_format: Layout | None, seed: int
) -> None:
    lies = data_format or layout
    image = normal(seed, BATCH, groups * each, *lengths)
    expected = F.channel_shuffle(tensor(image).reshape(*image.shape[:2], -1, 1), groups).reshape(image.shape).numpy()
    kind = ChannelShuffle(groups, data_format)
    same(kind, laid(image, lies), laid(expected, lies), layout, spatial(len(lengths), lies))


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    """Options of windows, as PyTorch names them; each may be left out."""
    pair = st.tuples(few, few)
    options = {"kernel_size": draw(pair)}
    for name, values in (("dilation", pair), ("stride", pair), ("padding", st.tuples(*[st.integers(0, 2)] * 2))):
        if draw(st.booleans()):
            options[name] = draw(values)
    return options


def counts(options: dict[str, Any], lengths: tuple[int, int]) -> tuple[int, ...]:
    """Windows along each axis."""
    k, d, p, s = (
        options.get(name, (one, one))
        for name, one in (("kernel_size", 1), ("dilation", 1), ("padding", 0), ("stride", 1))
    )
    return tuple((lengths[i] + 2 * p[i] - d[i] * (k[i] - 1) - 1) // s[i] + 1 for i in range(2))


@profile
@given(
    options=windows(),
    lengths=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    layout=layouts,
    data_format=st.none() | layouts,
    seed=seeds,
)
def test_unfold_and_fold(
    options: dict[str, Any], lengths: tuple[int, int], layout: Layout, data_format: Layout | None, seed: int
) -> None:
    assume(min(counts(options, lengths)) >= 1)
    lies = data_format or layout
    image = normal(seed, BATCH, 2, *lengths)

    def turned(columns: Any) -> Any:
        return columns.numpy() if lies is FIRST else columns.numpy().swapaxes(1, 2)

    columns = F.unfold(tensor(image), **options)
    same(Unfold(**options, data_format=data_format), laid(image, lies), turned(columns), layout, spatial(2, lies))
    expected = laid(F.fold(columns, lengths, **options).numpy(), lies)
    kind = Fold(lengths, **options, data_format=data_format)
    (found,) = run(kind, turned(columns).astype(np.float32), layout=layout)
    assert_close(found, expected)


@profile
@given(options=windows(), lengths=st.tuples(st.integers(1, 8), st.integers(1, 8)), seed=seeds)
def test_fold_of_unfold_over_symbols(options: dict[str, Any], lengths: tuple[int, int], seed: int) -> None:
    """The windows of symbolic height and width are just those that fold back into them."""
    assume(min(counts(options, lengths)) >= 1)
    high, wide = symbol("H"), symbol("W")
    layers = (Input((2, high, wide)), Unfold(**options), Fold((high, wide), **options))
    stack = Stack(tuple(Node(kind, name) for kind, name in zip(layers, "xuf", strict=True)), FIRST)
    image = normal(seed, BATCH, 2, *lengths)
    found = run_stack(stack, {"x": image}, {}, ["f"])["f"]
    assert_close(found, F.fold(F.unfold(tensor(image), **options), lengths, **options))


def test_what_is_no_number_stays_what_it_is() -> None:
    """Windows are laid out by indices, so that infinities do not spread as they would by multiplying with 0."""
    x = np.array([[[[1, np.inf], [np.nan, 2]]]], np.float32)
    (found,) = run(Unfold((1, 2)), x, layout=FIRST)
    np.testing.assert_array_equal(found, torch.nn.functional.unfold(torch.tensor(x), (1, 2)))


def test_windows_of_whole_numbers() -> None:
    x = np.arange(24, dtype=np.int16).reshape(1, 2, 3, 4)
    (found,) = run(Unfold((2, 2), padding=(1, 0)), x, layout=FIRST)
    np.testing.assert_array_equal(found, F.unfold(tensor(x), (2, 2), padding=(1, 0)))
