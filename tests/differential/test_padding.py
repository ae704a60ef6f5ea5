"""Cropping and Pad: exactly PyTorch's and Keras' numbers."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lamina_server.layers.shaping.padding import Cropping, Pad
from lamina_server.layers.tensors import Layout
from lamina_server.layers.windows import PadPair
from tests.differential.oracles import F, keras, keras_values, tensor
from tests.differential.support import BATCH, Array, both, laid, layouts, normal, profile, run, seeds, spatial

LONGEST = {1: 9, 2: 7, 3: 5}
_MODES = ("constant", "reflect", "replicate", "circular")


def same(kind: Any, x: Array, expected: Any, layout: Layout, symbolic: Collection[int]) -> None:
    """The numbers are these, bit for bit, over numbers and over symbols."""

    def once(axes: Collection[int]) -> None:
        (found,) = run(kind, x, layout=layout, symbolic=axes)
        np.testing.assert_array_equal(found, np.asarray(expected), strict=False)

    both(once, symbolic)


@pytest.mark.parametrize("rank", [1, 2, 3])
@profile
@given(data=st.data(), layout=layouts, data_format=st.none() | layouts, seed=seeds)
def test_cropping(rank: int, data: st.DataObject, layout: Layout, data_format: Layout | None, seed: int) -> None:
    lengths = data.draw(st.tuples(*[st.integers(1, LONGEST[rank])] * rank))
    ends = [data.draw(st.integers(0, n - 1)) for n in lengths]
    pairs = tuple(PadPair(a, data.draw(st.integers(0, n - 1 - a))) for a, n in zip(ends, lengths, strict=True))
    lies = data_format or layout if rank > 1 else Layout.CHANNELS_LAST  # Keras' Cropping1D knows no other
    x = laid(normal(seed, BATCH, 3, *lengths), lies)
    options: dict[str, Any] = {"data_format": lies.value} if rank > 1 else {}
    plain = tuple(map(tuple, pairs)) if rank > 1 else tuple(pairs[0])
    (expected,) = keras_values(getattr(keras.layers, f"Cropping{rank}D")(plain, dtype="float64", **options), [x])
    same(Cropping(pairs, lies if rank == 1 else data_format), x, expected, layout, spatial(rank, lies))


def most(mode: str, length: int) -> int:
    """How many a mode can add to a length."""
    return {"reflect": length - 1, "circular": length}.get(mode, 6)


@pytest.mark.parametrize("rank", [1, 2, 3])
@profile
@given(data=st.data(), mode=st.sampled_from(_MODES), layout=layouts, data_format=st.none() | layouts, seed=seeds)
def test_pad(rank: int, data: st.DataObject, mode: Any, layout: Layout, data_format: Layout | None, seed: int) -> None:
    """PyTorch takes the last axis first, and negative numbers as this layer does."""
    lengths = data.draw(st.tuples(*[st.integers(1, LONGEST[rank])] * rank))
    pairs = tuple(PadPair(*(data.draw(st.integers(-2, most(mode, n))) for _ in range(2))) for n in lengths)
    for n, (a, b) in zip(lengths, pairs, strict=True):
        assume(n + a + b >= 1)
        left = n + min(a, 0) + min(b, 0)
        assume(mode != "constant" or left >= 0)  # else both refuse it
        assume(mode != "circular" or (left >= 1 and max(a, b) <= left))  # else PyTorch reads what it has not written
    value = data.draw(st.sampled_from((0.0, 1.5, -2.0))) if mode == "constant" else 0.0
    lies = data_format or layout
    image = normal(seed, BATCH, 2, *lengths)
    flat = [n for pair in reversed(pairs) for n in pair]
    options = {"value": value} if mode == "constant" else {}
    expected = F.pad(tensor(image), flat, mode, **options).numpy()
    # Where the range that the trace states leaves this length out, there is no symbol to try.
    same(Pad(pairs, mode, value, data_format), laid(image, lies), laid(expected, lies), layout, spatial(rank, lies))


@profile
@given(data=st.data(), shape=st.lists(st.integers(1, 5), min_size=1, max_size=4), layout=layouts, seed=seeds)
def test_pad_of_any_axes(data: st.DataObject, shape: list[int], layout: Layout, seed: int) -> None:
    """NumPy pads any axes; negative numbers crop."""
    axes = data.draw(st.lists(st.integers(1, len(shape)), min_size=1, unique=True))
    pairs = tuple(PadPair(*(data.draw(st.integers(0, 3)) for _ in range(2))) for _ in axes)
    counted = tuple(data.draw(st.sampled_from((axis, axis - len(shape) - 1))) for axis in axes)
    x = normal(seed, BATCH, *shape)
    widths = [(0, 0)] * (len(shape) + 1)
    for axis, pair in zip(axes, pairs, strict=True):
        widths[axis] = (pair.before, pair.after)
    same(Pad(pairs, "replicate", axes=counted), x, np.pad(x, widths, "edge"), layout, range(len(shape)))
