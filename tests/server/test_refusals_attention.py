"""What attention and transformer layers refuse, and what they say."""

import pytest

from lamina_server.dims import Size, symbol
from lamina_server.errors import LimitError, StackError
from lamina_server.layers.activations.functions import Softmax
from lamina_server.layers.attention.multi_head import GroupQueryAttention, MultiHeadAttention
from lamina_server.layers.attention.transformer import TransformerDecoderLayer, TransformerEncoderLayer
from lamina_server.layers.attention.unprojected import AdditiveAttention, Attention
from lamina_server.layers.base import Kind
from lamina_server.layers.core.basics import Input
from lamina_server.layers.tensors import DType
from lamina_server.limits import Limits
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from tests.contract import words

Shape = tuple[Size, ...]
BOOL, INT = DType.BOOL, DType.INT32
MHA, GQA = MultiHeadAttention(2, 3), GroupQueryAttention(3, 4, 2)
ENCODER, DECODER = TransformerEncoderLayer(6, 2, 4), TransformerDecoderLayer(6, 2, 4)
MASKED = TransformerDecoderLayer(6, 2, 4, target_masks=2)


def stack_of(kind: Kind, *shapes: Shape, last: DType = DType.FLOAT32) -> Stack:
    """A layer named "layer" behind Inputs "x0", "x1", ..., the last of an element type of its own."""
    types = [DType.FLOAT32] * (len(shapes) - 1) + [last]
    inputs = [Node(Input(shape, dtype), f"x{i}") for i, (shape, dtype) in enumerate(zip(shapes, types, strict=True))]
    return Stack((*inputs, Node(kind, "layer", tuple(f"x{i}" for i in range(len(shapes))))))


