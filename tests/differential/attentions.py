"""Weights of attention layers: drawn, put into Keras' layers, and turned into PyTorch's."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamina_server.layers.base import Kind
from lamina_server.layers.tensors import DType
from lamina_server.trace import trace
from tests.differential.oracles import tensor, torch
from tests.differential.support import Array, drawn, stack_of

Weights = Mapping[str, Array]


def weights_for(kind: Kind, arrays: Sequence[Array], seed: int) -> dict[str, Array]:
    """Numbers for every weight of a layer, by its own names."""
    dtypes = [DType(x.dtype.name) for x in arrays]
    traced = trace(stack_of(kind, [x.shape[1:] for x in arrays], dtypes=dtypes))
    return {name.removeprefix("layer/"): value for name, value in drawn(traced, seed).items()}


def given(layer: Any, weights: Weights) -> Any:
    """A built Keras layer with these weights, which must be its own by path and by shape."""
    paths = {variable.path.partition("/")[2]: variable for variable in layer.weights}
    assert {path: tuple(v.shape) for path, v in paths.items()} == {name: w.shape for name, w in weights.items()}
    for path, variable in paths.items():
        variable.assign(weights[path].astype(np.float64))
    return layer


def outputs(results: Any) -> list[Array]:
    """One array for each output."""
    return [y.detach().numpy() for y in (results if isinstance(results, list | tuple) else [results])]


def mask(seed: int, *shape: int) -> Array:
    """Random bools; every query sees its first key, so that no row is empty."""
    seen = np.random.default_rng(seed).random(shape) < 0.6
    seen[..., 0] = True
    return seen


def alike(hidden: Any) -> Any:
    """What PyTorch must not see, as numbers to add: it wants two masks of one type."""
    return torch.zeros(hidden.shape).double().masked_fill(hidden, -torch.inf) if hidden.dtype is torch.bool else hidden


def packed(weights: Weights, prefix: str = "") -> dict[str, Any]:
    """PyTorch's in_proj and out_proj, from query, key, value and attention_output."""
    names = [f"{prefix}{which}" for which in ("query", "key", "value")]
    kernels = [weights[f"{name}/kernel"] for name in names]
    rows = [kernel.reshape(kernel.shape[0], -1).T for kernel in kernels]
    out = weights[f"{prefix}attention_output/kernel"]
    state = {"out_proj.weight": tensor(out.reshape(-1, out.shape[-1]).T)}
    if len({row.shape for row in rows}) == 1:
        state["in_proj_weight"] = tensor(np.concatenate(rows))
    else:  # keys and values of other sizes
        state |= {f"{which}_proj_weight": tensor(row) for which, row in zip("qkv", rows, strict=True)}
    if f"{prefix}query/bias" in weights:
        state["in_proj_bias"] = tensor(np.concatenate([weights[f"{name}/bias"].reshape(-1) for name in names]))
        state["out_proj.bias"] = tensor(weights[f"{prefix}attention_output/bias"])
    for name in {"bias_k", "bias_v"} & weights.keys():
        state[name] = tensor(weights[name].reshape(1, 1, -1))
    return state


def transformed(weights: Weights, attentions: Mapping[str, str]) -> dict[str, Any]:
    """State of PyTorch's transformer layers; `attentions` are its names by ours."""
    state = {
        f"{theirs}.{name}": value
        for ours, theirs in attentions.items()
        for name, value in packed(weights, f"{ours}/").items()
    }
    for name, array in weights.items():
        layer, _, which = name.partition("/")
        if layer.startswith(("linear", "norm")):
            own = {"kernel": "weight", "gamma": "weight", "bias": "bias", "beta": "bias"}[which]
            state[f"{layer}.{own}"] = tensor(array.T if which == "kernel" else array)
    return state


def loaded(module: Any, state: Mapping[str, Any]) -> Any:
    """A PyTorch module in float64, ready for inference, with exactly this state."""
    module = module.double().eval()
    module.load_state_dict(state)
    return module


def counted(module: Any) -> int:
    """Number of a PyTorch module's parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def with_gradients(compute: Any) -> Any:
    """What PyTorch computes off its fast path for encoders, which takes a mask of numbers for one of bools."""
    with torch.enable_grad():
        return compute().detach()
