"""PyTorch's recurrent modules, attention and transformers as Lamina's layers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.conformance.lamina import LAST, Array, Check, Net, functions, kinds
from tests.conformance.torch_sample import Sample, maps, numpy

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


def _gates(mode: str, weight: Any) -> Array:
    """Keras' order of gates: of a GRU r, z, n become z, r, n; the others are the same."""
    array = numpy(weight)
    if mode != "GRU":
        return array
    r, z, n = np.split(array, 3)
    return np.concatenate([z, r, n])


def _cell_weights(mode: str, m: Any, end: str, prefix: str) -> dict[str, Array]:
    kernels = {"kernel": f"weight_ih{end}", "recurrent_kernel": f"weight_hh{end}"}
    found = {f"{prefix}{ours}": _gates(mode, getattr(m, theirs)).T for ours, theirs in kernels.items()}
    if m.bias:
        two = [_gates(mode, getattr(m, f"bias_{which}{end}")) for which in ("ih", "hh")]
        found[f"{prefix}bias"] = np.stack(two) if mode == "GRU" else two[0] + two[1]
    if getattr(m, "proj_size", 0):
        found[f"{prefix}projection"] = numpy(getattr(m, f"weight_hr{end}")).T
    return found


def _kind(mode: str, m: Any, **options: Any) -> Any:
    if mode == "RNN":
        options["activation"] = functions.Relu() if m.nonlinearity == "relu" else functions.Tanh()
    if getattr(m, "proj_size", 0):
        options["proj_size"] = m.proj_size
    name = {"RNN": "SimpleRNN"}.get(mode, mode)
    return getattr(kinds, name)(m.hidden_size, use_bias=bool(m.bias), return_state=True, **options)


@maps("RNN", "LSTM", "GRU")
def recurrent(m: Any, s: Sample) -> Check:
    """The batch first, as Lamina has it; states (layers * directions, batch, size) one by one, side by side."""
    mode, sides = type(m).__name__, 2 if m.bidirectional else 1
    unbatched = s.x.ndim == 2
    x, y = (array[None] if unbatched else array if m.batch_first else array.swapaxes(0, 1) for array in (s.x, s.y))
    stacked = [array[:, None] if unbatched else array for array in s.arrays[1:] if array is not None]
    last = [array[:, None] if unbatched else array for array in s.outputs[1:]]
    net = Net(LAST)
    weights: dict[str, Array] = {}
    for side in range(sides):
        for level in range(m.num_layers):
            prefix = ("forward/", "backward/")[side] if sides == 2 else ""
            prefix += f"l{level}/" if m.num_layers > 1 else ""
            weights |= _cell_weights(mode, m, f"_l{level}{'_reverse' if side else ''}", prefix)
    kind = _kind(mode, m, return_sequences=True, num_layers=m.num_layers)
    kind = kinds.Bidirectional(kind) if sides == 2 else kind

    def ordered(states: Sequence[Array]) -> list[Array]:
        return [
            state[level * sides + side] for side in range(sides) for level in range(m.num_layers) for state in states
        ]

    net.add(kind, *[net.input(array) for array in (x, *ordered(stacked))], weights=weights)
    net.expect(y, *ordered(last))
    return net.check()


@maps("RNNCell", "LSTMCell", "GRUCell")
def cell(m: Any, s: Sample) -> Check:
    """One step of a layer with that cell."""
    mode = type(m).__name__.removesuffix("Cell")
    lift = s.x.ndim == 1
    arrays = [array[None] if lift else array for array in s.arrays if array is not None]
    states = [array[None] if lift else array for array in s.outputs]
    net = Net(LAST)
    sources = [net.input(arrays[0][:, None]), *(net.input(state) for state in arrays[1:])]
    net.add(_kind(mode, m), *sources, weights=_cell_weights(mode, m, "", ""))
    net.expect(states[0], *states)
    return net.check()


# ---- attention ----


