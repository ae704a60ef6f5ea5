"""The content of a trace's table, before anyone draws it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamina.errors import numbered
from lamina.render import words

if TYPE_CHECKING:
    from lamina.traces import LayerTrace, Trace

HEADER = ("layer", "", "output", "params", "how")


@dataclass(frozen=True)
class Row:
    """One line: a layer, or a further output of the layer above. `explanation` is for those who can show more."""

    name: str
    summary: str
    output: str
    params: str
    how: str
    explanation: str = ""

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        """The columns of `HEADER`."""
        return (self.name, self.summary, self.output, self.params, self.how)


@dataclass(frozen=True)
class Table:
    """Title, what is fed, rows, totals, and what is worth saying below."""

    title: str
    subtitle: str
    rows: tuple[Row, ...]
    total: Row
    remarks: tuple[str, ...]


def table(trace: "Trace") -> Table:
    """The table of a trace; Inputs stand in the subtitle."""
    rows = tuple(row for layer in trace.walk() if layer.kind != "Input" for row in _rows(layer))
    total = Row("total", "", "", words.grouped(trace.params), words.multiply_adds(trace.macs))
    return Table(trace.name or "stack", _subtitle(trace), rows, total, _remarks(trace))


def _rows(layer: "LayerTrace") -> list[Row]:
    first, *others = layer.outputs
    inside = layer.name.count("/")
    params = "shared" if layer.weights_of else words.grouped(layer.params)
    name = "  " * inside + layer.name.rpartition("/")[2]
    row = Row(name, layer.summary, words.tensor(first), params, layer.how, layer.explanation)
    return [row, *(Row(spec.name, "", words.tensor(spec), "", "") for spec in others)]


def _subtitle(trace: "Trace") -> str:
    single = len(trace.inputs) == 1
    fed = [f"{'input' if single else spec.name}: {words.tensor(spec, full=True)}" for spec in trace.inputs]
    return words.joined([*fed, trace.layout.replace("_", " ")], "; ")


def _remarks(trace: "Trace") -> tuple[str, ...]:
    legal = [f"{name} is {minimum} or more" for name, minimum in trace.symbols.items() if minimum > 1]
    notes = [f"{_word(note.severity)} on {words.printable(layer)}: {note.text}" for layer, note in trace.notes]
    faults = ["\n".join([fault.message, *numbered(fault.fixes)]) for fault in trace.diagnostics]
    return (*legal, *notes, *faults)


def _word(severity: str) -> str:
    return "warning" if severity == "warning" else "note"
