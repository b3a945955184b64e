"""Which events of a source are repeats: clients send again what was taken but not answered in time. Sans-io."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from wye.event import Event


class Dedupe:
    """Knows the ids of events for ``window_secs``, at most ``max_events`` of them; the oldest are forgotten first.

    An id is known once its event is safe, not before: what is sent again because the first time failed is no repeat. What is
    known lives in memory, and is gone with the process.
    """

    def __init__(self, window_secs: float, max_events: int) -> None:
        self._window_secs = window_secs
        self._max_events = max_events
        self._seen = OrderedDict[str, float]()  # a dict would look for its first key at every place that one has left

    def fresh(self, events: Sequence[Event], now: float) -> Sequence[Event]:
        """``events`` without those whose id is known, and of several with one id the first."""
        self._forget(now - self._window_secs)
        seen, here = self._seen, set[str]()
        kept = [event for event in events if event.id not in seen and not (event.id in here or here.add(event.id))]
        return events if len(kept) == len(events) else kept

    def safe(self, ids: Iterable[str], now: float) -> None:
        """Events with these ids are safe now."""
        seen = self._seen
        for one in ids:
            seen[one] = now
            seen.move_to_end(one)
        while len(seen) > self._max_events:
            seen.popitem(last=False)

    def _forget(self, before: float) -> None:
        """All that were safe before then."""
        seen = self._seen
        while seen and seen[next(iter(seen))] < before:
            seen.popitem(last=False)
