from lamina.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MaxPool(_message.Message):
    __slots__ = ("pool_size", "strides", "padding", "data_format", "ceil_mode", "dilation_rate", "return_indices")
    POOL_SIZE_FIELD_NUMBER: _ClassVar[int]
    STRIDES_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    CEIL_MODE_FIELD_NUMBER: _ClassVar[int]
    DILATION_RATE_FIELD_NUMBER: _ClassVar[int]
    RETURN_INDICES_FIELD_NUMBER: _ClassVar[int]
    pool_size: _containers.RepeatedScalarFieldContainer[int]
    strides: _containers.RepeatedScalarFieldContainer[int]
    padding: _options_pb2.Padding
    data_format: _options_pb2.Layout
    ceil_mode: bool
    dilation_rate: _containers.RepeatedScalarFieldContainer[int]
    return_indices: bool
    def __init__(self, pool_size: _Optional[_Iterable[int]] = ..., strides: _Optional[_Iterable[int]] = ..., padding: _Optional[_Union[_options_pb2.Padding, _Mapping]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., ceil_mode: bool = ..., dilation_rate: _Optional[_Iterable[int]] = ..., return_indices: bool = ...) -> None: ...

class AveragePool(_message.Message):
    __slots__ = ("pool_size", "strides", "padding", "data_format", "ceil_mode", "count_include_pad", "divisor_override")
    POOL_SIZE_FIELD_NUMBER: _ClassVar[int]
    STRIDES_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    CEIL_MODE_FIELD_NUMBER: _ClassVar[int]
    COUNT_INCLUDE_PAD_FIELD_NUMBER: _ClassVar[int]
    DIVISOR_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    pool_size: _containers.RepeatedScalarFieldContainer[int]
    strides: _containers.RepeatedScalarFieldContainer[int]
    padding: _options_pb2.Padding
    data_format: _options_pb2.Layout
    ceil_mode: bool
    count_include_pad: bool
    divisor_override: int
    def __init__(self, pool_size: _Optional[_Iterable[int]] = ..., strides: _Optional[_Iterable[int]] = ..., padding: _Optional[_Union[_options_pb2.Padding, _Mapping]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., ceil_mode: bool = ..., count_include_pad: bool = ..., divisor_override: _Optional[int] = ...) -> None: ...

class GlobalMaxPool(_message.Message):
    __slots__ = ("rank", "data_format", "keepdims")
    RANK_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    rank: int
    data_format: _options_pb2.Layout
    keepdims: bool
    def __init__(self, rank: _Optional[int] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., keepdims: bool = ...) -> None: ...

class GlobalAveragePool(_message.Message):
    __slots__ = ("rank", "data_format", "keepdims")
    RANK_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    rank: int
    data_format: _options_pb2.Layout
    keepdims: bool
    def __init__(self, rank: _Optional[int] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., keepdims: bool = ...) -> None: ...

class AdaptiveAveragePool(_message.Message):
    __slots__ = ("output_size", "data_format")
    OUTPUT_SIZE_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    output_size: _containers.RepeatedScalarFieldContainer[int]
    data_format: _options_pb2.Layout
    def __init__(self, output_size: _Optional[_Iterable[int]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ...) -> None: ...

class AdaptiveMaxPool(_message.Message):
    __slots__ = ("output_size", "data_format")
    OUTPUT_SIZE_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    output_size: _containers.RepeatedScalarFieldContainer[int]
    data_format: _options_pb2.Layout
    def __init__(self, output_size: _Optional[_Iterable[int]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ...) -> None: ...

class LpPool(_message.Message):
    __slots__ = ("norm_type", "pool_size", "strides", "padding", "data_format", "ceil_mode", "signed", "scale_partial")
    NORM_TYPE_FIELD_NUMBER: _ClassVar[int]
    POOL_SIZE_FIELD_NUMBER: _ClassVar[int]
    STRIDES_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    CEIL_MODE_FIELD_NUMBER: _ClassVar[int]
    SIGNED_FIELD_NUMBER: _ClassVar[int]
    SCALE_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    norm_type: float
    pool_size: _containers.RepeatedScalarFieldContainer[int]
    strides: _containers.RepeatedScalarFieldContainer[int]
    padding: _options_pb2.Padding
    data_format: _options_pb2.Layout
    ceil_mode: bool
    signed: bool
    scale_partial: bool
    def __init__(self, norm_type: _Optional[float] = ..., pool_size: _Optional[_Iterable[int]] = ..., strides: _Optional[_Iterable[int]] = ..., padding: _Optional[_Union[_options_pb2.Padding, _Mapping]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., ceil_mode: bool = ..., signed: bool = ..., scale_partial: bool = ...) -> None: ...

class GlobalLpPool(_message.Message):
    __slots__ = ("norm_type", "rank", "data_format", "keepdims")
    NORM_TYPE_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    norm_type: float
    rank: int
    data_format: _options_pb2.Layout
    keepdims: bool
    def __init__(self, norm_type: _Optional[float] = ..., rank: _Optional[int] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., keepdims: bool = ...) -> None: ...

class MaxUnpool(_message.Message):
    __slots__ = ("pool_size", "strides", "padding", "data_format", "output_size")
    POOL_SIZE_FIELD_NUMBER: _ClassVar[int]
    STRIDES_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SIZE_FIELD_NUMBER: _ClassVar[int]
    pool_size: _containers.RepeatedScalarFieldContainer[int]
    strides: _containers.RepeatedScalarFieldContainer[int]
    padding: _options_pb2.Padding
    data_format: _options_pb2.Layout
    output_size: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, pool_size: _Optional[_Iterable[int]] = ..., strides: _Optional[_Iterable[int]] = ..., padding: _Optional[_Union[_options_pb2.Padding, _Mapping]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., output_size: _Optional[_Iterable[int]] = ...) -> None: ...
