from lamina.v1 import activations_pb2 as _activations_pb2
from lamina.v1 import options_pb2 as _options_pb2
from lamina.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CategoryMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CATEGORY_MODE_UNSPECIFIED: _ClassVar[CategoryMode]
    CATEGORY_MODE_ONE_HOT: _ClassVar[CategoryMode]
    CATEGORY_MODE_MULTI_HOT: _ClassVar[CategoryMode]
    CATEGORY_MODE_COUNT: _ClassVar[CategoryMode]

class DiscretizationMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DISCRETIZATION_MODE_UNSPECIFIED: _ClassVar[DiscretizationMode]
    DISCRETIZATION_MODE_INT: _ClassVar[DiscretizationMode]
    DISCRETIZATION_MODE_ONE_HOT: _ClassVar[DiscretizationMode]
    DISCRETIZATION_MODE_MULTI_HOT: _ClassVar[DiscretizationMode]
    DISCRETIZATION_MODE_COUNT: _ClassVar[DiscretizationMode]
CATEGORY_MODE_UNSPECIFIED: CategoryMode
CATEGORY_MODE_ONE_HOT: CategoryMode
CATEGORY_MODE_MULTI_HOT: CategoryMode
CATEGORY_MODE_COUNT: CategoryMode
DISCRETIZATION_MODE_UNSPECIFIED: DiscretizationMode
DISCRETIZATION_MODE_INT: DiscretizationMode
DISCRETIZATION_MODE_ONE_HOT: DiscretizationMode
DISCRETIZATION_MODE_MULTI_HOT: DiscretizationMode
DISCRETIZATION_MODE_COUNT: DiscretizationMode

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

class EinsumDense(_message.Message):
    __slots__ = ("equation", "output_shape", "activation", "bias_axes")
    EQUATION_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SHAPE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    BIAS_AXES_FIELD_NUMBER: _ClassVar[int]
    equation: str
    output_shape: _tensor_pb2.Shape
    activation: _activations_pb2.ActivationFunction
    bias_axes: str
    def __init__(self, equation: _Optional[str] = ..., output_shape: _Optional[_Union[_tensor_pb2.Shape, _Mapping]] = ..., activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., bias_axes: _Optional[str] = ...) -> None: ...

class Embedding(_message.Message):
    __slots__ = ("input_dim", "output_dim", "mask_zero", "dtype", "return_mask")
    INPUT_DIM_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_DIM_FIELD_NUMBER: _ClassVar[int]
    MASK_ZERO_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    RETURN_MASK_FIELD_NUMBER: _ClassVar[int]
    input_dim: int
    output_dim: int
    mask_zero: bool
    dtype: _tensor_pb2.DataType
    return_mask: bool
    def __init__(self, input_dim: _Optional[int] = ..., output_dim: _Optional[int] = ..., mask_zero: bool = ..., dtype: _Optional[_Union[_tensor_pb2.DataType, str]] = ..., return_mask: bool = ...) -> None: ...

class ReversibleEmbedding(_message.Message):
    __slots__ = ("input_dim", "output_dim", "tie_weights", "mask_zero", "reverse_dtype", "logit_soft_cap", "reverse", "dtype", "return_mask")
    INPUT_DIM_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_DIM_FIELD_NUMBER: _ClassVar[int]
    TIE_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    MASK_ZERO_FIELD_NUMBER: _ClassVar[int]
    REVERSE_DTYPE_FIELD_NUMBER: _ClassVar[int]
    LOGIT_SOFT_CAP_FIELD_NUMBER: _ClassVar[int]
    REVERSE_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    RETURN_MASK_FIELD_NUMBER: _ClassVar[int]
    input_dim: int
    output_dim: int
    tie_weights: bool
    mask_zero: bool
    reverse_dtype: _tensor_pb2.DataType
    logit_soft_cap: float
    reverse: bool
    dtype: _tensor_pb2.DataType
    return_mask: bool
    def __init__(self, input_dim: _Optional[int] = ..., output_dim: _Optional[int] = ..., tie_weights: bool = ..., mask_zero: bool = ..., reverse_dtype: _Optional[_Union[_tensor_pb2.DataType, str]] = ..., logit_soft_cap: _Optional[float] = ..., reverse: bool = ..., dtype: _Optional[_Union[_tensor_pb2.DataType, str]] = ..., return_mask: bool = ...) -> None: ...

