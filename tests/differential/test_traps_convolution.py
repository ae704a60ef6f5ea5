"""Where convolutions go wrong unnoticed, one test for each: what the others compute, what Lamina computes and says."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest

from lamina_server.errors import StackError
from lamina_server.export import export
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv, DepthwiseConv
from lamina_server.layers.convolution.separable import SeparableConv
from lamina_server.layers.convolution.transposed import ConvTranspose
from lamina_server.layers.windows import PadPair
from lamina_server.limits import Limits
from lamina_server.notes import annotate
from lamina_server.trace import trace
from tests.differential.oracles import F, keras, keras_values, tensor, torch
from tests.differential.support import FIRST, Array, assert_close, drawn, kernel, normal, run, stack_of

Shape = tuple[int, ...]


def sequence(length: int, channels: int = 2) -> Array:
    """Random steps, channels last, batch included."""
    return normal(7, 2, length, channels)


def weights_of(kind: Kind, shape: Shape) -> dict[str, Array]:
    """Random weights of a layer by their own names."""
    found = drawn(trace(stack_of(kind, [shape])), 1)
    return {name.partition("/")[2]: array for name, array in found.items()}


def by_lamina(kind: Kind, x: Array, weights: dict[str, Array], symbolic: Sequence[int] = ()) -> Array:
    """What a layer computes."""
    return run(kind, x, weights=weights, symbolic=symbolic)[0]


def by_keras(name: str, x: Array, weights: dict[str, Array], *args: Any, **options: Any) -> Array:
    """What Keras' layer of a name computes."""
    return keras_values(getattr(keras.layers, name)(*args, dtype="float64", **options), [x], weights)[0]


def by_torch(op: str, x: Array, weights: dict[str, Array], *args: Any, ends: Sequence[int] = ()) -> Array:
    """What PyTorch's operator makes of steps that are padded first; kernels of both kinds turn round alike."""
    taps = tensor(weights["kernel"]).permute(2, 1, 0)
    y = getattr(F, op)(F.pad(tensor(x).transpose(1, 2), list(ends)), taps, tensor(weights["bias"]), *args)
    return np.asarray(y.transpose(1, 2))


def nodes(kind: Kind, shape: Shape, op: str, symbolic: Sequence[int] = ()) -> list[dict[str, Any]]:
    """Attributes of the nodes of an operator in a layer's model."""
    traced = trace(stack_of(kind, [shape], symbolic=symbolic))
    model = onnx.ModelProto.FromString(export(traced, drawn(traced, 1), traced.outputs))
    found = [node for node in model.graph.node if node.op_type == op]
    return [{item.name: onnx.helper.get_attribute_value(item) for item in node.attribute} for node in found]


def notes(kind: Kind, shape: Shape) -> list[str]:
    """What is said of a layer by the way."""
    return [note.text for note in annotate(trace(stack_of(kind, [shape])), Limits()).layers[-1].notes]


def explained(kind: Kind, shape: Shape) -> str:
    """Why the first axis has its length."""
    return trace(stack_of(kind, [shape])).layers[-1].done.derivations[0].reason


def test_trap_01_same_with_a_stride_has_torchs_shape_and_other_numbers() -> None:
    x, same = sequence(8), Conv(3, (5,), (2,), "same")
    weights = weights_of(same, (8, 2))
    found = by_lamina(same, x, weights)
    assert_close(found, by_keras("Conv1D", x, weights, 3, 5, 2, "same"))
    assert_close(found, by_torch("conv1d", x, weights, 2, ends=(1, 2)))
    theirs = by_torch("conv1d", x, weights, 2, 2)
    assert found.shape == theirs.shape and abs(found - theirs).max() > 0.1
    assert_close(by_lamina(Conv(3, (5,), (2,), (PadPair(2, 2),)), x, weights), theirs)
    (note,) = notes(same, (8, 2))
    assert "padding=2 has this shape but other numbers: it adds 2 and 2. Pad (1, 2) yourself to agree." in note


