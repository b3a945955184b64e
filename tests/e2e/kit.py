"""Drives the real ``wye run`` in a folder of its own, with real sockets."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import trio

from wye.deadletters import NAME, table
from wye.deadletters.table import Selection
from wye.errors import Exit

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "tests" / "samples"

PATIENCE_SECS = 20
"""How long anything may take before a test gives up on it."""

EDGE = """
[sources.edge]
type = "http"
address = "127.0.0.1:{edge}"
adapters = [{{ type = "clickstream", app_ids = ["shop"] }}]
"""
"""A source in TOML, to be formatted with its port."""

SPOOLED_PARTNER = """
[sinks.partner]
type = "http"
inputs = ["edge"]
url = "http://127.0.0.1:{partner}/"
adapter = {{ type = "clickstream", app_id = "shop" }}
batch = {{ linger_secs = 0.01 }}
retry = {{ first_secs = 0.05, max_secs = 0.2 }}
buffer = {{ type = "disk" }}
"""
"""A sink behind it that is sent what waits on disk, to be formatted with the partner's port."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def samples(vendor: str) -> list[Any]:
    """The vendor's sample events, arrays taken apart."""
    events: list[Any] = []
    for file in sorted((SAMPLES / vendor).glob("*.json")):
        document: Any = json.loads(file.read_bytes())
        events += document if isinstance(document, list) else [document]
    return [event for event in events if "eventType" in event or "event_type" in event]


def lines_of(path: Path) -> list[Any]:
    """The JSON documents of a file, one a line; none when there is no file yet."""
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


class Wye:
    """A running ``wye``, and what is left of it when it has ended."""

    def __init__(self, folder: Path, process: trio.Process) -> None:
        self.folder = folder
        self.process = process
        self.printed = ""

    async def listening(self, *ports: int) -> None:
        """Until something answers on all of ``ports``."""
        for port in ports:
            while True:
                with suppress(OSError):
                    await (await trio.open_tcp_stream("127.0.0.1", port)).aclose()
                    break
                assert self.process.returncode is None, f"wye ended with {self.process.returncode}: {self.printed}"
                await trio.sleep(0.02)

    async def ended(self) -> int:
        """Its exit code, once it has ended. If it left a ledger, that adds up."""
        with trio.fail_after(PATIENCE_SECS):
            code = await self.process.wait()
        if code != Exit.NOT_STARTED and (self.folder / "ledger.json").exists():
            assert_balanced(self.ledger)
        return code

    async def stop(self) -> int:
        """Ask it to stop; its exit code."""
        self.process.terminate()
        return await self.ended()

    @property
    def ledger(self) -> Any:
        """The ledger that it wrote at its end."""
        return json.loads((self.folder / "ledger.json").read_bytes())

    def sink(self, name: str) -> dict[str, int]:
        """One sink's account."""
        return next(sink for sink in self.ledger["sinks"] if sink["name"] == name)

    @property
    def dead_letters(self) -> list[Any]:
        """What lies in the dead letters, as the command line exports it."""
        return letters_in(self.folder / "wye-data")


def letters_in(data_dir: Path, name: str = NAME) -> list[Any]:
    """The dead letters of a daemon that keeps its data there; it may be running."""
    with closing(sqlite3.connect(data_dir / name)) as connection:
        return [json.loads(msgspec.json.encode(entry)) for entry in table.entries(connection, Selection())]


def wye_command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a command that is not ``run`` said in ``folder``, and its exit code."""
    command = [sys.executable, "-m", "wye", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def assert_balanced(ledger: Any) -> None:
    """received = delivered + filtered + dead-lettered + dropped + in flight, for every sink: the one check of all tests."""
    for sink in ledger["sinks"]:
        parts = ("delivered", "filtered", "dead_lettered", "dropped", "in_flight")
        assert sink["received"] == sum(sink[part] for part in parts), sink


@asynccontextmanager
async def running(folder: Path, config: str | Path, *arguments: str, **environment: str) -> AsyncGenerator[Wye]:
    """``wye run`` with a config (TOML text, or a file), in ``folder``. What still runs at the end of the block is killed."""
    if isinstance(config, str):
        (folder / "wye.toml").write_text(config)
        config = folder / "wye.toml"
    command = [sys.executable, "-m", "wye", "run", str(config), "--ledger", "ledger.json", *arguments]
    process = await trio.lowlevel.open_process(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    wye = Wye(folder, process)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_collect, wye)
        try:
            yield wye
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()


async def _collect(wye: Wye) -> None:
    assert wye.process.stdout is not None
    async for chunk in wye.process.stdout:
        wye.printed += chunk.decode()


async def until(condition: Any) -> None:
    """Until ``condition()`` holds."""
    with trio.fail_after(PATIENCE_SECS):
        while not condition():
            await trio.sleep(0.02)


async def post(port: int, events: Any, app: str = "shop", **options: Any) -> httpx.Response:
    """Clickstream events to ``/collect``; ``events`` may be bytes."""
    content = events if isinstance(events, bytes) else json.dumps(events).encode()
    async with httpx.AsyncClient(timeout=PATIENCE_SECS, trust_env=False) as client:
        return await client.post(f"http://127.0.0.1:{port}/collect?appId={app}", content=content, **options)


def clickstream_event(number: int, kind: str = "purchase") -> dict[str, Any]:
    """A small event of a shop, its id made from ``number``."""
    return {
        "event_type": kind,
        "event_id": f"{kind}-{number}",
        "timestamp": 1_700_000_000_000 + number,
        "app_id": "shop",
        "unique_id": "visitor-1",
        "items": [{"id": "A1", "price": 10.99, "quantity": 1}],
    }
