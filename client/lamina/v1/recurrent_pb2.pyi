from lamina.v1 import activations_pb2 as _activations_pb2
from lamina.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MergeMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MERGE_MODE_UNSPECIFIED: _ClassVar[MergeMode]
    MERGE_MODE_SUM: _ClassVar[MergeMode]
    MERGE_MODE_MUL: _ClassVar[MergeMode]
    MERGE_MODE_CONCAT: _ClassVar[MergeMode]
    MERGE_MODE_AVE: _ClassVar[MergeMode]
    MERGE_MODE_NONE: _ClassVar[MergeMode]
MERGE_MODE_UNSPECIFIED: MergeMode
MERGE_MODE_SUM: MergeMode
MERGE_MODE_MUL: MergeMode
MERGE_MODE_CONCAT: MergeMode
MERGE_MODE_AVE: MergeMode
MERGE_MODE_NONE: MergeMode

class LSTM(_message.Message):
    __slots__ = ("units", "activation", "recurrent_activation", "use_bias", "dropout", "recurrent_dropout", "return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask", "num_layers", "proj_size")
    UNITS_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    RECURRENT_ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    RECURRENT_DROPOUT_FIELD_NUMBER: _ClassVar[int]
    RETURN_SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    RETURN_STATE_FIELD_NUMBER: _ClassVar[int]
    GO_BACKWARDS_FIELD_NUMBER: _ClassVar[int]
    STATEFUL_FIELD_NUMBER: _ClassVar[int]
    UNROLL_FIELD_NUMBER: _ClassVar[int]
    ZERO_OUTPUT_FOR_MASK_FIELD_NUMBER: _ClassVar[int]
    NUM_LAYERS_FIELD_NUMBER: _ClassVar[int]
    PROJ_SIZE_FIELD_NUMBER: _ClassVar[int]
    units: int
    activation: _activations_pb2.ActivationFunction
    recurrent_activation: _activations_pb2.ActivationFunction
    use_bias: bool
    dropout: float
    recurrent_dropout: float
    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    unroll: bool
    zero_output_for_mask: bool
    num_layers: int
    proj_size: int
    def __init__(self, units: _Optional[int] = ..., activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., recurrent_activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., dropout: _Optional[float] = ..., recurrent_dropout: _Optional[float] = ..., return_sequences: bool = ..., return_state: bool = ..., go_backwards: bool = ..., stateful: bool = ..., unroll: bool = ..., zero_output_for_mask: bool = ..., num_layers: _Optional[int] = ..., proj_size: _Optional[int] = ...) -> None: ...

class SimpleRNN(_message.Message):
    __slots__ = ("units", "activation", "use_bias", "dropout", "recurrent_dropout", "return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask", "num_layers")
    UNITS_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    RECURRENT_DROPOUT_FIELD_NUMBER: _ClassVar[int]
    RETURN_SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    RETURN_STATE_FIELD_NUMBER: _ClassVar[int]
    GO_BACKWARDS_FIELD_NUMBER: _ClassVar[int]
    STATEFUL_FIELD_NUMBER: _ClassVar[int]
    UNROLL_FIELD_NUMBER: _ClassVar[int]
    ZERO_OUTPUT_FOR_MASK_FIELD_NUMBER: _ClassVar[int]
    NUM_LAYERS_FIELD_NUMBER: _ClassVar[int]
    units: int
    activation: _activations_pb2.ActivationFunction
    use_bias: bool
    dropout: float
    recurrent_dropout: float
    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    unroll: bool
    zero_output_for_mask: bool
    num_layers: int
    def __init__(self, units: _Optional[int] = ..., activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., dropout: _Optional[float] = ..., recurrent_dropout: _Optional[float] = ..., return_sequences: bool = ..., return_state: bool = ..., go_backwards: bool = ..., stateful: bool = ..., unroll: bool = ..., zero_output_for_mask: bool = ..., num_layers: _Optional[int] = ...) -> None: ...

