from lamina.v1 import activations_pb2 as _activations_pb2
from lamina.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Conv(_message.Message):
    __slots__ = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups", "activation", "use_bias", "in_channels")
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    KERNEL_SIZE_FIELD_NUMBER: _ClassVar[int]
    STRIDES_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    DILATION_RATE_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    IN_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    filters: int
    kernel_size: _containers.RepeatedScalarFieldContainer[int]
    strides: _containers.RepeatedScalarFieldContainer[int]
    padding: _options_pb2.Padding
    data_format: _options_pb2.Layout
    dilation_rate: _containers.RepeatedScalarFieldContainer[int]
    groups: int
    activation: _activations_pb2.ActivationFunction
    use_bias: bool
    in_channels: int
    def __init__(self, filters: _Optional[int] = ..., kernel_size: _Optional[_Iterable[int]] = ..., strides: _Optional[_Iterable[int]] = ..., padding: _Optional[_Union[_options_pb2.Padding, _Mapping]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., dilation_rate: _Optional[_Iterable[int]] = ..., groups: _Optional[int] = ..., activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., in_channels: _Optional[int] = ...) -> None: ...

class DepthwiseConv(_message.Message):
    __slots__ = ("kernel_size", "strides", "padding", "depth_multiplier", "data_format", "dilation_rate", "activation", "use_bias", "in_channels")
    KERNEL_SIZE_FIELD_NUMBER: _ClassVar[int]
    STRIDES_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    DEPTH_MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    DILATION_RATE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    IN_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    kernel_size: _containers.RepeatedScalarFieldContainer[int]
    strides: _containers.RepeatedScalarFieldContainer[int]
    padding: _options_pb2.Padding
    depth_multiplier: int
    data_format: _options_pb2.Layout
    dilation_rate: _containers.RepeatedScalarFieldContainer[int]
    activation: _activations_pb2.ActivationFunction
    use_bias: bool
    in_channels: int
    def __init__(self, kernel_size: _Optional[_Iterable[int]] = ..., strides: _Optional[_Iterable[int]] = ..., padding: _Optional[_Union[_options_pb2.Padding, _Mapping]] = ..., depth_multiplier: _Optional[int] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., dilation_rate: _Optional[_Iterable[int]] = ..., activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., in_channels: _Optional[int] = ...) -> None: ...

class SeparableConv(_message.Message):
    __slots__ = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "depth_multiplier", "activation", "use_bias", "in_channels")
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    KERNEL_SIZE_FIELD_NUMBER: _ClassVar[int]
    STRIDES_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    DILATION_RATE_FIELD_NUMBER: _ClassVar[int]
    DEPTH_MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    IN_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    filters: int
    kernel_size: _containers.RepeatedScalarFieldContainer[int]
    strides: _containers.RepeatedScalarFieldContainer[int]
    padding: _options_pb2.Padding
    data_format: _options_pb2.Layout
    dilation_rate: _containers.RepeatedScalarFieldContainer[int]
    depth_multiplier: int
    activation: _activations_pb2.ActivationFunction
    use_bias: bool
    in_channels: int
    def __init__(self, filters: _Optional[int] = ..., kernel_size: _Optional[_Iterable[int]] = ..., strides: _Optional[_Iterable[int]] = ..., padding: _Optional[_Union[_options_pb2.Padding, _Mapping]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., dilation_rate: _Optional[_Iterable[int]] = ..., depth_multiplier: _Optional[int] = ..., activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., in_channels: _Optional[int] = ...) -> None: ...

class ConvTranspose(_message.Message):
    __slots__ = ("filters", "kernel_size", "strides", "padding", "output_padding", "data_format", "dilation_rate", "activation", "use_bias", "groups", "in_channels")
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    KERNEL_SIZE_FIELD_NUMBER: _ClassVar[int]
    STRIDES_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_PADDING_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    DILATION_RATE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    IN_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    filters: int
    kernel_size: _containers.RepeatedScalarFieldContainer[int]
    strides: _containers.RepeatedScalarFieldContainer[int]
    padding: _options_pb2.Padding
    output_padding: _containers.RepeatedScalarFieldContainer[int]
    data_format: _options_pb2.Layout
    dilation_rate: _containers.RepeatedScalarFieldContainer[int]
    activation: _activations_pb2.ActivationFunction
    use_bias: bool
    groups: int
    in_channels: int
    def __init__(self, filters: _Optional[int] = ..., kernel_size: _Optional[_Iterable[int]] = ..., strides: _Optional[_Iterable[int]] = ..., padding: _Optional[_Union[_options_pb2.Padding, _Mapping]] = ..., output_padding: _Optional[_Iterable[int]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., dilation_rate: _Optional[_Iterable[int]] = ..., activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., groups: _Optional[int] = ..., in_channels: _Optional[int] = ...) -> None: ...
