"""What looks alike in Keras, PyTorch, ONNX and ONNX Runtime and is not: a test for each, by its number."""

from typing import Any

import numpy as np
import pytest

from lamina_server.dims import symbol
from lamina_server.layers.base import Kind
from lamina_server.layers.core.basics import Dense, Input
from lamina_server.layers.shaping.folding import PixelShuffle, PixelUnshuffle
from lamina_server.layers.shaping.padding import Pad
from lamina_server.layers.shaping.reshaping import Flatten, Permute, Reshape, ZeroPadding
from lamina_server.layers.shaping.resizing import Resizing, Upsample, UpSampling
from lamina_server.layers.shaping.slicing import Split
from lamina_server.layers.windows import PadPair
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from tests.contract.running import chain
from tests.differential.oracles import F, keras, keras_values, tensor, torch
from tests.differential.support import FIRST, Array, assert_close, normal, refused, run, run_stack, stack_of


def counted(*shape: int) -> Array:
    """0, 1, 2, ... in a shape."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def resized(kind: Kind, x: Any) -> Array:
    """What a layer makes of a channels-first array."""
    (found,) = run(kind, np.asarray(x, np.float32), layout=FIRST)
    return found


def test_trap_23_flatten_is_row_major_and_keras_channels_first_is_not() -> None:
    x = counted(1, 2, 3)
    (plain,) = run(Flatten(), x, layout=FIRST)
    np.testing.assert_array_equal(plain, [[0, 1, 2, 3, 4, 5]])
    (moved,) = run(Flatten(FIRST), x, layout=FIRST)
    np.testing.assert_array_equal(moved, [[0, 3, 1, 4, 2, 5]])
    np.testing.assert_array_equal(moved, keras_values(keras.layers.Flatten("channels_first", dtype="float64"), [x])[0])
    (row,) = trace(stack_of(Flatten(FIRST), [(2, 3)], FIRST)).layer("layer").done.derivations
    assert "The channel axis is moved to the end first" in row.reason


def test_trap_23_flatten_of_one_number_per_sample() -> None:
    """Keras gives (batch, 1), PyTorch refuses."""
    (found,) = run(Flatten(), counted(3))
    np.testing.assert_array_equal(found, [[0], [1], [2]])


def test_trap_23_a_flattened_image_of_the_other_layout_needs_its_kernel_permuted() -> None:
    """H, W, C against C, H, W: the same Dense after a Permute, not before."""
    x, kernel = normal(0, 2, 3, 4, 5), normal(1, 60, 7)
    last = np.moveaxis(x, 1, -1)
    stack = Stack(
        (Node(Input((4, 5, 3)), "x"), Node(Permute((3, 1, 2))), Node(Flatten()), Node(Dense(7, use_bias=False), "d"))
    )
    found = run_stack(stack, {"x": last}, {"d/kernel": kernel}, ["d"])["d"]
    assert_close(found, tensor(x).flatten(1) @ tensor(kernel))


def test_trap_24_permute_counts_from_1_without_the_batch_and_reshape_leaves_it_out() -> None:
    x = counted(2, 3, 4)
    for kind in (Permute((2, 1)), Permute((0, 2, 1), include_batch=True)):
        (found,) = run(kind, x)
        np.testing.assert_array_equal(found, tensor(x).permute(0, 2, 1))
        np.testing.assert_array_equal(found, keras_values(keras.layers.Permute((2, 1), dtype="float64"), [x])[0])
    assert refused(Permute((0, 2, 1)), x) == refused(Permute((1, 2, 0), include_batch=True), x) == "BAD_PERMUTATION"
    (found,) = run(Reshape((12,)), x)
    np.testing.assert_array_equal(found, tensor(x).reshape(2, 12))
    assert refused(Reshape((0, 12)), x) == "SIZE_MISMATCH", "to ONNX 0 copies a size; here it is a size of 0"


def test_trap_25_pads_are_written_first_axis_first() -> None:
    """Keras ((top, bottom), (left, right)); PyTorch's functional.pad the last axis first; negative numbers crop."""
    x = counted(1, 1, 2, 3)
    pairs = (PadPair(1, 0), PadPair(0, 2))
    for kind in (Pad(pairs), ZeroPadding(pairs)):
        np.testing.assert_array_equal(resized(kind, x), F.pad(tensor(x), (0, 2, 1, 0)))
    cropped = resized(Pad((PadPair(0, -1), PadPair(2, -2))), x)
    np.testing.assert_array_equal(cropped, F.pad(tensor(x), (2, -2, 0, -1)))
    np.testing.assert_array_equal(cropped, [[[[0, 0, 0]]]])


