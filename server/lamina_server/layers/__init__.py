"""The layer kinds. `KINDS` is the table of contents: the order of the schema, one line a kind, a paragraph a family."""

from lamina_server.layers.base import Kind
from lamina_server.layers.bidirectional import Bidirectional
from lamina_server.layers.conv_lstm import ConvLSTM
from lamina_server.layers.convolution import Conv, DepthwiseConv
from lamina_server.layers.core import Activation, Dense, Dropout, Input
from lamina_server.layers.dense_cells import CELLS
from lamina_server.layers.functions import FUNCTIONS
from lamina_server.layers.merging import Add, Concatenate
from lamina_server.layers.normalization import BatchNormalization
from lamina_server.layers.pooling import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
from lamina_server.layers.recurrent import GRU, LSTM, RNN, SimpleRNN
from lamina_server.layers.shaping import Flatten, Permute, RepeatVector, Reshape, ZeroPadding

KINDS: tuple[type[Kind], ...] = (
    # core
    Input,
    Dense,
    Activation,
    Dropout,
    # convolution
    Conv,
    DepthwiseConv,
    # pooling
    MaxPool,
    AveragePool,
    GlobalMaxPool,
    GlobalAveragePool,
    # shaping
    Flatten,
    Reshape,
    Permute,
    RepeatVector,
    ZeroPadding,
    # normalization
    BatchNormalization,
    # merging
    Add,
    Concatenate,
    # recurrent
    LSTM,
    SimpleRNN,
    GRU,
    RNN,
    Bidirectional,
    ConvLSTM,
)

__all__ = ["CELLS", "FUNCTIONS", "KINDS"]
