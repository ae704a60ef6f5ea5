"""Random shapes that meet, and the same in PyTorch: what Keras aligns, PyTorch is told."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from lamina_server.layers.broadcasting import ConstantTensor
from tests.differential.oracles import tensor
from tests.differential.support import BATCH, Array, normal

Shape = tuple[int, ...]


@st.composite
def broadcast(draw: st.DrawFn, most: int = 4, least: int = 2) -> list[Shape]:
    """Shapes (batch excluded) that Keras brings together: some sizes 1, some leading axes missing."""
    whole = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    shapes = []
    for _ in range(draw(st.integers(least - 1, most - 1))):
        kept = whole[draw(st.integers(0, len(whole) - 1)) :]
        shapes.append(tuple(n if draw(st.booleans()) else 1 for n in kept))
    return draw(st.permutations([tuple(whole), *shapes]))


@st.composite
def constants(draw: st.DrawFn, shape: Shape) -> ConstantTensor:
    """A number, or an array that meets a tensor of this shape (batch excluded)."""
    kept = shape[draw(st.integers(0, len(shape))) :]
    sizes = tuple(draw(st.sampled_from([n, 1] if n != 1 else [1, 3])) for n in kept)
    values = normal(draw(st.integers(0, 99)), *sizes).reshape(-1)
    return ConstantTensor(tuple(map(float, values)), sizes)


def by_constant(constant: ConstantTensor) -> Any:
    """A constant as a torch tensor."""
    return tensor(np.array(constant.values, np.float32).reshape(constant.shape))


def aligned(arrays: list[Array]) -> list[Any]:
    """Torch tensors with their missing axes just after the batch axis."""
    rank = max(x.ndim for x in arrays)
    return [tensor(x).reshape(x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:]) for x in arrays]


def several(shapes: list[Shape], seed: int) -> list[Array]:
    """An array for each shape, different ones."""
    return [normal(seed + i, BATCH, *shape) for i, shape in enumerate(shapes)]
