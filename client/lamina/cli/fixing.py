"""`--fix N`: applies a fix of those an error offers, and tries again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import lamina as lm
from lamina.cli.console import Out, line
from lamina.cli.reporting import usage
from lamina.errors import numbered

if TYPE_CHECKING:
    from lamina import Fix, LaminaError
    from lamina.cli.inputs import Source

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Subject:
    """What a command asks about: a stack or the name of a registered one, and the arrays beside it (None for none)."""

    source: "Source"
    arrays: Any = None


@dataclass(frozen=True)
class Attempt(Generic[Answer]):
    """An answer, what it is about in the end, and the fixes that led there."""

    answer: Answer
    subject: Subject
    fixes: "tuple[Fix, ...]"


def attempt(
    ask: Callable[[Subject], Answer], subject: Subject, numbers: Sequence[int] | None, out: Out
) -> Attempt[Answer]:
    """Asks; for each number in turn applies that fix of the error and asks again. Raises the error left at the end."""
    applied: list[Fix] = []
    for number in numbers or ():
        try:
            answer = ask(subject)
        except lm.LaminaError as error:
            if not error.fixes:
                raise
            fix = _pick(error, number)
            subject = _fixed(subject, fix, number)
            applied.append(fix)
            if not out.json:
                out.tell(line(f"fix {number}: {fix.title}", "green"))
        else:
            if not out.json:
                out.tell(line(f"--fix {number}: nothing is refused, so there is nothing to fix.", "dim"))
            return Attempt(answer, subject, tuple(applied))
    return Attempt(ask(subject), subject, tuple(applied))


def _pick(error: "LaminaError", number: int) -> "Fix":
    if number > len(error.fixes):
        choice = "is 1 fix" if len(error.fixes) == 1 else f"are {len(error.fixes)} fixes"
        offered = "\n".join(numbered(error.fixes))
        raise usage(f"{number} is asked for, but there {choice} for: {error.message}\n{offered}", "--fix")
    return error.fixes[number - 1]


def _fixed(subject: Subject, fix: "Fix", number: int) -> Subject:
    if fix.changes_stack:
        if isinstance(subject.source, str):
            raise usage(f"fix {number} changes the stack, which is registered: {fix.title}.", "--fix")
        subject = replace(subject, source=fix.apply(subject.source))
    if fix.changes_array:
        subject = replace(subject, arrays=fix.apply_to(subject.arrays))
    return subject
