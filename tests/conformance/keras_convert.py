"""Keras' layers as Lamina's: most options have the same names, so that one function serves most classes."""

import re
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from lamina_server.dims import symbol
from lamina_server.layers import FUNCTIONS, KINDS
from lamina_server.layers.tensors import DType, Layout
from lamina_server.layers.windows import PadPair
from lamina_server.trace import trace
from lamina_server.weights import weights_of
from tests.conformance.keras_call import CONVERTERS, Made, converts, keras
from tests.conformance.keras_faults import CUBIC, EDGES, bicubic, mean_inside
from tests.conformance.lamina import LAST, Array, Check, Net, Unmapped, functions, kinds

CLASSES = {sdk.name: kind for kind in reversed(KINDS) for sdk in kind.sdk if not sdk.operation}
_PLAIN = {function().name: function() for function in FUNCTIONS if function.__name__ != "Threshold"}
if "sparsemax" in _PLAIN:
    _PLAIN["sparsemax"] = functions.Sparsemax(as_keras=True)  # Keras 3's results need not sum to 1
_OTHER_NAMES = {"swish": "silu", "hard_swish": "hard_swish", "hard_silu": "hard_swish", "Identity": "linear"}
MASKED = "a mask beside the tensor: Lamina's masks are inputs, where a layer takes one"
# Options with no effect on what a layer gives at inference.
_IDLE = {"stateful", "unroll", "seed", "dropout", "recurrent_dropout"}


def convert(made: Made) -> Check:
    """The check for a layer that was called."""
    name = made.call.cls.__name__
    if made.config.get("lora_rank") or made.config.get("quantization_config") or "lora" in str(made.weights):
        raise Unmapped("Lamina has no low-rank updates and no quantization")
    if name in CONVERTERS:
        return CONVERTERS[name](made)
    if name not in CLASSES:
        raise Unmapped(f"Lamina has no {name}")
    if "mask" in made.call.named:
        raise Unmapped(MASKED)
    return checked(made, CLASSES[name](**options(made.layer, CLASSES[name])))


def checked(made: Made, kind: Any, arrays: Sequence[Array] | None = None) -> Check:
    """One layer with Keras' weights, by path where the paths are ours, else in their order."""
    net = Net(LAST)
    sources = [net.input(array) for array in (made.arrays if arrays is None else arrays)]
    net.add(kind, *sources, name="layer")
    traced = trace(net.check().stack)
    refs = traced.layer("layer").refs
    names = [name.partition("/")[2] for name, _ in weights_of(traced)]
    net.weights = {f"layer/{name}": value for name, value in matched(names, made).items()}
    net.params = sum(value.size for value in made.weights.values()) if len(names) == len(made.weights) else None
    if len(refs) != len(made.outputs):
        raise AssertionError(f"{len(made.outputs)} outputs in Keras, and {refs}")
    net.expected = dict(zip(refs, made.outputs, strict=True))
    return net.check()


def matched(names: Sequence[str], made: Made) -> dict[str, Array]:
    """Keras' weights under our names."""
    if set(names) <= set(made.weights):  # of an embedding and its way back one is used at a time
        return {name: made.weights[name] for name in names}
    ends = [path.rpartition("/")[2] for path in made.weights]
    ours = [name.rpartition("/")[2] for name in names]
    if sorted(ours) == sorted(set(ends)):
        by_end = dict(zip(ends, made.weights.values(), strict=True))
        return {name: by_end[end] for name, end in zip(names, ours, strict=True)}
    if ours != ends:
        raise AssertionError(f"weights {list(made.weights)} in Keras, {list(names)} here")
    return dict(zip(names, made.weights.values(), strict=True))


