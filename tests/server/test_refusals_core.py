"""What EinsumDense, lookups, Masking, Parameter and Constant refuse, and what they say."""

from collections.abc import Sequence

import pytest

from lamina_server.dims import Size, symbol
from lamina_server.errors import LimitError, StackError
from lamina_server.layers.attention.multi_head import GroupQueryAttention, MultiHeadAttention
from lamina_server.layers.attention.transformer import TransformerEncoderLayer
from lamina_server.layers.attention.unprojected import Attention
from lamina_server.layers.base import Kind
from lamina_server.layers.core.basics import Cast, Dense, Input, Masking
from lamina_server.layers.core.binning import Discretization
from lamina_server.layers.core.einsum_dense import EinsumDense
from lamina_server.layers.core.held import Constant, Parameter
from lamina_server.layers.core.identities import GaussianNoise, SpatialDropout
from lamina_server.layers.core.lookups import CategoryEncoding, Embedding, ReversibleEmbedding
from lamina_server.layers.merging.joining import Add
from lamina_server.layers.pooling.pools import GlobalAveragePool, MaxPool
from lamina_server.layers.recurrent.rnn import LSTM
from lamina_server.layers.shaping.reshaping import Flatten, Permute
from lamina_server.layers.tensors import DType
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from tests.contract import words

SAME, T = symbol("?"), symbol("T")
INF = float("inf")


def refused(kind: Kind, *shapes: tuple[Size, ...], dtypes: Sequence[DType] = ()) -> tuple[str, str]:
    """Reason and text for a layer named "layer" behind Inputs "x0", "x1", ..."""
    types = dtypes or [DType.FLOAT32] * len(shapes)
    inputs = [Node(Input(shape, dtype), f"x{i}") for i, (shape, dtype) in enumerate(zip(shapes, types, strict=True))]
    inputs = inputs or [Node(Input((3,)), "x0")]
    taken = () if kind.begins else tuple(str(node.name) for node in inputs)
    with pytest.raises(StackError) as caught:
        trace(Stack((*inputs, Node(kind, "layer", taken))))
    text = caught.value.message
    assert text.startswith(f"layer ({kind.title}) ") and text.endswith(".") and not words.faults(text)
    return caught.value.reason, text


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "reason", "said"),
    [
        ("abc", (4,), None, "BAD_EQUATION", 'has equation="abc", which is no equation that it can read; write it as'),
        ("abc,cd", (4,), None, "BAD_EQUATION", "no equation that it can read"),
        ("a" * 10**6, (4,), None, "BAD_EQUATION", f'"{"a" * 60}..."'),
        ("...c,cd->cd...", (4,), None, "BAD_EQUATION", '"..." on the same side of input and output'),
        ("...abc...,cd->...abd...", (4,), None, "BAD_EQUATION", '"..." on the same side'),
        ("aac,cd->aad", (SAME, 4), None, "BAD_EQUATION", "has a letter twice in one term"),
        ("abc,cd->bad", (SAME, 4), None, "BAD_EQUATION", "moves the batch, which must come first"),
        ("abc,acd->abd", (SAME, 4), None, "BAD_EQUATION", "moves the batch"),
        ("abc,cz->abd", (SAME, 4), None, "BAD_EQUATION", "has z in one term only"),
        ("abc,c->abd", (SAME, 4), None, "BAD_EQUATION", "has d in one term only"),
        ("ab,bc->ac", (4,), None, "RANK_MISMATCH", '"ab,bc->ac", which needs 2 axes with the batch. It gets batch, 7'),
        ("...abcd,de->...abce", (4,), None, "RANK_MISMATCH", "needs 4 axes or more"),
        ("abc,cd->abd", (4,), None, "LENGTH_MISMATCH", "has output_shape=(4,) for bd: one size for each letter"),
        ("abc,cd->abd", (8, 4), None, "SIZE_MISMATCH", "has 8 for b in output_shape, but the input has 7"),
        ("abc,cd->abd", (SAME, SAME), None, "OUT_OF_RANGE", "has ? for d in output_shape; the input has no d"),
        ("abc,cd->abd", (SAME, 0), None, "OUT_OF_RANGE", "has 0 for d in output_shape"),
        ("abc,cd->abd", (SAME, T), None, "OUT_OF_RANGE", "has T for d in output_shape"),
        ("abc,cd->abd", (SAME, 4), "c", "BAD_AXIS", 'has bias_axes="c"; they are letters of the output but the batch'),
        ("abc,cd->abd", (SAME, 4), "a", "BAD_AXIS", 'bias_axes="a"'),
        ("abc,cd->abd", (SAME, 4), "dd", "BAD_AXIS", "each once: bd"),
    ],
)
def test_equations(
    equation: str, output_shape: tuple[Size, ...], bias_axes: str | None, reason: str, said: str
) -> None:
    found = refused(EinsumDense(equation, output_shape, None, bias_axes), (7, 5))
    assert found[0] == reason and said in found[1]


