"""The command line as a whole: its commands, and what holds for all of them."""

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated, Any

import typer

from lamina.cli.console import Out
from lamina.cli.demo import demo
from lamina.cli.export import export
from lamina.cli.infer import infer
from lamina.cli.kinds import kinds
from lamina.cli.reporting import EXIT_CODES, OK, USAGE
from lamina.cli.serve import serve
from lamina.cli.trace import trace

# What typer raises for a wrong command; it has no public name there.
_UsageError: type[Any] = typer.BadParameter.__mro__[1]

_CODES = "\n\n".join(["Exit codes:", *(f"{code}  {meaning}" for code, meaning in EXIT_CODES.items())])
_HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="lamina",
    epilog=_CODES,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings=_HELP,
)
app.command(context_settings={"help_option_names": []})(serve)
for command in (trace, infer, export, demo, kinds):
    app.command(context_settings=_HELP)(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata  # slow to import, and nothing else needs it

        try:
            version = metadata.version("lamina")
        except metadata.PackageNotFoundError:  # run from its source
            version = "0 (not installed)"
        Out().raw(f"lamina {version}")
        raise typer.Exit


@app.callback()
def lamina(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Shapes with their reasons, ONNX and outputs, for a network described as a stack of layers."""


def run(arguments: Sequence[str]) -> int:
    """Runs a command; returns its exit code. Where --json is asked for, a wrong command is answered in JSON too."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows ASCII only
    try:
        code = app(args=[*arguments], prog_name="lamina", standalone_mode="--json" not in arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else OK
    except _UsageError as error:
        message = error.format_message()
        Out(json=True).data(
            {"error": {"code": "INVALID_ARGUMENT", "reason": "USAGE", "message": message, "exit_code": USAGE}}
        )
        return USAGE
    return code or OK
