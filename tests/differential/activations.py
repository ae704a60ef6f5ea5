"""Random activation functions, and the same in PyTorch and in Keras."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from hypothesis import strategies as st

from lamina_server.layers.functions import (
    FUNCTIONS,
    Elu,
    Function,
    Gelu,
    LeakyRelu,
    Softmax,
)
from tests.differential.oracles import F, keras, torch

BY_TORCH: dict[str, Callable[[Any, Any], Any]] = {
    "linear": lambda _, x: x,
    "relu": lambda _, x: F.relu(x),
    "relu6": lambda _, x: F.relu6(x),
    "leaky_relu": lambda f, x: F.leaky_relu(x, f.negative_slope),
    "elu": lambda f, x: F.elu(x, f.alpha),
    "selu": lambda _, x: F.selu(x),
    "gelu": lambda f, x: F.gelu(x, approximate="tanh" if f.approximate else "none"),
    "sigmoid": lambda _, x: torch.sigmoid(x),
    "hard_sigmoid": lambda _, x: F.hardsigmoid(x),
    "tanh": lambda _, x: torch.tanh(x),
    "softplus": lambda _, x: F.softplus(x),
    "silu": lambda _, x: F.silu(x),
    "softmax": lambda f, x: F.softmax(x, f.axis),
}
PARAMETERS = st.floats(0.01, 2)


def of_kind(kind: type[Function], rank: int) -> st.SearchStrategy[Function]:
    """One activation function with any parameters, for tensors of this rank, the batch included."""
    drawn: dict[type[Function], st.SearchStrategy[Function]] = {
        Elu: st.builds(Elu, PARAMETERS),
        LeakyRelu: st.builds(LeakyRelu, PARAMETERS),
        Gelu: st.builds(Gelu, st.booleans()),
        Softmax: st.builds(Softmax, st.integers(1, rank - 1) | st.integers(1 - rank, -1)),
    }
    return drawn.get(kind, st.just(kind()))


def functions(rank: int) -> st.SearchStrategy[Function]:
    """Any activation function."""
    return st.one_of([of_kind(kind, rank) for kind in FUNCTIONS])


def recurrent() -> st.SearchStrategy[Function]:
    """Any activation function that ONNX's LSTM knows."""
    return st.one_of([of_kind(kind, 2) for kind in FUNCTIONS if kind().recurrent is not None])


def by_torch(function: Function | None, x: Any) -> Any:
    """A function applied to a tensor by PyTorch."""
    return x if function is None else BY_TORCH[function.name](function, x)


def by_keras(function: Function | None) -> Any:
    """What Keras takes as `activation`: its own function of that name, with the same parameters by name."""
    if function is None:
        return None
    given = {item.name: getattr(function, item.name) for item in fields(function)}
    applied = keras.activations.get(function.name)
    return lambda x: applied(x, **given)
