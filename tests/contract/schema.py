"""What the text of the schema says: the comment above each field, and the default it states."""

import re
from dataclasses import MISSING
from functools import cache
from typing import Any

from lamina_server.layers.activations.functions import Function
from tests.support import ROOT

_BLOCK = re.compile(r"^message (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^  (?:optional |repeated )?[\w.]+ (\w+) = \d+;")
_DEFAULT = re.compile(r"\bDefault(:?) (-?\d+(?:\.\d+)?|[^.,;(]+)")


@cache
def comments() -> dict[tuple[str, str], str]:
    """(message, field) -> the comment that stands above the field."""
    files = sorted((ROOT / "proto" / "lamina" / "v1").glob("*.proto"))
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    found: dict[tuple[str, str], str] = {}
    for message, body in _BLOCK.findall(text):
        lines: list[str] = []
        for line in body.splitlines():
            if line.strip().startswith("//"):
                lines.append(line.strip().removeprefix("//").strip())
            elif match := _FIELD.match(line):
                found[message, match[1]] = " ".join(lines)
                lines = []
            else:
                lines = []
    return found


def stated_default(message: str, field: str) -> str | None:
    """What a comment calls the default: "Default true." is `true`, "Default: the channel axis." is `: the channel
    axis`, and None stands for a field without one, which must then be required.
    """
    match = _DEFAULT.search(comments()[message, field])
    return f"{match[1] and ': '}{match[2].strip()}" if match else None


def agrees(stated: str | None, default: Any) -> bool:
    """Whether a stated default is the default of a dataclass' field.

    After a colon stand words for what follows from elsewhere: such an option is None, or empty, until it is given.
    """
    if default is MISSING:
        return stated is None
    if stated is None:
        return False
    if stated.startswith(": "):
        return default is None or default == ()
    if default is None:
        return stated == "none"
    if default == ():
        return stated == "all 1"
    if isinstance(default, bool):
        return stated == str(default).lower()
    if isinstance(default, int | float):
        return float(stated) == default
    return stated == (default.name if isinstance(default, Function) else str(default).upper())
