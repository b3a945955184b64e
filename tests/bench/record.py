"""What was measured, kept as JSON beside the page that is made of it, so that a row can be measured again by itself."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.measure import Result

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "docs" / "benchmarks.json"


class Record(Struct):
    """The last result of each row, and the machine of the last run."""

    machine: list[str] = []
    versions: list[str] = []
    left_out: dict[str, str] = {}
    results: dict[str, Result] = {}


def load(path: Path) -> Record:
    """What was kept, or a new record."""
    return msgspec.json.decode(path.read_bytes(), type=Record) if path.exists() else Record()


def save(record: Record, path: Path) -> None:
    """Figures with four digits: the rest is noise."""
    for result in record.results.values():
        for rounds in result.figures.values():
            for figures in rounds:
                for name, value in (figures or {}).items():
                    figures[name] = float(f"{value:.4g}")  # type: ignore[index]  an empty one has no names
    path.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")


def machine(folder: Path) -> list[str]:
    """What this machine is, as far as it says."""
    model = next(
        (line.partition(":")[2].strip() for line in _text("/proc/cpuinfo").splitlines() if line.startswith("model name")),
        platform.machine(),
    )
    memory = next((line.split()[1] for line in _text("/proc/meminfo").splitlines() if line.startswith("MemTotal")), "0")
    return [
        f"{os.cpu_count()} cores, {model}",
        f"{int(memory) // 1_048_576} GB of memory",
        f"{platform.system()} {platform.release()}",
        f"files on {_filesystem(folder)}",
        f"CPython {platform.python_version()}",
    ]


def _filesystem(folder: Path) -> str:
    """The kind of the file system that holds ``folder``: a sync in memory would cost nothing."""
    mounts = [line.split() for line in _text("/proc/mounts").splitlines()]
    holding = [mount for mount in mounts if len(mount) > 2 and folder.resolve().is_relative_to(mount[1])]
    return max(holding, key=lambda mount: len(mount[1]))[2] if holding else "an unknown file system"


def commit() -> str:
    """The commit that was measured."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())


def busy() -> str:
    """How many wanted to run at a time, on average over the last minutes."""
    return f"{os.getloadavg()[1]:.1f}"


def _text(path: str) -> str:
    file = Path(path)
    return file.read_text() if file.exists() else ""
