"""Fixes of arrays: each step does to a shape what numpy does to an array, and what results fits the Input."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lamina_server.dims import Size, symbol
from lamina_server.errors import InvalidRequestError, StackError
from lamina_server.layers.activations.functions import Relu
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.core.basics import Activation, Dense, Input
from lamina_server.layers.merging.joining import Add
from lamina_server.layers.tensors import DType, Layout
from lamina_server.limits import Limits
from lamina_server.records import Diagnosis
from lamina_server.repair import (
    ArrayStep,
    CastArray,
    DropAxis,
    ExpandArray,
    Fix,
    MoveAxes,
    ReplaceNode,
    apply,
    check_arrays,
)
from lamina_server.repair.arrays import match_names
from lamina_server.repair.steps import reshaped
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from lamina_server.wire.traces import encode_diagnosis

Array = np.ndarray[Any, Any]
T = symbol("T")
LIMITS = Limits()
RELU = Activation(Relu())


def chain(shape: Sequence[Size], *kinds: Kind, layout: Layout = Layout.CHANNELS_LAST) -> Stack:
    return Stack((Node(Input(tuple(shape)), "x"), *map(Node, kinds)), layout)


def fault(stack: Stack, shape: Sequence[int], dtype: DType = DType.FLOAT32) -> Diagnosis | None:
    """What is wrong with an array for the stack's only Input."""
    try:
        check_arrays(trace(stack), {"x": tuple(shape)}, LIMITS, {"x": dtype})
    except StackError as error:
        found: Diagnosis = error.diagnosis
        return found
    return None


def fixes(stack: Stack, shape: Sequence[int]) -> list[Fix]:
    found = fault(stack, shape)
    assert found is not None
    assert found.reason == "ARRAY_MISMATCH"
    assert found.field == "inputs[0].shape"
    encode_diagnosis(found).SerializeToString()
    return list(found.fixes)


def by_numpy(array: Array, step: ArrayStep) -> Array:
    """A step as the caller would write it."""
    match step:
        case ExpandArray(_, axis):
            return np.expand_dims(array, axis)
        case DropAxis(_, axis):
            return np.squeeze(array, axis)
        case MoveAxes(_, axes):
            return np.transpose(array, axes)
        case CastArray(_, dtype):
            return array.astype(dtype.value)


Q3 = chain((1, 740), *[Conv(64, (5,))] * 4, layout=Layout.CHANNELS_FIRST)
ANYTHING = chain((128, 9), RELU)


@pytest.mark.parametrize(
    ("stack", "shape", "step", "title", "difference"),
    [
        (Q3, (1, 740), ExpandArray("x", 0), "the array is one sample: add the batch axis in front, x[None]",
         "x takes batch, 1 channel, 740 steps. It is fed an array of shape (1, 740): the batch axis is missing."),
        (chain((68, 1), Conv(4, (2,))), (500, 68), ExpandArray("x", 2), "one channel: add an axis of size 1 at 2",
         "one axis is missing"),
        (chain((1, 68), Conv(4, (1,))), (500, 68), ExpandArray("x", 1), "one step: add an axis of size 1 at 1",
         "one axis is missing"),
        (chain((9,), Dense(2)), (4, 1, 9), DropAxis("x", 1), "axis 1 holds a single element: drop it",
         "one axis is too many"),
        (ANYTHING, (32, 9, 128), MoveAxes("x", (0, 2, 1)),
         "the axes stand in another order than batch, steps, channels: transpose them, x.transpose(0, 2, 1)",
         "it has steps 9 instead of 128, channels 128 instead of 9"),
        (chain((32, 48, 3), RELU), (7, 3, 32, 48), MoveAxes("x", (0, 2, 3, 1)), "the axes stand in another order",
         "it has height 3 instead of 32, width 32 instead of 48, channels 48 instead of 3"),
    ],
)  # fmt: skip
def test_what_is_meant_comes_first(
    stack: Stack, shape: tuple[int, ...], step: ArrayStep, title: str, difference: str
) -> None:
    found = fixes(stack, shape)
    assert found[0].array_steps == (step,)
    assert found[0].title.startswith(title)
    diagnosis = fault(stack, shape)
    assert diagnosis is not None and difference in diagnosis.message
    assert fault(stack, by_numpy(np.zeros(shape), step).shape) is None


@pytest.mark.parametrize(
    ("stack", "shape", "declared", "title"),
    [
        (ANYTHING, (32, 100, 9), (100, 9), "declare what the array has: Input((100, 9)), 32 samples"),
        (chain((128, 9), Dense(2)), (32, 9), (9,), "declare what the array has: Input((9,)), 32 samples"),
        (chain((500, 9), Dense(2)), (500, 9), (9,),
         "500 is the number of samples: an Input leaves the batch axis out, so declare Input((9,))"),
        (ANYTHING, (1, 7, 9), (7, 9), "declare what the array has: Input((7, 9)), 1 sample"),
    ],
)  # fmt: skip
def test_the_stack_may_be_what_is_wrong(
    stack: Stack, shape: tuple[int, ...], declared: tuple[int, ...], title: str
) -> None:
    fix = fixes(stack, shape)[-1]
    assert fix.title == title
    (step,) = fix.stack_steps
    assert step == ReplaceNode(0, Node(Input(declared), "x"))
    assert fault(apply(stack, [step]), shape) is None
    last = trace(apply(stack, [step])).layers[-1]
    assert fix.outcome == f"{last.name}: {last.done.spec}"


