from lamina.v1 import options_pb2 as _options_pb2
from lamina.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Flatten(_message.Message):
    __slots__ = ("data_format",)
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    data_format: _options_pb2.Layout
    def __init__(self, data_format: _Optional[_Union[_options_pb2.Layout, str]] = ...) -> None: ...

class Reshape(_message.Message):
    __slots__ = ("target_shape",)
    TARGET_SHAPE_FIELD_NUMBER: _ClassVar[int]
    target_shape: _tensor_pb2.Shape
    def __init__(self, target_shape: _Optional[_Union[_tensor_pb2.Shape, _Mapping]] = ...) -> None: ...

class Permute(_message.Message):
    __slots__ = ("dims",)
    DIMS_FIELD_NUMBER: _ClassVar[int]
    dims: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, dims: _Optional[_Iterable[int]] = ...) -> None: ...

class RepeatVector(_message.Message):
    __slots__ = ("n",)
    N_FIELD_NUMBER: _ClassVar[int]
    n: int
    def __init__(self, n: _Optional[int] = ...) -> None: ...

class ZeroPadding(_message.Message):
    __slots__ = ("padding", "data_format")
    PADDING_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    padding: _containers.RepeatedCompositeFieldContainer[_options_pb2.PadPair]
    data_format: _options_pb2.Layout
    def __init__(self, padding: _Optional[_Iterable[_Union[_options_pb2.PadPair, _Mapping]]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ...) -> None: ...
