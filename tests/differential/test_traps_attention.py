"""Traps of fully connected layers, lookups and attention, each as it was met, with what both frameworks say."""

import inspect
from dataclasses import fields
from typing import Any

import numpy as np
import onnx
import pytest

from lamina_server.dims import symbol
from lamina_server.errors import StackError
from lamina_server.explain import explain, parameters
from lamina_server.export import export, operators
from lamina_server.layers import KINDS
from lamina_server.layers.attention.multi_head import GroupQueryAttention, MultiHeadAttention
from lamina_server.layers.attention.unprojected import Attention
from lamina_server.layers.base import Kind
from lamina_server.layers.core.basics import Cast, Dense, Dropout, Input
from lamina_server.layers.core.einsum_dense import EinsumDense
from lamina_server.layers.core.lookups import Embedding
from lamina_server.layers.tensors import DType
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from tests.differential import attentions
from tests.differential.attentions import mask, outputs, weights_for
from tests.differential.oracles import F, keras, tensor, torch
from tests.differential.support import BATCH, assert_close, drawn, kernel, normal, run, run_stack, stack_of


def operators_of(kind: Kind, *shapes: tuple[int, ...], dtypes: tuple[DType, ...] = ()) -> list[str]:
    """The ONNX operators that a layer is exported as."""
    traced = trace(stack_of(kind, shapes, dtypes=dtypes))
    return operators(export(traced, drawn(traced, 0), traced.outputs))


@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 3, 5), (2, 3, 4, 5)])
def test_trap_28_dense_on_many_axes_is_a_matmul(shape: tuple[int, ...]) -> None:
    """ONNX's Gemm takes two axes, and its Flatten makes two: neither may stand in for Dense on more."""
    x, w = normal(0, BATCH, *shape), kernel(1, 5, 3)
    expected = F.linear(tensor(x), tensor(w.T))
    for kind in (Dense(3, use_bias=False), EinsumDense("...x,xy->...y", (3,))):
        (found,) = run(kind, x, weights={"kernel": w})
        assert_close(found, expected)
        assert operators_of(kind, shape) == ["MatMul"]
    assert operators_of(Dense(3), shape) == (["Gemm"] if len(shape) == 1 else ["MatMul", "Add"])


def test_trap_46_minus_one_is_the_last_row_and_floats_are_refused() -> None:
    """Keras and ONNX wrap -1, PyTorch refuses it; Keras takes 1.7 for 1, PyTorch and Lamina refuse it."""
    table = kernel(0, 4, 3)
    layer = keras.layers.Embedding(4, 3, dtype="float64")
    layer.build()
    layer.embeddings.assign(table.astype(np.float64))
    (found,) = run(Embedding(4, 3), np.array([[-1, 0]] * BATCH), weights={"embeddings": table})
    np.testing.assert_array_equal(found[0], table[[3, 0]])
    assert_close(found, layer(torch.tensor([[-1, 0]] * BATCH)).detach())
    with pytest.raises(IndexError):
        F.embedding(torch.tensor([-1]), torch.tensor(table))

    floats = np.array([[1.7, 0.2]] * BATCH, np.float32)
    assert_close(table[[[1, 0]] * BATCH], layer(torch.tensor(floats)).detach())
    with pytest.raises(RuntimeError, match="Float"):
        F.embedding(torch.tensor(floats), torch.tensor(table))
    with pytest.raises(StackError, match=r'takes integers, but x0 is float32: put Cast\("int64"\) before it'):
        run(Embedding(4, 3), floats, weights={"embeddings": table})
    nodes = Node(Input((2,)), "x"), Node(Cast(DType.INT64), "ids"), Node(Embedding(4, 3), "rows")
    found = run_stack(Stack(nodes), {"x": floats}, {"rows/embeddings": table}, ["rows"])["rows"]
    assert_close(found, layer(torch.tensor(floats)).detach())


