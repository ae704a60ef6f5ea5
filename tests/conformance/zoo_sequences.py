"""Transformers and recurrent networks, in miniature."""

from tests.conformance.keras_call import keras
from tests.conformance.lamina import LAST, Check, Net, constant, functions, kinds
from tests.conformance.torch_sample import torch
from tests.conformance.torch_walks import heads
from tests.conformance.zoo_twin import At, Twin, last

nn = torch.nn
F = torch.nn.functional


def _encoder(t: Twin, x: At, width: int, inner: int, count: int, causal: bool = False) -> At:
    """A block with the norms first: attention and two Linears, each added."""
    y = t.module(nn.LayerNorm(width, eps=1e-6), x)
    mha = t.drawn(nn.MultiheadAttention(width, count, batch_first=True).eval())
    steps = y.value.shape[1]
    hidden = torch.ones(steps, steps, dtype=torch.bool).triu(1) if causal else None
    value = mha(y.value, y.value, y.value, attn_mask=hidden, need_weights=False)[0]
    kind = kinds.MultiHeadAttention(count, width // count, use_causal_mask=causal)
    x = t.add(x, t.step(kind, value, y, weights=heads(mha)))
    y = t.chain(x, nn.LayerNorm(width, eps=1e-6), nn.Linear(width, inner), "Gelu", nn.Linear(inner, width))
    return t.add(x, y)


def vit() -> Check:
    """Patches, a class token put before them, position embeddings, two blocks, the token's head."""
    t = Twin()
    x = t.module(nn.Conv2d(3, 12, 4, 4), t.input(2, 3, 16, 12))
    x = t.permute(t.reshape(x, 12, 12), 2, 1)
    token = t.parameter(1, 12)
    x = t.join(token, x, axis=1)
    place = t.parameter(13, 12)
    x = t.step(kinds.Add(), x.value + place.value, x, place)
    for _ in range(2):
        x = _encoder(t, x, 12, 24, 3)
    x = t.module(nn.LayerNorm(12, eps=1e-6), x)
    x = t.step(kinds.Take((0,), 1, keepdims=False), x.value[:, 0], x)
    t.module(nn.Linear(12, 5), x)
    return t.check()


def swin() -> Check:
    """A shifted window: rolled, cut into windows, attention in each with a bias of relative places, put back."""
    t = Twin(Net(LAST))
    height, width, size, channels, count = 8, 8, 4, 8, 2
    rows, columns = height // size, width // size
    x = t.input(2, height, width, channels)
    y = t.module(nn.LayerNorm(channels), x)
    y = t.step(kinds.Roll((-2, -2), (1, 2)), y.value.roll((-2, -2), (1, 2)), y)
    y = t.reshape(y, rows, size, columns, size, channels)
    y = t.reshape(t.permute(y, 1, 3, 2, 4, 5), rows * columns, size * size, channels)
    bias = t.parameter(rows * columns, count, size * size, size * size)
    mha = t.drawn(nn.MultiheadAttention(channels, count, batch_first=True).eval())
    windows = y.value.reshape(-1, size * size, channels)
    added = bias.value.reshape(-1, size * size, size * size)
    value = mha(windows, windows, windows, attn_mask=added, need_weights=False)[0].reshape(y.value.shape)
    kind = kinds.MultiHeadAttention(count, channels // count, attention_axes=(2,), additive_mask=True)
    y = t.step(kind, value, y, bias, weights=heads(mha))
    y = t.permute(t.reshape(y, rows, columns, size, size, channels), 1, 3, 2, 4, 5)
    y = t.reshape(y, height, width, channels)
    y = t.step(kinds.Roll((2, 2), (1, 2)), y.value.roll((2, 2), (1, 2)), y)
    x = t.add(x, y)
    # Patch merging: every second pixel, four times, joined along the channels.
    parts = [_every_second(t, x, a, b) for a, b in ((0, 0), (1, 0), (0, 1), (1, 1))]
    t.chain(t.join(*parts, axis=-1), nn.LayerNorm(4 * channels), nn.Linear(4 * channels, 2 * channels, bias=False))
    return t.check()


def _every_second(t: Twin, x: At, row: int, column: int) -> At:
    x = t.step(kinds.Slice(1, row, None, 2), x.value[:, row::2], x)
    return t.step(kinds.Slice(2, column, None, 2), x.value[:, :, column::2], x)


def gpt() -> Check:
    """Ids and places, a causal block, and logits by the table of the ids itself."""
    t = Twin(Net(LAST))
    ids = t.input(2, 7, below=11)
    table = t.drawn(nn.Embedding(11, 8).eval())
    weights = {"embeddings": table.weight.detach().numpy()}
    x = t.step(kinds.Embedding(11, 8), table(ids.value), ids, weights=weights)
    place = t.parameter(7, 8)
    x = t.step(kinds.Add(), x.value + place.value, x, place)
    x = t.module(nn.LayerNorm(8), _encoder(t, x, 8, 16, 2, causal=True))
    kind = kinds.ReversibleEmbedding(11, 8, reverse=True)
    t.step(kind, x.value @ table.weight.T, x, weights=weights)
    return t.check()


def attention_by_hand() -> Check:
    """Query, key and value by one Linear, cut apart; products, softmax, and heads joined again."""
    t = Twin(Net(LAST))
    x = t.module(nn.Linear(8, 24), t.input(2, 5, 8))
    x = t.permute(t.reshape(x, 5, 3, 2, 4), 2, 3, 1, 4)
    query, key, value = (t.step(kinds.Take((i,), 1, keepdims=False), x.value[:, i], x) for i in range(3))
    scores = t.step(kinds.MatMul(transpose_b=True), query.value @ key.value.transpose(-1, -2), query, key)
    scores = t.step(kinds.Divide(constant=constant(2.0)), scores.value / 2.0, scores)
    weights = t.step(kinds.Activation(functions.Softmax()), scores.value.softmax(-1), scores)
    y = t.step(kinds.MatMul(), weights.value @ value.value, weights, value)
    t.module(nn.Linear(8, 8), t.reshape(t.permute(y, 2, 1, 3), 5, 8))
    return t.check()


def tagger() -> Check:
    """Embedding, a bidirectional LSTM, and a softmax at every step, as in Keras."""
    t, layers = last(), keras.layers
    x = t.layer(layers.Embedding(13, 6), t.input(3, 7, below=13))
    x = t.layer(layers.Bidirectional(layers.LSTM(5, return_sequences=True)), x)
    x = t.layer(layers.Dropout(0.4), x)
    t.layer(layers.Dense(4, activation="softmax"), x)
    return t.check()


def seq2seq() -> Check:
    """The encoder's states are where the decoder begins; the decoder attends to what the encoder gave."""
    t, layers = last(), keras.layers
    every, h, c = t.layer(layers.LSTM(6, return_sequences=True, return_state=True), t.input(2, 5, 4))
    target = t.layer(layers.Embedding(9, 3), t.input(2, 4, below=9))
    out = t.layer(layers.LSTM(6, return_sequences=True), target, h, c, states=True)
    seen = t.layer(layers.Attention(), out, every)
    x = t.layer(layers.Concatenate(), out, seen)
    t.layer(layers.Dense(9, activation="softmax"), x)
    return t.check()


def cnn_lstm() -> Check:
    """The same small network over every frame, then an LSTM over the frames."""
    t, layers = last(), keras.layers
    x = t.input(2, 4, 9, 8, 2)
    x = t.layer(layers.TimeDistributed(layers.Conv2D(5, 3, activation="relu")), x)
    x = t.layer(layers.TimeDistributed(layers.MaxPooling2D()), x)
    x = t.layer(layers.TimeDistributed(layers.GlobalAveragePooling2D()), x)
    x = t.layer(layers.GRU(6), x)
    t.layer(layers.Dense(3), x)
    return t.check()


def activity() -> Check:
    """Human activity from sensors: convolutions over time, an LSTM, a classifier."""
    t, layers = last(), keras.layers
    x = t.layer(layers.Conv1D(8, 5, padding="same", activation="relu"), t.input(2, 32, 9))
    x = t.layer(layers.BatchNormalization(), x)
    x = t.layer(layers.MaxPooling1D(2), x)
    x = t.layer(layers.SeparableConv1D(6, 3, dilation_rate=2, activation="elu"), x)
    x = t.layer(layers.LSTM(7), x)
    t.layer(layers.Dense(6, activation="softmax"), x)
    return t.check()


def autoencoder() -> Check:
    """Down by strided convolutions and up by transposed ones, as in Keras' examples."""
    t, layers = last(), keras.layers
    x = t.layer(layers.Conv2D(6, 3, strides=2, padding="same", activation="relu"), t.input(2, 12, 10, 1))
    x = t.layer(layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"), x)
    x = t.layer(layers.Flatten(), x)
    x = t.layer(layers.Dense(5), x)
    x = t.layer(layers.Dense(36, activation="relu"), x)
    x = t.layer(layers.Reshape((3, 3, 4)), x)
    x = t.layer(layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu"), x)
    x = t.layer(layers.Conv2DTranspose(6, 3, strides=2, padding="same", activation="relu"), x)
    x = t.layer(layers.Cropping2D(((0, 0), (1, 1))), x)
    t.layer(layers.Conv2D(1, 3, padding="same", activation="sigmoid"), x)
    return t.check()


BLOCKS = (vit, swin, gpt, attention_by_hand, tagger, seq2seq, cnn_lstm, activity, autoencoder)
