from lamina.v1 import options_pb2 as _options_pb2
from lamina.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PadMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAD_MODE_UNSPECIFIED: _ClassVar[PadMode]
    PAD_MODE_CONSTANT: _ClassVar[PadMode]
    PAD_MODE_REFLECT: _ClassVar[PadMode]
    PAD_MODE_REPLICATE: _ClassVar[PadMode]
    PAD_MODE_CIRCULAR: _ClassVar[PadMode]

class Interpolation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INTERPOLATION_UNSPECIFIED: _ClassVar[Interpolation]
    INTERPOLATION_NEAREST: _ClassVar[Interpolation]
    INTERPOLATION_BILINEAR: _ClassVar[Interpolation]
    INTERPOLATION_BICUBIC: _ClassVar[Interpolation]
    INTERPOLATION_LANCZOS3: _ClassVar[Interpolation]
    INTERPOLATION_LANCZOS5: _ClassVar[Interpolation]

class UpsampleMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UPSAMPLE_MODE_UNSPECIFIED: _ClassVar[UpsampleMode]
    UPSAMPLE_MODE_NEAREST: _ClassVar[UpsampleMode]
    UPSAMPLE_MODE_NEAREST_EXACT: _ClassVar[UpsampleMode]
    UPSAMPLE_MODE_LINEAR: _ClassVar[UpsampleMode]
    UPSAMPLE_MODE_BILINEAR: _ClassVar[UpsampleMode]
    UPSAMPLE_MODE_TRILINEAR: _ClassVar[UpsampleMode]
    UPSAMPLE_MODE_BICUBIC: _ClassVar[UpsampleMode]
    UPSAMPLE_MODE_AREA: _ClassVar[UpsampleMode]

class ShuffleOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHUFFLE_ORDER_UNSPECIFIED: _ClassVar[ShuffleOrder]
    SHUFFLE_ORDER_CRD: _ClassVar[ShuffleOrder]
    SHUFFLE_ORDER_DCR: _ClassVar[ShuffleOrder]
PAD_MODE_UNSPECIFIED: PadMode
PAD_MODE_CONSTANT: PadMode
PAD_MODE_REFLECT: PadMode
PAD_MODE_REPLICATE: PadMode
PAD_MODE_CIRCULAR: PadMode
INTERPOLATION_UNSPECIFIED: Interpolation
INTERPOLATION_NEAREST: Interpolation
INTERPOLATION_BILINEAR: Interpolation
INTERPOLATION_BICUBIC: Interpolation
INTERPOLATION_LANCZOS3: Interpolation
INTERPOLATION_LANCZOS5: Interpolation
UPSAMPLE_MODE_UNSPECIFIED: UpsampleMode
UPSAMPLE_MODE_NEAREST: UpsampleMode
UPSAMPLE_MODE_NEAREST_EXACT: UpsampleMode
UPSAMPLE_MODE_LINEAR: UpsampleMode
UPSAMPLE_MODE_BILINEAR: UpsampleMode
UPSAMPLE_MODE_TRILINEAR: UpsampleMode
UPSAMPLE_MODE_BICUBIC: UpsampleMode
UPSAMPLE_MODE_AREA: UpsampleMode
SHUFFLE_ORDER_UNSPECIFIED: ShuffleOrder
SHUFFLE_ORDER_CRD: ShuffleOrder
SHUFFLE_ORDER_DCR: ShuffleOrder

class Flatten(_message.Message):
    __slots__ = ("data_format", "start_axis", "end_axis")
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    START_AXIS_FIELD_NUMBER: _ClassVar[int]
    END_AXIS_FIELD_NUMBER: _ClassVar[int]
    data_format: _options_pb2.Layout
    start_axis: int
    end_axis: int
    def __init__(self, data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., start_axis: _Optional[int] = ..., end_axis: _Optional[int] = ...) -> None: ...

class Reshape(_message.Message):
    __slots__ = ("target_shape", "include_batch")
    TARGET_SHAPE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_BATCH_FIELD_NUMBER: _ClassVar[int]
    target_shape: _tensor_pb2.Shape
    include_batch: bool
    def __init__(self, target_shape: _Optional[_Union[_tensor_pb2.Shape, _Mapping]] = ..., include_batch: bool = ...) -> None: ...

class Permute(_message.Message):
    __slots__ = ("dims", "include_batch")
    DIMS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_BATCH_FIELD_NUMBER: _ClassVar[int]
    dims: _containers.RepeatedScalarFieldContainer[int]
    include_batch: bool
    def __init__(self, dims: _Optional[_Iterable[int]] = ..., include_batch: bool = ...) -> None: ...

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

