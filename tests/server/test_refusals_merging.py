"""Arithmetic, products, reductions and comparisons that are refused: the reason, and what the text says."""

from typing import Any

import pytest

from lamina_server.dims import Size, symbol
from lamina_server.errors import StackError
from lamina_server.layers.base import Kind
from lamina_server.layers.broadcasting import MAX_CONSTANTS, Broadcasting, ConstantTensor
from lamina_server.layers.core.basics import Input
from lamina_server.layers.merging.arithmetic import Average, Divide, Maximum, Multiply, Power, Subtract
from lamina_server.layers.merging.comparing import Compare, Logical, Where
from lamina_server.layers.merging.einsum import Einsum
from lamina_server.layers.merging.elementwise import Clip, Elementwise
from lamina_server.layers.merging.joining import Add, Concatenate, StackTensors
from lamina_server.layers.merging.ordering import ArgMax, CumSum, Sort, TopK
from lamina_server.layers.merging.products import CosineSimilarity, Dot, MatMul, PairwiseDistance
from lamina_server.layers.merging.reductions import Normalize, Reduce, Variance
from lamina_server.layers.tensors import DType
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace

Shape = tuple[Size, ...]
T, U = symbol("T"), symbol("U")
INT, BOOL, WIDE, HALF, BYTE = DType.INT32, DType.BOOL, DType.FLOAT64, DType.FLOAT16, DType.UINT8
NUMPY = Broadcasting.NUMPY
ONE = ConstantTensor((1.0,))


def refused(kind: Kind, *shapes: Shape, dtypes: tuple[DType, ...] = ()) -> StackError:
    """What is said of a layer "it" behind the Inputs "a", "b", "c"."""
    names = "abc"[: len(shapes)]
    types = dtypes or (DType.FLOAT32,) * len(shapes)
    entries = [Node(Input(shape, dtype), name) for name, shape, dtype in zip(names, shapes, types, strict=True)]
    with pytest.raises(StackError) as caught:
        trace(Stack((*entries, Node(kind, "it", tuple(names)))))
    return caught.value


