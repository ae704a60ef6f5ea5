"""Fixes that any kind's table of options suggests: what is left out, evened out, turned round, brought to size."""

import pytest

from lamina_server.layers.activations.as_layers import as_layer
from lamina_server.layers.activations.functions import Softmax
from lamina_server.layers.attention.transformer import TransformerEncoderLayer
from lamina_server.layers.attention.unprojected import Attention
from lamina_server.layers.broadcasting import ConstantTensor
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.core.basics import Cast, Dense
from lamina_server.layers.merging.arithmetic import Multiply
from lamina_server.layers.merging.elementwise import Clip
from lamina_server.layers.recurrent.rnn import SimpleRNN
from lamina_server.layers.shaping.folding import ChannelShuffle, Unfold
from lamina_server.layers.shaping.padding import Pad
from lamina_server.layers.shaping.repeating import BroadcastTo, Roll
from lamina_server.layers.tensors import DType
from lamina_server.layers.windows import PadPair
from lamina_server.repair import apply
from lamina_server.trace import trace
from tests.server.test_repair import FIRST, Case, chain, check, diagnosed, merged

CASES = [
    Case("LENGTH_MISMATCH", chain((9, 2), Roll((1, 2), (1,))), ("1 number: shift=(1,)",), "batch, 9 steps, 2"),
    Case("RANK_MISMATCH", chain((784,), Conv(4, (3, 3))),
         ("an image of 28 x 28: put Reshape((28, 28, 1)) before it",), "batch, height 26, width 26, 4"),
    Case("RANK_MISMATCH", chain((3 * 32 * 32,), Conv(4, (3, 3)), layout=FIRST),
         ("an image of 32 x 32 in 3 channels: put Reshape((3, 32, 32)) before it",), "batch, 4 channels"),
    Case("RANK_MISMATCH", chain((9, 1, 4), Dense(4), Conv(4, (3,))),
         ("an axis of size 1 is no axis: put Squeeze((2,)) before it",), "batch, 7 steps, 4"),
    Case("NOT_DIVISIBLE", chain((9, 6), ChannelShuffle(4)), ("the nearest that divides: groups=3",), "batch, 9 steps"),
    Case("NOT_DIVISIBLE", chain((9, 6), TransformerEncoderLayer(6, 4, 8)), ("the nearest that divides: nhead=3",),
         "batch, 9 steps, 6"),
    Case("SIZE_MISMATCH", chain((9, 4), TransformerEncoderLayer(6, 2, 8)),
         ("as many as come: d_model=4", "bring input to 6 by a dense layer"), "batch, 9 steps, 4"),
    Case("SIZE_MISMATCH", merged((9, 4), (9, 6), Attention()),
         ("bring left to 6 by a dense layer",), "batch, 9 steps, 6"),
    Case("SIZE_MISMATCH", merged((9, 4), (3,), SimpleRNN(5)), ("bring right to 5 by a dense layer",), "batch, 5"),
    Case("SIZE_MISMATCH", chain((9, 4), BroadcastTo((3, 4))), ("the axes of 3 as long as they are: shape=(-1, 4)",),
         "batch, 9 steps, 4"),
    Case("WINDOW_TOO_LONG", chain((9, 9, 2), Unfold((3, 3), (8, 1))), ("windows without holes: dilation=1",),
         "batch, 49 steps"),
    Case("OUT_OF_RANGE", chain((9, 4), Clip(2.0, 1.0)), ("the other way round: min=1, max=2",), "batch, 9 steps, 4"),
    Case("OUT_OF_RANGE", chain((9, 4), Conv(2, (0,))), ("the least that is legal: kernel_size=(1,)",), "batch, 9"),
    Case("OUT_OF_RANGE", chain((9, 4), Cast(DType.INT32), Multiply(ConstantTensor((0.5,)))),
         ('numbers that any of these can be: put Cast("float32") before it',), "batch, 9 steps, 4"),
    Case("UNSUPPORTED", chain((9, 4), Pad((PadPair(1, 1),), "reflect", 2.0)), ("as it is by default: value=0",),
         "batch, 11 steps"),
    Case("BAD_AXIS", chain((9, 4), as_layer(Softmax(axes=(2, 5)))), ("the axes that there are, each once: axes=(2,)",),
         "batch"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.reason}: {case.titles[0][:30]}")
def test_what_is_meant_comes_first(case: Case) -> None:
    found = diagnosed(case.stack)
    assert found.reason == case.reason
    assert [fix.title[: len(title)] for fix, title in zip(found.fixes, case.titles, strict=False)] == list(case.titles)
    assert case.outcome in found.fixes[0].outcome
    trace(apply(case.stack, found.fixes[0].stack_steps))
    check(case.stack, found)
