"""Encoder and decoder layers beside PyTorch's, their weights renamed."""

from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.activations.functions import Gelu, Relu
from lamina_server.layers.attention.transformer import TransformerDecoderLayer, TransformerEncoderLayer
from lamina_server.trace import trace
from tests.differential import attentions
from tests.differential.attentions import mask, transformed, weights_for, with_gradients
from tests.differential.oracles import tensor, torch
from tests.differential.support import BATCH, assert_close, both, layouts, normal, profile, run, seeds, stack_of

FUNCTIONS = {"relu": Relu(), "gelu": Gelu()}
small = st.integers(1, 4)
options = {
    "heads": st.integers(1, 3),
    "size": small,
    "inner": st.integers(1, 6),
    "function": st.sampled_from(["relu", "gelu"]),
    "eps": st.sampled_from([1e-5, 1e-2]),
    "first": st.booleans(),
    "bias": st.booleans(),
    "masked": st.sampled_from([None, "keys", "pairs", "numbers"]),
    "causal": st.booleans(),
    "steps": small,
    "layout": layouts,
    "seed": seeds,
}


@profile
@given(**options)
def test_the_encoder_layer_is_torchs(
    heads: int,
    size: int,
    inner: int,
    function: str,
    eps: float,
    first: bool,
    bias: bool,
    masked: str | None,
    causal: bool,
    steps: int,
    layout: Any,
    seed: int,
) -> None:
    """Every option; masks of keys, of pairs, of numbers, causal, and two at once."""
    width = heads * size
    kind = TransformerEncoderLayer(
        width,
        heads,
        inner,
        0.1,
        FUNCTIONS[function],
        eps,
        first,
        bias,
        causal,
        masked == "numbers",
    )
    x, last = normal(seed, BATCH, steps, width), None
    shape = (BATCH, 1, steps) if masked == "keys" else (BATCH, steps, steps)
    added = torch.zeros(BATCH, steps, steps).double()  # all masks in one, as PyTorch adds them up
    if causal:
        added = added.masked_fill(torch.triu(torch.ones(steps, steps, dtype=torch.bool), 1), -torch.inf)
    if masked == "numbers":
        last = normal(seed + 1, *shape)
        added = added + tensor(last)
    elif masked:
        last = mask(seed + 1, *shape)
        added = added.masked_fill(~torch.tensor(last), -torch.inf)
        last = last[:, 0] if masked == "keys" else last
    taken = [x] if last is None else [x, last]
    weights = weights_for(kind, taken, seed + 7)
    module = torch.nn.TransformerEncoderLayer(
        width, heads, inner, 0.1, function, eps, batch_first=True, norm_first=first, bias=bias
    )
    module = attentions.loaded(module, transformed(weights, {"self_attention": "self_attn"}))
    expected = with_gradients(lambda: module(tensor(x), src_mask=added.repeat_interleave(heads, 0)))

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, *taken, weights=weights, layout=layout, symbolic=symbolic)
        assert_close(found, expected)

    both(once, (0,) if last is None else ())


@profile
@given(others=small, **options)
def test_the_decoder_layer_is_torchs(
    others: int,
    heads: int,
    size: int,
    inner: int,
    function: str,
    eps: float,
    first: bool,
    bias: bool,
    masked: str | None,
    causal: bool,
    steps: int,
    layout: Any,
    seed: int,
) -> None:
    """Causal among the steps; masks of keys, of pairs, of numbers towards the second input."""
    width = heads * size
    kind = TransformerDecoderLayer(
        width,
        heads,
        inner,
        0.1,
        FUNCTIONS[function],
        eps,
        first,
        bias,
        causal,
        masked == "numbers",
    )
    x, memory = normal(seed, BATCH, steps, width), normal(seed + 2, BATCH, others, width)
    last, theirs = None, {}
    if causal:
        theirs["tgt_mask"] = torch.triu(torch.ones(steps, steps, dtype=torch.bool), 1)
    if masked == "keys":
        last = mask(seed + 1, BATCH, others)
        theirs["memory_key_padding_mask"] = ~torch.tensor(last)
    elif masked == "pairs":
        last = mask(seed + 1, BATCH, steps, others)
        theirs["memory_mask"] = ~torch.tensor(last).repeat_interleave(heads, 0)
    elif masked == "numbers":
        last = normal(seed + 1, BATCH, steps, others)
        theirs["memory_mask"] = tensor(last).repeat_interleave(heads, 0)
    taken = [x, memory] if last is None else [x, memory, last]
    weights = weights_for(kind, taken, seed + 7)
    module = torch.nn.TransformerDecoderLayer(
        width, heads, inner, 0.1, function, eps, batch_first=True, norm_first=first, bias=bias
    )
    names = {"self_attention": "self_attn", "cross_attention": "multihead_attn"}
    module = attentions.loaded(module, transformed(weights, names))
    expected = with_gradients(lambda: module(tensor(x), tensor(memory), **theirs))

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, *taken, weights=weights, layout=layout, symbolic=symbolic)
        assert_close(found, expected)

    both(once, (0,) if last is None and steps == others else ())


@pytest.mark.parametrize("bias", [True, False])
def test_parameters_are_torchs(bias: bool) -> None:
    """Of the sizes that PyTorch's own examples have."""
    encoder, decoder = TransformerEncoderLayer(512, 8, bias=bias), TransformerDecoderLayer(512, 8, bias=bias)
    shapes = ((7, 512), (5, 512))
    found = [trace(stack_of(kind, shapes[: i + 1])).layers[-1].params for i, kind in enumerate((encoder, decoder))]
    classes = torch.nn.TransformerEncoderLayer, torch.nn.TransformerDecoderLayer
    assert found == [attentions.counted(cls(512, 8, bias=bias)) for cls in classes]
