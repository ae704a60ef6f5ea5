"""Random activation functions, and the same in PyTorch and in Keras."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from hypothesis import strategies as st

from lamina_server.layers.activations.functions import (
    FUNCTIONS,
    Celu,
    Elu,
    Function,
    Gelu,
    HardShrink,
    HardTanh,
    LeakyRelu,
    LogSoftmax,
    Relu,
    RRelu,
    Softmax,
    Softmin,
    Softplus,
    SoftShrink,
    Sparsemax,
    Squareplus,
    Threshold,
)
from tests.differential.oracles import F, keras, torch


def _relu(f: Any, x: Any) -> Any:
    kept = x.clamp(max=f.max_value) if f.max_value is not None else x
    return torch.where(x > f.threshold, kept, f.negative_slope * (x - f.threshold))


def _softmax(f: Any, x: Any) -> Any:
    return (x - x.logsumexp(f.axes, keepdim=True)).exp() if f.axes else F.softmax(x, f.axis)


def _sparsemax(f: Any, x: Any) -> Any:
    """tau by bisection: max(x - tau, 0) sums to 1. Keras' own tau: Keras itself."""
    if f.as_keras:
        return keras.activations.sparsemax(x, f.axis)
    low, high = x.amax(f.axis, keepdim=True) - 1, x.amax(f.axis, keepdim=True)
    for _ in range(60):
        tau = (low + high) / 2
        over = (x - tau).clamp(min=0).sum(f.axis, keepdim=True) > 1
        low, high = torch.where(over, tau, low), torch.where(over, high, tau)
    return (x - low).clamp(min=0)


# What PyTorch has no function for is written out with its operators.
BY_TORCH: dict[str, Callable[[Any, Any], Any]] = {
    "linear": lambda _, x: x,
    "relu": _relu,
    "relu6": lambda _, x: F.relu6(x),
    "leaky_relu": lambda f, x: F.leaky_relu(x, f.negative_slope),
    "elu": lambda f, x: F.elu(x, f.alpha),
    "selu": lambda _, x: F.selu(x),
    "gelu": lambda f, x: F.gelu(x, approximate="tanh" if f.approximate else "none"),
    "sigmoid": lambda _, x: torch.sigmoid(x),
    "hard_sigmoid": lambda _, x: F.hardsigmoid(x),
    "tanh": lambda _, x: torch.tanh(x),
    "softplus": lambda f, x: F.softplus(x, f.beta, f.threshold),
    "silu": lambda _, x: F.silu(x),
    "softmax": _softmax,
    "celu": lambda f, x: F.celu(x, f.alpha),
    "hard_swish": lambda _, x: F.hardswish(x),
    "hard_tanh": lambda f, x: F.hardtanh(x, f.min_val, f.max_val),
    "softsign": lambda _, x: F.softsign(x),
    "log_softmax": lambda f, x: F.log_softmax(x, f.axis),
    "softmin": lambda f, x: F.softmin(x, f.axis),
    "log_sigmoid": lambda _, x: F.logsigmoid(x),
    "mish": lambda _, x: F.mish(x),
    "exponential": lambda _, x: torch.exp(x),
    "hard_shrink": lambda f, x: F.hardshrink(x, f.threshold),
    "soft_shrink": lambda f, x: F.softshrink(x, f.threshold),
    "tanh_shrink": lambda _, x: F.tanhshrink(x),
    "threshold": lambda f, x: F.threshold(x, f.threshold, f.default_value),
    "squareplus": lambda f, x: (x + torch.sqrt(x * x + f.b)) / 2,
    "sparse_plus": lambda _, x: torch.where(x < 1, (x.clamp(min=-1) + 1) ** 2 / 4, x),
    "sparse_sigmoid": lambda _, x: ((x + 1) / 2).clamp(0, 1),
    "sparsemax": _sparsemax,
    "rrelu": lambda f, x: F.rrelu(x, f.lower, f.upper, training=False),
}
# Options that Keras' function of that name has not.
NOT_KERAS: Mapping[str, tuple[str, ...]] = {
    "softplus": ("beta", "threshold"),
    "hard_tanh": ("min_val", "max_val"),
    "softmax": ("axes",),
    "sparsemax": ("as_keras",),
}

