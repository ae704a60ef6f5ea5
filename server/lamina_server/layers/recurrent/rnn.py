"""Layers that walk along the steps and remember: SimpleRNN, LSTM, GRU, and RNN over any cells.

All take (batch, steps, features), in this order in either layout.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from lamina_server.errors import LayerError
from lamina_server.layers.activations.functions import Gelu, HardSigmoid, Linear, Relu, Sigmoid, Softplus
from lamina_server.layers.base import Example, Kind, Sdk, option, plural
from lamina_server.layers.recurrent.cells import Cell
from lamina_server.layers.recurrent.dense_cells import GateOptions, GRUCell, LSTMCell, SimpleOptions, SimpleRNNCell
from lamina_server.layers.recurrent.walks import MAX_CELLS, Recurrent, WalkOptions
from lamina_server.layers.tensors import DType, Layout
from lamina_server.words import snake_case

MASKED = (DType.FLOAT32, DType.BOOL)


class OneCell(Recurrent):
    """A layer whose cells are alike, and have their options from the layer's own."""

    cell: ClassVar[type[Cell]]
    num_layers: int

    def tower(self, layout: Layout) -> tuple[Cell, ...]:
        return (self.cell(**{item.name: getattr(self, item.name) for item in fields(self.cell)}),) * self.num_layers


def _layers() -> Any:
    return option(
        "layers one above the other, as in PyTorch: each takes every output of the one below",
        1,
        minimum=1,
        maximum=MAX_CELLS,
    )


@dataclass(frozen=True)
class SimpleRNN(OneCell, WalkOptions, SimpleOptions):
    """Fully connected recurrence over (batch, steps, features): h = activation(x W + h R + b) at each step.

    PyTorch's default, batch_first=False, is (steps, batch, features): transpose what is fed.
    Last output (batch, units), or every step's (batch, steps, units). Initial states and a mask may follow as inputs.
    Kernel (features, units), recurrent_kernel (units, units), bias (units); with num_layers l0/kernel, l1/kernel, ...
    Parameters units * (features + units + 1), as Keras (PyTorch's RNN keeps two biases: + 2).
    """

    num_layers: int = _layers()

    sdk = (Sdk("SimpleRNN"),)
    in_torch = ("nn.RNN",)
    cell = SimpleRNNCell

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(6), ((5, 3),)),
            Example(cls(4, Relu(), return_sequences=True, return_state=True, num_layers=2), ((7, 2),)),
            Example(cls(4, Gelu(), use_bias=False, go_backwards=True), ((5, 3), (4,)), Layout.CHANNELS_FIRST),
            Example(cls(4, num_layers=2, return_state=True), ((6, 3), (6,)), dtypes=MASKED),
        )


@dataclass(frozen=True)
class LSTM(OneCell, WalkOptions, GateOptions):
    """Long short-term memory over (batch, steps, features), in this order in either layout.

    PyTorch's default, batch_first=False, is (steps, batch, features): transpose what is fed.
    Last output (batch, units), or every step's (batch, steps, units); with return_state also the last hidden and cell
    state. Initial states, h and c for each layer, may follow as inputs, and a mask of bool, (batch, steps): Keras'
    (PyTorch's packed sequences with zero_output_for_mask). Gates in the order i, f, c, o: kernel (features, 4 units),
    recurrent_kernel (units, 4 units), bias (4 units); with num_layers l0/kernel, l1/kernel, ...
    Parameters 4 * units * (features + units + 1), as Keras (PyTorch keeps two biases: + 2).
    """

    num_layers: int = _layers()
    proj_size: int | None = option(
        "size that each output is projected to, as in PyTorch; none where not given", None, minimum=1
    )

    sdk = (Sdk("LSTM"),)
    in_torch = ("nn.LSTM",)
    cell = LSTMCell

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(6), ((5, 3),)),
            Example(cls(4, return_sequences=True, return_state=True), ((7, 2),)),
            Example(cls(3, use_bias=False, return_state=True), ((4, 2),), Layout.CHANNELS_FIRST),
            Example(cls(4, return_state=True, go_backwards=True), ((5, 3), (4,), (4,))),
            Example(cls(4, Softplus(), HardSigmoid(), return_sequences=True, go_backwards=True), ((5, 3),)),
            Example(cls(4, return_state=True, num_layers=3, proj_size=2), ((5, 3),)),
            Example(cls(4, return_sequences=True), ((5, 3),), dtypes=(DType.FLOAT64,)),
            Example(cls(4, return_sequences=True), ((5, 3), (5,)), dtypes=MASKED),
            Example(cls(4), ((5, 3), (4,), (4,), (5,)), Layout.CHANNELS_FIRST, (*[DType.FLOAT32] * 3, DType.BOOL)),
        )


