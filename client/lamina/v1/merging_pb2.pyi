from lamina.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Broadcasting(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BROADCASTING_UNSPECIFIED: _ClassVar[Broadcasting]
    BROADCASTING_KERAS: _ClassVar[Broadcasting]
    BROADCASTING_NUMPY: _ClassVar[Broadcasting]

class Reduction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REDUCTION_UNSPECIFIED: _ClassVar[Reduction]
    REDUCTION_MEAN: _ClassVar[Reduction]
    REDUCTION_SUM: _ClassVar[Reduction]
    REDUCTION_MAX: _ClassVar[Reduction]
    REDUCTION_MIN: _ClassVar[Reduction]
    REDUCTION_PROD: _ClassVar[Reduction]
    REDUCTION_L1_NORM: _ClassVar[Reduction]
    REDUCTION_L2_NORM: _ClassVar[Reduction]
    REDUCTION_LOG_SUM_EXP: _ClassVar[Reduction]

class Spread(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SPREAD_UNSPECIFIED: _ClassVar[Spread]
    SPREAD_VARIANCE: _ClassVar[Spread]
    SPREAD_STANDARD_DEVIATION: _ClassVar[Spread]

class ElementwiseOperation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ELEMENTWISE_OPERATION_UNSPECIFIED: _ClassVar[ElementwiseOperation]
    ELEMENTWISE_OPERATION_ABS: _ClassVar[ElementwiseOperation]
    ELEMENTWISE_OPERATION_NEGATIVE: _ClassVar[ElementwiseOperation]
    ELEMENTWISE_OPERATION_SIGN: _ClassVar[ElementwiseOperation]
    ELEMENTWISE_OPERATION_SQUARE: _ClassVar[ElementwiseOperation]
    ELEMENTWISE_OPERATION_SQRT: _ClassVar[ElementwiseOperation]
    ELEMENTWISE_OPERATION_RSQRT: _ClassVar[ElementwiseOperation]
    ELEMENTWISE_OPERATION_RECIPROCAL: _ClassVar[ElementwiseOperation]
    ELEMENTWISE_OPERATION_EXP: _ClassVar[ElementwiseOperation]
    ELEMENTWISE_OPERATION_LOG: _ClassVar[ElementwiseOperation]
    ELEMENTWISE_OPERATION_SIN: _ClassVar[ElementwiseOperation]
    ELEMENTWISE_OPERATION_COS: _ClassVar[ElementwiseOperation]
    ELEMENTWISE_OPERATION_TAN: _ClassVar[ElementwiseOperation]
    ELEMENTWISE_OPERATION_FLOOR: _ClassVar[ElementwiseOperation]
    ELEMENTWISE_OPERATION_CEIL: _ClassVar[ElementwiseOperation]
    ELEMENTWISE_OPERATION_ROUND: _ClassVar[ElementwiseOperation]
    ELEMENTWISE_OPERATION_ERF: _ClassVar[ElementwiseOperation]

class Comparison(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMPARISON_UNSPECIFIED: _ClassVar[Comparison]
    COMPARISON_EQUAL: _ClassVar[Comparison]
    COMPARISON_NOT_EQUAL: _ClassVar[Comparison]
    COMPARISON_GREATER: _ClassVar[Comparison]
    COMPARISON_GREATER_EQUAL: _ClassVar[Comparison]
    COMPARISON_LESS: _ClassVar[Comparison]
    COMPARISON_LESS_EQUAL: _ClassVar[Comparison]

class LogicalOperation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOGICAL_OPERATION_UNSPECIFIED: _ClassVar[LogicalOperation]
    LOGICAL_OPERATION_LOGICAL_AND: _ClassVar[LogicalOperation]
    LOGICAL_OPERATION_LOGICAL_OR: _ClassVar[LogicalOperation]
    LOGICAL_OPERATION_LOGICAL_XOR: _ClassVar[LogicalOperation]
    LOGICAL_OPERATION_LOGICAL_NOT: _ClassVar[LogicalOperation]
BROADCASTING_UNSPECIFIED: Broadcasting
BROADCASTING_KERAS: Broadcasting
BROADCASTING_NUMPY: Broadcasting
REDUCTION_UNSPECIFIED: Reduction
REDUCTION_MEAN: Reduction
REDUCTION_SUM: Reduction
REDUCTION_MAX: Reduction
REDUCTION_MIN: Reduction
REDUCTION_PROD: Reduction
REDUCTION_L1_NORM: Reduction
REDUCTION_L2_NORM: Reduction
REDUCTION_LOG_SUM_EXP: Reduction
SPREAD_UNSPECIFIED: Spread
SPREAD_VARIANCE: Spread
SPREAD_STANDARD_DEVIATION: Spread
ELEMENTWISE_OPERATION_UNSPECIFIED: ElementwiseOperation
ELEMENTWISE_OPERATION_ABS: ElementwiseOperation
ELEMENTWISE_OPERATION_NEGATIVE: ElementwiseOperation
ELEMENTWISE_OPERATION_SIGN: ElementwiseOperation
ELEMENTWISE_OPERATION_SQUARE: ElementwiseOperation
ELEMENTWISE_OPERATION_SQRT: ElementwiseOperation
ELEMENTWISE_OPERATION_RSQRT: ElementwiseOperation
ELEMENTWISE_OPERATION_RECIPROCAL: ElementwiseOperation
ELEMENTWISE_OPERATION_EXP: ElementwiseOperation
ELEMENTWISE_OPERATION_LOG: ElementwiseOperation
ELEMENTWISE_OPERATION_SIN: ElementwiseOperation
ELEMENTWISE_OPERATION_COS: ElementwiseOperation
ELEMENTWISE_OPERATION_TAN: ElementwiseOperation
ELEMENTWISE_OPERATION_FLOOR: ElementwiseOperation
ELEMENTWISE_OPERATION_CEIL: ElementwiseOperation
ELEMENTWISE_OPERATION_ROUND: ElementwiseOperation
ELEMENTWISE_OPERATION_ERF: ElementwiseOperation
COMPARISON_UNSPECIFIED: Comparison
COMPARISON_EQUAL: Comparison
COMPARISON_NOT_EQUAL: Comparison
COMPARISON_GREATER: Comparison
COMPARISON_GREATER_EQUAL: Comparison
COMPARISON_LESS: Comparison
COMPARISON_LESS_EQUAL: Comparison
LOGICAL_OPERATION_UNSPECIFIED: LogicalOperation
LOGICAL_OPERATION_LOGICAL_AND: LogicalOperation
LOGICAL_OPERATION_LOGICAL_OR: LogicalOperation
LOGICAL_OPERATION_LOGICAL_XOR: LogicalOperation
LOGICAL_OPERATION_LOGICAL_NOT: LogicalOperation

class ConstantTensor(_message.Message):
    __slots__ = ("values", "shape")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, values: _Optional[_Iterable[float]] = ..., shape: _Optional[_Iterable[int]] = ...) -> None: ...

class Add(_message.Message):
    __slots__ = ("constant", "broadcasting")
    CONSTANT_FIELD_NUMBER: _ClassVar[int]
    BROADCASTING_FIELD_NUMBER: _ClassVar[int]
    constant: ConstantTensor
    broadcasting: Broadcasting
    def __init__(self, constant: _Optional[_Union[ConstantTensor, _Mapping]] = ..., broadcasting: _Optional[_Union[Broadcasting, str]] = ...) -> None: ...

class Concatenate(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    def __init__(self, axis: _Optional[int] = ...) -> None: ...

class Subtract(_message.Message):
    __slots__ = ("constant", "constant_first", "broadcasting")
    CONSTANT_FIELD_NUMBER: _ClassVar[int]
    CONSTANT_FIRST_FIELD_NUMBER: _ClassVar[int]
    BROADCASTING_FIELD_NUMBER: _ClassVar[int]
    constant: ConstantTensor
    constant_first: bool
    broadcasting: Broadcasting
    def __init__(self, constant: _Optional[_Union[ConstantTensor, _Mapping]] = ..., constant_first: bool = ..., broadcasting: _Optional[_Union[Broadcasting, str]] = ...) -> None: ...

class Multiply(_message.Message):
    __slots__ = ("constant", "broadcasting")
    CONSTANT_FIELD_NUMBER: _ClassVar[int]
    BROADCASTING_FIELD_NUMBER: _ClassVar[int]
    constant: ConstantTensor
    broadcasting: Broadcasting
    def __init__(self, constant: _Optional[_Union[ConstantTensor, _Mapping]] = ..., broadcasting: _Optional[_Union[Broadcasting, str]] = ...) -> None: ...

class Divide(_message.Message):
    __slots__ = ("constant", "constant_first", "broadcasting")
    CONSTANT_FIELD_NUMBER: _ClassVar[int]
    CONSTANT_FIRST_FIELD_NUMBER: _ClassVar[int]
    BROADCASTING_FIELD_NUMBER: _ClassVar[int]
    constant: ConstantTensor
    constant_first: bool
    broadcasting: Broadcasting
    def __init__(self, constant: _Optional[_Union[ConstantTensor, _Mapping]] = ..., constant_first: bool = ..., broadcasting: _Optional[_Union[Broadcasting, str]] = ...) -> None: ...

class Power(_message.Message):
    __slots__ = ("constant", "constant_first", "broadcasting")
    CONSTANT_FIELD_NUMBER: _ClassVar[int]
    CONSTANT_FIRST_FIELD_NUMBER: _ClassVar[int]
    BROADCASTING_FIELD_NUMBER: _ClassVar[int]
    constant: ConstantTensor
    constant_first: bool
    broadcasting: Broadcasting
    def __init__(self, constant: _Optional[_Union[ConstantTensor, _Mapping]] = ..., constant_first: bool = ..., broadcasting: _Optional[_Union[Broadcasting, str]] = ...) -> None: ...

class Average(_message.Message):
    __slots__ = ("broadcasting",)
    BROADCASTING_FIELD_NUMBER: _ClassVar[int]
    broadcasting: Broadcasting
    def __init__(self, broadcasting: _Optional[_Union[Broadcasting, str]] = ...) -> None: ...

class Maximum(_message.Message):
    __slots__ = ("constant", "broadcasting")
    CONSTANT_FIELD_NUMBER: _ClassVar[int]
    BROADCASTING_FIELD_NUMBER: _ClassVar[int]
    constant: ConstantTensor
    broadcasting: Broadcasting
    def __init__(self, constant: _Optional[_Union[ConstantTensor, _Mapping]] = ..., broadcasting: _Optional[_Union[Broadcasting, str]] = ...) -> None: ...

class Minimum(_message.Message):
    __slots__ = ("constant", "broadcasting")
    CONSTANT_FIELD_NUMBER: _ClassVar[int]
    BROADCASTING_FIELD_NUMBER: _ClassVar[int]
    constant: ConstantTensor
    broadcasting: Broadcasting
    def __init__(self, constant: _Optional[_Union[ConstantTensor, _Mapping]] = ..., broadcasting: _Optional[_Union[Broadcasting, str]] = ...) -> None: ...

class StackTensors(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    def __init__(self, axis: _Optional[int] = ...) -> None: ...

class Dot(_message.Message):
    __slots__ = ("axes", "normalize")
    AXES_FIELD_NUMBER: _ClassVar[int]
    NORMALIZE_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedScalarFieldContainer[int]
    normalize: bool
    def __init__(self, axes: _Optional[_Iterable[int]] = ..., normalize: bool = ...) -> None: ...

class MatMul(_message.Message):
    __slots__ = ("transpose_a", "transpose_b")
    TRANSPOSE_A_FIELD_NUMBER: _ClassVar[int]
    TRANSPOSE_B_FIELD_NUMBER: _ClassVar[int]
    transpose_a: bool
    transpose_b: bool
    def __init__(self, transpose_a: bool = ..., transpose_b: bool = ...) -> None: ...

class Einsum(_message.Message):
    __slots__ = ("equation",)
    EQUATION_FIELD_NUMBER: _ClassVar[int]
    equation: str
    def __init__(self, equation: _Optional[str] = ...) -> None: ...

class CosineSimilarity(_message.Message):
    __slots__ = ("axis", "epsilon")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    axis: int
    epsilon: float
    def __init__(self, axis: _Optional[int] = ..., epsilon: _Optional[float] = ...) -> None: ...

class PairwiseDistance(_message.Message):
    __slots__ = ("p", "epsilon", "keepdims")
    P_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    p: float
    epsilon: float
    keepdims: bool
    def __init__(self, p: _Optional[float] = ..., epsilon: _Optional[float] = ..., keepdims: bool = ...) -> None: ...

class Reduce(_message.Message):
    __slots__ = ("operation", "axis", "keepdims")
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    operation: Reduction
    axis: _containers.RepeatedScalarFieldContainer[int]
    keepdims: bool
    def __init__(self, operation: _Optional[_Union[Reduction, str]] = ..., axis: _Optional[_Iterable[int]] = ..., keepdims: bool = ...) -> None: ...

class Variance(_message.Message):
    __slots__ = ("operation", "axis", "keepdims", "correction")
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    CORRECTION_FIELD_NUMBER: _ClassVar[int]
    operation: Spread
    axis: _containers.RepeatedScalarFieldContainer[int]
    keepdims: bool
    correction: int
    def __init__(self, operation: _Optional[_Union[Spread, str]] = ..., axis: _Optional[_Iterable[int]] = ..., keepdims: bool = ..., correction: _Optional[int] = ...) -> None: ...

class ArgMax(_message.Message):
    __slots__ = ("axis", "keepdims")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    keepdims: bool
    def __init__(self, axis: _Optional[int] = ..., keepdims: bool = ...) -> None: ...

class ArgMin(_message.Message):
    __slots__ = ("axis", "keepdims")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    keepdims: bool
    def __init__(self, axis: _Optional[int] = ..., keepdims: bool = ...) -> None: ...

class TopK(_message.Message):
    __slots__ = ("k", "axis", "largest")
    K_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    LARGEST_FIELD_NUMBER: _ClassVar[int]
    k: int
    axis: int
    largest: bool
    def __init__(self, k: _Optional[int] = ..., axis: _Optional[int] = ..., largest: bool = ...) -> None: ...

class Sort(_message.Message):
    __slots__ = ("axis", "descending")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    DESCENDING_FIELD_NUMBER: _ClassVar[int]
    axis: int
    descending: bool
    def __init__(self, axis: _Optional[int] = ..., descending: bool = ...) -> None: ...

class CumSum(_message.Message):
    __slots__ = ("axis", "exclusive", "reverse")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_FIELD_NUMBER: _ClassVar[int]
    REVERSE_FIELD_NUMBER: _ClassVar[int]
    axis: int
    exclusive: bool
    reverse: bool
    def __init__(self, axis: _Optional[int] = ..., exclusive: bool = ..., reverse: bool = ...) -> None: ...

class Normalize(_message.Message):
    __slots__ = ("axis", "p", "epsilon")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    P_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    axis: int
    p: float
    epsilon: float
    def __init__(self, axis: _Optional[int] = ..., p: _Optional[float] = ..., epsilon: _Optional[float] = ...) -> None: ...

class Elementwise(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: ElementwiseOperation
    def __init__(self, operation: _Optional[_Union[ElementwiseOperation, str]] = ...) -> None: ...

class Clip(_message.Message):
    __slots__ = ("min", "max")
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    min: float
    max: float
    def __init__(self, min: _Optional[float] = ..., max: _Optional[float] = ...) -> None: ...

class Compare(_message.Message):
    __slots__ = ("operation", "constant", "broadcasting")
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    CONSTANT_FIELD_NUMBER: _ClassVar[int]
    BROADCASTING_FIELD_NUMBER: _ClassVar[int]
    operation: Comparison
    constant: ConstantTensor
    broadcasting: Broadcasting
    def __init__(self, operation: _Optional[_Union[Comparison, str]] = ..., constant: _Optional[_Union[ConstantTensor, _Mapping]] = ..., broadcasting: _Optional[_Union[Broadcasting, str]] = ...) -> None: ...

class Logical(_message.Message):
    __slots__ = ("operation", "broadcasting")
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    BROADCASTING_FIELD_NUMBER: _ClassVar[int]
    operation: LogicalOperation
    broadcasting: Broadcasting
    def __init__(self, operation: _Optional[_Union[LogicalOperation, str]] = ..., broadcasting: _Optional[_Union[Broadcasting, str]] = ...) -> None: ...

class Where(_message.Message):
    __slots__ = ("x1", "x2", "dtype", "broadcasting")
    X1_FIELD_NUMBER: _ClassVar[int]
    X2_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    BROADCASTING_FIELD_NUMBER: _ClassVar[int]
    x1: float
    x2: float
    dtype: _tensor_pb2.DataType
    broadcasting: Broadcasting
    def __init__(self, x1: _Optional[float] = ..., x2: _Optional[float] = ..., dtype: _Optional[_Union[_tensor_pb2.DataType, str]] = ..., broadcasting: _Optional[_Union[Broadcasting, str]] = ...) -> None: ...
