"""A sink with everything round it, for tests of the data path."""

from __future__ import annotations

import json
import math
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from wye.batch import Batch
from wye.batcher import Batcher
from wye.buffer import Buffer, MemoryBuffer
from wye.deadletters import DeadLetters, table
from wye.deadletters.table import Selection
from wye.delivery import Delivery, Outcome
from wye.event import Event
from wye.message import Decoded, Failure, Shipment
from wye.options import WhenFull
from wye.outbox import KeyOf
from wye.plugin import Encoder, Transport
from wye.rate import Rate
from wye.retry import Backoff
from wye.sending import Sending
from wye.sink import Sink
from wye.store import Store
from wye.testing import make_event
from wye.testing.transport import FakeEncoder, FakeTransport
from wye.verdict import Verdicts


def events_of(*ids: str) -> list[Event]:
    return [make_event(name) for name in ids]


def numbered(count: int, prefix: str = "e") -> list[Event]:
    return [make_event(f"{prefix}{number}") for number in range(count)]


class Waiting:
    """A source batch: its delivery, and the words that were given for it."""

    def __init__(self) -> None:
        self.words: list[Outcome] = []
        self.delivery = Delivery(self.words.append)


def put(sink: Sink, events: Sequence[Event], event_bytes: int = 0) -> Waiting:
    """One sealed source batch, straight into ``sink``."""
    waiting = Waiting()
    sink.account.received += len(events)
    sink.put(Batch(events, waiting.delivery, event_bytes))
    waiting.delivery.seal()
    return waiting


def make_sink(
    letters: DeadLetters,
    transport: Transport | None = None,
    *,
    name: str = "sink",
    encoder: Encoder | None = None,
    max_events: int = 1000,
    max_bytes: int = 1_000_000,
    when_full: WhenFull = "block",
    batcher: Batcher | None = None,
    max_attempts: int = 3,
    backoff: Backoff | None = None,
    max_age_secs: float = math.inf,
    key_of: KeyOf | None = None,
    rate: Rate | None = None,
    buffer: Buffer | None = None,
) -> Sink:
    return Sink(
        name,
        transport or FakeTransport(),
        encoder or FakeEncoder(),
        buffer or MemoryBuffer(max_events, max_bytes, when_full),
        Sending(batcher or Batcher(500, 1_000_000, 0.0), backoff or Backoff(1, 8), max_attempts, max_age_secs, key_of, rate),
        letters,
    )


@asynccontextmanager
async def writing(letters: DeadLetters) -> AsyncGenerator[None]:
    """Dead letters that are written while the body runs, and all of them by its end."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(letters.run)
        yield
        letters.close()


@asynccontextmanager
async def running(*sinks: Sink) -> AsyncGenerator[None]:
    """Sinks that carry events while the body runs, and have drained by its end."""
    async with trio.open_nursery() as nursery:
        for sink in sinks:
            await nursery.start(sink.run)
        yield
        for sink in sinks:
            sink.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what a thread does: its time is the real one, whatever clock the test has."""
    for _ in range(5000):
        if condition():
            return
        await trio.to_thread.run_sync(time.sleep, 0.001)
    raise AssertionError("it did not happen within 5 s")


class Disk:
    """The disk under all stores, or under one: counts what is committed, and is full or broken when it is told to be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, only: Store | None = None) -> None:
        self.commits = 0
        self.full = False
        self.broken = False
        real = getattr(Store, "_transact")  # noqa: B009  it is private

        def transact(store: Store, pieces: Sequence[Any]) -> None:
            if (self.full or self.broken) and only in (None, store):
                error = sqlite3.OperationalError("database or disk is full" if self.full else "disk I/O error")
                error.sqlite_errorcode = sqlite3.SQLITE_FULL if self.full else sqlite3.SQLITE_IOERR_FSYNC
                raise error
            real(store, pieces)
            self.commits += 1

        monkeypatch.setattr(Store, "_transact", transact)


def letters_in(path: Path) -> list[dict[str, Any]]:
    """The dead letters of a file, oldest first, as the command line exports them."""
    with closing(sqlite3.connect(path)) as connection:
        return [json.loads(msgspec.json.encode(entry)) for entry in table.entries(connection, Selection())]


# ── sources and ways ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Words(list[bool]):
    """What a source was told, in order."""


class Changing:
    """A transform made of a function."""

    def __init__(self, change: Callable[[Event], Event | None]) -> None:
        self.apply = change


def only(*ids: str) -> Callable[[Event], bool]:
    return lambda event: event.id in ids


def decoded(events: Sequence[Event], size: int = 0, failures: Sequence[Failure] = ()) -> Decoded:
    return Decoded(events, failures, size)


def stuck(letters: DeadLetters, name: str, when_full: WhenFull = "block", max_events: int = 4) -> Sink:
    """A sink that nobody empties."""
    return make_sink(letters, name=name, when_full=when_full, max_events=max_events)


def boom(event: Event) -> Event | None:
    if event.id == "bad":
        raise ZeroDivisionError("no")
    return event


class Slow(FakeTransport):
    """Takes its time, each shipment another one."""

    async def send(self, shipment: Shipment, /) -> Verdicts:
        await trio.sleep(0.7 + len(self.shipments) % 3 * 0.13)
        return await super().send(shipment)
