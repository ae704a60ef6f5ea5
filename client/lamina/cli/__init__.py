"""The command `lamina`: see README.md here, or `lamina --help`."""

import sys
from collections.abc import Sequence
from importlib.util import find_spec

# What the extra `cli` brings, by the name it is imported by.
_NEEDED = ("typer", "rich", "yaml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command with the arguments given, those of the process unless told; returns the exit code."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        print(f"The command line needs {', '.join(missing)}: pip install 'lamina[cli]'", file=sys.stderr)
        return 1
    from lamina.cli.app import run

    return run(sys.argv[1:] if arguments is None else arguments)
