"""What `elsewhere` says other tools print, against torchinfo, fvcore and Keras themselves on the same layer."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from lamina_server.elsewhere import MACS, PARAMS, elsewhere
from lamina_server.layers.attention.multi_head import MultiHeadAttention
from lamina_server.layers.attention.transformer import TransformerDecoderLayer, TransformerEncoderLayer
from lamina_server.layers.attention.unprojected import Attention
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv, DepthwiseConv
from lamina_server.layers.convolution.separable import SeparableConv
from lamina_server.layers.convolution.transposed import ConvTranspose
from lamina_server.layers.core.basics import Dense, Input
from lamina_server.layers.core.lookups import Embedding, ReversibleEmbedding
from lamina_server.layers.holders import SpectralNormalization, TimeDistributed
from lamina_server.layers.merging.einsum import Einsum
from lamina_server.layers.merging.products import CosineSimilarity, MatMul
from lamina_server.layers.normalization.normalizing import (
    BatchNormalization,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    RMSNormalization,
)
from lamina_server.layers.normalization.scaling import Normalization
from lamina_server.layers.pooling.adaptive import AdaptiveAveragePool
from lamina_server.layers.pooling.pools import GlobalAveragePool
from lamina_server.layers.recurrent.bidirectional import Bidirectional
from lamina_server.layers.recurrent.rnn import GRU, LSTM, SimpleRNN
from lamina_server.layers.shaping.reshaping import Reshape
from lamina_server.layers.shaping.resizing import Resizing, Upsample, UpSampling
from lamina_server.layers.tensors import DType, Layout
from lamina_server.layers.windows import PadPair
from lamina_server.records import LayerTrace
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from tests.differential.oracles import keras, torch
from tests.differential.support import FIRST, LAST, stack_of
from tests.support import require

torchinfo = require("torchinfo")
nn = torch.nn
F = torch.nn.functional
Shape = tuple[int, ...]


class Function(torch.nn.Module):  # type: ignore[name-defined]
    """A function as a module, which is what the tools take."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Any) -> Any:
        return self.function(*tensors)


def _einsum(equation: str) -> Function:
    return Function(lambda *tensors: torch.einsum(equation, *tensors))


def _wide(**options: Any) -> Any:
    return nn.MultiheadAttention(8, 2, batch_first=True, **options)


_SAME = (PadPair(1, 1),) * 2
_ENCODER = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, bias=False)
_SPECTRAL = torch.nn.utils.parametrizations.spectral_norm

