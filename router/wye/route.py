"""Dispatch: which events of a source go to which sinks, through which transforms; and the intake that sources talk to."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import AsyncExitStack, contextmanager

import trio
from msgspec import Struct

from wye.batch import Batch
from wye.deadletters import DeadLetter, DeadLetters, now_text, undecodable
from wye.delivery import Delivery, Outcome
from wye.event import Event
from wye.ledger import SourceAccount
from wye.message import Decoded
from wye.plugin import Transform
from wye.sink import Sink

Predicate = Callable[[Event], bool]


class Leg(Struct, frozen=True):
    """One way from a source to a sink: transforms in order, then the sink's ``where``."""

    sink: Sink
    transforms: Sequence[Transform] = ()
    where: Predicate | None = None

    def select(self, events: Sequence[Event]) -> tuple[Sequence[Event], list[DeadLetter]]:
        """The events that arrive, and a letter for each that a transform raised on."""
        letters: list[DeadLetter] = []
        for transform in self.transforms:
            events = _transformed(transform, events, self.sink.name, letters)
        if self.where is not None:
            events = [event for event in events if self.where(event)]
        return events, letters


def _transformed(transform: Transform, events: Sequence[Event], sink: str, letters: list[DeadLetter]) -> list[Event]:
    kept: list[Event] = []
    for event in events:
        try:
            changed = transform.apply(event)
        except Exception as error:  # a plugin's fault costs the event it was made on
            reason = f"transform raised {type(error).__name__}: {error}"
            letters.append(DeadLetter(time=now_text(), stage="transform", reason=reason, sink=sink, event=event))
            continue
        if changed is not None:
            kept.append(changed)
    return kept


class _Load(Struct):
    """What one emit brings to one sink."""

    leg: Leg
    events: Sequence[Event]
    letters: list[DeadLetter]
    offered: int


class Dispatcher:
    """One source's ``Intake``: takes what it decoded, counts it, and puts it into every sink's buffer at once."""

    def __init__(self, name: str, legs: Sequence[Leg], dead_letters: DeadLetters) -> None:
        self.name = name
        self.account = SourceAccount(name)
        self._legs = legs
        self._dead_letters = dead_letters
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
        await self._dead_letters.calm()
        delivery = Delivery(_told(on_settled))
        event_bytes = decoded.size // (len(decoded.events) + len(decoded.failures) or 1)
        for piece in self._pieces(decoded.events):
            loads = [_Load(leg, *leg.select(piece), len(piece)) for leg in self._legs]
            async with AsyncExitStack() as turns:
                await self._wait_for_room(loads, event_bytes, turns)
                # From here to the end of the loop nothing waits: the piece is in every buffer, or in none.
                self._put(loads, delivery, event_bytes)
        self.account.received += len(decoded.events)
        self._bury(decoded, delivery, place or _record_number)
        delivery.seal()

    def _pieces(self, events: Sequence[Event]) -> list[Sequence[Event]]:
        """Slices that the smallest buffer can hold, so that no batch waits for room that cannot come."""
        most = min((leg.sink.buffer.max_events for leg in self._legs), default=len(events))
        if len(events) <= most:
            return [events] if events else []
        return [events[start : start + most] for start in range(0, len(events), most)]

    async def _wait_for_room(self, loads: list[_Load], event_bytes: int, turns: AsyncExitStack) -> None:
        """Until every sink has room at the same moment. Who came first is first: each sink's turn is taken in order."""
        if all(
            load.leg.sink.has_room(len(load.events), event_bytes) and not load.leg.sink.turn.locked()
            for load in loads
            if load.events
        ):
            return
        waiting = sorted((load for load in loads if load.events), key=lambda load: load.leg.sink.name)
        for sink in dict.fromkeys(load.leg.sink for load in waiting):
            await turns.enter_async_context(sink.turn)
        while full := [load for load in waiting if not load.leg.sink.has_room(len(load.events), event_bytes)]:
            await full[0].leg.sink.wait_for_room(len(full[0].events), event_bytes)

    def _put(self, loads: list[_Load], delivery: Delivery, event_bytes: int) -> None:
        for load in loads:
            account = load.leg.sink.account
            account.received += load.offered
            account.filtered += load.offered - len(load.events) - len(load.letters)
            if load.letters:
                self._bury_letters(load, delivery)
            if load.events:
                load.leg.sink.put(Batch(load.events, delivery, event_bytes))

    def _bury_letters(self, load: _Load, delivery: Delivery) -> None:
        count = len(load.letters)
        account = load.leg.sink.account
        account.dead_lettered += count
        delivery.expect(count)
        self._dead_letters.submit(load.letters, lambda: delivery.settle(count))

    def _bury(self, decoded: Decoded, delivery: Delivery, place: Callable[[int], str]) -> None:
        """Records that could not be decoded: safe once they are in the dead letters."""
        count = len(decoded.failures)
        if count:
            self.account.undecodable += count
            delivery.expect(count)
            letters = [undecodable(self.name, f.reason, place(f.index), f.original) for f in decoded.failures]
            self._dead_letters.submit(letters, lambda: delivery.settle(count))


def _told(on_settled: Callable[[bool], None] | None) -> Callable[[Outcome], None]:
    if on_settled is None:
        return lambda _: None
    return lambda outcome: on_settled(outcome is not Outcome.FAILED)


def _record_number(index: int) -> str:
    return f"record {index + 1}"
