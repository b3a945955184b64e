"""A condition that lasts is said when it begins, when it gets another reason and when it ends; never for each event."""

from __future__ import annotations

import logging

import trio

_MOST_REASONS = 10
"""Reasons said in one trouble: some vendors write the event's id into theirs."""


class Trouble:
    """One condition of one part, as ``sink partner``."""

    def __init__(self, log: logging.Logger, who: str) -> None:
        self._log = log
        self._who = who
        self._since: float | None = None
        self._reasons: set[str] = set()

    def now(self, reason: str, *, grave: bool = False, error: BaseException | None = None) -> None:
        """It is so. ``grave`` asks for the operator, ``error`` is shown with its traceback."""
        if self._since is None:
            self._since = trio.current_time()
        if reason in self._reasons or (len(self._reasons) >= _MOST_REASONS and not grave):
            return
        self._reasons.add(reason)
        if grave:
            self._log.error("%s: %s; needs you: nothing is dropped, it is tried until mended", self._who, reason)
        else:
            self._log.warning("%s: %s; trying again", self._who, reason, exc_info=error)

    def over(self) -> None:
        """It is over, if it was."""
        if self._since is None:
            return
        self._log.warning("%s: works again after %.1f s", self._who, trio.current_time() - self._since)
        self._since = None
        self._reasons.clear()
