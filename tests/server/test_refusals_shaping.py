"""What shaping layers refuse: the reason, and the essence of what is said. Hostile numbers before anything is built."""

import time
from contextlib import suppress

import pytest

from lamina_server.dims import Size, symbol
from lamina_server.errors import LimitError, StackError
from lamina_server.layers.base import Kind
from lamina_server.layers.core.basics import Dense, Input
from lamina_server.layers.merging.joining import Add
from lamina_server.layers.shaping.center_crop import CenterCrop
from lamina_server.layers.shaping.folding import ChannelShuffle, Fold, PixelShuffle, PixelUnshuffle, Unfold
from lamina_server.layers.shaping.padding import Cropping, Pad
from lamina_server.layers.shaping.repeating import BroadcastTo, Flip, Repeat, Roll, Tile
from lamina_server.layers.shaping.reshaping import Flatten, Permute, Reshape
from lamina_server.layers.shaping.resizing import Resizing, Upsample, UpSampling
from lamina_server.layers.shaping.slicing import Slice, Split, SqueezeAxes, Take, UnsqueezeAxes
from lamina_server.layers.tensors import DType, Layout
from lamina_server.layers.windows import PadPair
from lamina_server.limits import Limits
from lamina_server.notes import annotate
from lamina_server.repair import apply, repaired
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from lamina_server.wire.traces import encode_diagnosis, encode_trace
from tests.contract.words import faults

T = symbol("T")
FIRST = Layout.CHANNELS_FIRST
P = PadPair


def refusal(kind: Kind, shape: tuple[Size, ...], dtype: DType = DType.FLOAT32) -> StackError:
    """The error of a layer behind an Input, its fixes written."""
    stack = Stack((Node(Input(shape, dtype), "x"), Node(kind, "layer")))
    with pytest.raises(StackError) as caught:
        trace(stack)
    encode_diagnosis(repaired(stack, caught.value.diagnosis, Limits()))
    return caught.value


