"""A model transposes only where the layout must change: once in and once out, however many layers lie between."""

from collections.abc import Sequence

import numpy as np
import onnx
import pytest

from lamina_server.dims import symbol
from lamina_server.layers.activations.functions import Relu, Softmax, Softplus
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv, DepthwiseConv
from lamina_server.layers.core.basics import Activation, Dense, Dropout, Input
from lamina_server.layers.merging.joining import Add, Concatenate
from lamina_server.layers.normalization.normalizing import BatchNormalization
from lamina_server.layers.pooling.pools import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
from lamina_server.layers.recurrent.rnn import LSTM, SimpleRNN
from lamina_server.layers.shaping.reshaping import Flatten, Permute, ZeroPadding
from lamina_server.layers.tensors import DType, Layout
from lamina_server.layers.windows import PadPair
from lamina_server.stack import Node, Stack
from tests.contract.running import BATCH, Model, Shape, chain, model, random_inputs

FIRST, LAST = Layout.CHANNELS_FIRST, Layout.CHANNELS_LAST
SPATIAL: list[Kind] = [
    Conv(4, (3,), padding="same", activation=Relu()),
    BatchNormalization(),
    MaxPool((2,)),
    ZeroPadding((PadPair(1, 1),)),
    DepthwiseConv((3,), padding="same"),
    Activation(Relu()),
    Dropout(0.5),
    AveragePool((2,), padding="same"),
    Conv(5, (3,), activation=Softmax(axis=-1)),
]


def transposes(made: Model) -> int:
    """Number of Transpose nodes."""
    return [node.op_type for node in onnx.ModelProto.FromString(made.onnx).graph.node].count("Transpose")


def written(stack: Stack, refs: Sequence[str] = ()) -> int:
    """Transposes in the model of a stack."""
    return transposes(model(stack, np.random.default_rng(0), refs=refs))


@pytest.mark.parametrize("count", [1, 2, 5, 9])
@pytest.mark.parametrize("length", [40, "T"])
def test_spatial_layers_in_a_row(count: int, length: int | str) -> None:
    size = symbol(length) if isinstance(length, str) else length
    assert written(chain((3, size), *SPATIAL[:count], layout=FIRST)) == 0
    assert written(chain((size, 3), *SPATIAL[:count], layout=LAST)) == 2


@pytest.mark.parametrize("pool", [GlobalAveragePool(), GlobalMaxPool()])
def test_a_global_pool_ends_the_need(pool: Kind) -> None:
    assert written(chain((40, 3), *SPATIAL, pool, Dense(2), layout=LAST)) == 1
    assert written(chain((3, 40), *SPATIAL, pool, Dense(2), layout=FIRST)) == 0


@pytest.mark.parametrize(
    ("shape", "kinds"),
    [
        ((7, 3), (Dense(4), Activation(Relu()), Dense(2))),
        ((5, 6, 3), (Flatten(), Dense(2))),
        ((40,), (Dense(4), BatchNormalization(), Activation(Softmax()))),
        ((7, 3), (GlobalAveragePool(),)),
        ((7, 3), (Activation(Relu()), Dropout(0.1))),
    ],
    ids=lambda value: " ".join(type(kind).__name__ for kind in value) if isinstance(value[0], Kind) else None,
)
def test_layers_that_need_none(shape: Shape, kinds: tuple[Kind, ...]) -> None:
    assert written(chain(shape, *kinds)) == 0


def test_branches_share_the_transpose_of_what_they_take() -> None:
    towers = [Node(Conv(4, (k,), padding="same"), f"c{k}", ("x",)) for k in (1, 3, 5)]
    for merge in (Add(), Concatenate()):
        stack = Stack((Node(Input((40, 3)), "x"), *towers, Node(merge, "sum", ("c1", "c3", "c5"))), LAST)
        assert written(stack) == 2


def test_an_activation_fetched_on_the_way_costs_one_more() -> None:
    stack = chain((40, 3), *SPATIAL[:3])
    assert written(stack, ("conv1d", "max_pooling1d")) == 3


def test_a_permutation_that_leads_to_the_layout_needed_is_free() -> None:
    """(channels, steps) data, permuted to (steps, channels) for a channels-last convolution: just what ONNX wants."""
    assert written(chain((3, 40), Permute((2, 1)), Conv(4, (3,)), GlobalMaxPool())) == 0


def test_recurrent_layers_in_a_row() -> None:
    """ONNX's LSTM is steps-first: once in, once out."""
    stack = chain((9, 3), LSTM(4, return_sequences=True), LSTM(4, return_sequences=True), LSTM(2))
    assert written(stack) == 1


def test_a_float16_product_behind_a_moved_batch_kills_nobody() -> None:
    """ONNX Runtime 1.32 dies where a Transpose that moves the first axis is followed by a MatMul in float16."""
    for kinds in ((LSTM(4, return_sequences=True), Dense(3)), (SimpleRNN(4, Softplus(), return_sequences=True),)):
        nodes = Node(Input((5, 3), DType.FLOAT16)), *map(Node, kinds)
        made = model(Stack(nodes), np.random.default_rng(0))
        (found,) = made.run(random_inputs(made.trace, np.random.default_rng(0))).values()
        assert found.dtype == np.float16 and found.shape[:2] == (BATCH, 5)
