"""The buffer on disk against a model that is only lists: whatever is put, taken, settled, and wherever it is cut off, nothing
that a source was told is missing, nothing unknown comes, the order is kept, and the account adds up.

``WYE_SPOOL_EXAMPLES=10000`` runs as many sequences.
"""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from router.buffer.disk_rig import Spool, doomed, running, small_steps
from router.core_rig import numbered, until
from wye.batch import Batch
from wye.buffer.rows import encoded
from wye.deadletters import DeadLetters
from wye.event import Event
from wye.options import WhenFull

RAM = "/dev/shm" if Path("/dev/shm").is_dir() else None

Step = tuple[str, int, float]

PUT = st.tuples(st.just("put"), st.integers(1, 11), st.just(0.0))
WAIT = st.tuples(st.just("wait"), st.just(0), st.just(0.0))
TAKE = st.tuples(st.just("take"), st.integers(1, 9), st.just(0.0))
SETTLE = st.tuples(st.just("settle"), st.integers(1, 9), st.just(0.0))
CRASH = st.tuples(st.just("crash"), st.integers(0, 1), st.floats(0, 1))
RESTART = st.tuples(st.just("restart"), st.just(0), st.just(0.0))
LIVES = st.lists(st.one_of(PUT, PUT, PUT, WAIT, TAKE, TAKE, SETTLE, SETTLE, CRASH, RESTART), max_size=30)


class Model(Struct):
    """All that was ever put, in order; what has come out; what was settled, and what of that a crash may bring back."""

    order: list[str] = []
    settled: set[str] = set()
    promised: set[str] = set()
    seen: list[str] = []


class World:
    """The same file through several lives."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.lives = 0
        self.model = Model([], set(), set(), [])
        self.random = random.Random(seed)
        self.letters = DeadLetters(folder / "letters")
        self.flying: list[tuple[Event, Batch]] = []

    @property
    def path(self) -> Path:
        return self.folder / str(self.lives) / "sink.db"

    async def live(self, steps: list[Step]) -> list[Step]:
        """One life; returns what is left to do after it ended."""
        spool = Spool(self.path, self.letters)
        ends = next((place for place, step in enumerate(steps) if step[0] in ("crash", "restart")), len(steps))
        last = steps[ends] if ends < len(steps) else ("restart", 0, 0.0)
        async with doomed(spool) if last[0] == "crash" else running(spool):
            self.flying = []
            assert spool.account.balanced
            for step in steps[:ends]:
                await self.do(spool, *step)
                assert spool.account.balanced
                self.check_order()
            if last[0] == "crash":
                following = self.folder / str(self.lives + 1) / "sink.db"
                if last[1]:
                    self.put(spool, 3)
                await spool.crash(following, last[2])
            else:
                await spool.written()
            self.promised(spool)
        if last[0] == "crash":
            self.lives += 1
        self.model.seen = []
        return steps[ends + 1 :]

    async def do(self, spool: Spool, what: str, count: int, _: float) -> None:
        if what == "put":
            self.put(spool, count)
        elif what == "wait":
            await spool.written()
            self.promised(spool)
        elif what == "take" and spool.buffer.queued_events:
            taken = spool.take(count)
            self.flying += taken
            self.model.seen += [event.id for event, _ in taken]
        elif what == "settle":
            for _ in range(min(count, len(self.flying))):
                event, batch = self.flying.pop(self.random.randrange(len(self.flying)))
                spool.settle(batch)
                self.model.settled.add(event.id)

    def put(self, spool: Spool, count: int) -> None:
        events = numbered(count, f"{len(self.model.order)}-")
        self.model.order += [event.id for event in events]
        spool.put(events)

    def promised(self, spool: Spool) -> None:
        self.model.promised |= spool.told.keys()

    def check_order(self) -> None:
        place = {name: number for number, name in enumerate(self.model.order)}
        numbers = [place[name] for name in self.model.seen]
        assert numbers == sorted(set(numbers)), "out of order, or twice in one life"

    async def drain(self) -> None:
        spool = Spool(self.path, self.letters)
        async with running(spool):
            held = spool.account.in_flight
            out = await spool.settle_all()
            assert len(out) == held
            assert spool.account.balanced
        self.model.seen = out
        self.check_order()
        missing = self.model.promised - self.model.settled - set(out)
        assert not missing
        assert spool.account.in_flight == 0


async def story(steps: list[Step], seed: int) -> None:
    with tempfile.TemporaryDirectory(dir=RAM) as folder:
        world = World(Path(folder), seed)
        while steps:
            steps = await world.live(steps)
        await world.drain()


@settings(
    max_examples=int(os.environ.get("WYE_SPOOL_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(steps=LIVES, seed=st.integers(0, 1000))
def test_nothing_that_was_promised_is_lost(steps: list[Step], seed: int) -> None:
    with small_steps():
        trio.run(story, steps, seed)


# ── bounds ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

MOVES = st.lists(st.one_of(PUT, PUT, WAIT, TAKE, SETTLE), max_size=30)


async def crowded(steps: list[Step], when_full: WhenFull, room: int) -> None:
    """Events of about one size, where there is room for ``room`` of them."""
    with tempfile.TemporaryDirectory(dir=RAM) as folder:
        letters = DeadLetters(Path(folder) / "letters")
        event_bytes = len(encoded(numbered(1, "1000-")))
        spool = Spool(Path(folder) / "sink.db", letters, room * event_bytes, when_full)
        put: list[str] = []
        dropped: list[str] = []
        out: list[str] = []
        flying: list[Batch] = []
        async with running(spool):
            for what, count, _ in steps:
                if what == "put":
                    events = numbered(count, f"{1000 + len(put)}-")
                    put += [event.id for event in events]
                    dropped += spool.put(events, event_bytes)
                elif what == "wait":
                    await spool.written()
                    await until(lambda: not spool.to_evict)
                    assert spool.buffer.held_bytes <= max(spool.buffer.max_bytes, event_bytes + 2)
                elif what == "take":
                    taken = spool.take(count)
                    out += [event.id for event, _ in taken]
                    flying += [batch for _, batch in taken]
                elif flying:
                    spool.settle(flying.pop(0))
                assert spool.account.balanced
            for batch in flying:
                spool.settle(batch)
            out += await spool.settle_all()
            assert spool.account.balanced
        assert spool.account.delivered == len(out)
        assert spool.account.dropped == len(put) - len(out)
        assert set(dropped) <= set(put) - set(out)
        place = {name: number for number, name in enumerate(put)}
        assert [place[name] for name in out] == sorted(place[name] for name in out)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=MOVES, when_full=st.sampled_from(["drop_newest", "drop_oldest"]), room=st.integers(1, 30))
def test_what_is_given_up_is_counted_and_the_bound_holds(steps: list[Step], when_full: WhenFull, room: int) -> None:
    with small_steps():
        trio.run(crowded, steps, when_full, room)
