"""What the kinds say they are in Keras and in PyTorch is there."""

from functools import reduce

import pytest

from lamina_server.layers import KINDS
from lamina_server.layers.base import Kind
from tests.differential.oracles import keras, torch

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@every_kind
def test_keras_has_it(kind: type[Kind]) -> None:
    for name in [sdk.name for sdk in kind.sdk] if kind.in_keras is None else kind.in_keras:
        assert hasattr(keras.layers, name) or reduce(getattr, name.split("."), keras) is not None


@every_kind
def test_torch_has_it(kind: type[Kind]) -> None:
    for name in kind.in_torch:
        assert reduce(getattr, name.split("."), torch) is not None
