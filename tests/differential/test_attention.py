"""Multi-head and grouped attention beside Keras' and PyTorch's; masks, gates, windows, several axes."""

from collections.abc import Collection
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.attention.multi_head import GroupQueryAttention, MultiHeadAttention
from lamina_server.trace import trace
from tests.differential import attentions
from tests.differential.attentions import alike, mask, outputs, packed, weights_for
from tests.differential.oracles import keras, tensor, torch
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
    stack_of,
)

# A softmax over one key is legal, and drawn on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:(?s).*You are using a softmax over axis")
small = st.integers(1, 4)
windows = st.none() | st.integers(1, 4)


def inputs_of(data: st.DataObject, seed: int, steps: tuple[int, ...], others: tuple[int, ...]) -> list[Array]:
    """Query; query and value; or query, value and key."""
    count, widths = data.draw(st.integers(1, 3)), [data.draw(small) for _ in range(3)]
    return [normal(seed + i, BATCH, *(steps if i == 0 else others), widths[i]) for i in range(count)]


@profile
@given(
    data=st.data(),
    heads=st.integers(1, 3),
    key_dim=small,
    value_dim=st.none() | small,
    use_bias=st.booleans(),
    use_gate=st.booleans(),
    causal=st.booleans(),
    window=windows,
    masked=st.sampled_from([None, "keys", "pairs", "heads"]),
    out=st.lists(small, max_size=2).map(tuple),
    steps=small,
    others=small,
    layout=layouts,
    seed=seeds,
)
def test_multi_head_attention_is_keras(
    data: st.DataObject,
    heads: int,
    key_dim: int,
    value_dim: int | None,
    use_bias: bool,
    use_gate: bool,
    causal: bool,
    window: int | None,
    masked: str | None,
    out: tuple[int, ...],
    steps: int,
    others: int,
    layout: Any,
    seed: int,
) -> None:
    """Output and scores, one axis of steps. Without an empty row, where Keras differs from itself."""
    arrays = inputs_of(data, seed, (steps,), (others,))
    others = steps if len(arrays) == 1 else others
    window = None if window and steps >= others + window else window  # the last queries would see nothing
    shape = {"keys": (others,), "pairs": (steps, others), "heads": (heads, steps, others)}.get(masked or "")
    seen = mask(seed + 5, BATCH, *shape) if shape else None
    if seen is not None and window:
        seen, masked = None, None  # together they may leave a row empty
    kind = MultiHeadAttention(
        heads, key_dim, value_dim, 0.2, use_bias, out, (), window, use_gate, causal, True
    )  # fmt: skip
    weights = weights_for(kind, arrays, seed + 7)
    layer = keras.layers.MultiHeadAttention(
        heads, key_dim, value_dim, 0.2, use_bias, out or None, sliding_window=window, use_gate=use_gate, dtype="float64"
    )
    query, value, key = (*arrays, *arrays[-1:] * 2)[:3]
    layer.build(query.shape, value.shape, key.shape)
    attentions.given(layer, weights)
    theirs = seen[:, None] if masked == "keys" and seen is not None else seen
    expected = outputs(
        layer(
            *map(tensor, (query, value, key)),
            attention_mask=None if theirs is None else torch.tensor(theirs),
            use_causal_mask=causal,
            return_attention_scores=True,
        )
    )
    taken = [*arrays, seen] if seen is not None else arrays

    def once(symbolic: Collection[int]) -> None:
        for ours, wanted in zip(run(kind, *taken, weights=weights, layout=layout), expected, strict=True):
            assert_close(ours, wanted)

    once(())
    if seen is None and (len(arrays) == 1 or steps == others):  # one symbol for the steps of all
        for ours, wanted in zip(run(kind, *taken, weights=weights, symbolic=(0,)), expected, strict=True):
            assert_close(ours, wanted)


