"""What flows between layers: tensors as the trace sees them, axis by axis."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple

import ml_dtypes  # noqa: F401 - teaches numpy bfloat16
import numpy as np

from lamina_server.dims import Dim, Size, exact_div, product, symbol


class Role(StrEnum):
    """What an axis means."""

    NONE = "unspecified"
    BATCH = "batch"
    STEPS = "steps"
    DEPTH = "depth"
    HEIGHT = "height"
    WIDTH = "width"
    CHANNELS = "channels"
    FEATURES = "features"


class Layout(StrEnum):
    """Where the channel axis stands."""

    CHANNELS_LAST = "channels_last"
    CHANNELS_FIRST = "channels_first"


class DType(StrEnum):
    """Element types, by their numpy names."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"
    BOOL = "bool"

    @property
    def nbytes(self) -> int:
        """Bytes per element."""
        return _NBYTES[self]

    @property
    def numpy(self) -> "np.dtype[Any]":
        """The type in numpy."""
        return np.dtype(self.value)


_NBYTES = {dtype: int("".join(filter(str.isdigit, dtype.value)) or 8) // 8 for dtype in DType}

# What kinds take.
FLOATS = frozenset({DType.FLOAT32, DType.FLOAT64, DType.FLOAT16, DType.BFLOAT16})
INTEGERS = frozenset(dtype for dtype in DType if "int" in dtype)
BOOLS = frozenset({DType.BOOL})
NUMBERS = FLOATS | INTEGERS
ANY = frozenset(DType)

BATCH = symbol("batch")  # the size of every batch axis

SPATIAL: dict[int, tuple[Role, ...]] = {
    1: (Role.STEPS,),
    2: (Role.HEIGHT, Role.WIDTH),
    3: (Role.DEPTH, Role.HEIGHT, Role.WIDTH),
}

SPATIAL_ROLES = frozenset(role for roles in SPATIAL.values() for role in roles)


class Axis(NamedTuple):
    """One axis: what it means and how long it is."""

    role: Role
    size: Size


class Spec(NamedTuple):
    """A traced tensor: its axes, the batch axis first, and its element type."""

    axes: tuple[Axis, ...]
    dtype: DType = DType.FLOAT32

    @property
    def shape(self) -> tuple[Size, ...]:
        """Sizes, the batch included."""
        return tuple(axis.size for axis in self.axes)

    @property
    def rank(self) -> int:
        """Number of axes, the batch included."""
        return len(self.axes)

    @property
    def elements(self) -> Size:
        """Elements of one entry of the batch axis."""
        return product(axis.size for axis in self.axes[1:])

    @property
    def folded(self) -> Size:
        """How many entries of the batch axis belong to one sample: more than 1 where steps are folded into it."""
        first = self.axes[0].size
        return 1 if first is BATCH or first == BATCH else exact_div(first, BATCH) or 1

    def resized(self, index: int, size: Size, role: Role | None = None) -> "Spec":
        """The same tensor with one axis of another size."""
        axis = Axis(role or self.axes[index].role, size)
        return Spec((*self.axes[:index], axis, *self.axes[index + 1 :]), self.dtype)

    def __str__(self) -> str:
        return ", ".join(map(axis_text, self.axes))


def axis_text(axis: Axis) -> str:
    """An axis as answers write it: `batch`, `119 steps`, `100`."""
    if axis.role is Role.BATCH:
        folds = isinstance(axis.size, Dim)  # "batch", or what is folded into it: "T * batch"
        return str(axis.size) if folds else f"batch {axis.size}"
    return str(axis.size) if axis.role in (Role.NONE, Role.FEATURES) else counted(axis.size, axis.role)


def counted(size: Size, role: Role) -> str:
    """`1 step`, `2 steps`, `28 rows`-like counts; height, width and depth are measures, not things."""
    if role in (Role.HEIGHT, Role.WIDTH, Role.DEPTH, Role.NONE):
        return f"{role.value} {size}" if role is not Role.NONE else str(size)
    return f"{size} {role.value[:-1] if size == 1 else role.value}"


def usual_roles(rank: int, layout: Layout) -> tuple[Role, ...]:
    """What the axes of an input of this rank, the batch included, mean by convention."""
    if rank == 2:
        return (Role.BATCH, Role.FEATURES)
    if rank - 2 in SPATIAL:
        return spatial_roles(rank - 2, layout)
    return (Role.BATCH,) + (Role.NONE,) * (rank - 1)


def spatial_roles(rank: int, layout: Layout) -> tuple[Role, ...]:
    """Axes that a layer with so many spatial axes takes."""
    spatial = SPATIAL[rank]
    if layout is Layout.CHANNELS_FIRST:
        return (Role.BATCH, Role.CHANNELS, *spatial)
    return (Role.BATCH, *spatial, Role.CHANNELS)


def channel_axis(rank: int, layout: Layout) -> int:
    """Index of the channel axis of a tensor of this rank, the batch included."""
    return 1 if layout is Layout.CHANNELS_FIRST else rank - 1


def spatial_axes(rank: int, layout: Layout) -> range:
    """Indices of so many spatial axes, the batch included."""
    first = 2 if layout is Layout.CHANNELS_FIRST else 1
    return range(first, first + rank)


def names(roles: Iterable[Role]) -> str:
    """Roles as a list in words: `batch, steps, channels`."""
    return ", ".join(role.value if role is not Role.NONE else "any" for role in roles)
