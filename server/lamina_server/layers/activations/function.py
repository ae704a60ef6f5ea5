"""What an activation function is: a frozen dataclass whose fields are its options, with `apply`.

A function may be an option of a layer (`activation="relu"`) and, where it says `layer`, a layer of its own (`ReLU()`):
`activations.py` makes the kind. To add one: its message, its class in a file beside this one, its line in `FUNCTIONS`.
"""

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, ClassVar, NamedTuple

from lamina_server.layers.base import Inference, Kind, option_text, unchanged
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import DType, Spec


class Recurrent(NamedTuple):
    """A function inside ONNX's recurrent operators: its name there and the alphas and betas it takes, often none."""

    name: str
    alphas: tuple[float, ...] = ()
    betas: tuple[float, ...] = ()


class Function:
    """An activation function.

    `layer` is the class name of the layer that does nothing else, as Keras or else PyTorch writes it; "" where the
    function is none by itself. `field` is that layer's field in the schema and its default name. Where Keras' layer
    differs from Keras' function, `layer_order` is the order of its options, and `usual` what its constructor sends.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]  # every subclass is a dataclass
    op: ClassVar[str] = ""  # the ONNX operator that is the function, options apart
    layer: ClassVar[str] = ""
    layer_order: ClassVar[tuple[str, ...]] = ()
    usual: ClassVar[Mapping[str, float]] = {}
    masking: ClassVar[str] = "keeps"  # of the layer, as Kind's
    name: ClassVar[str]  # Keras' name: `leaky_relu`
    field: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()
        cls.field = vars(cls).get("field", cls.name)

    @classmethod
    def examples(cls) -> tuple["Function", ...]:
        """The function with options worth testing; the first is documentation."""
        return (cls(),)

    @property
    def is_plain(self) -> bool:
        """Whether the name alone says it: every option at its default."""
        return all(getattr(self, item.name) == item.default for item in fields(self))

    @property
    def recurrent(self) -> Recurrent | None:
        """What it is called inside ONNX's recurrent operators, None where it has no name there."""
        return None

    def check(self, rank: int) -> None:
        """Raises LayerError for an option outside its range. `rank` is that of the tensor, the batch included."""
        Kind.check(self)  # type: ignore[arg-type]  # the same generic check of ranges

    def sees_along(self, rank: int) -> tuple[int, ...]:
        """Axes along which each result depends on every number."""
        return ()

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Attributes of `op`."""
        return {}

    def apply(self, graph: Graph, x: str, dtype: DType) -> str:
        """Adds the nodes that apply it to each number of a tensor, and returns the name of the result."""
        return graph.single(self.op, [x], dtype, **self.attributes)

    def emit(self, graph: Graph, value: Value) -> Value:
        """Adds the nodes; the tensor stays as it lies."""
        return value._replace(name=self.apply(graph, value.name, value.spec.dtype))

    def __str__(self) -> str:
        values = {item.name: (getattr(self, item.name), item.default) for item in fields(self)}
        given = [
            f"{name}={option_text(value)}"
            for name, (value, default) in values.items()
            if default is MISSING or value != default
        ]
        return f"{self.name}({', '.join(given)})" if given else self.name


def applied(function: Function, x: Spec, label: str, what: str) -> Inference:
    """What a layer infers that only applies a function."""
    return unchanged(x, label, how=f"{what}, shape unchanged", sees_along=function.sees_along(x.rank))