def test_symbols_where_kernel_or_bias_need_numbers() -> None:
    for kind, size in (
        (EinsumDense("abc,bd->adc", (4, SAME)), "axis b"),
        (EinsumDense("abc,cd->abd", (SAME, 4), None, "b"), "axis b"),
        (EinsumDense("abc,cd->abd", (7, 4)), "axis b"),
    ):
        reason, said = refused(kind, (T, 5))
        assert reason == "SYMBOLIC_SIZE" and f"needs a number for {size}" in said
    reason, said = refused(EinsumDense("abc,bcd->abd", (SAME, 4)), (5, 3), dtypes=[DType.BFLOAT16])
    assert reason == "DTYPE_MISMATCH" and "ONNX has no bfloat16" in said


@pytest.mark.parametrize(
    ("kind", "shapes", "dtypes", "reason", "said"),
    [
        (Embedding(4, 3), [(7,)], [DType.FLOAT32], "DTYPE_MISMATCH", 'put Cast("int64") before it'),
        (Embedding(4, 3), [(7,)], [DType.BOOL], "DTYPE_MISMATCH", "takes integers, but x0 is bool"),
        (Embedding(4, 3, dtype=DType.INT8), [(7,)], [DType.INT32], "DTYPE_MISMATCH", "has rows of int8"),
        (Embedding(0, 3), [(7,)], [DType.INT32], "OUT_OF_RANGE", "has input_dim=0; it must be 1 or more"),
        (ReversibleEmbedding(4, 3), [(7, 3)], [DType.FLOAT32], "DTYPE_MISMATCH", "takes integers"),
        (ReversibleEmbedding(4, 3, reverse=True), [(7,)], [DType.INT32], "DTYPE_MISMATCH", "takes floating-point"),
        (ReversibleEmbedding(4, 3, reverse=True), [(7, 4)], [DType.FLOAT32], "SIZE_MISMATCH", "has rows of 3"),
        (ReversibleEmbedding(4, 3, reverse=True), [()], [DType.FLOAT32], "SIZE_MISMATCH", "needs a last axis of 3"),
        (ReversibleEmbedding(4, 3, logit_soft_cap=0.0, reverse=True), [(3,)], [DType.FLOAT32], "OUT_OF_RANGE",
         "has logit_soft_cap=0.0"),
        (ReversibleEmbedding(4, 3, reverse_dtype=DType.INT8, reverse=True), [(3,)], [DType.FLOAT32], "DTYPE_MISMATCH",
         "computes in int8"),
        (Discretization((1.0, 1.0)), [(7,)], [DType.FLOAT32], "OUT_OF_RANGE", "that do not rise: after 1 comes 1"),
        (Discretization((2.0, 1.0)), [(7,)], [DType.FLOAT32], "OUT_OF_RANGE", "that do not rise: after 2 comes 1"),
        (Discretization((0.0, float("nan"))), [(7,)], [DType.FLOAT32], "OUT_OF_RANGE", "bin_boundaries"),
        (Discretization((1.0,), "count"), [(7, 2)], [DType.FLOAT32], "RANK_MISMATCH", '"count", which needs batch'),
        (Discretization((1.0,)), [(7,)], [DType.BOOL], "DTYPE_MISMATCH", "bool"),
        (CategoryEncoding(4), [(7, 2)], [DType.INT32], "RANK_MISMATCH", '"multi_hot", which needs batch, integers'),
        (CategoryEncoding(4, "count"), [()], [DType.INT32], "RANK_MISMATCH", 'output_mode="count"'),
        (CategoryEncoding(4), [(7,)], [DType.FLOAT32], "DTYPE_MISMATCH", "takes integers"),
        (CategoryEncoding(4, dtype=DType.BOOL), [(7,)], [DType.INT32], "DTYPE_MISMATCH", "its dtype is not bool"),
        (CategoryEncoding(4), [(7,), (7,)], [DType.INT32, DType.FLOAT32], "INPUT_COUNT", "takes no weights"),
        (CategoryEncoding(4, "count"), [(7,), (6,)], [DType.INT32, DType.FLOAT32], "SIZE_MISMATCH",
         "needs a weight for each integer: x0 is batch, 7, x1 is batch, 6"),
        (CategoryEncoding(4, "count"), [(7,), (7,)], [DType.INT32] * 2, "DTYPE_MISMATCH", "x1 is int32"),
        (SpatialDropout(0.1, rank=2), [(7, 3)], [DType.FLOAT32], "RANK_MISMATCH", "needs batch, height, width"),
        (SpatialDropout(0.1), [(7,)], [DType.FLOAT32], "RANK_MISMATCH", "needs batch, steps, channels or batch"),
        (GaussianNoise(1.5), [(7,)], [DType.FLOAT32], "OUT_OF_RANGE", "has stddev=1.5; it must be from 0 to 1"),
        (Masking(float("nan")), [(7, 3)], [DType.FLOAT32], "OUT_OF_RANGE", "has mask_value=nan"),
        (Masking(), [()], [DType.FLOAT32], "RANK_MISMATCH", "needs at least batch, features"),
        (Masking(), [(7, 3)], [DType.INT32], "DTYPE_MISMATCH", 'put Cast("float32") before it'),
    ],
)  # fmt: skip
def test_lookups_and_what_changes_little(
    kind: Kind, shapes: list[tuple[Size, ...]], dtypes: list[DType], reason: str, said: str
) -> None:
    found = refused(kind, *shapes, dtypes=dtypes)
    assert found[0] == reason and said in found[1]


