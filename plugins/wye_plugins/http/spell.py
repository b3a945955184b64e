"""A condition that comes and goes, logged once when it starts and once when it ends."""

from __future__ import annotations

import logging


class Spell:
    """``hit`` it each time the condition is met, ``over`` it when it is found gone."""

    __slots__ = ("_during", "_ended", "_hits", "_log", "_name")

    def __init__(self, log: logging.Logger, name: str, during: str, ended: str) -> None:
        self._log = log
        self._name = name
        self._during = during
        self._ended = ended
        self._hits = 0

    def hit(self) -> None:
        if self._hits == 0:
            self._log.warning("source %s: %s", self._name, self._during)
        self._hits += 1

    def over(self) -> None:
        if self._hits:
            self._log.info("source %s: %s; it happened %d times", self._name, self._ended, self._hits)
            self._hits = 0