def options(layer: Any, kind: Any) -> dict[str, Any]:
    """The options of a layer that have the same name here and there."""
    found = {}
    for item in fields(kind):
        if hasattr(layer, item.name) and item.name not in _IDLE:
            given = getattr(layer, item.name)
            if isinstance(given, keras.Variable):  # a weight of the same name
                continue
            value = option(given)
            if value is None and item.default is not None:
                continue
            found[item.name] = value
    ranked = re.search(r"(\d)D", type(layer).__name__)
    for name in ("padding", "cropping"):  # of one axis: the two ends, not one for each axis
        if ranked and ranked[1] == "1" and isinstance(found.get(name), tuple):
            found[name] = (found[name],) if isinstance(found[name][0], int) else found[name]
    for name in ("kernel_size", "strides", "pool_size", "dilation_rate", "size", "padding", "cropping", "output_size"):
        if ranked and isinstance(found.get(name), int):
            found[name] = (found[name],) * int(ranked[1])
    for name in ("padding", "cropping"):
        if isinstance(found.get(name), tuple):
            found[name] = tuple(
                PadPair(*ends) if isinstance(ends, tuple) else PadPair(ends, ends) for ends in found[name]
            )
    if "dtype" in found:
        found["dtype"] = DType(layer.compute_dtype)
    return found


def option(value: Any) -> Any:
    """A value as our options have it."""
    if isinstance(value, list | tuple):
        return tuple(option(item) for item in value)
    if isinstance(value, str) and value in tuple(Layout):
        return Layout(value)
    if isinstance(value, np.generic):
        return value.item()
    return function(value) if callable(value) and not isinstance(value, type) else value


def function(value: Any) -> Any:
    """An activation function of Keras' as ours. Raises Unmapped for one that a test has made."""
    name = getattr(value, "__name__", type(value).__name__)
    name = _OTHER_NAMES.get(name, name)
    if isinstance(value, keras.layers.Layer):
        raise Unmapped("a layer as an activation")
    if name not in _PLAIN:
        raise Unmapped(f"Lamina has no activation {name}")
    return None if name == "linear" else _PLAIN[name]


def axes(value: Any) -> tuple[int, ...]:
    """Axes as a tuple."""
    return tuple(value) if isinstance(value, list | tuple) else (value,)


# ---- classes whose options are called otherwise ----


@converts("Activation")
def activation(made: Made) -> Check:
    return checked(made, kinds.Activation(function(made.layer.activation) or functions.Linear()))


@converts("Softmax")
def softmax(made: Made) -> Check:
    several = isinstance(made.layer.axis, list | tuple)
    kind = kinds.Softmax(**{"axes" if several else "axis": option(made.layer.axis)})
    x, *masks = with_mask(made)
    masks = [mask if mask.dtype == bool else mask > 0.5 for mask in masks]
    return checked(made, kind, [x, *(np.broadcast_to(mask, (len(x), *mask.shape[-x.ndim + 1 :])) for mask in masks)])


@converts("GlobalAveragePooling1D")
def masked_mean(made: Made) -> Check:
    x, *masks = with_mask(made)
    kind = kinds.GlobalAveragePool(**options(made.layer, kinds.GlobalAveragePool) | {"rank": 1})
    return checked(made, kind, [x, *(mask.astype(bool) for mask in masks)])


def with_mask(made: Made) -> list[Any]:
    """What the layer is called with, and the mask behind it where there is one."""
    mask = made.call.named.get("mask")
    return [*made.arrays, *([] if mask is None else [np.asarray(mask)])]


@converts("BatchNormalization")
def batch_normalization(made: Made) -> Check:
    """Keras' mask is for the statistics of training."""
    layer = made.layer
    if made.config.get("renorm"):
        raise Unmapped("Lamina answers for inference, where renormalization does nothing that is stored")
    return checked(made, kinds.BatchNormalization(layer.axis, layer.momentum, layer.epsilon, layer.center, layer.scale))


@converts("LayerNormalization", "RMSNormalization", "UnitNormalization", "GroupNormalization", "Normalization")
def normalization(made: Made) -> Check:
    cls = CLASSES[made.call.cls.__name__]
    given = options(made.layer, cls)
    if "axis" in given and cls.__name__ != "GroupNormalization":
        given["axis"] = axes(made.layer.axis)
    if cls.__name__ == "Normalization":
        return checked(made, cls(**statistics(made)))
    return checked(made, cls(**given))