def test_trap_02_torch_has_no_same_with_a_stride() -> None:
    x, same = sequence(9), Conv(3, (4,), (3,), "same")
    weights = weights_of(same, (9, 2))
    with pytest.raises(RuntimeError, match="not supported for strided"):
        by_torch("conv1d", x, weights, 3, "same")
    assert_close(by_lamina(same, x, weights), by_keras("Conv1D", x, weights, 3, 4, 3, "same"))


@pytest.mark.parametrize("symbolic", [(), (0,)])
def test_trap_03_onnx_runtime_has_no_auto_pad_with_dilation(symbolic: Sequence[int]) -> None:
    """Lamina writes pads as numbers, or as a Pad node where they depend on a length."""
    x, same = sequence(9), Conv(3, (3,), (2,), "same", dilation_rate=(2,))
    weights = weights_of(same, (9, 2))
    (node,) = nodes(same, (9, 2), "Conv", symbolic)
    assert "auto_pad" not in node
    expected = by_torch("conv1d", x, weights, 2, 0, 2, ends=(2, 2))
    assert_close(by_lamina(same, x, weights, symbolic), expected)


def test_trap_04_keras_has_no_strides_with_dilation() -> None:
    x, kind = sequence(12), Conv(3, (3,), (2,), dilation_rate=(3,))
    weights = weights_of(kind, (12, 2))
    with pytest.raises(ValueError, match="dilation_rate"):
        by_keras("Conv1D", x, weights, 3, 3, 2, dilation_rate=3)
    assert_close(by_lamina(kind, x, weights), by_torch("conv1d", x, weights, 2, 0, 3))


def test_trap_05_strided_causal_ends_at_the_strides_multiples() -> None:
    x = np.arange(1, 8, dtype=np.float32).reshape(1, 7, 1)
    kind = Conv(1, (3,), (2,), "causal", use_bias=False)
    weights = {"kernel": np.ones((3, 1, 1), np.float32)}
    assert by_lamina(kind, x, weights).ravel().tolist() == [1, 6, 12, 18]
    assert by_lamina(kind, x, weights, [0]).ravel().tolist() == [1, 6, 12, 18]
    assert_close(by_lamina(kind, x, weights), by_keras("Conv1D", x, weights, 1, 3, 2, "causal", use_bias=False))


def test_trap_06_same_adds_nothing_to_a_window_shorter_than_the_stride() -> None:
    x, kind = sequence(9), Conv(3, (2,), (3,), "same")
    weights = weights_of(kind, (9, 2))
    (window,) = trace(stack_of(kind, [(9, 2)])).layers[-1].done.windows
    assert (window.before, window.after, window.unused) == (0, 0, 1)
    assert "nothing is added. The last step is never read." in explained(kind, (9, 2))
    assert_close(by_lamina(kind, x, weights), by_keras("Conv1D", x, weights, 3, 2, 3, "same"))
    assert_close(by_lamina(kind, x, weights, [0]), by_torch("conv1d", x, weights, 3))


def test_trap_07_the_batch_axis_is_always_there() -> None:
    """PyTorch takes (1, 740) for channels and steps of one sample; an Input names no batch, and a result has one."""
    kind, x = Conv(64, (5,)), normal(1, 1, 740)
    weights = {"kernel": kernel(2, 5, 1, 64), "bias": normal(3, 64)}
    spec = trace(stack_of(kind, [(1, 740)], FIRST)).layers[-1].done.spec
    assert str(spec) == "batch, 64 channels, 736 steps"
    theirs = F.conv1d(tensor(x), tensor(weights["kernel"]).permute(2, 1, 0), tensor(weights["bias"]))
    assert theirs.shape == (64, 736)
    assert_close(run(kind, x[None], weights=weights, layout=FIRST)[0], theirs[None])


