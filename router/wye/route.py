"""Dispatch: which events of a source go to which sinks, through which transforms; and the intake that sources talk to."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import partial

import trio
from msgspec import Struct

from wye.batch import Batch, Retried
from wye.carry import unpacked
from wye.deadletters import DeadLetter, DeadLetters, undecodable
from wye.dedupe import Dedupe
from wye.delivery import Delivery, Outcome
from wye.event import Event
from wye.fault import fault
from wye.ledger import SourceAccount
from wye.message import Decoded
from wye.plugin import Transform
from wye.room import Room
from wye.sink import Sink

log = logging.getLogger("wye.route")

Predicate = Callable[[Event], bool]


class Leg(Struct, frozen=True):
    """One way from a source to a sink: transforms in order (``through`` are their names), then the sink's ``where``."""

    sink: Sink
    transforms: Sequence[Transform] = ()
    where: Predicate | None = None
    source: str | None = None
    through: Sequence[str] = ()

    def select(self, events: Sequence[Event]) -> tuple[Sequence[Event], list[DeadLetter]]:
        """The events that arrive, and a letter for each that a transform raised on, as it was before the first transform."""
        letters: list[DeadLetter] = []
        if self.transforms:
            events = [changed for event in events if (changed := self._transformed(event, letters)) is not None]
        if self.where is not None:
            events = [event for event in events if self.where(event)]
        return events, letters

    def _transformed(self, event: Event, letters: list[DeadLetter]) -> Event | None:
        changed: Event | None = event
        try:
            for transform in self.transforms:
                if changed is None:
                    break
                changed = transform.apply(changed)
        except Exception as error:  # a plugin's fault costs the event it was made on
            reason = f"transform raised {fault(error)}"
            sink = self.sink.name
            letters.append(
                DeadLetter(stage="transform", reason=reason, source=self.source, sink=sink, through=self.through, event=event)
            )
            return None
        return changed


class _Load(Struct):
    """What one emit brings to one sink."""

    leg: Leg
    events: Sequence[Event]
    letters: list[DeadLetter]
    offered: int


