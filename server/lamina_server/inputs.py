"""What the caller feeds: the axes of Inputs, which depend on what takes them, and names for sizes left open."""

import re
from itertools import chain, count

from lamina_server.dims import Size, symbol, symbols_of
from lamina_server.errors import LayerError
from lamina_server.layers.base import Inference, single
from lamina_server.layers.core.basics import Input, input_spec
from lamina_server.layers.tensors import BATCH, Role, usual_roles
from lamina_server.limits import Limits
from lamina_server.nesting import Blocks, takers
from lamina_server.stack import Stack

MAX_SYMBOLS = 16
_LETTERS = {Role.STEPS: "T", Role.DEPTH: "D", Role.HEIGHT: "H", Role.WIDTH: "W", Role.CHANNELS: "C", Role.FEATURES: "F"}


class Inputs:
    """The entry points of a stack."""

    def __init__(self, stack: Stack, blocks: Blocks, limits: Limits) -> None:
        self.stack, self.blocks, self.limits = stack, blocks, limits
        self.takers = takers(stack)
        # Symbols that stand somewhere: those that callers name are taken from the start.
        self.symbols = symbols_of(*(size for _, kind in stack.inputs() for size in kind.shape)) - {"?"}
        self.declared = {"batch"}  # by the Inputs so far

    def infer(self, index: int, kind: Input) -> Inference:
        """The tensor that an Input declares. Raises LayerError, and LimitError for too many axes."""
        for size in kind.shape:
            if isinstance(size, int) and size < 1:
                raise LayerError(
                    "OUT_OF_RANGE", f"declares a size of {size}; sizes are 1 or more, or names", field="shape"
                )
        rank, layout = len(kind.shape) + 1, self.stack.layout
        self.limits.check("max_rank", rank, f"The number of axes that layers[{index}] declares is")
        taker = self.takers.get(index)
        roles = self.blocks.roles(*taker, rank, layout) if taker else usual_roles(rank, layout)
        shape = [self._named(index, roles[i], size) for i, size in enumerate(kind.shape, 1)]
        if len(self.symbols) > MAX_SYMBOLS:
            raise LayerError("TOO_COMPLEX", f"brings more than {MAX_SYMBOLS} symbols into the stack", field="shape")
        self.declared |= symbols_of(*shape)
        return Inference(single(input_spec(shape, roles, BATCH, kind.dtype)), "Input", how="what the caller feeds")

    def _named(self, index: int, role: Role, size: Size) -> Size:
        """A size with "?" replaced by a symbol named after the axis, and the layer where that is taken."""
        if str(size) != "?":
            return size
        letter = _LETTERS.get(role, "N")
        # Of the layer's name what a symbol may hold: expressions must read back.
        named = self.stack.nodes[index].name or (f"input{index}" if index else "input")
        own = f"{letter}_{re.sub(r'[^A-Za-z0-9_]', '_', named)[:20]}"
        name = next(name for name in chain((letter, own), (f"{own}_{i}" for i in count(1))) if name not in self.symbols)
        self.symbols.add(name)
        return symbol(name)
