"""Random windows: what convolutions and pools have in common."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from lamina_server.layers.tensors import Layout
from lamina_server.layers.windows import Padding, PadPair
from tests.differential.support import BATCH, LAYOUTS, normal, seeds


class Slide(NamedTuple):
    """A window and the axes it moves along. `layout` is the stack's; `data_format` overrides it where it is given."""

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: Padding
    lengths: tuple[int, ...]
    layout: Layout
    data_format: Layout | None
    seed: int

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.sizes)

    @property
    def lies(self) -> Layout:
        """How the arrays lie."""
        return self.data_format or self.layout

    @property
    def extents(self) -> tuple[int, ...]:
        """What each window spans, its holes included."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.sizes, self.dilations, strict=True))

    @property
    def ends(self) -> list[tuple[int, int]]:
        """What is added before and after each spatial axis."""
        rows = zip(self.lengths, self.extents, self.strides, strict=True)
        return [self._ends(i, *row) for i, row in enumerate(rows)]

    @property
    def flat_ends(self) -> list[int]:
        """The same as torch.nn.functional.pad wants it: the last axis first."""
        return [n for pair in reversed(self.ends) for n in pair]

    @property
    def fits(self) -> bool:
        """Whether there is room for one window along every axis."""
        return all(n + sum(e) >= ke for n, e, ke in zip(self.lengths, self.ends, self.extents, strict=True))

    def image(self, channels: int) -> Any:
        """Random input, channels first, batch included."""
        return normal(self.seed, BATCH, channels, *self.lengths)

    def keras_options(self, **more: Any) -> dict[str, Any]:
        """Arguments by which Keras' layers call the same."""
        shared = {"strides": self.strides, "padding": self.padding, "data_format": self.lies.value}
        return {**shared, "dtype": "float64", **more}

    def _ends(self, i: int, length: int, extent: int, stride: int) -> tuple[int, int]:
        if isinstance(self.padding, tuple):
            return self.padding[i]
        if self.padding == "valid":
            return 0, 0
        if self.padding == "causal":
            return extent - 1, 0
        total = max((-(-length // stride) - 1) * stride + extent - length, 0)
        small, large = total // 2, total - total // 2
        return (small, large) if self.padding == "same" else (large, small)


PER_AXIS = {1: 14, 2: 9, 3: 6}  # longest lengths, so that volumes stay small


@st.composite
def slides(
    draw: st.DrawFn,
    rank: int,
    paddings: Sequence[str],
    *,
    dilations: int = 1,
    dilated_strides: bool = True,
    symmetric: bool = False,
    half: bool = False,
    fitting: bool = False,
) -> Slide:
    """A random window.

    Paddings "explicit" are drawn pairs: `symmetric` as torch's pools take them, `half` at most half a window.
    Without `dilated_strides` one of strides and dilations is 1, with `fitting` a window has room on every axis.
    """
    sizes = draw(_numbers(rank, 1, 4))
    strides = draw(_numbers(rank, 1, 3))
    dilated = draw(_numbers(rank, 1, dilations))
    if not dilated_strides and max(strides) > 1:
        dilated = (1,) * rank
    padding: Padding = draw(st.sampled_from(paddings))
    if padding == "explicit":
        pairs = [st.integers(0, k // 2 if half else 3) for k in sizes]
        before = draw(st.tuples(*pairs))
        padding = tuple(map(PadPair, before, before if symmetric else draw(st.tuples(*pairs))))
    least = [d * (k - 1) + 1 for k, d in zip(sizes, dilated, strict=True)] if fitting else [1] * rank
    lengths = draw(st.tuples(*(st.integers(n, max(n, PER_AXIS[rank])) for n in least)))
    layout, data_format = draw(st.sampled_from(LAYOUTS)), draw(st.sampled_from((None, None, *LAYOUTS)))
    return Slide(sizes, strides, dilated, padding, lengths, layout, data_format, draw(seeds))


def _numbers(count: int, low: int, high: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(*[st.integers(low, high)] * count)
