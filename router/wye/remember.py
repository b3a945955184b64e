"""What was worked out for a text is kept for the next time: of so many texts, and of none that is long, for senders choose them
and must not fill the memory with them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

LONGEST = 256
"""Characters of a text that is kept."""

T = TypeVar("T")


def remembered(most: int) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """Decorates a function whose result hangs on its text alone; the results of ``most`` texts are kept, those used last."""

    def decorate(function: Callable[[str], T]) -> Callable[[str], T]:
        known = functools.lru_cache(most)(function)

        @functools.wraps(function)
        def find(text: str) -> T:
            return known(text) if len(text) <= LONGEST else function(text)

        return find

    return decorate
