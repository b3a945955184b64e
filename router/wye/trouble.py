"""A condition that lasts is said when it begins, when it gets another reason and when it ends; never for each event."""

from __future__ import annotations

import logging

import trio

_MOST_REASONS = 10
"""Reasons said in one trouble: some vendors write the event's id into theirs."""


class Trouble:
    """One condition of one part, as ``sink partner``. Several workers can be in it; it is over when none of them is."""

    def __init__(self, log: logging.Logger, who: str) -> None:
        self._log = log
        self._who = who
        self._since = 0.0
        self._reasons: set[str] = set()
        self._workers: set[int] = set()

    def now(self, reason: str, *, worker: int = 0, grave: bool = False, error: BaseException | None = None) -> None:
        """It is so for ``worker``. ``grave`` asks for the operator, ``error`` is shown with its traceback."""
        if not self._workers:
            self._since = trio.current_time()
        self._workers.add(worker)
        if reason in self._reasons or (len(self._reasons) >= _MOST_REASONS and not grave):
            return
        self._reasons.add(reason)
        if grave:
            self._log.error("%s: %s; needs you: nothing is dropped, it is tried until mended", self._who, reason)
        else:
            self._log.warning("%s: %s; trying again", self._who, reason, exc_info=error)

    def over(self, *, worker: int = 0) -> None:
        """It is over for ``worker``, if it was."""
        if worker not in self._workers:
            return
        self._workers.discard(worker)
        if not self._workers:
            self._reasons.clear()
            self._log.warning("%s: works again after %.1f s", self._who, trio.current_time() - self._since)
