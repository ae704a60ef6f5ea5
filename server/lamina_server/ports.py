"""Ports to serve on, and plain words where one cannot be had."""

import errno
import ipaddress
import socket

from .config import StartupError

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_BACKLOG = 128


def listen(host: str, port: int, variable: str) -> socket.socket:
    """A listening TCP socket on `port`, a free one where that is 0.

    Raises StartupError, which names `variable`, the setting that `port` comes from.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise StartupError(f"LAMINA_HOST is {host!r}, which is no address here: {_words(error)}.") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _refused(host, port, variable, error) from error
    listener.setblocking(False)
    return listener


def reachable(host: str, port: int) -> str:
    """An address that a program on this machine can connect to."""
    return with_port(_LOOPBACK.get(host, host), port)


def with_port(host: str, port: int) -> str:
    """`host:port`, with an IPv6 address in brackets."""
    try:
        bracketed = ipaddress.ip_address(host).version == 6
    except ValueError:
        bracketed = False
    return f"[{host}]:{port}" if bracketed else f"{host}:{port}"


def _refused(host: str, port: int, variable: str, error: OSError) -> StartupError:
    if error.errno == errno.EADDRINUSE:
        return StartupError(
            f"Port {port} on {host} is taken by another program. Stop that program, or set {variable} to another"
            " port, or to 0 for any free one."
        )
    if error.errno == errno.EACCES:
        return StartupError(
            f"Port {port} on {host} may not be opened by this user. Set {variable} to a port from 1024 on, or to 0"
            " for any free one."
        )
    return StartupError(f"Port {port} on {host} cannot be opened (LAMINA_HOST, {variable}): {_words(error)}.")


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
