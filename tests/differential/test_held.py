"""What changes nothing, marks steps, converts, or holds numbers of its own, beside PyTorch and Keras."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.core import identities
from lamina_server.layers.core.basics import Cast, Dropout, Input, Masking
from lamina_server.layers.core.held import Constant, Parameter
from lamina_server.layers.merging.joining import Add, Concatenate
from lamina_server.layers.pooling.pools import GlobalAveragePool
from lamina_server.layers.tensors import FLOATS, DType
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from tests.differential.oracles import keras, torch
from tests.differential.support import (
    BATCH,
    Array,
    assert_close,
    both,
    layouts,
    normal,
    profile,
    run,
    run_stack,
    seeds,
)

NUMPY_TYPES = [dtype for dtype in DType if dtype is not DType.BFLOAT16]  # numpy's own arrays are what is fed
rates = st.floats(0, 1)


@profile
@given(
    shape=st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple),
    rate=rates,
    layout=layouts,
    seed=seeds,
    symbols=st.booleans(),
)
def test_at_inference_nothing_changes(
    shape: tuple[int, ...], rate: float, layout: Any, seed: int, symbols: bool
) -> None:
    """Each of the layers that do something in training only, with Keras' class of the same name or PyTorch's."""
    x, rank = normal(seed, BATCH, *shape), len(shape) - 1
    kinds: list[tuple[Kind, Any]] = [
        (Dropout(rate), keras.layers.Dropout(rate)),
        (identities.Identity(), keras.layers.Identity()),
        (identities.GaussianDropout(rate), keras.layers.GaussianDropout(rate)),
        (identities.GaussianNoise(rate), keras.layers.GaussianNoise(rate)),
        (identities.AlphaDropout(rate), keras.layers.AlphaDropout(rate)),
        (identities.ActivityRegularization(rate, rate), keras.layers.ActivityRegularization(rate, rate)),
        (identities.SpatialDropout(rate, rank=rank), getattr(keras.layers, f"SpatialDropout{rank}D")(rate)),
        (identities.FeatureAlphaDropout(rate), torch.nn.FeatureAlphaDropout(rate).eval()),
    ]
    for kind, theirs in kinds:
        (found,) = run(kind, x, layout=layout, symbolic=range(len(shape)) if symbols else ())
        np.testing.assert_array_equal(found, x)
        np.testing.assert_array_equal(found, np.asarray(theirs(torch.tensor(x)).detach()))
        assert kind.title == type(theirs).__name__


@profile
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    value=st.sampled_from([0.0, -1.0, 0.1]),
    layout=layouts,
    seed=seeds,
)
def test_masking(shape: tuple[int, ...], value: float, layout: Any, seed: int) -> None:
    """Zeros where every feature equals the value; half of the numbers do."""
    x = normal(seed, BATCH, *shape)
    x[np.random.default_rng(seed).random(x.shape) < 0.5] = value
    expected = keras.layers.Masking(value)(torch.tensor(x))

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(Masking(value), x, layout=layout, symbolic=symbolic)
        assert_close(found, expected)

    both(once, range(len(shape)))


@pytest.mark.parametrize("start", NUMPY_TYPES)
@pytest.mark.parametrize("end", NUMPY_TYPES)
def test_cast_is_numpys_and_pytorchs(start: DType, end: DType) -> None:
    """Fractions are dropped towards 0, floating-point numbers rounded to the nearest, all but 0 is true."""
    numbers = np.array([[0, 1, 2.5, 3.5, -2.7, 99.9, 1 / 3, 0.1, -0.4]])
    x = (numbers if start in FLOATS or start.startswith("int") else abs(numbers)).astype(start.numpy)
    unsigned = end.startswith("uint") and start in FLOATS
    x = abs(x) if unsigned else x  # a negative number has no place there
    (found,) = run(Cast(end), x)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(found, x.astype(end.numpy))
    if not any(dtype in (DType.UINT16, DType.UINT32, DType.UINT64) for dtype in (start, end)):
        np.testing.assert_array_equal(found, torch.tensor(x).to(getattr(torch, end.value)))


@profile
@given(
    values=st.lists(st.floats(-100, 100, width=16), min_size=1, max_size=6),
    dtype=st.sampled_from([d for d in NUMPY_TYPES if d.startswith(("int", "float"))]),
    fill=st.booleans(),
    symbols=st.booleans(),
    seed=seeds,
)
def test_constant(values: list[float], dtype: DType, fill: bool, symbols: bool, seed: int) -> None:
    """torch.tensor and torch.full, expanded to every sample."""
    numbers = values if dtype in FLOATS else [float(int(v)) for v in values]
    theirs = torch.tensor(numbers).to(getattr(torch, dtype.value))
    kind = Constant(tuple(numbers), dtype=dtype)
    if fill:
        theirs, kind = theirs[:1].expand(2, 3), Constant(tuple(numbers[:1]), (2, 3), dtype)
    shape = (len(numbers),) if not fill else (2, 3)
    stack = Stack((Node(kind, "layer"), Node(Input((4,)), "x0")), outputs=("layer",))
    assert trace(stack).specs["layer"].shape[1:] == shape
    found = run_stack(stack, {"x0": normal(seed, 3, 4)}, {}, ["layer"])["layer"]
    np.testing.assert_array_equal(found, theirs.expand(3, *shape))


def embedded(x: Array, token: Array, positions: Array) -> Any:
    """What every vision transformer does to its patches, in PyTorch."""
    parameters = [torch.nn.Parameter(torch.tensor(array)[None]) for array in (token, positions)]
    return (torch.cat([parameters[0].expand(x.shape[0], -1, -1), torch.tensor(x)], dim=1) + parameters[1]).detach()


@profile
@given(steps=st.integers(1, 6), width=st.integers(1, 4), layout=layouts, symbols=st.booleans(), seed=seeds)
def test_a_class_token_and_positions(steps: int, width: int, layout: Any, symbols: bool, seed: int) -> None:
    """Parameters before or after the Input, joined and added to what comes from it."""
    token, positions = normal(seed, 1, width), normal(seed + 1, steps + 1, width)
    x = normal(seed + 2, 3, steps, width)
    nodes = (
        Node(Parameter((1, width)), "token"),
        Node(Input((steps, width)), "x"),
        Node(Concatenate(axis=1), "joined", ("token", "x")),
        Node(Parameter((steps + 1, width)), "positions"),
        Node(Add(), "sum", ("joined", "positions")),
    )
    traced = trace(Stack(nodes, layout))
    assert sum(layer.params for layer in traced.layers) == token.size + positions.size
    weights = {"token/value": token, "positions/value": positions}
    found = run_stack(Stack(nodes, layout), {"x": x}, weights, ["sum", "positions"])
    np.testing.assert_array_equal(found["sum"], embedded(x, token, positions))
    np.testing.assert_array_equal(found["positions"], np.stack([positions] * 3))


@pytest.mark.filterwarnings("ignore:.*does not support masking")
def test_a_convolution_drops_the_mask_as_in_keras() -> None:
    """So that what is behind it may be what would have used it."""
    x, kernel, bias = normal(0, BATCH, 6, 3), normal(1, 2, 3, 2), normal(2, 2)
    x[:, 2] = 0
    theirs = keras.Sequential(
        [keras.layers.Masking(), keras.layers.Conv1D(2, 2), keras.layers.GlobalAveragePooling1D()]
    )
    theirs.build(x.shape)
    theirs.set_weights([kernel, bias])
    nodes = (Node(Input((6, 3)), "x"), Node(Masking()), Node(Conv(2, (2,)), "conv"), Node(GlobalAveragePool(), "mean"))
    found = run_stack(Stack(nodes), {"x": x}, {"conv/kernel": kernel, "conv/bias": bias}, ["mean"])
    assert_close(found["mean"], theirs(torch.tensor(x)).detach())