def test_trap_47_dropout_leaves_no_node_and_key_dim_is_for_each_head() -> None:
    """PyTorch's embed_dim is the whole: 8 with 2 heads is 288 parameters; Keras' key_dim=16 with 2 heads is 1 128."""
    nodes = Node(Input((3,)), "x"), Node(Dense(2), "d"), Node(Dropout(0.5)), Node(Dense(2), "e")
    traced = trace(Stack(nodes))
    assert operators(export(traced, drawn(traced, 0), traced.outputs)) == ["Gemm"]

    found = [trace(stack_of(MultiHeadAttention(2, size), [(5, 8)])).layers[-1] for size in (16, 4)]
    layer = keras.layers.MultiHeadAttention(2, 16)
    layer.build((None, 5, 8), (None, 5, 8))
    assert found[0].params == layer.count_params() == 1128
    assert found[1].params == attentions.counted(torch.nn.MultiheadAttention(8, 2)) == 288
    assert found[0].done.how == "2 heads of 16: 5 queries, 5 keys"
    assert "= 1 128 parameters" in parameters(found[0])


def test_trap_50_keras_newest_layers_are_here_in_its_order_of_arguments() -> None:
    """Positional arguments mean what they mean in Keras."""
    ours = {kind.__name__: kind for kind in KINDS}
    for name in (
        "GroupQueryAttention",
        "ReversibleEmbedding",
        "MultiHeadAttention",
        "Attention",
        "AdditiveAttention",
        "EinsumDense",
        "Embedding",
        "CategoryEncoding",
        "GaussianDropout",
        "GaussianNoise",
        "AlphaDropout",
        "ActivityRegularization",
        "Masking",
    ):
        theirs = list(inspect.signature(getattr(keras.layers, name).__init__).parameters)
        names = [item.name for item in fields(ours[name])]
        shared = [option for option in theirs if option in names]
        assert [option for option in names if option in theirs] == shared
        assert names[: len(shared)] == shared, f"{name}: Keras' options come first"


def test_trap_51_a_gate_adds_weights() -> None:
    """Heads 2, key_dim 4, features 4: 156 without and 196 with; 4 query and 2 key heads of 4 on 16 features: 816."""
    for gate, count in ((False, 156), (True, 196)):
        layer = keras.layers.MultiHeadAttention(2, 4, use_gate=gate)
        layer.build((None, 5, 4), (None, 5, 4))
        found = trace(stack_of(MultiHeadAttention(2, 4, use_gate=gate), [(5, 4)])).layers[-1]
        assert found.params == layer.count_params() == count
        assert ("a gate" in parameters(found)) is gate
    grouped = keras.layers.GroupQueryAttention(4, 4, 2)
    grouped.build((None, 5, 16), (None, 5, 16))
    found = trace(stack_of(GroupQueryAttention(4, 4, 2), [(5, 16)])).layers[-1]
    assert found.params == grouped.count_params() == 816
    arithmetic = "4 x 4 x (16 + 1) + 2 x 4 x (16 + 1) + 2 x 4 x (16 + 1) + (4 x 4 + 1) x 16 = 816 parameters"
    assert arithmetic in parameters(found)


def test_trap_52_scores_and_inferred_sizes_are_traced_as_they_run() -> None:
    """Keras foretells (2, 2, 3, 3) for scores that run as (2, 3, 2, 8, 8), and None where the run gives 3."""
    x = normal(0, 2, 3, 8, 5)
    kind = MultiHeadAttention(2, 4, attention_axes=(2,), return_attention_scores=True)
    weights = weights_for(kind, [x], 1)
    layer = keras.layers.MultiHeadAttention(2, 4, attention_axes=(2,), dtype="float64")
    told = layer.compute_output_spec(tensor(x), tensor(x), return_attention_scores=True)[1].shape
    layer.build(x.shape, x.shape)
    attentions.given(layer, weights)
    ran = outputs(layer(tensor(x), tensor(x), return_attention_scores=True))
    assert tuple(told) == (2, 2, 3, 3) and ran[1].shape == (2, 3, 2, 8, 8)
    found = run(kind, x, weights=weights)
    for ours, theirs in zip(found, ran, strict=True):
        assert_close(ours, theirs)
    assert str(trace(stack_of(kind, [(3, 8, 5)])).specs["layer:scores"]) == "batch, height 3, 2, width 8, 8"

    dense = keras.layers.EinsumDense("abc,cd->abd", (None, 4))
    assert dense.compute_output_shape((2, 3, 5)) == (2, None, 4)
    assert trace(stack_of(EinsumDense("abc,cd->abd", (symbol("?"), 4)), [(3, 5)])).specs["layer"].shape[1:] == (3, 4)


