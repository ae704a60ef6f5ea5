from lamina.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Layout(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LAYOUT_UNSPECIFIED: _ClassVar[Layout]
    LAYOUT_CHANNELS_LAST: _ClassVar[Layout]
    LAYOUT_CHANNELS_FIRST: _ClassVar[Layout]

class PaddingMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PADDING_MODE_UNSPECIFIED: _ClassVar[PaddingMode]
    PADDING_MODE_VALID: _ClassVar[PaddingMode]
    PADDING_MODE_SAME: _ClassVar[PaddingMode]
    PADDING_MODE_SAME_LOWER: _ClassVar[PaddingMode]
    PADDING_MODE_CAUSAL: _ClassVar[PaddingMode]
LAYOUT_UNSPECIFIED: Layout
LAYOUT_CHANNELS_LAST: Layout
LAYOUT_CHANNELS_FIRST: Layout
PADDING_MODE_UNSPECIFIED: PaddingMode
PADDING_MODE_VALID: PaddingMode
PADDING_MODE_SAME: PaddingMode
PADDING_MODE_SAME_LOWER: PaddingMode
PADDING_MODE_CAUSAL: PaddingMode

class PadPair(_message.Message):
    __slots__ = ("before", "after")
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    before: int
    after: int
    def __init__(self, before: _Optional[int] = ..., after: _Optional[int] = ...) -> None: ...

class ExplicitPadding(_message.Message):
    __slots__ = ("pads",)
    PADS_FIELD_NUMBER: _ClassVar[int]
    pads: _containers.RepeatedCompositeFieldContainer[PadPair]
    def __init__(self, pads: _Optional[_Iterable[_Union[PadPair, _Mapping]]] = ...) -> None: ...

class Padding(_message.Message):
    __slots__ = ("mode", "explicit")
    MODE_FIELD_NUMBER: _ClassVar[int]
    EXPLICIT_FIELD_NUMBER: _ClassVar[int]
    mode: PaddingMode
    explicit: ExplicitPadding
    def __init__(self, mode: _Optional[_Union[PaddingMode, str]] = ..., explicit: _Optional[_Union[ExplicitPadding, _Mapping]] = ...) -> None: ...

class Stack(_message.Message):
    __slots__ = ("layers", "layout", "outputs")
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    layers: _containers.RepeatedCompositeFieldContainer[Layer]
    layout: Layout
    outputs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, layers: _Optional[_Iterable[_Union[Layer, _Mapping]]] = ..., layout: _Optional[_Union[Layout, str]] = ..., outputs: _Optional[_Iterable[str]] = ...) -> None: ...