@pytest.mark.parametrize(
    ("kind", "shape", "reason", "said"),
    [
        (Cropping((P(5, 4),)), (9, 3), "EMPTY_RESULT", "which is 9: nothing would be left; together they may be 8"),
        (Cropping((P(1, -1),)), (9, 3), "OUT_OF_RANGE", "cropping=-1; it must be 0 or more"),
        (Cropping((P(0, 0),) * 4), (9, 3), "BAD_RANK", "cropping has 4 pairs; there must be 1, 2 or 3"),
        (CenterCrop(4, 4), (8, 3), "RANK_MISMATCH", "needs batch, height, width, channels"),
        (Cropping((P(1, 1),)), (9,), "RANK_MISMATCH", "needs batch, steps, channels"),
        (Pad((P(3, 0),), "reflect"), (3, 2), "BAD_PADDING", 'is 3: mode="reflect" can add at most 2'),
        (Pad((P(0, 4),), "circular"), (3, 2), "BAD_PADDING", 'is 3: mode="circular" can add at most 3'),
        (Pad((P(3, -1),), "circular"), (3, 2), "BAD_PADDING", "(2 of them left)"),
        (Pad((P(3, -4),)), (3, 2), "BAD_PADDING", "takes 4 away along steps, which is 3"),
        (Pad((P(-2, -1),)), (3, 2), "EMPTY_RESULT", "would leave batch, 0 steps"),
        (Pad((P(1, 1),), "reflect", 2.0), (9, 3), "UNSUPPORTED", "value=2, which mode="),
        (Pad((P(1, 1),), axes=(1, 2)), (9, 3), "LENGTH_MISMATCH", "axes has 2 numbers, but padding has 1 pair"),
        (Pad((P(1, 1),) * 2, axes=(2, -1)), (9, 3), "BAD_AXIS", "names one axis twice"),
        (Pad((P(1, 1),), axes=(0,)), (9, 3), "BAD_AXIS", "the batch axis is never touched"),
        (Pad((P(1, 1),), data_format=FIRST, axes=(1,)), (9, 3), "UNSUPPORTED", "data_format, which says nothing"),
        (Pad((P(1, 1),), value=float("nan")), (9, 3), "OUT_OF_RANGE", "value=nan"),
        (UpSampling((2,), interpolation="bilinear"), (9, 3), "UNSUPPORTED", 'Upsample(mode="linear")'),
        (UpSampling((2,) * 4), (9, 3), "BAD_RANK", "size has 4 numbers"),
        (UpSampling((0,)), (9, 3), "OUT_OF_RANGE", "size=0; it must be 1 or more"),
        (Upsample(), (9, 3), "OUT_OF_RANGE", "either size or scale_factor, but none is given"),
        (Upsample((3,), (2.0,)), (9, 3), "OUT_OF_RANGE", "but both are given"),
        (Upsample((3, 4)), (9, 3), "LENGTH_MISMATCH", "size has 2 numbers, but its input has one spatial axis"),
        (Upsample((3,)), (9,), "RANK_MISMATCH", "1 to 3 spatial axes. It gets batch, 9"),
        (Upsample((3,), mode="bilinear"), (9, 3), "UNSUPPORTED", "is for 2 spatial axes"),
        (Upsample((3,), mode="linear"), (9, 9, 3), "UNSUPPORTED", 'use "bilinear"'),
        (Upsample((3,), align_corners=True), (9, 3), "UNSUPPORTED", "align_corners=True, which has no meaning with"),
        (Upsample((3,), mode="linear", antialias=True), (9, 3), "UNSUPPORTED", "antialias=True"),
        (Upsample((3,), recompute_scale_factor=True), (9, 3), "UNSUPPORTED", "without scale_factor"),
        (
            Upsample((3,), (), "bicubic", True, antialias=True),
            (9, 9, 3),
            "UNSUPPORTED",
            "antialias and align_corners",
        ),
        (Upsample(scale_factor=(0.1,)), (9, 3), "EMPTY_RESULT", "0 steps"),
        (Upsample(scale_factor=(0.0,)), (9, 3), "EMPTY_RESULT", "0 steps"),
        (Upsample(scale_factor=(float("nan"),)), (9, 3), "OUT_OF_RANGE", "nan"),
        (Upsample(scale_factor=(1.3,)), (T, 3), "SYMBOLIC_SIZE", "give size, or a factor such as 1.5"),
        (Upsample((9000,), mode="area"), (9000, 1), "OUT_OF_RANGE", "9000 x 9000 = 81 000 000 weights"),
        (Resizing(4, 4, "nearest", antialias=True), (5, 5, 1), "UNSUPPORTED", "antialias=True"),
        (Resizing(4, 4, "bilinear", True, True), (5, 5, 1), "UNSUPPORTED", "but not both"),
        (Resizing(4, 4, fill_mode="reflect"), (5, 5, 1), "UNSUPPORTED", "Keras fills with a constant only"),
        (Resizing(4, 4, fill_value=1), (5, 5, 1), "UNSUPPORTED", "nothing is filled"),
        (
            PixelShuffle(3),
            (5, 5, 8),
            "NOT_DIVISIBLE",
            "has upscale_factor=3, whose square, 9, does not divide the 8 channels; of upscale_factor, 1, 2 do",
        ),
        (PixelShuffle(2), (5, 5, T), "SYMBOLIC_SIZE", "2 x 2 = 4 must divide it"),
        (PixelUnshuffle(2), (4, 5, 1), "NOT_DIVISIBLE", "downscale_factor=2, which does not divide width 5; 1, 5 do"),
        (PixelUnshuffle(2), (T, 4, 1), "SYMBOLIC_SIZE", "2 must divide it"),
        (
            ChannelShuffle(4),
            (5, 6),
            "NOT_DIVISIBLE",
            "has groups=4, which does not divide the 6 channels; 1, 2, 3, 6 do",
        ),
        (ChannelShuffle(2), (6,), "RANK_MISMATCH", "at least one spatial axis"),
        (Unfold((3,)), (5, 5, 1), "LENGTH_MISMATCH", "kernel_size has 1 number; windows of height and width have 2"),
        (Unfold((3, 3), stride=(1,)), (5, 5, 1), "LENGTH_MISMATCH", "stride has 1 number"),
        (Unfold((6, 1)), (5, 5, 1), "WINDOW_TOO_LONG", "a window of 6 along height, longer than the height 5"),
        (Fold((5, 5), (2, 2)), (15, 8), "SIZE_MISMATCH", "gets 15 windows, but 16 fit in 5 x 5: height 5 - 2 + 1 = 4"),
        (Fold((5, 5), (2, 2)), (16, 9), "NOT_DIVISIBLE", "windows of 4 positions, which must divide the 9 channels"),
        (Fold((5,), (2, 2)), (16, 8), "LENGTH_MISMATCH", "output_size has 1 size; height and width are 2"),
        (Fold((5, 0), (2, 2)), (16, 8), "OUT_OF_RANGE", "output_size holds 0"),
        (Fold((5, 5), (2, 2)), (16, T), "SYMBOLIC_SIZE", "4 positions of a window must divide it"),
        (SqueezeAxes((1,)), (2, 3), "SIZE_MISMATCH", "must have size 1, but it is 2"),
        (SqueezeAxes((0,)), (1, 3), "BAD_AXIS", "the batch axis is never touched"),
        (SqueezeAxes((1,)), (T, 3), "SYMBOLIC_SIZE", "only an axis of size 1 can be taken out"),
        (UnsqueezeAxes((0,)), (3,), "BAD_AXIS", "the batch axis is never touched"),
        (UnsqueezeAxes((4,)), (3, 4), "BAD_AXIS", "axes 0 to 3"),
        (UnsqueezeAxes((1, -3)), (3,), "BAD_AXIS", "twice"),
        (Slice(1, step=0), (9, 3), "OUT_OF_RANGE", "step=0"),
        (Slice(1, 5, 2), (9, 3), "EMPTY_RESULT", "takes nothing of steps, which is 9: from 5 to before 2"),
        (Slice(3), (9, 3), "BAD_AXIS", "axes 0 to 2"),
        (Take((1, 9), 1), (9, 3), "OUT_OF_RANGE", "takes index 9 of steps, which has indices -9 to 8"),
        (Take((-10,), 1), (9, 3), "OUT_OF_RANGE", "index -10"),
        (Take((1, 2), 1, False), (9, 3), "LENGTH_MISMATCH", "2 indices and keepdims=False"),
        (Take((), 1), (9, 3), "EMPTY_RESULT", "takes no index"),
        (Split(), (9, 3), "OUT_OF_RANGE", "exactly one of sizes, size and sections, but none of them is given"),
        (Split(2, sizes=(1, 2)), (9, 3), "OUT_OF_RANGE", "but sections and sizes are given"),
        (Split(sizes=(1, 1)), (9, 3), "SIZE_MISMATCH", "sizes=(1, 1), 2 in all, but channels is 3"),
        (Split(sizes=(-1, -1)), (9, 3), "TWO_UNKNOWNS", "-1 twice"),
        (Split(sizes=(3, -1)), (9, 3), "EMPTY_RESULT", "of which one would be empty"),
        (Split(sizes=(3, 0)), (9, 3), "EMPTY_RESULT", "of which one would be empty"),
        (Split(3, 1), (T, 3), "SYMBOLIC_SIZE", "the number of parts must be known"),
        (Split(axis=1, sizes=(1, 2)), (T, 3), "SYMBOLIC_SIZE", "the sizes of all parts are given"),
        (Roll((1, 2), (1,)), (9, 3), "LENGTH_MISMATCH", "shift has 2 numbers, but axis has 1"),
        (Flip((1, -2)), (9, 3), "BAD_AXIS", "twice"),
        (Tile((2,)), (9, 3), "LENGTH_MISMATCH", "repeats has 1 number"),
        (Repeat(0, 1), (9, 3), "OUT_OF_RANGE", "repeats=0"),
        (BroadcastTo((5, 3)), (9, 3), "SIZE_MISMATCH", "cannot stretch steps 9 to 5: only a size of 1"),
        (BroadcastTo((3,)), (9, 3), "RANK_MISMATCH", "shape has 1 size, fewer than the 2 axes"),
        (BroadcastTo((-1, 9, 3)), (9, 3), "OUT_OF_RANGE", "-1 for an axis that is there"),
        (BroadcastTo((symbol("Z"), 3)), (1, 3), "UNKNOWN_SYMBOL", "no Input before it says what Z is"),
        (Flatten(start_axis=2, end_axis=1), (9, 3), "BAD_AXIS", "starts at axis 2 and ends at axis 1, before it"),
        (Flatten(FIRST, 2), (9, 3), "UNSUPPORTED", "which is for merging all axes"),
        (Flatten(start_axis=0), (9, 3), "BAD_AXIS", "start_axis is 0, but the batch axis"),
        (Reshape((9, -1), True), (9, 3), "OUT_OF_RANGE", "starts with -1"),
        (Reshape((-1, 4), True), (9, 3), "SIZE_MISMATCH", "4 does not divide 27"),
        (Permute((1, 0, 2), True), (9, 3), "BAD_PERMUTATION", "0, then the numbers 1 to 2"),
        (Permute((3, 1), True), (), "BAD_PERMUTATION", "must be (0) (the batch axis"),
        (Permute((1,)), (), "BAD_PERMUTATION", "must be () (the batch axis"),
    ],
    ids=lambda value: f"{type(value).__name__}({value.text()})" if isinstance(value, Kind) else None,
)
def test_refusals(kind: Kind, shape: tuple[Size, ...], reason: str, said: str) -> None:
    found = refusal(kind, shape)
    assert found.reason == reason, str(found)
    assert said in str(found)
    assert not faults(str(found)), str(found)