def test_trap_08_kernels_lie_as_keras_lays_them() -> None:
    """(k, in / groups, out), transposed (k, out, in), depthwise (k, in, m); PyTorch's have the channels in front."""
    x = sequence(9, 4)
    made = keras.layers
    pairs: list[tuple[Kind, Any]] = [
        (Conv(6, (3,), groups=2), made.Conv1D(6, 3, groups=2)),
        (DepthwiseConv((3,), depth_multiplier=3), made.DepthwiseConv1D(3, depth_multiplier=3)),
        (SeparableConv(6, (3,), depth_multiplier=3), made.SeparableConv1D(6, 3, depth_multiplier=3)),
        (ConvTranspose(6, (3,), (2,)), made.Conv1DTranspose(6, 3, 2)),
    ]
    for kind, layer in pairs:
        layer.build(x.shape)
        assert {v.name: tuple(v.shape) for v in layer.weights} == {
            name: w.shape for name, w in weights_of(kind, (9, 4)).items()
        }
    weights = weights_of(pairs[1][0], (9, 4))
    taps = weights["kernel"].transpose(1, 2, 0).reshape(12, 1, 3)  # filter m of channel c is output c * 3 + m
    theirs = F.conv1d(tensor(x).transpose(1, 2), tensor(taps), tensor(weights["bias"]), groups=4)
    assert_close(by_lamina(pairs[1][0], x, weights), theirs.transpose(1, 2))
    grouped = ConvTranspose(6, (3,), (2,), groups=2)
    assert weights_of(grouped, (9, 4))["kernel"].shape == (3, 3, 4)
    ours = torch.nn.ConvTranspose1d(4, 6, 3, 2, groups=2).weight.shape
    assert tuple(ours) == (4, 3, 3)


def test_trap_09_same_crops_the_other_side_than_torch() -> None:
    x, same = sequence(4), ConvTranspose(3, (3,), (2,), "same")
    weights = weights_of(same, (4, 2))
    found, theirs = by_lamina(same, x, weights), by_torch("conv_transpose1d", x, weights, 2, 1, 1)
    assert_close(found, by_keras("Conv1DTranspose", x, weights, 3, 3, 2, "same"))
    assert found.shape == theirs.shape == (2, 8, 3)
    assert_close(found[:, 1:], theirs[:, :-1])  # shifted by one
    assert_close(by_lamina(ConvTranspose(3, (3,), (2,), (PadPair(1, 1),), (1,)), x, weights), theirs)
    assert explained(same, (4, 2)).endswith(
        'padding="same" gives steps x stride, 4 x 2 = 8: 0 cropped before, 1 after.'
    )
    assert 'it crops (1, 0), padding="same" (0, 1).' in notes(same, (4, 2))[0]


def test_trap_10_a_window_shorter_than_the_stride_leaves_a_tail_of_zeros() -> None:
    """12 by Keras; 11 by PyTorch, and by ONNX Runtime for SAME as well."""
    x, same = sequence(4), ConvTranspose(3, (2,), (3,), "same")
    weights = weights_of(same, (4, 2))
    found = by_lamina(same, x, weights)
    assert_close(found, by_keras("Conv1DTranspose", x, weights, 3, 2, 3, "same"))
    assert_close(by_lamina(ConvTranspose(3, (2,), (3,)), x, weights), found)  # valid is the same here
    theirs = by_torch("conv_transpose1d", x, weights, 3)
    assert (found.shape[1], theirs.shape[1]) == (12, 11)
    assert (found[:, 11] == weights["bias"]).all()
    assert_close(by_lamina(ConvTranspose(3, (2,), (3,), (PadPair(0, 0),)), x, weights), theirs)
    assert "12: 1 zero is added at the end." in explained(same, (4, 2))


def test_trap_11_output_padding_none_is_not_zero() -> None:
    x, none = sequence(5), ConvTranspose(3, (3,), (2,), "same")
    weights = weights_of(none, (5, 2))
    for more, length in ((None, 10), (0, 9), (1, 10)):
        kind = ConvTranspose(3, (3,), (2,), "same", () if more is None else (more,))
        found = by_lamina(kind, x, weights)
        assert found.shape[1] == length
        assert_close(found, by_keras("Conv1DTranspose", x, weights, 3, 3, 2, "same", output_padding=more))
    even = ConvTranspose(3, (4,), (2,), "same", (0,))  # on TensorFlow Keras crashes here
    weights = weights_of(even, (5, 2))
    found = by_lamina(even, x, weights)
    assert found.shape[1] == 8
    assert_close(found, by_keras("Conv1DTranspose", x, weights, 3, 4, 2, "same", output_padding=0))


