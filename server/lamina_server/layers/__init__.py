"""The layer kinds. `KINDS` is the table of contents: the order of the schema, one line a kind, a paragraph a family."""

from lamina_server.layers.attention import GroupQueryAttention, MultiHeadAttention
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution import Conv, DepthwiseConv
from lamina_server.layers.core import Activation, Cast, Dense, Dropout, Input, Masking
from lamina_server.layers.einsum import EinsumDense
from lamina_server.layers.functions import FUNCTIONS
from lamina_server.layers.held import Constant, Parameter
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
from lamina_server.layers.merging import Add, Concatenate
from lamina_server.layers.normalization import BatchNormalization
from lamina_server.layers.pooling import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
from lamina_server.layers.recurrent import LSTM
from lamina_server.layers.shaping import Flatten, Permute, RepeatVector, Reshape, ZeroPadding
from lamina_server.layers.transformer import TransformerDecoderLayer, TransformerEncoderLayer
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
    # attention
    MultiHeadAttention,
    GroupQueryAttention,
    Attention,
    AdditiveAttention,
    TransformerEncoderLayer,
    TransformerDecoderLayer,
)

__all__ = ["FUNCTIONS", "KINDS"]
