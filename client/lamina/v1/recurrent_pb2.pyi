from lamina.v1 import activations_pb2 as _activations_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LSTM(_message.Message):
    __slots__ = ("units", "activation", "recurrent_activation", "use_bias", "return_sequences", "return_state")
    UNITS_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    RECURRENT_ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    RETURN_SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    RETURN_STATE_FIELD_NUMBER: _ClassVar[int]
    units: int
    activation: _activations_pb2.ActivationFunction
    recurrent_activation: _activations_pb2.ActivationFunction
    use_bias: bool
    return_sequences: bool
    return_state: bool
    def __init__(self, units: _Optional[int] = ..., activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., recurrent_activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., return_sequences: bool = ..., return_state: bool = ...) -> None: ...
