"""ONNX operators that have a batch axis of their own: convolutions, pools, normalizations, recurrences, products."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tests.conformance.lamina import LAST, Array, Check, Net, Unmapped, ints, kinds, layer, pairs
from tests.conformance.onnx_node import OnnxNode, axis_of, lifted, maps, through, together

_AUTO = {"VALID": "valid", "SAME_UPPER": "same", "SAME_LOWER": "same_lower"}


def padding(node: OnnxNode, rank: int) -> Any:
    """A window's padding."""
    auto = node.get("auto_pad", "NOTSET")
    if auto != "NOTSET":
        return _AUTO[auto]
    ends = node.get("pads") or [0] * 2 * rank
    return pairs(ends[:rank], ends[rank:])


def kernel_of(weight: Array) -> Array:
    """(out, in, spatial...) as (spatial..., in, out), which turns a transposed one the same way."""
    return np.moveaxis(weight, (0, 1), (-1, -2))


@maps("Conv")
def conv(node: OnnxNode) -> Check:
    weight, bias = node.need(1), node.maybe(2)
    rank = weight.ndim - 2
    kind = kinds.Conv(
        weight.shape[0],
        weight.shape[2:],
        ints(node.get("strides", [1] * rank)),
        padding(node, rank),
        dilation_rate=ints(node.get("dilations", [1] * rank)),
        groups=node.get("group", 1),
        use_bias=bias is not None,
    )
    given = {"kernel": kernel_of(weight)} | ({"bias": bias} if bias is not None else {})
    return layer(kind, [node.x], [node.y], given)


@maps("ConvTranspose")
def conv_transpose(node: OnnxNode) -> Check:
    weight, groups = node.need(1), node.get("group", 1)
    rank = weight.ndim - 2
    strides, dilations = node.get("strides", [1] * rank), node.get("dilations", [1] * rank)
    cropped, added = _crops(node, [d * (k - 1) + 1 for k, d in zip(weight.shape[2:], dilations, strict=True)], strides)
    kind = kinds.ConvTranspose(
        weight.shape[1] * groups,
        weight.shape[2:],
        ints(strides),
        cropped,
        added,
        dilation_rate=ints(dilations),
        groups=groups,
        use_bias=False,
    )
    return layer(kind, [node.x], [node.y], {"kernel": kernel_of(weight)})


def _crops(node: OnnxNode, extents: Sequence[int], strides: Sequence[int]) -> tuple[Any, tuple[int, ...]]:
    """What is cut off at both ends, and put at the end, in numbers: from pads, a rule, or a wanted shape."""
    rank = len(extents)
    added = list(node.get("output_padding") or [0] * rank)
    auto, wanted, lengths = node.get("auto_pad", "NOTSET"), node.get("output_shape"), node.x.shape[2:]
    if auto == "NOTSET" and wanted is None:
        return padding(node, rank), tuple(added)
    before, after = [], []
    for i, (extent, stride, length) in enumerate(zip(extents, strides, lengths, strict=True)):
        total = stride * (length - 1) + added[i] + extent - (wanted[i] if wanted else length * stride)
        added[i] += max(-total, 0)
        total = max(total, 0)
        first = total // 2 if auto == "SAME_UPPER" else total - total // 2
        before.append(first)
        after.append(total - first)
    return pairs(before, after), tuple(added)


@maps("MaxPool", "AveragePool", "LpPool")
def pool(node: OnnxNode) -> Check:
    size = ints(node.get("kernel_shape"))
    rank = len(size)
    options: dict[str, Any] = {"strides": ints(node.get("strides", [1] * rank)), "padding": padding(node, rank)}
    options["ceil_mode"] = bool(node.get("ceil_mode", 0))
    spread = ints(node.get("dilations", [1] * rank))
    outputs: list[Any] = [node.y]
    if node.op == "MaxPool":
        kind = kinds.MaxPool
        options["dilation_rate"] = spread
        if len(node.outputs) > 1:
            if node.get("storage_order", 0):
                raise Unmapped("Lamina counts places row by row")
            options["return_indices"] = True
            outputs.append(node.outputs[1])
    elif max(spread) > 1:
        raise Unmapped("Lamina spreads the windows of maximum pools alone")
    elif node.op == "AveragePool":
        kind, options["count_include_pad"] = kinds.AveragePool, bool(node.get("count_include_pad", 0))
    else:
        kind, options["norm_type"] = kinds.LpPool, float(node.get("p", 2))
        options |= {"signed": False, "scale_partial": False}
    check = layer(kind(pool_size=size, **options), [node.x], outputs)
    few = np.array_equal(node.y, np.round(node.y, 4)) and node.y.size < 10  # ONNX wrote them down by hand
    return replace(check, decimals=4) if few else check


