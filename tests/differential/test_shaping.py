"""Layers that only move numbers: exactly PyTorch's and Keras' numbers, in the same places."""

from collections.abc import Collection
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.base import Kind
from lamina_server.layers.core.basics import Dense, Input
from lamina_server.layers.shaping.reshaping import Flatten, Permute, RepeatVector, Reshape, ZeroPadding
from lamina_server.layers.tensors import Layout
from lamina_server.layers.windows import PadPair
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from tests.differential.oracles import F, keras, keras_values, tensor
from tests.differential.support import (
    BATCH,
    FIRST,
    LAST,
    Array,
    assert_close,
    both,
    laid,
    layouts,
    normal,
    profile,
    run,
    run_stack,
    seeds,
    spatial,
)

shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


def check(kind: Kind, x: Array, expected: Any, layer: Any, layout: Layout, symbolic: Collection[int] = ()) -> None:
    """The numbers are those of PyTorch and of Keras, bit for bit."""
    (by_keras,) = keras_values(layer, [x])

    def once(axes: Collection[int]) -> None:
        (found,) = run(kind, x, layout=layout, symbolic=axes)
        np.testing.assert_array_equal(found, expected.numpy(), strict=False)
        np.testing.assert_array_equal(found, by_keras, strict=False)

    both(once, symbolic)


@profile
@given(shape=shapes, layout=layouts, data_format=st.none() | layouts, seed=seeds)
def test_flatten(shape: tuple[int, ...], layout: Layout, data_format: Layout | None, seed: int) -> None:
    """Row-major in either layout; only data_format="channels_first" moves the channels to the end first."""
    x = normal(seed, BATCH, *shape)
    moved = tensor(x).movedim(1, -1) if data_format is FIRST and len(shape) > 1 else tensor(x)
    layer = keras.layers.Flatten((data_format or LAST).value, dtype="float64")
    check(Flatten(data_format), x, moved.flatten(1), layer, layout, range(len(shape)))


@profile
@given(data=st.data(), shape=shapes, layout=layouts, seed=seeds)
def test_flatten_of_some_axes(data: st.DataObject, shape: tuple[int, ...], layout: Layout, seed: int) -> None:
    """PyTorch's start_dim and end_dim."""
    x = normal(seed, BATCH, *shape)
    first, last = sorted(data.draw(st.tuples(*[st.integers(1, len(shape))] * 2)))
    kind = Flatten(start_axis=first, end_axis=last - x.ndim if data.draw(st.booleans()) else last)
    for axes in ((), range(len(shape))):
        (found,) = run(kind, x, layout=layout, symbolic=axes)
        np.testing.assert_array_equal(found, tensor(x).flatten(first, last))


def test_flatten_of_a_number_per_sample() -> None:
    (found,) = run(Flatten(), x := normal(0, BATCH))
    np.testing.assert_array_equal(found, keras_values(keras.layers.Flatten(dtype="float64"), [x])[0])


