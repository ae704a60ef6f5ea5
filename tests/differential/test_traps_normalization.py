"""What people fall for with normalisation, one test a trap: the numbers beside the oracles', and what Lamina says."""

import warnings

import numpy as np
import onnx
import pytest

from lamina_server.errors import StackError
from lamina_server.export import export
from lamina_server.layers.base import Kind
from lamina_server.layers.normalization.normalizing import (
    BatchNormalization,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    RMSNormalization,
)
from lamina_server.trace import trace
from lamina_server.weights import check_given, complete
from tests.differential.oracles import F, keras, keras_values, tensor, torch
from tests.differential.support import BATCH, FIRST, Array, assert_close, normal, run, stack_of

SMALL = 0.01  # so small that epsilon shows


def ones_and_zeros(kind: Kind, shape: tuple[int, ...]) -> dict[str, Array]:
    """The weights that a new layer of Keras or PyTorch has."""
    found = trace(stack_of(kind, [shape], FIRST))
    return {name.removeprefix("layer/"): value for name, value in complete(found, {}, 0).items()}


def test_trap_39_epsilons_are_keras_own() -> None:
    """0.001 for three layers and 0.000001 for the fourth, where PyTorch has 0.00001 and the type's epsilon."""
    x = normal(0, BATCH, 4, 6, scale=SMALL)
    pairs = [
        (BatchNormalization(1), keras.layers.BatchNormalization(1, dtype="float64"), torch.nn.BatchNorm1d(4)),
        (LayerNormalization(), keras.layers.LayerNormalization(dtype="float64"), torch.nn.LayerNorm(6)),
        (GroupNormalization(2, 1), keras.layers.GroupNormalization(2, 1, dtype="float64"), torch.nn.GroupNorm(2, 4)),
        (RMSNormalization(), keras.layers.RMSNormalization(dtype="float64"), torch.nn.RMSNorm(6)),
    ]
    for kind, layer, module in pairs:
        weights = ones_and_zeros(kind, (4, 6))
        (found,) = run(kind, x, weights=weights, layout=FIRST)
        assert_close(found, keras_values(layer, [x], weights)[0])
        by_torch = module.double().eval()(tensor(x)).detach()
        if isinstance(kind, LayerNormalization | GroupNormalization):  # the others' statistics hide it, or are nearer
            assert abs(found - by_torch.numpy()).max() > 0.003
    assert [kind.epsilon for kind, *_ in pairs] == [1e-3, 1e-3, 1e-3, 1e-6]  # type: ignore[attr-defined]


def test_trap_39_with_torch_s_epsilon_the_numbers_are_torch_s() -> None:
    x = normal(0, BATCH, 4, 6, scale=SMALL)
    eps = float(np.finfo(np.float32).eps)
    pairs = [
        (BatchNormalization(epsilon=1e-5), torch.nn.BatchNorm1d(4)),
        (LayerNormalization(epsilon=1e-5), torch.nn.LayerNorm(6)),
        (GroupNormalization(2, epsilon=1e-5), torch.nn.GroupNorm(2, 4)),
        (InstanceNormalization(), torch.nn.InstanceNorm1d(4)),
        (RMSNormalization(epsilon=eps), torch.nn.RMSNorm(6, eps=eps)),
    ]
    for kind, module in pairs:
        (found,) = run(kind, x, weights=ones_and_zeros(kind, (4, 6)), layout=FIRST)
        assert_close(found, module.double().eval()(tensor(x)).detach())
    assert_close(
        torch.nn.RMSNorm(6)(torch.tensor(x)).detach().numpy(),
        run(pairs[-1][0], x, layout=FIRST, weights=ones_and_zeros(pairs[-1][0], (4, 6)))[0],
    )


def test_trap_40_gamma_is_for_each_channel_and_the_default_is_32_groups() -> None:
    """ONNX before opset 21 had one scale a group. The operator itself is not used: ONNX Runtime's loses large means."""
    x, gamma, beta = normal(0, BATCH, 6, 5), normal(1, 6), normal(2, 6)
    kind = GroupNormalization(2, epsilon=1e-5)
    (found,) = run(kind, x, weights={"gamma": gamma, "beta": beta}, layout=FIRST)
    assert_close(found, F.group_norm(tensor(x), 2, tensor(gamma), tensor(beta)))
    traced = trace(stack_of(kind, [(6, 5)], FIRST))
    model = onnx.ModelProto.FromString(export(traced, complete(traced, {}, 0), traced.outputs))
    assert "GroupNormalization" not in {node.op_type for node in model.graph.node}
    with pytest.raises(StackError, match="has groups=32, which does not divide the 6 channels; 1, 2, 3, 6 do"):
        trace(stack_of(GroupNormalization(), [(6, 5)], FIRST))
    with pytest.raises(ValueError, match="32"):
        keras.layers.GroupNormalization(axis=1).build((None, 6, 5))


def test_trap_41_the_channels_that_come_are_those_that_count() -> None:
    """PyTorch's InstanceNorm1d(5) takes 4 channels, where it warns at most; weights for 5 fit no tensor of 4 here."""
    x = normal(0, BATCH, 4, 7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = torch.nn.InstanceNorm1d(5)(tensor(x))
    assert_close(run(InstanceNormalization(), x, layout=FIRST)[0], theirs)
    traced = trace(stack_of(InstanceNormalization(scale=True), [(4, 7)], FIRST))
    with pytest.raises(Exception, match=r"layer/gamma has shape \(5,\); the stack needs \(4,\)"):
        check_given(traced, {"layer/gamma": ("float32", (5,))}, rest_drawn=True)