@pytest.mark.parametrize(
    ("kind", "shapes", "reason", "says"),
    [
        # sizes that do not meet: both producers, the axis, both sizes
        (Add(), [(5, 3), (5, 4)], "SIZE_MISMATCH",
         ("it (Add) adds element by element, so channels must agree, but it is 3 in a, 4 in b: a is batch, 5 steps, "
         "3 channels; b is batch, 5 steps, 4 channels.")),
        (Multiply(), [(T, 3), (5, 3)], "SIZE_MISMATCH",
         ("multiplies element by element, so steps must agree, but it is T in a, 5 in b: a is batch, T steps, 3 "
         "channels; b is batch, 5 steps, 3 channels. T may be any number, so it agrees only with itself or with 1")),
        (Maximum(), [(T, 3), (U, 3)], "SIZE_MISMATCH", "is T in a, U in b"),
        (Compare("less"), [(5, 3), (3, 3)], "SIZE_MISMATCH", "compares element by element, so steps must agree"),
        (Subtract(ConstantTensor((1.0, 2.0))), [(5, 3)], "SIZE_MISMATCH", "is 3 in a, 2 in the constants"),
        (Concatenate(1), [(5, 3), (5, 4)], "SIZE_MISMATCH", "joins along steps, so all other sizes must agree"),
        (StackTensors(), [(5, 3), (5, 1)], "SIZE_MISMATCH", "stacks along a new axis, so all sizes must agree"),
        (CosineSimilarity(), [(5, 3), (5, 4)], "SIZE_MISMATCH", "so channels must agree"),
        (PairwiseDistance(), [(5, 3), (4, 3)], "SIZE_MISMATCH", "so steps must agree"),
        (MatMul(), [(5, 4), (5, 4)], "SIZE_MISMATCH",
         "sums over the columns of a against the rows of b, so these must agree, but it is 4 in a, 5 in b"),
        (MatMul(), [(2, 5, 4), (3, 4, 5)], "SIZE_MISMATCH", "multiplies matrix by matrix, so height must agree"),
        (Dot((1, 2)), [(5, 4), (6, 4)], "SIZE_MISMATCH",
         "sums along steps of a and channels of b, so these must agree, but it is 5 in a, 4 in b"),
        (Einsum("bij,bjk->bik"), [(5, 4), (5, 4)], "SIZE_MISMATCH", 'runs along "j" in every input'),
        (Einsum("bii->bi"), [(5, 4)], "SIZE_MISMATCH", 'runs along "i" twice in a'),
        # axes
        (Add(broadcasting=NUMPY), [(5, 3), (3,)], "RANK_MISMATCH",
         ('aligns last axes with last axes (broadcasting="numpy"), so the batch axis of b meets steps of a: a is '
         "batch, 5 steps, 3 channels; b is batch, 3.")),
        (MatMul(), [(2, 5, 4), (4, 3)], "RANK_MISMATCH", "so the batch axis of b meets height of a"),
        (MatMul(), [(4,), (4, 3)], "RANK_MISMATCH", "needs batch, rows, columns of each input, but a is batch, 4"),
        (Concatenate(), [(5, 3), (3,)], "RANK_MISMATCH", "joins tensors with equally many axes"),
        (StackTensors(), [(5, 3), (3,)], "RANK_MISMATCH", "stacks tensors with equally many axes"),
        (Reduce("sum"), [()], "RANK_MISMATCH", "needs an axis beside the batch"),
        (Einsum("bi,bj->bij"), [(5, 4), (3,)], "RANK_MISMATCH", 'has "bi" for a, 2 labels, but a is batch, 5'),
        (Einsum("bijk...->bi"), [(5, 4)], "RANK_MISMATCH", 'has "bijk..." for a, 4 labels'),
        (Concatenate(0), [(5, 3), (5, 3)], "BAD_AXIS", "axis is 0, but the batch axis is never touched"),
        (StackTensors(0), [(5,), (5,)], "BAD_AXIS", "axis is 0, but the batch axis is never touched"),
        (StackTensors(4), [(5, 3), (5, 3)], "BAD_AXIS", "axis is 4, but the tensor has axes 0 to 3"),
        (Reduce("mean", (0,)), [(5, 3)], "BAD_AXIS", "the batch axis is never touched"),
        (Reduce("mean", (1, -2)), [(5, 3)], "BAD_AXIS", "names axis 1 twice"),
        (ArgMax(3), [(5, 3)], "BAD_AXIS", "the tensor has axes 0 to 2"),
        (Sort(-3), [(5, 3)], "BAD_AXIS", "the batch axis is never touched"),
        (CumSum(0), [(5, 3)], "BAD_AXIS", "the batch axis is never touched"),
        (Normalize(7), [(5, 3)], "BAD_AXIS", "the tensor has axes 0 to 2"),
        (Dot((0,)), [(5,), (5,)], "BAD_AXIS", "axes is 0, but the batch axis is never touched"),
        (CosineSimilarity(2), [(5,), (5,)], "BAD_AXIS", "the tensor has axes 0 to 1"),
        (Einsum("bij->ji"), [(5, 4)], "BAD_AXIS", 'the batch axis of a is "b" and the first axis of the result is "j"'),
        (Einsum("...i,...i->..."), [(5, 4), (4,)], "BAD_AXIS", "the batch stays the first axis, under one label"),
        (Dot((1, 1, 1)), [(5,), (5,)], "LENGTH_MISMATCH", "it takes one axis for both inputs, or one for each"),
        (Dot(()), [(5,), (5,)], "LENGTH_MISMATCH", "it takes one axis for both inputs"),
        # equations
        *[(Einsum(equation), [(5, 4)], "BAD_EQUATION", says) for equation, says in (
            ("", "it must be labels such as"), ("bij", "it must be labels such as"), ("b1j->b", "it must be labels"),
            ("b..i->b", "it must be labels"), ("b......->b", "it must be labels"), ("bij->b->b", "it must be labels"),
            ("bij->", "the batch axis would be summed over"), ("bij->bk", 'its result names "k" but no input does'),
            ("bij->bii", 'its result names "i" twice'), ("\u202e->\n", "it must be labels"))],
        (Einsum("b" * 300 + "->b"), [(5, 4)], "OUT_OF_RANGE", "an equation of 303 characters; it may have 256"),
        (Einsum("bij,bjk->bik"), [(5, 4)], "INPUT_COUNT", "for 2 inputs, but 1 is given"),
        # how many inputs
        (Add(), [(5,)], "INPUT_COUNT", "takes 2 inputs or more, but 1 is given: name them"),
        (Subtract(), [(5,)], "INPUT_COUNT", "takes 2 inputs, but 1 is given"),
        (Subtract(), [(5,)] * 3, "INPUT_COUNT", "takes 1 or 2 inputs, but 3 are given"),
        (Average(), [(5,)], "INPUT_COUNT", "takes 2 inputs or more, but 1 is given"),
        (Add(ONE), [(5,), (5,)], "INPUT_COUNT", "takes a constant beside 1 input, but 2 are given"),
        (Where(), [(5,)], "INPUT_COUNT", "takes 3 inputs (the condition, x1, x2), but 1 is given"),
        (Logical("logical_not"), [(5,), (5,)], "INPUT_COUNT", "takes 1 input, but 2 are given"),
        (Logical("logical_or"), [(5,)], "INPUT_COUNT", "takes 2 inputs or more, but 1 is given"),
        (Subtract(constant_first=True), [(5,), (5,)], "UNSUPPORTED", "constant_first=True but no constant"),
        # numbers
        (Multiply(ConstantTensor((1.0,) * 6, (2, 3))), [(3,)], "RANK_MISMATCH",
         "has constants of 2 axes, but a is batch, 3: 1 axis beside the batch"),
        (Multiply(ConstantTensor((1.0,) * 6, (2, 2))), [(2, 2)], "LENGTH_MISMATCH", "has 6 constants, but 2 x 2 holds"),
        (Multiply(ConstantTensor((1.0,) * 6, (-2, -3))), [(2, 3)], "LENGTH_MISMATCH", "has 6 constants"),
        (Multiply(ConstantTensor((), (0,))), [(2, 3)], "LENGTH_MISMATCH", "has 0 constants"),
        (Add(ConstantTensor((0.0,) * (MAX_CONSTANTS + 1))), [(3,)], "OUT_OF_RANGE",
         "has 65 537 constants; one layer holds 65 536 at most"),
        (Add(ConstantTensor((float("nan"),))), [(3,)], "OUT_OF_RANGE", "has constant=nan, which is not a number"),
        (Add(ConstantTensor((float("inf"),))), [(3,)], "OUT_OF_RANGE", "has constant=inf, which is not a number"),
        (Where(x1=float("nan")), [(3,), (3,)], "OUT_OF_RANGE", "x1=nan"),
        (Clip(), [(3,)], "MISSING_FIELD", "has neither min nor max"),
        (Clip(2.0, 1.5), [(3,)], "OUT_OF_RANGE", "has min=2 above max=1.5"),
        (Variance("variance", (1,), False, 5), [(5, 3)], "OUT_OF_RANGE", "divides by 5 - 5 (n - correction)"),
        (Variance("variance", (1,), False, -1), [(5, 3)], "OUT_OF_RANGE", "correction=-1; it must be 0 or more"),
        (TopK(4), [(5, 3)], "OUT_OF_RANGE", "takes the 4 largest along channels, but there are 3"),
        (TopK(0), [(5, 3)], "OUT_OF_RANGE", "k=0; it must be 1 or more"),
        (TopK(2, 1), [(T, 3)], "SYMBOLIC_SIZE", "needs a number for steps, because it takes 2 of them"),
        (Normalize(p=0.5), [(3,)], "OUT_OF_RANGE", "p=0.5"),
        (PairwiseDistance(p=float("nan")), [(3,), (3,)], "OUT_OF_RANGE", "p=nan"),
    ],
    ids=lambda value: None if isinstance(value, list) else str(value)[:40],
)  # fmt: skip
def test_what_does_not_fit(kind: Kind, shapes: list[Any], reason: str, says: str) -> None:
    # What chooses and what combines truths takes bools first.
    first = (BOOL,) if isinstance(kind, Where) else (BOOL,) * len(shapes) if isinstance(kind, Logical) else ()
    error = refused(kind, *shapes, dtypes=(*first, *(DType.FLOAT32,) * (len(shapes) - len(first))))
    assert error.reason == reason
    assert says in error.message
    assert error.message.isprintable()


