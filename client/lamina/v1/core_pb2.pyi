from lamina.v1 import activations_pb2 as _activations_pb2
from lamina.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Input(_message.Message):
    __slots__ = ("shape", "dtype")
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    shape: _tensor_pb2.Shape
    dtype: _tensor_pb2.DataType
    def __init__(self, shape: _Optional[_Union[_tensor_pb2.Shape, _Mapping]] = ..., dtype: _Optional[_Union[_tensor_pb2.DataType, str]] = ...) -> None: ...

class Dense(_message.Message):
    __slots__ = ("units", "activation", "use_bias", "in_features")
    UNITS_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    IN_FEATURES_FIELD_NUMBER: _ClassVar[int]
    units: int
    activation: _activations_pb2.ActivationFunction
    use_bias: bool
    in_features: int
    def __init__(self, units: _Optional[int] = ..., activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., in_features: _Optional[int] = ...) -> None: ...

class Activation(_message.Message):
    __slots__ = ("activation",)
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    activation: _activations_pb2.ActivationFunction
    def __init__(self, activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ...) -> None: ...

class Dropout(_message.Message):
    __slots__ = ("rate",)
    RATE_FIELD_NUMBER: _ClassVar[int]
    rate: float
    def __init__(self, rate: _Optional[float] = ...) -> None: ...
