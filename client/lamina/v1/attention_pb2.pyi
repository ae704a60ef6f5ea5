from lamina.v1 import activations_pb2 as _activations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ScoreMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCORE_MODE_UNSPECIFIED: _ClassVar[ScoreMode]
    SCORE_MODE_DOT: _ClassVar[ScoreMode]
    SCORE_MODE_CONCAT: _ClassVar[ScoreMode]
SCORE_MODE_UNSPECIFIED: ScoreMode
SCORE_MODE_DOT: ScoreMode
SCORE_MODE_CONCAT: ScoreMode

class MultiHeadAttention(_message.Message):
    __slots__ = ("num_heads", "key_dim", "value_dim", "dropout", "use_bias", "output_shape", "attention_axes", "sliding_window", "use_gate", "use_causal_mask", "return_attention_scores", "additive_mask", "add_bias_kv", "add_zero_attn")
    NUM_HEADS_FIELD_NUMBER: _ClassVar[int]
    KEY_DIM_FIELD_NUMBER: _ClassVar[int]
    VALUE_DIM_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SHAPE_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_AXES_FIELD_NUMBER: _ClassVar[int]
    SLIDING_WINDOW_FIELD_NUMBER: _ClassVar[int]
    USE_GATE_FIELD_NUMBER: _ClassVar[int]
    USE_CAUSAL_MASK_FIELD_NUMBER: _ClassVar[int]
    RETURN_ATTENTION_SCORES_FIELD_NUMBER: _ClassVar[int]
    ADDITIVE_MASK_FIELD_NUMBER: _ClassVar[int]
    ADD_BIAS_KV_FIELD_NUMBER: _ClassVar[int]
    ADD_ZERO_ATTN_FIELD_NUMBER: _ClassVar[int]
    num_heads: int
    key_dim: int
    value_dim: int
    dropout: float
    use_bias: bool
    output_shape: _containers.RepeatedScalarFieldContainer[int]
    attention_axes: _containers.RepeatedScalarFieldContainer[int]
    sliding_window: int
    use_gate: bool
    use_causal_mask: bool
    return_attention_scores: bool
    additive_mask: bool
    add_bias_kv: bool
    add_zero_attn: bool
    def __init__(self, num_heads: _Optional[int] = ..., key_dim: _Optional[int] = ..., value_dim: _Optional[int] = ..., dropout: _Optional[float] = ..., use_bias: bool = ..., output_shape: _Optional[_Iterable[int]] = ..., attention_axes: _Optional[_Iterable[int]] = ..., sliding_window: _Optional[int] = ..., use_gate: bool = ..., use_causal_mask: bool = ..., return_attention_scores: bool = ..., additive_mask: bool = ..., add_bias_kv: bool = ..., add_zero_attn: bool = ...) -> None: ...

class GroupQueryAttention(_message.Message):
    __slots__ = ("head_dim", "num_query_heads", "num_key_value_heads", "dropout", "use_bias", "sliding_window", "use_gate", "use_causal_mask", "return_attention_scores", "additive_mask")
    HEAD_DIM_FIELD_NUMBER: _ClassVar[int]
    NUM_QUERY_HEADS_FIELD_NUMBER: _ClassVar[int]
    NUM_KEY_VALUE_HEADS_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    SLIDING_WINDOW_FIELD_NUMBER: _ClassVar[int]
    USE_GATE_FIELD_NUMBER: _ClassVar[int]
    USE_CAUSAL_MASK_FIELD_NUMBER: _ClassVar[int]
    RETURN_ATTENTION_SCORES_FIELD_NUMBER: _ClassVar[int]
    ADDITIVE_MASK_FIELD_NUMBER: _ClassVar[int]
    head_dim: int
    num_query_heads: int
    num_key_value_heads: int
    dropout: float
    use_bias: bool
    sliding_window: int
    use_gate: bool
    use_causal_mask: bool
    return_attention_scores: bool
    additive_mask: bool
    def __init__(self, head_dim: _Optional[int] = ..., num_query_heads: _Optional[int] = ..., num_key_value_heads: _Optional[int] = ..., dropout: _Optional[float] = ..., use_bias: bool = ..., sliding_window: _Optional[int] = ..., use_gate: bool = ..., use_causal_mask: bool = ..., return_attention_scores: bool = ..., additive_mask: bool = ...) -> None: ...

