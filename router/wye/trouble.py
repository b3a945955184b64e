"""A condition that lasts is said when it begins, when it changes and when it ends; never for each event that it touches."""

from __future__ import annotations

import logging

import trio


class Trouble:
    """One condition of one part, as ``sink partner``."""

    def __init__(self, log: logging.Logger, who: str) -> None:
        self._log = log
        self._who = who
        self._reason: str | None = None
        self._since = 0.0

    def now(self, reason: str, *, grave: bool = False) -> None:
        """It is so. ``grave`` asks for the operator."""
        if reason == self._reason:
            return
        if self._reason is None:
            self._since = trio.current_time()
        self._reason = reason
        if grave:
            self._log.error("%s: %s; needs you: nothing is dropped, it is tried until mended", self._who, reason)
        else:
            self._log.warning("%s: %s; trying again", self._who, reason)

    def over(self) -> None:
        """It is over, if it was."""
        if self._reason is not None:
            self._log.warning("%s: works again after %.1f s", self._who, trio.current_time() - self._since)
            self._reason = None
