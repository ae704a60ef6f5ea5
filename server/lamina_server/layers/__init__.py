"""The layer kinds. `KINDS` is the table of contents: the order of the schema, one line a kind, a paragraph a family."""

from lamina_server.layers.activations.as_layers import FUNCTION_LAYERS, GLU, PReLU
from lamina_server.layers.activations.functions import FUNCTIONS
from lamina_server.layers.attention.multi_head import GroupQueryAttention, MultiHeadAttention
from lamina_server.layers.attention.transformer import TransformerDecoderLayer, TransformerEncoderLayer
from lamina_server.layers.attention.unprojected import AdditiveAttention, Attention
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv, DepthwiseConv
from lamina_server.layers.convolution.separable import SeparableConv
from lamina_server.layers.convolution.transposed import ConvTranspose
from lamina_server.layers.core.basics import Activation, Cast, Dense, Dropout, Input, Masking
from lamina_server.layers.core.binning import Discretization
from lamina_server.layers.core.einsum_dense import EinsumDense
from lamina_server.layers.core.held import Constant, Parameter
from lamina_server.layers.core.identities import (
    ActivityRegularization,
    AlphaDropout,
    FeatureAlphaDropout,
    GaussianDropout,
    GaussianNoise,
    Identity,
    SpatialDropout,
)
from lamina_server.layers.core.lookups import CategoryEncoding, Embedding, ReversibleEmbedding
from lamina_server.layers.holders import Block, SpectralNormalization, TimeDistributed
from lamina_server.layers.merging.arithmetic import Average, Divide, Maximum, Minimum, Multiply, Power, Subtract
from lamina_server.layers.merging.comparing import Compare, Logical, Where
from lamina_server.layers.merging.einsum import Einsum
from lamina_server.layers.merging.elementwise import Clip, Elementwise
from lamina_server.layers.merging.joining import Add, Concatenate, StackTensors
from lamina_server.layers.merging.ordering import ArgMax, ArgMin, CumSum, Sort, TopK
from lamina_server.layers.merging.products import CosineSimilarity, Dot, MatMul, PairwiseDistance
from lamina_server.layers.merging.reductions import Normalize, Reduce, Variance
from lamina_server.layers.normalization.normalizing import (
    BatchNormalization,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    RMSNormalization,
)
from lamina_server.layers.normalization.scaling import (
    LayerScale,
    LocalResponseNormalization,
    Normalization,
    Rescaling,
    UnitNormalization,
)
from lamina_server.layers.pooling.adaptive import AdaptiveAveragePool, AdaptiveMaxPool
from lamina_server.layers.pooling.norm_pooling import GlobalLpPool, LpPool
from lamina_server.layers.pooling.pools import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
from lamina_server.layers.pooling.unpooling import MaxUnpool
from lamina_server.layers.recurrent.bidirectional import Bidirectional
from lamina_server.layers.recurrent.conv_lstm import ConvLSTM
from lamina_server.layers.recurrent.dense_cells import CELLS
from lamina_server.layers.recurrent.rnn import GRU, LSTM, RNN, SimpleRNN
from lamina_server.layers.shaping.center_crop import CenterCrop
from lamina_server.layers.shaping.folding import ChannelShuffle, Fold, PixelShuffle, PixelUnshuffle, Unfold
from lamina_server.layers.shaping.padding import Cropping, Pad
from lamina_server.layers.shaping.repeating import BroadcastTo, Flip, Repeat, Roll, Tile
from lamina_server.layers.shaping.reshaping import Flatten, Permute, RepeatVector, Reshape, ZeroPadding
from lamina_server.layers.shaping.resizing import Resizing, Upsample, UpSampling
from lamina_server.layers.shaping.slicing import Slice, Split, SqueezeAxes, Take, UnsqueezeAxes

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
    Discretization,
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
    CenterCrop,
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
