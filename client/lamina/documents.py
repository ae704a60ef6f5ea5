"""Text to plain data and back: YAML and JSON, bounded, with the line where each value stands.

Of YAML only what JSON has: mappings, lists, text, numbers, true, false and null, as YAML 1.2 reads them (`no` is text,
`1e-3` a number). Nothing is constructed, and aliases, anchors, tags and keys that come twice are refused.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

from lamina.errors import FailedPreconditionError, InvalidArgumentError

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 64

# Keys and indices from the top: ("layers", 3, "Conv1D").
Where: TypeAlias = tuple[str | int, ...]

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
# Longer numbers fit no field; as text they are refused in the words of the field they stand in.
_MOST_DIGITS = 25
# Text that reads back as itself without quotes.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Document:
    """Plain data, what it was read from, and the line of each value where that is known."""

    data: object
    name: str
    lines: Mapping[Where, int] = field(default_factory=dict)

    def error(self, where: Where, text: str, reason: str = "MALFORMED_FILE") -> InvalidArgumentError:
        """An error at a place: "net.yaml, line 7: layers[3]: text", whose field is the whole path."""
        line = next((self.lines[where[:n]] for n in range(len(where), -1, -1) if where[:n] in self.lines), None)
        layers = [path_text(where[: i + 1]) for i, part in enumerate(where) if isinstance(part, int)]
        item = layers[-1] if layers else ""
        return malformed(self.name, f"{item}: {text}" if item else text, line, reason=reason, path=path_text(where))


def malformed(
    name: str, text: str, line: int | None = None, *, reason: str = "MALFORMED_FILE", path: str = ""
) -> InvalidArgumentError:
    """An error in a text: "net.yaml, line 7: text"."""
    at = f"{name}, line {line}" if line else name
    return InvalidArgumentError(f"{at}: {text}", reason=reason, field=path)


def path_text(where: Where) -> str:
    """layers[3].Conv1D for ("layers", 3, "Conv1D")."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return "".join(parts).removeprefix(".")


def read_json(text: str, name: str) -> Document:
    """The document of JSON text. Raises InvalidArgumentError where it is none, or is nested too deep."""

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise malformed(name, f"the key {twice!r} comes twice in one place.", reason="DUPLICATE_KEY")
        return found

    def constant(word: str) -> NoReturn:
        raise malformed(name, f"{word} is no number in JSON.")

    try:
        data = json.loads(text, object_pairs_hook=unique, parse_int=_whole, parse_constant=constant)
    except json.JSONDecodeError as error:
        raise malformed(name, f"this is no JSON: {error.msg}, column {error.colno}.", error.lineno) from error
    except RecursionError as error:
        raise _too_deep(name) from error
    if _depth(data) > MAX_DEPTH:
        raise _too_deep(name)
    return Document(data, name)


def read_yaml(text: str, name: str) -> Document:
    """The document of YAML text. Raises InvalidArgumentError where it is none, or holds what is not read here."""
    reader = _Reader(name)
    yaml = _yaml()
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            reader.take(yaml, event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        said = ", ".join(part for part in (error.context, error.problem) if part)
        raise malformed(name, f"this is no YAML: {said}.", line) from error
    except yaml.YAMLError as error:  # a character that YAML does not admit
        raise malformed(name, f"this is no YAML: {str(error).splitlines()[0]}.") from error
    return Document(reader.data, name, reader.lines)


class _Reader:
    """Puts a document together from a parser's events, without recursion: nothing is built from a tag or an alias."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.data: object = None
        self.lines: dict[Where, int] = {}
        self._open: list[tuple[dict[Any, object] | list[object], Where]] = []
        self._key: list[str | None] = []
        self._documents = 0

    def take(self, yaml: Any, event: Any) -> None:
        line = event.start_mark.line + 1
        self._refuse(yaml, event, line)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            container: dict[Any, object] | list[object] = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._open.append((container, self._put(container, line)))
            self._key.append(None)
            if len(self._open) > MAX_DEPTH:
                raise _too_deep(self.name, line)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
            self._key.pop()

    def _refuse(self, yaml: Any, event: Any, line: int) -> None:
        self._documents += isinstance(event, yaml.DocumentStartEvent)
        if self._documents > 1:
            raise malformed(self.name, "a second document begins; a file holds one stack.", line)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise malformed(
                self.name, f"anchors and aliases ({event.anchor!r}) are not read: write it out.", line, reason="ALIAS"
            )
        if getattr(event, "tag", None) is not None:
            raise malformed(self.name, f"tags ({event.tag!r}) are not read.", line, reason="TAG")

    def _scalar(self, event: Any, line: int) -> None:
        if self._open and isinstance(self._open[-1][0], dict) and self._key[-1] is None:
            if event.value in self._open[-1][0]:
                raise malformed(
                    self.name, f"the key {event.value!r} comes twice in one place.", line, reason="DUPLICATE_KEY"
                )
            self._key[-1] = event.value
        else:
            self._put(_value(event.value) if event.implicit[0] else event.value, line)

    def _put(self, value: object, line: int) -> Where:
        """Adds a value to what is open; returns where it stands."""
        where: Where = ()
        if not self._open:
            self.data = value
        elif isinstance((parent := self._open[-1])[0], list):
            where = (*parent[1], len(parent[0]))
            parent[0].append(value)
        else:
            key = self._key[-1]
            if key is None:
                raise malformed(self.name, "a key is a name, not a list or a mapping.", line)
            where = (*parent[1], key)
            parent[0][key] = value
            self._key[-1] = None
        self.lines[where] = line
        return where


def _value(text: str) -> object:
    """What a word without quotes means."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return _whole(text)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _whole(text: str) -> int | str:
    return int(text) if len(text) <= _MOST_DIGITS else text


def _too_deep(name: str, line: int | None = None) -> InvalidArgumentError:
    return malformed(name, f"nested more than {MAX_DEPTH} deep.", line, reason="TOO_DEEP")


def _depth(data: object) -> int:
    """How deep lists and mappings are nested, counted level by level."""
    level, depth = [data], 0
    while level and depth <= MAX_DEPTH:
        inner = [one for one in level if isinstance(one, dict | list)]
        level = [item for one in inner for item in (one.values() if isinstance(one, dict) else one)]
        depth += bool(inner)
    return depth


def _yaml() -> Any:
    try:
        import yaml
    except ImportError as error:
        raise FailedPreconditionError(
            "Reading YAML needs PyYAML: pip install 'lamina[cli]'. JSON is read without it.", reason="MISSING_PACKAGE"
        ) from error
    return yaml


def flow(value: object) -> str:
    """Plain data as YAML on one line; `read_yaml` gives the same data back."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{flow(key)}: {flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value not in _WORDS else f'"{"".join(_escaped(value))}"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and value - value != 0:  # an infinity, or no number
        return ".nan" if value != value else ".inf" if value > 0 else "-.inf"
    return repr(value)


def _escaped(text: str) -> Iterator[str]:
    for char in text:
        if char in '"\\':
            yield f"\\{char}"
        elif char.isprintable():
            yield char
        else:
            yield f"\\U{ord(char):08x}"
