"""Adaptive pools and norms beside PyTorch's and Keras'.

Keras' adaptive layers keep no length; PyTorch's do, for None. PyTorch's LPPool has neither padding nor |x|: there its
sum over the padded |x|^p stands for ONNX's operator.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.base import Kind
from lamina_server.layers.pooling.adaptive import AdaptiveAveragePool, AdaptiveMaxPool
from lamina_server.layers.pooling.norm_pooling import GlobalLpPool, LpPool
from lamina_server.layers.tensors import Layout
from tests.differential.oracles import F, keras, keras_values, tensor, torch
from tests.differential.support import (
    BATCH,
    Array,
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
from tests.differential.windows import slides

RANKS = pytest.mark.parametrize("rank", [1, 2, 3])
LONGEST = {1: 30, 2: 12, 3: 7}
channels = st.integers(1, 3)


def check(kind: Kind, x: Array, layout: Layout, expected: Array, *, rank: int) -> None:
    """What is expected of a channels-first array comes, with concrete lengths and with symbols."""
    lies = getattr(kind, "data_format", None) or layout

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, laid(x, lies), layout=layout, symbolic=symbolic)
        assert_close(found, laid(expected, lies) if expected.ndim > 2 else expected)

    both(once, spatial(rank, lies))


@RANKS
@profile
@given(data=st.data(), layout=layouts, data_format=st.none() | layouts, average=st.booleans(), listed=st.booleans())
def test_adaptive_pools(
    rank: int, data: st.DataObject, layout: Layout, data_format: Layout | None, average: bool, listed: bool
) -> None:
    """Any length to any other, shorter or longer; bins listed in the model, or computed where it runs."""
    lengths = data.draw(st.tuples(*[st.integers(1, LONGEST[rank])] * rank))
    sizes = data.draw(st.tuples(*[st.integers(0, LONGEST[rank])] * rank))
    x = normal(data.draw(seeds), BATCH, data.draw(channels), *lengths)
    kind = (AdaptiveAveragePool if average else AdaptiveMaxPool)(sizes, data_format)
    pool = getattr(F, f"adaptive_{'avg' if average else 'max'}_pool{rank}d")
    expected = pool(tensor(x), [o or n for o, n in zip(sizes, lengths, strict=True)]).numpy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lamina_server.layers.pooling.adaptive._MOST_LISTED", 4096 if listed else 0)
        check(kind, x, layout, expected, rank=rank)
    if all(sizes):
        lies = data_format or layout
        made = getattr(keras.layers, f"Adaptive{'Average' if average else 'Max'}Pooling{rank}D")
        (by_keras,) = keras_values(made(sizes, lies.value, dtype="float64"), [laid(x, lies)])
        assert_close(by_keras.astype(np.float32), laid(expected, lies))


@RANKS
@profile
@given(data=st.data(), ceil_mode=st.booleans(), power=st.sampled_from([1, 1.5, 2, 3, 4]))
def test_norms_are_torchs(rank: int, data: st.DataObject, ceil_mode: bool, power: float) -> None:
    """Odd powers keep their sign; roots of negative sums are no numbers, so those are left out."""
    slide = data.draw(slides(rank, ("valid",), fitting=True))
    x = slide.image(data.draw(channels))
    x = x if power in (1, 2, 4) else abs(x)
    window = (slide.sizes, slide.strides) if rank > 1 else (slide.sizes[0], slide.strides[0])
    expected = getattr(F, f"lp_pool{rank}d")(tensor(x), power, *window, ceil_mode)
    kind = LpPool(power, slide.sizes, slide.strides, "valid", slide.data_format, ceil_mode)
    check(kind, x, slide.layout, expected.numpy(), rank=rank)


@RANKS
@profile
@given(data=st.data(), power=st.sampled_from([1, 1.5, 2, 3]), signed=st.booleans())
def test_norms_with_padding_are_sums(rank: int, data: st.DataObject, power: float, signed: bool) -> None:
    slide = data.draw(slides(rank, ("same", "same_lower", "explicit"), half=True, fitting=True))
    x = slide.image(data.draw(channels))
    x = abs(x) if signed and power in (1.5, 3) else x
    wide = F.pad(tensor(x if signed else abs(x)), slide.flat_ends) ** power
    pool = getattr(F, f"avg_pool{rank}d")
    expected = (pool(wide, slide.sizes, slide.strides) * np.prod(slide.sizes)) ** (1 / power)
    kind = LpPool(power, slide.sizes, slide.strides, slide.padding, slide.data_format, signed=signed)
    check(kind, x, slide.layout, expected.numpy(), rank=rank)


@RANKS
@profile
@given(data=st.data(), layout=layouts, keepdims=st.booleans(), power=st.sampled_from([0.5, 1, 2, 3]))
def test_global_norms(rank: int, data: st.DataObject, layout: Layout, keepdims: bool, power: float) -> None:
    lengths = data.draw(st.tuples(*[st.integers(1, 5)] * rank))
    x = normal(data.draw(seeds), BATCH, data.draw(channels), *lengths)
    expected: Any = torch.linalg.vector_norm(tensor(x), power, tuple(range(2, rank + 2)), keepdims).numpy()
    check(GlobalLpPool(power, None, None, keepdims), x, layout, expected, rank=rank)
