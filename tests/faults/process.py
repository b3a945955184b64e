"""The process under test: started, watched, stopped, killed; its config and what it leaves behind."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import trio

from faults.points import POINTS, CallPoint
from faults.shim import Control
from faults.world import World
from wye.workers.files import LOCK

ROOT = Path(__file__).resolve().parents[2]
PATHS = os.pathsep.join(str(ROOT / one) for one in ("tests", "router", "plugins"))

CONFIG = """
grace_secs = 15

[sources.edge]
type = "http"
address = "127.0.0.1:{edge}"
adapters = ["clickstream", "moloco"]
overload_wait_secs = 2
{dedupe}

[sources.pages]
type = "http"
address = "127.0.0.1:{pages}"
adapters = ["reelevant"]
overload_wait_secs = 2

[sinks.archive]
type = "file"
inputs = ["edge", "pages"]
path = "out/archive-{{worker}}.jsonl"
adapter = "clickstream"
max_file_bytes = 600000
batch = {{ max_events = 400, linger_secs = 0 }}
retry = {{ first_secs = 0.02, max_secs = 0.2 }}

[sinks.vendor]
type = "http"
inputs = ["edge", "pages"]
url = "http://127.0.0.1:{vendor}/collect"
adapter = "clickstream"
concurrency = 2
timeout_secs = 1.5
buffer = {{ type = "disk" }}
batch = {{ max_events = 200, linger_secs = 0 }}
retry = {{ first_secs = 0.02, max_secs = 0.3 }}

[sinks.partner]
type = "http"
inputs = ["edge", "pages"]
url = "http://127.0.0.1:{partner}/in"
adapter = "judged"
concurrency = 2
ordering = "key"
key = "visitor_id"
buffer = {{ type = "disk", max_bytes = 4194304 }}
timeout_secs = 1.5
batch = {{ max_events = 200, linger_secs = 0 }}
retry = {{ first_secs = 0.02, max_secs = 0.3 }}
"""
BATCHES = {"archive": 400, "vendor": 400, "partner": 400}
"""Events of each sink that can be on their way to it at a time: requests under way, times events in each."""


class Place:
    """A round's folder: ``disk`` is all that the process may write, and the only part that a power cut touches."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.disk = folder / "disk"
        self.disk.mkdir(parents=True)
        self.journal = folder / "journal"
        self.log = folder / "wye.log"
        self.log.touch()
        self.ledger = folder / "ledger.json"
        self.collected = folder / "collected"
        self.collected.mkdir()

    def worker_pids(self, since: int) -> list[int]:
        """The latest process of each worker, by what the log has had ``since`` so many bytes."""
        said = re.findall(rb"worker (\d+): pid (\d+)\n", self.log.read_bytes()[since:])
        return list({int(number): int(pid) for number, pid in said}.values())

    async def all_listen(self, since: int, workers: int, secs: float = 60.0) -> None:
        """Until every worker takes events in. Raises ``trio.TooSlowError``."""
        with trio.fail_after(secs):
            while self.log.read_bytes()[since:].count(b"source pages: listening on") < workers:
                await trio.sleep(0.02)

    def worker_deaths(self, since: int) -> int:
        """How many times a worker was killed ``since``."""
        return len(re.findall(rb"worker \d+ was killed by SIGKILL", self.log.read_bytes()[since:]))

    async def deserted(self, secs: float = 20.0) -> None:
        """Until no worker is left of a parent that was killed. Raises ``trio.TooSlowError``."""
        lock = self.disk / "wye-data" / LOCK
        with trio.fail_after(secs):
            while lock.exists() and not _free(lock):
                await trio.sleep(0.01)

    def archives(self) -> list[Path]:
        return sorted((self.disk / "out").glob("*.jsonl")) + sorted(self.collected.glob("*.jsonl"))

    def read_dead_letters(self, world: World) -> None:
        """Into ``world``, all of them."""
        from faults.letters import read

        world.unbury()
        read(self.disk / "wye-data", world)


def _free(lock: Path) -> bool:
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class Process:
    """One life."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def exit_code(self) -> int | None:
        """``None`` while it lives; negative: the signal."""
        return self._process.poll()

    def send(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)

    async def ended(self, secs: float) -> int | None:
        """Its exit code, or ``None`` when it still lives after ``secs``."""
        until = trio.current_time() + secs
        while (code := self._process.poll()) is None and trio.current_time() < until:
            await trio.sleep(0.02)
        return code

    async def listening(self, port: int, secs: float = 20.0) -> bool:
        """Whether it has come to answer on ``port``, before it ended."""
        until = trio.current_time() + secs
        while self._process.poll() is None and trio.current_time() < until:
            try:
                await (await trio.open_tcp_stream("127.0.0.1", port)).aclose()
            except OSError:
                await trio.sleep(0.02)
            else:
                return True
        return False


def start(place: Place, library: Path | None, control: Control, environment: dict[str, str], workers: int = 1) -> Process:
    """``environment``: what ``faults.child`` looks at."""
    whole = {**os.environ, "PYTHONPATH": PATHS, **environment}
    if library is not None:
        whole |= {"LD_PRELOAD": str(library), "FAULTS_ROOT": str(place.disk), "FAULTS_JOURNAL": str(place.journal)}
        whole["FAULTS_CONTROL"] = str(control.path)
    command = [sys.executable, "-m", "faults.child", "run", str(place.folder / "wye.toml"), "--ledger", str(place.ledger)]
    command += ["--workers", str(workers)]
    with place.log.open("ab") as log:
        process = subprocess.Popen(command, cwd=place.disk, env=whole, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    return Process(process)


def killing(point: str | None, nth: int, control: Control) -> dict[str, str]:
    """What makes the process kill itself at ``point``: an order to the file layer, or this environment."""
    if point is None:
        return {}
    found = POINTS[point]
    if isinstance(found, CallPoint):
        control.change(kill_mask=found.classes, kill_in=nth)
        return {}
    return {"FAULTS_POINT": point, "FAULTS_NTH": str(nth)}


def unbalanced(ledger: Path) -> list[str]:
    """What is wrong with a printed ledger."""
    document: Any = json.loads(ledger.read_bytes())
    parts = ("delivered", "filtered", "dead_lettered", "dropped", "in_flight")
    wrong = [one for one in document["sinks"] if one["received"] != sum(one[part] for part in parts) or one["in_flight"]]
    return [f"the ledger of {one['name']} does not add up, or not everything came to its end: {one}" for one in wrong]
