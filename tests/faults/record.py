"""What has been run, added up: ``docs/faults.json``, a row a run. Only runs without a problem are in it; what others have shown
is told on the page."""

from __future__ import annotations

import platform
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct, field

from faults.process import ROOT
from faults.round import Outcome

PATH = ROOT / "docs" / "faults.json"


class Row(Struct, forbid_unknown_fields=True):
    """One run. ``kills`` are by point, ``faults`` by kind, ``points`` the named points that were tried one by one."""

    seed: int
    date: str
    machine: str
    versions: str
    commit: str
    file_system: str
    rounds: int
    minutes: float
    acknowledged: int
    dead_lettered: int
    kills: dict[str, int]
    faults: dict[str, int]
    lost: int
    corrupted: int
    reordered: int
    duplicates: int
    duplicates_bound: int
    torn_lines: int
    workers: int = 1


class Caught(Struct, forbid_unknown_fields=True):
    """A broken build that was found out, in which round, and by what."""

    mutation: str
    seed: int
    round: int
    date: str
    commit: str
    found: str


class Record(Struct, forbid_unknown_fields=True):
    runs: list[Row] = field(default_factory=list[Row])
    caught: list[Caught] = field(default_factory=list[Caught])

    def total(self, name: str) -> int:
        """The sum over all runs."""
        return sum(getattr(row, name) for row in self.runs)

    def counted(self, name: str) -> Counter[str]:
        """The sums of ``kills`` or ``faults``."""
        found: Counter[str] = Counter()
        for row in self.runs:
            found.update(getattr(row, name))
        return found


def load() -> Record:
    return msgspec.json.decode(PATH.read_bytes(), type=Record) if PATH.exists() else Record()


def save(record: Record) -> None:
    PATH.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")


def row(seed: int, outcomes: Sequence[Outcome], folder: Path, workers: int) -> Row:
    """The row for these rounds, which were run in ``folder``."""
    kills: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    for outcome in outcomes:
        kills.update(outcome.kills)
        faults.update(outcome.faults)
    names = ("acknowledged", "dead_lettered", "lost", "corrupted", "reordered", "duplicates", "duplicates_bound", "torn_lines")
    return Row(
        seed=seed,
        date=today(),
        machine=f"{platform.system()} {platform.release()} {platform.machine()}",
        versions=f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        commit=commit(),
        file_system=_file_system(folder),
        rounds=len(outcomes),
        minutes=round(sum(outcome.secs for outcome in outcomes) / 60, 1),
        kills={name: count for name, count in sorted(kills.items()) if count},
        faults={name: count for name, count in sorted(faults.items()) if count},
        workers=workers,
        **{name: sum(getattr(outcome, name) for outcome in outcomes) for name in names},
    )


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def commit() -> str:
    """The commit, with a ``+`` where router or plugins are not as committed; ``?`` where there is none."""
    try:
        name = _git("rev-parse", "--short=12", "HEAD")
        return name + ("+" if _git("status", "--porcelain", "router", "plugins") else "")
    except (OSError, subprocess.CalledProcessError):
        return "?"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def _file_system(folder: Path) -> str:
    """What kind of file system ``folder`` is on."""
    best, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text().splitlines() if Path("/proc/mounts").exists() else []:
        _, place, found, *_ = line.split(" ")
        if folder.is_relative_to(place) and len(place) >= len(best):
            best, kind = place, found
    return kind
