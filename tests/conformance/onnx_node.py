"""ONNX's own cases for single operators, as the onnx package ships them, and the helpers that map them.

A layer of Lamina keeps the batch, which most operators know nothing of: `lifted` puts a batch of one before every
axis, and counts axes on by one. Operators that have a batch themselves (convolutions, pools, recurrences) keep theirs.
"""

import importlib
import pkgutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import onnx

from tests.conformance.lamina import Array, Check, Net, Unmapped
from tests.conformance.suite import Case

PACKAGE = "onnx.backend.test.case.node"
_MODULES = {"rangeop": "range"}  # the others are called after their operator


@dataclass(frozen=True)
class OnnxNode:
    """A case: one operator, its attributes, and arrays by position; None for what is left out."""

    op: str
    attributes: dict[str, Any]
    inputs: tuple[Array | None, ...]
    outputs: tuple[Array | None, ...]

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute; texts as str."""
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else plain(value) if isinstance(value, float) else value

    @property
    def x(self) -> Array:
        """The first input."""
        return self.need(0)

    @property
    def y(self) -> Array:
        """The first output."""
        out = self.outputs[0]
        assert out is not None
        return out

    def need(self, i: int) -> Array:
        """An input that must be there."""
        array = self.maybe(i)
        assert array is not None
        return array

    def maybe(self, i: int) -> Array | None:
        """An input, if it is there."""
        return self.inputs[i] if i < len(self.inputs) else None

    @property
    def given(self) -> list[Array]:
        """The inputs that are there."""
        return [array for array in self.inputs if array is not None]


Map = Callable[[OnnxNode], Check]
MAPS: dict[str, Map] = {}


def maps(*operators: str) -> Callable[[Map], Map]:
    """Registers the function that maps these operators."""

    def register(function: Map) -> Map:
        MAPS.update(dict.fromkeys(operators, function))
        return function

    return register


def plain(value: float) -> float:
    """The number that was meant by a float32: 0.6, not 0.6000000238."""
    return float(str(np.float32(value)))


def lifted(array: Array, rank: int = 0) -> Array:
    """An array with ones before its axes up to `rank`, as broadcasting sees it, and a batch of one before them all."""
    return array.reshape(1, *(1,) * (rank - array.ndim), *array.shape)


def axis_of(axis: int) -> int:
    """An axis after `lifted`."""
    return int(axis) + (axis >= 0)


def through(node: OnnxNode, *layers: Any, weights: dict[str, Any] | None = None) -> Check:
    """The first input, lifted, through layers one after the other; the weights are the last one's."""
    net = Net()
    net.input(lifted(node.x))
    for i, kind in enumerate(layers, 1):
        net.add(kind, weights=weights if i == len(layers) else None)
    net.expect(lifted(node.y))
    return net.check()


def together(node: OnnxNode, kind: Any, arrays: Sequence[Array] | None = None) -> Check:
    """Every input, broadcast against each other, into one layer."""
    arrays = node.given if arrays is None else arrays
    rank = max(array.ndim for array in arrays)
    net = Net()
    net.add(kind, *[net.input(lifted(array, rank)) for array in arrays])
    net.expect(lifted(node.y))
    return net.check()


def cases(operators: Sequence[str]) -> Iterator[Case]:
    """The cases of these operators, in alphabetical order of their modules."""
    wanted = {operator.lower() for operator in operators}
    package = importlib.import_module(PACKAGE)
    for info in pkgutil.iter_modules(package.__path__):
        plain = info.name.replace("_", "")
        if _MODULES.get(plain, plain) not in wanted:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(f"{PACKAGE}.{info.name}")
        made, package._NodeTestCases[:] = list(package._NodeTestCases), []
        for case in made:
            operator = case.model.graph.node[0].op_type
            if "_expanded" not in case.name and operator in operators:  # those are the same numbers, in other operators
                yield Case(operator, case.name, partial(_mapped, case))


def _mapped(case: Any) -> Check:
    (node,) = case.model.graph.node
    taken, given = case.data_sets[0]
    attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    found = OnnxNode(node.op_type, attributes, _by_position(node.input, taken), _by_position(node.output, given))
    mapping = MAPS.get(node.op_type)
    if mapping is None:
        raise Unmapped(f"Lamina has no layer that is {node.op_type}")
    return mapping(found)


def _by_position(names: Sequence[str], values: Sequence[Any]) -> tuple[Array | None, ...]:
    left = iter(values)
    return tuple(_array(next(left)) if name else None for name in names)


def _array(value: Any) -> Array:
    if isinstance(value, onnx.TensorProto):
        return np.asarray(onnx.numpy_helper.to_array(value))
    if isinstance(value, list) or np.asarray(value).dtype == object or value is None:
        raise Unmapped("Lamina has tensors of numbers only: no sequences, optionals or texts")
    return np.asarray(value)
