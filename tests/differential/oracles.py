"""PyTorch and Keras, on PyTorch: what the properties here compare with."""

import os
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from tests.differential.support import Array
from tests.support import require

os.environ.setdefault("KERAS_BACKEND", "torch")  # read when keras is imported; its own default is TensorFlow

torch = require("torch")
F = require("torch.nn.functional")
keras = require("keras")

T = TypeVar("T")
_NO_ROOM = re.compile("can't be greater than actual input size|Output size is too small|Invalid computed output size")


def tensor(x: Array) -> Any:
    """A torch tensor of float64 with these numbers."""
    return torch.tensor(np.ascontiguousarray(x)).double()


def unless_too_short(compute: Callable[[], T]) -> T | None:
    """What PyTorch computes; None where it refuses because an axis has no room for one window."""
    try:
        return compute()
    except RuntimeError as error:
        if not _NO_ROOM.search(str(error)):
            raise
        return None


def keras_values(layer: Any, inputs: Sequence[Array], weights: Mapping[str, Array] | None = None) -> list[Array]:
    """Outputs of a Keras layer of dtype float64 with these weights, which must be its own by name and by shape."""
    given = [tensor(x) for x in inputs]
    taken: Any = given if len(given) > 1 else given[0]
    if not layer.built:
        layer.build([tuple(x.shape) for x in given] if len(given) > 1 else tuple(taken.shape))
    assert {v.name: tuple(v.shape) for v in layer.weights} == {k: w.shape for k, w in (weights or {}).items()}
    for variable in layer.weights:
        variable.assign((weights or {})[variable.name].astype(np.float64))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are using a softmax over axis")  # of size 1: legal, and drawn on purpose
        results = layer(taken)
    return [y.detach().numpy() for y in (results if isinstance(results, list | tuple) else [results])]