class CategoryEncoding(_message.Message):
    __slots__ = ("num_tokens", "output_mode", "dtype")
    NUM_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_MODE_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    num_tokens: int
    output_mode: CategoryMode
    dtype: _tensor_pb2.DataType
    def __init__(self, num_tokens: _Optional[int] = ..., output_mode: _Optional[_Union[CategoryMode, str]] = ..., dtype: _Optional[_Union[_tensor_pb2.DataType, str]] = ...) -> None: ...

class Identity(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SpatialDropout(_message.Message):
    __slots__ = ("rate", "data_format", "rank")
    RATE_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    rate: float
    data_format: _options_pb2.Layout
    rank: int
    def __init__(self, rate: _Optional[float] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., rank: _Optional[int] = ...) -> None: ...

class GaussianDropout(_message.Message):
    __slots__ = ("rate",)
    RATE_FIELD_NUMBER: _ClassVar[int]
    rate: float
    def __init__(self, rate: _Optional[float] = ...) -> None: ...

class GaussianNoise(_message.Message):
    __slots__ = ("stddev",)
    STDDEV_FIELD_NUMBER: _ClassVar[int]
    stddev: float
    def __init__(self, stddev: _Optional[float] = ...) -> None: ...

class AlphaDropout(_message.Message):
    __slots__ = ("rate",)
    RATE_FIELD_NUMBER: _ClassVar[int]
    rate: float
    def __init__(self, rate: _Optional[float] = ...) -> None: ...

class FeatureAlphaDropout(_message.Message):
    __slots__ = ("rate",)
    RATE_FIELD_NUMBER: _ClassVar[int]
    rate: float
    def __init__(self, rate: _Optional[float] = ...) -> None: ...

class ActivityRegularization(_message.Message):
    __slots__ = ("l1", "l2")
    L1_FIELD_NUMBER: _ClassVar[int]
    L2_FIELD_NUMBER: _ClassVar[int]
    l1: float
    l2: float
    def __init__(self, l1: _Optional[float] = ..., l2: _Optional[float] = ...) -> None: ...

class Masking(_message.Message):
    __slots__ = ("mask_value", "return_mask")
    MASK_VALUE_FIELD_NUMBER: _ClassVar[int]
    RETURN_MASK_FIELD_NUMBER: _ClassVar[int]
    mask_value: float
    return_mask: bool
    def __init__(self, mask_value: _Optional[float] = ..., return_mask: bool = ...) -> None: ...

class Cast(_message.Message):
    __slots__ = ("dtype",)
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    dtype: _tensor_pb2.DataType
    def __init__(self, dtype: _Optional[_Union[_tensor_pb2.DataType, str]] = ...) -> None: ...

class Parameter(_message.Message):
    __slots__ = ("shape", "trainable", "dtype")
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    TRAINABLE_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    shape: _tensor_pb2.Shape
    trainable: bool
    dtype: _tensor_pb2.DataType
    def __init__(self, shape: _Optional[_Union[_tensor_pb2.Shape, _Mapping]] = ..., trainable: bool = ..., dtype: _Optional[_Union[_tensor_pb2.DataType, str]] = ...) -> None: ...

class Constant(_message.Message):
    __slots__ = ("values", "shape", "dtype")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    shape: _tensor_pb2.Shape
    dtype: _tensor_pb2.DataType
    def __init__(self, values: _Optional[_Iterable[float]] = ..., shape: _Optional[_Union[_tensor_pb2.Shape, _Mapping]] = ..., dtype: _Optional[_Union[_tensor_pb2.DataType, str]] = ...) -> None: ...

class Discretization(_message.Message):
    __slots__ = ("bin_boundaries", "output_mode")
    BIN_BOUNDARIES_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_MODE_FIELD_NUMBER: _ClassVar[int]
    bin_boundaries: _containers.RepeatedScalarFieldContainer[float]
    output_mode: DiscretizationMode
    def __init__(self, bin_boundaries: _Optional[_Iterable[float]] = ..., output_mode: _Optional[_Union[DiscretizationMode, str]] = ...) -> None: ...
