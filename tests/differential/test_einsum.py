"""EinsumDense beside PyTorch's einsum and Keras' layer, over random equations."""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.dims import Size, symbol
from lamina_server.layers.core.einsum_dense import EinsumDense
from tests.differential.activations import by_keras, by_torch, functions
from tests.differential.oracles import keras, keras_values, tensor, torch
from tests.differential.support import BATCH, assert_close, both, kernel, layouts, normal, profile, run, seeds

SAME = symbol("?")


class Equation(NamedTuple):
    """An equation, the sizes of its letters, and the input's axes (batch excluded) that kernel and bias leave alone."""

    text: str
    x: str
    kernel: str
    out: str
    sizes: dict[str, int]

    @property
    def given(self) -> tuple[Size, ...]:
        """output_shape: numbers for what is new, now and then for the rest."""
        letters = self.out.replace("...", "")
        letters = letters if self.out.startswith("...") else letters[1:]
        return tuple(SAME if letter in self.x else self.sizes[letter] for letter in letters)

    @property
    def for_keras(self) -> tuple[int, ...]:
        """output_shape as Keras needs it: for kernel and bias it does not look into the input."""
        return tuple(self.sizes[letter] for letter in self.out if letter in self.sizes)


@st.composite
def equations(draw: st.DrawFn) -> Equation:
    """Any letters summed, kept, kept with a kernel of their own, and new, in any order but for the batch."""
    letters = list("bcd")[: draw(st.integers(1, 3))]
    new = list("pq")[: draw(st.integers(0, 2))]
    roles = {letter: draw(st.sampled_from(["summed", "summed", "kept", "own", "lost"])) for letter in letters}
    inside = [letter for letter, role in roles.items() if role in ("summed", "own")] + new
    if not inside:
        roles[letters[-1]], inside = "summed", letters[-1:]
    kept = [letter for letter, role in roles.items() if role in ("kept", "own")]
    out = "".join(draw(st.permutations(kept + new)))
    inner = "".join(draw(st.permutations(inside)))
    sizes = {letter: draw(st.integers(1, 4)) for letter in (*letters, *new)}
    x, side = "".join(letters), draw(st.sampled_from(["", "", "before", "after"]))
    texts = {"": ("a{}", "a{}"), "before": ("...{}", "...{}"), "after": ("a{}...", "a{}...")}[side]
    if side == "before" and not out:
        texts = ("a{}", "a{}")
    return Equation(f"{texts[0].format(x)},{inner}->{texts[1].format(out)}", texts[0].format(x), inner,
                    texts[1].format(out), sizes)  # fmt: skip


@profile
@given(data=st.data(), equation=equations(), layout=layouts, seed=seeds)
def test_einsum_dense(data: st.DataObject, equation: Equation, layout: Any, seed: int) -> None:
    """Products, sums and outer products, with biases on any letters, by MatMul and by Einsum."""
    extra = [data.draw(st.integers(1, 3)) for _ in range(data.draw(st.integers(0, 1)) if "..." in equation.text else 0)]
    own = [equation.sizes[letter] for letter in equation.x if letter in equation.sizes]
    sample = (*extra, *own) if equation.x.startswith("...") else (*own, *extra)
    letters = [letter for letter in equation.out if letter in equation.sizes]
    axes = "".join(data.draw(st.permutations(letters)))[: data.draw(st.integers(0, 2))] or None
    function = data.draw(st.none() | functions(len(extra) + len(letters) + 1)) if letters or extra else None
    x, weights = (
        normal(seed, BATCH, *sample),
        {"kernel": normal(seed + 1, *(equation.sizes[i] for i in equation.kernel))},
    )
    layer = keras.layers.EinsumDense(equation.text, equation.for_keras, by_keras(function), axes, dtype="float64")
    layer.build(x.shape)
    by_matrix = torch.einsum(equation.text, tensor(x), tensor(weights["kernel"]))
    if axes:
        weights["bias"] = normal(seed + 2, *layer.bias.shape)
        by_matrix = by_matrix + tensor(weights["bias"])
    (expected,) = keras_values(layer, [x], weights)
    fixed = set(equation.kernel) | set(axes or "")
    placed = [" "] * len(extra) + list(equation.x.lstrip(".")) if equation.x.startswith("...") else list(equation.x[1:])
    free = [i for i in range(len(sample)) if i >= len(placed) or placed[i] not in fixed]

    def once(symbolic: Collection[int]) -> None:
        kind = EinsumDense(equation.text, equation.given, function, axes)
        (found,) = run(kind, x, weights=weights, layout=layout, symbolic=symbolic)
        assert_close(found, expected)
        assert_close(found, by_torch(function, by_matrix))

    both(once, free)


@pytest.mark.parametrize(
    ("text", "shape", "kernel_shape"),
    [
        ("abc,cd->abd", (7, 4), (5, 4)),
        ("abc,cd->abd", (SAME, 4), (5, 4)),
        ("...x,xy->...y", (4,), (5, 4)),
        ("abc,cde->abde", (7, 2, 3), (5, 2, 3)),
        ("abc,bd->adc", (4, 5), (7, 4)),
    ],
)
def test_sizes_are_given_or_the_input_s(text: str, shape: tuple[Size, ...], kernel_shape: tuple[int, ...]) -> None:
    x, weights = normal(0, BATCH, 7, 5), {"kernel": kernel(1, *kernel_shape)}
    (found,) = run(EinsumDense(text, shape), x, weights=weights)
    np.testing.assert_allclose(found, np.einsum(text, x, weights["kernel"]), rtol=1e-5, atol=1e-5)
