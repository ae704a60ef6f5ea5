"""`python -m lamina_server`: serves, or says in plain words why it cannot."""

import os
import sys
import textwrap
from collections.abc import Sequence

from lamina_server.config import StartupError, describe, load_settings, version

_USAGE = """\
usage: python -m lamina_server [--help | --version]

Serves Lamina over gRPC, and metrics and health over HTTP, until SIGTERM. It takes its settings from the environment:
"""


def main(arguments: Sequence[str]) -> int:
    """Serves until told to stop. Returns the exit code: 0, 1 where it cannot start, 2 where it was asked nonsense."""
    if list(arguments) in (["--help"], ["-h"]):
        print(help_text(), end="")
        return 0
    if list(arguments) == ["--version"]:
        print(f"lamina {version()}")
        return 0
    if arguments:
        print(f"lamina_server takes no {' '.join(arguments)!r}; see --help.", file=sys.stderr)
        return 2
    try:
        _serve()
    except StartupError as error:
        print(f"lamina: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def help_text() -> str:
    """Usage and every setting, with its default, unit and range."""
    lines = [_USAGE]
    for setting in describe():
        lines.append(f"  {setting.variable}  [{setting.default}]")
        lines.extend(textwrap.wrap(setting.doc, 110, initial_indent=" " * 6, subsequent_indent=" " * 6))
    return "\n".join(lines) + "\n"


def _serve() -> None:
    settings = load_settings()
    # Here and not above: --help and a bad setting need none of it, and malloc is told before anything large is made.
    from lamina_server.allocator import keep_message_memory, leave_modules_alone

    keep_message_memory()
    import asyncio

    from lamina_server.server import lamina_services, serve
    from lamina_server.services.logs import set_up

    writer = set_up(settings.log_level)
    leave_modules_alone()
    calls_are_logged = settings.log_level in ("debug", "info")
    try:
        # Not asyncio.run: it would wait for threads whose work nobody waits for any more.
        asyncio.new_event_loop().run_until_complete(
            serve(settings, lamina_services(), writer.write if calls_are_logged else None)
        )
    finally:
        writer.close()


def leave(code: int) -> None:
    """Ends the process now: a model still being built in a thread would hold up an ordinary exit for seconds."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
