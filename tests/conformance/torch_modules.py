"""PyTorch's modules as Lamina's layers: activations, convolutions, pools, paddings, normalizations, linear."""

from typing import Any

import numpy as np

from tests.conformance.lamina import FIRST, Array, Check, Net, Unmapped, constant, functions, kinds, pairs
from tests.conformance.onnx_node import axis_of
from tests.conformance.torch_sample import Sample, maps, numpy, one, several, weights_of

# Module -> the function, and which of its options are which attributes.
ACTIVATIONS: dict[str, tuple[str, dict[str, str]]] = {
    **{name: (name, {}) for name in ("Tanh", "Sigmoid", "Softsign", "Mish")},
    "ReLU": ("Relu", {}),
    "ReLU6": ("Relu6", {}),
    "SELU": ("Selu", {}),
    "SiLU": ("Silu", {}),
    "LogSigmoid": ("LogSigmoid", {}),
    "Hardswish": ("HardSwish", {}),
    "Hardsigmoid": ("HardSigmoid", {}),
    "Tanhshrink": ("TanhShrink", {}),
    "ELU": ("Elu", {"alpha": "alpha"}),
    "CELU": ("Celu", {"alpha": "alpha"}),
    "LeakyReLU": ("LeakyRelu", {"negative_slope": "negative_slope"}),
    "RReLU": ("RRelu", {"lower": "lower", "upper": "upper"}),
    "Hardtanh": ("HardTanh", {"min_val": "min_val", "max_val": "max_val"}),
    "Hardshrink": ("HardShrink", {"threshold": "lambd"}),
    "Softshrink": ("SoftShrink", {"threshold": "lambd"}),
    "Threshold": ("Threshold", {"threshold": "threshold", "default_value": "value"}),
    "Softplus": ("Softplus", {"beta": "beta", "threshold": "threshold"}),
    "Softmax": ("Softmax", {"axis": "dim"}),
    "LogSoftmax": ("LogSoftmax", {"axis": "dim"}),
    "Softmin": ("Softmin", {"axis": "dim"}),
}


@maps(*ACTIVATIONS)
def activation(m: Any, s: Sample) -> Check:
    """A batch of one is put before, so that an axis may be any."""
    name, options = ACTIVATIONS[type(m).__name__]
    given = {ours: getattr(m, theirs) for ours, theirs in options.items()}
    if "axis" in given:
        given["axis"] = axis_of(given["axis"]) if s.x.ndim else -1
    if s.x.ndim == 0:
        s.lift()
    s.lift()
    return one(kinds.Activation(getattr(functions, name)(**given)), s)


@maps("GELU")
def gelu(m: Any, s: Sample) -> Check:
    s.lift()
    return one(kinds.Activation(functions.Gelu(m.approximate == "tanh")), s)


@maps("Softmax2d")
def softmax2d(m: Any, s: Sample) -> Check:
    s.lift()
    return one(kinds.Activation(functions.Softmax(-3)), s)


@maps("GLU")
def glu(m: Any, s: Sample) -> Check:
    s.lift()
    return one(kinds.GLU(axis_of(m.dim)), s)


@maps("PReLU")
def prelu(m: Any, s: Sample) -> Check:
    while s.x.ndim < 2:
        s.lift()
    alone = m.num_parameters == 1
    shape = [1] * (s.x.ndim - 1)
    shape[0] = m.num_parameters
    shared = tuple(range(1 if alone else 2, s.x.ndim))
    return one(kinds.PReLU(shared), s, {"alpha": numpy(m.weight).reshape(shape)})


# ---- windows ----


def kernel_of(weight: Array) -> Array:
    """(out, in, spatial...) as (spatial..., in, out); of a transposed one (spatial..., out, in)."""
    return np.moveaxis(weight, (0, 1), (-1, -2))


def _convolved(m: Any) -> dict[str, Array]:
    return {"kernel": kernel_of(numpy(m.weight))} | weights_of(m, bias="bias")


