"""What went wrong, in the terminal and as JSON, and the exit code that says which kind of thing it was."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

import lamina as lm
from lamina.cli.console import Out, line

if TYPE_CHECKING:
    from lamina import Fix, LaminaError

OK, CANNOT, USAGE, REFUSED, LATER, INTERRUPTED = 0, 1, 2, 3, 4, 130
EXIT_CODES = {
    OK: "done",
    CANNOT: "cannot run: no server, a package or a right is missing, a file cannot be written",
    USAGE: "the command is wrong: an option, a file that is not there",
    REFUSED: "the stack or the data is refused; the message says why, often with fixes",
    LATER: "over a limit, out of time, or the server is busy or leaving",
    INTERRUPTED: "interrupted",
}


@contextmanager
def reporting(ctx: typer.Context, out: Out) -> Iterator[None]:
    """Turns errors of the block into a message and an exit code. Usage errors are typer's own affair."""
    try:
        yield
    except lm.LaminaError as error:
        code = exit_code(error)
        if out.json:
            out.data(error_data(error, code))
        else:
            out.tell(*_paragraphs(ctx, error, out.error_width))
        raise typer.Exit(code) from error
    except BrokenPipeError:
        raise  # whoever read the output has gone; typer ends quietly
    except OSError as error:
        message = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
        if out.json:
            out.data({"error": {"code": "UNKNOWN", "reason": "OS_ERROR", "message": message, "exit_code": CANNOT}})
        else:
            out.tell(_headed(message))
        raise typer.Exit(CANNOT) from error


def usage(text: str, option: str) -> typer.BadParameter:
    """An error of the command itself, at an option; foreign names in it are safe to print."""
    return typer.BadParameter(line(text).plain, param_hint=option)


def exit_code(error: "LaminaError") -> int:
    """The exit code of an error; see EXIT_CODES."""
    if error.reason == "MISSING_PACKAGE":
        return CANNOT
    if isinstance(error, lm.UnavailableError):
        # A server that answers gives a reason of its own; without one, nobody answered.
        return CANNOT if error.reason in ("UNAVAILABLE", "SERVER_START") else LATER
    if isinstance(error, lm.ResourceExhaustedError | lm.DeadlineExceededError | lm.CancelledError):
        return LATER
    refused = (lm.InvalidArgumentError, lm.NotFoundError, lm.AlreadyExistsError, lm.FailedPreconditionError)
    return REFUSED if isinstance(error, refused) else CANNOT


def error_data(error: "LaminaError", code: int) -> dict[str, object]:
    """An error as JSON has it: {"error": {...}}."""
    diagnostic = error.diagnostic
    return {
        "error": {
            "code": error.code,
            "reason": error.reason,
            "message": error.message,
            "layer": diagnostic.layer if diagnostic else "",
            "kind": diagnostic.kind if diagnostic else "",
            "field": error.field,
            "details": error.details,
            "fixes": [_fix_data(number, fix) for number, fix in enumerate(error.fixes, 1)],
            "request_id": error.request_id,
            "retry_after": error.retry_after,
            "exit_code": code,
        }
    }


def _fix_data(number: int, fix: "Fix") -> dict[str, object]:
    from google.protobuf import json_format

    edits = json_format.MessageToDict(fix.proto)
    return {
        "number": number,
        "title": fix.title,
        "outcome": fix.outcome,
        "stack_edits": edits.get("stackEdits", []),
        "array_edits": edits.get("arrayEdits", []),
    }


def _paragraphs(ctx: typer.Context, error: "LaminaError", width: int) -> Iterator[RenderableType]:
    yield _headed(error.message)
    if error.fixes:
        yield fixes_table(error.fixes, width)
    if error.field and error.field not in error.message:
        yield line(f"at {error.field}", "dim")
    answered = not isinstance(error, lm.UnavailableError)
    if answered and error.request_id and ctx.params.get("address"):  # what the log of that server calls it
        yield line(f"request {error.request_id}", "dim")
    if remedy := _remedy(ctx, error):
        yield Text.assemble(("try: ", "dim"), line(remedy, "cyan"))


def _headed(message: str) -> Text:
    return Text.assemble(("error: ", "bold red"), line(message))


def fixes_table(fixes: "tuple[Fix, ...]", width: int) -> RenderableType:
    """Fixes by number: what to do, and the shape that results beside it, or below where the line is too short."""
    titles = [line(fix.title) for fix in fixes]
    outcomes = [line(fix.outcome, "green") for fix in fixes]
    beside = max(map(len, titles)) + max(map(len, outcomes)) + 7 <= width
    table = Table.grid(padding=(0, 2, 0, 0))
    for number, (title, outcome) in enumerate(zip(titles, outcomes, strict=True), 1):
        label = Text(f"  {number}", style="bold cyan")
        if beside:
            table.add_row(label, title, outcome)
        else:
            table.add_row(label, Group(title, outcome) if outcome else title)
    return table


def _remedy(ctx: typer.Context, error: "LaminaError") -> str:
    """The command that would get further, as one types it; "" where none is known."""
    takes = {name for param in ctx.command.params for name in param.opts}
    if error.fixes and "--fix" in takes:
        return command_line(ctx, "--fix", "1")
    if isinstance(error, lm.DeadlineExceededError) and "--timeout" in takes:
        return command_line(ctx, "--timeout", f"{2 * ctx.params['timeout']:g}", without="--timeout")
    return ""


def command_line(ctx: typer.Context, *more: str, without: str = "") -> str:
    """This command as it was typed, with more behind it."""
    words = ["lamina", str(ctx.info_name)]
    for param in sorted(ctx.command.params, key=lambda one: one.param_type_name):  # arguments first
        source = ctx.get_parameter_source(str(param.name))
        if source is None or source.name != "COMMANDLINE" or without in param.opts:
            continue
        words += _typed(param, ctx.params[str(param.name)])
    return shlex.join([*words, *more])


def _typed(param: Any, value: object) -> list[str]:
    values = [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]
    if param.param_type_name == "argument":
        return values
    name = max(param.opts, key=len)
    return [name] if value is True else [word for one in values for word in (name, one)]
