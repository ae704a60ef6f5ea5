"""A grid over the options of every Keras layer that Lamina names: each pair of options with each pair of values.

What an option may be is written here once, for all classes that have it in their signature.
"""

import inspect
import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.conformance.keras_call import Call, keras
from tests.conformance.keras_convert import CLASSES
from tests.conformance.lamina import Array

# Values tried beside the default.
OPTIONS: dict[str, tuple[Any, ...]] = {
    "activation": ("relu", "tanh", "softmax"),
    "recurrent_activation": ("hard_sigmoid", "tanh"),
    "use_bias": (False,),
    "padding": ("same", "causal"),
    "strides": (2, 3),
    "dilation_rate": (2, 3),
    "groups": (2,),
    "depth_multiplier": (2,),
    "output_padding": (0, 1),
    "data_format": ("channels_first",),
    "pool_size": (3,),
    "keepdims": (True,),
    "return_sequences": (True,),
    "return_state": (True,),
    "go_backwards": (True,),
    "reset_after": (False,),
    "axis": (1, -2),
    "epsilon": (0.1,),
    "center": (False,),
    "scale": (False,),
    "offset": (0.25,),
    "negative_slope": (0.1,),
    "alpha": (0.5,),
    "max_value": (0.7,),
    "threshold": (0.2,),
    "shared_axes": ((1,),),
    "interpolation": ("bilinear", "bicubic"),
    "antialias": (True,),
    "crop_to_aspect_ratio": (True,),
    "pad_to_aspect_ratio": (True,),
    "score_mode": ("concat",),
    "use_scale": (True, False),
    "value_dim": (3,),
    "output_shape": (6,),
    "use_gate": (True,),
    "sliding_window": (2,),
    "merge_mode": ("sum", "mul", "ave", None),
    "tie_weights": (False,),
    "logit_soft_cap": (1.5,),
    "normalize": (True,),
    "invert": (True,),
    "output_mode": ("count", "one_hot"),
}
# Options that have no default.
NEEDED: dict[str, Any] = {
    "filters": 4,
    "kernel_size": 3,
    "units": 3,
    "pool_size": 2,
    "output_size": 3,
    "rate": 0.3,
    "stddev": 0.5,
    "n": 3,
    "dims": (2, 1),
    "target_shape": (4, -1),
    "scale": 1.5,
    "input_dim": 7,
    "output_dim": 4,
    "num_tokens": 5,
    "num_heads": 2,
    "key_dim": 3,
    "head_dim": 4,
    "num_query_heads": 4,
    "num_key_value_heads": 2,
    "activation": "gelu",
    "axes": 1,
    "height": 5,
    "width": 4,
    "equation": "abc,cd->abd",
    "output_shape": (None, 4),
}
# Class -> options always given.
ALWAYS: dict[str, dict[str, Any]] = {
    "GroupNormalization": {"groups": 2},
    "Normalization": {"mean": 0.5, "variance": 2.0},
    "EinsumDense": {"bias_axes": "d"},
    "BatchNormalization": {},
}
LENGTHS = (8, 7, 9)  # room for a window of 3 spread over 7
FLAT = {"Embedding", "CategoryEncoding", "ReversibleEmbedding"}
PAIRS = {"Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract", "AdditiveAttention"}
PAIRS |= {"Attention"}
NOT_HERE = {
    "InputLayer",
    "Lambda",
    "RNN",
    "StackedRNNCells",
    "TimeDistributed",
    "Bidirectional",
    "SpectralNormalization",
}
ACTIVATIONS = (
    *(
        "celu",
        "elu",
        "exponential",
        "gelu",
        "glu",
        "hard_shrink",
        "hard_sigmoid",
        "hard_silu",
        "hard_tanh",
        "leaky_relu",
    ),
    *(
        "linear",
        "log_sigmoid",
        "log_softmax",
        "mish",
        "relu",
        "relu6",
        "selu",
        "sigmoid",
        "silu",
        "soft_shrink",
        "softmax",
    ),
    *("softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "tanh", "tanh_shrink"),
    "threshold",
)


def grid() -> Iterator[tuple[str, Call]]:
    """The calls, class by class."""
    for name in sorted(set(CLASSES) & set(dir(keras.layers)) - NOT_HERE):
        cls = getattr(keras.layers, name)
        for given in _chosen(cls):
            call = _call(cls, given)
            if call is not None:
                yield f"{name}({', '.join(f'{k}={v!r}' for k, v in given.items())})", call
    for mode in ACTIVATIONS:
        made = _call(keras.layers.Activation, {"activation": mode})
        if made is not None:
            yield f"Activation({mode})", made
    yield from _held()


def _held() -> Iterator[tuple[str, Call]]:
    """Layers that hold others."""
    layers = keras.layers
    for inner in (layers.LSTM(3), layers.GRU(3), layers.SimpleRNN(3)):
        for mode, every in itertools.product(("concat", "sum", "mul", "ave", None), (False, True)):
            held = type(inner)(3, return_sequences=every)
            yield f"{mode} {every}", _of(layers.Bidirectional(held, merge_mode=mode), (2, 5, 4))
    inside: tuple[tuple[Any, tuple[int, ...]], ...] = (
        (layers.Dense(3), (2, 5, 4)),
        (layers.Conv2D(3, 2), (2, 3, 6, 5, 2)),
        (layers.Conv1D(3, 2), (2, 4, 6, 2)),
    )
    for held, shape in inside:
        yield type(held).__name__, _of(layers.TimeDistributed(held), shape)
    yield "Dense", _of(layers.SpectralNormalization(layers.Dense(3)), (2, 4))
    yield "Conv2D", _of(layers.SpectralNormalization(layers.Conv2D(3, 2)), (2, 6, 5, 2))
    for count in (1, 2, 3):
        cells = [layers.LSTMCell(3), layers.GRUCell(4), layers.SimpleRNNCell(2)][:count]
        for every in (False, True):
            yield f"{count} cells", _of(layers.RNN(cells, return_sequences=every), (2, 5, 4))


def _chosen(cls: Any) -> Iterator[dict[str, Any]]:
    """Options: none, and each pair with each pair of values."""
    names = inspect.signature(cls.__init__).parameters
    needed = {k: NEEDED[k] for k, p in names.items() if p.default is p.empty and k in NEEDED}
    base = needed | ALWAYS.get(cls.__name__, {})
    tried = {k: OPTIONS[k] for k in names if k in OPTIONS and (k not in base or k == "pool_size")}
    if not cls.__name__.startswith("Conv1D") and "padding" in tried:
        tried["padding"] = ("same",)
    yield base
    for name, values in tried.items():
        yield from (base | {name: value} for value in values)
    for (one, some), (other, more) in itertools.combinations(tried.items(), 2):
        yield from (base | {one: a, other: b} for a, b in itertools.product(some, more))


def _call(cls: Any, given: dict[str, Any]) -> Call | None:
    """The call, or None where Keras refuses the options themselves."""
    try:
        layer = cls(**given)
    except Exception:  # noqa: BLE001 - a pair of options that Keras has not
        return None
    arrays = _inputs(cls.__name__, given)
    return Call(cls, layer.get_config(), arrays, {}, cls.__name__ in PAIRS)


def _of(layer: Any, shape: tuple[int, ...]) -> Call:
    return Call(type(layer), layer.get_config(), (_drawn(shape),), {})


def _inputs(name: str, given: dict[str, Any]) -> tuple[Array, ...]:
    """Arrays that the class takes."""
    if name in FLAT:
        return (np.random.default_rng(1).integers(0, 5, (3, 4)).astype(np.int32),)
    ranked = re.search(r"(\d)D", name)
    rank = int(ranked[1]) if ranked else 2 if name in ("Resizing", "CenterCrop", "PReLU") else 1
    lengths, first = LENGTHS[:rank], given.get("data_format") == "channels_first"
    shape: tuple[int, ...] = (2, *((4, *lengths) if first else (*lengths, 4)))
    if name.startswith("ConvLSTM"):
        shape = (2, 3, *shape[1:])
    if name == "RepeatVector":
        shape = (2, 4)
    if name in ("MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention"):
        return (_drawn((2, 5, 4)), _drawn((2, 6, 4), 2))
    return tuple(_drawn(shape, seed) for seed in range(2 if name in PAIRS else 1))


def _drawn(shape: tuple[int, ...], seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