def heads(mha: Any, prefix: str = "") -> dict[str, Array]:
    """in_proj and out_proj as Keras' kernels, (features, heads, size) and (heads, size, features)."""
    rows = [mha.q_proj_weight, mha.k_proj_weight, mha.v_proj_weight]
    parts = np.split(numpy(mha.in_proj_weight), 3) if mha.in_proj_weight is not None else [numpy(row) for row in rows]
    biases = np.split(numpy(mha.in_proj_bias), 3) if mha.in_proj_bias is not None else []
    count, size = mha.num_heads, mha.embed_dim // mha.num_heads
    found: dict[str, Array] = {}
    for i, name in enumerate(("query", "key", "value")):
        found[f"{prefix}{name}/kernel"] = parts[i].T.reshape(-1, count, size)
        if biases:
            found[f"{prefix}{name}/bias"] = biases[i].reshape(count, size)
    found[f"{prefix}attention_output/kernel"] = numpy(mha.out_proj.weight).T.reshape(count, size, -1)
    if mha.out_proj.bias is not None:
        found[f"{prefix}attention_output/bias"] = numpy(mha.out_proj.bias)
    for name in ("bias_k", "bias_v"):
        if getattr(mha, name) is not None:
            found[f"{prefix}{name}"] = numpy(getattr(mha, name)).reshape(count, size)
    return found


def masks(mask: Any, padding: Any, queries: int, keys: int, batch: int, number: int) -> list[Array]:
    """PyTorch's two masks, which say what is not seen, as ours; numbers first. Two of numbers are one, their sum."""
    found: list[Array] = []
    if mask is not None:
        array = numpy(mask)
        shape = (batch, number, queries, keys) if array.ndim == 3 else (batch, queries, keys)
        found.append(array.reshape(shape) if array.ndim == 3 else np.broadcast_to(array, shape))
    if padding is not None:
        found.append(np.broadcast_to(np.atleast_2d(numpy(padding)), (batch, keys)))
    if len(found) == 2 and bool not in (found[0].dtype, found[1].dtype):
        found = [found[0] + found[1].reshape(batch, *(1,) * (found[0].ndim - 2), keys)]
    return sorted((~array if array.dtype == bool else array for array in found), key=lambda array: array.dtype == bool)


@maps("MultiheadAttention")
def attention(m: Any, s: Sample) -> Check:
    """The main output, and the weights where they are those of each head."""
    query, key, value = (_batch_first(array, m.batch_first) for array in s.arrays[:3] if array is not None)
    hidden = s.options.get("attn_mask"), s.options.get("key_padding_mask")
    given = masks(*hidden, query.shape[1], key.shape[1], len(query), m.num_heads)
    net = Net(LAST)
    sources = [net.input(array) for array in (query, value, key, *given)]
    kind = kinds.MultiHeadAttention(
        m.num_heads,
        m.head_dim,
        use_bias=m.in_proj_bias is not None,
        additive_mask=any(array.dtype != bool for array in given),
        add_bias_kv=m.bias_k is not None,
        add_zero_attn=m.add_zero_attn,
    )
    net.add(kind, *sources, weights=heads(m))
    net.expect(_batch_first(s.y, m.batch_first))
    return net.check()


def _batch_first(array: Array, is_first: bool) -> Array:
    if array.ndim == 2:
        return array[None]
    return array if is_first else array.swapaxes(0, 1)


# ---- transformers ----


def _norm(norm: Any, prefix: str) -> dict[str, Array]:
    found = {f"{prefix}gamma": numpy(norm.weight)}
    return found | ({} if norm.bias is None else {f"{prefix}beta": numpy(norm.bias)})


def _block(layer: Any) -> tuple[str, dict[str, Any], dict[str, Array]]:
    """Kind, options and weights of an encoder's or a decoder's layer."""
    decoder = hasattr(layer, "multihead_attn")
    activation = layer.activation
    name = getattr(activation, "__name__", type(activation).__name__).lower()
    bias = layer.linear1.bias is not None
    options = {
        "d_model": layer.linear1.in_features,
        "nhead": layer.self_attn.num_heads,
        "dim_feedforward": layer.linear1.out_features,
        "activation": functions.Relu() if name == "relu" else functions.Gelu(),
        "layer_norm_eps": layer.norm1.eps,
        "norm_first": layer.norm_first,
        "bias": bias,
    }
    weights = heads(layer.self_attn, "self_attention/")
    if decoder:
        weights |= heads(layer.multihead_attn, "cross_attention/")
    for which in ("linear1", "linear2"):
        weights[f"{which}/kernel"] = numpy(getattr(layer, which).weight).T
        if bias:
            weights[f"{which}/bias"] = numpy(getattr(layer, which).bias)
    for number in range(1, 4 if decoder else 3):
        weights |= _norm(getattr(layer, f"norm{number}"), f"norm{number}/")
    return ("TransformerDecoderLayer" if decoder else "TransformerEncoderLayer"), options, weights


