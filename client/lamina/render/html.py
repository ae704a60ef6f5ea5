"""A trace for a notebook: one fragment, no style sheet, no script, legible on light and dark alike."""

from html import escape
from typing import TYPE_CHECKING

from lamina.render.table import HEADER, Row, table
from lamina.render.words import printable

if TYPE_CHECKING:
    from lamina.traces import Trace

# Colours are the page's own: text in its colour, lines in the same, only fainter.
_LINE = "1px solid color-mix(in srgb, currentColor 30%, transparent)"
_CELL = "padding:2px 12px 2px 0;text-align:{align};white-space:nowrap;vertical-align:top;background:none"
_ALIGN = ("left", "left", "left", "right", "left")


def trace_html(trace: "Trace") -> str:
    """Title, table and remarks; every name is escaped, a layer's explanation is its row's tooltip."""
    content = table(trace)
    rows = "".join(_row(row) for row in content.rows)
    remarks = "".join(f'<li style="white-space:pre-line">{_text(remark)}</li>' for remark in content.remarks)
    return (
        '<div style="font-family:ui-monospace,monospace;font-size:0.9em;color:inherit;overflow-x:auto">'
        f"<div><strong>{_text(content.title)}</strong> <span>({_text(content.subtitle)})</span></div>"
        '<table style="border-collapse:collapse;color:inherit;background:none">'
        f'<thead style="border-bottom:{_LINE}">{_row(Row(*HEADER), cell="th")}</thead>'
        f"<tbody>{rows}</tbody>"
        f'<tfoot style="border-top:{_LINE}">{_row(content.total)}</tfoot>'
        "</table>" + (f'<ul style="margin:4px 0;padding-left:1.5em">{remarks}</ul>' if remarks else "") + "</div>"
    )


def _row(row: Row, cell: str = "td") -> str:
    cells = "".join(
        f'<{cell} style="{_CELL.format(align=align)}">{_text(text)}</{cell}>'
        for text, align in zip(row.cells, _ALIGN, strict=True)
    )
    title = f' title="{escape(row.explanation, quote=True)}"' if row.explanation else ""
    return f'<tr style="background:none"{title}>{cells}</tr>'


def _text(text: str) -> str:
    return escape("\n".join(map(printable, text.splitlines())), quote=True)
