"""What `elsewhere` says other tools print, against torchinfo itself on the layer's counterpart in PyTorch."""

from typing import Any

import pytest

from lamina_server.elsewhere import MACS, PARAMS, elsewhere
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv, DepthwiseConv
from lamina_server.layers.core.basics import Dense
from lamina_server.layers.normalization.normalizing import BatchNormalization
from lamina_server.layers.recurrent.rnn import LSTM
from lamina_server.layers.windows import PadPair
from lamina_server.trace import trace
from tests.differential.oracles import torch
from tests.differential.support import FIRST, LAST, stack_of

torchinfo = pytest.importorskip("torchinfo", reason="torchinfo, an oracle, is missing")
nn = torch.nn

# Layer, its shape in Lamina, its layout, the module, its shape in PyTorch.
CASES: list[tuple[Kind, tuple[int, ...], Any, Any, tuple[int, ...]]] = [
    (Conv(100, (10,)), (9, 128), FIRST, nn.Conv1d(9, 100, 10), (9, 128)),
    (Conv(8, (3, 3), (2, 2), groups=2), (4, 9, 9), FIRST, nn.Conv2d(4, 8, 3, 2, groups=2), (4, 9, 9)),
    (Conv(5, (2, 2, 2), use_bias=False), (3, 4, 5, 6), FIRST, nn.Conv3d(3, 5, 2, bias=False), (3, 4, 5, 6)),
    (DepthwiseConv((3, 3), (1, 1), (PadPair(1, 1),) * 2, 2), (4, 6, 5), FIRST, nn.Conv2d(4, 8, 3, padding=1, groups=4),
     (4, 6, 5)),
    (Dense(8), (16,), LAST, nn.Linear(16, 8), (16,)),
    (Dense(8), (5, 16), LAST, nn.Linear(16, 8), (5, 16)),
    (Dense(8, use_bias=False), (5, 16), LAST, nn.Linear(16, 8, bias=False), (5, 16)),
    (LSTM(8, return_sequences=True), (5, 16), LAST, nn.LSTM(16, 8, batch_first=True), (5, 16)),
    (BatchNormalization(), (4, 3, 3), FIRST, nn.BatchNorm2d(4), (4, 3, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "shape", "layout", "module", "theirs"), CASES, ids=lambda x: type(x).__name__)
def test_torchinfo(kind: Kind, shape: tuple[int, ...], layout: Any, module: Any, theirs: tuple[int, ...]) -> None:
    """The number it prints is the one foretold, or ours where none is."""
    layer = trace(stack_of(kind, [shape], layout)).layer("layer")
    said = {(count.tool, count.quantity): count.value for count in elsewhere(layer)}
    printed = torchinfo.summary(module, input_size=(1, *theirs), verbose=0)
    ours = layer.done.macs.value if layer.done.macs else 0
    assert said.get(("torchinfo", MACS), ours) == printed.total_mult_adds
    assert said.get(("PyTorch", PARAMS), layer.params) == printed.total_params
