"""The layer kinds. `KINDS` is the table of contents: the order of the schema, one line a kind, a paragraph a family."""

from lamina_server.layers.activations import FUNCTION_LAYERS, GLU, PReLU
from lamina_server.layers.adaptive import AdaptiveAveragePool, AdaptiveMaxPool
from lamina_server.layers.arithmetic import Average, Divide, Maximum, Minimum, Multiply, Power, Subtract
from lamina_server.layers.attention import GroupQueryAttention, MultiHeadAttention
from lamina_server.layers.base import Kind
from lamina_server.layers.bidirectional import Bidirectional
from lamina_server.layers.comparing import Compare, Logical, Where
from lamina_server.layers.conv_lstm import ConvLSTM
from lamina_server.layers.convolution import Conv, DepthwiseConv
from lamina_server.layers.core import Activation, Cast, Dense, Dropout, Input, Masking
from lamina_server.layers.dense_cells import CELLS
from lamina_server.layers.einsum import Einsum
from lamina_server.layers.einsum_dense import EinsumDense
from lamina_server.layers.elementwise import Clip, Elementwise
from lamina_server.layers.folding import ChannelShuffle, Fold, PixelShuffle, PixelUnshuffle, Unfold
from lamina_server.layers.functions import FUNCTIONS
from lamina_server.layers.held import Constant, Parameter
from lamina_server.layers.holders import Block, SpectralNormalization, TimeDistributed
from lamina_server.layers.identities import (
    ActivityRegularization,
    AlphaDropout,
    FeatureAlphaDropout,
    GaussianDropout,
    GaussianNoise,
    Identity,
    SpatialDropout,
)
from lamina_server.layers.lookups import CategoryEncoding, Embedding, ReversibleEmbedding
from lamina_server.layers.merging import Add, Concatenate, StackTensors
from lamina_server.layers.norm_pooling import GlobalLpPool, LpPool
from lamina_server.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    RMSNormalization,
)
from lamina_server.layers.ordering import ArgMax, ArgMin, CumSum, Sort, TopK
from lamina_server.layers.padding import Cropping, Pad
from lamina_server.layers.pooling import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
from lamina_server.layers.products import CosineSimilarity, Dot, MatMul, PairwiseDistance
from lamina_server.layers.recurrent import GRU, LSTM, RNN, SimpleRNN
from lamina_server.layers.reductions import Normalize, Reduce, Variance
from lamina_server.layers.repeating import BroadcastTo, Flip, Repeat, Roll, Tile
from lamina_server.layers.resizing import Resizing, Upsample, UpSampling
from lamina_server.layers.scaling import (
    LayerScale,
    LocalResponseNormalization,
    Normalization,
    Rescaling,
    UnitNormalization,
)
from lamina_server.layers.separable import SeparableConv
from lamina_server.layers.shaping import Flatten, Permute, RepeatVector, Reshape, ZeroPadding
from lamina_server.layers.slicing import Slice, Split, SqueezeAxes, Take, UnsqueezeAxes
from lamina_server.layers.transformer import TransformerDecoderLayer, TransformerEncoderLayer
from lamina_server.layers.transposed import ConvTranspose
from lamina_server.layers.unpooling import MaxUnpool
from lamina_server.layers.unprojected import AdditiveAttention, Attention

KINDS: tuple[type[Kind], ...] = (
    # core
    Input,
    Dense,
    Activation,
    Dropout,
    EinsumDense,
    Embedding,
    ReversibleEmbedding,
    CategoryEncoding,
    Identity,
    SpatialDropout,
    GaussianDropout,
    GaussianNoise,
    AlphaDropout,
    FeatureAlphaDropout,
    ActivityRegularization,
    Masking,
    Cast,
    Parameter,
    Constant,
    # convolution
    Conv,
    DepthwiseConv,
    SeparableConv,
    ConvTranspose,
    # pooling
    MaxPool,
    AveragePool,
    GlobalMaxPool,
    GlobalAveragePool,
    AdaptiveAveragePool,
    AdaptiveMaxPool,
    LpPool,
    GlobalLpPool,
    MaxUnpool,
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
    LayerNormalization,
    GroupNormalization,
    InstanceNormalization,
    RMSNormalization,
    UnitNormalization,
    LocalResponseNormalization,
    Rescaling,
    Normalization,
    LayerScale,
    # merging
    Add,
    Concatenate,
    Subtract,
    Multiply,
    Divide,
    Power,
    Average,
    Maximum,
    Minimum,
    StackTensors,
    Dot,
    MatMul,
    Einsum,
    CosineSimilarity,
    PairwiseDistance,
    Reduce,
    Variance,
    ArgMax,
    ArgMin,
    TopK,
    Sort,
    CumSum,
    Normalize,
    Elementwise,
    Clip,
    Compare,
    Logical,
    Where,
    # recurrent
    LSTM,
    SimpleRNN,
    GRU,
    RNN,
    Bidirectional,
    ConvLSTM,
    # attention
    MultiHeadAttention,
    GroupQueryAttention,
    Attention,
    AdditiveAttention,
    TransformerEncoderLayer,
    TransformerDecoderLayer,
    # holders
    Block,
    TimeDistributed,
    SpectralNormalization,
    # activations: a function as a layer of its own, then those that functions cannot be
    *FUNCTION_LAYERS,
    PReLU,
    GLU,
)

__all__ = ["CELLS", "FUNCTIONS", "KINDS"]