@profile
@given(
    data=st.data(),
    sizes=st.lists(st.integers(1, 3), min_size=2, max_size=3).map(tuple),
    gate=st.booleans(),
    masked=st.booleans(),
    own=st.booleans(),
    seed=seeds,
)
def test_attention_along_several_axes_is_keras(
    data: st.DataObject, sizes: tuple[int, ...], gate: bool, masked: bool, own: bool, seed: int
) -> None:
    """Any axes in any order, attended together, each place of the others alone."""
    rank = len(sizes) + 2
    axes = tuple(data.draw(st.permutations(range(1, rank - 1))))[: data.draw(st.integers(1, len(sizes)))]
    spelled = tuple(axis - rank if data.draw(st.booleans()) else axis for axis in axes)
    others = tuple(data.draw(small) if i + 1 in axes else n for i, n in enumerate(sizes))
    arrays = [normal(seed, BATCH, *sizes, 3)]
    if not own:
        arrays.append(normal(seed + 1, BATCH, *others, 2))
    kind = MultiHeadAttention(2, 3, attention_axes=spelled, use_gate=gate, return_attention_scores=True)
    weights = weights_for(kind, arrays, seed + 7)
    layer = keras.layers.MultiHeadAttention(2, 3, attention_axes=axes, use_gate=gate, dtype="float64")
    query, value = arrays[0], arrays[-1]
    layer.build(query.shape, value.shape)
    attentions.given(layer, weights)
    ends = [query.shape[axis] for axis in axes] + [value.shape[axis] for axis in axes]
    apart = [query.shape[axis] for axis in range(1, rank - 1) if axis not in axes]
    shape = (BATCH, *ends) if data.draw(st.booleans()) else (BATCH, *apart, 2, *ends)
    seen = np.random.default_rng(seed).random(shape) < 0.7 if masked else None
    if seen is not None:
        seen.reshape(-1, prod(ends[len(axes) :]))[:, 0] = True
    theirs = None
    if seen is not None:  # Keras cannot broadcast a mask over the places that attend alone
        raised = seen.reshape(BATCH, *(1,) * (len(apart) + 1), *ends) if len(shape) == 1 + len(ends) else seen
        theirs = torch.tensor(np.broadcast_to(raised, (BATCH, *apart, 2, *ends)).copy())
    expected = outputs(layer(tensor(query), tensor(value), attention_mask=theirs, return_attention_scores=True))
    taken = [*arrays, seen] if seen is not None else arrays

    def once(symbolic: Collection[int]) -> None:
        found = run(kind, *taken, weights=weights, symbolic=symbolic)
        for ours, wanted in zip(found, expected, strict=True):
            assert_close(ours, wanted)

    both(once, range(len(sizes)) if own and not masked else ())


@profile
@given(
    data=st.data(),
    groups=st.integers(1, 3),
    repeats=st.integers(1, 3),
    head_dim=small,
    use_bias=st.booleans(),
    use_gate=st.booleans(),
    causal=st.booleans(),
    masked=st.booleans(),
    window=windows,
    steps=small,
    others=small,
    seed=seeds,
)
def test_group_query_attention_is_keras(
    data: st.DataObject,
    groups: int,
    repeats: int,
    head_dim: int,
    use_bias: bool,
    use_gate: bool,
    causal: bool,
    masked: bool,
    window: int | None,
    steps: int,
    others: int,
    seed: int,
) -> None:
    arrays = inputs_of(data, seed, (steps,), (others,))
    others = steps if len(arrays) == 1 else others
    window = None if window and (masked or steps >= others + window) else window
    kind = GroupQueryAttention(
        head_dim, groups * repeats, groups, 0.0, use_bias, window, use_gate, causal, return_attention_scores=True
    )
    weights = weights_for(kind, arrays, seed + 7)
    layer = keras.layers.GroupQueryAttention(
        head_dim, groups * repeats, groups, 0.0, use_bias, window, use_gate=use_gate, dtype="float64"
    )
    query, value, key = (*arrays, *arrays[-1:] * 2)[:3]
    layer.build(query.shape, value.shape, key.shape)
    attentions.given(layer, weights)
    seen = mask(seed + 5, BATCH, steps, others) if masked else None
    expected = outputs(
        layer(
            *map(tensor, (query, value, key)),
            attention_mask=None if seen is None else torch.tensor(seen),
            use_causal_mask=causal,
            return_attention_scores=True,
        )
    )
    taken = [*arrays, seen] if seen is not None else arrays
    for ours, wanted in zip(run(kind, *taken, weights=weights), expected, strict=True):
        assert_close(ours, wanted)
    if len(arrays) == 1 and seen is None:
        for ours, wanted in zip(run(kind, *taken, weights=weights, symbolic=(0,)), expected, strict=True):
            assert_close(ours, wanted)