@pytest.mark.parametrize(
    ("kind", "dtype", "reason"),
    [
        (UpSampling((2, 2), interpolation="bilinear"), DType.UINT8, "DTYPE_MISMATCH"),
        (Upsample((2,), mode="area"), DType.INT32, "DTYPE_MISMATCH"),
        (Resizing(2, 2), DType.INT64, "DTYPE_MISMATCH"),
        (Pad((P(1, 1),) * 2, value=300), DType.INT8, "OUT_OF_RANGE"),
        (Pad((P(1, 1),) * 2, value=0.5), DType.INT8, "OUT_OF_RANGE"),
        (Pad((P(1, 1),) * 2, value=2), DType.BOOL, "OUT_OF_RANGE"),
        (Pad((P(1, 1),) * 2, value=1e6), DType.FLOAT16, "OUT_OF_RANGE"),
    ],
    ids=str,
)
def test_element_types(kind: Kind, dtype: DType, reason: str) -> None:
    assert refusal(kind, (5, 6, 3), dtype).reason == reason


def test_windows_put_back_are_float32_or_float16() -> None:
    found = refusal(Fold((5, 5), (2, 2)), (16, 8), DType.FLOAT64)
    assert 'takes float16 or float32, but x is float64: put Cast("' in str(found)


def test_a_split_is_taken_part_by_part() -> None:
    layers = (Node(Input((5, 4)), "x"), Node(Split(2), "split"))
    found = refusal_of(Stack((*layers, Node(Dense(2), "dense"))))
    assert found.reason == "UNKNOWN_INPUT" and "which has no main output; it has split:0, split:1" in str(found)
    (fix, *_) = found.diagnosis.fixes
    assert fix.outcome == "dense: batch, 5 steps, 2 channels"
    made = trace(Stack((*layers, Node(Add(), "sum", ("split:0", "split:1")))))
    assert made.outputs == ("sum",) and made.specs["sum"].shape[1:] == (5, 2)
    whole = trace(Stack(layers))
    assert whole.outputs == ("split:0", "split:1")
    assert [spec.name for spec in encode_trace(whole).outputs] == ["split:0", "split:1"]


