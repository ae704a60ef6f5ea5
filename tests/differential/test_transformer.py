"""Encoder and decoder layers beside PyTorch's, their weights renamed."""

from collections.abc import Collection, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.activations.functions import Gelu, Relu
from lamina_server.layers.attention.transformer import TransformerDecoderLayer, TransformerEncoderLayer
from lamina_server.trace import trace
from tests.differential import attentions
from tests.differential.attentions import alike, mask, transformed, weights_for, with_gradients
from tests.differential.oracles import tensor, torch
from tests.differential.support import BATCH, Array, assert_close, both, layouts, normal, profile, run, seeds, stack_of

FUNCTIONS = {"relu": Relu(), "gelu": Gelu()}
small = st.integers(1, 4)
MASKS = [(), ("keys",), ("pairs",), ("heads",), ("numbers",), ("numbers", "keys"), ("pairs", "keys")]
masks = st.sampled_from(MASKS)
options = {
    "heads": st.integers(1, 3),
    "size": small,
    "inner": st.integers(1, 6),
    "function": st.sampled_from(["relu", "gelu"]),
    "eps": st.sampled_from([1e-5, 1e-2]),
    "first": st.booleans(),
    "bias": st.booleans(),
    "masked": masks,
    "causal": st.booleans(),
    "steps": small,
    "layout": layouts,
    "seed": seeds,
}


def drawn(seed: int, masked: Sequence[str], heads: int, steps: int, others: int) -> tuple[list[Array], dict[str, Any]]:
    """Masks of these kinds as ours, and as PyTorch's "mask" and "key_padding_mask", which say what is not seen."""
    shapes = {"keys": (others,), "heads": (heads, steps, others)}
    ours, theirs = [], {}
    for i, kind in enumerate(masked):
        shape = (BATCH, *shapes.get(kind, (steps, others)))
        ours.append(normal(seed + i, *shape) if kind == "numbers" else mask(seed + i, *shape))
        given = tensor(ours[-1]) if kind == "numbers" else ~torch.tensor(ours[-1])
        if kind == "keys":
            theirs["key_padding_mask"] = given
        else:
            theirs["mask"] = given.reshape(-1, steps, others) if kind == "heads" else given.repeat_interleave(heads, 0)
    return ours, theirs


def called(prefix: str, theirs: dict[str, Any]) -> dict[str, Any]:
    """The masks by PyTorch's names, both of numbers where one is, as it wants them."""
    if any(value.dtype is not torch.bool for value in theirs.values()):
        theirs = {name: alike(value) for name, value in theirs.items()}
    return {f"{prefix}_{name}": value for name, value in theirs.items()}


def causally(theirs: dict[str, Any], steps: int) -> dict[str, Any]:
    """Masks that hide what comes later, too: all in one, as PyTorch has no second of one kind."""
    later = torch.triu(torch.ones(steps, steps, dtype=torch.bool), 1)
    given = theirs.get("mask", torch.zeros(1, dtype=torch.bool))
    both = given | later if given.dtype is torch.bool else given.masked_fill(later, -torch.inf)
    return theirs | {"mask": both}


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
    masked: Sequence[str],
    causal: bool,
    steps: int,
    layout: Any,
    seed: int,
) -> None:
    """Every option; masks of keys, of pairs, of heads, of numbers, causal, and several at once."""
    width = heads * size
    kind = TransformerEncoderLayer(width, heads, inner, 0.1, FUNCTIONS[function], eps, first, bias, causal)
    x = normal(seed, BATCH, steps, width)
    given, theirs = drawn(seed + 1, masked, heads, steps, steps)
    theirs = causally(theirs, steps) if causal else theirs
    weights = weights_for(kind, [x, *given], seed + 7)
    module = torch.nn.TransformerEncoderLayer(
        width, heads, inner, 0.1, function, eps, batch_first=True, norm_first=first, bias=bias
    )
    module = attentions.loaded(module, transformed(weights, {"self_attention": "self_attn"}))
    expected = with_gradients(lambda: module(tensor(x), **called("src", theirs)))

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, x, *given, weights=weights, layout=layout, symbolic=symbolic)
        assert_close(found, expected)

    both(once, () if given else (0,))


@profile
@given(others=small, own=masks, **options)
def test_the_decoder_layer_is_torchs(
    others: int,
    own: Sequence[str],
    heads: int,
    size: int,
    inner: int,
    function: str,
    eps: float,
    first: bool,
    bias: bool,
    masked: Sequence[str],
    causal: bool,
    steps: int,
    layout: Any,
    seed: int,
) -> None:
    """Masks of every kind among the steps and towards the second input, and causal among the steps."""
    width = heads * size
    kind = TransformerDecoderLayer(width, heads, inner, 0.1, FUNCTIONS[function], eps, first, bias, causal, len(own))
    x, memory = normal(seed, BATCH, steps, width), normal(seed + 2, BATCH, others, width)
    among, target = drawn(seed + 3, own, heads, steps, steps)
    towards, theirs = drawn(seed + 5, masked, heads, steps, others)
    target = causally(target, steps) if causal else target
    taken = [x, memory, *among, *towards]
    weights = weights_for(kind, taken, seed + 7)
    module = torch.nn.TransformerDecoderLayer(
        width, heads, inner, 0.1, function, eps, batch_first=True, norm_first=first, bias=bias
    )
    names = {"self_attention": "self_attn", "cross_attention": "multihead_attn"}
    module = attentions.loaded(module, transformed(weights, names))
    named = called("tgt", target) | called("memory", theirs)
    expected = with_gradients(lambda: module(tensor(x), tensor(memory), **named))

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, *taken, weights=weights, layout=layout, symbolic=symbolic)
        assert_close(found, expected)

    both(once, (0,) if len(taken) == 2 and steps == others else ())


@pytest.mark.parametrize("bias", [True, False])
def test_parameters_are_torchs(bias: bool) -> None:
    """Of the sizes that PyTorch's own examples have."""
    encoder, decoder = TransformerEncoderLayer(512, 8, bias=bias), TransformerDecoderLayer(512, 8, bias=bias)
    shapes = ((7, 512), (5, 512))
    found = [trace(stack_of(kind, shapes[: i + 1])).layers[-1].params for i, kind in enumerate((encoder, decoder))]
    classes = torch.nn.TransformerEncoderLayer, torch.nn.TransformerDecoderLayer
    assert found == [attentions.counted(cls(512, 8, bias=bias)) for cls in classes]
