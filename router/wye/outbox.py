"""What a sink's workers send next: parcels in order, those that are to be tried again when they are due, and, where events of
one key keep their order, each key's events one after the other. Sans-io."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import count

from wye.batch import Parcel, joined
from wye.event import Event

KeyOf = Callable[[Event], str | None]


class Outbox:
    """Parcels that are encoded and not under way. ``out`` counts those that are."""

    def __init__(self) -> None:
        self.out = 0
        self._ready: deque[Parcel] = deque()
        self._later: list[tuple[float, int, Parcel]] = []
        self._numbers = count()

    @property
    def has_ready(self) -> bool:
        return bool(self._ready)

    @property
    def idle(self) -> bool:
        """Whether nothing waits here and nothing is under way."""
        return not (self.out or self._ready or self._later)

    @property
    def due_at(self) -> float:
        """When the next parcel may go, as far as it is up to the parcel."""
        if self._ready:
            return -math.inf
        return self._later[0][0] if self._later else math.inf

    def add(self, parcels: Iterable[Parcel]) -> None:
        """New ones, behind the others."""
        self._ready.extend(parcels)

    def put_first(self, parcels: Sequence[Parcel]) -> None:
        """Those that were under way and go before all others, in their order."""
        self._ready.extendleft(reversed(parcels))

    def put_later(self, parcel: Parcel, due_at: float) -> None:
        """One to be tried again, not before ``due_at``; others may overtake it."""
        heapq.heappush(self._later, (due_at, next(self._numbers), parcel))

    def next(self, now: float, *, fresh: bool = False) -> Parcel | None:
        """The parcel to send now, if there is one. ``fresh``: rather one that has not failed yet."""
        due = bool(self._later) and self._later[0][0] <= now
        if due and not (fresh and self._ready):
            parcel = heapq.heappop(self._later)[2]
        elif self._ready:
            parcel = self._ready.popleft()
        else:
            return None
        self.out += 1
        return parcel


class Lanes:
    """Lets one event of a key out at a time; the others of its key wait here in their order. Events without a key go freely.

    An event is out from ``admit`` or ``done`` until it is ``done`` with, however often it is tried meanwhile.
    """

    def __init__(self, key_of: KeyOf) -> None:
        self._key_of = key_of
        self._lanes: dict[str, deque[Parcel]] = {}

    def admit(self, parcel: Parcel) -> Parcel:
        """Those of ``parcel`` that may go now."""
        free: list[int] = []
        for place, event in enumerate(parcel.events):
            key = self._key_of(event)
            lane = None if key is None else self._lanes.get(key)
            if lane is not None:
                lane.append(parcel.pick([place]))
                continue
            if key is not None:
                self._lanes[key] = deque()
            free.append(place)
        return parcel if len(free) == len(parcel.events) else parcel.pick(free)

    def done(self, events: Iterable[Event]) -> Parcel | None:
        """These have come to their end; those that may go for it."""
        following: list[Parcel] = []
        for event in events:
            key = self._key_of(event)
            lane = None if key is None else self._lanes.get(key)
            if key is None or lane is None:
                continue
            if lane:
                following.append(lane.popleft())
            else:
                del self._lanes[key]
        return joined(following) if following else None
