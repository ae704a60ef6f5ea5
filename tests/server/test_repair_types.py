"""Fixes for element types that do not fit, and for masks that would be used."""

import pytest

from lamina_server.errors import StackError
from lamina_server.layers.attention.multi_head import GroupQueryAttention, MultiHeadAttention
from lamina_server.layers.base import Kind
from lamina_server.layers.core.basics import Dense, Input, Masking
from lamina_server.layers.core.lookups import Embedding
from lamina_server.layers.merging.joining import Add
from lamina_server.layers.recurrent.rnn import LSTM
from lamina_server.layers.tensors import DType
from lamina_server.limits import Limits
from lamina_server.repair import apply, repaired
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace


def titles(stack: Stack) -> list[str]:
    """What is offered for the fault of a stack; each is legal when it is done."""
    with pytest.raises(StackError) as caught:
        trace(stack)
    found = repaired(stack, caught.value.diagnosis, Limits())
    for fix in found.fixes:
        trace(apply(stack, fix.stack_steps))
    return [fix.title for fix in found.fixes]


@pytest.mark.parametrize(
    ("kind", "given", "to"),
    [
        (Embedding(4, 3), DType.FLOAT32, "int64"),
        (Dense(3), DType.INT8, "float32"),
        (Dense(3), DType.BOOL, "float32"),
    ],
)
def test_one_input(kind: Kind, given: DType, to: str) -> None:
    stack = Stack((Node(Input((5,), given), "x"), Node(kind, "layer")))
    assert titles(stack) == [f'convert x to {to}: put Cast("{to}") behind it']


def test_one_of_several() -> None:
    inputs = Node(Input((5, 4), DType.INT32), "x"), Node(Input((5, 4)), "y"), Node(Input((5, 5), DType.INT64), "m")
    assert titles(Stack((*inputs, Node(Add(), "sum", ("y", "x"))))) == [
        'convert x to float32: put Cast("float32") behind it'
    ]
    attend = Node(MultiHeadAttention(2, 2), "attend", ("y", "m"))
    assert titles(Stack((*inputs, attend))) == ['convert m to bool: put Cast("bool") behind it']
    assert titles(Stack((*inputs, Node(MultiHeadAttention(2, 2), "attend", ("x", "x"))))) == []


def test_a_mask_that_would_be_used() -> None:
    begin = Node(Input((6, 4)), "x"), Node(Masking(), "mask"), Node(Dense(3), "dense")
    assert titles(Stack((*begin, Node(LSTM(2))))) == [
        "as in Keras, leave out what mask masks: return_mask=True there, and mask:mask as an input too",
        "what mask marks are steps like any other: take it out",
    ]
    ids = Node(Input((6,), DType.INT32), "x"), Node(Embedding(4, 3, True), "rows")
    assert titles(Stack((*ids, Node(LSTM(2))))) == [
        "as in Keras, leave out what rows masks: return_mask=True there, and rows:mask as an input too",
        "id 0 is an id like any other: mask_zero=False",
    ]


def test_heads_that_do_not_divide_are_not_taken_for_a_convolution_s_groups() -> None:
    fixes = titles(Stack((Node(Input((5, 4)), "x"), Node(GroupQueryAttention(2, 4, 3)))))
    assert fixes == [f"the nearest that divides: num_key_value_heads={n}" for n in (2, 4)]
