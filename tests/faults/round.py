"""One round: lives of a process under load, each with its faults and its end; then one without any, and the reckoning."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random

import trio
from msgspec import Struct, field

from faults import events, plan, shim
from faults.clients import Phase, Sender
from faults.disk import Disk
from faults.process import BATCHES, CONFIG, Place, Process, killing, start, unbalanced
from faults.vendor import Vendor
from faults.world import SinkView, World
from wye.errors import Exit

SENDERS = (events.CLICKSTREAM,) * 5 + (events.MOLOCO, events.REELEVANT)
STOP_SECS = 30.0
"""How long a stop in order may take."""

LATELY_SECS = 1.0
"""What came before may have come to its end on the disk too."""

QUIET_SECS = 0.4
"""Nothing comes twice any more once nothing has come for so long."""


class Setup(Struct, frozen=True):
    """``script`` says what happens in each life; without it, that is drawn, for so many ``workers``. ``mutation``: what is
    broken on purpose. ``broken`` is the share of requests with a record that cannot be decoded, ``patience_secs`` how long the
    last life may take to bring something further to its end."""

    seed: int
    lives: int = 10
    script: Sequence[plan.Life] = ()
    mutation: str | None = None
    broken: float = 0.05
    patience_secs: float = 20.0
    workers: int = 1


class Outcome(Struct):
    """What a round has shown. ``problems`` is empty when all is well. ``lost`` counts an event at each sink."""

    seed: int
    secs: float = 0.0
    acknowledged: int = 0
    dead_lettered: int = 0
    kills: Counter[str] = field(default_factory=Counter[str])
    faults: Counter[str] = field(default_factory=Counter[str])
    lost: int = 0
    corrupted: int = 0
    reordered: int = 0
    duplicates: int = 0
    duplicates_bound: int = 0
    torn_lines: int = 0
    broken: bool = False
    """Whether the last life, without faults, did not come to its end in order."""
    problems: list[str] = field(default_factory=list[str])
    folder: str = ""


class Round:
    def __init__(self, setup: Setup, library: Path | None) -> None:
        self._setup = setup
        self._library = library
        self._random = Random(setup.seed)
        self._place = Place(Path(tempfile.mkdtemp(prefix=f"faults-{setup.seed}-")).resolve())
        self._control = shim.Control(self._place.folder / "control", setup.seed)
        self._disk = Disk(self._place.disk)
        forms = {"archive": "clickstream", "vendor": "clickstream", "partner": "canonical"}
        # Order is a promise of each worker, and a client that connects anew may come to another one.
        ordered = "partner" if setup.workers == 1 else None
        self._world = World([SinkView(name, form, ordered=name == ordered) for name, form in forms.items()])
        self._vendors = [
            Vendor(self._world, self._world.sinks[name], setup.seed, judges=name == "partner") for name in ("vendor", "partner")
        ]
        self._edge, self._pages = _free_ports(2)
        self._phase = Phase()
        self._born = 0.0
        self._logged = 0
        self._outcome = Outcome(setup.seed)

    async def run(self) -> Outcome:
        began = time.monotonic()
        async with trio.open_nursery() as nursery:
            for vendor in self._vendors:
                await nursery.start(vendor.serve)
            dedupe = "dedupe = { window_secs = 60 }" if self._random.random() < 0.5 else ""
            ports: dict[str, int | str] = {"edge": self._edge, "pages": self._pages, "dedupe": dedupe}
            ports |= {name: vendor.port for name, vendor in zip(("vendor", "partner"), self._vendors, strict=True)}
            (self._place.folder / "wye.toml").write_text(CONFIG.format(**ports))
            async with trio.open_nursery() as load:
                senders = [self._sender(number, kind) for number, kind in enumerate(SENDERS)]
                for sender in senders:
                    load.start_soon(sender.run)
                for life in self._setup.script or [self._draw() for _ in range(self._setup.lives)]:
                    await self._live(life)
                last = await self._last_life(load)
                load.cancel_scope.cancel()
            await self._stop(last)
            nursery.cancel_scope.cancel()
        self._reckon()
        self._outcome.secs = time.monotonic() - began
        return self._outcome

    def _sender(self, number: int, kind: int) -> Sender:
        port = self._pages if kind == events.REELEVANT else self._edge
        return Sender(self._world, self._phase, number, kind, port, self._random.randrange(1 << 30), self._setup.broken)

    # ── a life and its end ───────────────────────────────────────────────────────────────────────────────────────────────

    def _draw(self) -> plan.Life:
        return plan.draw(self._random, layer=self._library is not None, workers=self._setup.workers)

    async def _live(self, life: plan.Life) -> None:
        control, random = self._control, self._random
        early = random.random() < 0.2
        control.order(clock_offset_ns=life.clock_secs * 10**9 if early else 0, **(plan.orders(life, random) if early else {}))
        self._born = time.monotonic()
        self._logged = self._place.log.stat().st_size
        process = start(self._place, self._library, control, self._environment(life), life.workers)
        for vendor in self._vendors:
            vendor.weather = life.weather if random.random() < 0.7 else "calm"
        await process.listening(self._edge)
        if not early:
            await process.ended(random.uniform(0, 0.3))
            control.change(clock_offset_ns=life.clock_secs * 10**9, **plan.orders(life, random))
        await self._suffer(process, life)
        await self._end(process, life)
        if life.workers > 1:
            self._outcome.kills["a worker alone"] += self._place.worker_deaths(self._logged)

    def _environment(self, life: plan.Life) -> dict[str, str]:
        found = killing(life.point, life.nth, self._control)
        if self._setup.mutation:
            found["FAULTS_MUTATION"] = self._setup.mutation
        return found

    async def _suffer(self, process: Process, life: plan.Life) -> None:
        until = trio.current_time() + life.secs
        if life.disk == "full":
            await process.ended(life.secs / 2)
            self._control.change(room=-1)
        if life.victim:
            await process.ended(life.secs / 2)
            self._kill_worker(process)
        if life.paused_secs:
            process.send(signal.SIGSTOP)
            await trio.sleep(life.paused_secs)
            process.send(signal.SIGCONT)
        # A point that is seldom passed is waited for a little longer.
        await process.ended(max(0.0, until - trio.current_time()) + (1.0 if life.point else 0.0))
        if life.orderly:
            process.send(signal.SIGTERM)
            await process.ended(STOP_SECS)

    def _kill_worker(self, process: Process) -> None:
        pids = self._place.worker_pids(self._logged)
        if pids and process.exit_code is None:
            with suppress(ProcessLookupError):
                os.kill(self._random.choice(pids), signal.SIGKILL)

    async def _end(self, process: Process, life: plan.Life) -> None:
        outcome = self._outcome
        code = process.exit_code
        if code is None:
            process.send(signal.SIGKILL)
            await process.ended(10)
            outcome.kills["at random"] += 1
        elif code == -signal.SIGKILL:
            outcome.kills[life.point or "at random"] += 1
        elif code in (Exit.OK, Exit.UNFINISHED) and life.orderly:
            outcome.faults["stop in order"] += 1
        elif code == Exit.BROKEN and life.orderly and life.workers > 1 and (life.point or life.victim):
            outcome.faults["stop in order, while a worker was dead"] += 1
        elif life.disk is not None:
            outcome.faults["gave up by itself, for a fault of the disk"] += 1
        else:
            outcome.problems.append(f"ended by itself with {code}; see {self._place.log}")
        await self._place.deserted()
        self._widen_bounds(life)
        self._count(life)
        if self._library is not None:
            self._feed(in_order=code == Exit.OK)
        if life.power is not None and self._library is not None:
            outcome.faults["power cut"] += 1
            self._disk.cut(self._random, life.power)
        self._collect()

    def _widen_bounds(self, life: plan.Life) -> None:
        """By what may come twice because of this end: what was under way, and what had come lately, which may not be taken out
        of the file yet; all that came in this life, where the file could not be written."""
        since = self._born if life.disk or life.workers > 1 else time.monotonic() - LATELY_SECS
        for name, view in self._world.sinks.items():
            view.bound += view.since(since) + 2 * life.workers * BATCHES[name] * (
                1 + bool(life.paused_secs) + bool(life.clock_secs)
            )

    def _count(self, life: plan.Life) -> None:
        faults = self._outcome.faults
        faults["paused"] += bool(life.paused_secs)
        faults["clock jump"] += bool(life.clock_secs)
        faults["slow disk"] += life.disk == "slow"

    def _feed(self, *, in_order: bool) -> None:
        journal = self._place.journal
        if journal.exists():
            untold = self._disk.feed(journal.read_bytes())
            journal.unlink()
            if untold and in_order:
                self._outcome.problems.append(
                    f"{untold} files or names are not as the file layer's journal says: it misses a call"
                )

    def _collect(self) -> None:
        """Take rotated archives away, as whoever ships them does."""
        out = self._place.disk / "out"
        for path in out.glob("archive-*.2*.jsonl"):
            self._disk.forget(path)
            path.rename(self._place.collected / f"{path.stem}-{len(list(self._place.collected.iterdir()))}.jsonl")

    # ── the last life ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _last_life(self, load: trio.Nursery) -> Process:
        problems = self._outcome.problems
        self._control.order()
        for vendor in self._vendors:
            vendor.weather = "calm"
        mutation = {"FAULTS_MUTATION": self._setup.mutation} if self._setup.mutation else {}
        logged = self._place.log.stat().st_size
        process = start(self._place, self._library, self._control, mutation, self._setup.workers)
        if not await process.listening(self._edge):
            problems.append(f"did not start again without faults; see {self._place.log}")
            return process
        await self._place.all_listen(logged, self._setup.workers)
        self._phase.closing = True
        fresh = self._sender(len(SENDERS), events.CLICKSTREAM)
        load.start_soon(self._send_fresh, fresh)
        waiting = await self._everything_settled(load)
        if waiting:
            problems.append(
                f"without faults nothing moved for {self._setup.patience_secs:g} s: {waiting}; see {self._place.log}"
            )
        return process

    async def _stop(self, process: Process) -> None:
        problems = self._outcome.problems
        process.send(signal.SIGTERM)
        code = await process.ended(STOP_SECS)
        if code != 0:
            self._outcome.broken = True
            problems.append(f"did not stop in order: {code}; see {self._place.log}")
            process.send(signal.SIGKILL)
            await process.ended(10)
        elif self._setup.mutation is None:
            problems += unbalanced(self._place.ledger)

    async def _send_fresh(self, sender: Sender) -> None:
        await sender.batch(1)
        await sender.hang_up()

    async def _everything_settled(self, load: trio.Nursery) -> str:
        """Until all senders have ended and the vendors have what is owed to them; returns what is still missing when nothing
        moves any more."""
        names = [vendor.name for vendor in self._vendors]
        before, moved = None, time.monotonic()
        while time.monotonic() - moved < self._setup.patience_secs:
            state = (self._world.acknowledged, *(self._world.sinks[name].total for name in names))
            if state != before:
                before, moved = state, time.monotonic()
            self._place.read_dead_letters(self._world)
            if not load.child_tasks and time.monotonic() - moved > QUIET_SECS and not self._world.lost(names):
                return ""
            await trio.sleep(0.1)
        return f"{len(load.child_tasks)} senders and {len(self._world.lost(names))} events still wait"

    # ── the reckoning ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _reckon(self) -> None:
        world, outcome = self._world, self._outcome
        for path in self._place.archives():
            self._read_archive(path)
        self._place.read_dead_letters(world)
        lost = world.lost()
        outcome.acknowledged = world.acknowledged
        outcome.lost = len(lost)
        outcome.dead_lettered = sum(sum(map(bool, view.dead)) for view in world.sinks.values())
        outcome.corrupted = len(world.faults)
        outcome.reordered = sum(view.reordered for view in world.sinks.values())
        outcome.problems += world.faults[:10]
        outcome.problems += [f"event {number} was acknowledged and is lost to {sink}" for sink, number in lost[:10]]
        for name, view in world.sinks.items():
            bound = world.resent + view.unanswered + view.bound
            outcome.duplicates += view.duplicates
            outcome.duplicates_bound += bound
            if view.duplicates > bound:
                outcome.problems.append(f"{name} got {view.duplicates} duplicates, where at most {bound} were to be expected")
        self._count_layer()
        if outcome.problems:
            outcome.folder = str(self._place.folder)
        else:
            shutil.rmtree(self._place.folder, ignore_errors=True)

    def _count_layer(self) -> None:
        names = {"full": "disk full", "write_eio": "EIO on write", "sync_eio": "EIO on sync", "shortened": "short write"}
        for name, shown in names.items():
            self._outcome.faults[shown] += self._control.get(name)
        for vendor in self._vendors:
            for stumble, count in vendor.stumbles.items():
                self._outcome.faults[f"vendor: {stumble}"] += count
            self._outcome.faults["vendor: batch refused"] += vendor.refused

    def _read_archive(self, path: Path) -> None:
        view = self._world.sinks["archive"]
        for line in path.read_bytes().splitlines():
            try:
                documents = events.documents(b"[" + line + b"]", view.form)
            except ValueError:
                self._outcome.torn_lines += 1
                continue
            self._world.arrive(view, documents)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
