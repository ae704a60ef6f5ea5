"""Where pools go wrong unnoticed, one test for each: what the others compute, what Lamina computes and says."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest

from lamina_server.errors import StackError
from lamina_server.export import export
from lamina_server.layers.base import Kind
from lamina_server.layers.pooling.adaptive import AdaptiveAveragePool, AdaptiveMaxPool
from lamina_server.layers.pooling.norm_pooling import LpPool
from lamina_server.layers.pooling.pools import AveragePool, MaxPool
from lamina_server.layers.windows import PadPair
from lamina_server.trace import trace
from tests.differential.oracles import F, keras, keras_values, tensor, torch
from tests.differential.support import FIRST, Array, assert_close, normal, run, stack_of


def steps(*values: float) -> Array:
    """One sample of one channel, channels first."""
    return np.array([[values]], np.float32)


def by_lamina(kind: Kind, x: Array) -> Array:
    """What a layer computes of a channels-first array, whose lengths are numbers, then symbols."""
    (found,) = run(kind, x, layout=FIRST)
    (again,) = run(kind, x, layout=FIRST, symbolic=range(1, x.ndim - 1))
    assert_close(found, again)
    return found


def model(kind: Kind, length: int) -> onnx.ModelProto:
    """A layer's model for one channel of so many steps."""
    traced = trace(stack_of(kind, [(1, length)], FIRST))
    return onnx.ModelProto.FromString(export(traced, {}, traced.outputs))


def attributes(found: onnx.ModelProto, op: str) -> dict[str, Any]:
    """Those of a model's only node of an operator."""
    (node,) = [node for node in found.graph.node if node.op_type == op]
    return {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}


def refusal(kind: Kind, length: int) -> StackError:
    with pytest.raises(StackError) as caught:
        trace(stack_of(kind, [(1, length)], FIRST))
    return caught.value


@pytest.mark.parametrize(
    ("n", "k", "s", "p", "out"), [(9, 4, 4, 2, 3), (32, 1, 2, 0, 16), (7, 2, 2, 0, 4), (6, 3, 2, 1, 4), (5, 2, 3, 1, 2)]
)
@pytest.mark.parametrize("average", [True, False])
def test_trap_15_a_last_window_must_start_inside(n: int, k: int, s: int, p: int, out: int, average: bool) -> None:
    x = normal(1, 1, 1, n)
    kind = (AveragePool if average else MaxPool)((k,), (s,), (PadPair(p, p),), ceil_mode=True)
    theirs = F.avg_pool1d(tensor(x), k, s, p, True, False) if average else F.max_pool1d(tensor(x), k, s, p, 1, True)
    found = by_lamina(kind, x)
    assert found.shape[-1] == theirs.shape[-1] == out
    assert_close(found, theirs)
    inferred = onnx.shape_inference.infer_shapes(model(kind, n), strict_mode=True, data_prop=True)
    assert inferred.graph.output[0].type.tensor_type.shape.dim[2].dim_value == out


def test_trap_16_an_input_shorter_than_the_window_is_refused() -> None:
    """ONNX and its runtime round towards zero, and give one output; on TensorFlow Keras gives none, in silence."""
    x = steps(1, 2)
    with pytest.raises(RuntimeError, match=r"Output size is too small|Invalid computed"):
        F.max_pool1d(tensor(x), 3, 2)
    for kind in (MaxPool((3,), (2,)), AveragePool((3,), (2,)), LpPool(2, (3,), (2,))):
        error = refusal(kind, 2)
        assert error.reason == "WINDOW_TOO_LONG"
        assert "has a window of 3 along steps, longer than the 2 steps there are" in error.message


def test_trap_17_the_default_stride_is_the_window() -> None:
    """ONNX's is 1: models say it."""
    x = normal(1, 1, 1, 9)
    for kind, op in ((MaxPool((2,)), "MaxPool"), (AveragePool((2,)), "AveragePool"), (LpPool(2, (2,)), "AveragePool")):
        assert attributes(model(kind, 9), op)["strides"] == [2]
    assert_close(by_lamina(MaxPool((2,)), x), F.max_pool1d(tensor(x), 2))
    assert_close(by_lamina(AveragePool((2,)), x), F.avg_pool1d(tensor(x), 2))
    assert_close(by_lamina(LpPool(2, (2,)), x), F.lp_pool1d(tensor(x), 2, 2))


@pytest.mark.parametrize("include_pad", [True, False])
@pytest.mark.parametrize("ceil_mode", [True, False])
def test_trap_18_whether_padding_counts(include_pad: bool, ceil_mode: bool) -> None:
    """PyTorch's default is that it does, Keras' and ONNX' that it does not, and so Lamina's."""
    x = normal(1, 1, 2, 8)
    kind = AveragePool((3,), (3,), (PadPair(1, 1),), None, ceil_mode, include_pad)
    assert_close(by_lamina(kind, x), F.avg_pool1d(tensor(x), 3, 3, 1, ceil_mode, include_pad))
    assert AveragePool((3,)).count_include_pad is False
    layer = keras.layers.AveragePooling1D(3, 1, "same", data_format="channels_first", dtype="float64")
    assert_close(by_lamina(AveragePool((3,), (1,), "same"), x), keras_values(layer, [x])[0])


def test_trap_19_padding_never_wins() -> None:
    x = -abs(normal(1, 1, 2, 7)) - 1
    kind = MaxPool((3,), (2,), (PadPair(1, 1),))
    assert_close(by_lamina(kind, x), F.max_pool1d(tensor(x), 3, 2, 1))
    assert (by_lamina(kind, x) < 0).all()
    # A window with nothing but padding: minus infinity, where ONNX Runtime has the least number there is.
    nothing = F.max_pool1d(tensor(steps(3, 4)), 2, 1, 1, 3)
    assert nothing.tolist() == [[[-np.inf]]]
    assert_close(by_lamina(MaxPool((2,), (1,), (PadPair(1, 1),), dilation_rate=(3,)), steps(3, 4)), nothing)
    same = MaxPool((2,), (1,), "same", dilation_rate=(4,))
    assert by_lamina(same, steps(1, 2, 3)).tolist() == [[[3, -np.inf, 1]]]