def _causal(mask: Any) -> bool:
    """Whether a mask of numbers or truths hides exactly what comes later."""
    hidden = numpy(mask) if mask.dtype.is_floating_point is False else np.isneginf(numpy(mask))
    return hidden.ndim == 2 and bool(np.array_equal(hidden, np.triu(np.ones_like(hidden), 1)))


class _Tower:
    """Layers one above the other in a net."""

    def __init__(self, net: Net) -> None:
        self.net = net

    def encoder(self, layers: Any, x: str, batch: int, steps: int, mask: Any, padding: Any) -> str:
        """Encoder layers, of which each sees the same."""
        given = masks(mask, padding, steps, steps, batch, layers[0].self_attn.num_heads)
        names = [self.net.input(array) for array in given]
        for layer in layers:
            kind, options, weights = _block(layer)
            x = self.net.add(getattr(kinds, kind)(**options), x, *names, weights=weights)
        return x

    def decoder(self, layers: Any, x: str, memory: str, sizes: tuple[int, int, int], options: dict[str, Any]) -> str:
        """Decoder layers over one memory; sizes are batch, steps and those of the memory."""
        batch, steps, others = sizes
        number, own = layers[0].self_attn.num_heads, options.get("tgt_mask")
        causal = own is not None and _causal(own)
        hidden = (None if causal else own, options.get("tgt_key_padding_mask"))
        among = masks(*hidden, steps, steps, batch, number)
        hidden = options.get("memory_mask"), options.get("memory_key_padding_mask")
        towards = masks(*hidden, steps, others, batch, number)
        names = [self.net.input(array) for array in (*among, *towards)]
        for layer in layers:
            kind, made, weights = _block(layer)
            made |= {"use_causal_mask": causal, "target_masks": len(among)}
            x = self.net.add(getattr(kinds, kind)(**made), x, memory, *names, weights=weights)
        return x

    def norm(self, norm: Any, x: str) -> str:
        """The normalization at the end, where there is one."""
        if norm is None:
            return x
        kind = kinds.LayerNormalization((-1,), norm.eps, center=norm.bias is not None)
        return self.net.add(kind, x, weights=_norm(norm, ""))


@maps("TransformerEncoderLayer", "TransformerEncoder")
def encoder(m: Any, s: Sample) -> Check:
    layers = list(m.layers) if hasattr(m, "layers") else [m]
    first = layers[0].self_attn.batch_first
    x = _batch_first(s.x, first)
    net = Net(LAST)
    mask = s.options.get("src_mask", s.options.get("mask"))
    tower = _Tower(net)
    out = tower.encoder(layers, net.input(x), len(x), x.shape[1], mask, s.options.get("src_key_padding_mask"))
    tower.norm(getattr(m, "norm", None), out)
    net.expect(_batch_first(s.y, first))
    return net.check()


@maps("TransformerDecoderLayer", "TransformerDecoder")
def decoder(m: Any, s: Sample) -> Check:
    layers = list(m.layers) if hasattr(m, "layers") else [m]
    first = layers[0].self_attn.batch_first
    x, memory = (_batch_first(array, first) for array in s.arrays[:2] if array is not None)
    net = Net(LAST)
    sizes = (len(x), x.shape[1], memory.shape[1])
    tower = _Tower(net)
    out = tower.decoder(layers, net.input(x), net.input(memory), sizes, s.options)
    tower.norm(getattr(m, "norm", None), out)
    net.expect(_batch_first(s.y, first))
    return net.check()


@maps("Transformer")
def transformer(m: Any, s: Sample) -> Check:
    x, target = (_batch_first(array, m.batch_first) for array in s.arrays[:2] if array is not None)
    net = Net(LAST)
    tower = _Tower(net)
    options = s.options
    given = (options.get("src_mask"), options.get("src_key_padding_mask"))
    out = tower.encoder(list(m.encoder.layers), net.input(x), len(x), x.shape[1], *given)
    memory = tower.norm(m.encoder.norm, out)
    sizes = (len(target), target.shape[1], x.shape[1])
    out = tower.decoder(list(m.decoder.layers), net.input(target), memory, sizes, options)
    tower.norm(m.decoder.norm, out)
    net.expect(_batch_first(s.y, m.batch_first))
    return net.check()