class Cropping(_message.Message):
    __slots__ = ("cropping", "data_format")
    CROPPING_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    cropping: _containers.RepeatedCompositeFieldContainer[_options_pb2.PadPair]
    data_format: _options_pb2.Layout
    def __init__(self, cropping: _Optional[_Iterable[_Union[_options_pb2.PadPair, _Mapping]]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ...) -> None: ...

class Pad(_message.Message):
    __slots__ = ("padding", "mode", "value", "data_format", "axes")
    PADDING_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    AXES_FIELD_NUMBER: _ClassVar[int]
    padding: _containers.RepeatedCompositeFieldContainer[_options_pb2.PadPair]
    mode: PadMode
    value: float
    data_format: _options_pb2.Layout
    axes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, padding: _Optional[_Iterable[_Union[_options_pb2.PadPair, _Mapping]]] = ..., mode: _Optional[_Union[PadMode, str]] = ..., value: _Optional[float] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., axes: _Optional[_Iterable[int]] = ...) -> None: ...

class UpSampling(_message.Message):
    __slots__ = ("size", "data_format", "interpolation")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    INTERPOLATION_FIELD_NUMBER: _ClassVar[int]
    size: _containers.RepeatedScalarFieldContainer[int]
    data_format: _options_pb2.Layout
    interpolation: Interpolation
    def __init__(self, size: _Optional[_Iterable[int]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., interpolation: _Optional[_Union[Interpolation, str]] = ...) -> None: ...

class Upsample(_message.Message):
    __slots__ = ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor", "antialias", "data_format")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SCALE_FACTOR_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    ALIGN_CORNERS_FIELD_NUMBER: _ClassVar[int]
    RECOMPUTE_SCALE_FACTOR_FIELD_NUMBER: _ClassVar[int]
    ANTIALIAS_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    size: _containers.RepeatedScalarFieldContainer[int]
    scale_factor: _containers.RepeatedScalarFieldContainer[float]
    mode: UpsampleMode
    align_corners: bool
    recompute_scale_factor: bool
    antialias: bool
    data_format: _options_pb2.Layout
    def __init__(self, size: _Optional[_Iterable[int]] = ..., scale_factor: _Optional[_Iterable[float]] = ..., mode: _Optional[_Union[UpsampleMode, str]] = ..., align_corners: bool = ..., recompute_scale_factor: bool = ..., antialias: bool = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ...) -> None: ...

class Resizing(_message.Message):
    __slots__ = ("height", "width", "interpolation", "crop_to_aspect_ratio", "pad_to_aspect_ratio", "fill_mode", "fill_value", "antialias", "data_format")
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    INTERPOLATION_FIELD_NUMBER: _ClassVar[int]
    CROP_TO_ASPECT_RATIO_FIELD_NUMBER: _ClassVar[int]
    PAD_TO_ASPECT_RATIO_FIELD_NUMBER: _ClassVar[int]
    FILL_MODE_FIELD_NUMBER: _ClassVar[int]
    FILL_VALUE_FIELD_NUMBER: _ClassVar[int]
    ANTIALIAS_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    height: int
    width: int
    interpolation: Interpolation
    crop_to_aspect_ratio: bool
    pad_to_aspect_ratio: bool
    fill_mode: PadMode
    fill_value: float
    antialias: bool
    data_format: _options_pb2.Layout
    def __init__(self, height: _Optional[int] = ..., width: _Optional[int] = ..., interpolation: _Optional[_Union[Interpolation, str]] = ..., crop_to_aspect_ratio: bool = ..., pad_to_aspect_ratio: bool = ..., fill_mode: _Optional[_Union[PadMode, str]] = ..., fill_value: _Optional[float] = ..., antialias: bool = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ...) -> None: ...

class PixelShuffle(_message.Message):
    __slots__ = ("upscale_factor", "order", "data_format")
    UPSCALE_FACTOR_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    upscale_factor: int
    order: ShuffleOrder
    data_format: _options_pb2.Layout
    def __init__(self, upscale_factor: _Optional[int] = ..., order: _Optional[_Union[ShuffleOrder, str]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ...) -> None: ...

class PixelUnshuffle(_message.Message):
    __slots__ = ("downscale_factor", "order", "data_format")
    DOWNSCALE_FACTOR_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    downscale_factor: int
    order: ShuffleOrder
    data_format: _options_pb2.Layout
    def __init__(self, downscale_factor: _Optional[int] = ..., order: _Optional[_Union[ShuffleOrder, str]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ...) -> None: ...

class ChannelShuffle(_message.Message):
    __slots__ = ("groups", "data_format")
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    groups: int
    data_format: _options_pb2.Layout
    def __init__(self, groups: _Optional[int] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ...) -> None: ...

class Unfold(_message.Message):
    __slots__ = ("kernel_size", "dilation", "padding", "stride", "data_format")
    KERNEL_SIZE_FIELD_NUMBER: _ClassVar[int]
    DILATION_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    STRIDE_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    kernel_size: _containers.RepeatedScalarFieldContainer[int]
    dilation: _containers.RepeatedScalarFieldContainer[int]
    padding: _containers.RepeatedScalarFieldContainer[int]
    stride: _containers.RepeatedScalarFieldContainer[int]
    data_format: _options_pb2.Layout
    def __init__(self, kernel_size: _Optional[_Iterable[int]] = ..., dilation: _Optional[_Iterable[int]] = ..., padding: _Optional[_Iterable[int]] = ..., stride: _Optional[_Iterable[int]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ...) -> None: ...

class Fold(_message.Message):
    __slots__ = ("output_size", "kernel_size", "dilation", "padding", "stride", "data_format")
    OUTPUT_SIZE_FIELD_NUMBER: _ClassVar[int]
    KERNEL_SIZE_FIELD_NUMBER: _ClassVar[int]
    DILATION_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    STRIDE_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    output_size: _tensor_pb2.Shape
    kernel_size: _containers.RepeatedScalarFieldContainer[int]
    dilation: _containers.RepeatedScalarFieldContainer[int]
    padding: _containers.RepeatedScalarFieldContainer[int]
    stride: _containers.RepeatedScalarFieldContainer[int]
    data_format: _options_pb2.Layout
    def __init__(self, output_size: _Optional[_Union[_tensor_pb2.Shape, _Mapping]] = ..., kernel_size: _Optional[_Iterable[int]] = ..., dilation: _Optional[_Iterable[int]] = ..., padding: _Optional[_Iterable[int]] = ..., stride: _Optional[_Iterable[int]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ...) -> None: ...

class SqueezeAxes(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, axis: _Optional[_Iterable[int]] = ...) -> None: ...

class UnsqueezeAxes(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, axis: _Optional[_Iterable[int]] = ...) -> None: ...

class Slice(_message.Message):
    __slots__ = ("axis", "start", "stop", "step")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    axis: int
    start: int
    stop: int
    step: int
    def __init__(self, axis: _Optional[int] = ..., start: _Optional[int] = ..., stop: _Optional[int] = ..., step: _Optional[int] = ...) -> None: ...

class Take(_message.Message):
    __slots__ = ("indices", "axis", "keepdims")
    INDICES_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    indices: _containers.RepeatedScalarFieldContainer[int]
    axis: int
    keepdims: bool
    def __init__(self, indices: _Optional[_Iterable[int]] = ..., axis: _Optional[int] = ..., keepdims: bool = ...) -> None: ...

class Split(_message.Message):
    __slots__ = ("sections", "axis", "sizes", "size")
    SECTIONS_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    sections: int
    axis: int
    sizes: _containers.RepeatedScalarFieldContainer[int]
    size: int
    def __init__(self, sections: _Optional[int] = ..., axis: _Optional[int] = ..., sizes: _Optional[_Iterable[int]] = ..., size: _Optional[int] = ...) -> None: ...

class Roll(_message.Message):
    __slots__ = ("shift", "axis")
    SHIFT_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    shift: _containers.RepeatedScalarFieldContainer[int]
    axis: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, shift: _Optional[_Iterable[int]] = ..., axis: _Optional[_Iterable[int]] = ...) -> None: ...

class Flip(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, axis: _Optional[_Iterable[int]] = ...) -> None: ...

class Tile(_message.Message):
    __slots__ = ("repeats",)
    REPEATS_FIELD_NUMBER: _ClassVar[int]
    repeats: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, repeats: _Optional[_Iterable[int]] = ...) -> None: ...

class Repeat(_message.Message):
    __slots__ = ("repeats", "axis")
    REPEATS_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    repeats: int
    axis: int
    def __init__(self, repeats: _Optional[int] = ..., axis: _Optional[int] = ...) -> None: ...

class BroadcastTo(_message.Message):
    __slots__ = ("shape",)
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    shape: _tensor_pb2.Shape
    def __init__(self, shape: _Optional[_Union[_tensor_pb2.Shape, _Mapping]] = ...) -> None: ...

class CenterCrop(_message.Message):
    __slots__ = ("height", "width", "data_format")
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    height: int
    width: int
    data_format: _options_pb2.Layout
    def __init__(self, height: _Optional[int] = ..., width: _Optional[int] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ...) -> None: ...
