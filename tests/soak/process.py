"""``wye run`` under observation: its config, and what the system knows about it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

from msgspec import Struct

from faults.process import PATHS, Process

CONFIG = """
grace_secs = 30

[sources.edge]
type = "http"
address = "127.0.0.1:{edge}"
adapters = ["clickstream", "moloco"]
dedupe = {{ window_secs = 60 }}

[sinks.archive]
type = "file"
inputs = ["edge"]
path = "out/archive.jsonl"
adapter = "clickstream"
max_file_bytes = {file_bytes}

[sinks.vendor]
type = "http"
inputs = ["edge"]
url = "http://127.0.0.1:{vendor}/collect"
adapter = "clickstream"
timeout_secs = {timeout}
buffer = {{ type = "disk" }}
batch = {{ max_events = 200 }}
retry = {{ first_secs = 0.05, max_secs = 0.5 }}

[sinks.live]
type = "websocket"
inputs = ["edge"]
address = "127.0.0.1:{live}"
ping_interval_secs = {ping}
ping_timeout_secs = {ping}
subscriber = {{ max_events = 20000 }}
"""

_MIB = 1_048_576
_PAGE = resource.getpagesize()
_TICKS = os.sysconf("SC_CLK_TCK")


class Sample(Struct, frozen=True):
    """What the process had at a moment, ``at`` in seconds since the load began. Memory is in MB, ``cpu`` in seconds since the
    start of the process, ``waiting`` in events that were acknowledged and had not come to the vendor, ``spool`` in bytes."""

    at: float
    rss: float
    pss: float
    descriptors: int
    threads: int
    cpu: float
    waiting: int
    spool: int


class Observed(Process):
    """The process, in a ``folder`` that is its own."""

    def __init__(self, folder: Path, config: str) -> None:
        self.folder = folder
        self.log = folder / "wye.log"
        self.ledger = folder / "ledger.json"
        (folder / "wye.toml").write_text(config)
        command = [sys.executable, "-m", "wye", "run", "wye.toml", "--ledger", str(self.ledger)]
        environment = {**os.environ, "PYTHONPATH": PATHS}
        with self.log.open("wb") as log:
            started = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        super().__init__(started)
        self._system = Path(f"/proc/{started.pid}")

    def sample(self, at: float, waiting: int) -> Sample:
        fields = (self._system / "stat").read_text().rpartition(")")[2].split()
        return Sample(
            round(at, 1),
            round(int((self._system / "statm").read_text().split()[1]) * _PAGE / _MIB, 2),
            round(self._pss(), 2),
            self.descriptors(),
            int(fields[17]),
            (int(fields[11]) + int(fields[12])) / _TICKS,
            waiting,
            sum(path.stat().st_size for path in (self.folder / "wye-data" / "spool").glob("*")),
        )

    def descriptors(self) -> int:
        return len(list((self._system / "fd").iterdir()))

    def kinds(self) -> list[str]:
        """What each descriptor is, for a look when there are more than there were."""
        return sorted(str(path.readlink()) for path in (self._system / "fd").iterdir())

    def _pss(self) -> float:
        for line in (self._system / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        raise ValueError("no Pss")
