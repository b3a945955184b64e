"""The run: the highest rate for a short while, then a part of it for as long as is asked, then the reckoning."""

from __future__ import annotations

import shutil
import signal
import tempfile
from pathlib import Path

import trio
from msgspec import Struct, field

from bench.tools import free_port
from faults import events
from faults.vendor import Vendor
from faults.world import SinkView, World
from soak.load import Crowd
from soak.plan import WEATHERS, Setup
from soak.process import CONFIG, Observed, Sample
from soak.subscribers import Audience

_STOP_SECS = 60.0
_LINES = 262_144
"""Bytes of a file that are looked at in one go, so that senders and subscribers are not held up."""


class Seen(Struct):
    """What a run has shown. Rates are in events a second; ``highest`` and ``quiet`` are taken before the load begins."""

    highest: float = 0.0
    rate: float = 0.0
    achieved: float = 0.0
    secs: float = 0.0
    samples: list[Sample] = field(default_factory=list[Sample])
    quiet: list[Sample] = field(default_factory=list[Sample])
    """Before the load, and after it."""
    open_ends: list[int] = field(default_factory=list[int])
    """Connections that the harness had open at the same moments."""
    kinds: list[list[str]] = field(default_factory=list[list[str]])
    exit_code: int | None = None
    torn_lines: int = 0


class Soak:
    """``folder``: where everything happens; it is kept when there is a problem."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.folder = Path(tempfile.mkdtemp(prefix="soak-")).resolve()
        self.world = World(
            [SinkView("archive", "clickstream"), SinkView("vendor", "clickstream"), SinkView("live", "canonical")]
        )
        self.vendor = Vendor(self.world, self.world.sinks["vendor"], setup.seed, judges=False)
        self.vendor.hang_secs = 1.2 * setup.timeout_secs
        edge, live = free_port(), free_port()
        self._ports = {"edge": edge, "live": live}
        self.crowd = Crowd(self.world, setup, edge)
        self.audience = Audience(self.world, self.world.sinks["live"], live)
        self.seen = Seen()
        self.process: Observed

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(self.vendor.serve)
            values = {**self._ports, "vendor": self.vendor.port, "ping": self.setup.ping_secs}
            values |= {"timeout": self.setup.timeout_secs, "file_bytes": self.setup.file_bytes}
            self.process = Observed(self.folder, CONFIG.format(**values))
            try:
                await self._live(nursery)
            finally:
                self.process.send(signal.SIGKILL)
            nursery.cancel_scope.cancel()
        await self._read_rotated()
        await self._read(self.folder / "out" / "archive.jsonl")

    def forget(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _live(self, nursery: trio.Nursery) -> None:
        seen, setup = self.seen, self.setup
        if not await self.process.listening(self._ports["live"]):
            raise ChildProcessError(f"wye did not start; see {self.process.log}")
        await nursery.start(self.audience.reader)
        nursery.start_soon(self._collect)
        rates = await self._highest()
        await self._quiet()
        began, before = trio.current_time(), self.crowd.seen.acknowledged
        async with trio.open_nursery() as trouble:
            trouble.start_soon(self._weather)
            trouble.start_soon(self._watch, began)
            trouble.start_soon(self.audience.staller, setup.cycle_secs)
            trouble.start_soon(self.audience.visitor, setup.visit_secs)
            trouble.start_soon(self.crowd.come_and_go, setup.leave_secs)
            await self.crowd.keep_up(rates, setup.secs)
            trouble.cancel_scope.cancel()
        seen.secs = trio.current_time() - began
        seen.achieved = (self.crowd.seen.acknowledged - before) / seen.secs
        self.vendor.weather = "calm"
        await self._quiet()
        self.process.send(signal.SIGTERM)
        seen.exit_code = await self.process.ended(_STOP_SECS)

    async def _highest(self) -> dict[int, float]:
        """Requests of each kind a second to be kept up: a part of what it takes, to the last delivery, when pressed."""
        crowd = self.crowd.seen
        began = trio.current_time()
        await self.crowd.press(self.setup.highest_secs)
        ended = await self._last_arrival()
        share = self.setup.fraction / (ended - began)
        self.seen.highest = crowd.acknowledged / (ended - began)
        self.seen.rate = crowd.acknowledged * share
        crowd.latencies.clear()
        crowd.after_sent.clear()
        return {kind: count * share for kind, count in crowd.requests.items()}

    def _waiting(self) -> int:
        """Events that subscribers have seen and the vendor has not taken, but for those that it refuses."""
        view = self.world.sinks["vendor"]
        refused = len(self.world.kinds) // events.POISON_EVERY
        return self.world.sinks["live"].total - (view.total - view.duplicates) - refused

    async def _last_arrival(self) -> float:
        """When the last event came to the vendor, once nothing has come anywhere for a while."""
        total, since = -1, trio.current_time()
        while trio.current_time() < since + self.setup.quiet_secs:
            now = sum(view.total for view in self.world.sinks.values())
            if now != total:
                total, since = now, trio.current_time()
            await trio.sleep(0.05)
        return since

    async def _quiet(self) -> None:
        """Look at the process while nothing happens."""
        await self._last_arrival()
        self.seen.quiet.append(self.process.sample(0.0, self._waiting()))
        self.seen.open_ends.append(self.vendor.connections + self.audience.open)
        self.seen.kinds.append(self.process.kinds())

    async def _weather(self) -> None:
        while True:
            for name, share in WEATHERS:
                self.vendor.weather = name
                await trio.sleep(share * self.setup.cycle_secs)

    async def _watch(self, began: float) -> None:
        while True:
            self.seen.samples.append(self.process.sample(trio.current_time() - began, self._waiting()))
            await trio.sleep(self.setup.sample_secs)

    # ── who ships the files ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _collect(self) -> None:
        while True:
            await self._read_rotated()
            await trio.sleep(min(1.0, self.setup.sample_secs))

    async def _read_rotated(self) -> None:
        for path in sorted((self.folder / "out").glob("archive.2*.jsonl")):
            await self._read(path)
            path.unlink()

    async def _read(self, path: Path) -> None:
        view = self.world.sinks["archive"]
        with path.open("rb") as file:
            while lines := file.readlines(_LINES):
                try:
                    self.world.arrive(view, events.documents(b"[" + b",".join(lines) + b"]", view.form))
                except ValueError:
                    self.seen.torn_lines += 1
                await trio.sleep(0)
