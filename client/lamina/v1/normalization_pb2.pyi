from lamina.v1 import options_pb2 as _options_pb2
from lamina.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BatchNormalization(_message.Message):
    __slots__ = ("axis", "momentum", "epsilon", "center", "scale")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    CENTER_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    axis: int
    momentum: float
    epsilon: float
    center: bool
    scale: bool
    def __init__(self, axis: _Optional[int] = ..., momentum: _Optional[float] = ..., epsilon: _Optional[float] = ..., center: bool = ..., scale: bool = ...) -> None: ...

class LayerNormalization(_message.Message):
    __slots__ = ("axis", "epsilon", "center", "scale", "rms_scaling")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    CENTER_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    RMS_SCALING_FIELD_NUMBER: _ClassVar[int]
    axis: _containers.RepeatedScalarFieldContainer[int]
    epsilon: float
    center: bool
    scale: bool
    rms_scaling: bool
    def __init__(self, axis: _Optional[_Iterable[int]] = ..., epsilon: _Optional[float] = ..., center: bool = ..., scale: bool = ..., rms_scaling: bool = ...) -> None: ...

class GroupNormalization(_message.Message):
    __slots__ = ("groups", "axis", "epsilon", "center", "scale")
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    CENTER_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    groups: int
    axis: int
    epsilon: float
    center: bool
    scale: bool
    def __init__(self, groups: _Optional[int] = ..., axis: _Optional[int] = ..., epsilon: _Optional[float] = ..., center: bool = ..., scale: bool = ...) -> None: ...

class InstanceNormalization(_message.Message):
    __slots__ = ("axis", "epsilon", "center", "scale", "track_running_stats")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    CENTER_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    TRACK_RUNNING_STATS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    epsilon: float
    center: bool
    scale: bool
    track_running_stats: bool
    def __init__(self, axis: _Optional[int] = ..., epsilon: _Optional[float] = ..., center: bool = ..., scale: bool = ..., track_running_stats: bool = ...) -> None: ...

class RMSNormalization(_message.Message):
    __slots__ = ("axis", "epsilon", "scale")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    axis: _containers.RepeatedScalarFieldContainer[int]
    epsilon: float
    scale: bool
    def __init__(self, axis: _Optional[_Iterable[int]] = ..., epsilon: _Optional[float] = ..., scale: bool = ...) -> None: ...

class UnitNormalization(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, axis: _Optional[_Iterable[int]] = ...) -> None: ...

class LocalResponseNormalization(_message.Message):
    __slots__ = ("size", "alpha", "beta", "k", "axis")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    BETA_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    size: int
    alpha: float
    beta: float
    k: float
    axis: int
    def __init__(self, size: _Optional[int] = ..., alpha: _Optional[float] = ..., beta: _Optional[float] = ..., k: _Optional[float] = ..., axis: _Optional[int] = ...) -> None: ...

class Rescaling(_message.Message):
    __slots__ = ("scale", "offset", "data_format", "dtype")
    SCALE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    scale: _containers.RepeatedScalarFieldContainer[float]
    offset: _containers.RepeatedScalarFieldContainer[float]
    data_format: _options_pb2.Layout
    dtype: _tensor_pb2.DataType
    def __init__(self, scale: _Optional[_Iterable[float]] = ..., offset: _Optional[_Iterable[float]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., dtype: _Optional[_Union[_tensor_pb2.DataType, str]] = ...) -> None: ...

class Normalization(_message.Message):
    __slots__ = ("axis", "mean", "variance", "invert", "scalar", "dtype")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    VARIANCE_FIELD_NUMBER: _ClassVar[int]
    INVERT_FIELD_NUMBER: _ClassVar[int]
    SCALAR_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    axis: _containers.RepeatedScalarFieldContainer[int]
    mean: _containers.RepeatedScalarFieldContainer[float]
    variance: _containers.RepeatedScalarFieldContainer[float]
    invert: bool
    scalar: bool
    dtype: _tensor_pb2.DataType
    def __init__(self, axis: _Optional[_Iterable[int]] = ..., mean: _Optional[_Iterable[float]] = ..., variance: _Optional[_Iterable[float]] = ..., invert: bool = ..., scalar: bool = ..., dtype: _Optional[_Union[_tensor_pb2.DataType, str]] = ...) -> None: ...

class LayerScale(_message.Message):
    __slots__ = ("init_values", "axis", "center")
    INIT_VALUES_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    CENTER_FIELD_NUMBER: _ClassVar[int]
    init_values: float
    axis: int
    center: bool
    def __init__(self, init_values: _Optional[float] = ..., axis: _Optional[int] = ..., center: bool = ...) -> None: ...