def _masks(masked: str | None, mask: Any, padding: Any, heads: int, size: tuple[int, int]) -> dict[str, Any]:
    """PyTorch's options for masks, each of which says what is not seen."""
    options: dict[str, Any] = {}
    if masked == "keys":
        options["key_padding_mask"] = ~torch.tensor(mask)
    elif masked == "causal":
        options["attn_mask"] = torch.triu(torch.ones(size, dtype=torch.bool), 1)
    elif masked is not None:
        raised = mask if masked == "heads" else np.repeat(mask[:, None], heads, 1)
        one = raised.reshape(-1, *size)
        options["attn_mask"] = tensor(one) if masked == "numbers" else ~torch.tensor(one)
    if padding is not None:
        options["key_padding_mask"] = alike(~torch.tensor(padding)) if masked == "numbers" else ~torch.tensor(padding)
    return options


@profile
@given(
    data=st.data(),
    heads=st.integers(1, 3),
    size=small,
    bias=st.booleans(),
    own=st.booleans(),
    masked=st.sampled_from([None, "keys", "pairs", "heads", "numbers", "causal"]),
    padded=st.booleans(),
    behind=st.tuples(st.booleans(), st.booleans()),
    steps=small,
    others=small,
    seed=seeds,
)
def test_multi_head_attention_is_torchs(
    data: st.DataObject,
    heads: int,
    size: int,
    bias: bool,
    own: bool,
    masked: str | None,
    padded: bool,
    behind: tuple[bool, bool],
    steps: int,
    others: int,
    seed: int,
) -> None:
    """embed_dim is heads x key_dim; its packed projection split; what it calls masked is what a query does not see.

    Two masks at once, and its own keys and values behind the others: trained ones, and zeros.
    """
    embed, kdim, vdim = heads * size, *(heads * size if own else data.draw(small) for _ in "kv")
    query = normal(seed, BATCH, steps, embed)
    arrays = [query] if own else [query, normal(seed + 1, BATCH, others, vdim), normal(seed + 2, BATCH, others, kdim)]
    others = steps if own else others
    kind = MultiHeadAttention(
        heads,
        size,
        use_bias=bias,
        use_causal_mask=masked == "causal",
        additive_mask=masked == "numbers",
        return_attention_scores=True,
        add_bias_kv=behind[0],
        add_zero_attn=behind[1],
    )
    shape = {"keys": (others,), "pairs": (steps, others), "heads": (heads, steps, others)}.get(masked or "")
    seen = mask(seed + 5, BATCH, *shape) if shape else None
    added = normal(seed + 5, BATCH, steps, others) if masked == "numbers" else seen
    padding = mask(seed + 6, BATCH, others) if padded and masked != "keys" else None
    taken = [*arrays, *(array for array in (added, padding) if array is not None)]
    weights = weights_for(kind, taken, seed + 7)
    theirs = attentions.loaded(
        torch.nn.MultiheadAttention(embed, heads, 0.0, bias, *behind, kdim, vdim, batch_first=True), packed(weights)
    )
    options = _masks(masked, added, padding, heads, (steps, others))
    value, key = (arrays[0], arrays[0]) if own else (arrays[1], arrays[2])
    expected = outputs(theirs(tensor(query), tensor(key), tensor(value), average_attn_weights=False, **options))
    for ours, wanted in zip(run(kind, *taken, weights=weights), expected, strict=True):
        assert_close(ours, wanted)
    if len(taken) == len(arrays):
        assert trace(stack_of(kind, [x.shape[1:] for x in arrays])).layer("layer").params == attentions.counted(theirs)
    if len(taken) == 1:
        for ours, wanted in zip(run(kind, *taken, weights=weights, symbolic=(0,)), expected, strict=True):
            assert_close(ours, wanted)