@pytest.mark.parametrize("shape", [(BATCH, 5, 7), (BATCH, 2, 5, 7)])
def test_trap_53_attention_is_composed_not_onnx_s_attention(shape: tuple[int, ...]) -> None:
    """Causal together with a mask, which ONNX Runtime 1.32 gets wrong; and bfloat16, which it has not."""
    query, value = normal(0, BATCH, 2, 5, 4), normal(1, BATCH, 2, 7, 4)
    seen = mask(2, *shape)
    kind: Kind = Attention(scale=0.5, use_causal_mask=True)
    (found,) = run(kind, query, value, seen)
    both = torch.tensor(seen if seen.ndim == 4 else seen[:, None]) & torch.ones(5, 7, dtype=torch.bool).tril()
    assert_close(found, F.scaled_dot_product_attention(*map(tensor, (query, value, value)), attn_mask=both))

    layer = keras.layers.MultiHeadAttention(2, 3, dtype="float64")
    x, other = query[:, 0], value[:, 0]
    layer.build(x.shape, other.shape)
    kind = MultiHeadAttention(2, 3, use_causal_mask=True)
    weights = weights_for(kind, [x, other], 3)
    attentions.given(layer, weights)
    (found,) = run(kind, x, other, seen, weights=weights)
    (expected,) = outputs(layer(tensor(x), tensor(other), attention_mask=torch.tensor(seen), use_causal_mask=True))
    assert_close(found, expected)
    assert "Attention" not in operators_of(kind, (5, 4))

    dtypes = (DType.BFLOAT16,)
    traced = trace(stack_of(kind, [(5, 4)], dtypes=dtypes))
    made: Any = onnx.ModelProto.FromString(export(traced, bfloat16(drawn(traced, 0)), traced.outputs))
    onnx.checker.check_model(made, full_check=True)


def bfloat16(weights: dict[str, Any]) -> dict[str, Any]:
    """Weights in bfloat16."""
    return {name: array.astype(DType.BFLOAT16.numpy) for name, array in weights.items()}


def test_a_query_that_sees_nothing() -> None:
    """0s, as Keras with scores and as PyTorch's function; nan in PyTorch's layer, the mean of all in Keras without."""
    x, seen = normal(0, BATCH, 3, 4), np.ones((BATCH, 3, 3), bool)
    seen[:, 1] = False
    kind = MultiHeadAttention(1, 4, use_bias=False)
    weights = weights_for(kind, [x, seen], 1)
    (found,) = run(kind, x, seen, weights=weights)
    assert (found[:, 1] == 0).all()
    layer = keras.layers.MultiHeadAttention(1, 4, use_bias=False, dtype="float64")
    layer.build(x.shape, x.shape)
    attentions.given(layer, weights)
    both = [
        outputs(layer(tensor(x), tensor(x), attention_mask=torch.tensor(seen), return_attention_scores=scores))[0]
        for scores in (True, False)
    ]
    assert_close(found, both[0])
    assert not np.allclose(found[:, 1], both[1][:, 1])
    theirs = attentions.loaded(
        torch.nn.MultiheadAttention(4, 1, bias=False, batch_first=True), attentions.packed(weights)
    )
    assert theirs(*[tensor(x)] * 3, attn_mask=~torch.tensor(seen))[0][:, 1].isnan().all()
    layer_trace = trace(stack_of(kind, [(3, 4), (3, 3)], dtypes=[DType.FLOAT32, DType.BOOL])).layers[-1]
    assert "one that sees nothing gives 0" in explain(layer_trace)
