"""The sink driver: buffer → batcher → encoder → transport → verdicts → settled, dead-lettered, or tried again.

It knows no vendor. What it promises: an event that was put in is settled exactly once, and until then it counts as in flight.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from typing import cast

import trio

from wye.answer import MOST_ASKED_SECS
from wye.batch import Batch, Lot, Parcel, runs
from wye.batcher import Batcher, largest_document
from wye.buffer import Buffer, Fate
from wye.deadletters import DeadLetter, DeadLetters, now_text
from wye.delivery import Delivery, Outcome
from wye.event import Event
from wye.ledger import SinkAccount, count_names
from wye.message import Shipment, Unfit
from wye.plugin import Encoder, Transport
from wye.retry import Backoff
from wye.room import Room
from wye.trouble import Trouble
from wye.verdict import DELIVERED, Verdict, per_event

log = logging.getLogger("wye.sink")


class Sink:
    """One configured sink: its queue, its workers, its account.

    ``max_attempts`` counts an event's own failures; while the sink as a whole is down (``busy``, ``hold``) nobody's attempts
    are used up.
    """

    def __init__(
        self,
        name: str,
        transport: Transport,
        encoder: Encoder,
        buffer: Buffer,
        batcher: Batcher,
        backoff: Backoff,
        max_attempts: int,
        dead_letters: DeadLetters,
    ) -> None:
        self.name = name
        self.account = SinkAccount(name)
        self.buffer = buffer
        self.room = Room(name, buffer)
        self._transport = transport
        self._encoder = encoder
        self._batcher = batcher
        self._backoff = backoff
        self._max_attempts = max_attempts
        self._dead_letters = dead_letters
        self._collecting = trio.Lock()
        self._queued = trio.Event()
        self._closing = False
        self._burying = 0
        self._letters = 0
        self._letter_written = trio.Event()
        self._dropping = False
        self._trouble = Trouble(log, f"sink {name}")

    # ── in: called by the router ─────────────────────────────────────────────────────────────────────────────────────────

    def put(self, batch: Batch) -> None:
        """Take a batch into the buffer. Never waits; what ``when_full`` drops is counted and settled."""
        batch.delivery.expect(len(batch.events))
        dropped = self.buffer.put(batch, trio.current_time())
        count = sum(len(one.events) for one in dropped)
        self.account.dropped += count
        self._count_in_flight()
        self._queued.set()
        self._note_drops(count)
        for one in dropped:
            one.delivery.settle(len(one.events), Outcome.DROPPED)

    def _note_drops(self, count: int) -> None:
        if count and not self._dropping:
            self._dropping = True
            log.warning('sink %s: buffer full; events are lost, because when_full = "%s"', self.name, self.buffer.when_full)
        elif self._dropping and not count and self.buffer.half_empty:
            self._dropping = False
            log.warning("sink %s: drops no more; %d events dropped since the start", self.name, self.account.dropped)

    def bury(self, letters: Sequence[DeadLetter], delivery: Delivery) -> None:
        """Take events that cannot be put because something before the buffer failed on them; settled once safe on disk."""
        count = len(letters)

        def on_written() -> None:
            self._burying -= count
            self.account.dead_lettered += count
            self._count_in_flight()
            delivery.settle(count)

        delivery.expect(count)
        self._burying += count
        self._count_in_flight()
        self._dead_letters.submit(letters, on_written)

    def close(self) -> None:
        """Nothing more will be put: send what there is without lingering, then end."""
        self._closing = True
        self._queued.set()

    # ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Open the transport, carry events until closed and empty, close the transport. Raises ``StartError`` before it has
        started. Dead letters may still be on their way to the disk when it returns; their events are in flight until then."""
        async with trio.open_nursery() as buffer:
            await buffer.start(self.buffer.run, self.account, self._wake)
            self._count_in_flight()
            async with self._transport.open():
                task_status.started()
                async with trio.open_nursery() as nursery:
                    for worker in range(self._transport.concurrency):
                        nursery.start_soon(self._work, worker)
            while self.buffer.durable and self._letters:
                # What a file holds is taken out of it only when its letter is safe.
                self._letter_written = trio.Event()
                await self._letter_written.wait()
            self.buffer.finish()

    def _wake(self) -> None:
        """The buffer has more to take, or more room."""
        self._count_in_flight()
        self._queued.set()
        self.room.freed()

    async def _work(self, worker: int) -> None:
        while (lot := await self._collect()) is not None:
            parcel = self._parcel(lot)
            for start, end in self._batcher.cuts(parcel.documents, self._encoder.limits):
                await self._deliver(parcel.slice(start, end), worker)

    async def _collect(self) -> Lot | None:
        """Wait until the batcher says that a lot is due; ``None`` when closed and empty."""
        async with self._collecting:
            while True:
                buffer = self.buffer
                due = self._batcher.due_at(buffer.queued_events, buffer.queued_bytes, buffer.oldest_at)
                if due <= trio.current_time() or (self._closing and buffer.queued_events):
                    return buffer.take(self._batcher.max_events, self._batcher.max_bytes)
                if self._closing:
                    return None
                self._queued = trio.Event()
                with trio.move_on_at(due):
                    await self._queued.wait()

    def _parcel(self, lot: Lot) -> Parcel:
        """The lot with its documents. What is unfit for this vendor is set aside."""
        documents = self._encode(lot.events)
        most = largest_document(self._encoder.limits)
        unfit = [place for place, one in enumerate(documents) if not isinstance(one, bytes) or len(one) > most]
        parcel = Parcel(lot.events, documents, lot.batches, [0] * len(documents))  # type: ignore[arg-type]  until the next line
        if not unfit:
            return parcel
        self._set_aside(parcel, unfit, most)
        apart = set(unfit)
        return parcel.pick([place for place in range(len(documents)) if place not in apart])

    def _encode(self, events: Sequence[Event]) -> Sequence[bytes | Unfit]:
        """The documents; an encoder that fails on a batch costs only the events it fails on."""
        try:
            documents = self._encoder.encode(events)
            if len(documents) == len(events):
                return documents
            reason = f"encoder gave {len(documents)} documents for {len(events)} events"
        except Exception as error:
            reason = f"encoder raised {type(error).__name__}: {error}"
        if len(events) == 1:
            return [Unfit(reason)]
        return [self._encode([event])[0] for event in events]

    async def _deliver(self, parcel: Parcel, worker: int) -> None:
        """Try until every event is delivered or given to the dead letters."""
        tries = 0
        while parcel.events:
            verdicts = await self._try(parcel, worker)
            if verdicts is DELIVERED or (isinstance(verdicts, Verdict) and verdicts.kind == "delivered"):
                self._trouble.over(worker=worker)
                self._settle_delivered(parcel.batches)
                return
            each = per_event(verdicts, len(parcel.events))
            self._note_trouble(each, worker)
            parcel = self._sort(parcel, each)
            if parcel.events:
                tries += 1
                await trio.sleep(self._backoff.delay_secs(tries, random.random, _asked_secs(each)))

    async def _try(self, parcel: Parcel, worker: int) -> Verdict | Sequence[Verdict]:
        """One attempt. Whatever goes wrong becomes a verdict: a broken connection is nobody's fault, a plugin that raises costs
        its events an attempt."""
        try:
            verdicts = await self._transport.send(Shipment(parcel.events, parcel.documents))
            return verdicts if isinstance(verdicts, Verdict) else per_event(verdicts, len(parcel.events))
        except Exception as error:
            outage = _outage(error)
            if outage is not None:
                return Verdict("busy", outage)
            reason = f"transport raised {type(error).__name__}: {error}"
            self._trouble.now(reason, worker=worker, error=error)
            return Verdict("retry", reason)

    def _note_trouble(self, verdicts: Sequence[Verdict], worker: int) -> None:
        """The sink is in trouble when it holds or is busy, or when nothing at all got through; a few retries are daily life."""
        by_kind: dict[str, Verdict] = {}
        for verdict in verdicts:
            by_kind.setdefault(verdict.kind, verdict)
        worst = by_kind.get("hold") or by_kind.get("busy")
        if worst is None and len(by_kind) == 1:
            worst = by_kind.get("retry")
        if worst is None:
            self._trouble.over(worker=worker)
        else:
            self._trouble.now(worst.reason, worker=worker, grave=worst.kind == "hold")

    def _sort(self, parcel: Parcel, verdicts: Sequence[Verdict]) -> Parcel:
        """Settle what is decided; returns what is to be tried again."""
        delivered: list[int] = []
        refused: list[int] = []
        again: list[int] = []
        for place, verdict in enumerate(verdicts):
            if verdict.kind == "delivered":
                delivered.append(place)
                continue
            if verdict.kind in ("retry", "rejected"):
                parcel.attempts[place] += 1
            final = verdict.kind == "rejected" or parcel.attempts[place] >= self._max_attempts
            (refused if final else again).append(place)
        if delivered:
            self._settle_delivered([parcel.batches[place] for place in delivered])
        if refused:
            self._refuse(parcel.pick(refused), [verdicts[place] for place in refused])
        return parcel.pick(again)

    def _settle_delivered(self, batches: Sequence[Batch]) -> None:
        self.account.delivered += len(batches)
        self._settle(batches, "delivered")

    def _set_aside(self, parcel: Parcel, unfit: Sequence[int], most: float) -> None:
        """What an encoder cannot put into its vendor's format: filtered where it has no name for it, else dead-lettered."""
        unmapped: list[int] = []
        reasons: dict[int, str] = {}
        for place in unfit:
            document: bytes | Unfit = parcel.documents[place]
            if isinstance(document, Unfit) and document.unmapped:
                unmapped.append(place)
            else:
                reasons[place] = _why_unfit(document, most)
        self.account.filtered += len(unmapped)
        count_names(self.account.filtered_types, (parcel.events[place].type for place in unmapped))
        self._settle([parcel.batches[place] for place in unmapped], "filtered")
        self._give_up(
            [parcel.batches[place] for place in reasons],
            [self._letter("encode", parcel.events[place], reason) for place, reason in reasons.items()],
        )

    def _refuse(self, parcel: Parcel, verdicts: Sequence[Verdict]) -> None:
        letters = [
            self._letter("send", event, verdict.reason, verdict.status, attempts)
            for event, verdict, attempts in zip(parcel.events, verdicts, parcel.attempts, strict=True)
        ]
        self._give_up(parcel.batches, letters)

    def _letter(
        self, stage: str, event: Event, reason: str, status: int | None = None, attempts: int | None = None
    ) -> DeadLetter:
        return DeadLetter(
            time=now_text(), stage=stage, reason=reason, sink=self.name, status=status, attempts=attempts, event=event
        )

    def _give_up(self, batches: Sequence[Batch], letters: Sequence[DeadLetter]) -> None:
        """Settled only once the letters are on the disk; the sink goes on meanwhile, and its bound counts them still."""

        def on_written() -> None:
            self._letters -= len(letters)
            self.account.dead_lettered += len(letters)
            self._settle(batches, "dead_lettered")
            self._letter_written.set()

        if letters:
            self._letters += len(letters)
            self._dead_letters.submit(letters, on_written)

    def _settle(self, batches: Sequence[Batch], fate: Fate) -> None:
        """Their room first: who hears that a delivery is over finds the account in balance."""
        counted = runs(batches)
        for batch, count in counted:
            self.buffer.settled(batch, count, fate)
        self._count_in_flight()
        self.room.freed()
        for batch, count in counted:
            batch.delivery.settle(count)

    def _count_in_flight(self) -> None:
        self.account.in_flight = self.buffer.held_events + self._burying


def _why_unfit(document: object, most: float) -> str:
    if isinstance(document, Unfit):
        return document.reason
    if isinstance(document, bytes):
        return f"too large: {len(document)} bytes, where a request has room for {most:.0f}"
    return f"encoder gave {type(document).__name__}, expected bytes or Unfit"


def _outage(error: Exception) -> str | None:
    """What broke, when ``error`` is a broken connection, however a plugin's nursery has wrapped it."""
    if isinstance(error, ExceptionGroup):
        inner = [_outage(one) for one in cast(ExceptionGroup[Exception], error).exceptions]
        return inner[0] if all(inner) else None
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    if isinstance(error, trio.BrokenResourceError | trio.TooSlowError):
        return str(error) or type(error).__name__
    return None


def _asked_secs(verdicts: Sequence[Verdict]) -> float | None:
    """The longest wait that was asked for; what is no number of seconds was not asked for."""
    asked = [one.after_secs for one in verdicts if one.after_secs is not None and one.after_secs > 0]
    return min(max(asked), MOST_ASKED_SECS) if asked else None
