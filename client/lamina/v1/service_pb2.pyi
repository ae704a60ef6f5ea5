from google.protobuf import timestamp_pb2 as _timestamp_pb2
from lamina.v1 import layers_pb2 as _layers_pb2
from lamina.v1 import tensor_pb2 as _tensor_pb2
from lamina.v1 import trace_pb2 as _trace_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Weights(_message.Message):
    __slots__ = ("tensors", "seed")
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    tensors: _containers.RepeatedCompositeFieldContainer[_tensor_pb2.Tensor]
    seed: int
    def __init__(self, tensors: _Optional[_Iterable[_Union[_tensor_pb2.Tensor, _Mapping]]] = ..., seed: _Optional[int] = ...) -> None: ...

class TraceRequest(_message.Message):
    __slots__ = ("stack", "stack_id", "shapes", "partial", "symbol_values")
    class SymbolValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    STACK_FIELD_NUMBER: _ClassVar[int]
    STACK_ID_FIELD_NUMBER: _ClassVar[int]
    SHAPES_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_VALUES_FIELD_NUMBER: _ClassVar[int]
    stack: _layers_pb2.Stack
    stack_id: str
    shapes: _containers.RepeatedCompositeFieldContainer[_tensor_pb2.ArrayShape]
    partial: bool
    symbol_values: _containers.ScalarMap[str, int]
    def __init__(self, stack: _Optional[_Union[_layers_pb2.Stack, _Mapping]] = ..., stack_id: _Optional[str] = ..., shapes: _Optional[_Iterable[_Union[_tensor_pb2.ArrayShape, _Mapping]]] = ..., partial: bool = ..., symbol_values: _Optional[_Mapping[str, int]] = ...) -> None: ...

class TraceResponse(_message.Message):
    __slots__ = ("trace", "diagnostics", "stack_id")
    TRACE_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    STACK_ID_FIELD_NUMBER: _ClassVar[int]
    trace: _trace_pb2.StackTrace
    diagnostics: _containers.RepeatedCompositeFieldContainer[_trace_pb2.Diagnostic]
    stack_id: str
    def __init__(self, trace: _Optional[_Union[_trace_pb2.StackTrace, _Mapping]] = ..., diagnostics: _Optional[_Iterable[_Union[_trace_pb2.Diagnostic, _Mapping]]] = ..., stack_id: _Optional[str] = ...) -> None: ...

class ExportRequest(_message.Message):
    __slots__ = ("stack", "stack_id", "weights", "fetch")
    STACK_FIELD_NUMBER: _ClassVar[int]
    STACK_ID_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    FETCH_FIELD_NUMBER: _ClassVar[int]
    stack: _layers_pb2.Stack
    stack_id: str
    weights: Weights
    fetch: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, stack: _Optional[_Union[_layers_pb2.Stack, _Mapping]] = ..., stack_id: _Optional[str] = ..., weights: _Optional[_Union[Weights, _Mapping]] = ..., fetch: _Optional[_Iterable[str]] = ...) -> None: ...

class ModelInfo(_message.Message):
    __slots__ = ("size_bytes", "sha256", "opset", "ir_version", "inputs", "outputs")
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    OPSET_FIELD_NUMBER: _ClassVar[int]
    IR_VERSION_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    size_bytes: int
    sha256: str
    opset: int
    ir_version: int
    inputs: _containers.RepeatedCompositeFieldContainer[_trace_pb2.TensorSpec]
    outputs: _containers.RepeatedCompositeFieldContainer[_trace_pb2.TensorSpec]
    def __init__(self, size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., opset: _Optional[int] = ..., ir_version: _Optional[int] = ..., inputs: _Optional[_Iterable[_Union[_trace_pb2.TensorSpec, _Mapping]]] = ..., outputs: _Optional[_Iterable[_Union[_trace_pb2.TensorSpec, _Mapping]]] = ...) -> None: ...

