"""What the last run has shown: ``docs/soak.json``."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct, field

from faults.process import ROOT

PATH = ROOT / "docs" / "soak.json"


class Row(Struct, forbid_unknown_fields=True):
    """A few minutes, up to ``minute``: medians of memory (MB), the most descriptors, threads and waiting events, the largest
    spool (MB), and the share of a core that was used."""

    minute: float
    rss: float
    pss: float
    descriptors: int
    threads: int
    cores: float
    waiting: int
    spool: float


class Account(Struct):
    """A sink's line of the ledger."""

    name: str
    received: int
    delivered: int
    filtered: int
    dead_lettered: int
    dropped: int
    in_flight: int


class Memory(Struct, forbid_unknown_fields=True):
    """RSS in MB: the medians of the second and of the last sixth of the time, and the slope of the line that fits best from the
    second sixth on, in MB an hour."""

    second_sixth: float
    last_sixth: float
    slope: float

    @property
    def change(self) -> float:
        """In per cent."""
        return 100 * (self.last_sixth / self.second_sixth - 1)


class Run(Struct, forbid_unknown_fields=True):
    """One run. Rates are in events a second; ``highest`` is what was measured before, ``rate`` what was to be kept up. The time
    to an answer counts from when its request was due in ``answer_ms``, from when it was sent in ``sent_ms``."""

    date: str
    commit: str
    machine: list[str]
    load_average: str
    minutes: float
    highest: float
    rate: float
    achieved: float
    acknowledged: int
    requests: int
    answer_ms: dict[str, float]
    sent_ms: dict[str, float]
    resent: int
    reconnects: int
    left_early: dict[str, int]
    vendor_requests: int
    faults: dict[str, int]
    arrived: dict[str, int]
    duplicates: dict[str, int]
    letters: dict[str, int]
    visits: dict[str, int]
    memory: Memory
    descriptors: list[int]
    threads: list[int]
    rows: list[Row]
    ledger: list[Account]
    problems: Sequence[str] = field(default_factory=list[str])


def load() -> Run | None:
    return msgspec.json.decode(PATH.read_bytes(), type=Run) if PATH.exists() else None


def save(run: Run) -> None:
    PATH.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n")