@pytest.mark.parametrize(
    ("kind", "shapes", "last", "reason", "said"),
    [
        (MHA, [(5,)], None, "RANK_MISMATCH", "needs at least batch, steps, features. It gets batch, 5"),
        (Attention(), [(5,)], None, "RANK_MISMATCH", "needs at least batch, steps, features"),
        (GQA, [(3, 5, 6)], None, "RANK_MISMATCH", "needs batch, steps, features. It gets batch, height 3"),
        (ENCODER, [(3, 5, 6)], None, "RANK_MISMATCH", "needs batch, steps, features"),
        (MHA, [(5, 6), (2, 7, 6)], None, "RANK_MISMATCH", "query, value and key with equally many axes: query is"),
        (MHA, [(5, 6), (7, 6), (8, 6)], None, "SIZE_MISMATCH", "needs a value for each key, so all but their last"),
        (MultiHeadAttention(2, 3, attention_axes=(2,)), [(3, 5, 6), (4, 5, 6)], None, "SIZE_MISMATCH",
         "attends alone at each place along height, which must agree"),
        (Attention(), [(2, 5, 6), (3, 5, 6)], None, "SIZE_MISMATCH", "attends alone at each place"),
        (Attention(), [(5, 6), (7, 4)], None, "SIZE_MISMATCH", "compares queries of 6 numbers with keys of 4"),
        (AdditiveAttention(), [(5, 6), (7, 4)], None, "SIZE_MISMATCH", "they must be as many"),
        (MultiHeadAttention(2, 3, attention_axes=(0,)), [(5, 6)], None, "BAD_AXIS", "the batch axis is never touched"),
        (MultiHeadAttention(2, 3, attention_axes=(2,)), [(5, 6)], None, "BAD_AXIS", "axes from 1 to 1, each once"),
        (MultiHeadAttention(2, 3, attention_axes=(1, 1)), [(4, 5, 6)], None, "BAD_AXIS", "each once"),
        (MultiHeadAttention(2, 3, attention_axes=(1, 2) * 10**5), [(4, 5, 6)], None, "BAD_AXIS", "each once"),
        (MultiHeadAttention(2, 3, attention_axes=(7,)), [(5, 6)], None, "BAD_AXIS", "attention_axes is 7"),
        (MultiHeadAttention(2, 3, use_causal_mask=True), [(4, 5, 6)], None, "UNSUPPORTED",
         "attends along 2 axes at once, which have no order"),
        (MultiHeadAttention(2, 3, sliding_window=2), [(4, 5, 6)], None, "UNSUPPORTED", "give one axis"),
        (MultiHeadAttention(2, 3, sliding_window=0), [(5, 6)], None, "OUT_OF_RANGE", "has sliding_window=0"),
        (MultiHeadAttention(0, 3), [(5, 6)], None, "OUT_OF_RANGE", "has num_heads=0; it must be 1 or more"),
        (MultiHeadAttention(2, 3, dropout=1.5), [(5, 6)], None, "OUT_OF_RANGE", "has dropout=1.5"),
        (MultiHeadAttention(2, 3, output_shape=(0,)), [(5, 6)], None, "OUT_OF_RANGE", "has output_shape=0"),
        (MultiHeadAttention(2, 3, output_shape=(2,) * 10**5), [(5, 6)], None, "OUT_OF_RANGE", "declares 100000 axes"),
        (GroupQueryAttention(3, 4, 3), [(5, 6)], None, "NOT_DIVISIBLE",
         "has num_query_heads=4 and num_key_value_heads=3; the second must divide the first; 1, 2, 4 do"),
        (TransformerEncoderLayer(6, 4), [(5, 6)], None, "NOT_DIVISIBLE", "has d_model=6 and nhead=4"),
        (ENCODER, [(5, 8)], None, "SIZE_MISMATCH", "has d_model=6, but x0 has 8 features: batch, 5 steps, 8"),
        (DECODER, [(5, 6), (7, 5)], None, "SIZE_MISMATCH", "has d_model=6, but x1 has 5 features"),
        (TransformerEncoderLayer(6, 2, 4, activation=Softmax(3)), [(5, 6)], None, "BAD_AXIS", "axis is 3"),
        # inputs and masks
        (MHA, [(5, 6)] * 4, None, "INPUT_COUNT", "takes query, value and key, and masks of bool after that; x3 is of"),
        (ENCODER, [(5, 6)] * 4, None, "INPUT_COUNT", "takes 1 to 3 inputs, but 4 are given"),
        (MHA, [(5, 6)] * 7, None, "INPUT_COUNT", "takes 1 to 6 inputs, but 7 are given"),
        (DECODER, [(5, 6)], None, "INPUT_COUNT", "takes 2 to 6 inputs, but 1 is given"),
        (DECODER, [(5, 6), (5, 5)], BOOL, "DTYPE_MISMATCH", "takes floating-point numbers, but x1 is bool"),
        (ENCODER, [(5, 6), (5, 5)], INT, "DTYPE_MISMATCH", 'takes a mask of bool, but x1 is int32: put Cast("bool")'),
        (DECODER, [(5, 6), (5, 5)], INT, "DTYPE_MISMATCH", 'takes floating-point numbers, but x1 is int32'),
        (MASKED, [(5, 6), (7, 6)], None, "INPUT_COUNT",
         "has target_masks=2, but no mask stands behind its two other inputs"),
        (MASKED, [(5, 6), (7, 6), (5, 5)], BOOL, "INPUT_COUNT", "has target_masks=2, but only 1 mask stands behind"),
        (MASKED, [(5, 6), (7, 6), (5, 5), (7,)], BOOL, "SIZE_MISMATCH",
         "takes a mask of shape (batch, 5) or (batch, 5, 5) or (batch, 2, 5, 5), but x3 is batch, 7"),
        (MASKED, [(5, 6), (7, 6), (5, 5), (5,), (5,)], BOOL, "SIZE_MISMATCH",
         "takes a mask of shape (batch, 7) or (batch, 5, 7) or (batch, 2, 5, 7), but x4 is batch, 5"),
        (MultiHeadAttention(2, 3, add_zero_attn=True), [(4, 5, 6)], None, "UNSUPPORTED",
         "attends along 2 axes at once, where one more key has no place: give one axis in attention_axes"),
        (MultiHeadAttention(2, 3, additive_mask=True), [(5, 6)], None, "INPUT_COUNT", "has additive_mask=True"),
        (MultiHeadAttention(2, 3, additive_mask=True), [(5, 6), (5, 5)], BOOL, "INPUT_COUNT",
         "the last of several inputs of numbers is the mask, but one is given"),
        (MultiHeadAttention(2, 3, additive_mask=True), [(5, 6)] * 5, None, "INPUT_COUNT", "x4 is of float32"),
        (MHA, [(5, 6), (5, 5)], INT, "DTYPE_MISMATCH", 'x1 is int32: put Cast("bool") before it'),
        (MHA, [(5, 6), (7, 6)], DType.FLOAT64, "DTYPE_MISMATCH", "brings together float32 (x0) and float64 (x1)"),
        (MHA, [(5, 6), (4,)], BOOL, "SIZE_MISMATCH",
         "takes a mask of shape (batch, 5) or (batch, 5, 5) or (batch, 2, 5, 5), but x1 is batch, 4"),
        (MHA, [(5, 6), (5, 4)], BOOL, "SIZE_MISMATCH", "but x1 is batch, 5 steps, 4"),
        (MHA, [(5, 6), (3, 5, 5)], BOOL, "SIZE_MISMATCH", "takes a mask of shape"),
        (MHA, [(5, 6), (1, 1, 1, 5, 5)], BOOL, "SIZE_MISMATCH", "takes a mask of shape"),
        (MHA, [(4, 5, 6), (20,)], BOOL, "SIZE_MISMATCH",
         "takes a mask of shape (batch, 4, 5, 4, 5) or (batch, 2, 4, 5, 4, 5), but x1 is batch, 20"),
        (MHA, [(4, 5, 6), (1, 5, 4, 5)], BOOL, "SIZE_MISMATCH", "takes a mask of shape"),
        (Attention(), [(5, 6), (7, 6), (5, 6)], BOOL, "SIZE_MISMATCH",
         "takes a mask of shape (batch, 7) or (batch, 5, 7), but x2 is"),
        (ENCODER, [(5, 6), (4, 5)], BOOL, "SIZE_MISMATCH", "takes a mask of shape"),
    ],
)  # fmt: skip
def test_refusals(kind: Kind, shapes: list[Shape], last: DType | None, reason: str, said: str) -> None:
    with pytest.raises(StackError) as caught:
        trace(stack_of(kind, *shapes, last=last or DType.FLOAT32))
    text = caught.value.message
    assert caught.value.reason == reason and said in text
    assert text.startswith(f"layer ({kind.title}) ") and text.endswith(".") and not words.faults(text)


