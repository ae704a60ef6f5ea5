from lamina.v1 import activations_pb2 as _activations_pb2
from lamina.v1 import attention_pb2 as _attention_pb2
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
    __slots__ = ("layers", "layout", "outputs", "blocks")
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    layers: _containers.RepeatedCompositeFieldContainer[Layer]
    layout: _options_pb2.Layout
    outputs: _containers.RepeatedScalarFieldContainer[str]
    blocks: _containers.RepeatedCompositeFieldContainer[NamedStack]
    def __init__(self, layers: _Optional[_Iterable[_Union[Layer, _Mapping]]] = ..., layout: _Optional[_Union[_options_pb2.Layout, str]] = ..., outputs: _Optional[_Iterable[str]] = ..., blocks: _Optional[_Iterable[_Union[NamedStack, _Mapping]]] = ...) -> None: ...

class NamedStack(_message.Message):
    __slots__ = ("name", "layers", "outputs")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    layers: _containers.RepeatedCompositeFieldContainer[Layer]
    outputs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., layers: _Optional[_Iterable[_Union[Layer, _Mapping]]] = ..., outputs: _Optional[_Iterable[str]] = ...) -> None: ...

class Layer(_message.Message):
    __slots__ = ("name", "inputs", "expect", "weights_of", "input", "dense", "activation", "dropout", "einsum_dense", "embedding", "reversible_embedding", "category_encoding", "identity", "spatial_dropout", "gaussian_dropout", "gaussian_noise", "alpha_dropout", "feature_alpha_dropout", "activity_regularization", "masking", "cast", "parameter", "constant", "conv", "depthwise_conv", "separable_conv", "conv_transpose", "max_pool", "average_pool", "global_max_pool", "global_average_pool", "adaptive_average_pool", "adaptive_max_pool", "lp_pool", "global_lp_pool", "max_unpool", "flatten", "reshape", "permute", "repeat_vector", "zero_padding", "cropping", "pad", "up_sampling", "upsample", "resizing", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "unfold", "fold", "squeeze_axes", "unsqueeze_axes", "slice", "take", "split", "roll", "flip", "tile", "repeat", "broadcast_to", "batch_normalization", "layer_normalization", "group_normalization", "instance_normalization", "rms_normalization", "unit_normalization", "local_response_normalization", "rescaling", "normalization", "layer_scale", "add", "concatenate", "subtract", "multiply", "divide", "power", "average", "maximum", "minimum", "stack_tensors", "dot", "mat_mul", "einsum", "cosine_similarity", "pairwise_distance", "reduce", "variance", "arg_max", "arg_min", "top_k", "sort", "cum_sum", "normalize", "elementwise", "clip", "compare", "logical", "where", "lstm", "simple_rnn", "gru", "rnn", "bidirectional", "conv_lstm", "multi_head_attention", "group_query_attention", "attention", "additive_attention", "transformer_encoder_layer", "transformer_decoder_layer", "block", "time_distributed", "spectral_normalization", "re_lu", "relu6", "leaky_re_lu", "elu", "selu", "gelu", "sigmoid", "hard_sigmoid", "tanh", "softplus", "silu", "softmax", "celu", "hard_swish", "hard_tanh", "softsign", "log_softmax", "softmin", "log_sigmoid", "mish", "exponential", "hard_shrink", "soft_shrink", "tanh_shrink", "threshold", "squareplus", "sparse_plus", "sparse_sigmoid", "sparsemax", "rrelu", "p_re_lu", "glu")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    EXPECT_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_OF_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    DENSE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    EINSUM_DENSE_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    REVERSIBLE_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ENCODING_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    SPATIAL_DROPOUT_FIELD_NUMBER: _ClassVar[int]
    GAUSSIAN_DROPOUT_FIELD_NUMBER: _ClassVar[int]
    GAUSSIAN_NOISE_FIELD_NUMBER: _ClassVar[int]
    ALPHA_DROPOUT_FIELD_NUMBER: _ClassVar[int]
    FEATURE_ALPHA_DROPOUT_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_REGULARIZATION_FIELD_NUMBER: _ClassVar[int]
    MASKING_FIELD_NUMBER: _ClassVar[int]
    CAST_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    CONSTANT_FIELD_NUMBER: _ClassVar[int]
    CONV_FIELD_NUMBER: _ClassVar[int]
    DEPTHWISE_CONV_FIELD_NUMBER: _ClassVar[int]
    SEPARABLE_CONV_FIELD_NUMBER: _ClassVar[int]
    CONV_TRANSPOSE_FIELD_NUMBER: _ClassVar[int]
    MAX_POOL_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_POOL_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_MAX_POOL_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_AVERAGE_POOL_FIELD_NUMBER: _ClassVar[int]
    ADAPTIVE_AVERAGE_POOL_FIELD_NUMBER: _ClassVar[int]
    ADAPTIVE_MAX_POOL_FIELD_NUMBER: _ClassVar[int]
    LP_POOL_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_LP_POOL_FIELD_NUMBER: _ClassVar[int]
    MAX_UNPOOL_FIELD_NUMBER: _ClassVar[int]
    FLATTEN_FIELD_NUMBER: _ClassVar[int]
    RESHAPE_FIELD_NUMBER: _ClassVar[int]
    PERMUTE_FIELD_NUMBER: _ClassVar[int]
    REPEAT_VECTOR_FIELD_NUMBER: _ClassVar[int]
    ZERO_PADDING_FIELD_NUMBER: _ClassVar[int]
    CROPPING_FIELD_NUMBER: _ClassVar[int]
    PAD_FIELD_NUMBER: _ClassVar[int]
    UP_SAMPLING_FIELD_NUMBER: _ClassVar[int]
    UPSAMPLE_FIELD_NUMBER: _ClassVar[int]
    RESIZING_FIELD_NUMBER: _ClassVar[int]
    PIXEL_SHUFFLE_FIELD_NUMBER: _ClassVar[int]
    PIXEL_UNSHUFFLE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_SHUFFLE_FIELD_NUMBER: _ClassVar[int]
    UNFOLD_FIELD_NUMBER: _ClassVar[int]
    FOLD_FIELD_NUMBER: _ClassVar[int]
    SQUEEZE_AXES_FIELD_NUMBER: _ClassVar[int]
    UNSQUEEZE_AXES_FIELD_NUMBER: _ClassVar[int]
    SLICE_FIELD_NUMBER: _ClassVar[int]
    TAKE_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    ROLL_FIELD_NUMBER: _ClassVar[int]
    FLIP_FIELD_NUMBER: _ClassVar[int]
    TILE_FIELD_NUMBER: _ClassVar[int]
    REPEAT_FIELD_NUMBER: _ClassVar[int]
    BROADCAST_TO_FIELD_NUMBER: _ClassVar[int]
    BATCH_NORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    LAYER_NORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    GROUP_NORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_NORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    RMS_NORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    UNIT_NORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    LOCAL_RESPONSE_NORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    RESCALING_FIELD_NUMBER: _ClassVar[int]
    NORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    LAYER_SCALE_FIELD_NUMBER: _ClassVar[int]
    ADD_FIELD_NUMBER: _ClassVar[int]
    CONCATENATE_FIELD_NUMBER: _ClassVar[int]
    SUBTRACT_FIELD_NUMBER: _ClassVar[int]
    MULTIPLY_FIELD_NUMBER: _ClassVar[int]
    DIVIDE_FIELD_NUMBER: _ClassVar[int]
    POWER_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    STACK_TENSORS_FIELD_NUMBER: _ClassVar[int]
    DOT_FIELD_NUMBER: _ClassVar[int]
    MAT_MUL_FIELD_NUMBER: _ClassVar[int]
    EINSUM_FIELD_NUMBER: _ClassVar[int]
    COSINE_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    PAIRWISE_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    REDUCE_FIELD_NUMBER: _ClassVar[int]
    VARIANCE_FIELD_NUMBER: _ClassVar[int]
    ARG_MAX_FIELD_NUMBER: _ClassVar[int]
    ARG_MIN_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    SORT_FIELD_NUMBER: _ClassVar[int]
    CUM_SUM_FIELD_NUMBER: _ClassVar[int]
    NORMALIZE_FIELD_NUMBER: _ClassVar[int]
    ELEMENTWISE_FIELD_NUMBER: _ClassVar[int]
    CLIP_FIELD_NUMBER: _ClassVar[int]
    COMPARE_FIELD_NUMBER: _ClassVar[int]
    LOGICAL_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    LSTM_FIELD_NUMBER: _ClassVar[int]
    SIMPLE_RNN_FIELD_NUMBER: _ClassVar[int]
    GRU_FIELD_NUMBER: _ClassVar[int]
    RNN_FIELD_NUMBER: _ClassVar[int]
    BIDIRECTIONAL_FIELD_NUMBER: _ClassVar[int]
    CONV_LSTM_FIELD_NUMBER: _ClassVar[int]
    MULTI_HEAD_ATTENTION_FIELD_NUMBER: _ClassVar[int]
    GROUP_QUERY_ATTENTION_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_FIELD_NUMBER: _ClassVar[int]
    ADDITIVE_ATTENTION_FIELD_NUMBER: _ClassVar[int]
    TRANSFORMER_ENCODER_LAYER_FIELD_NUMBER: _ClassVar[int]
    TRANSFORMER_DECODER_LAYER_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    TIME_DISTRIBUTED_FIELD_NUMBER: _ClassVar[int]
    SPECTRAL_NORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    RE_LU_FIELD_NUMBER: _ClassVar[int]
    RELU6_FIELD_NUMBER: _ClassVar[int]
    LEAKY_RE_LU_FIELD_NUMBER: _ClassVar[int]
    ELU_FIELD_NUMBER: _ClassVar[int]
    SELU_FIELD_NUMBER: _ClassVar[int]
    GELU_FIELD_NUMBER: _ClassVar[int]
    SIGMOID_FIELD_NUMBER: _ClassVar[int]
    HARD_SIGMOID_FIELD_NUMBER: _ClassVar[int]
    TANH_FIELD_NUMBER: _ClassVar[int]
    SOFTPLUS_FIELD_NUMBER: _ClassVar[int]
    SILU_FIELD_NUMBER: _ClassVar[int]
    SOFTMAX_FIELD_NUMBER: _ClassVar[int]
    CELU_FIELD_NUMBER: _ClassVar[int]
    HARD_SWISH_FIELD_NUMBER: _ClassVar[int]
    HARD_TANH_FIELD_NUMBER: _ClassVar[int]
    SOFTSIGN_FIELD_NUMBER: _ClassVar[int]
    LOG_SOFTMAX_FIELD_NUMBER: _ClassVar[int]
    SOFTMIN_FIELD_NUMBER: _ClassVar[int]
    LOG_SIGMOID_FIELD_NUMBER: _ClassVar[int]
    MISH_FIELD_NUMBER: _ClassVar[int]
    EXPONENTIAL_FIELD_NUMBER: _ClassVar[int]
    HARD_SHRINK_FIELD_NUMBER: _ClassVar[int]
    SOFT_SHRINK_FIELD_NUMBER: _ClassVar[int]
    TANH_SHRINK_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    SQUAREPLUS_FIELD_NUMBER: _ClassVar[int]
    SPARSE_PLUS_FIELD_NUMBER: _ClassVar[int]
    SPARSE_SIGMOID_FIELD_NUMBER: _ClassVar[int]
    SPARSEMAX_FIELD_NUMBER: _ClassVar[int]
    RRELU_FIELD_NUMBER: _ClassVar[int]
    P_RE_LU_FIELD_NUMBER: _ClassVar[int]
    GLU_FIELD_NUMBER: _ClassVar[int]
    name: str
    inputs: _containers.RepeatedScalarFieldContainer[str]
    expect: _tensor_pb2.Shape
    weights_of: str
    input: _core_pb2.Input
    dense: _core_pb2.Dense
    activation: _core_pb2.Activation
    dropout: _core_pb2.Dropout
    einsum_dense: _core_pb2.EinsumDense
    embedding: _core_pb2.Embedding
    reversible_embedding: _core_pb2.ReversibleEmbedding
    category_encoding: _core_pb2.CategoryEncoding
    identity: _core_pb2.Identity
    spatial_dropout: _core_pb2.SpatialDropout
    gaussian_dropout: _core_pb2.GaussianDropout
    gaussian_noise: _core_pb2.GaussianNoise
    alpha_dropout: _core_pb2.AlphaDropout
    feature_alpha_dropout: _core_pb2.FeatureAlphaDropout
    activity_regularization: _core_pb2.ActivityRegularization
    masking: _core_pb2.Masking
    cast: _core_pb2.Cast
    parameter: _core_pb2.Parameter
    constant: _core_pb2.Constant
    conv: _convolution_pb2.Conv
    depthwise_conv: _convolution_pb2.DepthwiseConv
    separable_conv: _convolution_pb2.SeparableConv
    conv_transpose: _convolution_pb2.ConvTranspose
    max_pool: _pooling_pb2.MaxPool
    average_pool: _pooling_pb2.AveragePool
    global_max_pool: _pooling_pb2.GlobalMaxPool
    global_average_pool: _pooling_pb2.GlobalAveragePool
    adaptive_average_pool: _pooling_pb2.AdaptiveAveragePool
    adaptive_max_pool: _pooling_pb2.AdaptiveMaxPool
    lp_pool: _pooling_pb2.LpPool
    global_lp_pool: _pooling_pb2.GlobalLpPool
    max_unpool: _pooling_pb2.MaxUnpool
    flatten: _shaping_pb2.Flatten
    reshape: _shaping_pb2.Reshape
    permute: _shaping_pb2.Permute
    repeat_vector: _shaping_pb2.RepeatVector
    zero_padding: _shaping_pb2.ZeroPadding
    cropping: _shaping_pb2.Cropping
    pad: _shaping_pb2.Pad
    up_sampling: _shaping_pb2.UpSampling
    upsample: _shaping_pb2.Upsample
    resizing: _shaping_pb2.Resizing
    pixel_shuffle: _shaping_pb2.PixelShuffle
    pixel_unshuffle: _shaping_pb2.PixelUnshuffle
    channel_shuffle: _shaping_pb2.ChannelShuffle
    unfold: _shaping_pb2.Unfold
    fold: _shaping_pb2.Fold
    squeeze_axes: _shaping_pb2.SqueezeAxes
    unsqueeze_axes: _shaping_pb2.UnsqueezeAxes
    slice: _shaping_pb2.Slice
    take: _shaping_pb2.Take
    split: _shaping_pb2.Split
    roll: _shaping_pb2.Roll
    flip: _shaping_pb2.Flip
    tile: _shaping_pb2.Tile
    repeat: _shaping_pb2.Repeat
    broadcast_to: _shaping_pb2.BroadcastTo
    batch_normalization: _normalization_pb2.BatchNormalization
    layer_normalization: _normalization_pb2.LayerNormalization
    group_normalization: _normalization_pb2.GroupNormalization
    instance_normalization: _normalization_pb2.InstanceNormalization
    rms_normalization: _normalization_pb2.RMSNormalization
    unit_normalization: _normalization_pb2.UnitNormalization
    local_response_normalization: _normalization_pb2.LocalResponseNormalization
    rescaling: _normalization_pb2.Rescaling
    normalization: _normalization_pb2.Normalization
    layer_scale: _normalization_pb2.LayerScale
    add: _merging_pb2.Add
    concatenate: _merging_pb2.Concatenate
    subtract: _merging_pb2.Subtract
    multiply: _merging_pb2.Multiply
    divide: _merging_pb2.Divide
    power: _merging_pb2.Power
    average: _merging_pb2.Average
    maximum: _merging_pb2.Maximum
    minimum: _merging_pb2.Minimum
    stack_tensors: _merging_pb2.StackTensors
    dot: _merging_pb2.Dot
    mat_mul: _merging_pb2.MatMul
    einsum: _merging_pb2.Einsum
    cosine_similarity: _merging_pb2.CosineSimilarity
    pairwise_distance: _merging_pb2.PairwiseDistance
    reduce: _merging_pb2.Reduce
    variance: _merging_pb2.Variance
    arg_max: _merging_pb2.ArgMax
    arg_min: _merging_pb2.ArgMin
    top_k: _merging_pb2.TopK
    sort: _merging_pb2.Sort
    cum_sum: _merging_pb2.CumSum
    normalize: _merging_pb2.Normalize
    elementwise: _merging_pb2.Elementwise
    clip: _merging_pb2.Clip
    compare: _merging_pb2.Compare
    logical: _merging_pb2.Logical
    where: _merging_pb2.Where
    lstm: _recurrent_pb2.LSTM
    simple_rnn: _recurrent_pb2.SimpleRNN
    gru: _recurrent_pb2.GRU
    rnn: _recurrent_pb2.RNN
    bidirectional: _recurrent_pb2.Bidirectional
    conv_lstm: _recurrent_pb2.ConvLSTM
    multi_head_attention: _attention_pb2.MultiHeadAttention
    group_query_attention: _attention_pb2.GroupQueryAttention
    attention: _attention_pb2.Attention
    additive_attention: _attention_pb2.AdditiveAttention
    transformer_encoder_layer: _attention_pb2.TransformerEncoderLayer
    transformer_decoder_layer: _attention_pb2.TransformerDecoderLayer
    block: Block
    time_distributed: TimeDistributed
    spectral_normalization: SpectralNormalization
    re_lu: _activations_pb2.Relu
    relu6: _activations_pb2.Relu6
    leaky_re_lu: _activations_pb2.LeakyRelu
    elu: _activations_pb2.Elu
    selu: _activations_pb2.Selu
    gelu: _activations_pb2.Gelu
    sigmoid: _activations_pb2.Sigmoid
    hard_sigmoid: _activations_pb2.HardSigmoid
    tanh: _activations_pb2.Tanh
    softplus: _activations_pb2.Softplus
    silu: _activations_pb2.Silu
    softmax: _activations_pb2.Softmax
    celu: _activations_pb2.Celu
    hard_swish: _activations_pb2.HardSwish
    hard_tanh: _activations_pb2.HardTanh
    softsign: _activations_pb2.Softsign
    log_softmax: _activations_pb2.LogSoftmax
    softmin: _activations_pb2.Softmin
    log_sigmoid: _activations_pb2.LogSigmoid
    mish: _activations_pb2.Mish
    exponential: _activations_pb2.Exponential
    hard_shrink: _activations_pb2.HardShrink
    soft_shrink: _activations_pb2.SoftShrink
    tanh_shrink: _activations_pb2.TanhShrink
    threshold: _activations_pb2.Threshold
    squareplus: _activations_pb2.Squareplus
    sparse_plus: _activations_pb2.SparsePlus
    sparse_sigmoid: _activations_pb2.SparseSigmoid
    sparsemax: _activations_pb2.Sparsemax
    rrelu: _activations_pb2.RRelu
    p_re_lu: _activations_pb2.PReLU
    glu: _activations_pb2.GLU
    def __init__(self, name: _Optional[str] = ..., inputs: _Optional[_Iterable[str]] = ..., expect: _Optional[_Union[_tensor_pb2.Shape, _Mapping]] = ..., weights_of: _Optional[str] = ..., input: _Optional[_Union[_core_pb2.Input, _Mapping]] = ..., dense: _Optional[_Union[_core_pb2.Dense, _Mapping]] = ..., activation: _Optional[_Union[_core_pb2.Activation, _Mapping]] = ..., dropout: _Optional[_Union[_core_pb2.Dropout, _Mapping]] = ..., einsum_dense: _Optional[_Union[_core_pb2.EinsumDense, _Mapping]] = ..., embedding: _Optional[_Union[_core_pb2.Embedding, _Mapping]] = ..., reversible_embedding: _Optional[_Union[_core_pb2.ReversibleEmbedding, _Mapping]] = ..., category_encoding: _Optional[_Union[_core_pb2.CategoryEncoding, _Mapping]] = ..., identity: _Optional[_Union[_core_pb2.Identity, _Mapping]] = ..., spatial_dropout: _Optional[_Union[_core_pb2.SpatialDropout, _Mapping]] = ..., gaussian_dropout: _Optional[_Union[_core_pb2.GaussianDropout, _Mapping]] = ..., gaussian_noise: _Optional[_Union[_core_pb2.GaussianNoise, _Mapping]] = ..., alpha_dropout: _Optional[_Union[_core_pb2.AlphaDropout, _Mapping]] = ..., feature_alpha_dropout: _Optional[_Union[_core_pb2.FeatureAlphaDropout, _Mapping]] = ..., activity_regularization: _Optional[_Union[_core_pb2.ActivityRegularization, _Mapping]] = ..., masking: _Optional[_Union[_core_pb2.Masking, _Mapping]] = ..., cast: _Optional[_Union[_core_pb2.Cast, _Mapping]] = ..., parameter: _Optional[_Union[_core_pb2.Parameter, _Mapping]] = ..., constant: _Optional[_Union[_core_pb2.Constant, _Mapping]] = ..., conv: _Optional[_Union[_convolution_pb2.Conv, _Mapping]] = ..., depthwise_conv: _Optional[_Union[_convolution_pb2.DepthwiseConv, _Mapping]] = ..., separable_conv: _Optional[_Union[_convolution_pb2.SeparableConv, _Mapping]] = ..., conv_transpose: _Optional[_Union[_convolution_pb2.ConvTranspose, _Mapping]] = ..., max_pool: _Optional[_Union[_pooling_pb2.MaxPool, _Mapping]] = ..., average_pool: _Optional[_Union[_pooling_pb2.AveragePool, _Mapping]] = ..., global_max_pool: _Optional[_Union[_pooling_pb2.GlobalMaxPool, _Mapping]] = ..., global_average_pool: _Optional[_Union[_pooling_pb2.GlobalAveragePool, _Mapping]] = ..., adaptive_average_pool: _Optional[_Union[_pooling_pb2.AdaptiveAveragePool, _Mapping]] = ..., adaptive_max_pool: _Optional[_Union[_pooling_pb2.AdaptiveMaxPool, _Mapping]] = ..., lp_pool: _Optional[_Union[_pooling_pb2.LpPool, _Mapping]] = ..., global_lp_pool: _Optional[_Union[_pooling_pb2.GlobalLpPool, _Mapping]] = ..., max_unpool: _Optional[_Union[_pooling_pb2.MaxUnpool, _Mapping]] = ..., flatten: _Optional[_Union[_shaping_pb2.Flatten, _Mapping]] = ..., reshape: _Optional[_Union[_shaping_pb2.Reshape, _Mapping]] = ..., permute: _Optional[_Union[_shaping_pb2.Permute, _Mapping]] = ..., repeat_vector: _Optional[_Union[_shaping_pb2.RepeatVector, _Mapping]] = ..., zero_padding: _Optional[_Union[_shaping_pb2.ZeroPadding, _Mapping]] = ..., cropping: _Optional[_Union[_shaping_pb2.Cropping, _Mapping]] = ..., pad: _Optional[_Union[_shaping_pb2.Pad, _Mapping]] = ..., up_sampling: _Optional[_Union[_shaping_pb2.UpSampling, _Mapping]] = ..., upsample: _Optional[_Union[_shaping_pb2.Upsample, _Mapping]] = ..., resizing: _Optional[_Union[_shaping_pb2.Resizing, _Mapping]] = ..., pixel_shuffle: _Optional[_Union[_shaping_pb2.PixelShuffle, _Mapping]] = ..., pixel_unshuffle: _Optional[_Union[_shaping_pb2.PixelUnshuffle, _Mapping]] = ..., channel_shuffle: _Optional[_Union[_shaping_pb2.ChannelShuffle, _Mapping]] = ..., unfold: _Optional[_Union[_shaping_pb2.Unfold, _Mapping]] = ..., fold: _Optional[_Union[_shaping_pb2.Fold, _Mapping]] = ..., squeeze_axes: _Optional[_Union[_shaping_pb2.SqueezeAxes, _Mapping]] = ..., unsqueeze_axes: _Optional[_Union[_shaping_pb2.UnsqueezeAxes, _Mapping]] = ..., slice: _Optional[_Union[_shaping_pb2.Slice, _Mapping]] = ..., take: _Optional[_Union[_shaping_pb2.Take, _Mapping]] = ..., split: _Optional[_Union[_shaping_pb2.Split, _Mapping]] = ..., roll: _Optional[_Union[_shaping_pb2.Roll, _Mapping]] = ..., flip: _Optional[_Union[_shaping_pb2.Flip, _Mapping]] = ..., tile: _Optional[_Union[_shaping_pb2.Tile, _Mapping]] = ..., repeat: _Optional[_Union[_shaping_pb2.Repeat, _Mapping]] = ..., broadcast_to: _Optional[_Union[_shaping_pb2.BroadcastTo, _Mapping]] = ..., batch_normalization: _Optional[_Union[_normalization_pb2.BatchNormalization, _Mapping]] = ..., layer_normalization: _Optional[_Union[_normalization_pb2.LayerNormalization, _Mapping]] = ..., group_normalization: _Optional[_Union[_normalization_pb2.GroupNormalization, _Mapping]] = ..., instance_normalization: _Optional[_Union[_normalization_pb2.InstanceNormalization, _Mapping]] = ..., rms_normalization: _Optional[_Union[_normalization_pb2.RMSNormalization, _Mapping]] = ..., unit_normalization: _Optional[_Union[_normalization_pb2.UnitNormalization, _Mapping]] = ..., local_response_normalization: _Optional[_Union[_normalization_pb2.LocalResponseNormalization, _Mapping]] = ..., rescaling: _Optional[_Union[_normalization_pb2.Rescaling, _Mapping]] = ..., normalization: _Optional[_Union[_normalization_pb2.Normalization, _Mapping]] = ..., layer_scale: _Optional[_Union[_normalization_pb2.LayerScale, _Mapping]] = ..., add: _Optional[_Union[_merging_pb2.Add, _Mapping]] = ..., concatenate: _Optional[_Union[_merging_pb2.Concatenate, _Mapping]] = ..., subtract: _Optional[_Union[_merging_pb2.Subtract, _Mapping]] = ..., multiply: _Optional[_Union[_merging_pb2.Multiply, _Mapping]] = ..., divide: _Optional[_Union[_merging_pb2.Divide, _Mapping]] = ..., power: _Optional[_Union[_merging_pb2.Power, _Mapping]] = ..., average: _Optional[_Union[_merging_pb2.Average, _Mapping]] = ..., maximum: _Optional[_Union[_merging_pb2.Maximum, _Mapping]] = ..., minimum: _Optional[_Union[_merging_pb2.Minimum, _Mapping]] = ..., stack_tensors: _Optional[_Union[_merging_pb2.StackTensors, _Mapping]] = ..., dot: _Optional[_Union[_merging_pb2.Dot, _Mapping]] = ..., mat_mul: _Optional[_Union[_merging_pb2.MatMul, _Mapping]] = ..., einsum: _Optional[_Union[_merging_pb2.Einsum, _Mapping]] = ..., cosine_similarity: _Optional[_Union[_merging_pb2.CosineSimilarity, _Mapping]] = ..., pairwise_distance: _Optional[_Union[_merging_pb2.PairwiseDistance, _Mapping]] = ..., reduce: _Optional[_Union[_merging_pb2.Reduce, _Mapping]] = ..., variance: _Optional[_Union[_merging_pb2.Variance, _Mapping]] = ..., arg_max: _Optional[_Union[_merging_pb2.ArgMax, _Mapping]] = ..., arg_min: _Optional[_Union[_merging_pb2.ArgMin, _Mapping]] = ..., top_k: _Optional[_Union[_merging_pb2.TopK, _Mapping]] = ..., sort: _Optional[_Union[_merging_pb2.Sort, _Mapping]] = ..., cum_sum: _Optional[_Union[_merging_pb2.CumSum, _Mapping]] = ..., normalize: _Optional[_Union[_merging_pb2.Normalize, _Mapping]] = ..., elementwise: _Optional[_Union[_merging_pb2.Elementwise, _Mapping]] = ..., clip: _Optional[_Union[_merging_pb2.Clip, _Mapping]] = ..., compare: _Optional[_Union[_merging_pb2.Compare, _Mapping]] = ..., logical: _Optional[_Union[_merging_pb2.Logical, _Mapping]] = ..., where: _Optional[_Union[_merging_pb2.Where, _Mapping]] = ..., lstm: _Optional[_Union[_recurrent_pb2.LSTM, _Mapping]] = ..., simple_rnn: _Optional[_Union[_recurrent_pb2.SimpleRNN, _Mapping]] = ..., gru: _Optional[_Union[_recurrent_pb2.GRU, _Mapping]] = ..., rnn: _Optional[_Union[_recurrent_pb2.RNN, _Mapping]] = ..., bidirectional: _Optional[_Union[_recurrent_pb2.Bidirectional, _Mapping]] = ..., conv_lstm: _Optional[_Union[_recurrent_pb2.ConvLSTM, _Mapping]] = ..., multi_head_attention: _Optional[_Union[_attention_pb2.MultiHeadAttention, _Mapping]] = ..., group_query_attention: _Optional[_Union[_attention_pb2.GroupQueryAttention, _Mapping]] = ..., attention: _Optional[_Union[_attention_pb2.Attention, _Mapping]] = ..., additive_attention: _Optional[_Union[_attention_pb2.AdditiveAttention, _Mapping]] = ..., transformer_encoder_layer: _Optional[_Union[_attention_pb2.TransformerEncoderLayer, _Mapping]] = ..., transformer_decoder_layer: _Optional[_Union[_attention_pb2.TransformerDecoderLayer, _Mapping]] = ..., block: _Optional[_Union[Block, _Mapping]] = ..., time_distributed: _Optional[_Union[TimeDistributed, _Mapping]] = ..., spectral_normalization: _Optional[_Union[SpectralNormalization, _Mapping]] = ..., re_lu: _Optional[_Union[_activations_pb2.Relu, _Mapping]] = ..., relu6: _Optional[_Union[_activations_pb2.Relu6, _Mapping]] = ..., leaky_re_lu: _Optional[_Union[_activations_pb2.LeakyRelu, _Mapping]] = ..., elu: _Optional[_Union[_activations_pb2.Elu, _Mapping]] = ..., selu: _Optional[_Union[_activations_pb2.Selu, _Mapping]] = ..., gelu: _Optional[_Union[_activations_pb2.Gelu, _Mapping]] = ..., sigmoid: _Optional[_Union[_activations_pb2.Sigmoid, _Mapping]] = ..., hard_sigmoid: _Optional[_Union[_activations_pb2.HardSigmoid, _Mapping]] = ..., tanh: _Optional[_Union[_activations_pb2.Tanh, _Mapping]] = ..., softplus: _Optional[_Union[_activations_pb2.Softplus, _Mapping]] = ..., silu: _Optional[_Union[_activations_pb2.Silu, _Mapping]] = ..., softmax: _Optional[_Union[_activations_pb2.Softmax, _Mapping]] = ..., celu: _Optional[_Union[_activations_pb2.Celu, _Mapping]] = ..., hard_swish: _Optional[_Union[_activations_pb2.HardSwish, _Mapping]] = ..., hard_tanh: _Optional[_Union[_activations_pb2.HardTanh, _Mapping]] = ..., softsign: _Optional[_Union[_activations_pb2.Softsign, _Mapping]] = ..., log_softmax: _Optional[_Union[_activations_pb2.LogSoftmax, _Mapping]] = ..., softmin: _Optional[_Union[_activations_pb2.Softmin, _Mapping]] = ..., log_sigmoid: _Optional[_Union[_activations_pb2.LogSigmoid, _Mapping]] = ..., mish: _Optional[_Union[_activations_pb2.Mish, _Mapping]] = ..., exponential: _Optional[_Union[_activations_pb2.Exponential, _Mapping]] = ..., hard_shrink: _Optional[_Union[_activations_pb2.HardShrink, _Mapping]] = ..., soft_shrink: _Optional[_Union[_activations_pb2.SoftShrink, _Mapping]] = ..., tanh_shrink: _Optional[_Union[_activations_pb2.TanhShrink, _Mapping]] = ..., threshold: _Optional[_Union[_activations_pb2.Threshold, _Mapping]] = ..., squareplus: _Optional[_Union[_activations_pb2.Squareplus, _Mapping]] = ..., sparse_plus: _Optional[_Union[_activations_pb2.SparsePlus, _Mapping]] = ..., sparse_sigmoid: _Optional[_Union[_activations_pb2.SparseSigmoid, _Mapping]] = ..., sparsemax: _Optional[_Union[_activations_pb2.Sparsemax, _Mapping]] = ..., rrelu: _Optional[_Union[_activations_pb2.RRelu, _Mapping]] = ..., p_re_lu: _Optional[_Union[_activations_pb2.PReLU, _Mapping]] = ..., glu: _Optional[_Union[_activations_pb2.GLU, _Mapping]] = ...) -> None: ...

class Block(_message.Message):
    __slots__ = ("stack",)
    STACK_FIELD_NUMBER: _ClassVar[int]
    stack: str
    def __init__(self, stack: _Optional[str] = ...) -> None: ...

class TimeDistributed(_message.Message):
    __slots__ = ("layer",)
    LAYER_FIELD_NUMBER: _ClassVar[int]
    layer: Layer
    def __init__(self, layer: _Optional[_Union[Layer, _Mapping]] = ...) -> None: ...

class SpectralNormalization(_message.Message):
    __slots__ = ("layer", "power_iterations")
    LAYER_FIELD_NUMBER: _ClassVar[int]
    POWER_ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    layer: Layer
    power_iterations: int
    def __init__(self, layer: _Optional[_Union[Layer, _Mapping]] = ..., power_iterations: _Optional[int] = ...) -> None: ...
