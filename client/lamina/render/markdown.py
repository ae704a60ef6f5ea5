"""A trace for a README, an issue or a chat."""

import re
from typing import TYPE_CHECKING

from lamina.render.table import Row, table
from lamina.render.words import printable

if TYPE_CHECKING:
    from lamina.traces import Trace

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&!])")


def trace_markdown(trace: "Trace") -> str:
    """Title, a pipe table, and a list of what is worth saying. Nothing in a name acts as markup."""
    content = table(trace)
    lines = [
        f"**{escaped(content.title)}** ({escaped(content.subtitle)})",
        "",
        "| layer | | output | params | how |",
        "| --- | --- | --- | ---: | --- |",
        *(_line(row) for row in (*content.rows, content.total)),
    ]
    remarks = [f"- {escaped(remark)}" for remark in content.remarks]
    return "\n".join([*lines, *([""] if remarks else []), *remarks])


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", printable(" ".join(text.splitlines())))


def _line(row: Row) -> str:
    return f"| {' | '.join(map(escaped, row.cells))} |"