# Layer, its layout, the module, the shapes of both; channels first where they lie differently.
CASES: list[tuple[Kind, Layout, Any, tuple[Shape, ...]]] = [
    (Conv(100, (10,)), FIRST, nn.Conv1d(9, 100, 10), ((9, 128),)),
    (Conv(8, (3, 3), (2, 2), groups=2), FIRST, nn.Conv2d(4, 8, 3, 2, groups=2), ((4, 9, 9),)),
    (Conv(8, (3, 3)), FIRST, nn.Conv2d(4, 8, 3), ((4, 3, 3),)),
    (Conv(8, (3, 3), padding="same"), FIRST, nn.Conv2d(4, 8, 3, padding="same"), ((4, 5, 5),)),
    (Conv(8, (3, 3), padding=_SAME), FIRST, nn.Conv2d(4, 8, 3, padding=1), ((4, 5, 5),)),
    (Conv(5, (2, 2, 2), use_bias=False), FIRST, nn.Conv3d(3, 5, 2, bias=False), ((3, 4, 5, 6),)),
    (DepthwiseConv((3, 3), (1, 1), _SAME, 2), FIRST, nn.Conv2d(4, 8, 3, padding=1, groups=4), ((4, 6, 5),)),
    (SeparableConv(6, (3,), depth_multiplier=2), FIRST,
     nn.Sequential(nn.Conv1d(4, 8, 3, groups=4, bias=False), nn.Conv1d(8, 6, 1)), ((4, 9),)),
    (ConvTranspose(8, (3,), (2,)), FIRST, nn.ConvTranspose1d(9, 8, 3, 2), ((9, 10),)),
    (Dense(8), LAST, nn.Linear(16, 8), ((16,),)),
    (Dense(8), LAST, nn.Linear(16, 8), ((5, 16),)),
    (Dense(8, use_bias=False), LAST, nn.Linear(16, 8, bias=False), ((5, 16),)),
    (LSTM(8, return_sequences=True), LAST, nn.LSTM(16, 8, batch_first=True), ((5, 16),)),
    (LSTM(8, num_layers=2, use_bias=False), LAST,
     nn.LSTM(16, 8, 2, bias=False, batch_first=True), ((5, 16),)),
    (GRU(8), LAST, nn.GRU(16, 8, batch_first=True), ((5, 16),)),
    (SimpleRNN(8, num_layers=2), LAST, nn.RNN(16, 8, 2, batch_first=True), ((5, 16),)),
    (Bidirectional(LSTM(8)), LAST, nn.LSTM(16, 8, bidirectional=True, batch_first=True), ((5, 16),)),
    (Bidirectional(GRU(8, num_layers=2)), LAST, nn.GRU(16, 8, 2, bidirectional=True, batch_first=True), ((5, 16),)),
    (BatchNormalization(), FIRST, nn.BatchNorm2d(4), ((4, 3, 3),)),
    (BatchNormalization(center=False, scale=False), FIRST, nn.BatchNorm1d(4, affine=False), ((4, 3),)),
    (LayerNormalization(), LAST, nn.LayerNorm(4), ((5, 4),)),
    (LayerNormalization(center=False, scale=False), LAST, nn.LayerNorm(4, elementwise_affine=False), ((5, 4),)),
    (GroupNormalization(2), FIRST, nn.GroupNorm(2, 4), ((4, 3, 3),)),
    (InstanceNormalization(center=True, scale=True, track_running_stats=True), FIRST,
     nn.InstanceNorm2d(4, affine=True, track_running_stats=True), ((4, 3, 3),)),
    (InstanceNormalization(), FIRST, nn.InstanceNorm1d(4), ((4, 3),)),
    (RMSNormalization(), LAST, nn.RMSNorm(4), ((5, 4),)),
    (Embedding(10, 3), LAST, nn.Embedding(10, 3), ((5,),)),
    (MultiHeadAttention(2, 4), LAST, _wide(), ((5, 8),) * 3),
    (MultiHeadAttention(2, 4, use_bias=False), LAST, _wide(kdim=6, vdim=7, bias=False), ((5, 8), (4, 7), (4, 6))),
    (TransformerEncoderLayer(8, 2, 16), LAST, nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), ((5, 8),)),
    (TransformerEncoderLayer(8, 2, 16, bias=False), LAST, _ENCODER, ((5, 8),)),
    (TransformerDecoderLayer(8, 2, 16), LAST, nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), ((5, 8), (4, 8))),
    (Attention(), LAST, Function(F.scaled_dot_product_attention), ((5, 8), (4, 8))),
    (MatMul(), LAST, Function(torch.matmul), ((3, 4), (4, 5))),
    (MatMul(), LAST, Function(torch.matmul), ((1, 3, 4), (7, 4, 5))),
    (MatMul(transpose_b=True), LAST, Function(lambda a, b: a @ b.mT), ((3, 4), (5, 4))),
    (Einsum("bij,bjk->bik"), LAST, _einsum("bij,bjk->bik"), ((3, 4), (4, 5))),
    (Einsum("bqd,bkd->bqk"), LAST, _einsum("bqd,bkd->bqk"), ((131, 53), (77, 53))),
    (Einsum("bij,bjk->bki"), LAST, _einsum("bij,bjk->bki"), ((131, 53), (53, 77))),
    (Einsum("bi,bj->bij"), LAST, _einsum("bi,bj->bij"), ((3,), (5,))),
    (CosineSimilarity(), LAST, nn.CosineSimilarity(), ((5, 4), (5, 4))),
    (AdaptiveAveragePool((2, 2)), FIRST, nn.AdaptiveAvgPool2d(2), ((3, 5, 6),)),
    (AdaptiveAveragePool((2,)), FIRST, nn.AdaptiveAvgPool1d(2), ((3, 5),)),
    (GlobalAveragePool(keepdims=True), FIRST, nn.AdaptiveAvgPool2d(1), ((3, 5, 6),)),
    (UpSampling((2, 3)), FIRST, nn.Upsample(scale_factor=(2, 3)), ((3, 4, 4),)),
    (Upsample((7, 7), mode="bilinear"), FIRST, nn.Upsample(size=(7, 7), mode="bilinear"), ((3, 4, 4),)),
    (Upsample((7, 7), mode="bicubic"), FIRST, nn.Upsample(size=(7, 7), mode="bicubic"), ((3, 4, 4),)),
    (Upsample((7,), mode="linear"), FIRST, nn.Upsample(size=7, mode="linear"), ((3, 4),)),
    (Resizing(3, 3, antialias=True), FIRST,
     Function(lambda x: F.interpolate(x, (3, 3), mode="bilinear", antialias=True)), ((3, 4, 4),)),
    (SpectralNormalization(Node(Conv(4, (3,)))), FIRST, _SPECTRAL(nn.Conv1d(3, 4, 3)), ((3, 8),)),
    (SpectralNormalization(Node(Dense(4))), LAST, _SPECTRAL(nn.Linear(3, 4)), ((3,),)),
]  # fmt: skip


def _said(layer: LayerTrace, tool: str, quantity: str = MACS) -> Any:
    """What a tool prints by our words; our own number where we say nothing."""
    said = {(count.tool, count.quantity): count.value for count in elsewhere(layer)}
    ours = layer.done.macs.value if layer.done.macs else 0
    return said.get((tool, quantity), ours if quantity == MACS else layer.params)


