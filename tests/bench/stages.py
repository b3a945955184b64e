"""The stages of an event's way, each by itself with the real classes, so that what one costs can be measured and counted.

A stage does the same to the same events each time it is run. The events are those of the benchmarks, in batches as a file of
them is read in.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice
from pathlib import Path

import trio
from msgspec import Struct

from bench import payloads
from bench.limits.convert import of_lines, of_structs
from wye.batch import runs
from wye.batcher import Batcher
from wye.buffer import MemoryBuffer
from wye.deadletters import DeadLetters
from wye.event import Event
from wye.fidelity.formats import all_formats
from wye.fidelity.measure import Format
from wye.fitting import Fitting, FittingEncoder
from wye.message import Payload, Shipment, Unfit
from wye.plugin import Limits
from wye.registry import load
from wye.retry import Backoff
from wye.route import Dispatcher, Leg
from wye.sending import Sending
from wye.sink import Sink
from wye.verdict import DELIVERED, Verdicts
from wye_plugins.file.config import FileSinkOptions
from wye_plugins.file.find import look
from wye_plugins.file.reader import FileReader, Sizes
from wye_plugins.file.sink import FileSink
from wye_plugins.http.body import Budget
from wye_plugins.http.claims import Endpoints
from wye_plugins.http.protocol import Bounds, Protocol

BATCH = 512
"""Events of a batch: about what a busy file sink is given at a time."""

PLENTY = 1 << 40

Run = Callable[[], Awaitable[object]]


class Stage(Struct, frozen=True):
    """``run`` does it once to ``events`` events; ``what`` says what that is. ``within`` is another stage that ``run`` does as
    well, so that this one's own cost is the difference."""

    name: str
    what: str
    events: int
    run: Run
    within: str | None = None


class Written:
    """An encoder that has written already: what the driver of a sink costs without one."""

    limits = Limits()

    def __init__(self, documents: Sequence[bytes]) -> None:
        self._documents = documents

    def encode(self, events: Sequence[Event], /) -> list[bytes | Unfit]:
        return [*self._documents[: len(events)]]


class Nowhere:
    """A transport that delivers at once."""

    target = "nowhere"
    concurrency = 1

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        yield

    async def send(self, _: Shipment, /) -> Verdicts:
        return DELIVERED


LIMIT, DECODE, ENCODE, ROUTE = "limit", "clickstream decode", "google-retail encode", "route"
"""The stages that others are held against, or contain."""


def formats() -> list[Format]:
    """Every vendor's format, with the defaults of its options."""
    return all_formats(load())


class Work:
    """The events of the stages in each shape that they have on their way."""

    def __init__(self, batches: int) -> None:
        lines = payloads.lines(batches * BATCH)
        self.bodies = [b"\n".join(islice(lines, BATCH)) + b"\n" for _ in range(batches)]
        self.inputs = [Payload(body, "lines") for body in self.bodies]
        self.events = batches * BATCH
        self.by_name = {one.name: one for one in formats()}
        decoder = self.by_name["clickstream"].inbound.decoder
        self.decoded = [decoder.decode(one) for one in self.inputs]
        self.documents = self.written("google-retail")

    def written(self, vendor: str) -> list[list[bytes]]:
        """The documents of a vendor's, for the events that it takes."""
        encoder = self.by_name[vendor].outbound.encoder
        return [[one for one in encoder.encode(batch.events) if isinstance(one, bytes)] for batch in self.decoded]


@asynccontextmanager
async def stages(folder: Path, batches: int) -> AsyncGenerator[list[Stage]]:
    """All stages, ready to run. ``folder`` is for the files."""
    work = Work(batches)
    async with AsyncExitStack() as stack:
        found = [_limit(work), _read(work, folder), *_http(work), _structs(work)]
        for one in work.by_name.values():
            found += _vendor(work, one)
        found += [_losses(work), _route(work, folder)]
        found += [await stack.enter_async_context(_drive(work, folder)), await stack.enter_async_context(_write(work, folder))]
        yield found


def _each(name: str, what: str, work: Work, do: Callable[[int], object], within: str | None = None) -> Stage:
    """A stage without I/O: ``do`` is called with each batch's number."""

    async def run() -> None:
        for number in range(len(work.bodies)):
            do(number)

    return Stage(name, what, work.events, run, within)


def _limit(work: Work) -> Stage:
    return _each(LIMIT, "the limit program's whole conversion", work, lambda number: of_lines(work.bodies[number]))


def _read(work: Work, folder: Path) -> Stage:
    path = folder / "in.jsonl"
    path.write_bytes(b"".join(work.bodies))
    found = look(str(path))
    assert found is not None

    async def run() -> None:
        reader = FileReader(found, Sizes(1_048_576, 262_144))
        while reader.read() is not None:
            pass
        reader.close()

    return Stage("read", "a file in pieces, cut at the last newline", work.events, run)


