from lamina.v1 import convolution_pb2 as _convolution_pb2
from lamina.v1 import core_pb2 as _core_pb2
from lamina.v1 import merging_pb2 as _merging_pb2
from lamina.v1 import normalization_pb2 as _normalization_pb2
from lamina.v1 import options_pb2 as _options_pb2
from lamina.v1 import pooling_pb2 as _pooling_pb2
from lamina.v1 import recurrent_pb2 as _recurrent_pb2
from lamina.v1 import shaping_pb2 as _shaping_pb2
from lamina.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Stack(_message.Message):
    __slots__ = ("layers", "layout", "outputs")
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    layers: _containers.RepeatedCompositeFieldContainer[Layer]
    layout: _options_pb2.Layout
    outputs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, layers: _Optional[_Iterable[_Union[Layer, _Mapping]]] = ..., layout: _Optional[_Union[_options_pb2.Layout, str]] = ..., outputs: _Optional[_Iterable[str]] = ...) -> None: ...

class Layer(_message.Message):
    __slots__ = ("name", "inputs", "expect", "input", "dense", "activation", "dropout", "conv", "depthwise_conv", "max_pool", "average_pool", "global_max_pool", "global_average_pool", "flatten", "reshape", "permute", "repeat_vector", "zero_padding", "batch_normalization", "add", "concatenate", "lstm", "simple_rnn", "gru", "rnn", "bidirectional", "conv_lstm")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    EXPECT_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    DENSE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    CONV_FIELD_NUMBER: _ClassVar[int]
    DEPTHWISE_CONV_FIELD_NUMBER: _ClassVar[int]
    MAX_POOL_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_POOL_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_MAX_POOL_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_AVERAGE_POOL_FIELD_NUMBER: _ClassVar[int]
    FLATTEN_FIELD_NUMBER: _ClassVar[int]
    RESHAPE_FIELD_NUMBER: _ClassVar[int]
    PERMUTE_FIELD_NUMBER: _ClassVar[int]
    REPEAT_VECTOR_FIELD_NUMBER: _ClassVar[int]
    ZERO_PADDING_FIELD_NUMBER: _ClassVar[int]
    BATCH_NORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    ADD_FIELD_NUMBER: _ClassVar[int]
    CONCATENATE_FIELD_NUMBER: _ClassVar[int]
    LSTM_FIELD_NUMBER: _ClassVar[int]
    SIMPLE_RNN_FIELD_NUMBER: _ClassVar[int]
    GRU_FIELD_NUMBER: _ClassVar[int]
    RNN_FIELD_NUMBER: _ClassVar[int]
    BIDIRECTIONAL_FIELD_NUMBER: _ClassVar[int]
    CONV_LSTM_FIELD_NUMBER: _ClassVar[int]
    name: str
    inputs: _containers.RepeatedScalarFieldContainer[str]
    expect: _tensor_pb2.Shape
    input: _core_pb2.Input
    dense: _core_pb2.Dense
    activation: _core_pb2.Activation
    dropout: _core_pb2.Dropout
    conv: _convolution_pb2.Conv
    depthwise_conv: _convolution_pb2.DepthwiseConv
    max_pool: _pooling_pb2.MaxPool
    average_pool: _pooling_pb2.AveragePool
    global_max_pool: _pooling_pb2.GlobalMaxPool
    global_average_pool: _pooling_pb2.GlobalAveragePool
    flatten: _shaping_pb2.Flatten
    reshape: _shaping_pb2.Reshape
    permute: _shaping_pb2.Permute
    repeat_vector: _shaping_pb2.RepeatVector
    zero_padding: _shaping_pb2.ZeroPadding
    batch_normalization: _normalization_pb2.BatchNormalization
    add: _merging_pb2.Add
    concatenate: _merging_pb2.Concatenate
    lstm: _recurrent_pb2.LSTM
    simple_rnn: _recurrent_pb2.SimpleRNN
    gru: _recurrent_pb2.GRU
    rnn: _recurrent_pb2.RNN
    bidirectional: _recurrent_pb2.Bidirectional
    conv_lstm: _recurrent_pb2.ConvLSTM
    def __init__(self, name: _Optional[str] = ..., inputs: _Optional[_Iterable[str]] = ..., expect: _Optional[_Union[_tensor_pb2.Shape, _Mapping]] = ..., input: _Optional[_Union[_core_pb2.Input, _Mapping]] = ..., dense: _Optional[_Union[_core_pb2.Dense, _Mapping]] = ..., activation: _Optional[_Union[_core_pb2.Activation, _Mapping]] = ..., dropout: _Optional[_Union[_core_pb2.Dropout, _Mapping]] = ..., conv: _Optional[_Union[_convolution_pb2.Conv, _Mapping]] = ..., depthwise_conv: _Optional[_Union[_convolution_pb2.DepthwiseConv, _Mapping]] = ..., max_pool: _Optional[_Union[_pooling_pb2.MaxPool, _Mapping]] = ..., average_pool: _Optional[_Union[_pooling_pb2.AveragePool, _Mapping]] = ..., global_max_pool: _Optional[_Union[_pooling_pb2.GlobalMaxPool, _Mapping]] = ..., global_average_pool: _Optional[_Union[_pooling_pb2.GlobalAveragePool, _Mapping]] = ..., flatten: _Optional[_Union[_shaping_pb2.Flatten, _Mapping]] = ..., reshape: _Optional[_Union[_shaping_pb2.Reshape, _Mapping]] = ..., permute: _Optional[_Union[_shaping_pb2.Permute, _Mapping]] = ..., repeat_vector: _Optional[_Union[_shaping_pb2.RepeatVector, _Mapping]] = ..., zero_padding: _Optional[_Union[_shaping_pb2.ZeroPadding, _Mapping]] = ..., batch_normalization: _Optional[_Union[_normalization_pb2.BatchNormalization, _Mapping]] = ..., add: _Optional[_Union[_merging_pb2.Add, _Mapping]] = ..., concatenate: _Optional[_Union[_merging_pb2.Concatenate, _Mapping]] = ..., lstm: _Optional[_Union[_recurrent_pb2.LSTM, _Mapping]] = ..., simple_rnn: _Optional[_Union[_recurrent_pb2.SimpleRNN, _Mapping]] = ..., gru: _Optional[_Union[_recurrent_pb2.GRU, _Mapping]] = ..., rnn: _Optional[_Union[_recurrent_pb2.RNN, _Mapping]] = ..., bidirectional: _Optional[_Union[_recurrent_pb2.Bidirectional, _Mapping]] = ..., conv_lstm: _Optional[_Union[_recurrent_pb2.ConvLSTM, _Mapping]] = ...) -> None: ...
