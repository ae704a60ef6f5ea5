from lamina.v1 import layers_pb2 as _layers_pb2
from lamina.v1 import options_pb2 as _options_pb2
from lamina.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AxisRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AXIS_ROLE_UNSPECIFIED: _ClassVar[AxisRole]
    AXIS_ROLE_BATCH: _ClassVar[AxisRole]
    AXIS_ROLE_STEPS: _ClassVar[AxisRole]
    AXIS_ROLE_DEPTH: _ClassVar[AxisRole]
    AXIS_ROLE_HEIGHT: _ClassVar[AxisRole]
    AXIS_ROLE_WIDTH: _ClassVar[AxisRole]
    AXIS_ROLE_CHANNELS: _ClassVar[AxisRole]
    AXIS_ROLE_FEATURES: _ClassVar[AxisRole]

class NoteSeverity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTE_SEVERITY_UNSPECIFIED: _ClassVar[NoteSeverity]
    NOTE_SEVERITY_INFO: _ClassVar[NoteSeverity]
    NOTE_SEVERITY_WARNING: _ClassVar[NoteSeverity]
AXIS_ROLE_UNSPECIFIED: AxisRole
AXIS_ROLE_BATCH: AxisRole
AXIS_ROLE_STEPS: AxisRole
AXIS_ROLE_DEPTH: AxisRole
AXIS_ROLE_HEIGHT: AxisRole
AXIS_ROLE_WIDTH: AxisRole
AXIS_ROLE_CHANNELS: AxisRole
AXIS_ROLE_FEATURES: AxisRole
NOTE_SEVERITY_UNSPECIFIED: NoteSeverity
NOTE_SEVERITY_INFO: NoteSeverity
NOTE_SEVERITY_WARNING: NoteSeverity

class Axis(_message.Message):
    __slots__ = ("role", "size")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    role: AxisRole
    size: _tensor_pb2.Dim
    def __init__(self, role: _Optional[_Union[AxisRole, str]] = ..., size: _Optional[_Union[_tensor_pb2.Dim, _Mapping]] = ...) -> None: ...