class GRU(_message.Message):
    __slots__ = ("units", "activation", "recurrent_activation", "use_bias", "dropout", "recurrent_dropout", "return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask", "reset_after", "num_layers")
    UNITS_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    RECURRENT_ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    RECURRENT_DROPOUT_FIELD_NUMBER: _ClassVar[int]
    RETURN_SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    RETURN_STATE_FIELD_NUMBER: _ClassVar[int]
    GO_BACKWARDS_FIELD_NUMBER: _ClassVar[int]
    STATEFUL_FIELD_NUMBER: _ClassVar[int]
    UNROLL_FIELD_NUMBER: _ClassVar[int]
    ZERO_OUTPUT_FOR_MASK_FIELD_NUMBER: _ClassVar[int]
    RESET_AFTER_FIELD_NUMBER: _ClassVar[int]
    NUM_LAYERS_FIELD_NUMBER: _ClassVar[int]
    units: int
    activation: _activations_pb2.ActivationFunction
    recurrent_activation: _activations_pb2.ActivationFunction
    use_bias: bool
    dropout: float
    recurrent_dropout: float
    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    unroll: bool
    zero_output_for_mask: bool
    reset_after: bool
    num_layers: int
    def __init__(self, units: _Optional[int] = ..., activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., recurrent_activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., dropout: _Optional[float] = ..., recurrent_dropout: _Optional[float] = ..., return_sequences: bool = ..., return_state: bool = ..., go_backwards: bool = ..., stateful: bool = ..., unroll: bool = ..., zero_output_for_mask: bool = ..., reset_after: bool = ..., num_layers: _Optional[int] = ...) -> None: ...

class RNN(_message.Message):
    __slots__ = ("cells", "return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")
    CELLS_FIELD_NUMBER: _ClassVar[int]
    RETURN_SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    RETURN_STATE_FIELD_NUMBER: _ClassVar[int]
    GO_BACKWARDS_FIELD_NUMBER: _ClassVar[int]
    STATEFUL_FIELD_NUMBER: _ClassVar[int]
    UNROLL_FIELD_NUMBER: _ClassVar[int]
    ZERO_OUTPUT_FOR_MASK_FIELD_NUMBER: _ClassVar[int]
    cells: _containers.RepeatedCompositeFieldContainer[RecurrentCell]
    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    unroll: bool
    zero_output_for_mask: bool
    def __init__(self, cells: _Optional[_Iterable[_Union[RecurrentCell, _Mapping]]] = ..., return_sequences: bool = ..., return_state: bool = ..., go_backwards: bool = ..., stateful: bool = ..., unroll: bool = ..., zero_output_for_mask: bool = ...) -> None: ...

class Bidirectional(_message.Message):
    __slots__ = ("layer", "merge_mode", "backward_layer")
    LAYER_FIELD_NUMBER: _ClassVar[int]
    MERGE_MODE_FIELD_NUMBER: _ClassVar[int]
    BACKWARD_LAYER_FIELD_NUMBER: _ClassVar[int]
    layer: RecurrentLayer
    merge_mode: MergeMode
    backward_layer: RecurrentLayer
    def __init__(self, layer: _Optional[_Union[RecurrentLayer, _Mapping]] = ..., merge_mode: _Optional[_Union[MergeMode, str]] = ..., backward_layer: _Optional[_Union[RecurrentLayer, _Mapping]] = ...) -> None: ...

class ConvLSTM(_message.Message):
    __slots__ = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation", "recurrent_activation", "use_bias", "dropout", "recurrent_dropout", "return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    KERNEL_SIZE_FIELD_NUMBER: _ClassVar[int]
    STRIDES_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    DILATION_RATE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    RECURRENT_ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    RECURRENT_DROPOUT_FIELD_NUMBER: _ClassVar[int]
    RETURN_SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    RETURN_STATE_FIELD_NUMBER: _ClassVar[int]
    GO_BACKWARDS_FIELD_NUMBER: _ClassVar[int]
    STATEFUL_FIELD_NUMBER: _ClassVar[int]
    UNROLL_FIELD_NUMBER: _ClassVar[int]
    ZERO_OUTPUT_FOR_MASK_FIELD_NUMBER: _ClassVar[int]
    filters: int
    kernel_size: _containers.RepeatedScalarFieldContainer[int]
    strides: _containers.RepeatedScalarFieldContainer[int]
    padding: _options_pb2.Padding
    data_format: _options_pb2.Layout
    dilation_rate: _containers.RepeatedScalarFieldContainer[int]
    activation: _activations_pb2.ActivationFunction
    recurrent_activation: _activations_pb2.ActivationFunction
    use_bias: bool
    dropout: float
    recurrent_dropout: float
    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    unroll: bool
    zero_output_for_mask: bool
    def __init__(self, filters: _Optional[int] = ..., kernel_size: _Optional[_Iterable[int]] = ..., strides: _Optional[_Iterable[int]] = ..., padding: _Optional[_Union[_options_pb2.Padding, _Mapping]] = ..., data_format: _Optional[_Union[_options_pb2.Layout, str]] = ..., dilation_rate: _Optional[_Iterable[int]] = ..., activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., recurrent_activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., dropout: _Optional[float] = ..., recurrent_dropout: _Optional[float] = ..., return_sequences: bool = ..., return_state: bool = ..., go_backwards: bool = ..., stateful: bool = ..., unroll: bool = ..., zero_output_for_mask: bool = ...) -> None: ...

