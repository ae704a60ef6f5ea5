from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

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