@maps("GlobalAveragePool", "GlobalMaxPool")
def global_pool(node: OnnxNode) -> Check:
    return layer(getattr(kinds, node.op)(keepdims=True), [node.x], [node.y])


@maps("MaxUnpool")
def unpool(node: OnnxNode) -> Check:
    size = ints(node.get("kernel_shape"))
    if node.maybe(2) is not None:
        raise Unmapped("Lamina counts places in the plane that comes out, as PyTorch, not in the smallest that might")
    kind = kinds.MaxUnpool(size, ints(node.get("strides", [1] * len(size))), padding(node, len(size)))
    return layer(kind, [node.x, node.need(1)], [node.y])


# ---- normalizations ----


@maps("BatchNormalization")
def batch_norm(node: OnnxNode) -> Check:
    if node.get("training_mode", 0):
        raise Unmapped("Lamina answers for inference, not for training")
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    weights = dict(zip(names, node.given[1:], strict=True))
    return layer(kinds.BatchNormalization(epsilon=node.get("epsilon", 1e-5)), [node.x], [node.y], weights)


@maps("InstanceNormalization", "GroupNormalization")
def grouped_norm(node: OnnxNode) -> Check:
    options = {"epsilon": node.get("epsilon", 1e-5), "center": True, "scale": True}
    if node.op == "GroupNormalization":
        options["groups"] = node.get("num_groups")
    return layer(getattr(kinds, node.op)(**options), [node.x], [node.y], {"gamma": node.need(1), "beta": node.need(2)})


@maps("LayerNormalization", "RMSNormalization")
def layer_norm(node: OnnxNode) -> Check:
    """Of LayerNormalization the main result; mean and deviation are outputs for training."""
    rank, epsilon = node.x.ndim, node.get("epsilon", 1e-5)
    over = tuple(range(axis_of(node.get("axis", -1)) % (rank + 1), rank + 1))
    scale, bias = node.need(1), node.maybe(2)
    if node.op == "RMSNormalization":
        return through(node, kinds.RMSNormalization(over, epsilon), weights={"scale": scale})
    given = {"gamma": scale} | ({} if bias is None else {"beta": bias})
    return through(node, kinds.LayerNormalization(over, epsilon, center=bias is not None), weights=given)


@maps("LRN")
def local_response(node: OnnxNode) -> Check:
    alpha, beta, k = node.get("alpha", 1e-4), node.get("beta", 0.75), node.get("bias", 1.0)
    return layer(kinds.LocalResponseNormalization(node.get("size"), alpha, beta, k), [node.x], [node.y])


# ---- products ----


@maps("Gemm")
def gemm(node: OnnxNode) -> Check:
    """The factors go into the kernel and the bias, which are constants; a matrix that is added is a second input."""
    kernel = node.get("alpha", 1.0) * (node.need(1).T if node.get("transB", 0) else node.need(1))
    added = node.maybe(2)
    net = Net()
    name = net.input(lifted(node.x))
    if node.get("transA", 0):
        name = net.add(kinds.Permute((2, 1)), name)
    whole = added is not None and added.ndim == 2 and added.shape[0] > 1
    weights = {"kernel": kernel.astype(np.float32)}
    if added is not None and not whole:
        bias = node.get("beta", 1.0) * np.broadcast_to(added.reshape(-1), kernel.shape[1])
        weights["bias"] = bias.astype(np.float32)
    name = net.add(kinds.Dense(kernel.shape[1], use_bias="bias" in weights), name, weights=weights)
    if added is not None and whole:
        net.add(kinds.Add(), name, net.input(lifted(added)))
    net.expect(lifted(node.y))
    return net.check()


