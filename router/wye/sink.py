"""The sink driver: buffer → batcher → encoder → transport → verdicts → settled, dead-lettered, or tried again.

It knows no vendor. What it promises: an event that was put in is settled exactly once, and until then it counts as in flight.
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Iterator, Sequence

import trio
from msgspec import Struct

from wye.batch import Batch, Lot
from wye.batcher import Batcher
from wye.buffer import MemoryBuffer
from wye.deadletters import DeadLetter, DeadLetters, now_text
from wye.delivery import Delivery, Outcome
from wye.event import Event
from wye.ledger import SinkAccount
from wye.message import Shipment, Unfit
from wye.plugin import Encoder, Transport
from wye.retry import Backoff
from wye.trouble import Trouble
from wye.verdict import Verdict, per_event

log = logging.getLogger("wye.sink")

FULL_WARNING_SECS = 5.0
"""How long a full sink keeps its sources waiting before it is said."""


class Entry(Struct):
    """One event on its way out: what is sent, who waits for it, and how often it was tried at its own cost."""

    event: Event
    document: bytes
    delivery: Delivery
    attempts: int = 0


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
        buffer: MemoryBuffer,
        batcher: Batcher,
        backoff: Backoff,
        max_attempts: int,
        dead_letters: DeadLetters,
    ) -> None:
        self.name = name
        self.account = SinkAccount(name)
        self.buffer = buffer
        self.turn = trio.Lock()
        self._transport = transport
        self._encoder = encoder
        self._batcher = batcher
        self._backoff = backoff
        self._max_attempts = max_attempts
        self._dead_letters = dead_letters
        self._collecting = trio.Lock()
        self._queued = trio.Event()
        self._freed = trio.Event()
        self._closing = False
        self._trouble = Trouble(log, f"sink {name}")

    # ── in: called by the router ─────────────────────────────────────────────────────────────────────────────────────────

    def has_room(self, count: int, event_bytes: int) -> bool:
        """Whether a batch can be put now; a sink that drops instead of blocking always has room."""
        return self.buffer.when_full != "block" or self.buffer.room_for(count, event_bytes)

    async def wait_for_room(self, count: int, event_bytes: int) -> None:
        """Wait until a batch can be put; says so once when that takes long."""
        started = trio.current_time()
        said = False
        while not self.has_room(count, event_bytes):
            if self._freed.is_set():
                self._freed = trio.Event()
            with trio.move_on_at(math.inf if said else started + FULL_WARNING_SECS) as patience:
                await self._freed.wait()
            if patience.cancelled_caught:
                said = True
                log.warning(
                    'sink %s: buffer full (%d events) for %.0f s; its inputs wait, because when_full = "block"',
                    self.name,
                    self.buffer.held_events,
                    trio.current_time() - started,
                )
        if said:
            log.warning("sink %s: takes events again after %.1f s", self.name, trio.current_time() - started)

    def put(self, batch: Batch) -> None:
        """Take a batch into the buffer. Never waits; what ``when_full`` drops is counted and settled."""
        batch.delivery.expect(len(batch.events))
        for dropped in self.buffer.put(batch, trio.current_time()):
            self.account.dropped += len(dropped.events)
            dropped.delivery.settle(len(dropped.events), Outcome.DROPPED)
        self.account.in_flight = self.buffer.held_events
        self._queued.set()

    def close(self) -> None:
        """Nothing more will be put: send what there is without lingering, then end."""
        self._closing = True
        self._queued.set()

    # ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Open the transport, carry events until closed and empty, close the transport. Raises ``StartError`` before it has
        started."""
        async with self._transport.open():
            task_status.started()
            async with trio.open_nursery() as nursery:
                for _ in range(self._transport.concurrency):
                    nursery.start_soon(self._work)

    async def _work(self) -> None:
        while (lot := await self._collect()) is not None:
            await self._carry(lot)

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

    async def _carry(self, lot: Lot) -> None:
        documents = self._encode(lot.events)
        share = lot.bytes // len(lot.events)
        spare = lot.bytes - share * len(lot.events)
        entries: list[Entry] = []
        for event, delivery, document in zip(lot.events, lot.deliveries(), documents, strict=True):
            if isinstance(document, Unfit):
                await self._set_aside(event, delivery, document, share)
            else:
                entries.append(Entry(event, document, delivery))
        for shipment in self._shipments(entries):
            await self._deliver(shipment, share)
        self.buffer.release(0, spare)

    def _encode(self, events: Sequence[Event]) -> Sequence[bytes | Unfit]:
        """The documents; an encoder that raises costs only the events it raises for."""
        try:
            documents = self._encoder.encode(events)
            if len(documents) == len(events):
                return documents
            reason = f"encoder gave {len(documents)} documents for {len(events)} events"
        except Exception as error:
            if len(events) > 1:
                return [self._encode([event])[0] for event in events]
            reason = f"encoder raised {type(error).__name__}: {error}"
        return [Unfit(reason)] * len(events)

    async def _set_aside(self, event: Event, delivery: Delivery, unfit: Unfit, size: int) -> None:
        if not unfit.unmapped:
            await self._dead_letter(event, delivery, size, DeadLetter(time=now_text(), stage="encode", reason=unfit.reason))
            return
        self.account.filtered += 1
        self.account.filtered_types[event.type] += 1
        self._settle(delivery, 1, size)

    def _shipments(self, entries: list[Entry]) -> Iterator[list[Entry]]:
        """Cut into pieces that fit one request of this vendor and one batch of this sink."""
        limits = self._encoder.limits
        max_events = min(self._batcher.max_events, limits.max_events or self._batcher.max_events)
        max_bytes = min(self._batcher.max_bytes, limits.max_bytes or self._batcher.max_bytes) - limits.overhead_bytes
        start = size = 0
        for index, entry in enumerate(entries):
            more = len(entry.document) + limits.separator_bytes
            if index > start and (index - start >= max_events or size + more > max_bytes):
                yield entries[start:index]
                start, size = index, 0
            size += more
        if start < len(entries):
            yield entries[start:]

    async def _deliver(self, entries: list[Entry], share: int) -> None:
        """Try until every entry is delivered or in the dead letters."""
        tries = 0
        while entries:
            verdicts = await self._try(entries)
            if isinstance(verdicts, Verdict) and verdicts.kind == "delivered":
                self._settle_delivered(entries, share)
                return
            entries, wait = await self._sort(entries, per_event(verdicts, len(entries)), share)
            if entries:
                tries += 1
                await trio.sleep(self._backoff.delay_secs(tries, random.random, wait))

    async def _try(self, entries: list[Entry]) -> Verdict | Sequence[Verdict]:
        """One attempt. Whatever goes wrong becomes a verdict: a broken connection is nobody's fault, a plugin that raises costs
        its events an attempt."""
        shipment = Shipment([entry.event for entry in entries], [entry.document for entry in entries])
        try:
            verdicts = await self._transport.send(shipment)
            return verdicts if isinstance(verdicts, Verdict) else per_event(verdicts, len(entries))
        except OSError as error:
            return Verdict("busy", error.strerror or str(error) or type(error).__name__)
        except Exception as error:
            log.exception("sink %s: its transport raised", self.name)
            return Verdict("retry", f"transport raised {type(error).__name__}: {error}")

    def _settle_delivered(self, entries: list[Entry], share: int) -> None:
        self.account.delivered += len(entries)
        self._trouble.over()
        for entry in entries:
            entry.delivery.settle(1)
        self._release(len(entries), share)

    async def _sort(self, entries: list[Entry], verdicts: Sequence[Verdict], share: int) -> tuple[list[Entry], float | None]:
        """Settle what is decided; returns what is to be tried again, and the longest wait that the vendor asked for."""
        delivered: list[Entry] = []
        again: list[Entry] = []
        refused: list[tuple[Entry, Verdict]] = []
        asked: list[float] = []
        for entry, verdict in zip(entries, verdicts, strict=True):
            if verdict.kind == "delivered":
                delivered.append(entry)
                continue
            if verdict.kind == "retry":
                entry.attempts += 1
            if verdict.kind == "rejected" or entry.attempts >= self._max_attempts:
                refused.append((entry, verdict))
                continue
            again.append(entry)
            self._trouble.now(verdict.reason, grave=verdict.kind == "hold")
            if verdict.after_secs is not None:
                asked.append(verdict.after_secs)
        if delivered:
            self._settle_delivered(delivered, share)
        for entry, verdict in refused:
            letter = DeadLetter(
                time=now_text(), stage="send", reason=verdict.reason, status=verdict.status, attempts=entry.attempts
            )
            await self._dead_letter(entry.event, entry.delivery, share, letter)
        return again, max(asked, default=None)

    async def _dead_letter(self, event: Event, delivery: Delivery, size: int, letter: DeadLetter) -> None:
        """Settled only once the letter is on the disk."""
        letter.sink = self.name
        letter.event = event
        await self._dead_letters.write([letter])
        self.account.dead_lettered += 1
        self._settle(delivery, 1, size)

    def _settle(self, delivery: Delivery, count: int, share: int) -> None:
        delivery.settle(count)
        self._release(count, share)

    def _release(self, count: int, share: int) -> None:
        self.buffer.release(count, share * count)
        self.account.in_flight = self.buffer.held_events
        self._freed.set()
