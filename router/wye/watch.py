"""Looks at the sinks now and then, and says what nobody else would: that one is behind, or that its counts do not add up."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import trio

from wye.sink import Sink

log = logging.getLogger("wye.watch")

CHECK_SECS = 5.0
"""How often it looks."""


class _Watched:
    def __init__(self, sink: Sink, stall_secs: float) -> None:
        self.sink = sink
        self.stall_secs = stall_secs
        self.behind = False
        self.unbalanced = False


class Watch:
    """Watches sinks, each with the age (``stall_secs``) from which an event that is not settled is worth a word."""

    def __init__(self, sinks: Sequence[tuple[Sink, float]]) -> None:
        self._watched = [_Watched(sink, stall_secs) for sink, stall_secs in sinks]

    async def run(self) -> None:
        """For ever."""
        while True:
            for one in self._watched:
                _look_at_age(one)
                _look_at_account(one)
            await trio.sleep(CHECK_SECS)


def _look_at_age(one: _Watched) -> None:
    buffer = one.sink.buffer
    oldest_at = buffer.oldest_held_at
    age_secs = 0.0 if oldest_at is None else trio.current_time() - oldest_at
    behind = age_secs > one.stall_secs
    if behind and not one.behind:
        since = datetime.now(UTC) - timedelta(seconds=age_secs)
        log.error(
            "sink %s: is behind: %d events wait, the oldest since %s",
            one.sink.name,
            buffer.held_events,
            f"{since:%Y-%m-%dT%H:%M:%SZ}",
        )
    elif one.behind and not behind:
        log.warning("sink %s: is behind no more; %d events wait", one.sink.name, buffer.held_events)
    one.behind = behind


def _look_at_account(one: _Watched) -> None:
    unbalanced = not one.sink.account.balanced
    if unbalanced and not one.unbalanced:
        log.error("sink %s: its counts do not add up; this is a fault of wye: %s", one.sink.name, one.sink.account)
    one.unbalanced = unbalanced
