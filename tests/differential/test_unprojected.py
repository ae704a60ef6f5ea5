"""Attention and AdditiveAttention beside Keras', and beside PyTorch's scaled_dot_product_attention."""

from collections.abc import Collection
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.attention.unprojected import AdditiveAttention, Attention
from tests.differential import attentions
from tests.differential.attentions import mask, outputs, weights_for
from tests.differential.oracles import F, keras, tensor, torch
from tests.differential.support import (
    BATCH,
    Array,
    assert_close,
    both,
    layouts,
    normal,
    profile,
    run,
    seeds,
)

# A softmax over one key is legal, and drawn on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:(?s).*You are using a softmax over axis")
small = st.integers(1, 4)


@profile
@given(
    data=st.data(),
    additive=st.booleans(),
    use_scale=st.booleans(),
    mode=st.sampled_from(["dot", "concat"]),
    causal=st.booleans(),
    masked=st.booleans(),
    asked=st.booleans(),
    three=st.booleans(),
    layout=layouts,
    seed=seeds,
)
def test_attention_is_keras(
    data: st.DataObject,
    additive: bool,
    use_scale: bool,
    mode: str,
    causal: bool,
    masked: bool,
    asked: bool,
    three: bool,
    layout: Any,
    seed: int,
) -> None:
    """Output and scores; Keras' masks of keys and of queries are inputs. Its scores do not know the one of queries."""
    steps, others, width, values = (data.draw(small) for _ in range(4))
    query, key = normal(seed, BATCH, steps, width), normal(seed + 1, BATCH, others, width)
    arrays = [query, normal(seed + 2, BATCH, others, values), key] if three else [query, key]
    kind: Attention | AdditiveAttention
    if additive:
        kind = AdditiveAttention(use_scale, 0.1, causal, True)
        layer = keras.layers.AdditiveAttention(use_scale, 0.1, dtype="float64")
    else:
        kind = Attention(use_scale, mode, 0.1, use_causal_mask=causal, return_attention_scores=True)
        layer = keras.layers.Attention(use_scale, mode, 0.1, dtype="float64")
    weights = weights_for(kind, arrays, seed + 7)
    layer.build([x.shape for x in arrays])
    attentions.given(layer, weights)
    seen = mask(seed + 5, BATCH, others) if masked else None
    asking = np.random.default_rng(seed).random((BATCH, steps)) < 0.5 if asked else None
    theirs = [None if given is None else torch.tensor(given) for given in (asking, seen)]
    expected = outputs(
        layer([tensor(x) for x in arrays], mask=theirs, use_causal_mask=causal, return_attention_scores=True)
    )
    if asking is not None:
        expected[1] = expected[1] * asking[:, :, None]
    given = [None if asking is None else asking[:, :, None], seen]
    taken = [*arrays, *(array for array in given if array is not None)]

    def once(symbolic: Collection[int]) -> None:
        found = run(kind, *taken, weights=weights, layout=layout, symbolic=symbolic)
        for ours, wanted in zip(found, expected, strict=True):
            assert_close(ours, wanted)

    both(once, (0,) if steps == others and len(taken) == len(arrays) else ())


@profile
@given(
    data=st.data(),
    lead=st.lists(st.integers(1, 3), max_size=2).map(tuple),
    masked=st.sampled_from([None, "bool", "numbers", "causal"]),
    own_scale=st.none() | st.floats(0.1, 2),
    seed=seeds,
)
def test_attention_is_torchs_scaled_dot_product(
    data: st.DataObject, lead: tuple[int, ...], masked: str | None, own_scale: float | None, seed: int
) -> None:
    """With scale = 1 / sqrt(features); heads and whatever else stands before the steps; rows that see nothing too."""
    steps, others, width, values = (data.draw(small) for _ in range(4))
    shapes = [(steps, width), (others, values), (others, width)]
    arrays = [normal(seed + i, BATCH, *lead, *shape) for i, shape in enumerate(shapes)]
    scale = 1 / sqrt(width) if own_scale is None else own_scale
    kind = Attention(scale=scale, use_causal_mask=masked == "causal", additive_mask=masked == "numbers")
    last: Array | None = None
    if masked == "bool":
        last = np.random.default_rng(seed).random((BATCH, steps, others)) < 0.5
    elif masked == "numbers":
        last = normal(seed + 5, BATCH, *lead, steps, others)
    raised = None
    if last is not None:
        raised = torch.tensor(last.reshape(BATCH, *(1,) * len(lead), steps, others) if masked == "bool" else last)
        raised = raised if masked == "bool" else raised.double()
    query, value, key = map(tensor, arrays)
    expected = F.scaled_dot_product_attention(
        query, key, value, attn_mask=raised, is_causal=masked == "causal", scale=own_scale
    )
    taken = [*arrays, last] if last is not None else arrays

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, *taken, symbolic=symbolic)
        assert_close(found, expected)

    both(once, range(len(lead)) if last is None else ())