@dataclass(frozen=True)
class GRU(OneCell, WalkOptions, GateOptions):
    """Gated recurrent unit over (batch, steps, features), in this order in either layout.

    PyTorch's default, batch_first=False, is (steps, batch, features): transpose what is fed.
    Last output (batch, units), or every step's (batch, steps, units). Initial states and a mask may follow as inputs.
    Gates in the order z, r, h: kernel (features, 3 units), recurrent_kernel (units, 3 units), bias (2, 3 units), or
    (3 units) without reset_after; with num_layers l0/kernel, l1/kernel, ... PyTorch's GRU has reset_after and the order
    r, z, h.
    Parameters 3 * units * (features + units + 2), without reset_after + 1.
    """

    reset_after: bool = option("whether the reset gate multiplies behind the recurrent product, as in PyTorch", True)
    num_layers: int = _layers()

    sdk = (Sdk("GRU"),)
    in_torch = ("nn.GRU",)
    cell = GRUCell

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(6), ((5, 3),)),
            Example(cls(4, return_sequences=True, return_state=True, reset_after=False), ((7, 2),)),
            Example(cls(3, use_bias=False, go_backwards=True, return_sequences=True), ((4, 2),), Layout.CHANNELS_FIRST),
            Example(cls(4, Gelu(), num_layers=2, return_state=True), ((5, 3), (4,), (4,))),
            Example(cls(4, Gelu(), Sigmoid(), False), ((5, 3),)),
            Example(cls(4, Linear(), Softplus(), reset_after=False), ((5, 3),)),
            Example(
                cls(4, return_sequences=True, go_backwards=True, zero_output_for_mask=True),
                ((5, 3), (5,), (4,)),
                dtypes=(*MASKED, DType.FLOAT32),
            ),
        )


@dataclass(frozen=True)
class CellsOption(Kind):
    """The first option of RNN."""

    cells: tuple[Cell, ...] = option("cells, one above the other: each takes every step's output of the one below")


@dataclass(frozen=True)
class RNN(Recurrent, WalkOptions, CellsOption):
    """Cells walked along (batch, steps, features): SimpleRNNCell, LSTMCell, GRUCell, several of them in a pile.

    The output is that of the last cell. A mask of bool, (batch, steps), may be an input. States, initial ones as inputs
    too, and weights are those of each cell in turn, with several cells named l0/kernel, l1/kernel, ... (Keras'
    StackedRNNCells). Parameters are the cells' together.
    """

    sdk = (Sdk("RNN"),)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        mixed = (LSTMCell(4), GRUCell(3, reset_after=False), SimpleRNNCell(5, Softplus()))
        return (
            Example(cls((LSTMCell(6), GRUCell(4))), ((5, 3),)),
            Example(cls((GRUCell(4),), return_state=True), ((5, 3), (4,))),
            Example(cls(mixed, return_sequences=True, return_state=True, go_backwards=True), ((7, 2),)),
            Example(cls(mixed, return_state=True, zero_output_for_mask=True), ((6, 2), (6,)), dtypes=MASKED),
        )

    def tower(self, layout: Layout) -> tuple[Cell, ...]:
        return self.cells

    def paths(self) -> tuple[str, ...]:
        return tuple(f"cells[{i}].{snake_case(type(cell).__name__)}." for i, cell in enumerate(self.cells))

    def check(self) -> None:
        super().check()
        if not 1 <= len(self.cells) <= MAX_CELLS:
            raise LayerError(
                "OUT_OF_RANGE", f"has {plural(len(self.cells), 'cell')}; there must be 1 to {MAX_CELLS}", field="cells"
            )
        for i, (path, cell) in enumerate(zip(self.paths(), self.cells, strict=True)):
            check_inside(f"cells[{i}]", path, cell)


def check_inside(name: str, path: str, kind: Kind) -> None:
    """Raises LayerError where what an option `name` holds, whose options stand at `path`, is itself not legal."""
    try:
        kind.check()
    except LayerError as error:
        text = f"has {name}, which {error.message}"
        raise LayerError(error.reason, text, field=path + (error.field or ""), **error.facts) from None
