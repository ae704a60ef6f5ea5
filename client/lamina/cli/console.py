"""Where answers go: the standard output for what was asked, the standard error for everything beside it.

On a terminal with colours, wrapped to its width. Elsewhere plain: no escape codes, no wrapping, so that what reads it
sees the same lines whoever runs it. Nothing foreign is ever read as markup, and control characters in it are written
as escapes.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.status import Status
from rich.text import Text

# Wider than any table: elsewhere than on a terminal nothing is wrapped or cut.
_ENDLESS = 100_000


class Out:
    """The two outputs of one command. With `json`, the standard output holds one JSON document and nothing else."""

    def __init__(self, json: bool = False) -> None:
        self.json = json
        self._out = _console(stderr=False)
        self._err = _console(stderr=True)

    @property
    def terminal(self) -> bool:
        """Whether someone reads the standard output."""
        return self._out.is_terminal

    @property
    def width(self) -> int:
        """Columns of the standard output."""
        return _width(self._out)

    @property
    def error_width(self) -> int:
        """Columns of the standard error."""
        return _width(self._err)

    def show(self, *parts: RenderableType) -> None:
        """Part of the answer, for people."""
        _print(self._out, parts)

    def tell(self, *parts: RenderableType) -> None:
        """Something beside the answer."""
        _print(self._err, parts)

    def raw(self, text: str) -> None:
        """Text as it is, with a line end behind it."""
        print(text.removesuffix("\n"))

    def data(self, value: object) -> None:
        """The answer, for programs: on one line, unless someone looks at it."""
        print(json.dumps(value, indent=2 if self.terminal else None, allow_nan=False))

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Says what is waited for, where someone looks on."""
        if not self._err.is_terminal or self.json:
            yield
            return
        with Status(line(what, "dim"), console=self._err, spinner="dots"):
            yield


def line(text: str, style: str = "") -> Text:
    """Foreign text, on one line unless it has several, for either output."""
    from lamina.render.words import printable

    return Text("\n".join(printable(one) for one in text.splitlines()), style=style)


def _width(console: Console) -> int:
    return console.width if console.is_terminal else _ENDLESS


def _console(*, stderr: bool) -> Console:
    # NO_COLOR means colours only; whoever sets it wants plain text, so no bold either.
    plain = bool(os.environ.get("NO_COLOR"))
    return Console(
        file=sys.stderr if stderr else sys.stdout,
        color_system=None if plain else "auto",
        highlight=False,
        markup=False,
        emoji=False,
    )


def _print(console: Console, parts: tuple[RenderableType, ...]) -> None:
    if console.is_terminal:
        console.print(*parts, sep="\n")
        return
    plain = Console(width=_ENDLESS, color_system=None, force_terminal=False, highlight=False, markup=False, emoji=False)
    with plain.capture() as captured:
        plain.print(*parts, sep="\n")
    console.file.write("".join(f"{text.rstrip()}\n" for text in captured.get().splitlines()))
