"""Where masks come from and where they go: what is refused behind a layer that masks, and what is offered."""

import pytest

from lamina_server.errors import StackError
from lamina_server.layers.activations.as_layers import as_layer
from lamina_server.layers.activations.functions import Softmax
from lamina_server.layers.attention.multi_head import MultiHeadAttention
from lamina_server.layers.attention.unprojected import Attention
from lamina_server.layers.base import Kind
from lamina_server.layers.core.basics import Dense, Input, Masking
from lamina_server.layers.core.lookups import Embedding, ReversibleEmbedding
from lamina_server.layers.holders import Block, BlockName, TimeDistributed
from lamina_server.layers.merging.joining import Add
from lamina_server.layers.pooling.pools import GlobalAveragePool
from lamina_server.layers.recurrent.bidirectional import Bidirectional
from lamina_server.layers.recurrent.conv_lstm import ConvLSTM
from lamina_server.layers.recurrent.rnn import GRU, LSTM
from lamina_server.layers.shaping.repeating import Flip
from lamina_server.layers.shaping.reshaping import RepeatVector
from lamina_server.layers.tensors import DType
from lamina_server.limits import Limits
from lamina_server.repair import apply, repaired
from lamina_server.stack import NamedStack, Node, Stack
from lamina_server.trace import trace
from tests.contract import words

X, MASK = Node(Input((6, 4)), "x"), Node(Masking(return_mask=True), "m")
GIVEN = ("m", "m:mask")
EXACT = "as in Keras, leave out what "
SEQUENCES = LSTM(2, return_sequences=True)


def refused(stack: Stack) -> tuple[str, list[str]]:
    """What is said, and what is offered."""
    with pytest.raises(StackError) as caught:
        trace(stack)
    assert caught.value.reason == "UNSUPPORTED" and not words.faults(caught.value.message)
    return caught.value.message, [fix.title for fix in repaired(stack, caught.value.diagnosis, Limits()).fixes]


@pytest.mark.parametrize(
    "nodes",
    [
        (X, MASK, Node(LSTM(2), "it", GIVEN)),
        (X, MASK, Node(Dense(3), "d", ("m",)), Node(Bidirectional(GRU(2)), "it", ("d", "m:mask"))),
        (X, MASK, Node(GlobalAveragePool(), "it", GIVEN)),
        (X, MASK, Node(Attention(), "it", ("m", "m", "m:mask"))),
        (X, MASK, Node(MultiHeadAttention(2, 2), "it", GIVEN)),
        (X, MASK, Node(LSTM(2), "it", GIVEN), Node(RepeatVector(3)), Node(LSTM(2))),
        (X, MASK, Node(GlobalAveragePool(), "it", GIVEN), Node(as_layer(Softmax()))),
        (X, MASK, Node(LSTM(2, return_sequences=True, return_state=True), "it", GIVEN),
         Node(Dense(2), "d", ("it:state_h",)), Node(as_layer(Softmax()))),
        (X, MASK, Node(LSTM(2), "it", ("x", "m:mask"))),
    ],
)  # fmt: skip
def test_a_mask_among_the_inputs_is_enough(nodes: tuple[Node, ...]) -> None:
    assert trace(Stack(nodes)).layer("it").name == "it"


