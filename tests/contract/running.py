"""Stacks run as the server runs them, without a server: trace, weights, ONNX, a session of ONNX Runtime."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lamina_server import runtime  # first: it turns ONNX Runtime's telemetry off
from lamina_server.dims import Size, evaluate
from lamina_server.export import export, output_name
from lamina_server.layers.base import Kind, Weight
from lamina_server.layers.core.basics import Input
from lamina_server.layers.tensors import FLOATS, DType, Layout
from lamina_server.records import Trace
from lamina_server.runtime.device import CPU
from lamina_server.stack import NamedStack, Node, Stack
from lamina_server.trace import trace
from lamina_server.weights import weights_of

Array = np.ndarray[Any, Any]
Shape = tuple[Size, ...]

DEVICE = runtime.Device("cpu", ((CPU, {}),), 1)
BATCH = 2


def around(
    kind: Kind,
    *shapes: Shape,
    layout: Layout = Layout.CHANNELS_LAST,
    dtypes: Sequence[DType] = (),
    blocks: Sequence[tuple[str, tuple[Node, ...]]] = (),
) -> Stack:
    """A stack of one layer, named "layer", and an Input "x0", "x1", ... for each shape (batch excluded).

    A layer that takes nothing stands beside an Input all the same, which says how many samples there are.
    """
    if kind.begins:
        return Stack((Node(Input((1,)), "x0"), Node(kind, "layer")), layout)
    names = tuple(f"x{i}" for i in range(len(shapes)))
    types = dtypes or [DType.FLOAT32] * len(shapes)
    inputs = [Node(Input(size, dtype), name) for name, size, dtype in zip(names, shapes, types, strict=True)]
    named = tuple(NamedStack(name, Stack(nodes)) for name, nodes in blocks)
    return Stack((*inputs, Node(kind, "layer", names)), layout, blocks=named)


def chain(shape: Shape, *kinds: Kind, layout: Layout = Layout.CHANNELS_LAST) -> Stack:
    """A stack of layers one after the other, behind an Input."""
    return Stack((Node(Input(shape)), *(Node(kind) for kind in kinds)), layout)


@dataclass
class Model:
    """A traced stack with numbers, ready to run. Every output of every layer but the Inputs can be asked for."""

    trace: Trace
    weights: dict[str, Array]
    refs: tuple[str, ...]
    onnx: bytes = b""
    session: runtime.Session = field(init=False)

    def __post_init__(self) -> None:
        self.onnx = export(self.trace, self.weights, self.refs)
        self.session = runtime.Session(self.onnx, DEVICE)

    def run(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """What ONNX Runtime returns, by reference."""
        names = [output_name(ref, self.session.input_names) for ref in self.refs]
        return dict(zip(self.refs, self.session.run(arrays, names), strict=True))

    def layer_weights(self, name: str) -> dict[str, Array]:
        """A layer's weights by their own names."""
        return {key.partition("/")[2]: value for key, value in self.weights.items() if key.startswith(f"{name}/")}


def model(
    stack: Stack, rng: np.random.Generator, *, refs: Sequence[str] = (), weights: Mapping[str, Array] | None = None
) -> Model:
    """A model that returns `refs` (by default what the stack returns), with random weights or those given."""
    traced = trace(stack)
    return Model(traced, dict(weights or random_weights(traced, rng)), tuple(refs) or traced.outputs)


def random_weights(traced: Trace, rng: np.random.Generator) -> dict[str, Array]:
    """Random numbers for every weight: never zeros or ones, which would hide a forgotten bias or scale."""
    return {name: _drawn(name, weight, rng) for name, weight in weights_of(traced)}


def random_inputs(
    traced: Trace, rng: np.random.Generator, *, batch: int = BATCH, sizes: Mapping[str, int] | None = None
) -> dict[str, Array]:
    """Random arrays for every Input; `sizes` are the numbers for symbols."""
    specs = {layer.name: layer.done.spec for layer in traced.inputs}
    return {name: drawn(at(spec.shape, batch, sizes), spec.dtype, rng) for name, spec in specs.items()}


def at(shape: Sequence[Size], batch: int = BATCH, sizes: Mapping[str, int] | None = None) -> tuple[int, ...]:
    """A traced shape in numbers."""
    values = {"batch": batch, **(sizes or {})}
    return tuple(evaluate(size, values) for size in shape)


def drawn(shape: Sequence[int], dtype: DType, rng: np.random.Generator) -> Array:
    """Random numbers: around 0 where they are floating, 0 to 3 where they are integers."""
    if dtype in FLOATS:
        return rng.standard_normal(tuple(shape)).astype(dtype.numpy)
    return rng.integers(0, 2 if dtype is DType.BOOL else 4, tuple(shape)).astype(dtype.numpy)


def normal(shape: Sequence[int], rng: np.random.Generator) -> Array:
    """Random float32 numbers around 0."""
    return rng.standard_normal(tuple(shape)).astype(np.float32)


def _drawn(name: str, weight: Weight, rng: np.random.Generator) -> Array:
    if name.endswith("variance"):
        return rng.uniform(0.5, 2, weight.shape).astype(weight.dtype.numpy)
    if name.endswith("gamma"):
        return rng.uniform(0.5, 1.5, weight.shape).astype(weight.dtype.numpy)
    numbers = drawn(weight.shape, weight.dtype, rng)
    return numbers * weight.dtype.numpy.type(0.5) if weight.dtype in FLOATS else numbers