def test_a_declaration_that_cannot_be_traced_is_not_offered() -> None:
    assert fixes(chain((128, 9), Conv(4, (10,))), (32, 5, 9)) == []


@pytest.mark.parametrize("shape", [(3, 128, 9), (0, 128, 9), (1, 128, 9)])
def test_what_fits_is_let_through(shape: tuple[int, ...]) -> None:
    assert fault(ANYTHING, shape) is None
    assert fault(chain((T, 9), RELU), shape) is None


sizes = st.integers(1, 4)


@settings(deadline=None)
@given(st.lists(sizes | st.just(T), max_size=4), st.lists(sizes, max_size=6))
def test_whatever_is_offered_fits(declared: list[Size], shape: list[int]) -> None:
    stack = chain(declared, RELU)
    assume(declared or shape)  # the test below
    if fault(stack, shape) is None:
        return
    offered = fixes(stack, shape)
    assert len(offered) <= 3
    for fix in offered:
        array = np.zeros(shape, np.float32)
        for step in fix.array_steps:
            after = by_numpy(array, step)
            assert reshaped(array.shape, step) == after.shape
            array = after
        assert fault(apply(stack, fix.stack_steps), array.shape) is None
        assert bool(fix.array_steps) != bool(fix.stack_steps)


def test_one_number_for_an_input_of_one_number_needs_its_batch_axis() -> None:
    assert fixes(chain((), RELU), ())[0].array_steps == (ExpandArray("x", 0),)


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=5), st.data())
def test_steps_are_numpys(shape: list[int], data: st.DataObject) -> None:
    array = np.zeros(shape)
    expand = ExpandArray("x", data.draw(st.integers(0, len(shape))))
    move = MoveAxes("x", tuple(data.draw(st.permutations(range(len(shape))))))
    wide = np.expand_dims(array, expand.axis)
    for given_array, step in ((array, expand), (array, move), (wide, DropAxis("x", expand.axis))):
        assert reshaped(given_array.shape, step) == by_numpy(given_array, step).shape
    assert reshaped(shape, CastArray("x", DType.FLOAT32)) == tuple(shape)


@pytest.mark.parametrize("dtype", [dtype for dtype in DType if dtype is not DType.FLOAT32])
def test_another_element_type_is_to_be_converted(dtype: DType) -> None:
    found = fault(ANYTHING, (2, 128, 9), dtype)
    assert found is not None
    assert (found.reason, found.message) == ("DTYPE_MISMATCH", f"x is fed {dtype.value}; it declares float32.")
    assert [fix.array_steps for fix in found.fixes] == [(CastArray("x", DType.FLOAT32),)]


def _two() -> Stack:
    return Stack((Node(Input((4,)), "left"), Node(Input((4,)), "right"), Node(Add(), "sum", ("left", "right"))))


def test_arrays_must_agree_on_the_batch() -> None:
    found = trace(_two())
    check_arrays(found, {"left": (3, 4), "right": (3, 4)}, LIMITS)
    with pytest.raises(InvalidRequestError, match=r"different batch sizes: left 3, right 2\.") as caught:
        check_arrays(found, {"left": (3, 4), "right": (2, 4)}, LIMITS)
    assert caught.value.reason == "BATCH_MISMATCH"


def test_the_array_at_fault_is_named() -> None:
    with pytest.raises(StackError, match=r"^right takes batch, 4\. It is fed an array of shape \(3, 5\)") as caught:
        check_arrays(trace(_two()), {"left": (3, 4), "right": (3, 5)}, LIMITS)
    assert caught.value.diagnosis.index == 1
    assert caught.value.field == "inputs[1].shape"


@pytest.mark.parametrize(
    ("given", "reason", "field", "said"),
    [
        (["left", "rigth"], "UNKNOWN_INPUT", "inputs[1].name", 'did you mean "right"'),
        (["left"], "MISSING_INPUT", "inputs", "Nothing is given for right: the stack has 2 Inputs, left, right."),
        ([""], "UNKNOWN_INPUT", "inputs[0].name", 'there are "left", "right"'),
        ([], "MISSING_INPUT", "inputs", "Nothing is given for left, right"),
    ],
)
def test_names_that_do_not_match(given: list[str], reason: str, field: str, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        match_names(trace(_two()), given, "inputs")
    assert (caught.value.reason, caught.value.field) == (reason, field)
    assert said in caught.value.message


def test_names_that_match() -> None:
    assert match_names(trace(_two()), ["right", "left"], "inputs") == ["right", "left"]
    assert match_names(trace(ANYTHING), [""], "inputs") == ["x"]
    assert match_names(trace(ANYTHING), ["x"], "inputs") == ["x"]
