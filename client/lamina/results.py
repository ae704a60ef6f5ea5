"""What the server answers, for Python."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lamina.errors import FailedPreconditionError, UnknownNameError, listed, suggest
from lamina.specs import WeightSpec
from lamina.stack import Stack
from lamina.tensors import from_tensor
from lamina.traces import Trace
from lamina.v1 import service_pb2

if TYPE_CHECKING:
    from lamina.typing import Array


@dataclass(frozen=True)
class Placement:
    """Nodes of the ONNX model that ran on one execution provider, and why not on the device that was asked for."""

    provider: str
    nodes: int
    op_types: tuple[str, ...]
    fallback_reason: str


@dataclass(frozen=True)
class Receipt:
    """How a request was run.

    `stages` has seconds by stage: decode, trace, build, run, encode; a stage that was not needed is absent.
    `batch_size` samples ran together. `seed` is what the weights were drawn from, None where all were given.
    """

    device: str
    placements: tuple[Placement, ...]
    stages: Mapping[str, float]
    cache_hit: bool
    batch_size: int
    model_sha256: str
    stack_id: str
    seed: int | None

    @classmethod
    def from_proto(cls, message: service_pb2.Receipt) -> "Receipt":
        """From the message of that name."""
        return cls(
            device=message.device,
            placements=tuple(
                Placement(place.provider, place.nodes, tuple(place.op_types), place.fallback_reason)
                for place in message.placements
            ),
            stages={stage.name: stage.seconds for stage in message.stages},
            cache_hit=message.cache_hit,
            batch_size=message.batch_size,
            model_sha256=message.model_sha256,
            stack_id=message.stack_id,
            seed=message.seed if message.HasField("seed") else None,
        )


@dataclass(frozen=True, eq=False)
class Result:
    """Outputs of a run and what was fetched, as read-only arrays by name, with the receipt.

    `result["conv1d"]` is any of them. `.copy()` an array to change it.
    """

    outputs: Mapping[str, "Array"]
    fetched: Mapping[str, "Array"]
    receipt: Receipt
    traced: Trace | None

    @property
    def output(self) -> "Array":
        """The output of a stack that has one. Raises UnknownNameError where it has several; `outputs` has them."""
        if len(self.outputs) != 1:
            names = listed([repr(name) for name in self.outputs]) if self.outputs else "none"
            raise UnknownNameError(f"The stack has {len(self.outputs)} outputs, {names}: choose one, result[name].")
        return next(iter(self.outputs.values()))

    @property
    def trace(self) -> Trace:
        """The trace of the stack. Raises FailedPreconditionError where it was left out with `trace=False`."""
        if self.traced is None:
            raise FailedPreconditionError("This result has no trace: it was asked for with trace=False.")
        return self.traced

    def __getitem__(self, name: str) -> "Array":
        for arrays in (self.fetched, self.outputs):
            if name in arrays:
                return arrays[name]
        known = [*self.outputs, *self.fetched]
        hint = suggest(name, known, what="tensor")
        raise UnknownNameError(f"{name!r} is no output and was not fetched: infer(..., fetch=[{name!r}]).{hint}")

    def __contains__(self, name: object) -> bool:
        return name in self.outputs or name in self.fetched

    def __repr__(self) -> str:
        shapes = {name: array.shape for name, array in {**self.outputs, **self.fetched}.items()}
        return f"Result({', '.join(f'{name}: {shape}' for name, shape in shapes.items())})"

    @classmethod
    def from_proto(cls, message: service_pb2.InferResponse, *, name: str = "") -> "Result":
        """From an InferResponse; `name` is the name it was asked for by."""
        receipt = Receipt.from_proto(message.receipt)
        traced = Trace(message.trace, name, receipt.stack_id if name else "") if message.HasField("trace") else None
        return cls(
            outputs={tensor.name: from_tensor(tensor) for tensor in message.outputs},
            fetched={tensor.name: from_tensor(tensor) for tensor in message.fetched},
            receipt=receipt,
            traced=traced,
        )


@dataclass(frozen=True)
class StackInfo:
    """A registered stack.

    `id` is its content id, SHA-256 in hex. `weights` are those that were given, `weight_bytes` their size, `seed` what
    the others are drawn from, None where all were given. `error` says what is wrong with it, "" where nothing is.
    """

    name: str
    id: str
    create_time: datetime | None
    weights: tuple[WeightSpec, ...]
    weight_bytes: int
    seed: int | None
    error: str

    @classmethod
    def from_proto(cls, message: service_pb2.StackInfo) -> "StackInfo":
        """From the message of that name."""
        created = message.create_time.ToDatetime(tzinfo=UTC) if message.HasField("create_time") else None
        return cls(
            name=message.name,
            id=message.id,
            create_time=created,
            weights=tuple(map(WeightSpec.from_proto, message.weights)),
            weight_bytes=message.weight_bytes,
            seed=message.seed if message.HasField("seed") else None,
            error=message.error,
        )


@dataclass(frozen=True)
class Registration:
    """A registration: what is registered, and whether anything changed by it."""

    info: StackInfo
    created: bool

    @property
    def name(self) -> str:
        """Name it is registered under."""
        return self.info.name

    @property
    def id(self) -> str:
        """Content id, SHA-256 in hex."""
        return self.info.id


@dataclass(frozen=True)
class RegisteredStack:
    """A registered stack as it was sent, without its weights."""

    info: StackInfo
    stack: Stack


@dataclass(frozen=True)
class LayerOption:
    """An option of a layer kind; `default` is "" where it is required."""

    name: str
    default: str
    doc: str


@dataclass(frozen=True)
class LayerKind:
    """A kind of layer: its documentation, its options, and an example that was traced.

    `name` is the message ("Conv"), `field` the field of a layer that holds it ("conv"), `constructors` the SDK's.
    """

    name: str
    field: str
    constructors: tuple[str, ...]
    doc: str
    options: tuple[LayerOption, ...]
    example: Stack
    example_trace: Trace
    onnx_operators: tuple[str, ...]
    keras: tuple[str, ...]
    torch: tuple[str, ...]
    formulas: tuple[str, ...]

    @classmethod
    def from_proto(cls, message: service_pb2.LayerKind) -> "LayerKind":
        """From the message of that name."""
        return cls(
            name=message.name,
            field=message.field,
            constructors=tuple(message.constructors),
            doc=message.doc,
            options=tuple(LayerOption(one.name, one.default_value, one.doc) for one in message.options),
            example=Stack.from_proto(message.example),
            example_trace=Trace(message.example_trace),
            onnx_operators=tuple(message.onnx_operators),
            keras=tuple(message.keras),
            torch=tuple(message.torch),
            formulas=tuple(message.formulas),
        )


@dataclass(frozen=True)
class Limit:
    """A limit of the server: the variable that sets it, its value there, what it bounds."""

    name: str
    value: int
    doc: str


@dataclass(frozen=True)
class ServerInfo:
    """What a server is: versions, device, execution providers in the order they are tried, limits."""

    version: str
    device: str
    providers: tuple[str, ...]
    onnxruntime_version: str
    opset: int
    limits: tuple[Limit, ...]

    @classmethod
    def from_proto(cls, message: service_pb2.GetServerInfoResponse) -> "ServerInfo":
        """From a GetServerInfoResponse."""
        return cls(
            version=message.version,
            device=message.device,
            providers=tuple(message.providers),
            onnxruntime_version=message.onnxruntime_version,
            opset=message.opset,
            limits=tuple(Limit(one.name, one.value, one.doc) for one in message.limits),
        )
