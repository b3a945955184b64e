"""Putting marked dead letters on their way again: the normal way, from where they failed.

An entry is removed when what was put on its way is delivered, and not before: a crash between the two repeats a delivery, and
loses none. A refusal renews the same entry; whatever else may happen unmarks it and says so in its reason.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Literal

import trio

from wye.batch import Retried
from wye.database import StoreError
from wye.deadletters import table
from wye.deadletters.letter import DeadLetter, Entry
from wye.deadletters.outstanding import Outstanding
from wye.deadletters.table import Selection
from wye.deadletters.writer import DeadLetters
from wye.delivery import Delivery, Outcome
from wye.event import Event
from wye.fault import fault
from wye.message import Decoded, Payload
from wye.plugin import Inbound
from wye.route import Dispatcher, Leg, put_again
from wye.sink import Sink

log = logging.getLogger("wye.dead_letters")

PAGE = 200
PAGE_BYTES = 16 * 1024 * 1024
"""Entries on their way at the same time, for each sink and each source: others wait in the file."""

ROOM_SECS = 0.5
"""How often a full sink that drops is asked whether it has room: what is retried must not be dropped."""

_PLAIN = "retried, but not delivered: "


class Retrier:
    """Looks after the marked entries. For every sink and every source there is a lane of its own, so that one that is down
    stops no other.

    ``dispatchers`` and ``adapters`` are by the source's name.
    """

    def __init__(
        self,
        dead_letters: DeadLetters,
        sinks: Sequence[Sink],
        dispatchers: Mapping[str, Dispatcher],
        adapters: Mapping[str, Sequence[Inbound]],
    ) -> None:
        self._dead_letters = dead_letters
        self._sinks = {sink.name: sink for sink in sinks}
        self._dispatchers = dispatchers
        self._adapters = adapters
        self._marks = trio.Event()
        self._finishing = False
        self._scope = trio.CancelScope()

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Retry what is marked, until finished and nothing is marked, or until stopped. The sinks are open meanwhile."""
        with self._scope:
            async with trio.open_nursery() as nursery:
                for name in self._sinks:
                    nursery.start_soon(self._lane, Selection(sink=name, marked=True), self._retry_event)
                for name in self._dispatchers:
                    nursery.start_soon(self._lane, Selection(source=name, marked=True), self._retry_record)
                nursery.start_soon(self._release)

    def wake(self) -> None:
        """Some may be marked."""
        self._marks.set()
        self._marks = trio.Event()

    def finish(self) -> None:
        """Let ``run`` end once nothing is marked any more."""
        self._finishing = True
        self._dead_letters.look()
        self.wake()

    def stop(self) -> None:
        """Put nothing more on its way. What is marked stays so."""
        self._scope.cancel()

    async def _lane(self, selection: Selection, retry: Callable[[Entry, Callable[[], None]], Awaitable[None]]) -> None:
        said = False
        while not self._dead_letters.store.broken:
            marks = self._marks
            page = await self._page(selection)
            if page:
                if not said:
                    log.info("dead letters: retrying those marked of %s", selection.sink or selection.source)
                said = True
                await self._all_of(page, retry)
            elif self._finishing:
                return
            else:
                said = False
                await marks.wait()

    async def _page(self, selection: Selection) -> list[Entry]:
        if not self._dead_letters.marked:
            return []
        try:
            return await self._dead_letters.store.read(partial(table.page, selection, PAGE, PAGE_BYTES))
        except StoreError as error:
            log.error("dead letters: %s; nothing is retried", error)
            return []

    async def _all_of(self, page: Sequence[Entry], retry: Callable[[Entry, Callable[[], None]], Awaitable[None]]) -> None:
        """Until the file says of each what became of it, or says nothing any more."""
        outstanding = Outstanding(self._dead_letters.store, len(page))
        for entry in page:
            await retry(entry, outstanding.heard)
        await outstanding.over()

    async def _release(self) -> None:
        """Of what is marked, unmark what no lane can take."""
        while True:
            marks = self._marks
            await self._release_from("sink", self._sinks)
            await self._release_from("source", self._dispatchers)
            if self._finishing:
                return
            await marks.wait()

    async def _release_from(self, column: Literal["sink", "source"], known: Mapping[str, object]) -> None:
        if not self._dead_letters.marked:
            return
        try:
            bound = await self._dead_letters.store.read(lambda connection: table.destinations(connection, column))
        except StoreError:
            return
        strange = {name: count for name, count in bound.items() if name not in known}
        for name, count in strange.items():
            log.error("dead letters: %d cannot be retried: this config has no %s %s; they stay", count, column, name)
        if strange:
            self._dead_letters.release(column, list(strange))

    # ── one entry ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _retry_event(self, entry: Entry, over: Callable[[], None]) -> None:
        """Into its sink's buffer; by its source's way, where it has not come through that yet."""
        try:
            event, leg = _event(entry), self._leg(entry)
        except ValueError as error:
            self._dead_letters.unmark(entry.id, _reason(entry, f"{error}"), over)
            return
        size = len(entry.event or b"")
        buffer = leg.sink.buffer
        while buffer.when_full != "block" and not buffer.room_for(1, size):  # noqa: ASYNC110  nobody waits there otherwise
            await trio.sleep(ROOM_SECS)
        retried = Retried(entry.id)
        delivery = Delivery(partial(self._settled, entry, retried, over))
        await put_again(leg, event, size, retried, delivery)
        delivery.seal()

    def _leg(self, entry: Entry) -> Leg:
        """The way on from where it failed. Raises ``ValueError`` where it is not there any more."""
        if entry.stage != "transform":
            return Leg(self._sinks[entry.sink or ""])
        legs = [
            leg
            for name, dispatcher in self._dispatchers.items()
            for leg in dispatcher.legs
            if leg.sink.name == entry.sink and leg.through and entry.source in (None, name)
        ]
        same = [leg for leg in legs if list(leg.through) == list(entry.through)] or legs
        if len(same) != 1:
            raise ValueError(
                f"{len(same) or 'no'} ways lead from {entry.source or 'its source'} to {entry.sink} through transforms"
            )
        return same[0]

    def _settled(self, entry: Entry, retried: Retried, over: Callable[[], None], outcome: Outcome) -> None:
        if retried.fate == "delivered":
            self._dead_letters.remove(entry.id, over)
        elif retried.fate == "dead_lettered":
            over()  # its entry has been renewed
        elif outcome is Outcome.SAFE:
            self._dead_letters.unmark(entry.id, _reason(entry, "filtered; drop it if that is right"), over)
        else:
            self._dead_letters.unmark(entry.id, _reason(entry, "given up by the sink's buffer"), over)

    # ── one record ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _retry_record(self, entry: Entry, over: Callable[[], None]) -> None:
        """Its bytes through its source's decoder, and on from there to every sink."""
        original = entry.original_bytes
        if original is None:
            self._dead_letters.unmark(entry.id, _reason(entry, "its bytes are not there"), over)
            return
        dispatcher = self._dispatchers[entry.source or ""]
        decoded, reason = _decoded(self._adapters[dispatcher.name], entry, original)
        delivery = Delivery(partial(self._record_settled, entry, reason, over))
        if reason:
            letter = DeadLetter(stage="decode", reason=reason, source=entry.source, id=entry.id)
            dispatcher.bury([letter], delivery)
        else:
            await dispatcher.take_in(decoded, len(original), delivery)
        delivery.seal()

    def _record_settled(self, entry: Entry, reason: str, over: Callable[[], None], outcome: Outcome) -> None:
        """What its events have met since has letters of its own."""
        if reason:
            over()
        elif outcome is Outcome.SAFE:
            self._dead_letters.remove(entry.id, over)
        else:
            self._dead_letters.unmark(entry.id, _reason(entry, "given up by a sink's buffer"), over)


