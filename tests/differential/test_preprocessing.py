"""What Keras does to data before a network, and offers as layers: Discretization, CenterCrop."""

from collections.abc import Collection

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.core.binning import Discretization
from lamina_server.layers.shaping.center_crop import CenterCrop
from lamina_server.layers.tensors import DType, Layout
from lamina_server.trace import trace
from tests.differential.oracles import keras, tensor, torch
from tests.differential.support import (
    BATCH,
    FIRST,
    Array,
    assert_close,
    both,
    layouts,
    normal,
    profile,
    run,
    seeds,
    stack_of,
)

# Halves, so that numbers lie on boundaries too.
boundaries = st.lists(st.integers(-6, 6), min_size=1, max_size=5, unique=True).map(sorted)
types = st.sampled_from([DType.FLOAT32, DType.FLOAT64, DType.FLOAT16, DType.INT32, DType.UINT8])


def halves(seed: int, shape: tuple[int, ...], dtype: DType) -> Array:
    numbers = np.random.default_rng(seed).integers(-8, 9, shape) / 2
    return np.abs(numbers).astype(dtype.numpy) if dtype is DType.UINT8 else numbers.astype(dtype.numpy)


@profile
@given(bins=boundaries, shape=st.lists(st.integers(1, 4), max_size=3).map(tuple), dtype=types, seed=seeds)
def test_bins_are_keras_and_torchs(bins: list[int], shape: tuple[int, ...], dtype: DType, seed: int) -> None:
    """Equal, on boundaries and between them; numpy's and PyTorch's digitize are the same."""
    x, bounds = halves(seed, (BATCH, *shape), dtype), [n / 2 for n in bins]
    expected = torch.bucketize(tensor(x), torch.tensor(bounds).double(), right=True).numpy()
    np.testing.assert_array_equal(np.asarray(keras.layers.Discretization(bounds)(x)), expected)

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(Discretization(tuple(bounds)), x, symbolic=symbolic)
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found, expected)

    both(once, range(len(shape)))


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
@profile
@given(bins=boundaries, length=st.integers(1, 4), seed=seeds)
def test_bins_as_places_are_keras(mode: str, bins: list[int], length: int, seed: int) -> None:
    x, bounds = halves(seed, (BATCH, length), DType.FLOAT32), [n / 2 for n in bins]
    expected = np.asarray(keras.layers.Discretization(bounds, output_mode=mode)(x))
    (found,) = run(Discretization(tuple(bounds), mode), x)
    np.testing.assert_array_equal(found, expected)


def test_a_number_that_is_none_lies_in_the_last_bin() -> None:
    """As numpy's digitize has it, and PyTorch's bucketize."""
    (found,) = run(Discretization((0.0, 1.0)), np.array([[np.nan, -np.inf, np.inf]], np.float32))
    np.testing.assert_array_equal(found, [[2, 0, 2]])


@profile
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    target=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    layout=layouts,
    seed=seeds,
)
def test_the_middle_is_keras(size: tuple[int, int], target: tuple[int, int], layout: Layout, seed: int) -> None:
    """Cropped where the image is large enough, else stretched."""
    x = normal(seed, BATCH, *((2, *size) if layout is FIRST else (*size, 2)))
    layer = keras.layers.CenterCrop(*target, data_format=layout.value)
    expected = np.asarray(layer(x))

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(CenterCrop(*target), x, layout=layout, symbolic=symbolic)
        assert_close(found, expected)

    long_enough = [axis for axis, n, wanted in zip((0, 1), size, target, strict=True) if n >= wanted]
    both(once, [axis + (layout is FIRST) for axis in long_enough])


def test_an_image_of_any_size_is_large_enough() -> None:
    found = trace(stack_of(CenterCrop(4, 6), [(9, 9, 3)], symbolic=(0, 1)))
    assert found.ranges == {"A0": 4, "A1": 6}
