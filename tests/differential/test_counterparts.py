"""What the kinds say they are in Keras and in PyTorch is there."""

import inspect
from contextlib import suppress
from functools import reduce
from typing import Any

import pytest

from lamina import layers
from lamina_server.layers import KINDS
from lamina_server.layers.base import Kind
from lamina_server.layers.core.lookups import Embedding, ReversibleEmbedding
from lamina_server.layers.holders import TimeDistributed
from lamina_server.layers.normalization.normalizing import BatchNormalization
from lamina_server.layers.pooling.pools import GlobalAveragePool
from lamina_server.trace import trace
from tests.contract.running import around
from tests.differential.oracles import keras, torch

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@every_kind
def test_keras_has_it(kind: type[Kind]) -> None:
    for name in kind.keras_names():
        assert hasattr(keras.layers, name) or reduce(getattr, name.split("."), keras) is not None


def test_what_keras_calls_by_two_names_is_called_so_here() -> None:
    names = [name for name in dir(keras.layers) if inspect.isclass(getattr(keras.layers, name))]
    twice = [
        (one, other)
        for one in names
        for other in names
        if one != other and getattr(keras.layers, one) is getattr(keras.layers, other) and hasattr(layers, one)
    ]
    assert len(twice) > 20
    for one, other in twice:
        assert getattr(layers, one) is getattr(layers, other)


@every_kind
def test_torch_has_it(kind: type[Kind]) -> None:
    for name in kind.in_torch:
        assert reduce(getattr, name.split("."), torch) is not None


# BatchNormalization uses a mask in training, TimeDistributed hands it inside, Lamina's pool of any rank is three layers
# of Keras, and lookups take ids, which nothing masks.
_OTHERWISE = {BatchNormalization, TimeDistributed, GlobalAveragePool, Embedding, ReversibleEmbedding}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in _OTHERWISE], ids=lambda kind: kind.__name__)
def test_masks_go_as_in_keras(kind: type[Kind]) -> None:
    for layer in _in_keras(kind):
        taken = set(inspect.signature(layer.call).parameters) & {"mask", "query_mask"}
        theirs = "uses" if taken else "keeps" if layer.supports_masking else "drops"
        assert theirs == kind.masking, layer


def test_most_kinds_of_keras_are_asked_about_masks() -> None:
    assert sum(bool(_in_keras(kind)) for kind in KINDS) > 60


def _in_keras(kind: type[Kind]) -> list[Any]:
    """The layers of Keras that a kind's first example is; none where Keras writes it otherwise."""
    example, *_ = kind.examples()
    if not example.shapes or example.blocks or not any(hasattr(keras.layers, sdk.name) for sdk in kind.sdk):
        return []
    stack = around(example.layer, *example.shapes, layout=example.layout, dtypes=example.dtypes)
    layer = trace(stack).layers[-1]
    with suppress(TypeError, ValueError, AttributeError, NameError, SyntaxError):
        made = eval(f"layers.{layer.summary}", {"layers": keras.layers, **vars(keras.layers)})
        return [made() if inspect.isclass(made) else made]
    return []
