"""A stand-in for the intake that wye hands to a source."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import trio

from wye.event import Event
from wye.message import Decoded, Failure


class FakeIntake:
    """Takes whatever a source emits and remembers it.

    ``gate`` makes ``emit`` wait and ``offer`` refuse, as a full sink would: replace it by an unset ``trio.Event`` and set it
    later. With
    ``settle_at_once`` (the default) a batch is settled as it comes, with ``safe`` as the word; otherwise ``settle(safe)`` gives
    the word for the oldest one waiting. ``stop()`` ends the intake.
    """

    def __init__(self, name: str = "source") -> None:
        self.name = name
        self.batches: list[Decoded] = []
        self.places: list[str] = []
        self.gate = trio.Event()
        self.gate.set()
        self.settle_at_once = True
        self.safe = True
        self._waiting: list[Callable[[bool], None]] = []
        self._scopes: set[trio.CancelScope] = set()
        self._stopped = False

    @property
    def events(self) -> list[Event]:
        """All events so far, in order."""
        return [event for batch in self.batches for event in batch.events]

    @property
    def failures(self) -> list[Failure]:
        """All failures so far, in order; ``places`` holds where each stood."""
        return [failure for batch in self.batches for failure in batch.failures]

    @property
    def unsettled(self) -> int:
        """Batches that wait for ``settle``."""
        return len(self._waiting)

    @property
    def stopped(self) -> bool:
        return self._stopped

    def offer(
        self,
        decoded: Decoded,
        /,
        *,
        on_settled: Callable[[bool], None] | None = None,
        place: Callable[[int], str] | None = None,
    ) -> bool:
        if not self.gate.is_set():
            return False
        self._take(decoded, on_settled, place)
        return True

    def offer_all(self, several: Sequence[Decoded], /) -> bool:
        if any(one.failures for one in several):
            return False
        return all(self.offer(one) for one in several)

    async def emit(
        self,
        decoded: Decoded,
        /,
        *,
        on_settled: Callable[[bool], None] | None = None,
        place: Callable[[int], str] | None = None,
    ) -> None:
        await trio.lowlevel.checkpoint()
        await self.gate.wait()
        self._take(decoded, on_settled, place)

    def _take(self, decoded: Decoded, on_settled: Callable[[bool], None] | None, place: Callable[[int], str] | None) -> None:
        self.batches.append(decoded)
        self.places.extend(place(failure.index) if place else "" for failure in decoded.failures)
        if on_settled is not None:
            if self.settle_at_once:
                on_settled(self.safe)
            else:
                self._waiting.append(on_settled)

    async def deliver(self, decoded: Decoded, /, *, place: Callable[[int], str] | None = None) -> bool:
        settled = trio.Event()
        words: list[bool] = []

        def note(safe: bool) -> None:
            words.append(safe)
            settled.set()

        await self.emit(decoded, on_settled=note, place=place)
        await settled.wait()
        return words[0]

    def settle(self, safe: bool = True) -> None:
        """Give the oldest waiting batch its word."""
        self._waiting.pop(0)(safe)

    @contextmanager
    def until_stopped(self) -> Generator[None]:
        with trio.CancelScope() as scope:
            if self._stopped:
                scope.cancel()
            self._scopes.add(scope)
            try:
                yield
            finally:
                self._scopes.discard(scope)

    def stop(self) -> None:
        """Stop taking in events, as wye does when it is told to end."""
        self._stopped = True
        for scope in self._scopes:
            scope.cancel()
