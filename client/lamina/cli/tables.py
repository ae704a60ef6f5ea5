"""Traces, explanations and arrays for a terminal."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lamina.cli.console import Out, line

if TYPE_CHECKING:
    from lamina import LayerTrace, Receipt, Trace
    from lamina.render.table import Row
    from lamina.render.table import Table as Content
    from lamina.typing import Array

_PRECISION, _MOST_NUMBERS, _EDGE = 4, 60, 3


def show_trace(out: Out, trace: "Trace") -> None:
    """A trace: drawn on a terminal; elsewhere exactly what `print(trace)` prints."""
    if not out.terminal:
        out.raw(trace.to_text())
        return
    from lamina.render.table import table

    content = table(trace)
    title = Text.assemble(line(content.title, "bold"), "  ", line(f"({content.subtitle})", "dim"))
    out.show(title, _drawn(content, out.width), *map(_remark, content.remarks))


def _drawn(content: "Content", width: int) -> Table:
    """Five columns; where they do not fit, what a layer is stands below its name."""
    from lamina.render.table import HEADER

    rows = [*content.rows, content.total]
    need = sum(max(len(cell) for cell in column) + 2 for column in zip(HEADER, *(row.cells for row in rows), strict=True))
    stacked = need + 2 > width
    drawn = Table(box=box.SIMPLE, pad_edge=True, show_footer=True, header_style="dim", padding=(0, 1))
    drawn.add_column("layer", content.total.name, footer_style="bold", overflow="fold")
    if not stacked:
        drawn.add_column("", overflow="fold")
    drawn.add_column("output", overflow="fold")
    drawn.add_column("params", content.total.params, justify="right", footer_style="bold", no_wrap=True)
    drawn.add_column("how", content.total.how, footer_style="dim", overflow="fold")
    for row in content.rows:
        drawn.add_row(*_cells(row, stacked))
    return drawn


def _cells(row: "Row", stacked: bool) -> Iterator[RenderableType]:
    name, summary = line(row.name, "bold"), line(row.summary, "cyan")
    if stacked:
        yield Group(name, Padding(summary, (0, 0, 0, 2))) if summary else name
    else:
        yield from (name, summary)
    yield line(row.output, "green")
    yield line(row.params)
    yield line(row.how)


def _remark(remark: str) -> Padding:
    """A note, its first word in colour: "warning on conv1d: ..."."""
    text = line(remark)
    text.highlight_regex(r"^(note|warning) on", "yellow")
    return Padding(text, (0, 0, 0, 2))


def show_layer(out: Out, layer: "LayerTrace") -> None:
    """One layer in words and numbers: what comes and goes, why, what it weighs, what is surprising."""
    from lamina.render.words import tensor

    comes = "; ".join(tensor(spec, full=True) for spec in layer.inputs)
    goes = "; ".join(tensor(spec, full=True) for spec in layer.outputs)
    passed = f"{comes} -> {goes}" if comes else goes
    out.show(Text.assemble(line(layer.name, "bold"), "  ", line(layer.summary, "cyan")))
    out.show(_indented(line(passed, "green")), _indented(line(layer.explanation)))
    if layer.weights:
        shapes = ", ".join(f"{weight.name} {_sizes(weight.shape)}" for weight in layer.weights)
        out.show(_indented(line(f"weights: {shapes}", "dim")))
    for note in layer.notes:
        out.show(_indented(Text.assemble(("note: ", "yellow"), line(note.text))))


def markdown_layer(layer: "LayerTrace") -> str:
    """One layer in words and numbers, as Markdown."""
    from lamina.render.markdown import escaped

    said = [*layer.explanation.splitlines(), *(f"note: {note.text}" for note in layer.notes)]
    return "\n".join([f"**{escaped(layer.name)}** {escaped(layer.summary)}", "", *(f"- {escaped(one)}" for one in said)])


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, 2))


def _sizes(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "1"


def show_arrays(out: Out, arrays: "Mapping[str, Array]") -> None:
    """Arrays by name: shape, type, and numbers, shortened in the middle where they are many."""
    for name, array in arrays.items():
        head = Text.assemble(line(name, "bold"), "  ", (_sizes(array.shape), "green"), f"  {array.dtype.name}")
        out.show(head, _indented(Text(numbers(array, out.width if out.terminal else 100))))


def numbers(array: "Array", width: int = 100) -> str:
    """The numbers of an array, four digits each, shortened where they are more than 60."""
    import numpy as np

    with np.printoptions(suppress=_plain(array)):
        return np.array2string(
            array, precision=_PRECISION, threshold=_MOST_NUMBERS, edgeitems=_EDGE, max_line_width=max(width - 4, 20)
        )


def _plain(array: "Array") -> bool:
    """Whether four digits behind the point say enough of every number, so that none needs an exponent."""
    import numpy as np

    finite = np.abs(array[np.isfinite(array)]) if array.dtype.kind == "f" else array[:0]
    seen = finite[finite > 0]
    return bool(seen.size == 0 or (seen.max() < 1e6 and seen.max() >= 1e-3))


def receipt_line(receipt: "Receipt") -> Text:
    """How it was run, in a line: "cpu, 7 nodes on CPUExecutionProvider, build 5.9 ms, run 1.0 ms, weights from seed 0"."""
    places = [f"{_nodes(place.nodes)} on {place.provider}" for place in receipt.placements]
    stages = [f"{name} {seconds * 1000:.1f} ms" for name, seconds in receipt.stages.items() if seconds >= 5e-5]
    drawn = [f"weights drawn from seed {receipt.seed}"] if receipt.seed is not None else []
    reasons = [f"({place.fallback_reason})" for place in receipt.placements if place.fallback_reason]
    return line(", ".join([receipt.device, *places, *reasons, *stages, *drawn]), "dim")


def _nodes(count: int) -> str:
    return f"{count} {'node' if count == 1 else 'nodes'}"