@pytest.mark.parametrize("kind", [MHA, GQA, Attention(), AdditiveAttention(False), ENCODER])
def test_features_may_be_a_symbol_only_where_no_weight_depends_on_them(kind: Kind) -> None:
    stack = stack_of(kind, (5, symbol("F")))
    if isinstance(kind, Attention | AdditiveAttention):
        assert trace(stack).specs["layer"].shape[2] == symbol("F")
        return
    with pytest.raises(StackError) as caught:
        trace(stack)
    assert caught.value.reason == "SYMBOLIC_SIZE"


@pytest.mark.parametrize(
    ("kind", "shapes"),
    [
        (MHA, [(10**5, 6)]),
        (Attention(), [(10**5, 6)]),
        (AdditiveAttention(), [(10**4, 50), (10**4, 50)]),
        (TransformerEncoderLayer(6, 2, 4), [(10**5, 6)]),
        (MultiHeadAttention(10**9, 1), [(5, 6)]),
        (MultiHeadAttention(2, 10**12), [(5, 6)]),
        (TransformerEncoderLayer(6, 2, 2**40), [(5, 6)]),
    ],
)
def test_scores_and_weights_are_held_to_the_limits(kind: Kind, shapes: list[Shape]) -> None:
    """A score for every pair: 10^5 steps ask for 10^10 of them, though neither input nor output is large."""
    with pytest.raises((LimitError, StackError), match=r"this server admits|it must be from"):
        trace(stack_of(kind, *shapes))


def test_scores_count_as_memory() -> None:
    """Not only the limit on elements, but the bytes alive at once hold them: 2 x 1000 x 1000 numbers and more."""
    stack = stack_of(MultiHeadAttention(1, 1), (1000, 1))
    assert isinstance(peak := trace(stack).peak_bytes, int) and peak > 2 * 1000 * 1000 * 4
    with pytest.raises(LimitError, match="alive at once"):
        trace(stack, Limits(max_activation_bytes=2 * 1000 * 1000 * 4))
