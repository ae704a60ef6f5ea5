"""The one table: a row for each operator, module or class, written between two marks of README.md.

A run of some suites replaces their rows and keeps the others; totals are added up from the rows as they stand.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.conformance.suite import Tally, Verdict

README = Path(__file__).with_name("README.md")
VERDICTS = (Verdict.MATCHED, Verdict.REFUSED, Verdict.UNMAPPED, Verdict.KNOWN, Verdict.WRONG)
MOST = 240  # characters of a reason
_HEAD = ("suite", "of", "cases", *(str(verdict) for verdict in VERDICTS), "why")


class Row(NamedTuple):
    """One line of the table."""

    suite: str
    group: str
    counts: tuple[int, ...]
    why: str = ""

    @property
    def line(self) -> str:
        """As Markdown."""
        cells = [self.suite, self.group, f"{sum(self.counts)}", *(str(n) if n else "" for n in self.counts), self.why]
        return f"| {' | '.join(cells)} |"


def row(suite: str, group: str, tally: Tally) -> Row:
    """A group's line: counts, and the reasons with how many cases they are for."""
    reasons = sorted(tally.reasons.items(), key=lambda item: (VERDICTS.index(item[0][0]), -item[1], item[0][1]))
    said = {key: f" ({_cell(text)})" for key, text in tally.first.items()}
    why = "; ".join(f"{count} {key[0]}: {_cell(key[1])}{said.get(key, '')}" for key, count in reasons)
    return Row(suite, group, tuple(tally.counts.get(verdict, 0) for verdict in VERDICTS), why)


def rows(text: str) -> list[Row]:
    """The lines of a table that was written."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == len(_HEAD) and cells[0] != "suite" and cells[1].strip("-"):
            counts = tuple(int(cell or 0) for cell in cells[3:-1])
            found.append(Row(cells[0], cells[1], counts, cells[-1]))
    return found


def written(old: Iterable[Row], new: Mapping[str, Iterable[Row]], order: Iterable[str]) -> str:
    """The table with the rows of the suites in `new` replaced, suites in this order, totals first."""
    kept: dict[str, list[Row]] = {}
    for line in old:
        kept.setdefault(line.suite, []).append(line)
    kept.update({suite: sorted(lines, key=lambda line: line.group.lower()) for suite, lines in new.items()})
    suites = {suite: kept[suite] for suite in order if kept.get(suite)}
    head = [f"| {' | '.join(_HEAD)} |", f"|{'---|' * len(_HEAD)}"]
    totals = [Row(f"**{suite}**", "", _added(lines)).line for suite, lines in suites.items()]
    everything = Row("**all**", "", _added(line for lines in suites.values() for line in lines)).line
    return "\n".join([*head, everything, *totals, *(line.line for lines in suites.values() for line in lines)])


def between(text: str, mark: str) -> str:
    """What stands between two marks."""
    return text.split(_start(mark))[1].split(_end(mark))[0]


def put(text: str, mark: str, content: str) -> str:
    """The text with other content between two marks."""
    before, rest = text.split(_start(mark))
    after = rest.split(_end(mark))[1]
    return f"{before}{_start(mark)}\n{content}\n{_end(mark)}{after}"


def _start(mark: str) -> str:
    return f"<!-- {mark}: written by make conformance -->"


def _end(mark: str) -> str:
    return f"<!-- end of {mark} -->"


def _added(lines: Iterable[Row]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*(line.counts for line in lines), strict=True)))


def _cell(text: str) -> str:
    """One line for a cell; of a long text the beginning."""
    text = text if len(text) <= MOST else f"{text[:MOST].rsplit(' ', 1)[0]} ..."
    return " ".join(text.replace("|", "\\|").split())
