"""A kind's example as a stack with numbers, traced and run."""

from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort

from lamina_server.dims import symbol
from lamina_server.export import export
from lamina_server.layers import KINDS
from lamina_server.layers.base import Example
from lamina_server.layers.core import Input
from lamina_server.records import Trace
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from lamina_server.weights import weights_of

Array = np.ndarray[Any, Any]
BATCH = 2


class Case(NamedTuple):
    """An example, named after its kind and its place."""

    name: str
    example: Example


CASES = [Case(f"{kind.__name__}-{i}", example) for kind in KINDS for i, example in enumerate(kind.examples())]


def stack_of(example: Example, *, symbolic: bool = False) -> Stack:
    """Inputs x1, x2, ... and the layer "it"; an Input's example is the Input itself, named x1."""
    if isinstance(example.layer, Input):
        return Stack((Node(example.layer, "x1"), Node(type(example.layer)((1,)), "unused")), example.layout, ("x1",))
    names = [f"x{i}" for i in range(1, len(example.shapes) + 1)]
    inputs = [
        Node(Input(_shape(shape, name, symbolic)), name) for name, shape in zip(names, example.shapes, strict=True)
    ]
    return Stack((*inputs, Node(example.layer, "it", tuple(names))), example.layout)


def _shape(shape: Any, name: str, symbolic: bool) -> Any:
    return tuple(symbol(f"{name}_{i}") for i in range(len(shape))) if symbolic else shape


def arrays_of(found: Trace, seed: int = 0) -> dict[str, Array]:
    """Random arrays for the Inputs."""
    random = np.random.default_rng(seed)
    shapes = {layer.name: layer.done.spec.shape[1:] for layer in found.inputs}
    return {name: random.standard_normal((BATCH, *shape), dtype=np.float32) for name, shape in shapes.items()}  # type: ignore[arg-type]


def numbers_of(found: Trace, seed: int = 1) -> dict[str, Array]:
    """Random weights; variances in [0.5, 2], so that a swap of statistics cannot hide."""
    random = np.random.default_rng(seed)
    return {
        name: random.uniform(0.5, 2, weight.shape).astype(np.float32)
        if name.endswith("variance")
        else random.standard_normal(weight.shape, dtype=np.float32)
        for name, weight in weights_of(found)
    }


def run(found: Trace, weights: dict[str, Array], arrays: dict[str, Array], refs: list[str]) -> list[Array]:
    """What an ONNX Runtime session returns for some references."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(export(found, weights, refs), options, providers=["CPUExecutionProvider"])
    fed = {item.name: arrays[item.name] for item in session.get_inputs()}
    return list(session.run(None, fed))


def traced(example: Example) -> Trace:
    """The trace of an example's stack."""
    return trace(stack_of(example))
