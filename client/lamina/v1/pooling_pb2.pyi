from lamina.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MaxPool(_message.Message):
    __slots__ = ("pool_size", "strides", "padding", "data_format", "ceil_mode")
    POOL_SIZE_FIELD_NUMBER: _ClassVar[int]
    STRIDES_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    CEIL_MODE_FIELD_NUMBER: _ClassVar[int]
    pool_size: _containers.RepeatedScalarFieldContainer[int]
    strides: _containers.RepeatedScalarFieldContainer[int]
    padding: _options_pb2.Padding
    data_format: _options_pb2.Layout
    ceil_mode: bool
    def __init__(self, pool_size: _Optional[_Iterable[int]] = ..., strides: _Optional[_Iterable[int]] = ..., padding: _Optional[_Union[_options_pb2.Padding, _Mapping]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., ceil_mode: bool = ...) -> None: ...

class AveragePool(_message.Message):
    __slots__ = ("pool_size", "strides", "padding", "data_format", "ceil_mode", "count_include_pad")
    POOL_SIZE_FIELD_NUMBER: _ClassVar[int]
    STRIDES_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    CEIL_MODE_FIELD_NUMBER: _ClassVar[int]
    COUNT_INCLUDE_PAD_FIELD_NUMBER: _ClassVar[int]
    pool_size: _containers.RepeatedScalarFieldContainer[int]
    strides: _containers.RepeatedScalarFieldContainer[int]
    padding: _options_pb2.Padding
    data_format: _options_pb2.Layout
    ceil_mode: bool
    count_include_pad: bool
    def __init__(self, pool_size: _Optional[_Iterable[int]] = ..., strides: _Optional[_Iterable[int]] = ..., padding: _Optional[_Union[_options_pb2.Padding, _Mapping]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., ceil_mode: bool = ..., count_include_pad: bool = ...) -> None: ...

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