PARAMETERS = st.floats(0.01, 2)


def thresholds(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers of float32, in which is computed here: one so small that it is 0 there is on the other side of a 0."""
    return st.floats(low, high, width=32, allow_subnormal=False)


def of_kind(kind: type[Function], rank: int) -> st.SearchStrategy[Function]:
    """One activation function with any parameters, for tensors of this rank, the batch included."""
    axes = st.integers(1, rank - 1) | st.integers(1 - rank, -1)
    several = st.sets(st.integers(1, rank - 1), min_size=1).map(tuple)
    pairs = st.tuples(thresholds(-2, 2), thresholds(0, 2)).map(lambda pair: (pair[0], sum(pair)))
    drawn: dict[type[Function], st.SearchStrategy[Function]] = {
        Relu: st.builds(Relu, st.just(0.0) | PARAMETERS, st.none() | PARAMETERS, st.just(0.0) | PARAMETERS),
        Elu: st.builds(Elu, PARAMETERS),
        Celu: st.builds(Celu, st.floats(0.1, 2)),
        LeakyRelu: st.builds(LeakyRelu, PARAMETERS),
        RRelu: pairs.map(lambda pair: RRelu(*pair)),
        Gelu: st.builds(Gelu, st.booleans()),
        Softplus: st.just(Softplus())
        | st.builds(Softplus, st.floats(0.1, 3) | st.floats(-3, -0.1), thresholds(-5, 30)),
        HardTanh: pairs.map(lambda pair: HardTanh(*pair)),
        HardShrink: st.builds(HardShrink, thresholds(0, 2)),
        SoftShrink: st.builds(SoftShrink, thresholds(0, 2)),
        Threshold: st.builds(Threshold, thresholds(-2, 2), st.floats(-30, 30)),
        Squareplus: st.builds(Squareplus, st.floats(0, 9)),
        Softmax: st.builds(Softmax, axes) | st.builds(Softmax, st.just(-1), several),
        Sparsemax: st.builds(Sparsemax, axes, st.booleans()),
        **{kind: st.builds(kind, axes) for kind in (LogSoftmax, Softmin)},
    }
    return drawn[kind] if kind in drawn else st.just(kind())


@cache
def functions(rank: int, kinds: tuple[type[Function], ...] = FUNCTIONS) -> st.SearchStrategy[Function]:
    """Any activation function, or any of these."""
    return st.one_of([of_kind(kind, rank) for kind in kinds])


def recurrent() -> st.SearchStrategy[Function]:
    """Any activation function that ONNX's LSTM knows."""
    known = [kind for kind in FUNCTIONS if any(function.recurrent for function in kind.examples())]
    return st.one_of([of_kind(kind, 2) if kind is not Relu else st.just(Relu()) for kind in known])


def by_torch(function: Function | None, x: Any) -> Any:
    """A function applied to a tensor by PyTorch."""
    return x if function is None else BY_TORCH[function.name](function, x)


def has_keras(function: Function) -> bool:
    """Whether Keras has the function with these options."""
    if isinstance(function, Softmin | RRelu):
        return False
    if isinstance(function, Sparsemax):
        return function.as_keras
    lacking = NOT_KERAS.get(function.name, ())
    return all(getattr(function, item.name) == item.default for item in fields(function) if item.name in lacking)


def by_keras(function: Function | None) -> Any:
    """What Keras takes as `activation`: its own function of that name, with the same parameters by name; PyTorch's
    where Keras has none.
    """
    if function is None:
        return None
    if not has_keras(function):
        return lambda x: by_torch(function, x)
    lacking = NOT_KERAS.get(function.name, ())
    given = {item.name: getattr(function, item.name) for item in fields(function) if item.name not in lacking}
    applied = keras.activations.get(function.name)
    return lambda x: applied(x, **given)
