"""A layer or a stack in, arrays out, as the server computes them; and the oracles' side of the same.

Arrays of numbers are float32 and drawn from a seed. Oracles compute in float64 from the same numbers, so that the whole
difference is what float32 rounds on Lamina's side.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from math import prod, sqrt
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from lamina_server import runtime  # first: it turns ONNX Runtime's telemetry off
from lamina_server.dims import Size, evaluate, symbol
from lamina_server.errors import StackError
from lamina_server.export import export, output_name
from lamina_server.layers.base import Kind, Weight
from lamina_server.layers.core.basics import Input
from lamina_server.layers.tensors import DType, Layout
from lamina_server.records import Trace
from lamina_server.runtime.device import CPU
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from lamina_server.weights import weights_of

Array = np.ndarray[Any, Any]

FIRST, LAST = Layout.CHANNELS_FIRST, Layout.CHANNELS_LAST
LAYOUTS = (LAST, FIRST)
DEVICE = runtime.Device("cpu", ((CPU, {}),), 1)
BATCH = 2


class Tolerance(NamedTuple):
    """A result r may be off an expected e by atol + rtol * |e|."""

    rtol: float
    atol: float


# How far a float32 result may be from a float64 one; README.md says why.
TOLERANCE = Tolerance(rtol=1e-5, atol=1e-5)

_QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large)  # drawing is cheap, but a loaded machine may not think so
PROFILES = {
    "ci": settings(max_examples=40, derandomize=True, deadline=None, database=None, suppress_health_check=_QUIET),
    "deep": settings(
        max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "2000")), deadline=None, suppress_health_check=_QUIET
    ),
}
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")
profile = PROFILES[PROFILE]
"""Decorates every property here: how many examples, and whether the same ones each time."""

seeds = st.integers(0, 2**32 - 1)
layouts = st.sampled_from(LAYOUTS)


def normal(seed: int, *shape: int, scale: float = 1.0) -> Array:
    """Random float32 numbers around 0."""
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def kernel(seed: int, *shape: int) -> Array:
    """A random kernel, its last axis the outputs; scaled so that these are about as large as the inputs."""
    return normal(seed, *shape, scale=1 / sqrt(prod(shape[:-1])))


def drawn(traced: Trace, seed: int) -> dict[str, Array]:
    """Numbers for every weight of a stack; never zeros or ones, which would hide a bias or a scale forgotten."""
    rng = np.random.default_rng(seed)
    return {name: _weight(name, weight, rng) for name, weight in weights_of(traced)}


def _weight(name: str, weight: Weight, rng: np.random.Generator) -> Array:
    low, high = {"moving_variance": (0.5, 2.0), "variance": (0.5, 2.0), "gamma": (0.5, 1.5)}.get(
        name.rpartition("/")[2], (-1.0, 1.0)
    )
    scale = sqrt(3 / weight.fan_in) if weight.fan_in else 1.0
    return (rng.uniform(low, high, weight.shape) * scale).astype(np.float32)


def laid(x: Array, layout: Layout) -> Array:
    """A channels-first array in a layout."""
    return x if layout is FIRST else np.moveaxis(x, 1, -1)


def spatial(rank: int, layout: Layout) -> range:
    """Indices of the spatial axes, without the batch axis: what `symbolic` takes."""
    return range(1, rank + 1) if layout is FIRST else range(rank)


def stack_of(
    kind: Kind,
    shapes: Sequence[Sequence[int]],
    layout: Layout = LAST,
    symbolic: Collection[int] = (),
    dtypes: Sequence[DType] = (),
) -> Stack:
    """A layer named "layer" behind an Input "x0", "x1", ... for each shape (batch excluded), float32 by default.

    The axes in `symbolic`, batch excluded, are symbols: "A0" for axis 0 of "x0", shared by all inputs.
    """
    names = tuple(f"x{i}" for i in range(len(shapes)))
    sizes = [tuple(symbol(f"A{i}") if i in symbolic else n for i, n in enumerate(shape)) for shape in shapes]
    types = dtypes or [DType.FLOAT32] * len(shapes)
    inputs = [Node(Input(size, dtype), name) for name, size, dtype in zip(names, sizes, types, strict=True)]
    return Stack((*inputs, Node(kind, "layer", names)), layout)


def run(
    kind: Kind,
    *arrays: Array,
    weights: Mapping[str, Array] | None = None,
    layout: Layout = LAST,
    symbolic: Collection[int] = (),
) -> list[Array]:
    """Every output of a layer for arrays with a batch axis, and weights by their own names."""
    dtypes = [DType(x.dtype.name) for x in arrays]
    stack = stack_of(kind, [x.shape[1:] for x in arrays], layout, symbolic, dtypes)
    full = {f"layer/{name}": value for name, value in (weights or {}).items()}
    refs = trace(stack).layer("layer").refs
    found = run_stack(stack, {f"x{i}": x for i, x in enumerate(arrays)}, full, refs)
    return [found[ref] for ref in refs]


def run_stack(
    stack: Stack, inputs: Mapping[str, Array], weights: Mapping[str, Array], refs: Sequence[str]
) -> dict[str, Array]:
    """What ONNX Runtime returns for `refs`, each in the shape that was traced."""
    return Runner(stack, weights, refs)(inputs)


class Runner:
    """A stack made ready to run. Calling it runs it; every array returned has the shape that was traced."""

    def __init__(self, stack: Stack, weights: Mapping[str, Array], refs: Sequence[str]) -> None:
        self.trace, self.refs = trace(stack), tuple(refs)
        needed = {name: weight.shape for name, weight in weights_of(self.trace)}
        assert {name: value.shape for name, value in weights.items()} == needed
        self.session = runtime.Session(export(self.trace, weights, refs), DEVICE)

    def __call__(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        names = [output_name(ref, self.session.input_names) for ref in self.refs]
        found = dict(zip(self.refs, self.session.run(inputs, names), strict=True))
        sizes = self._sizes(inputs)
        for ref, array in found.items():
            assert array.shape == tuple(evaluate(size, sizes) for size in self.trace.specs[ref].shape), ref
            assert array.dtype == self.trace.specs[ref].dtype.numpy, ref
        return found

    def _sizes(self, inputs: Mapping[str, Array]) -> dict[str, int]:
        """The number that each symbol stands for in these inputs."""
        sizes: dict[str, int] = {}
        for layer in self.trace.inputs:
            for size, number in zip(layer.done.spec.shape, inputs[layer.name].shape, strict=True):
                if not isinstance(size, int):
                    assert sizes.setdefault(str(size), number) == number
        return sizes


def refused(kind: Kind, *arrays: Array, layout: Layout = LAST, symbolic: Collection[int] = ()) -> str:
    """Why a layer is refused for arrays of these shapes: the reason of the error.

    With `symbolic` axes the stack itself is legal, but these lengths are outside the range that its trace states.
    """
    shapes = [x.shape[1:] for x in arrays]
    if symbolic:
        least: Mapping[str, Size] = trace(stack_of(kind, shapes, layout, symbolic)).ranges
        assert any(shapes[0][i] < least.get(f"A{i}", 1) for i in symbolic), f"{shapes[0]} is in range: {least}"
    with pytest.raises(StackError) as caught:
        trace(stack_of(kind, shapes, layout, dtypes=[DType(x.dtype.name) for x in arrays]))
    return caught.value.reason


def assert_close(found: Array, expected: Any) -> None:
    """Equal shapes, and values within TOLERANCE. `expected` may be a torch tensor."""
    assert found.shape == tuple(expected.shape)
    np.testing.assert_allclose(found, np.asarray(expected), *TOLERANCE)


def both(check: Callable[[Collection[int]], None], symbolic: Collection[int]) -> None:
    """Runs a check twice: with concrete sizes, and with symbols for these axes."""
    check(())
    check(symbolic)
