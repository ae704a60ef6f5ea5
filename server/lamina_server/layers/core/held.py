"""Numbers that the stack itself holds: they take nothing and are the same for every sample."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from lamina_server.dims import Size
from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import (
    MAX_AXES,
    Derivation,
    Example,
    Inference,
    Kind,
    Sdk,
    Weight,
    option,
    option_text,
    plural,
    require_number,
    single,
    too_many_axes,
)
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import BATCH, FLOATS, Axis, DType, Layout, Spec, usual_roles

MAX_VALUES = 2**16  # in a message; more are a Parameter's, whose numbers are weights


@dataclass(frozen=True)
class Parameter(Kind):
    """Trained numbers that are no layer's, as PyTorch's nn.Parameter: (batch, *shape), the same for every sample.

    Takes nothing. One weight, "value", of this shape: as many parameters as it has numbers. The batch axis is that
    of the stack's inputs, so that Concatenate and Add put a class token or position embeddings to any of them.
    """

    shape: tuple[Size, ...] = option("shape for one sample, without the batch axis")
    trainable: bool = option("whether training changes them", True)
    dtype: DType = option("element type", DType.FLOAT32)

    sdk = (Sdk("Parameter"),)
    in_keras = ()
    in_torch = ("nn.Parameter",)
    inputs = (0, 0)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls((1, 5)), ()), Example(cls((), trainable=False, dtype=DType.INT64), ()))

    def computes_in(self, inputs: Sequence[Spec]) -> DType:
        return self.dtype

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        shape = _numbers(self.shape)
        names = {f"n{i}": size for i, size in enumerate(shape, 1)}
        fans = prod(shape[:-1]), shape[-1] if shape else 1
        out = _spec(shape, layout, self.dtype)
        return Inference(
            single(out),
            "Parameter",
            _as_given(out),
            weights=(Weight("value", shape, "glorot" if self.dtype in FLOATS else "zeros", *fans, self.trainable),),
            params=derive(" * ".join(names) or "1", **names),
            params_reason=f"{'Each' if prod(shape) > 1 else 'The one'} number is a parameter",
            how="the same for every sample",
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        return [_for_every_sample(graph, graph.weight("value", lambda value: value[None]), done.spec)]


@dataclass(frozen=True)
class Constant(Kind):
    """Numbers that the stack itself holds: (batch, *shape), the same for every sample. Takes nothing.

    As many numbers as the shape has places, row-major, or one that fills it. Integers are exact up to 2^53.
    """

    values: tuple[float, ...] = option("the numbers, row-major, or one that fills the shape; infinite ones too")
    shape: tuple[Size, ...] | None = option("shape for one sample; all values along one axis where not given", None)
    dtype: DType = option("element type", DType.FLOAT32)

    sdk = (Sdk("Constant"),)
    in_keras = ()
    in_torch = ("tensor",)
    inputs = (0, 0)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((0.5, -1.0, 2.0)), ()),
            Example(cls((1.0, 0.0, 1.0, 1.0), (2, 2), DType.BOOL), ()),
            Example(cls((-7.0,), (3, 2), DType.INT32), ()),
        )

    def check(self) -> None:
        if np.isnan(self.values).any():  # all at once: there may be many
            raise LayerError("OUT_OF_RANGE", "has nan among its values, which is not a number", field="values")

    def text(self) -> str:
        few = len(self.values) <= 4
        given = [f"[{', '.join(f'{v:g}' for v in self.values)}]" if few else plural(len(self.values), "value")]
        given += [f"shape={option_text(self.shape)}"] if self.shape is not None else []
        return ", ".join(given + ([f'dtype="{self.dtype.value}"'] if self.dtype is not DType.FLOAT32 else []))

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        count = len(self.values)
        if not 0 < count <= MAX_VALUES:
            raise LayerError(
                "OUT_OF_RANGE",
                f"has {plural(count, 'value')}; there must be from 1 to {MAX_VALUES} (more are a Parameter's)",
                field="values",
                got=count,
            )
        shape = self._sizes
        places = prod(shape)
        if count not in (1, places):
            raise LayerError(
                "SIZE_MISMATCH",
                f"has {plural(count, 'value')} for shape {shape}, which has {plural(places, 'place')}; "
                f"give {places}, or one that fills it",
                field="values",
                have=count,
                wanted=places,
            )
        self._check_type()
        out = _spec(shape, layout, self.dtype)
        return Inference(single(out), "Constant", _as_given(out), how="the same for every sample")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        sizes = (1,) * done.spec.rank if len(self.values) == 1 else (1, *self._sizes)
        return [_for_every_sample(graph, graph.const(np.reshape(self.values, sizes), self.dtype), done.spec)]

    @property
    def _sizes(self) -> tuple[int, ...]:
        return _numbers((len(self.values),) if self.shape is None else self.shape)

    def _check_type(self) -> None:
        """Raises LayerError for a number that the element type cannot hold."""
        low, high = _range(self.dtype)
        numbers, floating = np.asarray(self.values), self.dtype in FLOATS
        held = (low <= numbers) & (numbers <= high)  # no infinity, which integers have not
        held = held | np.isinf(numbers) if floating else held & (numbers == np.trunc(numbers))
        if not held.all():
            value = numbers[~held][0]
            legal = f"numbers from {low:g} to {high:g}" if floating else f"integers from {low} to {high}"
            raise LayerError(
                "OUT_OF_RANGE",
                f"has {value:g} among its values; {self.dtype.value} holds {legal}",
                field="values",
                got=value,
            )


def _range(dtype: DType) -> tuple[float, float]:
    if dtype in FLOATS:
        top = {DType.FLOAT16: 65504.0, DType.BFLOAT16: 3.3895313892515355e38, DType.FLOAT32: 3.4028234663852886e38}
        high = top.get(dtype, 1.7976931348623157e308)
        return -high, high
    if dtype is DType.BOOL:
        return 0, 1
    exact = 2**53  # what a double, in which the numbers travel, holds exactly
    info = np.iinfo(dtype.numpy)
    return max(int(info.min), -exact), min(int(info.max), exact)


def _numbers(shape: Sequence[Size]) -> tuple[int, ...]:
    if len(shape) > MAX_AXES:
        raise too_many_axes("shape", len(shape))
    sizes = [require_number(size, "each size of its shape", "because it holds so many numbers") for size in shape]
    for size in sizes:
        if size < 1:
            raise LayerError("OUT_OF_RANGE", f"declares a size of {size}; sizes are 1 or more", field="shape", got=size)
    return tuple(sizes)


def _spec(shape: Sequence[int], layout: Layout, dtype: DType) -> Spec:
    roles = usual_roles(len(shape) + 1, layout)
    sizes: list[Size] = [BATCH, *shape]
    return Spec(tuple(Axis(role, size) for role, size in zip(roles, sizes, strict=True)), dtype)


def _as_given(spec: Spec) -> tuple[Derivation, ...]:
    return tuple(
        Derivation(i, axis.role, None, derive("given", given=axis.size), "As given.")
        for i, axis in enumerate(spec.axes[1:], 1)
    )


def _for_every_sample(graph: Graph, name: str, spec: Spec) -> Value:
    return graph.logical(graph.node("Expand", [name, graph.shape(spec.shape)]), spec)