@pytest.mark.parametrize("k", [2, 3, 4, 5, 6])
def test_trap_12_nobody_has_to_know_what_same_upper_means(k: int) -> None:
    """It once meant the opposite in ONNX Runtime: no model of a transposed convolution says it."""
    x, same = sequence(5), ConvTranspose(3, (k,), (3,), "same")
    weights = weights_of(same, (5, 2))
    assert_close(by_lamina(same, x, weights), by_keras("Conv1DTranspose", x, weights, 3, k, 3, "same"))
    for symbolic in ((), (0,)):
        assert all("auto_pad" not in node for node in nodes(same, (5, 2), "ConvTranspose", symbolic))


def test_trap_13_output_padding_is_less_than_the_stride_or_the_dilation() -> None:
    x = sequence(5)
    weights = weights_of(ConvTranspose(3, (3,), (2,)), (5, 2))
    with pytest.raises(RuntimeError, match="output padding must be smaller"):
        by_torch("conv_transpose1d", x, weights, 2, 0, 2)
    with pytest.raises(ValueError, match="output_padding"):
        by_keras("Conv1DTranspose", x, weights, 3, 3, 2, output_padding=2)
    with pytest.raises(StackError, match="it must be less than the stride or the dilation, 2"):
        trace(stack_of(ConvTranspose(3, (3,), (2,), output_padding=(2,)), [(5, 2)]))
    wide = ConvTranspose(3, (3,), (2,), (PadPair(1, 1),), (2,), dilation_rate=(3,))  # ONNX Runtime has no such
    assert_close(by_lamina(wide, x, weights), by_torch("conv_transpose1d", x, weights, 2, 1, 2, 1, 3))


@pytest.mark.parametrize(
    "kind",
    [
        ConvTranspose(3, (3,), (2,), "same"),
        ConvTranspose(3, (2,), (3,), "same"),
        ConvTranspose(3, (5,), (2,), (PadPair(0, 3),)),
        ConvTranspose(3, (5,), (2,), (PadPair(4, 1),)),
        ConvTranspose(3, (3,), (2,), (PadPair(2, 0),), (1,)),
        ConvTranspose(3, (3,), (1,), (PadPair(0, 0),), (3,), dilation_rate=(4,)),
    ],
)
@pytest.mark.parametrize("symbolic", [(), (0,)])
def test_trap_14_pads_are_alike_on_both_sides(kind: ConvTranspose, symbolic: Sequence[int]) -> None:
    """Others ONNX Runtime's CUDA leaves to the CPU. Its output padding is less than the stride, as its CPU asks."""
    (node,) = nodes(kind, (5, 2), "ConvTranspose", symbolic)
    assert node["pads"][0] == node["pads"][1] and "auto_pad" not in node and "output_shape" not in node
    assert node.get("output_padding", [0])[0] < node["strides"][0]


def test_trap_57_keras_1_arguments_mean_something_else_today() -> None:
    """Conv2D(32, 3, 3): a 3 x 3 kernel then, a stride of 3 now."""
    x = normal(1, 1, 9, 9, 2)
    kind = Conv(4, (3, 3), (3, 3))
    weights = {"kernel": kernel(2, 3, 3, 2, 4), "bias": normal(3, 4)}
    found = by_lamina(kind, x, weights)
    assert found.shape == (1, 3, 3, 4)
    assert_close(found, by_keras("Conv2D", x, weights, 4, 3, 3))
    (note,) = notes(kind, (9, 9, 2))
    assert note.startswith("the stride is 3, as long as the kernel. In Keras 1, Conv2D(4, 3, 3) meant a 3 x 3 kernel")
    assert note.endswith("For the old meaning write kernel_size=(3, 3).")
