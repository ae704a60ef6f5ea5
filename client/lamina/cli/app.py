"""The command line as a whole: its commands, and what holds for all of them."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from lamina.cli.console import Out
from lamina.cli.export import export
from lamina.cli.infer import infer
from lamina.cli.kinds import kinds
from lamina.cli.reporting import EXIT_CODES, USAGE
from lamina.cli.serve import serve
from lamina.cli.trace import trace

# What typer raises for a wrong command; it has no name of its own in typer.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]

_EPILOG = "\n\n".join(
    [
        "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + ".",
        "Example: lamina trace net.yaml --shape 2,128,9, where net.yaml holds a list `layers:` such as "
        "{layers: [Input: [128, 9], Conv1D: {filters: 100, kernel_size: 10}, Flatten, Dense: 6]}.",
    ]
)

app = typer.Typer(
    name="lamina",
    help="Shapes with their reasons, ONNX and outputs for a network described as a stack of layers.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (trace, infer, export, kinds):
    app.command()(command)
app.command(context_settings={"help_option_names": []})(serve)


@app.callback()
def lamina(
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.", is_eager=True)] = False,
) -> None:
    """Shapes with their reasons, ONNX and outputs for a network described as a stack of layers."""