def refusal_of(stack: Stack) -> StackError:
    """The error of a stack, its fixes written."""
    with pytest.raises(StackError) as caught:
        trace(stack)
    repaired(stack, caught.value.diagnosis, Limits())
    return caught.value


def test_a_mirror_that_is_too_long_has_fixes() -> None:
    stack = Stack((Node(Input((3, 2)), "x"), Node(Pad((P(3, 0),), "reflect"), "pad")))
    fix = refusal_of(stack).diagnosis.fixes[0]
    assert trace(apply(stack, fix.stack_steps)).specs["pad"].shape[1:] == (6, 2)


def test_folded_and_unfolded_batch_axes_do_not_meet() -> None:
    folded = Node(Reshape((-1, 2, 3), include_batch=True), "folded", ("x",))
    plain = Node(Slice(1, stop=1), "plain", ("x",))
    flat = Node(Reshape((2, 3)), "flat", ("plain",))
    stack = Stack((Node(Input((4, 2, 3)), "x"), folded, plain, flat, Node(Add(), "sum", ("folded", "flat"))))
    found = refusal_of(stack)
    assert found.reason == "SIZE_MISMATCH"
    assert "batch axes of 4 * batch (folded) and batch (flat)" in str(found)


def test_rows_that_no_sample_has_whole() -> None:
    folded = (Node(Input((4, 6)), "x"), Node(Reshape((-1, 6), include_batch=True), "folded"))
    found = refusal_of(Stack((*folded, Node(Reshape((-1, 5), include_batch=True), "again"))))
    assert "4 rows per sample of 6 each by (-1, 5): 5 does not divide 24" in str(found)


