"""The sink driver: buffer → batcher → encoder → transport → verdicts → settled, dead-lettered, or tried again.

It knows no vendor. What it promises: an event that was put in is settled exactly once, and until then it counts as in flight.
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Sequence

import trio

from wye.attempt import asked_secs, attempt
from wye.batch import Batch, Lot, Parcel, runs
from wye.batcher import largest_document
from wye.breaker import Breaker
from wye.buffer import Buffer
from wye.deadletters import DeadLetter, DeadLetters, Outstanding
from wye.delivery import Delivery, Fate, Outcome
from wye.event import Event
from wye.judge import judge
from wye.ledger import SinkAccount, count_names
from wye.message import Unfit
from wye.outbox import Lanes, Outbox
from wye.packing import all_fit, documents_of, why_unfit
from wye.plugin import Encoder, Transport
from wye.room import Room
from wye.sending import Sending
from wye.trouble import Trouble
from wye.verdict import Verdict, per_event

log = logging.getLogger("wye.sink")

MOST_IN_A_ROW = 32
"""Parcels that are taken one after the other without letting other tasks run, where the transport does not either."""


class Sink:
    """One configured sink: its queue, its workers, its account."""

    def __init__(
        self,
        name: str,
        transport: Transport,
        encoder: Encoder,
        buffer: Buffer,
        sending: Sending,
        dead_letters: DeadLetters,
    ) -> None:
        self.name = name
        self.account = SinkAccount(name)
        self.buffer = buffer
        self.room = Room(name, buffer)
        self._transport = transport
        self._encoder = encoder
        self._sending = sending
        self._dead_letters = dead_letters
        self._breaker = Breaker(sending.backoff, random.random)
        self._outbox = Outbox()
        self._lanes = None if sending.key_of is None else Lanes(sending.key_of)
        self._collecting = trio.Lock()
        self._changed = trio.Event()
        self._in_a_row = 0
        self._closing = False
        self._leaving = False
        self._working = trio.CancelScope()
        self._burying = 0
        self._letters = Outstanding(dead_letters.store)
        self._dropping = False
        self._trouble = Trouble(log, f"sink {name}")

    # ── in: called by the router ─────────────────────────────────────────────────────────────────────────────────────────

    def put(self, batch: Batch) -> None:
        """Take a batch into the buffer. Never waits; what ``when_full`` drops is counted and settled."""
        batch.delivery.expect(len(batch.events))
        dropped = self.buffer.put(batch, trio.current_time())
        self._count_in_flight()
        self._changed.set()
        if dropped or self._dropping:
            self._note_drops(dropped)

    def _note_drops(self, dropped: Sequence[Batch]) -> None:
        count = sum(len(one.events) for one in dropped)
        self.account.dropped += count
        if count and not self._dropping:
            self._dropping = True
            log.warning('sink %s: buffer full; events are lost, because when_full = "%s"', self.name, self.buffer.when_full)
        elif self._dropping and not count and self.buffer.half_empty:
            self._dropping = False
            log.warning("sink %s: drops no more; %d events dropped since the start", self.name, self.account.dropped)
        for one in dropped:
            one.delivery.settle(len(one.events), Outcome.DROPPED)

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

    def close(self, *, leave: bool = False, under_way_secs: float = math.inf) -> None:
        """Nothing more will be put: send what there is without lingering, then end. ``leave``: what is safe in a file need not
        be sent now, and what is under way has ``under_way_secs``."""
        self._closing = True
        self._leaving = leave
        if leave and self.buffer.durable:
            self._working.deadline = trio.current_time() + under_way_secs
        self._changed.set()

    # ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Open the transport, carry events until closed and empty, close the transport. Raises ``StartError`` before it has
        started. Dead letters may still be on their way to the disk when it returns; their events are in flight until then."""
        async with trio.open_nursery() as buffer:
            await buffer.start(self.buffer.run, self.account, self._wake)
            self._count_in_flight()
            async with self._transport.open():
                task_status.started()
                with self._working:
                    async with trio.open_nursery() as nursery:
                        for _ in range(self._transport.concurrency):
                            nursery.start_soon(self._work)
            if self.buffer.durable:
                # What a file holds is taken out of it only when its letter is safe.
                await self._letters.over()
            self.buffer.finish()

    def _wake(self) -> None:
        """The buffer has more to take, or more room."""
        self._count_in_flight()
        self._changed.set()
        self.room.freed()

    async def _work(self) -> None:
        while (parcel := await self._next()) is not None:
            await self._attempt(parcel)
            del parcel  # or its events would stay, and grow cold, until there is another

    async def _next(self) -> Parcel | None:
        """The parcel to send now; ``None`` when closed and nothing is left to do."""
        if self._sending.rate is None:
            self._in_a_row += 1
            if not self._in_a_row % MOST_IN_A_ROW:
                await trio.lowlevel.checkpoint()
            if (parcel := self._at_hand()) is not None:
                return parcel
        async with self._collecting:
            while not self._leaves:
                if (parcel := self._at_hand()) is not None:
                    return await self._at_its_rate(parcel)
                wait = self._breaker.ready_at()
                if wait <= trio.current_time():
                    if self._closing and self._outbox.idle and not (self.buffer.queued_events or self.buffer.more):
                        return None
                    wait = min(self._due_at(), self._outbox.due_at)
                self._changed = trio.Event()
                with trio.move_on_at(wait):
                    await self._changed.wait()
            return None

    @property
    def _leaves(self) -> bool:
        return self._leaving and self.buffer.durable

    def _at_hand(self) -> Parcel | None:
        """A parcel that can be sent now, if there is one."""
        if self._leaves or self._breaker.ready_at() > trio.current_time():
            return None
        self._fill()
        return self._outbox.next(trio.current_time(), fresh=self._breaker.is_open)

    async def _at_its_rate(self, parcel: Parcel) -> Parcel:
        if (rate := self._sending.rate) is not None:
            await trio.sleep_until(rate.ready_at(len(parcel.events), trio.current_time()))
            rate.spend(len(parcel.events), trio.current_time())
        return parcel

    def _due_at(self) -> float:
        """When the buffer has a lot."""
        buffer = self.buffer
        if self._closing and buffer.queued_events:
            return -math.inf
        return self._sending.batcher.due_at(buffer.queued_events, buffer.queued_bytes, buffer.oldest_at)

    def _fill(self) -> None:
        """Lots that are due into the outbox, until it has something to send."""
        batcher = self._sending.batcher
        while not self._outbox.has_ready and self._due_at() <= trio.current_time():
            parcel = self._parcel(self.buffer.take(batcher.takes(self.buffer.queued_events), batcher.max_bytes))
            self._pack(parcel if self._lanes is None else self._lanes.admit(parcel))

    def _pack(self, parcel: Parcel) -> None:
        cuts = self._sending.batcher.cuts(parcel.documents, self._encoder.limits)
        self._outbox.add(parcel.slice(start, end) for start, end in cuts)

    def _parcel(self, lot: Lot) -> Parcel:
        """The lot with its documents. What is unfit for this vendor is set aside."""
        documents = documents_of(self._encoder, lot.events)
        most = largest_document(self._encoder.limits)
        parcel = Parcel(lot.events, documents, lot.batches, [0] * len(documents))  # type: ignore[arg-type]  until they are apart
        if all_fit(documents, most):
            return parcel
        unfit = [place for place, one in enumerate(documents) if not isinstance(one, bytes) or len(one) > most]
        self._set_aside(parcel, unfit, most)
        apart = set(unfit)
        return parcel.pick([place for place in range(len(documents)) if place not in apart])

    async def _attempt(self, parcel: Parcel) -> None:
        """Send it, and put each event where its verdict says."""
        permit = self._breaker.sending()
        verdicts = await attempt(self._transport, parcel, lambda reason, error: self._trouble.now(reason, error=error))
        self._outbox.out -= 1
        parcel.tries += 1
        if isinstance(verdicts, Verdict) and verdicts.kind == "delivered":
            self._breaker.passed()
            self._trouble.over()
            self._settle_delivered(parcel)
        else:
            self._judge(parcel, per_event(verdicts, len(parcel.events)), permit)
        self._changed.set()

    def _judge(self, parcel: Parcel, verdicts: Sequence[Verdict], permit: int) -> None:
        now = trio.current_time()
        asked = asked_secs(verdicts)
        down = self._weigh(parcel, verdicts, permit, now, asked)
        too_old = [now - batch.came_at > self._sending.max_age_secs for batch in parcel.batches]
        found = judge(parcel, verdicts, self._sending.max_attempts, too_old, divisible=self._encoder.limits.divisible)
        if found.delivered:
            self._settle_delivered(parcel.pick(found.delivered))
        if found.refused:
            self._refuse(parcel.pick(found.refused), found.why)
        first = [parcel.pick(places) for places in found.halves]
        if found.again:
            again = parcel if len(found.again) == len(verdicts) else parcel.pick(found.again)
            if down:
                first.append(again)
            else:
                self._outbox.put_later(again, now + self._sending.backoff.delay_secs(parcel.tries, random.random, asked))
        self._outbox.put_first(first)

    def _weigh(self, parcel: Parcel, verdicts: Sequence[Verdict], permit: int, now: float, asked: float | None) -> bool:
        """What the answer says about the sink as a whole: whether it said that it is down. It is in trouble when it holds or is
        busy, or when nothing at all got through; a few retries are daily life."""
        by_kind: dict[str, Verdict] = {}
        for verdict in verdicts:
            by_kind.setdefault(verdict.kind, verdict)
        worst = by_kind.get("hold") or by_kind.get("busy")
        if worst is not None:
            self._breaker.down(permit, now, asked)
        elif by_kind.keys() == {"retry"}:
            worst = by_kind["retry"]
            parcel.on_trial += 1
            self._breaker.failed(parcel, permit, now, asked)
        else:
            self._breaker.passed()
        if worst is None:
            self._trouble.over()
        else:
            self._trouble.now(worst.reason, grave=worst.kind == "hold")
        if by_kind.keys() != {"retry"}:
            parcel.charge([place for place, one in enumerate(verdicts) if one.kind == "retry"])
        return bool(by_kind.keys() & {"hold", "busy"})

    def _settle_delivered(self, parcel: Parcel) -> None:
        self.account.delivered += len(parcel.batches)
        self._settle(parcel.batches, "delivered")
        self._done(parcel.events)

    def _done(self, events: Sequence[Event]) -> None:
        """These will not be sent again: what waited for them may go."""
        following = None if self._lanes is None else self._lanes.done(events)
        if following is not None:
            self._pack(following)

    def _set_aside(self, parcel: Parcel, unfit: Sequence[int], most: float) -> None:
        """What an encoder cannot put into its vendor's format: filtered where it has no name for it, else dead-lettered."""
        unmapped: list[int] = []
        reasons: dict[int, str] = {}
        for place in unfit:
            document: bytes | Unfit = parcel.documents[place]
            if isinstance(document, Unfit) and document.unmapped:
                unmapped.append(place)
            else:
                reasons[place] = why_unfit(document, most)
        self.account.filtered += len(unmapped)
        count_names(self.account.filtered_types, (parcel.events[place].type for place in unmapped))
        self._settle([parcel.batches[place] for place in unmapped], "filtered")
        self._give_up(
            [parcel.batches[place] for place in reasons],
            [self._letter("encode", parcel.events[place], reason) for place, reason in reasons.items()],
        )

    def _refuse(self, parcel: Parcel, verdicts: Sequence[Verdict]) -> None:
        letters = [
            self._letter("send", event, verdict.reason, verdict.status, parcel.tried(place) + (verdict.kind == "rejected"))
            for place, (event, verdict) in enumerate(zip(parcel.events, verdicts, strict=True))
        ]
        self._give_up(parcel.batches, letters)
        self._done(parcel.events)

    def _letter(
        self, stage: str, event: Event, reason: str, status: int | None = None, attempts: int | None = None
    ) -> DeadLetter:
        return DeadLetter(stage=stage, reason=reason, sink=self.name, status=status, attempts=attempts, event=event)

    def _give_up(self, batches: Sequence[Batch], letters: Sequence[DeadLetter]) -> None:
        """Settled only once the letters are on the disk; the sink goes on meanwhile, and its bound counts them still."""

        def on_written() -> None:
            self.account.dead_lettered += len(letters)
            self._settle(batches, "dead_lettered")
            self._letters.heard(len(letters))

        for batch, letter in zip(batches, letters, strict=True):
            if batch.retried is not None:
                letter.id = batch.retried.id
        if letters:
            self._letters.submitted(len(letters))
            self._dead_letters.submit(letters, on_written)

    def _settle(self, batches: Sequence[Batch], fate: Fate) -> None:
        """Their room first: who hears that a delivery is over finds the account in balance."""
        counted = runs(batches)
        for batch, count in counted:
            if batch.retried is not None:
                batch.retried.fate = fate
            self.buffer.settled(batch, count, fate)
        self._count_in_flight()
        self.room.freed()
        for batch, count in counted:
            batch.delivery.settle(count)

    def _count_in_flight(self) -> None:
        self.account.in_flight = self.buffer.held_events + self._burying
