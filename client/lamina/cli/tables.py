"""Traces, explanations and arrays for a terminal."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lamina.cli.console import Out, line

if TYPE_CHECKING:
    from lamina import LayerTrace, Receipt, Trace
    from lamina.render.table import Row
    from lamina.render.table import Table as Content
    from lamina.typing import Array

_INDENT = "  "
# Columns that `how` needs to stand beside the rest.
_LEAST_HOW = 20
_PRECISION, _MOST_NUMBERS, _EDGE = 4, 60, 3


def show_trace(out: Out, trace: "Trace") -> None:
    """A trace: drawn on a terminal; elsewhere exactly what `print(trace)` prints."""
    if not out.terminal:
        out.raw(trace.to_text())
        return
    from lamina.render.table import HEADER, table

    content = table(trace)
    out.show(Text.assemble(line(content.title, "bold"), "  ", line(f"({content.subtitle})", "dim")))
    columns = [max(map(len, cells)) for cells in zip(HEADER, *(row.cells for row in content.rows), strict=True)]
    draw = _in_columns if sum(columns) + len(_INDENT) + 2 * len(columns) <= out.width else _in_pairs
    out.show(*draw(content, columns, out.width))
    out.show(_total(trace), *map(_remark, content.remarks))


def _in_columns(content: "Content", _columns: list[int], _width: int) -> Iterator[RenderableType]:
    """A line for each layer."""
    from lamina.render.table import HEADER

    grid = Table.grid(padding=(0, 2, 0, 0))
    for heading in HEADER:
        grid.add_column(justify="right" if heading == "params" else "left", no_wrap=True)
    grid.add_row(*(Text(f"{_INDENT * (not i)}{heading}", style="dim") for i, heading in enumerate(HEADER)))
    for row in content.rows:
        name, summary, output, params, how = _styled(row)
        grid.add_row(Text.assemble(_INDENT, name), summary, output, params, how)
    yield grid


def _in_pairs(content: "Content", columns: list[int], width: int) -> Iterator[RenderableType]:
    """Two lines for each layer, where one would be too long: what it is, then what comes of it; or three."""
    left = 2 * len(_INDENT) + columns[2] + columns[3] + 6
    for row in content.rows:
        name, summary, output, params, how = _styled(row)
        yield _indented(Text.assemble(name, "  ", summary))
        if left + _LEAST_HOW > width:
            yield from (_indented(Text.assemble(output, "  ", params), 3), _indented(how, 3))
            continue
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=2 * len(_INDENT))
        grid.add_column(width=columns[2])
        grid.add_column(width=columns[3], justify="right")
        grid.add_row("", output, params, how)
        yield grid


def _styled(row: "Row") -> tuple[Text, Text, Text, Text, Text]:
    name, summary, output, params, how = row.cells
    return line(name, "bold"), line(summary, "cyan"), line(output, "green"), line(params), line(how)


def _total(trace: "Trace") -> Padding:
    from lamina.render.words import grouped, joined, multiply_adds

    counted = f"{grouped(trace.params)} {'parameter' if trace.params == 1 else 'parameters'}"
    return _indented(Text.assemble(("total  ", "bold"), joined([counted, multiply_adds(trace.macs)], ", ")))


def _remark(remark: str) -> Padding:
    """A note, its first word in colour: "warning on conv1d: ..."."""
    text = line(remark)
    text.highlight_regex(r"^(note|warning) on", "yellow")
    return _indented(text)


def show_layer(out: Out, layer: "LayerTrace", *, notes: bool = True) -> None:
    """One layer in words and numbers: what comes and goes, why, what it weighs, with `notes` what is surprising."""
    from lamina.render.words import tensor

    comes = "; ".join(tensor(spec, full=True) for spec in layer.inputs)
    goes = "; ".join(tensor(spec, full=True) for spec in layer.outputs)
    passed = f"{comes} -> {goes}" if comes else goes
    out.show(Text.assemble(line(layer.name, "bold"), "  ", line(layer.summary, "cyan")))
    out.show(_indented(line(passed, "green")), _indented(line(layer.explanation)))
    if layer.weights:
        shapes = ", ".join(f"{weight.name} {_sizes(weight.shape)}" for weight in layer.weights)
        out.show(_indented(line(f"weights: {shapes}", "dim")))
    if layer.receptive_field:
        seen = ", ".join(f"{field.input_role} {field.size} (jump {field.jump})" for field in layer.receptive_field)
        out.show(_indented(line(f"receptive field: {seen}", "dim")))
    for note in layer.notes if notes else ():
        out.show(_indented(Text.assemble(("note: ", "yellow"), line(note.text))))


def markdown_layer(layer: "LayerTrace") -> str:
    """One layer in words and numbers, as Markdown."""
    from lamina.render.markdown import escaped

    said = [*layer.explanation.splitlines(), *(f"note: {note.text}" for note in layer.notes)]
    return "\n".join(
        [f"**{escaped(layer.name)}** {escaped(layer.summary)}", "", *(f"- {escaped(one)}" for one in said)]
    )


def _indented(text: Text, times: int = 1) -> Padding:
    return Padding(text, (0, 0, 0, times * len(_INDENT)))


def _sizes(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "1"


def show_arrays(out: Out, arrays: "Mapping[str, Array]") -> None:
    """Arrays by name: shape, type, and numbers, shortened in the middle where they are many."""
    for name, array in arrays.items():
        head = Text.assemble(line(name, "bold"), "  ", (_sizes(array.shape), "green"), f"  {array.dtype.name}")
        out.show(head, _indented(Text(numbers(array, out.width if out.terminal else 100))))


def previews(arrays: "Mapping[str, Array]") -> Table:
    """Arrays in one line each: name, shape, the first numbers and the last, the range of all."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, array in arrays.items():
        flat = array.reshape(-1)
        some = [f"{value:.4g}" for value in (*flat[:3], flat[-1])]
        ends = " ".join([*some[:-1], "...", some[-1]])
        span = Text(f"{flat.min():.4g} to {flat.max():.4g}", style="dim")
        table.add_row(line(name, "bold"), Text(_sizes(array.shape), style="green"), ends, span)
    return table


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
    """How it was run, in a line: "cpu, 7 nodes on CPUExecutionProvider, build 5.9 ms, run 1.0 ms"."""
    places = [f"{_nodes(place.nodes)} on {place.provider}" for place in receipt.placements]
    stages = [f"{name} {seconds * 1000:.1f} ms" for name, seconds in receipt.stages.items() if seconds >= 5e-5]
    drawn = [f"weights drawn from seed {receipt.seed}"] if receipt.seed is not None else []
    reasons = [f"({place.fallback_reason})" for place in receipt.placements if place.fallback_reason]
    return line(", ".join([receipt.device, *places, *reasons, *stages, *drawn]), "dim")


def _nodes(count: int) -> str:
    return f"{count} {'node' if count == 1 else 'nodes'}"