@st.composite
def reshapes(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes of as many numbers; in half the cases one size of the second is -1."""
    factors = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))

    def grouped(items: list[int]) -> list[int]:
        cuts = sorted(draw(st.sets(st.integers(1, len(items) - 1)))) if len(items) > 1 else []
        return [prod(items[a:b]) for a, b in zip([0, *cuts], [*cuts, len(items)], strict=True)]

    source, target = grouped(factors), grouped(draw(st.permutations(factors)))
    if draw(st.booleans()):
        target[draw(st.integers(0, len(target) - 1))] = -1
    return tuple(source), tuple(target)


@profile
@given(shapes=reshapes(), layout=layouts, seed=seeds)
def test_reshape(shapes: tuple[tuple[int, ...], tuple[int, ...]], layout: Layout, seed: int) -> None:
    source, target = shapes
    x = normal(seed, BATCH, *source)
    layer = keras.layers.Reshape(target, dtype="float64")
    check(Reshape(target), x, tensor(x).reshape(BATCH, *target), layer, layout)


@profile
@given(high=st.integers(1, 3), wide=st.integers(1, 3), size=st.integers(1, 3), seed=seeds)
def test_windows_fold_into_the_batch_axis_and_out_again(high: int, wide: int, size: int, seed: int) -> None:
    """Swin's windows: (batch, h s, w s, c) -> (batch h w, s s, c), something in each window, and back."""
    x = normal(seed, BATCH, high * size, wide * size, 2)
    kernel, bias = normal(seed + 1, 2, 3), normal(seed + 2, 3)
    stack = Stack(
        (
            Node(Input(x.shape[1:]), "x"),
            Node(Reshape((high, size, wide, size, 2))),
            Node(Permute((0, 1, 3, 2, 4, 5), include_batch=True)),
            Node(Reshape((-1, size * size, 2), include_batch=True), "windows"),
            Node(Dense(3), "dense"),
            Node(Reshape((-1, high, wide, size, size, 3), include_batch=True)),
            Node(Permute((1, 3, 2, 4, 5))),
            Node(Reshape((high * size, wide * size, 3)), "image"),
        )
    )
    found = run_stack(stack, {"x": x}, {"dense/kernel": kernel, "dense/bias": bias}, ["windows", "image"])
    cut = tensor(x).reshape(BATCH, high, size, wide, size, 2).transpose(2, 3).reshape(-1, size * size, 2)
    np.testing.assert_array_equal(found["windows"], cut)
    assert_close(found["image"], tensor(x) @ tensor(kernel) + tensor(bias))
    traced = trace(stack)
    rows = high * wide
    windows = traced.layer("windows").done.spec
    assert (windows.folded, windows.elements) == (rows, size * size * 2)
    assert traced.macs == rows * size * size * 2 * 3, "all windows of a sample"


@profile
@given(length=st.integers(1, 9), rest=shapes, seed=seeds)
def test_reshape_of_an_unknown_length(length: int, rest: tuple[int, ...], seed: int) -> None:
    """-1 takes the place of what is not known when the stack is traced."""
    x = normal(seed, BATCH, length, *rest)
    target = (-1, prod(rest))
    layer = keras.layers.Reshape(target, dtype="float64")
    check(Reshape(target), x, tensor(x).reshape(BATCH, *target), layer, LAST, (0,))


@profile
@given(data=st.data(), shape=shapes, layout=layouts, seed=seeds)
def test_permute(data: st.DataObject, shape: tuple[int, ...], layout: Layout, seed: int) -> None:
    dims = tuple(data.draw(st.permutations(range(1, len(shape) + 1))))
    x = normal(seed, BATCH, *shape)
    layer = keras.layers.Permute(dims, dtype="float64")
    check(Permute(dims), x, tensor(x).permute(0, *dims), layer, layout, range(len(shape)))


@profile
@given(features=st.integers(1, 6), n=st.integers(1, 6), layout=layouts, seed=seeds)
def test_repeat_vector(features: int, n: int, layout: Layout, seed: int) -> None:
    x = normal(seed, BATCH, features)
    expected = tensor(x).unsqueeze(1).expand(BATCH, n, features)
    check(RepeatVector(n), x, expected, keras.layers.RepeatVector(n, dtype="float64"), layout, (0,))


@pytest.mark.parametrize("rank", [1, 2, 3])
@profile
@given(data=st.data(), layout=layouts, data_format=st.none() | layouts, seed=seeds)
def test_zero_padding(rank: int, data: st.DataObject, layout: Layout, data_format: Layout | None, seed: int) -> None:
    pairs = data.draw(st.tuples(*[st.builds(PadPair, st.integers(0, 3), st.integers(0, 3))] * rank))
    image = normal(seed, BATCH, *data.draw(st.tuples(*[st.integers(1, 5)] * (rank + 1))))
    lies = data_format or layout
    padded = F.pad(tensor(image), [n for pair in reversed(pairs) for n in pair]).numpy()
    options: dict[str, Any] = {"data_format": lies.value, "dtype": "float64"}
    plain = tuple(map(tuple, pairs)) if rank > 1 else tuple(pairs[0])
    layer = getattr(keras.layers, f"ZeroPadding{rank}D")(plain, **options)
    expected = tensor(laid(padded, lies))
    check(ZeroPadding(pairs, data_format), laid(image, lies), expected, layer, layout, spatial(rank, lies))