@pytest.mark.parametrize(
    ("kind", "reason", "said"),
    [
        (Parameter((3, T)), "SYMBOLIC_SIZE", "needs a number for each size of its shape"),
        (Parameter((3, 0)), "OUT_OF_RANGE", "declares a size of 0; sizes are 1 or more"),
        (Parameter((1,) * 10**5), "OUT_OF_RANGE", "declares 100000 axes; there may be 32"),
        (Constant(()), "OUT_OF_RANGE", "has 0 values; there must be from 1 to 65536"),
        (Constant((0.0,) * 65537), "OUT_OF_RANGE", "has 65 537 values"),
        (
            Constant((1.0, 2.0, 3.0), (2, 2)),
            "SIZE_MISMATCH",
            "has 3 values for shape (2, 2), which has 4 places",
        ),
        (Constant((1.0,), (3, T)), "SYMBOLIC_SIZE", "each size of its shape"),
        (Constant((float("nan"),)), "OUT_OF_RANGE", "has nan among its values"),
        (Constant((0.5,), dtype=DType.INT32), "OUT_OF_RANGE", "has 0.5 among its values; int32 holds integers from"),
        (Constant((300.0,), dtype=DType.UINT8), "OUT_OF_RANGE", "uint8 holds integers from 0 to 255"),
        (Constant((2.0,), dtype=DType.BOOL), "OUT_OF_RANGE", "bool holds integers from 0 to 1"),
        (Constant((-INF,), dtype=DType.INT64), "OUT_OF_RANGE", "has -inf among its values"),
        (Constant((2.0**60,), dtype=DType.INT64), "OUT_OF_RANGE", "int64 holds integers from -9007199254740992 to"),
        (Constant((1e5,), dtype=DType.FLOAT16), "OUT_OF_RANGE", "float16 holds numbers from -65504 to 65504"),
    ],
)
def test_numbers_that_a_stack_holds(kind: Kind, reason: str, said: str) -> None:
    found = refused(kind)
    assert found[0] == reason and said in found[1]


