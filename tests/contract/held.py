"""A tensor that a stack holds, as a parameter is: what a batch axis of 1 comes from."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina_server.layers.base import Inference, Kind, Sdk, option, single
from lamina_server.layers.tensors import Axis, DType, Layout, Role, Spec

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Held(Kind):
    """A tensor that the stack holds, the same for every sample: a batch axis of 1, as a parameter has."""

    values: tuple[float, ...] = option("the numbers, row-major")
    shape: tuple[int, ...] = option("their shape, without the batch axis")

    sdk = (Sdk("Held"),)
    inputs = (0, 0)

    def infer(self, inputs: Any, layout: Layout) -> Inference:
        axes = (Axis(Role.BATCH, 1), *(Axis(Role.NONE, n) for n in self.shape))
        return Inference(single(Spec(axes)), "Held", how="held by the stack")

    def emit(self, graph: Any, inputs: Any, done: Inference) -> Any:
        array = np.array(self.values).reshape(1, *self.shape)
        return [graph.logical(graph.const(array, DType.FLOAT32), done.spec)]


def held(array: Array) -> Held:
    """What holds an array of one sample."""
    return Held(tuple(map(float, array.reshape(-1))), array.shape)