def statistics(made: Made) -> dict[str, Any]:
    """Options of Normalization: what was given as numbers stays numbers."""
    layer = made.layer
    axis = made.config["axis"]
    found: dict[str, Any] = {"invert": layer.invert, "scalar": axis is None}
    if axis is not None:
        found["axis"] = axes(axis)
    for name in ("mean", "variance"):
        given = made.config.get(name)
        if given is not None:
            found[name] = tuple(map(float, np.asarray(given).reshape(-1)))
    return found


@converts("ReLU")
def relu(made: Made) -> Check:
    layer = made.layer
    return checked(made, kinds.Relu(layer.max_value, float(layer.negative_slope), float(layer.threshold)))


@converts("PReLU")
def prelu(made: Made) -> Check:
    return checked(made, kinds.PReLU(tuple(made.layer.shared_axes or ())))


@converts("Flatten")
def flatten(made: Made) -> Check:
    first = made.layer.data_format == "channels_first"
    return checked(made, kinds.Flatten(Layout.CHANNELS_FIRST if first else None))


@converts("Reshape")
def reshape(made: Made) -> Check:
    return checked(made, kinds.Reshape(tuple(-1 if size is None else size for size in made.layer.target_shape)))


@converts("Dot")
def dot(made: Made) -> Check:
    return checked(made, kinds.Dot(axes(made.layer.axes), made.layer.normalize))


@converts("EinsumDense")
def einsum_dense(made: Made) -> Check:
    config = made.config
    given = config["output_shape"]
    sizes = tuple(size or symbol("?") for size in axes(given))
    kind = kinds.EinsumDense(config["equation"], sizes, function(made.layer.activation), config["bias_axes"])
    return checked(made, kind)


@converts("AveragePooling1D", "AveragePooling2D", "AveragePooling3D")
def average_pooling(made: Made) -> Check:
    """Keras on PyTorch repeats the edge where the pads differ; a mean of what lies inside is the third party."""
    check = checked(made, kinds.AveragePool(**options(made.layer, kinds.AveragePool)))
    if made.layer.padding != "same":
        return check
    return replace(check, fault=EDGES, instead={"layer": mean_inside(made)})


@converts("UpSampling2D", "Resizing")
def resized(made: Made) -> Check:
    kind = CLASSES[made.call.cls.__name__]
    check = checked(made, kind(**options(made.layer, kind)))
    odd = made.config["interpolation"] == "bicubic" and not made.config.get("antialias")
    if odd and (made.config.get("crop_to_aspect_ratio") or made.config.get("pad_to_aspect_ratio")):
        raise Unmapped(CUBIC)
    return replace(check, fault=CUBIC, instead={"layer": bicubic(made)}) if odd else check


@converts("Embedding", "ReversibleEmbedding")
def embedding(made: Made) -> Check:
    cls = CLASSES[made.call.cls.__name__]
    given = options(made.layer, cls)
    if made.call.named.get("reverse"):
        given |= {"reverse": True, "reverse_dtype": None}
    else:
        given["reverse_dtype"] = None
    if cls.__name__ == "Embedding":
        given.pop("reverse_dtype", None)
    given["dtype"] = DType(made.layer.compute_dtype)
    return checked(made, cls(**given))


@converts("CategoryEncoding")
def category_encoding(made: Made) -> Check:
    arrays = [*made.arrays, *(value for value in made.call.named.values() if isinstance(value, np.ndarray))]
    layer = made.layer
    return checked(made, kinds.CategoryEncoding(layer.num_tokens, layer.output_mode), arrays)


@converts("Discretization")
def discretization(made: Made) -> Check:
    layer = made.layer
    return checked(made, kinds.Discretization(tuple(map(float, layer.bin_boundaries or ())), layer.output_mode))


@converts("Rescaling")
def rescaling(made: Made) -> Check:
    numbers = (tuple(map(float, np.atleast_1d(made.config[name]))) for name in ("scale", "offset"))
    return checked(made, kinds.Rescaling(*numbers))


@converts("Masking", "Lambda", "InputLayer")
def unmapped(made: Made) -> Check:
    if made.call.cls.__name__ == "Masking":
        return checked(made, kinds.Masking(float(np.asarray(made.layer.mask_value))))
    raise Unmapped(f"Lamina runs no code: it has no {made.call.cls.__name__}")
