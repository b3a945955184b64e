"""A buffer on disk with everything round it; and crashes, of which a file system keeps what was synced and any part of the
rest."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import trio

from router.core_rig import until
from wye.batch import Batch
from wye.buffer import DiskBuffer
from wye.buffer import backlog as backlog_module
from wye.buffer import pieces as pieces_module
from wye.buffer import spooler as spooler_module
from wye.buffer import window as window_module
from wye.buffer.backlog import Backlog
from wye.deadletters import DeadLetters
from wye.delivery import Delivery, Outcome
from wye.event import Event
from wye.ledger import SinkAccount
from wye.options import WhenFull
from wye.store import Store

EPOCH_MS = 1_700_000_000_000


@contextmanager
def small_steps(row_events: int = 4, window_events: int = 8, read_events: int = 3, taken_events: int = 12) -> Generator[None]:
    """Rows, window and reading ahead so small that a few events go through all of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces_module, "ROW_EVENTS", row_events)
        patch.setattr(window_module, "WINDOW_EVENTS", window_events)
        patch.setattr(spooler_module, "READ_EVENTS", read_events)
        patch.setattr(window_module, "TAKEN_EVENTS", taken_events)
        yield


class Spool:
    """One life of a buffer. It counts like a sink, and remembers what sources were told."""

    def __init__(
        self,
        path: Path,
        letters: DeadLetters,
        max_bytes: int = 10**9,
        when_full: WhenFull = "block",
        now_ms: Callable[[], int] = lambda: EPOCH_MS,
    ) -> None:
        self.path = path
        self.buffer = DiskBuffer("sink", path, max_bytes, when_full, letters, now_ms)
        self.account = SinkAccount("sink")
        self.woken = 0
        self.told: dict[str, Outcome] = {}

    @property
    def backlog(self) -> Backlog:
        return self.buffer._backlog  # pyright: ignore[reportPrivateUsage]

    @property
    def store(self) -> Store:
        return self.buffer._store  # pyright: ignore[reportPrivateUsage]

    @property
    def to_evict(self) -> int:
        spooler = self.buffer._spooler  # pyright: ignore[reportPrivateUsage]
        return 0 if spooler is None else spooler.to_evict

    def wake(self) -> None:
        self.woken += 1
        self.account.in_flight = self.buffer.held_events

    def put(self, events: list[Event], event_bytes: int = 0) -> list[str]:
        """Put a batch as a sink does; returns the ids of what was dropped at once."""

        def told(outcome: Outcome) -> None:
            self.told.update(dict.fromkeys([event.id for event in events], outcome))

        delivery = Delivery(told)
        self.account.received += len(events)
        delivery.expect(len(events))
        dropped = self.buffer.put(Batch(events, delivery, event_bytes), trio.current_time())
        self.account.dropped += sum(len(one.events) for one in dropped)
        self.wake()
        for one in dropped:
            one.delivery.settle(len(one.events), Outcome.DROPPED)
        delivery.seal()
        return [event.id for one in dropped for event in one.events]

    def take(self, max_events: int = 1000, max_bytes: int = 10**9) -> list[tuple[Event, Batch]]:
        lot = self.buffer.take(max_events, max_bytes)
        return list(zip(lot.events, lot.batches, strict=True))

    def settle(self, batch: Batch, count: int = 1) -> None:
        self.account.delivered += count
        self.buffer.settled(batch, count, "delivered")
        self.wake()
        batch.delivery.settle(count)

    async def settle_all(self) -> list[str]:
        """Take and deliver until nothing waits; the ids in the order in which they came out."""
        ids: list[str] = []
        while self.buffer.queued_events or self.buffer.more:
            await until(lambda: bool(self.buffer.queued_events) or not self.buffer.more)
            for event, batch in self.take():
                ids.append(event.id)
                self.settle(batch)
        return ids

    async def written(self) -> None:
        """Until everything that was put is in the file, or refused."""
        await until(lambda: not (self.backlog.pending or self.backlog.writing))

    async def taken_out(self) -> None:
        """Until everything that was settled is out of the file."""
        await until(lambda: not self.backlog.ended)
        async with self.store._writing:  # pyright: ignore[reportPrivateUsage]
            pass

    async def crash(self, into: Path, keep: float) -> None:
        """What a power cut leaves, as a file at ``into``: all that was synced when it was called, and of what is written after
        that (of which nobody hears any more) the first part, ``keep`` of it."""
        into.parent.mkdir(parents=True, exist_ok=True)
        log = self.path.with_name(self.path.name + "-wal")
        async with self.store._writing:  # pyright: ignore[reportPrivateUsage]
            synced = log.stat().st_size
        self.told = dict(self.told)
        heard = self.told.copy()
        await self.written()
        await self.taken_out()
        self.told = heard
        async with self.store._writing:  # pyright: ignore[reportPrivateUsage]
            shutil.copy(self.path, into)
            whole = log.read_bytes()
        into.with_name(into.name + "-wal").write_bytes(whole[: synced + int((len(whole) - synced) * keep)])


@asynccontextmanager
async def running(spool: Spool) -> AsyncGenerator[Spool]:
    """The buffer at work; finished by the end of the body."""
    async with trio.open_nursery() as nursery:
        await nursery.start(spool.buffer.run, spool.account, spool.wake)
        spool.wake()
        yield spool
        spool.buffer.finish()


@asynccontextmanager
async def doomed(spool: Spool) -> AsyncGenerator[Spool]:
    """The buffer at work until the body ends; then it is given up, with whatever it was doing."""
    async with trio.open_nursery() as nursery:
        await nursery.start(spool.buffer.run, spool.account, spool.wake)
        spool.wake()
        yield spool
        nursery.cancel_scope.cancel()


__all__ = ["EPOCH_MS", "Spool", "backlog_module", "doomed", "running", "small_steps"]