def _tensors(kind: Kind, shapes: tuple[Shape, ...], batch: int = 1) -> list[Any]:
    torch.manual_seed(0)
    if isinstance(kind, Embedding):
        return [torch.zeros((batch, *shape), dtype=torch.int64) for shape in shapes]
    found = [torch.zeros(batch, *shape) for shape in shapes]
    if isinstance(kind, Attention):
        return [found[0], found[1], found[1]]
    return [found[0], found[2], found[1]] if isinstance(kind, MultiHeadAttention) else found


def _traced(kind: Kind, layout: Layout, shapes: tuple[Shape, ...]) -> LayerTrace:
    dtypes = (DType.INT64,) * len(shapes) if isinstance(kind, Embedding) else ()
    return trace(stack_of(kind, shapes, layout, dtypes=dtypes)).layer("layer")


def by_torchinfo(module: Any, tensors: list[Any]) -> tuple[int, int]:
    """Multiply-adds and parameters that it prints."""
    printed = torchinfo.summary(module, input_data=tensors, verbose=0, mode="eval")
    return printed.total_mult_adds, printed.total_params


def by_fvcore(module: Any, tensors: list[Any]) -> float:
    """The count that it prints."""
    counting = require("fvcore.nn")
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    counted = counting.FlopCountAnalysis(module.eval(), tuple(tensors))
    counted.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    return float(counted.total())


cases = pytest.mark.parametrize(("kind", "layout", "module", "shapes"), CASES, ids=lambda value: type(value).__name__)


@cases
def test_torchinfo(kind: Kind, layout: Layout, module: Any, shapes: tuple[Shape, ...]) -> None:
    """The number it prints is the one foretold, or ours where none is."""
    layer = _traced(kind, layout, shapes)
    macs, _ = by_torchinfo(module, _tensors(kind, shapes))
    assert _said(layer, "torchinfo") == macs
    assert _said(layer, "PyTorch", PARAMS) == sum(p.numel() for p in module.parameters())


@cases
@pytest.mark.filterwarnings("ignore")
def test_fvcore(kind: Kind, layout: Layout, module: Any, shapes: tuple[Shape, ...]) -> None:
    """The number it prints is the one foretold, or ours where none is."""
    assert _said(_traced(kind, layout, shapes), "fvcore") == by_fvcore(module, _tensors(kind, shapes))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("kind", "module", "rest"),
    [
        (Dense(8), nn.Linear(6, 8), (6,)),
        (Dense(8), nn.Linear(6, 8), (4, 6)),
        (LSTM(3), nn.LSTM(6, 3, batch_first=True), (4, 6)),
        (LayerNormalization(), nn.LayerNorm(6), (4, 6)),
        (GroupNormalization(2, axis=1), nn.GroupNorm(2, 4), (4, 6)),
        (BatchNormalization(axis=1), nn.BatchNorm1d(4), (4, 6)),
        (Conv(5, (3,), data_format=FIRST), nn.Conv1d(4, 5, 3), (4, 6)),
        (GlobalAveragePool(data_format=FIRST), nn.AdaptiveAvgPool2d(1), (4, 6, 3)),
        (UpSampling((2, 2), FIRST), nn.Upsample(scale_factor=2), (4, 6, 3)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_with_steps_folded_into_the_batch_axis(kind: Kind, module: Any, rest: Shape) -> None:
    """A sample of 5 rows costs 5 times what one costs, in every tool; inside a TimeDistributed costs are one step's."""
    nodes = (Node(Input((5, *rest)), "x"), Node(Reshape((-1, *rest), include_batch=True), "rows"), Node(kind, "layer"))
    folded = trace(Stack(nodes)).layer("layer")
    tensors = _tensors(kind, (rest,), 5)
    assert _said(folded, "torchinfo") == by_torchinfo(module, tensors)[0]
    assert _said(folded, "fvcore") == by_fvcore(module, tensors)
    held = trace(Stack((nodes[0], Node(TimeDistributed(Node(kind)), "each")))).layers[1].layers[1]
    once = _traced(kind, LAST, (rest,))
    assert elsewhere(held) == elsewhere(once), "its own costs are those of a step, and so are the others'"


@pytest.mark.parametrize(
    ("kind", "layer", "shape"),
    [
        (Normalization(), keras.layers.Normalization(), (3, 4)),
        (Normalization((1, 2)), keras.layers.Normalization((1, 2)), (3, 4)),
        (Normalization(mean=(1.0,), variance=(2.0,)), keras.layers.Normalization(mean=1.0, variance=2.0), (4,)),
        (ReversibleEmbedding(7, 4, tie_weights=False, reverse=True),
         keras.layers.ReversibleEmbedding(7, 4, tie_weights=False), (4,)),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_keras_parameters(kind: Kind, layer: Any, shape: Shape) -> None:
    """What it counts that no layer here needs."""
    layer.build((None, *shape))
    assert _said(_traced(kind, LAST, (shape,)), "Keras", PARAMS) == layer.count_params()
