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
