from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

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
