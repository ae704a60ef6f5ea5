"""A mask beside a tensor, as a second input: Softmax and global means beside Keras', and by hand."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.activations.as_layers import as_layer
from lamina_server.layers.activations.functions import Softmax
from lamina_server.layers.pooling.pools import GlobalAveragePool
from tests.differential.oracles import keras, tensor, torch
from tests.differential.support import (
    BATCH,
    LAST,
    assert_close,
    both,
    laid,
    layouts,
    normal,
    profile,
    run,
    seeds,
    spatial,
)

pytestmark = pytest.mark.filterwarnings("ignore:(?s).*You are using a softmax over axis")


@profile
@given(data=st.data(), sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3), layout=layouts, seed=seeds)
def test_softmax_with_a_mask_is_keras(data: st.DataObject, sizes: list[int], layout: Any, seed: int) -> None:
    """Along one axis or several; a mask stretched along any; where it leaves nothing, zeros."""
    rank = len(sizes) + 1
    axes = tuple(data.draw(st.permutations(range(1, rank))))[: data.draw(st.integers(1, rank - 1))]
    x = normal(seed, BATCH, *sizes)
    shape = [n if data.draw(st.booleans()) else 1 for n in sizes]
    seen = np.random.default_rng(seed).random((BATCH, *shape)) < 0.6
    kind = as_layer(Softmax(axes[0]) if len(axes) == 1 else Softmax(axes=axes))
    expected = keras.layers.Softmax(axes, dtype="float64")(tensor(x), mask=torch.tensor(seen))

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, x, seen, layout=layout, symbolic=symbolic)
        assert_close(found, expected)

    both(once, [i for i, n in enumerate(shape) if n == sizes[i] != 1])


@profile
@given(data=st.data(), layout=layouts, data_format=st.none() | layouts, keepdims=st.booleans(), seed=seeds)
def test_a_global_mean_with_a_mask_is_keras(
    data: st.DataObject, layout: Any, data_format: Any, keepdims: bool, seed: int
) -> None:
    """Where nothing counts, nan, as 0 / 0 is."""
    steps, count = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 4))
    lies = data_format or layout
    x = laid(normal(seed, BATCH, count, steps), lies)
    seen = np.random.default_rng(seed).random((BATCH, steps)) < 0.6
    layer = keras.layers.GlobalAveragePooling1D(lies.value, keepdims, dtype="float64")
    expected = layer(tensor(x), mask=torch.tensor(seen))

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(GlobalAveragePool(1, data_format, keepdims), x, seen, layout=layout, symbolic=symbolic)
        assert_close(found, expected)

    both(once, spatial(1, lies) if lies is LAST else ())  # channels last: the steps are the first axis of both


@profile
@given(data=st.data(), layout=layouts, keepdims=st.booleans(), seed=seeds)
def test_a_global_mean_over_images_with_a_mask(data: st.DataObject, layout: Any, keepdims: bool, seed: int) -> None:
    """Keras has none: numpy's masked mean."""
    sizes = data.draw(st.tuples(*[st.integers(1, 4)] * data.draw(st.integers(2, 3))))
    image = normal(seed, BATCH, 3, *sizes)
    seen = np.random.default_rng(seed).random((BATCH, *sizes)) < 0.6
    seen.reshape(BATCH, -1)[:, 0] = True
    over = tuple(range(2, image.ndim))
    hidden = np.broadcast_to(~seen[:, None], image.shape)
    mean = np.ma.masked_array(image.astype(float), hidden).mean(over, keepdims=keepdims).filled(np.nan)
    (found,) = run(GlobalAveragePool(keepdims=keepdims), laid(image, layout), seen, layout=layout)
    assert_close(found, laid(mean, layout) if keepdims else mean)