def _http(work: Work) -> list[Stage]:
    endpoint = work.by_name["clickstream"].inbound.endpoint
    assert endpoint is not None
    endpoints = Endpoints([endpoint], "web")

    def stage(name: str, what: str, events: int, count: int) -> Stage:
        posts = payloads.posts(events, count)
        bounds = Bounds(16_384, 1 << 24, 1 << 24)
        protocol = Protocol(endpoints.choose, endpoints.refuse, bounds, Budget(PLENTY), "127.0.0.1")

        async def run() -> None:
            for post in posts:
                protocol.feed(post)
                while protocol.requests:
                    request = protocol.requests.popleft()
                    assert request.reply is None
                    if request.held is not None:
                        request.held.release()

        return Stage(name, what, events * count, run)

    return [
        stage("http of 100", "a request of 100 events: split, checked, its endpoint chosen", 100, max(work.events // 100, 1)),
        stage("http of 1", "the same for a request of 1 event", 1, work.events),
    ]


def _structs(work: Work) -> Stage:
    """What no decoder can do without; the vendor's own structs are wider."""
    what = "JSON to the limit program's structs, in C: the least that a decoder costs"
    return _each("structs", what, work, lambda number: of_structs(work.bodies[number]))


def _vendor(work: Work, one: Format) -> list[Stage]:
    """One vendor's decoder and encoder, with the same events."""
    decoder, encoder = one.inbound.decoder, one.outbound.encoder
    name = one.name
    inputs = [Payload(b"\n".join(batch) + b"\n", "lines") for batch in work.written(name)]
    if name == "clickstream":
        inputs = work.inputs
    count = sum(len(decoder.decode(each).events) for each in inputs)

    async def decode() -> None:
        for each in inputs:
            decoder.decode(each)

    async def encode() -> None:
        for batch in work.decoded:
            encoder.encode(batch.events)

    within = "structs" if name == "clickstream" else None
    return [
        Stage(f"{name} decode", f"{name}'s JSON to canonical events", count, decode, within),
        Stage(f"{name} encode", f"canonical events to {name}'s JSON", work.events, encode),
    ]


def _losses(work: Work) -> Stage:
    one = work.by_name["google-retail"]
    encoder = FittingEncoder("out", one.outbound.encoder, Fitting(), one, {})
    what = "what the format cannot hold is counted, from a sample that is measured"
    return _each("losses", what, work, lambda number: encoder.encode(work.decoded[number].events), ENCODE)


def parts(folder: Path, documents: Sequence[bytes] = ()) -> tuple[Dispatcher, Sink]:
    """A source's dispatcher and its one sink, not started, which has written the documents already."""
    letters = DeadLetters(folder / "letters.db")
    sending = Sending(Batcher(BATCH, PLENTY, 0.0, requests=False), Backoff(1, 8), 5)
    sink = Sink("out", Nowhere(), Written(documents), MemoryBuffer(10_000, PLENTY, "block"), sending, letters)
    return Dispatcher("in", [Leg(sink)], letters), sink


def _route(work: Work, folder: Path) -> Stage:
    dispatcher, sink = parts(folder)

    async def run() -> None:
        for decoded in work.decoded:
            await dispatcher.emit(decoded)
            for batch, count in runs(sink.buffer.take(BATCH, PLENTY).batches):
                sink.buffer.settled(batch, count, "delivered")
                batch.delivery.settle(count)

    return Stage(ROUTE, "which sinks, the ledger, into the buffer and out of it", work.events, run)


@asynccontextmanager
async def _drive(work: Work, folder: Path) -> AsyncGenerator[Stage]:
    dispatcher, sink = parts(folder, work.documents[0])

    async def run() -> None:
        for decoded in work.decoded:
            await dispatcher.deliver(decoded)

    async with trio.open_nursery() as nursery:
        await nursery.start(sink.run)
        yield Stage("drive", "the sink's driver: a batch is cut, sent, judged and settled", work.events, run, ROUTE)
        sink.close()


@asynccontextmanager
async def _write(work: Work, folder: Path) -> AsyncGenerator[Stage]:
    path = folder / "out.jsonl"
    path.unlink(missing_ok=True)
    sink = FileSink(FileSinkOptions(path=str(path)), "out")
    shipments = [Shipment(batch.events, documents) for batch, documents in zip(work.decoded, work.documents, strict=True)]

    async def run() -> None:
        for shipment in shipments:
            await sink.send(shipment)

    async with sink.open():
        yield Stage("write", "to the file, synced, in its thread", work.events, run)
