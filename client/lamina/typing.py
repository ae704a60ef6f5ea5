"""Names for what the SDK takes. Import them to annotate your own code: `from lamina.typing import WeightsLike`.

A tuple's length is part of its type, so that a type checker refuses `Conv2D(8, (3, 3, 3))` before anything runs.
Nothing here imports numpy at run time: what speaks of arrays is a forward reference, hence Union and not `|`.
"""
# ruff: noqa: UP007

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, Union

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from lamina.dims import Dim
    from lamina.stack import Layer, Stack
    from lamina.v1.recurrent_pb2 import RecurrentCell

DTypeName = Literal[
    "float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
    "uint64", "bool",
]  # fmt: skip
Role = Literal["", "batch", "steps", "depth", "height", "width", "channels", "features"]
Severity = Literal["", "info", "warning"]

# A numpy array of any shape and type.
Array: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[Any]]"

# Where the channel axis stands.
LayoutLike = Literal["channels_last", "channels_first"]

# Elements before and after, along one axis.
Pair: TypeAlias = tuple[int, int]

# `padding=`: a rule, a number for both ends of every axis or of each, or a pair for each spatial axis. Convolutions of
# rank 1 know "causal" too.
PaddingName = Literal["valid", "same", "same_lower"]
Padding1D: TypeAlias = Literal["valid", "same", "same_lower", "causal"] | int | tuple[int] | tuple[Pair]
Padding2D: TypeAlias = PaddingName | int | tuple[int, int] | tuple[Pair, Pair]
Padding3D: TypeAlias = PaddingName | int | tuple[int, int, int] | tuple[Pair, Pair, Pair]
PoolPadding1D: TypeAlias = PaddingName | int | tuple[int] | tuple[Pair]

# Elements at the ends of each spatial axis: one number for all, one for each axis, or a pair for each axis.
Pads1D: TypeAlias = int | Pair | tuple[Pair]
Pads2D: TypeAlias = int | tuple[int, int] | tuple[Pair, Pair]
Pads3D: TypeAlias = int | tuple[int, int, int] | tuple[Pair, Pair, Pair]
PadsND: TypeAlias = int | tuple[int, ...] | tuple[Pair, ...]

# Window lengths, strides and dilations: one for all spatial axes, or one for each.
Size1D: TypeAlias = int | tuple[int]
Size2D: TypeAlias = int | tuple[int, int]
Size3D: TypeAlias = int | tuple[int, int, int]

# One whole number, or several.
SizeND: TypeAlias = int | tuple[int, ...]

# Axes by number, counting the batch axis: one, or several.
AxesLike: TypeAlias = int | tuple[int, ...]

# Constants beside a tensor: one number, one for each place along the last axis, or an array of any shape.
ConstantLike: TypeAlias = Union[float, Sequence[float], Sequence[Sequence[float]], "Array"]

# Which axes meet where one tensor has fewer.
BroadcastingLike = Literal["keras", "numpy"]

# A numpy data type or its name.
DTypeLike: TypeAlias = Union[DTypeName, "np.dtype[np.generic]", "type[np.generic]"]

# What becomes of the outputs of two directions; None: nothing, they are two outputs.
MergeModeLike = Literal["sum", "mul", "concat", "ave", "none"] | None

# Cells of an RNN: one, or several one above the other.
CellsLike: TypeAlias = Union["RecurrentCell", Sequence["RecurrentCell"]]

# One size of a shape: a number, a symbol, or None for any size.
SizeLike: TypeAlias = Union[int, str, "Dim", None]
ShapeLike: TypeAlias = Union[tuple[SizeLike, ...], list[SizeLike], list[int]]

# Numbers, in the order in which they lie.
NumbersLike: TypeAlias = Union[Sequence[float], "np.ndarray[tuple[int], np.dtype[Any]]"]

# Where a layer takes its inputs from: names, "name:output", or layers that have names.
InputsLike: TypeAlias = Union[str, "Layer", Sequence[Union[str, "Layer"]]]

# What a Block holds: a stack, or the name of one of the blocks of the stack it stands in.
BlockLike: TypeAlias = Union["Stack", str]

# Weights by name, nested as deep as the layers are, or flat: {"conv1d": {"kernel": array}} or {"conv1d/kernel": array}.
WeightsLike: TypeAlias = Mapping[str, Union["ArrayLike", "WeightsLike"]]

# What a call runs: a stack, or the name or id of a registered one.
SourceLike: TypeAlias = Union["Stack", str]

# What a call feeds: one array, arrays in the order of the Inputs, or arrays by the Inputs' names.
ArraysLike: TypeAlias = Union["ArrayLike", Sequence["ArrayLike"], Mapping[str, "ArrayLike"]]

# Shapes of the caller's arrays: shapes or arrays, in the order of the Inputs or by their names.
ArrayShapeLike: TypeAlias = Union[tuple[int, ...], "np.ndarray[tuple[int, ...], np.dtype[np.generic]]"]
ShapesLike: TypeAlias = Union[Sequence[ArrayShapeLike], Mapping[str, ArrayShapeLike], ArrayShapeLike]