def test_what_is_held_is_held_to_the_limits() -> None:
    """However few bytes ask for it."""
    for kind in (
        Constant((1.0,), (2**20, 2**20)),
        Parameter((2**20, 2**20)),
        Embedding(2**40, 3),
        Parameter((10**18,) * 9),
    ):
        dtype = DType.INT32 if isinstance(kind, Embedding | CategoryEncoding) else DType.FLOAT32
        with pytest.raises((LimitError, StackError)) as caught:
            trace(Stack((Node(Input((7, 5) if isinstance(kind, EinsumDense) else (7,), dtype), "x"), Node(kind))))
        assert "this server admits" in caught.value.message or caught.value.reason == "OUT_OF_RANGE"


def test_what_takes_nothing_is_given_nothing() -> None:
    """Not the layer before, and not by name; and a stack needs an Input all the same."""
    stack = Stack((Node(Input((3,)), "x"), Node(Parameter((3,)), "p"), Node(Add(), "sum", ("x", "p"))))
    assert [layer.sources for layer in trace(stack).layers] == [(), (), ("x", "p")]
    with pytest.raises(StackError, match="takes no inputs, but 1 is given") as caught:
        trace(Stack((Node(Input((3,)), "x"), Node(Parameter((3,)), "p", ("x",)))))
    assert caught.value.reason == "INPUT_COUNT"
    with pytest.raises(StackError, match="has no Input") as caught:
        trace(Stack((Node(Parameter((3,)), "p"), Node(Dense(2)))))
    assert caught.value.reason == "NO_INPUT"


@pytest.mark.parametrize(
    "user",
    [
        LSTM(2),
        GlobalAveragePool(),
        MultiHeadAttention(2, 3),
        GroupQueryAttention(2, 2, 1),
        Attention(),
        TransformerEncoderLayer(4, 2),
    ],
)
@pytest.mark.parametrize("between", [(), (Dense(4),), (Dense(4), Cast(DType.FLOAT32))])
def test_a_mask_that_would_be_used(user: Kind, between: tuple[Kind, ...]) -> None:
    """Directly behind a Masking, and through layers that hand it on; not behind those that drop it."""
    begin = (Node(Input((6, 4)), "x"), Node(Masking(), "mask"), *map(Node, between))
    with pytest.raises(StackError, match="would leave out, in Keras, what mask masks") as caught:
        trace(Stack((*begin, Node(user, "layer"))))
    assert caught.value.reason == "UNSUPPORTED" and caught.value.facts["mask"] == "mask"
    for dropper in (MaxPool((1,)), Permute((1, 2))):
        trace(Stack((*begin, Node(dropper), Node(user, "layer"))))


def test_an_embedding_sends_its_mask_only_where_it_is_asked_to() -> None:
    ids = Node(Input((6,), DType.INT32), "x")
    for kind in (Embedding(4, 3), ReversibleEmbedding(4, 3)):
        trace(Stack((ids, Node(kind, "e"), Node(LSTM(2)))))
    for kind in (Embedding(4, 3, True), ReversibleEmbedding(4, 3, mask_zero=True)):
        with pytest.raises(StackError, match="what e masks"):
            trace(Stack((ids, Node(kind, "e"), Node(LSTM(2)))))
    back = ReversibleEmbedding(4, 3, mask_zero=True, reverse=True)
    trace(Stack((Node(Input((6, 3)), "x"), Node(back, "e"), Node(LSTM(2)))))
    both = Stack((ids, Node(Embedding(4, 3, True), "e"), Node(Input((6, 3)), "y"), Node(Add(), "sum", ("y", "e")),
                  Node(LSTM(2))))  # fmt: skip
    with pytest.raises(StackError, match="what e masks"):
        trace(both)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (("T",), "it is T, which depends on T: give T a number"),
        (("H", "W"), "it is H * W, which depends on H and W: give H and W numbers"),
    ],
)
def test_a_symbol_where_a_number_is_needed(shape: tuple[str, ...], said: str) -> None:
    nodes = (Node(Input(tuple(map(symbol, shape)))), Node(Flatten()), Node(Dense(3)))
    with pytest.raises(StackError) as caught:
        trace(Stack(nodes))
    assert caught.value.reason == "SYMBOLIC_SIZE"
    assert said in str(caught.value)