def test_trap_20_a_norm_keeps_signs_or_not() -> None:
    x = steps(-1, 2)
    assert by_lamina(LpPool(1, (2,)), x).item() == F.lp_pool1d(tensor(x), 1, 2).item() == 1
    assert by_lamina(LpPool(1, (2,), signed=False), x).item() == 3  # as ONNX
    # A window cut short by ceil_mode: PyTorch makes it a whole one, ONNX sums what is there.
    x = steps(1, 2, 3, 4, 5, 6)
    theirs = F.lp_pool1d(tensor(x), 2, 4, 4, True)
    assert_close(by_lamina(LpPool(2, (4,), ceil_mode=True), x), theirs)
    found = by_lamina(LpPool(2, (4,), ceil_mode=True, scale_partial=False), x)
    assert theirs[0, 0, 1].item() == pytest.approx((2 * (25 + 36)) ** 0.5)
    assert found[0, 0].tolist() == pytest.approx([30**0.5, 61**0.5])


def test_trap_21_pads_are_at_most_half_a_window() -> None:
    x = steps(1, 2, 3)
    with pytest.raises(RuntimeError, match="half of"):
        F.max_pool1d(tensor(x), 3, 1, 2)
    error = refusal(MaxPool((3,), (1,), (PadPair(2, 2),)), 3)
    assert "padding is (2, 2), more than half of the window of 3; a pool admits at most 1 on each side" in error.message
    # A window shorter than the stride: with auto_pad older operators of ONNX Runtime had negative pads.
    assert by_lamina(AveragePool((2,), (3,), "same"), x).tolist() == [[[1.5]]]
    layer = keras.layers.AveragePooling1D(2, 3, "same", data_format="channels_first", dtype="float64")
    assert keras_values(layer, [x])[0].tolist() == [[[1.5]]]


@pytest.mark.parametrize(("n", "o"), [(7, 3), (13, 7), (3, 5), (12, 8), (5, 5), (6, 3), (9, 1)])
def test_trap_22_bins_need_not_be_alike(n: int, o: int) -> None:
    """PyTorch's own exporter has no AdaptiveMaxPool from 7 to 3."""
    x = normal(1, 2, 3, n)
    assert_close(by_lamina(AdaptiveMaxPool((o,)), x), F.adaptive_max_pool1d(tensor(x), o))
    assert_close(by_lamina(AdaptiveAveragePool((o,)), x), F.adaptive_avg_pool1d(tensor(x), o))


@pytest.mark.parametrize(("k", "s", "shape"), [((2, 3), (2, 2), (5, 5)), ((4,), (1,), (5,))])
def test_trap_49_padding_is_left_out_of_a_mean(k: Sequence[int], s: Sequence[int], shape: Sequence[int]) -> None:
    """Keras on PyTorch repeats the edge where SAME adds more after than before, which is wrong; on TensorFlow, the
    reference, padding does not count. PyTorch's sums over PyTorch's counts are right on every backend.
    """
    x = normal(1, 1, 1, *shape)
    found = by_lamina(AveragePool(tuple(k), tuple(s), "same"), x)
    ends = []
    for n, size, stride in zip(shape[::-1], k[::-1], s[::-1], strict=True):
        total = max((-(-n // stride) - 1) * stride + size - n, 0)
        ends += [total // 2, total - total // 2]
    pool = F.avg_pool1d if len(k) == 1 else F.avg_pool2d
    sums, counts = (pool(F.pad(part, ends), k, s) for part in (tensor(x), torch.ones_like(tensor(x))))
    assert_close(found, sums / counts)


@pytest.mark.parametrize(("n", "k", "s", "p"), [(6, 3, 2, 1), (7, 3, 3, 1), (10, 4, 4, 0)])
def test_trap_56_ceil_mode_is_a_longer_end(n: int, k: int, s: int, p: int) -> None:
    """A floor pool with that much more of minus infinity at the end gives the same; more on both sides does not."""
    x, kind = normal(1, 1, 2, n), MaxPool((k,), (s,), (PadPair(p, p),), ceil_mode=True)
    theirs = F.max_pool1d(tensor(x), k, s, p, 1, True)
    assert_close(by_lamina(kind, x), theirs)
    written = attributes(model(kind, n), "MaxPool")
    before, after = written["pads"]
    assert before == p and after >= p and "ceil_mode" not in written
    assert_close(by_lamina(kind, x), F.max_pool1d(F.pad(tensor(x), (before, after), value=-torch.inf), k, s))


def test_trap_58_means_of_bins_are_matrix_products() -> None:
    """One matrix for each axis, with a row of shares for each bin."""
    x, sizes = normal(1, 2, 3, 7, 5), (3, 4)
    rows = [np.zeros((o, n)) for o, n in zip(sizes, x.shape[2:], strict=True)]
    for matrix in rows:
        o, n = matrix.shape
        for i in range(o):
            start, stop = i * n // o, -(-(i + 1) * n // o)
            matrix[i, start:stop] = 1 / (stop - start)
    expected = np.einsum("bchw,ih,jw->bcij", x.astype(np.float64), *rows)
    assert_close(by_lamina(AdaptiveAveragePool(sizes), x), expected)
    assert_close(by_lamina(AdaptiveAveragePool(sizes), x), F.adaptive_avg_pool2d(tensor(x), sizes))
