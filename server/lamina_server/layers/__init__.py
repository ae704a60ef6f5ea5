"""The layer kinds. `KINDS` is the table of contents: the order of the schema, one line a kind, a paragraph a family."""

from lamina_server.layers.base import Kind
from lamina_server.layers.convolution import Conv, DepthwiseConv
from lamina_server.layers.core import Activation, Dense, Dropout, Input
from lamina_server.layers.folding import ChannelShuffle, Fold, PixelShuffle, PixelUnshuffle, Unfold
from lamina_server.layers.functions import FUNCTIONS
from lamina_server.layers.merging import Add, Concatenate
from lamina_server.layers.normalization import BatchNormalization
from lamina_server.layers.padding import Cropping, Pad
from lamina_server.layers.pooling import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
from lamina_server.layers.recurrent import LSTM
from lamina_server.layers.repeating import BroadcastTo, Flip, Repeat, Roll, Tile
from lamina_server.layers.resizing import Resizing, Upsample, UpSampling
from lamina_server.layers.shaping import Flatten, Permute, RepeatVector, Reshape, ZeroPadding
from lamina_server.layers.slicing import Slice, Split, SqueezeAxes, Take, UnsqueezeAxes

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
    Cropping,
    Pad,
    UpSampling,
    Upsample,
    Resizing,
    PixelShuffle,
    PixelUnshuffle,
    ChannelShuffle,
    Unfold,
    Fold,
    SqueezeAxes,
    UnsqueezeAxes,
    Slice,
    Take,
    Split,
    Roll,
    Flip,
    Tile,
    Repeat,
    BroadcastTo,
    # normalization
    BatchNormalization,
    # merging
    Add,
    Concatenate,
    # recurrent
    LSTM,
)

__all__ = ["FUNCTIONS", "KINDS"]