class SimpleRNNCell(_message.Message):
    __slots__ = ("units", "activation", "use_bias", "dropout", "recurrent_dropout")
    UNITS_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    RECURRENT_DROPOUT_FIELD_NUMBER: _ClassVar[int]
    units: int
    activation: _activations_pb2.ActivationFunction
    use_bias: bool
    dropout: float
    recurrent_dropout: float
    def __init__(self, units: _Optional[int] = ..., activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., dropout: _Optional[float] = ..., recurrent_dropout: _Optional[float] = ...) -> None: ...

class GRUCell(_message.Message):
    __slots__ = ("units", "activation", "recurrent_activation", "use_bias", "dropout", "recurrent_dropout", "reset_after")
    UNITS_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    RECURRENT_ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    RECURRENT_DROPOUT_FIELD_NUMBER: _ClassVar[int]
    RESET_AFTER_FIELD_NUMBER: _ClassVar[int]
    units: int
    activation: _activations_pb2.ActivationFunction
    recurrent_activation: _activations_pb2.ActivationFunction
    use_bias: bool
    dropout: float
    recurrent_dropout: float
    reset_after: bool
    def __init__(self, units: _Optional[int] = ..., activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., recurrent_activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., dropout: _Optional[float] = ..., recurrent_dropout: _Optional[float] = ..., reset_after: bool = ...) -> None: ...

class LSTMCell(_message.Message):
    __slots__ = ("units", "activation", "recurrent_activation", "use_bias", "dropout", "recurrent_dropout", "proj_size")
    UNITS_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    RECURRENT_ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    RECURRENT_DROPOUT_FIELD_NUMBER: _ClassVar[int]
    PROJ_SIZE_FIELD_NUMBER: _ClassVar[int]
    units: int
    activation: _activations_pb2.ActivationFunction
    recurrent_activation: _activations_pb2.ActivationFunction
    use_bias: bool
    dropout: float
    recurrent_dropout: float
    proj_size: int
    def __init__(self, units: _Optional[int] = ..., activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., recurrent_activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., use_bias: bool = ..., dropout: _Optional[float] = ..., recurrent_dropout: _Optional[float] = ..., proj_size: _Optional[int] = ...) -> None: ...

class RecurrentCell(_message.Message):
    __slots__ = ("simple_rnn_cell", "gru_cell", "lstm_cell")
    SIMPLE_RNN_CELL_FIELD_NUMBER: _ClassVar[int]
    GRU_CELL_FIELD_NUMBER: _ClassVar[int]
    LSTM_CELL_FIELD_NUMBER: _ClassVar[int]
    simple_rnn_cell: SimpleRNNCell
    gru_cell: GRUCell
    lstm_cell: LSTMCell
    def __init__(self, simple_rnn_cell: _Optional[_Union[SimpleRNNCell, _Mapping]] = ..., gru_cell: _Optional[_Union[GRUCell, _Mapping]] = ..., lstm_cell: _Optional[_Union[LSTMCell, _Mapping]] = ...) -> None: ...

class RecurrentLayer(_message.Message):
    __slots__ = ("simple_rnn", "lstm", "gru", "rnn", "conv_lstm")
    SIMPLE_RNN_FIELD_NUMBER: _ClassVar[int]
    LSTM_FIELD_NUMBER: _ClassVar[int]
    GRU_FIELD_NUMBER: _ClassVar[int]
    RNN_FIELD_NUMBER: _ClassVar[int]
    CONV_LSTM_FIELD_NUMBER: _ClassVar[int]
    simple_rnn: SimpleRNN
    lstm: LSTM
    gru: GRU
    rnn: RNN
    conv_lstm: ConvLSTM
    def __init__(self, simple_rnn: _Optional[_Union[SimpleRNN, _Mapping]] = ..., lstm: _Optional[_Union[LSTM, _Mapping]] = ..., gru: _Optional[_Union[GRU, _Mapping]] = ..., rnn: _Optional[_Union[RNN, _Mapping]] = ..., conv_lstm: _Optional[_Union[ConvLSTM, _Mapping]] = ...) -> None: ...