def test_trap_25_a_circular_pad_goes_round_what_is_left() -> None:
    """Of 0 1 2 without its last element: PyTorch puts 1 before, not 2; a mirror still sees the 2."""
    x = counted(1, 1, 3)
    np.testing.assert_array_equal(resized(Pad((PadPair(1, -1),), "circular"), x), [[[1, 0, 1]]])
    np.testing.assert_array_equal(resized(Pad((PadPair(2, -1),), "reflect"), x), [[[2, 1, 0, 1]]])
    cases: tuple[tuple[Any, tuple[int, int]], ...] = (("circular", (1, -1)), ("reflect", (2, -1)))
    for mode, pads in cases:
        kind = Pad((PadPair(*pads),), mode)
        np.testing.assert_array_equal(resized(kind, x), F.pad(tensor(x), pads, mode))


def test_trap_25_a_mirror_bounds_a_symbol() -> None:
    found = trace(chain((symbol("T"), 3), Pad((PadPair(4, 1),), "reflect")))
    assert str(found.specs["pad"].shape[1]) == "T + 5" and found.ranges == {"T": 5}
    found = trace(chain((symbol("T"), 3), Pad((PadPair(4, 1),), "circular")))
    assert found.ranges == {"T": 4}


def test_trap_26_nothing_here_touches_the_batch_axis_and_the_last_axis_is_the_default() -> None:
    assert Split(2).axis == -1  # as Concatenate, Keras' way
    assert refused(Split(2, axis=0), counted(2, 4)) == "BAD_AXIS"


def test_trap_29_nearest_of_5_to_3() -> None:
    """PyTorch takes 0 1 3, ONNX by default 0 2 4, Keras 0 2 4: centres."""
    x = counted(1, 1, 5)
    np.testing.assert_array_equal(resized(Upsample((3,)), x), [[[0, 1, 3]]])
    np.testing.assert_array_equal(F.interpolate(torch.tensor(x), 3), [[[0, 1, 3]]])
    exact = resized(Upsample((3,), mode="nearest_exact"), x)
    np.testing.assert_array_equal(exact, [[[0, 2, 4]]])
    np.testing.assert_array_equal(exact, F.interpolate(torch.tensor(x), 3, mode="nearest-exact"))
    image = counted(1, 1, 5, 5)
    found = resized(Resizing(3, 3, "nearest"), image)
    layer = keras.layers.Resizing(3, 3, "nearest", data_format="channels_first")
    np.testing.assert_array_equal(found, layer(torch.tensor(image)))
    np.testing.assert_array_equal(found, image[:, :, [0, 2, 4]][..., [0, 2, 4]])


def test_trap_29_whole_factors_agree_everywhere() -> None:
    image = normal(0, 1, 2, 3, 4)
    wanted = image.repeat(2, 2).repeat(3, 3)
    for kind in (UpSampling((2, 3)), Upsample((6, 12)), Upsample(scale_factor=(2, 3)), Resizing(6, 12, "nearest")):
        np.testing.assert_array_equal(resized(kind, image), wanted)
    np.testing.assert_array_equal(F.interpolate(tensor(image), (6, 12)), wanted)


def test_trap_29_nearest_rounds_as_float32_does() -> None:
    """2 to 82: place 41 looks at 41 * (2 / 82), which is 1 but less in float32; PyTorch takes element 0, Keras 1."""
    x = counted(1, 1, 2)
    for kind in (Upsample((82,)), Upsample(scale_factor=(41,))):
        found = resized(kind, x)
        np.testing.assert_array_equal(found, F.interpolate(torch.tensor(x), 82))
        assert found[0, 0, 41] == 0
    np.testing.assert_array_equal(resized(UpSampling((41,)), x), x.repeat(41, 2))