class Attention(_message.Message):
    __slots__ = ("use_scale", "score_mode", "dropout", "scale", "use_causal_mask", "return_attention_scores", "additive_mask")
    USE_SCALE_FIELD_NUMBER: _ClassVar[int]
    SCORE_MODE_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    USE_CAUSAL_MASK_FIELD_NUMBER: _ClassVar[int]
    RETURN_ATTENTION_SCORES_FIELD_NUMBER: _ClassVar[int]
    ADDITIVE_MASK_FIELD_NUMBER: _ClassVar[int]
    use_scale: bool
    score_mode: ScoreMode
    dropout: float
    scale: float
    use_causal_mask: bool
    return_attention_scores: bool
    additive_mask: bool
    def __init__(self, use_scale: bool = ..., score_mode: _Optional[_Union[ScoreMode, str]] = ..., dropout: _Optional[float] = ..., scale: _Optional[float] = ..., use_causal_mask: bool = ..., return_attention_scores: bool = ..., additive_mask: bool = ...) -> None: ...

class AdditiveAttention(_message.Message):
    __slots__ = ("use_scale", "dropout", "use_causal_mask", "return_attention_scores", "additive_mask")
    USE_SCALE_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    USE_CAUSAL_MASK_FIELD_NUMBER: _ClassVar[int]
    RETURN_ATTENTION_SCORES_FIELD_NUMBER: _ClassVar[int]
    ADDITIVE_MASK_FIELD_NUMBER: _ClassVar[int]
    use_scale: bool
    dropout: float
    use_causal_mask: bool
    return_attention_scores: bool
    additive_mask: bool
    def __init__(self, use_scale: bool = ..., dropout: _Optional[float] = ..., use_causal_mask: bool = ..., return_attention_scores: bool = ..., additive_mask: bool = ...) -> None: ...

class TransformerEncoderLayer(_message.Message):
    __slots__ = ("d_model", "nhead", "dim_feedforward", "dropout", "activation", "layer_norm_eps", "norm_first", "bias", "use_causal_mask")
    D_MODEL_FIELD_NUMBER: _ClassVar[int]
    NHEAD_FIELD_NUMBER: _ClassVar[int]
    DIM_FEEDFORWARD_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    LAYER_NORM_EPS_FIELD_NUMBER: _ClassVar[int]
    NORM_FIRST_FIELD_NUMBER: _ClassVar[int]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    USE_CAUSAL_MASK_FIELD_NUMBER: _ClassVar[int]
    d_model: int
    nhead: int
    dim_feedforward: int
    dropout: float
    activation: _activations_pb2.ActivationFunction
    layer_norm_eps: float
    norm_first: bool
    bias: bool
    use_causal_mask: bool
    def __init__(self, d_model: _Optional[int] = ..., nhead: _Optional[int] = ..., dim_feedforward: _Optional[int] = ..., dropout: _Optional[float] = ..., activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., layer_norm_eps: _Optional[float] = ..., norm_first: bool = ..., bias: bool = ..., use_causal_mask: bool = ...) -> None: ...

class TransformerDecoderLayer(_message.Message):
    __slots__ = ("d_model", "nhead", "dim_feedforward", "dropout", "activation", "layer_norm_eps", "norm_first", "bias", "use_causal_mask", "target_masks")
    D_MODEL_FIELD_NUMBER: _ClassVar[int]
    NHEAD_FIELD_NUMBER: _ClassVar[int]
    DIM_FEEDFORWARD_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    LAYER_NORM_EPS_FIELD_NUMBER: _ClassVar[int]
    NORM_FIRST_FIELD_NUMBER: _ClassVar[int]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    USE_CAUSAL_MASK_FIELD_NUMBER: _ClassVar[int]
    TARGET_MASKS_FIELD_NUMBER: _ClassVar[int]
    d_model: int
    nhead: int
    dim_feedforward: int
    dropout: float
    activation: _activations_pb2.ActivationFunction
    layer_norm_eps: float
    norm_first: bool
    bias: bool
    use_causal_mask: bool
    target_masks: int
    def __init__(self, d_model: _Optional[int] = ..., nhead: _Optional[int] = ..., dim_feedforward: _Optional[int] = ..., dropout: _Optional[float] = ..., activation: _Optional[_Union[_activations_pb2.ActivationFunction, _Mapping]] = ..., layer_norm_eps: _Optional[float] = ..., norm_first: bool = ..., bias: bool = ..., use_causal_mask: bool = ..., target_masks: _Optional[int] = ...) -> None: ...
