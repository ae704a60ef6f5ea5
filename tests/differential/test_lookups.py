"""Embedding, its way back and CategoryEncoding beside PyTorch's and Keras'."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.core.lookups import CategoryEncoding, Embedding, ReversibleEmbedding
from lamina_server.layers.tensors import DType, Layout
from tests.differential.oracles import F, keras, tensor, torch
from tests.differential.support import (
    BATCH,
    TOLERANCE,
    Array,
    assert_close,
    both,
    kernel,
    layouts,
    normal,
    profile,
    run,
    seeds,
)

shapes = st.lists(st.integers(1, 4), max_size=3).map(tuple)
id_types = st.sampled_from(["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])


def ids(seed: int, low: int, high: int, shape: tuple[int, ...], dtype: str) -> Array:
    """Random integers from low to high - 1; none below 0 where the type has none."""
    low = max(low, int(np.iinfo(dtype).min))
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


@profile
@given(
    shape=shapes,
    rows=st.integers(1, 6),
    width=st.integers(1, 4),
    dtype=id_types,
    mask_zero=st.booleans(),
    layout=layouts,
    seed=seeds,
)
def test_embedding(
    shape: tuple[int, ...], rows: int, width: int, dtype: str, mask_zero: bool, layout: Layout, seed: int
) -> None:
    """Of every integer type; negative ids count from the end, as in Keras. PyTorch gets what they stand for."""
    x, weights = ids(seed, -rows, rows, (BATCH, *shape), dtype), {"embeddings": kernel(seed + 1, rows, width)}
    by_torch = F.embedding(torch.tensor(x.astype(np.int64) % rows), tensor(weights["embeddings"]))
    layer = keras.layers.Embedding(rows, width, mask_zero=mask_zero, dtype="float64")
    layer.build()
    layer.embeddings.assign(weights["embeddings"].astype(np.float64))
    by_keras = layer(torch.tensor(x.astype(np.int64))).detach().numpy()

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(Embedding(rows, width, mask_zero), x, weights=weights, layout=layout, symbolic=symbolic)
        np.testing.assert_array_equal(found, by_torch.numpy().astype(np.float32))
        np.testing.assert_array_equal(found, by_keras.astype(np.float32))

    both(once, range(len(shape)))


@profile
@given(
    shape=st.lists(st.integers(1, 4), max_size=2).map(tuple),
    rows=st.integers(1, 6),
    width=st.integers(1, 4),
    tied=st.booleans(),
    cap=st.none() | st.floats(0.1, 5),
    reverse_dtype=st.sampled_from([None, DType.FLOAT64]),
    seed=seeds,
)
def test_the_way_back(
    shape: tuple[int, ...],
    rows: int,
    width: int,
    tied: bool,
    cap: float | None,
    reverse_dtype: DType | None,
    seed: int,
) -> None:
    """A projection on the transposed table, or on a matrix of its own; with a soft cap."""
    x, table, own = normal(seed, BATCH, *shape, width), kernel(seed + 1, rows, width), kernel(seed + 2, width, rows)
    layer = keras.layers.ReversibleEmbedding(rows, width, tied, logit_soft_cap=cap, dtype="float64")
    layer.build()
    layer.embeddings.assign(table.astype(np.float64))
    if not tied:
        layer.reverse_embeddings.assign(own.astype(np.float64))
    expected = layer(tensor(x), reverse=True).detach()
    by_torch = F.linear(tensor(x), tensor(table if tied else own.T))
    by_torch = by_torch if cap is None else cap * torch.tanh(by_torch / cap)
    kind = ReversibleEmbedding(rows, width, tied, False, reverse_dtype, cap, reverse=True)
    weights = {"embeddings": table} if tied else {"reverse_embeddings": own}

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, x, weights=weights, symbolic=symbolic)
        assert found.dtype == (reverse_dtype or DType.FLOAT32).numpy
        assert_close(found, expected)
        assert_close(found, by_torch)

    both(once, range(len(shape)))
    ahead = ids(seed, 0, rows, (BATCH, 3), "int32")
    (found,) = run(ReversibleEmbedding(rows, width, tied), ahead, weights={"embeddings": table})
    np.testing.assert_array_equal(found, layer(torch.tensor(ahead)).detach().numpy().astype(np.float32))


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
@profile
@given(data=st.data(), tokens=st.integers(1, 5), dtype=id_types, length=st.integers(1, 4), seed=seeds)
def test_category_encoding(mode: str, data: st.DataObject, tokens: int, dtype: str, length: int, seed: int) -> None:
    """Keras', and for one_hot PyTorch's; integers of every type, results of several."""
    x = ids(seed, 0, tokens, (BATCH, length), dtype)
    result = data.draw(st.sampled_from([DType.FLOAT32, DType.INT64, DType.UINT8, DType.FLOAT16, DType.INT16]))
    layer = keras.layers.CategoryEncoding(tokens, output_mode=mode, dtype="float64")
    expected = np.asarray(layer(torch.tensor(x.astype(np.int64))))
    symbols = range(0) if mode == "one_hot" else range(1)

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(CategoryEncoding(tokens, mode, result), x, symbolic=symbolic)
        assert found.dtype == result.numpy
        np.testing.assert_array_equal(found, expected)

    both(once, symbols)
    if mode == "one_hot" and length > 1:
        np.testing.assert_array_equal(expected, F.one_hot(torch.tensor(x.astype(np.int64)), tokens))


@profile
@given(tokens=st.integers(1, 5), length=st.integers(1, 4), seed=seeds)
def test_counts_with_weights(tokens: int, length: int, seed: int) -> None:
    x, weights = ids(seed, 0, tokens, (BATCH, length), "int64"), normal(seed + 1, BATCH, length)
    layer = keras.layers.CategoryEncoding(tokens, output_mode="count", dtype="float64")
    expected: Any = layer(torch.tensor(x), count_weights=tensor(weights))
    (found,) = run(CategoryEncoding(tokens, "count"), x, weights, symbolic=(0,))
    np.testing.assert_allclose(found, expected, *TOLERANCE)


def test_an_id_out_of_range_counts_nowhere() -> None:
    """As in Keras on TensorFlow and JAX; on PyTorch it is an error."""
    x = np.array([[0, 3, -1], [2, 2, 99]])
    (found,) = run(CategoryEncoding(3, "count"), x)
    np.testing.assert_array_equal(found, [[1, 0, 0], [0, 0, 2]])
    (found,) = run(CategoryEncoding(3, "one_hot"), x)
    np.testing.assert_array_equal(found[0], [[1, 0, 0], [0, 0, 0], [0, 0, 0]])