class TensorSpec(_message.Message):
    __slots__ = ("name", "data_type", "axes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    AXES_FIELD_NUMBER: _ClassVar[int]
    name: str
    data_type: _tensor_pb2.DataType
    axes: _containers.RepeatedCompositeFieldContainer[Axis]
    def __init__(self, name: _Optional[str] = ..., data_type: _Optional[_Union[_tensor_pb2.DataType, str]] = ..., axes: _Optional[_Iterable[_Union[Axis, _Mapping]]] = ...) -> None: ...

class Quantity(_message.Message):
    __slots__ = ("value", "formula", "substitution")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    FORMULA_FIELD_NUMBER: _ClassVar[int]
    SUBSTITUTION_FIELD_NUMBER: _ClassVar[int]
    value: _tensor_pb2.Dim
    formula: str
    substitution: str
    def __init__(self, value: _Optional[_Union[_tensor_pb2.Dim, _Mapping]] = ..., formula: _Optional[str] = ..., substitution: _Optional[str] = ...) -> None: ...

class Derivation(_message.Message):
    __slots__ = ("role", "axis", "before", "result", "formula", "substitution", "reason")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    FORMULA_FIELD_NUMBER: _ClassVar[int]
    SUBSTITUTION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    role: AxisRole
    axis: int
    before: _tensor_pb2.Dim
    result: _tensor_pb2.Dim
    formula: str
    substitution: str
    reason: str
    def __init__(self, role: _Optional[_Union[AxisRole, str]] = ..., axis: _Optional[int] = ..., before: _Optional[_Union[_tensor_pb2.Dim, _Mapping]] = ..., result: _Optional[_Union[_tensor_pb2.Dim, _Mapping]] = ..., formula: _Optional[str] = ..., substitution: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class AppliedPad(_message.Message):
    __slots__ = ("role", "before", "after")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    role: AxisRole
    before: _tensor_pb2.Dim
    after: _tensor_pb2.Dim
    def __init__(self, role: _Optional[_Union[AxisRole, str]] = ..., before: _Optional[_Union[_tensor_pb2.Dim, _Mapping]] = ..., after: _Optional[_Union[_tensor_pb2.Dim, _Mapping]] = ...) -> None: ...

class Unused(_message.Message):
    __slots__ = ("role", "count")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    role: AxisRole
    count: _tensor_pb2.Dim
    def __init__(self, role: _Optional[_Union[AxisRole, str]] = ..., count: _Optional[_Union[_tensor_pb2.Dim, _Mapping]] = ...) -> None: ...

class ReceptiveField(_message.Message):
    __slots__ = ("role", "size", "jump", "start", "input_role")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    JUMP_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    INPUT_ROLE_FIELD_NUMBER: _ClassVar[int]
    role: AxisRole
    size: int
    jump: int
    start: float
    input_role: AxisRole
    def __init__(self, role: _Optional[_Union[AxisRole, str]] = ..., size: _Optional[int] = ..., jump: _Optional[int] = ..., start: _Optional[float] = ..., input_role: _Optional[_Union[AxisRole, str]] = ...) -> None: ...

class WeightSpec(_message.Message):
    __slots__ = ("name", "data_type", "shape", "trainable")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    TRAINABLE_FIELD_NUMBER: _ClassVar[int]
    name: str
    data_type: _tensor_pb2.DataType
    shape: _containers.RepeatedScalarFieldContainer[int]
    trainable: bool
    def __init__(self, name: _Optional[str] = ..., data_type: _Optional[_Union[_tensor_pb2.DataType, str]] = ..., shape: _Optional[_Iterable[int]] = ..., trainable: bool = ...) -> None: ...

class Note(_message.Message):
    __slots__ = ("severity", "reason", "text")
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    severity: NoteSeverity
    reason: str
    text: str
    def __init__(self, severity: _Optional[_Union[NoteSeverity, str]] = ..., reason: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class CountElsewhere(_message.Message):
    __slots__ = ("tool", "quantity", "value", "reason")
    TOOL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    tool: str
    quantity: str
    value: _tensor_pb2.Dim
    reason: str
    def __init__(self, tool: _Optional[str] = ..., quantity: _Optional[str] = ..., value: _Optional[_Union[_tensor_pb2.Dim, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class LayerTrace(_message.Message):
    __slots__ = ("name", "kind", "summary", "inputs", "outputs", "derivations", "how", "explanation", "pads", "unused", "weights", "params", "trainable_params", "non_trainable_params", "macs", "output_bytes", "receptive_field", "notes", "layers", "weights_of", "bias_adds", "elsewhere")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    DERIVATIONS_FIELD_NUMBER: _ClassVar[int]
    HOW_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    PADS_FIELD_NUMBER: _ClassVar[int]
    UNUSED_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    TRAINABLE_PARAMS_FIELD_NUMBER: _ClassVar[int]
    NON_TRAINABLE_PARAMS_FIELD_NUMBER: _ClassVar[int]
    MACS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_BYTES_FIELD_NUMBER: _ClassVar[int]
    RECEPTIVE_FIELD_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_OF_FIELD_NUMBER: _ClassVar[int]
    BIAS_ADDS_FIELD_NUMBER: _ClassVar[int]
    ELSEWHERE_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    summary: str
    inputs: _containers.RepeatedCompositeFieldContainer[TensorSpec]
    outputs: _containers.RepeatedCompositeFieldContainer[TensorSpec]
    derivations: _containers.RepeatedCompositeFieldContainer[Derivation]
    how: str
    explanation: str
    pads: _containers.RepeatedCompositeFieldContainer[AppliedPad]
    unused: _containers.RepeatedCompositeFieldContainer[Unused]
    weights: _containers.RepeatedCompositeFieldContainer[WeightSpec]
    params: Quantity
    trainable_params: int
    non_trainable_params: int
    macs: Quantity
    output_bytes: _tensor_pb2.Dim
    receptive_field: _containers.RepeatedCompositeFieldContainer[ReceptiveField]
    notes: _containers.RepeatedCompositeFieldContainer[Note]
    layers: _containers.RepeatedCompositeFieldContainer[LayerTrace]
    weights_of: str
    bias_adds: Quantity
    elsewhere: _containers.RepeatedCompositeFieldContainer[CountElsewhere]
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., summary: _Optional[str] = ..., inputs: _Optional[_Iterable[_Union[TensorSpec, _Mapping]]] = ..., outputs: _Optional[_Iterable[_Union[TensorSpec, _Mapping]]] = ..., derivations: _Optional[_Iterable[_Union[Derivation, _Mapping]]] = ..., how: _Optional[str] = ..., explanation: _Optional[str] = ..., pads: _Optional[_Iterable[_Union[AppliedPad, _Mapping]]] = ..., unused: _Optional[_Iterable[_Union[Unused, _Mapping]]] = ..., weights: _Optional[_Iterable[_Union[WeightSpec, _Mapping]]] = ..., params: _Optional[_Union[Quantity, _Mapping]] = ..., trainable_params: _Optional[int] = ..., non_trainable_params: _Optional[int] = ..., macs: _Optional[_Union[Quantity, _Mapping]] = ..., output_bytes: _Optional[_Union[_tensor_pb2.Dim, _Mapping]] = ..., receptive_field: _Optional[_Iterable[_Union[ReceptiveField, _Mapping]]] = ..., notes: _Optional[_Iterable[_Union[Note, _Mapping]]] = ..., layers: _Optional[_Iterable[_Union[LayerTrace, _Mapping]]] = ..., weights_of: _Optional[str] = ..., bias_adds: _Optional[_Union[Quantity, _Mapping]] = ..., elsewhere: _Optional[_Iterable[_Union[CountElsewhere, _Mapping]]] = ...) -> None: ...

class SymbolRange(_message.Message):
    __slots__ = ("name", "minimum")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    name: str
    minimum: int
    def __init__(self, name: _Optional[str] = ..., minimum: _Optional[int] = ...) -> None: ...

class StackTrace(_message.Message):
    __slots__ = ("layout", "layers", "inputs", "outputs", "params", "trainable_params", "macs", "peak_activation_bytes", "symbols", "bias_adds", "flops")
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    TRAINABLE_PARAMS_FIELD_NUMBER: _ClassVar[int]
    MACS_FIELD_NUMBER: _ClassVar[int]
    PEAK_ACTIVATION_BYTES_FIELD_NUMBER: _ClassVar[int]
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    BIAS_ADDS_FIELD_NUMBER: _ClassVar[int]
    FLOPS_FIELD_NUMBER: _ClassVar[int]
    layout: _options_pb2.Layout
    layers: _containers.RepeatedCompositeFieldContainer[LayerTrace]
    inputs: _containers.RepeatedCompositeFieldContainer[TensorSpec]
    outputs: _containers.RepeatedCompositeFieldContainer[TensorSpec]
    params: int
    trainable_params: int
    macs: _tensor_pb2.Dim
    peak_activation_bytes: _tensor_pb2.Dim
    symbols: _containers.RepeatedCompositeFieldContainer[SymbolRange]
    bias_adds: _tensor_pb2.Dim
    flops: _tensor_pb2.Dim
    def __init__(self, layout: _Optional[_Union[_options_pb2.Layout, str]] = ..., layers: _Optional[_Iterable[_Union[LayerTrace, _Mapping]]] = ..., inputs: _Optional[_Iterable[_Union[TensorSpec, _Mapping]]] = ..., outputs: _Optional[_Iterable[_Union[TensorSpec, _Mapping]]] = ..., params: _Optional[int] = ..., trainable_params: _Optional[int] = ..., macs: _Optional[_Union[_tensor_pb2.Dim, _Mapping]] = ..., peak_activation_bytes: _Optional[_Union[_tensor_pb2.Dim, _Mapping]] = ..., symbols: _Optional[_Iterable[_Union[SymbolRange, _Mapping]]] = ..., bias_adds: _Optional[_Union[_tensor_pb2.Dim, _Mapping]] = ..., flops: _Optional[_Union[_tensor_pb2.Dim, _Mapping]] = ...) -> None: ...

class InsertLayer(_message.Message):
    __slots__ = ("index", "layer")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    index: int
    layer: _layers_pb2.Layer
    def __init__(self, index: _Optional[int] = ..., layer: _Optional[_Union[_layers_pb2.Layer, _Mapping]] = ...) -> None: ...

class ReplaceLayer(_message.Message):
    __slots__ = ("index", "layer")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    index: int
    layer: _layers_pb2.Layer
    def __init__(self, index: _Optional[int] = ..., layer: _Optional[_Union[_layers_pb2.Layer, _Mapping]] = ...) -> None: ...

class RemoveLayer(_message.Message):
    __slots__ = ("index",)
    INDEX_FIELD_NUMBER: _ClassVar[int]
    index: int
    def __init__(self, index: _Optional[int] = ...) -> None: ...

class SetLayout(_message.Message):
    __slots__ = ("layout",)
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    layout: _options_pb2.Layout
    def __init__(self, layout: _Optional[_Union[_options_pb2.Layout, str]] = ...) -> None: ...

class StackEdit(_message.Message):
    __slots__ = ("insert_layer", "replace_layer", "remove_layer", "set_layout", "block")
    INSERT_LAYER_FIELD_NUMBER: _ClassVar[int]
    REPLACE_LAYER_FIELD_NUMBER: _ClassVar[int]
    REMOVE_LAYER_FIELD_NUMBER: _ClassVar[int]
    SET_LAYOUT_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    insert_layer: InsertLayer
    replace_layer: ReplaceLayer
    remove_layer: RemoveLayer
    set_layout: SetLayout
    block: str
    def __init__(self, insert_layer: _Optional[_Union[InsertLayer, _Mapping]] = ..., replace_layer: _Optional[_Union[ReplaceLayer, _Mapping]] = ..., remove_layer: _Optional[_Union[RemoveLayer, _Mapping]] = ..., set_layout: _Optional[_Union[SetLayout, _Mapping]] = ..., block: _Optional[str] = ...) -> None: ...

class ExpandDims(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    def __init__(self, axis: _Optional[int] = ...) -> None: ...

class Squeeze(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    def __init__(self, axis: _Optional[int] = ...) -> None: ...

class Transpose(_message.Message):
    __slots__ = ("axes",)
    AXES_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, axes: _Optional[_Iterable[int]] = ...) -> None: ...

class CastArray(_message.Message):
    __slots__ = ("data_type",)
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    data_type: _tensor_pb2.DataType
    def __init__(self, data_type: _Optional[_Union[_tensor_pb2.DataType, str]] = ...) -> None: ...

class ArrayEdit(_message.Message):
    __slots__ = ("name", "expand_dims", "squeeze", "transpose", "cast")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EXPAND_DIMS_FIELD_NUMBER: _ClassVar[int]
    SQUEEZE_FIELD_NUMBER: _ClassVar[int]
    TRANSPOSE_FIELD_NUMBER: _ClassVar[int]
    CAST_FIELD_NUMBER: _ClassVar[int]
    name: str
    expand_dims: ExpandDims
    squeeze: Squeeze
    transpose: Transpose
    cast: CastArray
    def __init__(self, name: _Optional[str] = ..., expand_dims: _Optional[_Union[ExpandDims, _Mapping]] = ..., squeeze: _Optional[_Union[Squeeze, _Mapping]] = ..., transpose: _Optional[_Union[Transpose, _Mapping]] = ..., cast: _Optional[_Union[CastArray, _Mapping]] = ...) -> None: ...

class Fix(_message.Message):
    __slots__ = ("title", "outcome", "stack_edits", "array_edits")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    STACK_EDITS_FIELD_NUMBER: _ClassVar[int]
    ARRAY_EDITS_FIELD_NUMBER: _ClassVar[int]
    title: str
    outcome: str
    stack_edits: _containers.RepeatedCompositeFieldContainer[StackEdit]
    array_edits: _containers.RepeatedCompositeFieldContainer[ArrayEdit]
    def __init__(self, title: _Optional[str] = ..., outcome: _Optional[str] = ..., stack_edits: _Optional[_Iterable[_Union[StackEdit, _Mapping]]] = ..., array_edits: _Optional[_Iterable[_Union[ArrayEdit, _Mapping]]] = ...) -> None: ...

class Diagnostic(_message.Message):
    __slots__ = ("reason", "layer", "kind", "index", "field", "message", "got", "expected", "fixes")
    REASON_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    GOT_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    FIXES_FIELD_NUMBER: _ClassVar[int]
    reason: str
    layer: str
    kind: str
    index: int
    field: str
    message: str
    got: _containers.RepeatedCompositeFieldContainer[TensorSpec]
    expected: _containers.RepeatedScalarFieldContainer[AxisRole]
    fixes: _containers.RepeatedCompositeFieldContainer[Fix]
    def __init__(self, reason: _Optional[str] = ..., layer: _Optional[str] = ..., kind: _Optional[str] = ..., index: _Optional[int] = ..., field: _Optional[str] = ..., message: _Optional[str] = ..., got: _Optional[_Iterable[_Union[TensorSpec, _Mapping]]] = ..., expected: _Optional[_Iterable[_Union[AxisRole, str]]] = ..., fixes: _Optional[_Iterable[_Union[Fix, _Mapping]]] = ...) -> None: ...
