"""The parts of a trace: small frozen values, read once from their messages."""

from dataclasses import dataclass
from typing import TypeAlias, cast

from lamina.dims import Dim
from lamina.enums import name_of
from lamina.typing import DTypeName, Role, Severity
from lamina.v1 import tensor_pb2, trace_pb2

# A number, or an expression over the stack's symbols.
Size: TypeAlias = int | Dim

BATCH = Dim("batch")


def size_of(message: tensor_pb2.Dim) -> Size:
    """A number where it is one, else an expression."""
    return Dim(message.expression) if message.WhichOneof("value") == "expression" else message.size


def role_of(number: int) -> Role:
    """Role of an axis by its number; "" where it has no particular meaning."""
    return cast("Role", name_of(trace_pb2.AxisRole.DESCRIPTOR, number))


def dtype_of(number: int) -> DTypeName:
    """Name of an element type: "float32"."""
    return cast("DTypeName", name_of(tensor_pb2.DataType.DESCRIPTOR, number))


@dataclass(frozen=True)
class Axis:
    """One axis of a tensor: what it means ("steps", or "") and its size; the batch is `Dim("batch")`."""

    role: Role
    size: Size


@dataclass(frozen=True)
class TensorSpec:
    """A tensor by the name that `inputs`, `outputs` and `fetch` use, its element type and its axes."""

    name: str
    dtype: DTypeName
    axes: tuple[Axis, ...]

    @property
    def shape(self) -> tuple[Size | None, ...]:
        """Sizes, outermost first, None for the batch."""
        return tuple(None if axis.role == "batch" and axis.size == BATCH else axis.size for axis in self.axes)

    @property
    def roles(self) -> tuple[Role, ...]:
        """What the axes mean, outermost first."""
        return tuple(axis.role for axis in self.axes)

    @classmethod
    def from_proto(cls, message: trace_pb2.TensorSpec) -> "TensorSpec":
        """From the message of that name."""
        axes = tuple(Axis(role_of(axis.role), size_of(axis.size)) for axis in message.axes)
        return cls(message.name, dtype_of(message.data_type), axes)


@dataclass(frozen=True)
class Derivation:
    """Why one axis has the size it has: `formula` in names, `substitution` in numbers, `result`, `reason` in words.

    `axis` is its index, the batch axis included; `before` its size in the input, None where the axis is new.
    """

    role: Role
    axis: int
    before: Size | None
    result: Size
    formula: str
    substitution: str
    reason: str

    @classmethod
    def from_proto(cls, message: trace_pb2.Derivation) -> "Derivation":
        """From the message of that name."""
        before = size_of(message.before) if message.HasField("before") else None
        result = size_of(message.result)
        role = role_of(message.role)
        return cls(role, message.axis, before, result, message.formula, message.substitution, message.reason)


@dataclass(frozen=True)
class AppliedPad:
    """Elements added before and after, along one axis."""

    role: Role
    before: Size
    after: Size

    @classmethod
    def from_proto(cls, message: trace_pb2.AppliedPad) -> "AppliedPad":
        """From the message of that name."""
        return cls(role_of(message.role), size_of(message.before), size_of(message.after))


@dataclass(frozen=True)
class Unused:
    """Elements at the end of one axis that no window reads."""

    role: Role
    count: Size

    @classmethod
    def from_proto(cls, message: trace_pb2.Unused) -> "Unused":
        """From the message of that name."""
        return cls(role_of(message.role), size_of(message.count))


@dataclass(frozen=True)
class ReceptiveField:
    """What one output element sees of the input along one axis.

    `size` elements; `jump` lie between the fields of two neighbours; `start` is the centre of the first, counted
    from the middle of the first input element, None where it depends on a symbol. `input_role` is the axis of the
    input that is seen: another than `role` after a Permute.
    """

    role: Role
    size: int
    jump: int
    start: float | None
    input_role: Role

    @classmethod
    def from_proto(cls, message: trace_pb2.ReceptiveField) -> "ReceptiveField":
        """From the message of that name."""
        start = message.start if message.HasField("start") else None
        return cls(
            role_of(message.role), message.size, message.jump, start, role_of(message.input_role or message.role)
        )


@dataclass(frozen=True)
class WeightSpec:
    """A weight that a layer needs: "conv1d/kernel", its element type and shape, and whether training changes it."""

    name: str
    dtype: DTypeName
    shape: tuple[int, ...]
    trainable: bool

    @classmethod
    def from_proto(cls, message: trace_pb2.WeightSpec) -> "WeightSpec":
        """From the message of that name."""
        return cls(message.name, dtype_of(message.data_type), tuple(message.shape), message.trainable)


@dataclass(frozen=True)
class Elsewhere:
    """A count that another tool prints: `quantity` is "multiply-adds" or "parameters". `str()` says it in words."""

    tool: str
    quantity: str
    value: Size
    reason: str

    def __str__(self) -> str:
        number = f"{self.value:,}".replace(",", " ") if isinstance(self.value, int) else str(self.value)
        return f"{self.tool} counts {number} {self.quantity}: {self.reason}"

    @classmethod
    def from_proto(cls, message: trace_pb2.CountElsewhere) -> "Elsewhere":
        """From the message of that name."""
        return cls(message.tool, message.quantity, size_of(message.value), message.reason)


@dataclass(frozen=True)
class Note:
    """Something surprising about a legal layer. `str()` gives the text; `reason` is stable: "POOL_STRIDE_ONE"."""

    severity: Severity
    reason: str
    text: str

    def __str__(self) -> str:
        return self.text

    @classmethod
    def from_proto(cls, message: trace_pb2.Note) -> "Note":
        """From the message of that name."""
        severity = name_of(trace_pb2.NoteSeverity.DESCRIPTOR, message.severity)
        return cls(cast("Severity", severity), message.reason, message.text)
