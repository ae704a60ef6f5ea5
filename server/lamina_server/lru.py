"""The most recently used of what is worth keeping."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Lru(Generic[K, V]):
    """The most recently used `capacity` values. Threads may share one: a value may then be made twice."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value of a key, or None."""
        value = self._items.get(key)
        if value is not None:
            with suppress(KeyError):  # another thread let it go meanwhile
                self._items.move_to_end(key)
        return value

    def made(self, key: K, make: Callable[[], V]) -> V:
        """The value of a key, made where it is not there."""
        value = self.get(key)
        if value is None:
            value = make()
            self.put(key, value)
        return value

    def clear(self) -> None:
        """Lets everything go."""
        self._items.clear()

    def put(self, key: K, value: V) -> None:
        """Keeps a value, at the cost of the least recently used."""
        self._items.pop(key, None)
        self._items[key] = value
        if len(self._items) > self._capacity:
            with suppress(KeyError):  # as above
                self._items.popitem(last=False)
