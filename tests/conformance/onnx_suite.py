"""The cases of ONNX's own backend tests for every operator that Lamina's kinds emit."""

from collections.abc import Iterator
from functools import cache

import numpy as np

from lamina_server.export import export, operators
from lamina_server.layers import KINDS
from lamina_server.layers.core.basics import Input
from lamina_server.trace import trace
from tests.conformance import onnx_moves, onnx_numbers, onnx_windows
from tests.conformance.onnx_node import MAPS, cases
from tests.conformance.suite import Case, Suite
from tests.contract.running import around, random_weights

assert all(module.__doc__ for module in (onnx_moves, onnx_numbers, onnx_windows))  # they fill MAPS

SAMPLE = ("Conv", "Gemm", "LSTM", "LayerNormalization", "ReduceMean", "Relu", "Slice", "Softmax", "Where")


@cache
def emitted() -> tuple[str, ...]:
    """The operators in the models of all examples, and those that a layer computes by other means."""
    found = set(MAPS)
    for kind in KINDS:
        for layer, shapes, layout, dtypes, blocks in () if kind is Input else kind.examples():
            traced = trace(around(layer, *shapes, layout=layout, dtypes=dtypes, blocks=blocks))
            weights = random_weights(traced, np.random.default_rng(0))
            found.update(operators(export(traced, weights, traced.outputs)))
    return tuple(sorted(found))


def _all() -> Iterator[Case]:
    return cases(emitted())


def _sample() -> Iterator[Case]:
    return cases(SAMPLE)


SUITE = Suite("onnx", "ONNX's backend cases for single operators", _all, _sample)