def _event(entry: Entry) -> Event:
    event = entry.to_event()
    if event is None:
        raise ValueError("it holds no event")
    return event


def _decoded(adapters: Sequence[Inbound], entry: Entry, original: bytes) -> tuple[Sequence[Event], str]:
    """The events of a record, or why there are none. Where it is not known which adapter refused it, the first that takes it
    is right."""
    named = [one for one in adapters if one.name == entry.adapter] or adapters
    payload = Payload(original, received_ms=int(datetime.fromisoformat(entry.first_time).timestamp() * 1000))
    reasons: list[str] = []
    for adapter in named:
        try:
            decoded: Decoded = adapter.decoder.decode(payload)
        except Exception as error:  # a plugin's fault costs the record it was made on
            reasons.append(f"decoder raised {fault(error)}")
            continue
        if decoded.events and not decoded.failures:
            return decoded.events, ""
        reasons.append(decoded.failures[0].reason if decoded.failures else "it holds no event")
    return (), "; ".join(dict.fromkeys(reasons))


def _reason(entry: Entry, why: str) -> str:
    """Why it is still there, and why it was there before."""
    before = entry.reason.rpartition("; before: ")[2] if entry.reason.startswith(_PLAIN) else entry.reason
    return f"{_PLAIN}{why}; before: {before}"
