"""What was worked out is kept for the next time: for so many keys, and for none that is large, for senders choose them and must
not fill the memory with them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

MAX_KEY_BYTES = 512
"""As many as a text of 460 plain characters takes."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Bounded(dict[K, V]):
    """Values by their keys, of which ``most`` are kept: with one more, all others are forgotten. A key that takes more than
    ``max_key_bytes`` is not kept at all; nothing but texts, numbers and tuples of such may be one."""

    __slots__ = ("_max_key_bytes", "_most")

    def __init__(self, most: int, max_key_bytes: int = MAX_KEY_BYTES) -> None:
        super().__init__()
        self._most = most
        self._max_key_bytes = max_key_bytes

    def keep(self, key: K, value: V) -> V:
        """``value``, which is the key's from now on."""
        if _size(key) <= self._max_key_bytes:
            if len(self) >= self._most:
                self.clear()
            self[key] = value
        return value


def _size(key: object) -> int:
    """Bytes that a key takes."""
    size = sys.getsizeof(key)
    return size + sum(map(_size, cast(tuple[Any, ...], key))) if type(key) is tuple else size


class _Found(Bounded[K, V]):
    """Values that a function finds when they are asked for."""

    __slots__ = ("_find",)

    def __init__(self, find: Callable[[K], V], most: int, max_key_bytes: int) -> None:
        super().__init__(most, max_key_bytes)
        self._find = find

    def __missing__(self, key: K) -> V:
        return self.keep(key, self._find(key))


def remembered(most: int, max_key_bytes: int = MAX_KEY_BYTES) -> Callable[[Callable[[K], V]], Callable[[K], V]]:
    """Decorates a function whose result hangs on its one argument alone; the results are kept as in ``Bounded``."""

    def decorate(function: Callable[[K], V]) -> Callable[[K], V]:
        return _Found(function, most, max_key_bytes).__getitem__  # without a call in Python where the result is known

    return decorate