@maps("Conv1d", "Conv2d", "Conv3d")
def conv(m: Any, s: Sample) -> Check:
    rank = len(m.kernel_size)
    s.batched(rank + 2)
    options = {"groups": m.groups, "dilation_rate": m.dilation, "use_bias": m.bias is not None}
    padding = m.padding if isinstance(m.padding, str) else pairs(m.padding, m.padding)
    if m.padding_mode == "zeros":
        return one(kinds.Conv(m.out_channels, m.kernel_size, m.stride, padding, **options), s, _convolved(m))
    net = Net(FIRST)
    net.input(s.x)
    ends = m._reversed_padding_repeated_twice
    around = pairs(ends[::2][::-1], ends[1::2][::-1])
    net.add(kinds.Pad(around, {"replicate": "replicate"}.get(m.padding_mode, m.padding_mode)))
    net.add(kinds.Conv(m.out_channels, m.kernel_size, m.stride, "valid", **options), weights=_convolved(m))
    net.expect(s.y)
    return net.check()


@maps("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
def conv_transpose(m: Any, s: Sample) -> Check:
    s.batched(len(m.kernel_size) + 2)
    kind = kinds.ConvTranspose(
        m.out_channels,
        m.kernel_size,
        m.stride,
        pairs(m.padding, m.padding),
        m.output_padding,
        dilation_rate=m.dilation,
        use_bias=m.bias is not None,
        groups=m.groups,
    )
    return one(kind, s, _convolved(m))


def _rank(m: Any) -> int:
    return int(type(m).__name__[-2])


def _window(m: Any, rank: int) -> dict[str, Any]:
    size = several(m.kernel_size, rank)
    stride = several(size if m.stride is None else m.stride, rank)
    return {"pool_size": size, "strides": stride, "ceil_mode": m.ceil_mode}


@maps("MaxPool1d", "MaxPool2d", "MaxPool3d")
def max_pool(m: Any, s: Sample) -> Check:
    rank = _rank(m)
    s.batched(rank + 2)
    ends = several(m.padding, rank)
    more = {"dilation_rate": several(m.dilation, rank), "return_indices": m.return_indices}
    return one(kinds.MaxPool(padding=pairs(ends, ends), **_window(m, rank), **more), s)


@maps("AvgPool1d", "AvgPool2d", "AvgPool3d")
def average_pool(m: Any, s: Sample) -> Check:
    rank = _rank(m)
    s.batched(rank + 2)
    ends = several(m.padding, rank)
    more = {"count_include_pad": m.count_include_pad, "divisor_override": getattr(m, "divisor_override", None)}
    return one(kinds.AveragePool(padding=pairs(ends, ends), **_window(m, rank), **more), s)


@maps("LPPool1d", "LPPool2d", "LPPool3d")
def lp_pool(m: Any, s: Sample) -> Check:
    rank = _rank(m)
    s.batched(rank + 2)
    return one(kinds.LpPool(norm_type=float(m.norm_type), **_window(m, rank)), s)


@maps(*(f"Adaptive{which}Pool{rank}d" for which in ("Avg", "Max") for rank in (1, 2, 3)))
def adaptive(m: Any, s: Sample) -> Check:
    rank = _rank(m)
    s.batched(rank + 2)
    if getattr(m, "return_indices", False):
        raise Unmapped("Lamina's adaptive maximum pools give no places")
    sizes = tuple(size or 0 for size in several(m.output_size, rank))
    return one(kinds.AdaptiveAveragePool(sizes) if "Avg" in type(m).__name__ else kinds.AdaptiveMaxPool(sizes), s)


@maps("FractionalMaxPool2d", "FractionalMaxPool3d")
def fractional(m: Any, s: Sample) -> Check:
    raise Unmapped("Lamina has no pools whose windows are drawn at random")


@maps("MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d")
def unpool(m: Any, s: Sample) -> Check:
    rank = _rank(m)
    s.batched(rank + 2)
    size, ends = several(m.kernel_size, rank), several(m.padding, rank)
    wanted = tuple(s.y.shape[2:]) if s.options.get("output_size") is not None else ()
    return one(kinds.MaxUnpool(size, several(m.stride, rank), pairs(ends, ends), output_size=wanted), s)


MODES = {"Constant": "constant", "Zero": "constant", "Reflection": "reflect", "Replication": "replicate"}
MODES["Circular"] = "circular"


@maps(*(f"{which}Pad{rank}d" for which in MODES for rank in (1, 2, 3)))
def pad(m: Any, s: Sample) -> Check:
    rank = _rank(m)
    s.batched(rank + 2)
    ends = pairs(m.padding[::2][::-1], m.padding[1::2][::-1])
    return one(kinds.Pad(ends, MODES[type(m).__name__[:-5]], float(getattr(m, "value", 0.0))), s)


# ---- normalizations, linear, lookups ----


@maps("BatchNorm1d", "BatchNorm2d", "BatchNorm3d")
def batch_norm(m: Any, s: Sample) -> Check:
    if m.running_mean is None:
        raise Unmapped("Lamina answers for inference, where statistics are stored, not taken from the batch")
    kind = kinds.BatchNormalization(axis=1, epsilon=m.eps, center=m.bias is not None, scale=m.weight is not None)
    names = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    return one(kind, s, weights_of(m, **names))


@maps("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d")
def instance_norm(m: Any, s: Sample) -> Check:
    s.batched(_rank(m) + 2)
    kind = kinds.InstanceNormalization(None, m.eps, m.bias is not None, m.weight is not None, m.track_running_stats)
    names = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    return one(kind, s, weights_of(m, **names))


@maps("GroupNorm")
def group_norm(m: Any, s: Sample) -> Check:
    shift = m.bias is not None
    kind = kinds.GroupNormalization(m.num_groups, 1, m.eps, shift, m.weight is not None)
    return one(kind, s, weights_of(m, gamma="weight", beta="bias"))


@maps("LayerNorm", "RMSNorm")
def layer_norm(m: Any, s: Sample) -> Check:
    axes, scale = tuple(range(-len(m.normalized_shape), 0)), m.weight is not None
    if s.x.ndim == len(axes):
        s.lift()
    if type(m).__name__ == "RMSNorm":
        eps = float(np.finfo(s.x.dtype).eps) if m.eps is None else m.eps
        return one(kinds.RMSNormalization(axes, eps, scale), s, weights_of(m, scale="weight"))
    kind = kinds.LayerNormalization(axes, m.eps, m.bias is not None, scale)
    return one(kind, s, weights_of(m, gamma="weight", beta="bias"))


@maps("LocalResponseNorm")
def local_response(m: Any, s: Sample) -> Check:
    return one(kinds.LocalResponseNormalization(m.size, m.alpha, m.beta, m.k, axis=1), s)


@maps("Linear")
def linear(m: Any, s: Sample) -> Check:
    if s.x.ndim == 1:
        s.lift()
    kind = kinds.Dense(m.out_features, use_bias=m.bias is not None)
    return one(kind, s, {"kernel": numpy(m.weight).T} | weights_of(m, bias="bias"))


@maps("Bilinear")
def bilinear(m: Any, s: Sample) -> Check:
    """x1 W x2 + b: x1 through a Dense that gives W's other two axes, then a product with x2 along one of them."""
    first, second = (array for array in s.arrays if array is not None)
    net = Net()
    weight = numpy(m.weight).transpose(1, 0, 2)
    lead = first.shape[:-1]
    rows = [array.reshape(-1, array.shape[-1]) for array in (first, second)]
    left, right = net.input(rows[0]), net.input(rows[1])
    net.add(kinds.Dense(weight[0].size, use_bias=False), left, weights={"kernel": weight.reshape(len(weight), -1)})
    net.add(kinds.Reshape(weight.shape[1:]))
    net.add(kinds.Einsum("bok,bk->bo"), net.nodes[-1].name or "", right)
    if m.bias is not None:
        net.add(kinds.Add(constant=constant(numpy(m.bias))))
    net.expect(s.y.reshape(-1, s.y.shape[len(lead)]))
    return net.check()


@maps("Embedding")
def embedding(m: Any, s: Sample) -> Check:
    dtype = kinds.Embedding.__dataclass_fields__["dtype"].type(str(s.y.dtype))
    return one(kinds.Embedding(m.num_embeddings, m.embedding_dim, dtype=dtype), s, weights_of(m, embeddings="weight"))
