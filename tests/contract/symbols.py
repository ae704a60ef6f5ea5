"""A stack with symbols in the place of its numbers, wherever its layer admits them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import ascii_uppercase

from lamina_server.dims import Size, symbol
from lamina_server.errors import StackError
from lamina_server.layers.core.basics import Input
from lamina_server.layers.tensors import SPATIAL
from lamina_server.stack import Stack
from lamina_server.trace import trace

_SPATIAL_ROLES = {role for roles in SPATIAL.values() for role in roles}
Place = tuple[int, int]  # index of an Input, index of an axis of its shape


@dataclass(frozen=True)
class Symbolic:
    """`symbolic` is `stack` with symbols at some places; `usual` is the number each stands for in `stack`."""

    stack: Stack
    places: Mapping[Place, str]
    usual: Mapping[str, int]

    @property
    def symbolic(self) -> Stack:
        return _replaced(self.stack, {place: symbol(name) for place, name in self.places.items()})

    def numbered(self, sizes: Mapping[str, int]) -> Stack:
        """The stack with other numbers at the places."""
        return _replaced(self.stack, {place: sizes[name] for place, name in self.places.items()})

    @property
    def refusal(self) -> StackError | None:
        """Why the layer admits no symbol there; None where it does."""
        try:
            trace(self.symbolic)
        except StackError as error:
            return error
        return None


def variants(stack: Stack) -> Iterator[Symbolic]:
    """Symbols for all spatial axes at once, and for every other axis alone; with several Inputs, one symbol for all
    axes of equal size. Those that the layer refuses are among them.
    """
    inputs = trace(stack).inputs
    places = {
        (layer.index, i): axis
        for layer in inputs
        for i, axis in enumerate(layer.done.spec.axes[1:])
        if isinstance(axis.size, int)
    }
    if len(inputs) > 1:
        for size in sorted({int(str(axis.size)) for axis in places.values()} - {1}):
            yield Symbolic(stack, {place: "N" for place, axis in places.items() if axis.size == size}, {"N": size})
        return
    spatial = [place for place, axis in places.items() if axis.role in _SPATIAL_ROLES]
    for group in ([spatial] if spatial else []) + [[place] for place in places if place not in spatial]:
        names = dict(zip(group, ascii_uppercase, strict=False))
        yield Symbolic(stack, names, {name: int(str(places[place].size)) for place, name in names.items()})


def spatial_variant(stack: Stack) -> Symbolic | None:
    """Symbols for all spatial axes, where there are any."""
    first = next(variants(stack), None)
    roles = (
        {trace(stack).layers[index].done.spec.axes[axis + 1].role for index, axis in first.places} if first else set()
    )
    return first if roles and roles <= _SPATIAL_ROLES else None


def _replaced(stack: Stack, sizes: Mapping[Place, Size]) -> Stack:
    for (index, axis), size in sizes.items():
        node = stack.nodes[index]
        assert isinstance(node.kind, Input)
        shape = (*node.kind.shape[:axis], size, *node.kind.shape[axis + 1 :])
        stack = stack.with_node(index, node._replace(kind=Input(shape, node.kind.dtype)))
    return stack
