"""Options that several commands share."""

from typing import Annotated, TypeAlias

import typer

_SERVER = "Server"

File: TypeAlias = Annotated[
    str | None,
    typer.Argument(metavar="FILE", help="The stack: YAML, JSON or textproto; - reads it from the standard input."),
]
Stored: TypeAlias = Annotated[
    str | None,
    typer.Option("--stack", metavar="NAME", help="A stack registered at --address, in place of FILE."),
]
Address: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--address",
        "-a",
        metavar="HOST:PORT",
        envvar="LAMINA_ADDRESS",
        help="Server to ask. Without one, a server is started for this command alone.",
        rich_help_panel=_SERVER,
    ),
]
Timeout: TypeAlias = Annotated[
    float,
    typer.Option(
        "--timeout", metavar="SECONDS", min=0.001, help="Longest wait for an answer.", rich_help_panel=_SERVER
    ),
]
Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Answer, or error, as one JSON document on the standard output.")
]
FixNumbers: TypeAlias = Annotated[
    list[int] | None,
    typer.Option(
        "--fix",
        metavar="N",
        min=1,
        help="Where the stack or an array is refused, apply fix N of those offered; again for the next fault.",
    ),
]
WeightsFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--weights", metavar="FILE.npz", help="Weights by name, such as conv1d/kernel; see the trace's --layer."
    ),
]
Seed: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--seed", min=0, metavar="N", help="Draw the weights that are not given from this seed; 0 unless told."
    ),
]
Fetch: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--fetch", metavar="NAME", help="A layer to return as well, as often as needed; '*' is every layer."),
]

DEFAULT_TIMEOUT = 60.0