@pytest.mark.parametrize(
    ("kind", "dtypes", "says"),
    [
        (Add(), (BOOL, BOOL), 'takes numbers, but a is bool: put Cast("float32") before it'),
        (Add(), (INT, WIDE), "brings together int32 (a) and float64 (b)"),
        (Divide(), (INT, INT), "takes floating-point numbers, but a is int32"),
        (Power(ONE), (INT,), "takes floating-point numbers, but a is int32"),
        (Average(), (INT, INT), "takes floating-point numbers, but a is int32"),
        (Dot((1,)), (INT, INT), "takes floating-point numbers"),
        (MatMul(), (BYTE, BYTE), "but a is uint8"),
        (Reduce("mean"), (INT,), "takes floating-point numbers, but a is int32"),
        (Reduce("sum"), (DType.INT16,), "but a is int16"),
        (Elementwise("sqrt"), (INT,), "takes floating-point numbers, but a is int32"),
        (Elementwise("negative"), (BYTE,), "but a is uint8"),
        (Elementwise("erf"), (WIDE,), "but a is float64"),
        (Clip(0.0), (BOOL,), "takes numbers, but a is bool"),
        (CumSum(), (BOOL,), "but a is bool"),
        (Sort(), (DType.UINT64,), "but a is uint64"),
        (Compare("less"), (BOOL, BOOL), "takes numbers, but a is bool"),
        (Compare("equal", ONE), (BOOL,), "compares numbers with its constant, but a is bool"),
        (Logical("logical_and"), (INT, INT), 'takes bool, but a is int32: put Cast("bool") before it'),
        (Where(), (INT, INT, INT), "takes bool, but a is int32"),
        (Where(), (BOOL, INT, WIDE), "chooses between int32 (b) and float64 (c); one type comes out"),
    ],
)
def test_element_types_that_do_not_fit(kind: Kind, dtypes: tuple[DType, ...], says: str) -> None:
    shape: Shape = (4, 4) if isinstance(kind, MatMul) else (4,)
    error = refused(kind, *[shape] * len(dtypes), dtypes=dtypes)
    assert error.reason == "DTYPE_MISMATCH"
    assert says in error.message