class Dispatcher:
    """One source's ``Intake``: takes what it decoded, counts it, and puts it into every sink's buffer at once."""

    def __init__(self, name: str, legs: Sequence[Leg], dead_letters: DeadLetters, dedupe: Dedupe | None = None) -> None:
        self.name = name
        self.account = SourceAccount(name)
        # By the sinks' names: all who wait for several sinks take their turns in the same order.
        self.legs = sorted(legs, key=lambda leg: leg.sink.name)
        self._blocking = Counter(leg.sink for leg in legs if leg.sink.buffer.when_full == "block")
        self._dead_letters = dead_letters
        self._dedupe = dedupe
        self._scopes: set[trio.CancelScope] = set()
        self._stopped = False

    @property
    def stopped(self) -> bool:
        return self._stopped

    def stop(self) -> None:
        """Take in no more: cancels what runs in ``until_stopped``."""
        self._stopped = True
        for scope in self._scopes:
            scope.cancel()

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

    async def deliver(self, decoded: Decoded, /, *, place: Callable[[int], str] | None = None) -> bool:
        settled = trio.Event()
        word = False

        def note(safe: bool) -> None:
            nonlocal word
            word = safe
            settled.set()

        await self.emit(decoded, on_settled=note, place=place)
        await settled.wait()
        return word

    async def emit(
        self,
        decoded: Decoded,
        /,
        *,
        on_settled: Callable[[bool], None] | None = None,
        place: Callable[[int], str] | None = None,
    ) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        if self.offer(decoded, on_settled=on_settled, place=place):
            return
        await self._dead_letters.calm()
        events = self._fresh(decoded)
        delivery = self._delivery(events, on_settled)
        await self.take_in(events, _event_bytes(decoded), delivery)
        self._end(decoded, place, delivery)

    def offer(
        self,
        decoded: Decoded,
        /,
        *,
        on_settled: Callable[[bool], None] | None = None,
        place: Callable[[int], str] | None = None,
    ) -> bool:
        event_bytes = _event_bytes(decoded)
        if not (self._dead_letters.is_calm and self._has_room(len(decoded.events), event_bytes)):
            return False
        events = self._fresh(decoded)
        delivery = self._delivery(events, on_settled)
        if events:
            self._put(self._loads(unpacked(events)), len(events), event_bytes, delivery)
        self._end(decoded, place, delivery)
        return True

    def offer_all(self, several: Sequence[Decoded], /) -> bool:
        """As one batch, whose events have one fate for dedupe and one place for failures: where these matter, none is taken."""
        if self._dedupe is not None or any(one.failures for one in several):
            return False
        return self.offer(Decoded([event for one in several for event in one.events], (), sum(one.size for one in several)))

    def _has_room(self, count: int, event_bytes: int) -> bool:
        """Whether every sink has room even if all events come to it, on all their ways, and nobody waits for it."""
        return all(sink.room.is_open(count * ways, event_bytes) for sink, ways in self._blocking.items())

    def _fresh(self, decoded: Decoded) -> Sequence[Event]:
        return decoded.events if self._dedupe is None else self._without_repeats(decoded.events, self._dedupe)

    def _delivery(self, events: Sequence[Event], on_settled: Callable[[bool], None] | None) -> Delivery:
        if self._dedupe is None:
            return Delivery(partial(_tell, on_settled))
        return Delivery(partial(_remember_and_tell, self._dedupe, events, on_settled))

    def _end(self, decoded: Decoded, place: Callable[[int], str] | None, delivery: Delivery) -> None:
        """All events are in; what could not be decoded, too."""
        if decoded.failures:
            name = place or _record_number
            letters = [undecodable(self.name, f.reason, name(f.index), f.original, f.adapter) for f in decoded.failures]
            self.bury(letters, delivery)
        delivery.seal()

    def _without_repeats(self, events: Sequence[Event], dedupe: Dedupe) -> Sequence[Event]:
        """Repeats count as filtered by every sink that they would have come to."""
        fresh = dedupe.fresh(events, trio.current_time())
        repeats = len(events) - len(fresh)
        self.account.received += repeats
        for leg in self.legs if repeats else ():
            leg.sink.account.received += repeats
            leg.sink.account.filtered += repeats
        return fresh

    async def take_in(self, events: Sequence[Event], event_bytes: int, delivery: Delivery) -> None:
        """Put ``events`` into every sink's buffer, once there is room."""
        for piece in self._pieces(unpacked(events), event_bytes):
            loads = self._loads(piece)
            await _wait_for_room(_needs(loads, event_bytes))
            # From here to the end of the loop nothing waits: the piece is in every buffer, or in none.
            self._put(loads, len(piece), event_bytes, delivery)

    def _loads(self, events: Sequence[Event]) -> list[_Load]:
        return [_Load(leg, *leg.select(events), len(events)) for leg in self.legs]

    def _put(self, loads: list[_Load], count: int, event_bytes: int, delivery: Delivery) -> None:
        self.account.received += count
        _put(loads, delivery, event_bytes)

    def _pieces(self, events: Sequence[Event], event_bytes: int) -> list[Sequence[Event]]:
        """Slices that every buffer can hold, so that no batch waits for room that cannot come. Only of a batch that is cut may
        a part be taken in when ``emit`` is cancelled; its source then gives all of it again."""
        most = len(events)
        for sink, ways in self._blocking.items():
            most = min(most, max(sink.buffer.most(event_bytes) // ways, 1))
        if len(events) <= most:
            return [events] if events else []
        return [events[start : start + most] for start in range(0, len(events), most)]

    def bury(self, letters: Sequence[DeadLetter], delivery: Delivery) -> None:
        """Records that could not be decoded: safe once they are in the dead letters."""
        count = len(letters)

        def on_written() -> None:
            self.account.in_flight -= count
            delivery.settle(count)

        self.account.undecodable += count
        self.account.in_flight += count
        delivery.expect(count)
        self._dead_letters.submit(letters, on_written)


def _put(loads: list[_Load], delivery: Delivery, event_bytes: int, retried: Retried | None = None) -> None:
    for load in loads:
        sink = load.leg.sink
        sink.account.received += load.offered
        sink.account.filtered += load.offered - len(load.events) - len(load.letters)
        if load.letters:
            sink.bury(load.letters, delivery)
        if load.events:
            sink.put(Batch(load.events, delivery, event_bytes, retried=retried))


async def put_again(leg: Leg, event: Event, event_bytes: int, retried: Retried, delivery: Delivery) -> None:
    """An event out of the dead letters onto its way, once its sink has room. It counts as received again."""
    load = _Load(leg, *leg.select([event]), 1)
    await _wait_for_room(_needs([load], event_bytes))
    for letter in load.letters:
        letter.id = retried.id
        retried.fate = "dead_lettered"
    _put([load], delivery, event_bytes, retried)


# ── waiting for room ─────────────────────────────────────────────────────────────────────────────────────────────────────

_FREE_ROUNDS = 3


class _Need(Struct, eq=False):
    """How much room one emit needs in one sink, over all its legs."""

    room: Room
    count: int
    event_bytes: int

    @property
    def fits(self) -> bool:
        return self.room.fits(self.count, self.event_bytes)

    @property
    def met(self) -> bool:
        """Whether there is room, and nobody waits for it already."""
        return not self.room.turn.locked() and self.fits

    async def wait(self) -> None:
        await self.room.wait(self.count, self.event_bytes)


def _needs(loads: Sequence[_Load], event_bytes: int) -> list[_Need]:
    """In the order of the loads. A sink that drops need not be waited for."""
    needs: dict[Sink, _Need] = {}
    for load in loads:
        sink = load.leg.sink
        if load.events and sink.buffer.when_full == "block":
            needs.setdefault(sink, _Need(sink.room, 0, event_bytes)).count += len(load.events)
    return list(needs.values())


async def _wait_for_room(needs: Sequence[_Need]) -> None:
    """Until every sink has room at the same moment.

    Who waits holds the turn of the one sink that it waits for, so that who came first is first there, and nobody who only needs
    other sinks is held up. Where several sinks are full by turns, that could go on for ever: after some rounds, in which each
    full sink has shown that it moves, all turns are held, for as long as these sinks move.
    """
    while True:
        for _ in range(_FREE_ROUNDS):
            full = next((need for need in needs if not need.met), None)
            if full is None:
                return
            async with full.room.turn:
                await full.wait()
                if all(need.met for need in needs if need is not full):
                    return
        async with AsyncExitStack() as turns:
            if await _hold_all(needs, turns):
                return


async def _hold_all(needs: Sequence[_Need], turns: AsyncExitStack) -> bool:
    """Whether every sink has room now, and its turn is held. Gives up as soon as one stands still."""
    for need in needs:
        with need.room.while_it_moves() as patience:
            await turns.enter_async_context(need.room.turn)
        if patience.cancelled_caught:
            return False
    while full := [need for need in needs if not need.fits]:
        with full[0].room.while_it_moves() as patience:
            await full[0].wait()
        if patience.cancelled_caught:
            return False
    return True


def _tell(on_settled: Callable[[bool], None] | None, outcome: Outcome) -> None:
    if on_settled is None:
        return
    try:
        on_settled(outcome is not Outcome.FAILED)
    except Exception:  # a source's fault must not stop the sink that has just delivered
        log.exception("a source raised when it was told that its events are settled")


def _remember_and_tell(
    dedupe: Dedupe, events: Sequence[Event], on_settled: Callable[[bool], None] | None, outcome: Outcome
) -> None:
    if outcome is not Outcome.FAILED:
        dedupe.safe([event.id for event in events], trio.current_time())
    _tell(on_settled, outcome)


def _event_bytes(decoded: Decoded) -> int:
    """The mean size of an event as received."""
    return decoded.size // (len(decoded.events) + len(decoded.failures) or 1)


def _record_number(index: int) -> str:
    return f"record {index + 1}"