def test_trap_30_the_coefficient_of_bicubic() -> None:
    """-0.5 in Keras on TensorFlow, -0.75 in PyTorch and ONNX; at the edge they differ, too."""
    x = np.zeros((1, 1, 1, 8), np.float32)
    x[..., 4:] = 1
    by_torch, by_keras = resized(Upsample((1, 16), mode="bicubic"), x), resized(Resizing(1, 16, "bicubic"), x)
    assert_close(by_torch, F.interpolate(tensor(x), (1, 16), mode="bicubic"))
    assert_close(by_keras, F.interpolate(tensor(x), (1, 16), mode="bicubic", antialias=True))

    def step(a: float) -> float:
        """Weight of the two elements beyond a step, a quarter of an element before its middle."""
        near, far = 0.75, 1.75
        return float((a + 2) * near**3 - (a + 3) * near**2 + 1 + a * far**3 - 5 * a * far**2 + 8 * a * far - 4 * a)

    assert by_torch[0, 0, 0, 7] == pytest.approx(step(-0.75), abs=1e-6)
    assert by_keras[0, 0, 0, 7] == pytest.approx(step(-0.5), abs=1e-6)
    assert abs(by_torch - by_keras).max() > 0.02


def test_trap_31_an_output_of_one_element() -> None:
    """The middle, 1.5 of 0 1 2 3, as PyTorch; pytorch_half_pixel would take 0. Aligned corners take the first."""
    x = counted(1, 1, 4)
    assert resized(Upsample((1,), mode="linear"), x).item() == F.interpolate(tensor(x), 1, mode="linear").item() == 1.5
    corners = F.interpolate(tensor(x), 1, mode="linear", align_corners=True)
    assert resized(Upsample((1,), mode="linear", align_corners=True), x).item() == corners.item() == 0


def test_trap_32_recompute_scale_factor_changes_the_numbers() -> None:
    x = normal(0, 1, 1, 7)
    given, again = (Upsample(scale_factor=(1.3,), mode="linear", recompute_scale_factor=r) for r in (False, True))
    for kind, recompute in ((given, None), (again, True)):
        wanted = F.interpolate(tensor(x), scale_factor=1.3, mode="linear", recompute_scale_factor=recompute)
        assert_close(resized(kind, x), wanted)
    assert resized(given, x).shape == resized(again, x).shape == (1, 1, 9)
    assert abs(resized(given, x) - resized(again, x)).max() > 0.01


def test_trap_32_a_length_is_the_floor_of_a_product_of_doubles() -> None:
    """0.29 * 100 is 28.999999999999996 in doubles, 0.7 * 10 is 7: PyTorch's lengths, with arithmetic that says so."""
    for factor, length, wanted in ((0.29, 100, 28), (0.7, 10, 7), (1.3, 10, 13), (1.1, 10, 11)):
        kind = Upsample(scale_factor=(factor,))
        assert F.interpolate(torch.zeros(1, 1, length), scale_factor=factor).shape[2] == wanted
        (row,) = trace(stack_of(kind, [(1, length)], FIRST)).layer("layer").done.derivations
        assert row.derived.value == wanted
    found = trace(chain((symbol("T"), 1), Upsample(scale_factor=(1.5,))))
    assert str(found.specs["upsample"].shape[1]) == "T + floor(T / 2)"


def test_trap_45_pixel_shuffle_counts_channels_first() -> None:
    """CRD in PyTorch; TensorFlow and ONNX's default count them last (DCR)."""
    x = counted(1, 8, 1, 1)
    np.testing.assert_array_equal(resized(PixelShuffle(2), x), F.pixel_shuffle(tensor(x), 2))
    np.testing.assert_array_equal(resized(PixelShuffle(2), x)[0, 0], [[0, 1], [2, 3]])
    np.testing.assert_array_equal(resized(PixelShuffle(2, "dcr"), x)[0, 0], [[0, 2], [4, 6]])
    orders: tuple[Any, ...] = ("crd", "dcr")
    for order in orders:
        back = resized(PixelUnshuffle(2, order), resized(PixelShuffle(2, order), x))
        np.testing.assert_array_equal(back, x)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("symbolic", [(), (1, 2)])
def test_trap_53_fewer_places_with_aligned_corners(mode: Any, symbolic: tuple[int, ...]) -> None:
    for lengths, size in (((9, 7), (4, 3)), ((12, 12), (5, 7)), ((5, 9), (8, 2)), ((7, 7), (1, 1))):
        x = normal(0, 2, 2, *lengths)
        (found,) = run(Upsample(size, mode=mode, align_corners=True), x, layout=FIRST, symbolic=symbolic)
        assert_close(found, F.interpolate(tensor(x), size, mode=mode, align_corners=True))
