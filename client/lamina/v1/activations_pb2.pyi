from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ActivationFunction(_message.Message):
    __slots__ = ("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "hard_sigmoid", "tanh", "softplus", "silu", "softmax", "celu", "hard_swish", "hard_tanh", "softsign", "log_softmax", "softmin", "log_sigmoid", "mish", "exponential", "hard_shrink", "soft_shrink", "tanh_shrink", "threshold", "squareplus", "sparse_plus", "sparse_sigmoid", "sparsemax", "rrelu")
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
    CELU_FIELD_NUMBER: _ClassVar[int]
    HARD_SWISH_FIELD_NUMBER: _ClassVar[int]
    HARD_TANH_FIELD_NUMBER: _ClassVar[int]
    SOFTSIGN_FIELD_NUMBER: _ClassVar[int]
    LOG_SOFTMAX_FIELD_NUMBER: _ClassVar[int]
    SOFTMIN_FIELD_NUMBER: _ClassVar[int]
    LOG_SIGMOID_FIELD_NUMBER: _ClassVar[int]
    MISH_FIELD_NUMBER: _ClassVar[int]
    EXPONENTIAL_FIELD_NUMBER: _ClassVar[int]
    HARD_SHRINK_FIELD_NUMBER: _ClassVar[int]
    SOFT_SHRINK_FIELD_NUMBER: _ClassVar[int]
    TANH_SHRINK_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    SQUAREPLUS_FIELD_NUMBER: _ClassVar[int]
    SPARSE_PLUS_FIELD_NUMBER: _ClassVar[int]
    SPARSE_SIGMOID_FIELD_NUMBER: _ClassVar[int]
    SPARSEMAX_FIELD_NUMBER: _ClassVar[int]
    RRELU_FIELD_NUMBER: _ClassVar[int]
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
    celu: Celu
    hard_swish: HardSwish
    hard_tanh: HardTanh
    softsign: Softsign
    log_softmax: LogSoftmax
    softmin: Softmin
    log_sigmoid: LogSigmoid
    mish: Mish
    exponential: Exponential
    hard_shrink: HardShrink
    soft_shrink: SoftShrink
    tanh_shrink: TanhShrink
    threshold: Threshold
    squareplus: Squareplus
    sparse_plus: SparsePlus
    sparse_sigmoid: SparseSigmoid
    sparsemax: Sparsemax
    rrelu: RRelu
    def __init__(self, linear: _Optional[_Union[Linear, _Mapping]] = ..., relu: _Optional[_Union[Relu, _Mapping]] = ..., relu6: _Optional[_Union[Relu6, _Mapping]] = ..., leaky_relu: _Optional[_Union[LeakyRelu, _Mapping]] = ..., elu: _Optional[_Union[Elu, _Mapping]] = ..., selu: _Optional[_Union[Selu, _Mapping]] = ..., gelu: _Optional[_Union[Gelu, _Mapping]] = ..., sigmoid: _Optional[_Union[Sigmoid, _Mapping]] = ..., hard_sigmoid: _Optional[_Union[HardSigmoid, _Mapping]] = ..., tanh: _Optional[_Union[Tanh, _Mapping]] = ..., softplus: _Optional[_Union[Softplus, _Mapping]] = ..., silu: _Optional[_Union[Silu, _Mapping]] = ..., softmax: _Optional[_Union[Softmax, _Mapping]] = ..., celu: _Optional[_Union[Celu, _Mapping]] = ..., hard_swish: _Optional[_Union[HardSwish, _Mapping]] = ..., hard_tanh: _Optional[_Union[HardTanh, _Mapping]] = ..., softsign: _Optional[_Union[Softsign, _Mapping]] = ..., log_softmax: _Optional[_Union[LogSoftmax, _Mapping]] = ..., softmin: _Optional[_Union[Softmin, _Mapping]] = ..., log_sigmoid: _Optional[_Union[LogSigmoid, _Mapping]] = ..., mish: _Optional[_Union[Mish, _Mapping]] = ..., exponential: _Optional[_Union[Exponential, _Mapping]] = ..., hard_shrink: _Optional[_Union[HardShrink, _Mapping]] = ..., soft_shrink: _Optional[_Union[SoftShrink, _Mapping]] = ..., tanh_shrink: _Optional[_Union[TanhShrink, _Mapping]] = ..., threshold: _Optional[_Union[Threshold, _Mapping]] = ..., squareplus: _Optional[_Union[Squareplus, _Mapping]] = ..., sparse_plus: _Optional[_Union[SparsePlus, _Mapping]] = ..., sparse_sigmoid: _Optional[_Union[SparseSigmoid, _Mapping]] = ..., sparsemax: _Optional[_Union[Sparsemax, _Mapping]] = ..., rrelu: _Optional[_Union[RRelu, _Mapping]] = ...) -> None: ...

class Linear(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Relu(_message.Message):
    __slots__ = ("max_value", "negative_slope", "threshold")
    MAX_VALUE_FIELD_NUMBER: _ClassVar[int]
    NEGATIVE_SLOPE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    max_value: float
    negative_slope: float
    threshold: float
    def __init__(self, max_value: _Optional[float] = ..., negative_slope: _Optional[float] = ..., threshold: _Optional[float] = ...) -> None: ...

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
    __slots__ = ("beta", "threshold")
    BETA_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    beta: float
    threshold: float
    def __init__(self, beta: _Optional[float] = ..., threshold: _Optional[float] = ...) -> None: ...

class Silu(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Softmax(_message.Message):
    __slots__ = ("axis", "axes")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    AXES_FIELD_NUMBER: _ClassVar[int]
    axis: int
    axes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, axis: _Optional[int] = ..., axes: _Optional[_Iterable[int]] = ...) -> None: ...

class Celu(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    def __init__(self, alpha: _Optional[float] = ...) -> None: ...

class HardSwish(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HardTanh(_message.Message):
    __slots__ = ("min_val", "max_val")
    MIN_VAL_FIELD_NUMBER: _ClassVar[int]
    MAX_VAL_FIELD_NUMBER: _ClassVar[int]
    min_val: float
    max_val: float
    def __init__(self, min_val: _Optional[float] = ..., max_val: _Optional[float] = ...) -> None: ...

class Softsign(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LogSoftmax(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    def __init__(self, axis: _Optional[int] = ...) -> None: ...

class Softmin(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    def __init__(self, axis: _Optional[int] = ...) -> None: ...

class LogSigmoid(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Mish(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Exponential(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HardShrink(_message.Message):
    __slots__ = ("threshold",)
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    threshold: float
    def __init__(self, threshold: _Optional[float] = ...) -> None: ...

class SoftShrink(_message.Message):
    __slots__ = ("threshold",)
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    threshold: float
    def __init__(self, threshold: _Optional[float] = ...) -> None: ...

class TanhShrink(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Threshold(_message.Message):
    __slots__ = ("threshold", "default_value")
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VALUE_FIELD_NUMBER: _ClassVar[int]
    threshold: float
    default_value: float
    def __init__(self, threshold: _Optional[float] = ..., default_value: _Optional[float] = ...) -> None: ...

class Squareplus(_message.Message):
    __slots__ = ("b",)
    B_FIELD_NUMBER: _ClassVar[int]
    b: float
    def __init__(self, b: _Optional[float] = ...) -> None: ...

class SparsePlus(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SparseSigmoid(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Sparsemax(_message.Message):
    __slots__ = ("axis", "as_keras")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    AS_KERAS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    as_keras: bool
    def __init__(self, axis: _Optional[int] = ..., as_keras: bool = ...) -> None: ...

class RRelu(_message.Message):
    __slots__ = ("lower", "upper")
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    lower: float
    upper: float
    def __init__(self, lower: _Optional[float] = ..., upper: _Optional[float] = ...) -> None: ...

class PReLU(_message.Message):
    __slots__ = ("shared_axes",)
    SHARED_AXES_FIELD_NUMBER: _ClassVar[int]
    shared_axes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, shared_axes: _Optional[_Iterable[int]] = ...) -> None: ...

class GLU(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    def __init__(self, axis: _Optional[int] = ...) -> None: ...