HUGE = 2**31 - 1


@pytest.mark.parametrize(
    "kind",
    [
        Tile((HUGE, HUGE)),
        Tile((10**9, 1)),
        Repeat(HUGE, 1),
        BroadcastTo((HUGE, HUGE, -1, -1)),
        Pad((P(HUGE, HUGE),)),
        Pad((P(HUGE, HUGE),), "replicate"),
        Pad((P(2**62, 2**62),)),
        UpSampling((HUGE,)),
        Upsample((HUGE,)),
        Upsample(scale_factor=(1e300,)),
        Upsample(scale_factor=(1e9,), mode="linear"),
        Split(sections=HUGE),
        Split(size=1, axis=1),
        Roll((HUGE,), (1,)),
        Take((HUGE,), 1),
        Slice(1, -HUGE, HUGE, HUGE),
        Cropping((P(HUGE, 0),)),
    ],
    ids=lambda kind: f"{type(kind).__name__}({kind.text()})",
)
@pytest.mark.parametrize("length", [5000, T])
def test_hostile_numbers_are_answered_at_once(kind: Kind, length: Size) -> None:
    stack = Stack((Node(Input((length, 3)), "x"), Node(kind, "layer")))
    started = time.thread_time()
    with suppress(LimitError, StackError):
        encode_trace(annotate(trace(stack), Limits()))
    assert time.thread_time() - started < 0.5


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (Unfold((HUGE, HUGE), padding=(HUGE, HUGE)), (9, 9, 1)),
        (Resizing(HUGE, HUGE), (9, 9, 1)),
        (Resizing(1, 10**6, pad_to_aspect_ratio=True), (10**6, 1, 1)),
        (PixelShuffle(HUGE), (9, 9, 4)),
        (PixelUnshuffle(HUGE), (9, 9, 4)),
        (Fold((HUGE, HUGE), (1, 1)), (9, 4)),
        (Tile((10**9, 1, 1)), (9, 9, 4)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Kind) else None,
)
def test_hostile_images_are_refused_at_once(kind: Kind, shape: tuple[int, ...]) -> None:
    started = time.thread_time()
    with pytest.raises((LimitError, StackError)):
        trace(Stack((Node(Input(shape), "x"), Node(kind, "layer"))))
    assert time.thread_time() - started < 0.5