@maps("MatMul")
def matmul(node: OnnxNode) -> Check:
    if min(array.ndim for array in node.given) < 2:
        raise Unmapped("Lamina multiplies matrices; a vector beside them would need a batch of its own")
    return together(node, kinds.MatMul())


@maps("Einsum")
def einsum(node: OnnxNode) -> Check:
    text = node.get("equation").replace(" ", "")
    taken, _, given = text.partition("->")
    batched = ",".join("z" + term for term in taken.split(",")) + ("->z" + given if "->" in text else "")
    net = Net()
    net.add(kinds.Einsum(batched if "->" in text else batched + "->z"), *[net.input(lifted(a)) for a in node.given])
    net.expect(lifted(node.y))
    return net.check()


# ---- recurrences ----

_GATES = {"LSTM": (0, 2, 3, 1), "GRU": (0, 1, 2), "RNN": (0,)}  # where Keras' i, f, c, o stand in ONNX's i, o, f, c


@maps("LSTM", "GRU", "RNN")
def recurrent(node: OnnxNode) -> Check:
    """Steps come first in ONNX and second in Lamina: the arrays are turned, with layout 1 they lie as here."""
    if len(node.inputs) > 7 and node.inputs[7] is not None:
        raise Unmapped("Lamina has no LSTM with peepholes")
    x = node.x if node.get("layout", 0) else np.swapaxes(node.x, 0, 1)
    lengths, first = node.maybe(4), [state for state in (node.maybe(5), node.maybe(6)) if state is not None]
    if lengths is not None and set(lengths.tolist()) != {x.shape[1]}:
        raise Unmapped("Lamina has no lengths that differ within a batch")
    direction, count = node.get("direction", "forward"), node.need(1).shape[0]
    weights: dict[str, Any] = {}
    for i, prefix in enumerate(("forward/", "backward/") if count == 2 else ("",)):
        weights |= {f"{prefix}{name}": value for name, value in _gates(node, i).items()}
    every, last = (*node.outputs, None)[:2]
    options: dict[str, Any] = {"return_sequences": every is not None, "return_state": True}
    if count == 1:
        options["go_backwards"] = direction == "reverse"
    if node.op == "GRU":
        options["reset_after"] = bool(node.get("linear_before_reset", 0))
    name = {"RNN": "SimpleRNN"}.get(node.op, node.op)
    kind = getattr(kinds, name)(node.get("hidden_size"), use_bias="bias" in str(sorted(weights)), **options)
    kind = kinds.Bidirectional(kind) if count == 2 else kind
    net = Net(LAST)
    sources = [net.input(x), *(net.input(state[0]) for state in first)]
    net.add(kind, *sources, weights=weights, name="layer")
    batch_first = bool(node.get("layout", 0))
    if every is not None:
        net.expected["layer"] = _sequence(every, batch_first, direction)
    if last is not None:
        states = np.moveaxis(last, 1, 0) if batch_first else last
        net.expected |= dict(zip(_state_refs(count), states, strict=True))
    return net.check()


def _state_refs(count: int) -> list[str]:
    return ["layer:state_h"] if count == 1 else ["layer:forward/state_h", "layer:backward/state_h"]


def _sequence(every: Array, batch_first: bool, direction: str) -> Array:
    """(steps, directions, batch, units), or (batch, steps, directions, units), as Keras' (batch, steps, features)."""
    laid = every if batch_first else every.transpose(2, 0, 1, 3)
    joined = laid.reshape(*laid.shape[:2], -1)
    return joined[:, ::-1] if direction == "reverse" else joined  # Keras gives the steps as they were read


def _gates(node: OnnxNode, i: int) -> dict[str, Array]:
    order, bias = _GATES[node.op], node.maybe(3)

    def keras(matrix: Array) -> Array:
        parts = np.split(matrix, len(order))
        return np.concatenate([parts[gate] for gate in order])

    found = {"kernel": keras(node.need(1)[i]).T, "recurrent_kernel": keras(node.need(2)[i]).T}
    if bias is not None:
        of_input, of_state = map(keras, np.split(bias[i], 2))
        together = bool(node.get("linear_before_reset", 0)) and node.op == "GRU"
        found["bias"] = np.stack([of_input, of_state]) if together else of_input + of_state
    return found
