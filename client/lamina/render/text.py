"""A trace for a terminal."""

from typing import TYPE_CHECKING

from lamina.render.table import HEADER, Row, table
from lamina.render.words import printable

if TYPE_CHECKING:
    from lamina.traces import Trace


def trace_text(trace: "Trace") -> str:
    """Title, one line a layer, the total, and below it what is worth saying."""
    content = table(trace)
    header = Row(*HEADER)
    lines = [[printable(cell) for cell in row.cells] for row in (header, *content.rows, content.total)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    body = [_line(cells, widths) for cells in lines]
    title = f"{printable(content.title)}  ({printable(content.subtitle)})"
    return "\n".join([title, *body, *(_wrapped(remark) for remark in content.remarks)])


def _line(cells: list[str], widths: list[int]) -> str:
    name, summary, output, params, how = cells
    left = f"  {name:<{widths[0]}}  {summary:<{widths[1]}}  {output:<{widths[2]}}"
    return f"{left}  {params:>{widths[3]}}  {how}".rstrip()


def _wrapped(remark: str) -> str:
    return "\n".join(printable(line) for line in remark.splitlines())