@pytest.mark.parametrize(
    ("nodes", "said", "offered"),
    [
        ((X, Node(Masking()), Node(SEQUENCES), Node(GRU(2))), "set return_mask=True on masking, and take its", True),
        ((X, MASK, Node(SEQUENCES, "it", GIVEN), Node(GRU(2))), "gru (GRU) would leave out, in Keras, what m ", True),
        ((X, MASK, Node(Masking(1.0), "n"), Node(GRU(2), "it", ("n", "m:mask"))), "what n masks", False),
        ((X, MASK, Node(as_layer(Softmax()))), "here it does not", False),
        ((X, MASK, Node(Flip((1,))), Node(LSTM(2))), "here it does not", False),
        ((X, MASK, Node(Add(), "sum", ("x", "m")), Node(LSTM(2))), "here it does not", False),
        ((X, MASK, Node(Masking(), "n", ("x",)), Node(Add(), "sum", ("n", "m")), Node(LSTM(2))), "it does not", False),
        ((X, MASK, Node(Masking(), "n", ("x",)), Node(Add(), "sum", ("n", "m")),
          Node(LSTM(2), "it", ("sum", "m:mask"))), "it does not", False),
        ((X, Node(Masking(), "m"), Node(Attention(), "it", ("m", "m"))), "here it does not", False),  # queries, too
        ((X, Node(Masking(), "m"), Node(Attention(), "it", ("x", "x", "m"))), "here it does not", False),
        ((X, Node(Masking(), "m"), Node(MultiHeadAttention(2, 2), "it", ("x", "m"))), "set return_mask", True),
        ((X, Node(Masking(), "m"), Node(MultiHeadAttention(2, 2), "it")), "here it does not", False),
        ((Node(Input((5, 6, 4))), Node(Masking()), Node(TimeDistributed(Node(LSTM(2))))), "here it does not", False),
        ((Node(Input((5, 6, 4))), Node(Masking()), Node(ConvLSTM(2, (2,)))), "set return_mask", False),  # (batch, 5, 6)
    ],
)  # fmt: skip
def test_refusals(nodes: tuple[Node, ...], said: str, offered: bool) -> None:
    text, titles = refused(Stack(nodes))
    assert said in text and offered == any(title.startswith(EXACT) for title in titles[:1])
    assert offered or not any(title.startswith(EXACT) for title in titles)


def test_every_layer_that_would_use_the_mask_is_given_it() -> None:
    stack = Stack((X, Node(Masking(2.0)), *[Node(SEQUENCES)] * 3, Node(GlobalAveragePool()), Node(Dense(2))))
    with pytest.raises(StackError) as caught:
        trace(stack)
    fix = repaired(stack, caught.value.diagnosis, Limits()).fixes[0]
    mended = apply(stack, fix.stack_steps)
    assert [node.inputs for node in mended.nodes] == [
        (), (), ("masking", "masking:mask"), *[(f"lstm{n}", "masking:mask") for n in ("", "_1", "_2")], (),
    ]  # fmt: skip
    assert fix.outcome == "lstm: batch, 6 steps, 2"
    trace(mended)


def test_in_a_block() -> None:
    """Where both stand in the block the fix is there; a mask from outside comes by an Input of the block."""
    inside = NamedStack("b", Stack((X, Node(Masking()), Node(LSTM(2)))))
    text, titles = refused(Stack((X, Node(Block(BlockName("b")), "used")), blocks=(inside,)))
    assert text.startswith("used/lstm (LSTM) would leave out, in Keras, what used/masking masks")
    assert (
        titles[0] == f'in the block "b": {EXACT}masking masks: return_mask=True there, and masking:mask as an input too'
    )
    alone = NamedStack("b", Stack((X, Node(LSTM(2)))))
    text, titles = refused(Stack((X, MASK, Node(Block(BlockName("b")), "used")), blocks=(alone,)))
    assert "what m masks" in text and titles == []
    two = NamedStack("b", Stack((X, Node(Input((6,), DType.BOOL), "seen"), Node(LSTM(2), "it", ("x", "seen")))))
    trace(Stack((X, MASK, Node(Block(BlockName("b")), "used", GIVEN)), blocks=(two,)))


@pytest.mark.parametrize("kind", [Embedding(4, 3, return_mask=True), ReversibleEmbedding(4, 3, return_mask=True)])
def test_no_mask_without_mask_zero(kind: Kind) -> None:
    text, titles = refused(Stack((Node(Input((5,), DType.INT32), "x"), Node(kind))))
    assert "has return_mask=True, but only mask_zero=True makes a mask" in text
    assert titles == ["as it is by default: return_mask=False"]


def test_no_mask_on_the_way_back() -> None:
    kind = ReversibleEmbedding(4, 3, mask_zero=True, reverse=True, return_mask=True)
    assert (
        "has return_mask=True, but there is no mask on the way back"
        in refused(Stack((Node(Input((5, 3))), Node(kind))))[0]
    )


def test_what_a_false_step_does_is_said() -> None:
    before = "the states stay as they were, and its output is that of the step before, zeros where there is none."
    for kind, said in (
        (LSTM(2), before),
        (GRU(2, zero_output_for_mask=True), "and its output is zeros."),
        (Bidirectional(GRU(2, zero_output_for_mask=True)), before),
        (Bidirectional(SEQUENCES), "and its output is zeros."),
    ):
        (sentence,) = [
            s for s in trace(Stack((X, MASK, Node(kind, "it", GIVEN)))).layer("it").done.sentences if "mask" in s
        ]
        assert said in sentence
