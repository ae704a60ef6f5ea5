"""What a layer kind is: a frozen dataclass whose fields are the layer's options, with `infer` and `emit`.

To add a kind, write its proto message, its class in a family file and its line in `KINDS`; everything else (decoding,
SDK constructors, catalogue, contract test) follows from these three.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from lamina_server.dims import Dim, Size, substitute
from lamina_server.errors import LayerError
from lamina_server.formula import Derived, derive
from lamina_server.layers.requirements import (
    MAX_AXES as MAX_AXES,
)
from lamina_server.layers.requirements import (
    axis_name as axis_name,
)
from lamina_server.layers.requirements import (
    grouped as grouped,
)
from lamina_server.layers.requirements import (
    option_text as option_text,
)
from lamina_server.layers.requirements import (
    own_axes as own_axes,
)
from lamina_server.layers.requirements import (
    own_axis as own_axis,
)
from lamina_server.layers.requirements import (
    plural as plural,
)
from lamina_server.layers.requirements import (
    require_number as require_number,
)
from lamina_server.layers.requirements import (
    require_one_type as require_one_type,
)
from lamina_server.layers.requirements import (
    require_rank as require_rank,
)
from lamina_server.layers.requirements import (
    require_type as require_type,
)
from lamina_server.layers.requirements import (
    require_types as require_types,
)
from lamina_server.layers.requirements import (
    too_many_axes as too_many_axes,
)
from lamina_server.layers.sdk import IN_NAME as IN_NAME
from lamina_server.layers.sdk import Sdk as Sdk
from lamina_server.layers.tensors import FLOATS, DType, Layout, Role, Spec, usual_roles

MAX_INT = 2**31 - 1
MAX_FLOAT = 3.4028234663852886e38  # float32's

if TYPE_CHECKING:
    from lamina_server.layers.graph import Graph, Value


class Derivation(NamedTuple):
    """Why one axis of an output has its size: the result of `derived` *is* the size."""

    axis: int
    role: Role
    before: Size | None
    derived: Derived
    reason: str = ""


class Window(NamedTuple):
    """A window that moves along one axis of the input.

    `unused` elements at the end are never read; with ceil_mode the last window runs `overrun` past the padding.
    """

    axis: int
    role: Role
    extent: int
    stride: int
    before: Size
    after: Size
    unused: Size = 0
    overrun: Size = 0
    taps: int = 0

    @property
    def read(self) -> int:
        """Elements that it reads: `taps` of its extent, where it has holes."""
        return self.taps or self.extent


class Weight(NamedTuple):
    """A weight a layer needs. `init` is "glorot", "zeros", "ones" or the number it starts as; fans are for glorot.

    FLOAT32 stands for the type that the layer computes in; the tracer puts it in.
    """

    name: str
    shape: tuple[int, ...]
    init: str | float = "zeros"
    fan_in: int = 0
    fan_out: int = 0
    trainable: bool = True
    dtype: DType = DType.FLOAT32

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)


class Output(NamedTuple):
    """One output: its name ("" for the only or the main one) and its tensor."""

    name: str
    spec: Spec


@dataclass(frozen=True, slots=True)
class Inference:
    """What a layer makes of its inputs.

    `label` is the Keras class name, `how` a line such as "steps 128 - 10 + 1 = 119" (by default from the
    derivations), `params`, `macs` and `bias_adds` come with their arithmetic, `sentences` are said after the
    derivations. Every output element sees the whole input (`sees_all`), or all of it along some axes of the output
    (`sees_along`). Along `uneven` axes of the output neighbours do not see neighbours, as after a flip: no receptive
    field can be told. `least_one` are sizes that are no axis but must be 1 or more, which bounds their symbols.
    `scratch` is the number of elements, per entry of the batch axis, of a tensor made on the way that may be larger
    than all others.
    """

    outputs: tuple[Output, ...]
    label: str
    derivations: tuple[Derivation, ...] = ()
    windows: tuple[Window, ...] = ()
    weights: tuple[Weight, ...] = ()
    params: Derived | None = None
    params_reason: str = ""
    macs: Derived | None = None
    bias_adds: Derived | None = None
    how: str = ""
    sentences: tuple[str, ...] = ()
    sees_all: bool = False
    sees_along: tuple[int, ...] = ()
    uneven: tuple[int, ...] = ()
    least_one: tuple[Size, ...] = ()
    scratch: Size = 0
    kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)  # what others make of it, once

    @property
    def spec(self) -> Spec:
        """The main output."""
        return self.outputs[0].spec


class Node(NamedTuple):
    """One layer in its place. `name` None means Keras' default; `inputs` () means the layer before; `weights_of` None
    means weights of its own."""

    kind: "Kind"
    name: str | None = None
    inputs: tuple[str, ...] = ()
    expect: tuple[Size, ...] | None = None
    weights_of: str | None = None

    def bound(self, values: Mapping[str, Size]) -> "Node":
        """The layer with other sizes in the place of its symbols."""
        expect = self.expect and tuple(size if str(size) == "?" else substitute(size, values) for size in self.expect)
        return self._replace(kind=self.kind.bound(values), expect=expect)


class Example(NamedTuple):
    """A layer and input shapes (batch excluded) it can take."""

    layer: "Kind"
    shapes: tuple[tuple[Size, ...], ...]
    layout: Layout = Layout.CHANNELS_LAST
    dtypes: tuple[DType, ...] = ()  # of the inputs; float32 where not given
    blocks: tuple[tuple[str, tuple[Node, ...]], ...] = ()  # stacks that it uses by name


def option(
    doc: str,
    default: Any = MISSING,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    usual: float | str | tuple[int, ...] | None = None,
    lone: bool = False,
) -> Any:
    """A field of a kind: what it means, its default (none: required), and its legal range, ends included.

    `usual` is what the SDK's constructors send where nothing is given: Keras' default of an option that is required
    here, or has another default; one for each rank where they differ. `lone`: of several numbers a lone one is written
    by itself.
    """
    return field(
        default=default, metadata={"doc": doc, "minimum": minimum, "maximum": maximum, "usual": usual, "lone": lone}
    )


class Kind:
    """A layer kind. Subclasses are frozen dataclasses; see the module's docstring."""

    __dataclass_fields__: ClassVar[dict[str, Any]]  # every subclass is a dataclass
    sdk: ClassVar[tuple[Sdk, ...]] = ()
    in_keras: ClassVar[tuple[str, ...] | None] = None  # what it is in keras.layers, "ops." elsewhere; None: as in `sdk`
    in_torch: ClassVar[tuple[str, ...]] = ()  # what it is in torch
    inputs: ClassVar[tuple[int, int | None]] = (1, 1)  # fewest and most tensors taken; None: any number
    takes: ClassVar[frozenset[DType]] = FLOATS  # element types of the inputs
    called: ClassVar[str] = ""  # its field in the schema and its default name, where the class' names do not say them
    masking: ClassVar[str] = "keeps"  # what Keras does with a mask that comes along: "keeps", "drops" or "uses" it

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Layers with inputs for documentation and tests."""
        raise NotImplementedError

    def check_types(self, inputs: Sequence[Spec]) -> None:
        """Raises LayerError for element types that the layer does not take, or that differ between its inputs."""
        for i, x in enumerate(inputs, 1):
            require_type(x, self.takes, i)
        require_one_type(inputs)

    def computes_in(self, inputs: Sequence[Spec]) -> DType:
        """Element type of the weights: that of the first floating input, else float32."""
        return next((x.dtype for x in inputs if x.dtype in FLOATS), DType.FLOAT32)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        """Shapes, reasons, weights and costs. Raises LayerError for inputs or options that do not fit."""
        raise NotImplementedError

    def emit(self, graph: "Graph", inputs: Sequence["Value"], done: Inference) -> Sequence["Value"]:
        """Adds the layer's ONNX nodes and returns its outputs."""
        raise NotImplementedError

    @property
    def begins(self) -> bool:
        """Whether it takes nothing: an Input, or numbers that the stack itself holds."""
        return self.inputs[1] == 0

    @property
    def sends_mask(self) -> bool:
        """Whether Keras hands a mask on from here, which says what later layers skip."""
        return False

    def masked_as_keras(self, masked: Sequence[bool]) -> bool:
        """Whether a mask of bool behind its inputs does what Keras does with one that comes along with them, which it
        does with those that are `masked`. Asked of a kind that "uses" masks."""
        return False

    def hands_mask(self, output: str) -> bool:
        """Whether Keras hands a mask on with an output of this name."""
        return self.masking != "drops"

    @property
    def rows(self) -> int | None:
        """Number of rows from which the integers that it takes choose; None where they choose nothing."""
        return None

    @property
    def spatial_rank(self) -> int | None:
        """Number of spatial axes, where the options say it."""
        names = ("kernel_size", "pool_size", "output_size", "padding")
        lengths = (len(getattr(self, name)) for name in names if isinstance(getattr(self, name, None), tuple))
        return next(lengths, getattr(self, "rank", None))

    @property
    def held(self) -> "Kind | None":
        """The layer inside, of a layer that holds one: what a fault there is about, and a fix changes."""
        return None

    def holding(self, kind: "Kind") -> "Kind":
        """The layer with another inside."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """Keras class name: `Conv1D`."""
        first, operation = self.sdk[0], getattr(self, "operation", None)
        if operation is not None:
            return next(sdk.name for sdk in self.sdk if sdk.operation == operation)
        if first.rank is None:
            return first.name
        rank = self.spatial_rank
        return next((sdk.name for sdk in self.sdk if sdk.rank == rank), first.name.replace("1D", ""))

    def roles(self, rank: int, layout: Layout) -> tuple[Role, ...]:
        """What this kind takes the axes of an input of this rank, the batch included, to be."""
        spatial = self.spatial_rank
        if spatial is not None and spatial != rank - 2:
            return (Role.BATCH,) + (Role.NONE,) * (rank - 1)
        return usual_roles(rank, getattr(self, "data_format", None) or layout)

    def bound(self, values: Mapping[str, Size]) -> "Kind":
        """The layer with other sizes in the place of its symbols."""
        found = {item.name: getattr(self, item.name) for item in fields(self)}
        changed = {
            name: tuple(substitute(size, values) if str(size) != "?" else size for size in value)
            for name, value in found.items()
            if isinstance(value, tuple) and any(isinstance(size, Dim) for size in value)
        }
        return replace(self, **changed) if changed else self

    def check(self) -> None:
        """Raises LayerError for an option outside its range."""
        for name, low, high in _ranges(type(self)):  # type: ignore[arg-type]  # classes are hashable
            for value in _numbers(getattr(self, name)):
                if not low <= value <= high:
                    raise LayerError("OUT_OF_RANGE", _range_text(name, value, low, high), field=name, got=value)

    def __str__(self) -> str:
        return f"{self.title}({self.text()})"

    @classmethod
    def keras_names(cls) -> list[str]:
        """What Keras calls it, its other names behind."""
        names = [sdk.name for sdk in cls.sdk] if cls.in_keras is None else [*cls.in_keras]
        return names + [sdk.alias for sdk in cls.sdk if sdk.alias and sdk.name in names]

    def text(self) -> str:
        """The options that differ from their defaults, as one would write them: `100, 10, strides=2`.

        What a constructor sends is shown too: `negative_slope=0.3` is Keras' layer's default, but not the schema's.
        """
        parts = []
        for item in fields(self):
            value = getattr(self, item.name)
            plain = (value is item.default or value == item.default) and item.metadata["usual"] is None
            if plain or item.name in IN_NAME:
                continue
            if item.metadata["lone"] and len(value) == 1:
                value = value[0]
            shown = option_text(value, per_axis=item.metadata["minimum"] is not None and not item.metadata["lone"])
            parts.append(shown if item.default is MISSING else f"{item.name}={shown}")
        return ", ".join(parts)


@cache
def _ranges(kind: type) -> list[tuple[str, float, float]]:
    """Legal range of every number among the options; without one of its own, what ONNX's attributes hold."""
    rows = []
    for item in fields(kind):
        low, high = item.metadata["minimum"], item.metadata["maximum"]
        widest = MAX_INT if re.search("int|Pad", str(item.type)) else MAX_FLOAT
        rows.append((item.name, -widest if low is None else low, widest if high is None else high))
    return rows


def _numbers(value: Any) -> tuple[float, ...]:
    if isinstance(value, tuple):
        return tuple(number for item in value for number in _numbers(item))
    return (value,) if isinstance(value, int | float) else ()


def _range_text(name: str, value: float, low: float, high: float) -> str:
    if abs(value) == float("inf") or value != value:
        return f"has {name}={value}, which is not a number that it can compute with"
    legal = f"{low} or more" if high >= MAX_INT and value <= high else f"from {low:g} to {high:g}"
    if isinstance(value, int):
        legal = legal.replace(f"{high:g}", str(high)).replace(f"{low:g}", str(low))
    return f"has {name}={value}; it must be {legal}"


def one_for_each(spec: Spec, use_bias: bool) -> Derived | None:
    """Additions of a bias that every number of an output gets once."""
    return derive("outputs", outputs=spec.elements) if use_bias else None


def single(spec: Spec) -> tuple[Output, ...]:
    """Outputs of a layer with one."""
    return (Output("", spec),)


def unchanged(spec: Spec, label: str, **more: Any) -> Inference:
    """What a layer that keeps every axis infers."""
    return Inference(single(spec), label, how=more.pop("how", "shape unchanged"), **more)