@pytest.mark.parametrize(
    ("kind", "dtypes", "says"),
    [
        (Add(ConstantTensor((0.5,))), (INT,), "has constant=0.5, but a is int32, which holds whole numbers from"),
        (
            Add(ConstantTensor((300.0,))),
            (BYTE,),
            "has constant=300, but a is uint8, which holds whole numbers from 0 to 255",
        ),
        (Add(ConstantTensor((-1.0,))), (BYTE,), "has constant=-1, but a is uint8"),
        (
            Multiply(ConstantTensor((1e5,))),
            (HALF,),
            "has constant=100000, but a is float16, which holds numbers from -65504",
        ),
        (Clip(0.5), (INT,), "has min=0.5, but a is int32"),
        (Clip(max=1e6), (HALF,), "has max=1000000, but a is float16"),
        (Where(x1=0.5), (BOOL, INT), "has x1=0.5"),
        (Normalize(epsilon=1e6), (HALF,), "has epsilon=1000000, but a is float16"),
        (PairwiseDistance(1e6), (HALF, HALF), "has p=1000000, but a is float16"),
        (CosineSimilarity(epsilon=1e6), (HALF, HALF), "has epsilon=1000000, but a is float16"),
        (Where(x2=float("-inf")), (BOOL, INT), "has x2=-inf"),
        (Where(1.0, 300.0, BYTE), (BOOL,), "has x2=300"),
        (Where(x1=2.0), (BOOL, BOOL), "has x1=2"),
    ],
)
def test_numbers_that_the_element_type_does_not_hold(kind: Kind, dtypes: tuple[DType, ...], says: str) -> None:
    error = refused(kind, *[(4,)] * len(dtypes), dtypes=dtypes)
    assert error.reason == "OUT_OF_RANGE"
    assert says in error.message


def test_a_type_beside_tensors_is_refused() -> None:
    error = refused(Where(1.0, dtype=INT), (4,), (4,), dtypes=(BOOL, DType.FLOAT32))
    assert error.reason == "UNSUPPORTED" and "has dtype=int32, but its type is that of b" in error.message