class Layer(_message.Message):
    __slots__ = ("name", "inputs", "expect", "input", "dense", "activation", "conv", "depthwise_conv", "max_pool", "average_pool", "global_max_pool", "global_average_pool", "flatten", "reshape", "permute", "repeat_vector", "zero_padding", "dropout", "batch_normalization", "add", "concatenate", "lstm")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    EXPECT_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    DENSE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    CONV_FIELD_NUMBER: _ClassVar[int]
    DEPTHWISE_CONV_FIELD_NUMBER: _ClassVar[int]
    MAX_POOL_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_POOL_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_MAX_POOL_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_AVERAGE_POOL_FIELD_NUMBER: _ClassVar[int]
    FLATTEN_FIELD_NUMBER: _ClassVar[int]
    RESHAPE_FIELD_NUMBER: _ClassVar[int]
    PERMUTE_FIELD_NUMBER: _ClassVar[int]
    REPEAT_VECTOR_FIELD_NUMBER: _ClassVar[int]
    ZERO_PADDING_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    BATCH_NORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    ADD_FIELD_NUMBER: _ClassVar[int]
    CONCATENATE_FIELD_NUMBER: _ClassVar[int]
    LSTM_FIELD_NUMBER: _ClassVar[int]
    name: str
    inputs: _containers.RepeatedScalarFieldContainer[str]
    expect: _tensor_pb2.Shape
    input: Input
    dense: Dense
    activation: Activation
    conv: Conv
    depthwise_conv: DepthwiseConv
    max_pool: MaxPool
    average_pool: AveragePool
    global_max_pool: GlobalMaxPool
    global_average_pool: GlobalAveragePool
    flatten: Flatten
    reshape: Reshape
    permute: Permute
    repeat_vector: RepeatVector
    zero_padding: ZeroPadding
    dropout: Dropout
    batch_normalization: BatchNormalization
    add: Add
    concatenate: Concatenate
    lstm: LSTM
    def __init__(self, name: _Optional[str] = ..., inputs: _Optional[_Iterable[str]] = ..., expect: _Optional[_Union[_tensor_pb2.Shape, _Mapping]] = ..., input: _Optional[_Union[Input, _Mapping]] = ..., dense: _Optional[_Union[Dense, _Mapping]] = ..., activation: _Optional[_Union[Activation, _Mapping]] = ..., conv: _Optional[_Union[Conv, _Mapping]] = ..., depthwise_conv: _Optional[_Union[DepthwiseConv, _Mapping]] = ..., max_pool: _Optional[_Union[MaxPool, _Mapping]] = ..., average_pool: _Optional[_Union[AveragePool, _Mapping]] = ..., global_max_pool: _Optional[_Union[GlobalMaxPool, _Mapping]] = ..., global_average_pool: _Optional[_Union[GlobalAveragePool, _Mapping]] = ..., flatten: _Optional[_Union[Flatten, _Mapping]] = ..., reshape: _Optional[_Union[Reshape, _Mapping]] = ..., permute: _Optional[_Union[Permute, _Mapping]] = ..., repeat_vector: _Optional[_Union[RepeatVector, _Mapping]] = ..., zero_padding: _Optional[_Union[ZeroPadding, _Mapping]] = ..., dropout: _Optional[_Union[Dropout, _Mapping]] = ..., batch_normalization: _Optional[_Union[BatchNormalization, _Mapping]] = ..., add: _Optional[_Union[Add, _Mapping]] = ..., concatenate: _Optional[_Union[Concatenate, _Mapping]] = ..., lstm: _Optional[_Union[LSTM, _Mapping]] = ...) -> None: ...

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
    activation: ActivationFunction
    use_bias: bool
    in_features: int
    def __init__(self, units: _Optional[int] = ..., activation: _Optional[_Union[ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., in_features: _Optional[int] = ...) -> None: ...

class Activation(_message.Message):
    __slots__ = ("activation",)
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    activation: ActivationFunction
    def __init__(self, activation: _Optional[_Union[ActivationFunction, _Mapping]] = ...) -> None: ...

class ActivationFunction(_message.Message):
    __slots__ = ("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "hard_sigmoid", "tanh", "softplus", "silu", "softmax")
    LINEAR_FIELD_NUMBER: _ClassVar[int]
    RELU_FIELD_NUMBER: _ClassVar[int]
    RELU6_FIELD_NUMBER: _ClassVar[int]
    LEAKY_RELU_FIELD_NUMBER: _ClassVar[int]
    ELU_FIELD_NUMBER: _ClassVar[int]
    SELU_FIELD_NUMBER: _ClassVar[int]
    GELU_FIELD_NUMBER: _ClassVar[int]
    SIGMOID_FIELD_NUMBER: _ClassVar[int]
    HARD_SIGMOID_FIELD_NUMBER: _ClassVar[int]
    TANH_FIELD_NUMBER: _ClassVar[int]
    SOFTPLUS_FIELD_NUMBER: _ClassVar[int]
    SILU_FIELD_NUMBER: _ClassVar[int]
    SOFTMAX_FIELD_NUMBER: _ClassVar[int]
    linear: Linear
    relu: Relu
    relu6: Relu6
    leaky_relu: LeakyRelu
    elu: Elu
    selu: Selu
    gelu: Gelu
    sigmoid: Sigmoid
    hard_sigmoid: HardSigmoid
    tanh: Tanh
    softplus: Softplus
    silu: Silu
    softmax: Softmax
    def __init__(self, linear: _Optional[_Union[Linear, _Mapping]] = ..., relu: _Optional[_Union[Relu, _Mapping]] = ..., relu6: _Optional[_Union[Relu6, _Mapping]] = ..., leaky_relu: _Optional[_Union[LeakyRelu, _Mapping]] = ..., elu: _Optional[_Union[Elu, _Mapping]] = ..., selu: _Optional[_Union[Selu, _Mapping]] = ..., gelu: _Optional[_Union[Gelu, _Mapping]] = ..., sigmoid: _Optional[_Union[Sigmoid, _Mapping]] = ..., hard_sigmoid: _Optional[_Union[HardSigmoid, _Mapping]] = ..., tanh: _Optional[_Union[Tanh, _Mapping]] = ..., softplus: _Optional[_Union[Softplus, _Mapping]] = ..., silu: _Optional[_Union[Silu, _Mapping]] = ..., softmax: _Optional[_Union[Softmax, _Mapping]] = ...) -> None: ...

class Linear(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Relu(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Relu6(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LeakyRelu(_message.Message):
    __slots__ = ("negative_slope",)
    NEGATIVE_SLOPE_FIELD_NUMBER: _ClassVar[int]
    negative_slope: float
    def __init__(self, negative_slope: _Optional[float] = ...) -> None: ...

class Elu(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    def __init__(self, alpha: _Optional[float] = ...) -> None: ...

class Selu(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Gelu(_message.Message):
    __slots__ = ("approximate",)
    APPROXIMATE_FIELD_NUMBER: _ClassVar[int]
    approximate: bool
    def __init__(self, approximate: bool = ...) -> None: ...

class Sigmoid(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HardSigmoid(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Tanh(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Softplus(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Silu(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Softmax(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    def __init__(self, axis: _Optional[int] = ...) -> None: ...

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
    padding: Padding
    data_format: Layout
    dilation_rate: _containers.RepeatedScalarFieldContainer[int]
    groups: int
    activation: ActivationFunction
    use_bias: bool
    in_channels: int
    def __init__(self, filters: _Optional[int] = ..., kernel_size: _Optional[_Iterable[int]] = ..., strides: _Optional[_Iterable[int]] = ..., padding: _Optional[_Union[Padding, _Mapping]] = ..., data_format: _Optional[_Union[Layout, str]] = ..., dilation_rate: _Optional[_Iterable[int]] = ..., groups: _Optional[int] = ..., activation: _Optional[_Union[ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., in_channels: _Optional[int] = ...) -> None: ...

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
    padding: Padding
    depth_multiplier: int
    data_format: Layout
    dilation_rate: _containers.RepeatedScalarFieldContainer[int]
    activation: ActivationFunction
    use_bias: bool
    in_channels: int
    def __init__(self, kernel_size: _Optional[_Iterable[int]] = ..., strides: _Optional[_Iterable[int]] = ..., padding: _Optional[_Union[Padding, _Mapping]] = ..., depth_multiplier: _Optional[int] = ..., data_format: _Optional[_Union[Layout, str]] = ..., dilation_rate: _Optional[_Iterable[int]] = ..., activation: _Optional[_Union[ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., in_channels: _Optional[int] = ...) -> None: ...

class MaxPool(_message.Message):
    __slots__ = ("pool_size", "strides", "padding", "data_format", "ceil_mode")
    POOL_SIZE_FIELD_NUMBER: _ClassVar[int]
    STRIDES_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    CEIL_MODE_FIELD_NUMBER: _ClassVar[int]
    pool_size: _containers.RepeatedScalarFieldContainer[int]
    strides: _containers.RepeatedScalarFieldContainer[int]
    padding: Padding
    data_format: Layout
    ceil_mode: bool
    def __init__(self, pool_size: _Optional[_Iterable[int]] = ..., strides: _Optional[_Iterable[int]] = ..., padding: _Optional[_Union[Padding, _Mapping]] = ..., data_format: _Optional[_Union[Layout, str]] = ..., ceil_mode: bool = ...) -> None: ...

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
    padding: Padding
    data_format: Layout
    ceil_mode: bool
    count_include_pad: bool
    def __init__(self, pool_size: _Optional[_Iterable[int]] = ..., strides: _Optional[_Iterable[int]] = ..., padding: _Optional[_Union[Padding, _Mapping]] = ..., data_format: _Optional[_Union[Layout, str]] = ..., ceil_mode: bool = ..., count_include_pad: bool = ...) -> None: ...

class GlobalMaxPool(_message.Message):
    __slots__ = ("rank", "data_format", "keepdims")
    RANK_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    rank: int
    data_format: Layout
    keepdims: bool
    def __init__(self, rank: _Optional[int] = ..., data_format: _Optional[_Union[Layout, str]] = ..., keepdims: bool = ...) -> None: ...

class GlobalAveragePool(_message.Message):
    __slots__ = ("rank", "data_format", "keepdims")
    RANK_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    rank: int
    data_format: Layout
    keepdims: bool
    def __init__(self, rank: _Optional[int] = ..., data_format: _Optional[_Union[Layout, str]] = ..., keepdims: bool = ...) -> None: ...

class Flatten(_message.Message):
    __slots__ = ("data_format",)
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    data_format: Layout
    def __init__(self, data_format: _Optional[_Union[Layout, str]] = ...) -> None: ...

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
    padding: _containers.RepeatedCompositeFieldContainer[PadPair]
    data_format: Layout
    def __init__(self, padding: _Optional[_Iterable[_Union[PadPair, _Mapping]]] = ..., data_format: _Optional[_Union[Layout, str]] = ...) -> None: ...

class Dropout(_message.Message):
    __slots__ = ("rate",)
    RATE_FIELD_NUMBER: _ClassVar[int]
    rate: float
    def __init__(self, rate: _Optional[float] = ...) -> None: ...

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

class Add(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Concatenate(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    def __init__(self, axis: _Optional[int] = ...) -> None: ...

class LSTM(_message.Message):
    __slots__ = ("units", "activation", "recurrent_activation", "use_bias", "return_sequences", "return_state")
    UNITS_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    RECURRENT_ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    RETURN_SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    RETURN_STATE_FIELD_NUMBER: _ClassVar[int]
    units: int
    activation: ActivationFunction
    recurrent_activation: ActivationFunction
    use_bias: bool
    return_sequences: bool
    return_state: bool
    def __init__(self, units: _Optional[int] = ..., activation: _Optional[_Union[ActivationFunction, _Mapping]] = ..., recurrent_activation: _Optional[_Union[ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., return_sequences: bool = ..., return_state: bool = ...) -> None: ...