class ExportResponse(_message.Message):
    __slots__ = ("info", "chunk")
    INFO_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    info: ModelInfo
    chunk: bytes
    def __init__(self, info: _Optional[_Union[ModelInfo, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class InferRequest(_message.Message):
    __slots__ = ("stack", "stack_id", "weights", "inputs", "fetch", "omit_trace")
    STACK_FIELD_NUMBER: _ClassVar[int]
    STACK_ID_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    FETCH_FIELD_NUMBER: _ClassVar[int]
    OMIT_TRACE_FIELD_NUMBER: _ClassVar[int]
    stack: _layers_pb2.Stack
    stack_id: str
    weights: Weights
    inputs: _containers.RepeatedCompositeFieldContainer[_tensor_pb2.Tensor]
    fetch: _containers.RepeatedScalarFieldContainer[str]
    omit_trace: bool
    def __init__(self, stack: _Optional[_Union[_layers_pb2.Stack, _Mapping]] = ..., stack_id: _Optional[str] = ..., weights: _Optional[_Union[Weights, _Mapping]] = ..., inputs: _Optional[_Iterable[_Union[_tensor_pb2.Tensor, _Mapping]]] = ..., fetch: _Optional[_Iterable[str]] = ..., omit_trace: bool = ...) -> None: ...

class InferResponse(_message.Message):
    __slots__ = ("outputs", "fetched", "trace", "receipt")
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    FETCHED_FIELD_NUMBER: _ClassVar[int]
    TRACE_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    outputs: _containers.RepeatedCompositeFieldContainer[_tensor_pb2.Tensor]
    fetched: _containers.RepeatedCompositeFieldContainer[_tensor_pb2.Tensor]
    trace: _trace_pb2.StackTrace
    receipt: Receipt
    def __init__(self, outputs: _Optional[_Iterable[_Union[_tensor_pb2.Tensor, _Mapping]]] = ..., fetched: _Optional[_Iterable[_Union[_tensor_pb2.Tensor, _Mapping]]] = ..., trace: _Optional[_Union[_trace_pb2.StackTrace, _Mapping]] = ..., receipt: _Optional[_Union[Receipt, _Mapping]] = ...) -> None: ...

class NodePlacement(_message.Message):
    __slots__ = ("provider", "nodes", "op_types", "fallback_reason")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    OP_TYPES_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_REASON_FIELD_NUMBER: _ClassVar[int]
    provider: str
    nodes: int
    op_types: _containers.RepeatedScalarFieldContainer[str]
    fallback_reason: str
    def __init__(self, provider: _Optional[str] = ..., nodes: _Optional[int] = ..., op_types: _Optional[_Iterable[str]] = ..., fallback_reason: _Optional[str] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("device", "placements", "stages", "cache_hit", "batch_size", "model_sha256", "stack_id", "seed")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    PLACEMENTS_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    CACHE_HIT_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    MODEL_SHA256_FIELD_NUMBER: _ClassVar[int]
    STACK_ID_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    device: str
    placements: _containers.RepeatedCompositeFieldContainer[NodePlacement]
    stages: _containers.RepeatedCompositeFieldContainer[StageTime]
    cache_hit: bool
    batch_size: int
    model_sha256: str
    stack_id: str
    seed: int
    def __init__(self, device: _Optional[str] = ..., placements: _Optional[_Iterable[_Union[NodePlacement, _Mapping]]] = ..., stages: _Optional[_Iterable[_Union[StageTime, _Mapping]]] = ..., cache_hit: bool = ..., batch_size: _Optional[int] = ..., model_sha256: _Optional[str] = ..., stack_id: _Optional[str] = ..., seed: _Optional[int] = ...) -> None: ...

class StageTime(_message.Message):
    __slots__ = ("name", "seconds")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    seconds: float
    def __init__(self, name: _Optional[str] = ..., seconds: _Optional[float] = ...) -> None: ...

class RegisterHeader(_message.Message):
    __slots__ = ("name", "stack", "replace", "seed", "weight_count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STACK_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    stack: _layers_pb2.Stack
    replace: bool
    seed: int
    weight_count: int
    def __init__(self, name: _Optional[str] = ..., stack: _Optional[_Union[_layers_pb2.Stack, _Mapping]] = ..., replace: bool = ..., seed: _Optional[int] = ..., weight_count: _Optional[int] = ...) -> None: ...

class WeightStart(_message.Message):
    __slots__ = ("name", "data_type", "shape")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    data_type: _tensor_pb2.DataType
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., data_type: _Optional[_Union[_tensor_pb2.DataType, str]] = ..., shape: _Optional[_Iterable[int]] = ...) -> None: ...

class RegisterStackRequest(_message.Message):
    __slots__ = ("header", "weight", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: RegisterHeader
    weight: WeightStart
    chunk: bytes
    def __init__(self, header: _Optional[_Union[RegisterHeader, _Mapping]] = ..., weight: _Optional[_Union[WeightStart, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class RegisterStackResponse(_message.Message):
    __slots__ = ("info", "created")
    INFO_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    info: StackInfo
    created: bool
    def __init__(self, info: _Optional[_Union[StackInfo, _Mapping]] = ..., created: bool = ...) -> None: ...

class StackInfo(_message.Message):
    __slots__ = ("name", "id", "create_time", "weights", "weight_bytes", "seed", "error")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    name: str
    id: str
    create_time: _timestamp_pb2.Timestamp
    weights: _containers.RepeatedCompositeFieldContainer[_trace_pb2.WeightSpec]
    weight_bytes: int
    seed: int
    error: str
    def __init__(self, name: _Optional[str] = ..., id: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., weights: _Optional[_Iterable[_Union[_trace_pb2.WeightSpec, _Mapping]]] = ..., weight_bytes: _Optional[int] = ..., seed: _Optional[int] = ..., error: _Optional[str] = ...) -> None: ...

class GetStackRequest(_message.Message):
    __slots__ = ("stack_id",)
    STACK_ID_FIELD_NUMBER: _ClassVar[int]
    stack_id: str
    def __init__(self, stack_id: _Optional[str] = ...) -> None: ...

class GetStackResponse(_message.Message):
    __slots__ = ("info", "stack")
    INFO_FIELD_NUMBER: _ClassVar[int]
    STACK_FIELD_NUMBER: _ClassVar[int]
    info: StackInfo
    stack: _layers_pb2.Stack
    def __init__(self, info: _Optional[_Union[StackInfo, _Mapping]] = ..., stack: _Optional[_Union[_layers_pb2.Stack, _Mapping]] = ...) -> None: ...

class ListStacksRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListStacksResponse(_message.Message):
    __slots__ = ("stacks", "next_page_token")
    STACKS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    stacks: _containers.RepeatedCompositeFieldContainer[StackInfo]
    next_page_token: str
    def __init__(self, stacks: _Optional[_Iterable[_Union[StackInfo, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UnregisterStackRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class UnregisterStackResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListLayerKindsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LayerOption(_message.Message):
    __slots__ = ("name", "default_value", "doc")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VALUE_FIELD_NUMBER: _ClassVar[int]
    DOC_FIELD_NUMBER: _ClassVar[int]
    name: str
    default_value: str
    doc: str
    def __init__(self, name: _Optional[str] = ..., default_value: _Optional[str] = ..., doc: _Optional[str] = ...) -> None: ...

class LayerKind(_message.Message):
    __slots__ = ("name", "field", "constructors", "doc", "options", "example", "example_trace", "onnx_operators", "keras", "torch", "formulas")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    CONSTRUCTORS_FIELD_NUMBER: _ClassVar[int]
    DOC_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    EXAMPLE_FIELD_NUMBER: _ClassVar[int]
    EXAMPLE_TRACE_FIELD_NUMBER: _ClassVar[int]
    ONNX_OPERATORS_FIELD_NUMBER: _ClassVar[int]
    KERAS_FIELD_NUMBER: _ClassVar[int]
    TORCH_FIELD_NUMBER: _ClassVar[int]
    FORMULAS_FIELD_NUMBER: _ClassVar[int]
    name: str
    field: str
    constructors: _containers.RepeatedScalarFieldContainer[str]
    doc: str
    options: _containers.RepeatedCompositeFieldContainer[LayerOption]
    example: _layers_pb2.Stack
    example_trace: _trace_pb2.StackTrace
    onnx_operators: _containers.RepeatedScalarFieldContainer[str]
    keras: _containers.RepeatedScalarFieldContainer[str]
    torch: _containers.RepeatedScalarFieldContainer[str]
    formulas: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., field: _Optional[str] = ..., constructors: _Optional[_Iterable[str]] = ..., doc: _Optional[str] = ..., options: _Optional[_Iterable[_Union[LayerOption, _Mapping]]] = ..., example: _Optional[_Union[_layers_pb2.Stack, _Mapping]] = ..., example_trace: _Optional[_Union[_trace_pb2.StackTrace, _Mapping]] = ..., onnx_operators: _Optional[_Iterable[str]] = ..., keras: _Optional[_Iterable[str]] = ..., torch: _Optional[_Iterable[str]] = ..., formulas: _Optional[_Iterable[str]] = ...) -> None: ...

class ListLayerKindsResponse(_message.Message):
    __slots__ = ("kinds",)
    KINDS_FIELD_NUMBER: _ClassVar[int]
    kinds: _containers.RepeatedCompositeFieldContainer[LayerKind]
    def __init__(self, kinds: _Optional[_Iterable[_Union[LayerKind, _Mapping]]] = ...) -> None: ...

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Limit(_message.Message):
    __slots__ = ("name", "value", "doc")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    DOC_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: int
    doc: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[int] = ..., doc: _Optional[str] = ...) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("version", "device", "providers", "onnxruntime_version", "opset", "limits")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    ONNXRUNTIME_VERSION_FIELD_NUMBER: _ClassVar[int]
    OPSET_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    version: str
    device: str
    providers: _containers.RepeatedScalarFieldContainer[str]
    onnxruntime_version: str
    opset: int
    limits: _containers.RepeatedCompositeFieldContainer[Limit]
    def __init__(self, version: _Optional[str] = ..., device: _Optional[str] = ..., providers: _Optional[_Iterable[str]] = ..., onnxruntime_version: _Optional[str] = ..., opset: _Optional[int] = ..., limits: _Optional[_Iterable[_Union[Limit, _Mapping]]] = ...) -> None: ...
