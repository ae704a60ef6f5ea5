"""`lamina serve`: the server itself, in this process. The only place that knows there is one."""

import os
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from rich.padding import Padding
from rich.text import Text

from lamina.cli.console import Out, line
from lamina.cli.reporting import CANNOT

_INSTALL = "pip install 'lamina[server,cpu]' (or [server,gpu])"


def serve(
    ctx: typer.Context,
    json: Annotated[
        bool, typer.Option("--json", help="Print the addresses as one line of JSON once calls are answered.")
    ] = False,
    help: Annotated[
        bool, typer.Option("--help", "-h", is_eager=True, help="Show this message and every setting.")
    ] = False,
) -> None:
    """Serves over gRPC, and metrics and health over HTTP, until SIGTERM or Ctrl-C. Settings are LAMINA_* variables."""
    out = Out()
    if help:
        out.raw(ctx.get_help())
        _show_settings(out)
        return
    if json:
        os.environ["LAMINA_ANNOUNCE_FD"] = str(os.dup(sys.stdout.fileno()))
    os.environ.pop("LAMINA_ADDRESS", None)  # for the other commands; the server would wonder about it
    try:
        server = import_module("lamina_server.__main__")
        code = server.main([])
    except ModuleNotFoundError as error:
        out.tell(line(_missing(error)))
        raise typer.Exit(CANNOT) from error
    server.leave(code)


def _missing(error: ModuleNotFoundError) -> str:
    return f"The server is not installed here (there is no {error.name}): {_INSTALL}."


def _show_settings(out: Out) -> None:
    """Every setting: its variable, its default, and what it does, with unit and range."""
    try:
        settings: list[Any] = import_module("lamina_server.config").describe()
    except ModuleNotFoundError as error:
        out.show(line(f"Settings are listed where the server is installed. {_missing(error)}"))
        return
    out.show(Text("Settings, as environment variables", style="bold"))
    for setting in settings:
        out.show(Text.assemble("  ", line(setting.variable, "bold cyan"), "  ", line(setting.default, "green")))
        out.show(Padding(line(setting.doc), (0, 0, 0, 6)))
