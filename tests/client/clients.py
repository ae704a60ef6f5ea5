"""Both clients behind one face, so that a test of behaviour is written once and holds for each."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import lamina as lm


class AnyClient(Protocol):
    """A client to be called without await."""

    def call(self, method: str, *args: Any, **options: Any) -> Any:
        """What a method returns."""
        ...

    def each(self, method: str, *args: Any, **options: Any) -> list[Any]:
        """All that a method yields."""
        ...

    def close(self) -> None:
        """Ends the connection."""
        ...


class _Sync:
    """The synchronous client as it is."""

    def __init__(self, client: lm.Client) -> None:
        self.client = client

    def call(self, method: str, *args: Any, **options: Any) -> Any:
        return getattr(self.client, method)(*args, **options)

    def each(self, method: str, *args: Any, **options: Any) -> list[Any]:
        return list(getattr(self.client, method)(*args, **options))

    def close(self) -> None:
        self.client.close()


class _Async:
    """The asynchronous client on a loop of its own."""

    def __init__(self, client: lm.AsyncClient, runner: asyncio.Runner) -> None:
        self.client, self.runner = client, runner

    def call(self, method: str, *args: Any, **options: Any) -> Any:
        return self.runner.run(getattr(self.client, method)(*args, **options))

    def each(self, method: str, *args: Any, **options: Any) -> list[Any]:
        async def collect() -> list[Any]:
            return [item async for item in getattr(self.client, method)(*args, **options)]

        return self.runner.run(collect())

    def close(self) -> None:
        self.runner.run(self.client.close())


@contextmanager
def connected(flavour: str, address: str, **options: Any) -> Iterator[AnyClient]:
    """A client of a flavour, "sync" or "async", closed at the end."""
    if flavour == "sync":
        with lm.Client(address, **options) as client:
            yield _Sync(client)
        return
    with asyncio.Runner() as runner:
        asynchronous = lm.AsyncClient(address, **options)
        try:
            yield _Async(asynchronous, runner)
        finally:
            runner.run(asynchronous.close())
