"""``docs/faults.md``, made from the record."""

from __future__ import annotations

from pathlib import Path

from faults import record
from faults.process import ROOT
from faults.record import Record

PATH = ROOT / "docs" / "faults.md"
PROSE = Path(__file__).with_name("page.md")
"""What the figures are put into."""

FOUND = Path(__file__).with_name("found.md")
"""What runs have shown that was wrong; kept by hand."""


def write() -> None:
    PATH.write_text(render(record.load()))


def render(kept: Record) -> str:
    """The page."""
    text = PROSE.read_text().replace("<!-- found -->\n", FOUND.read_text())
    for name, made in (("figures", _figures), ("kills", _kills), ("faults", _faults), ("caught", _caught), ("runs", _runs)):
        text = text.replace(f"<!-- {name} -->\n", made(kept))
    return text


def _table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(map(_shown, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _figures(kept: Record) -> str:
    total = kept.total
    rows: list[tuple[object, ...]] = [
        ("events acknowledged", total("acknowledged")),
        ("SIGKILLs", sum(kept.counted("kills").values())),
        ("power cuts", kept.counted("faults")["power cut"]),
        ("acknowledged events lost", total("lost")),
        ("events changed, or that nobody sent", total("corrupted")),
        ("events out of order within a key, where order is promised", total("reordered")),
        ("in the dead letters, by sink", total("dead_lettered")),
        ("duplicates", total("duplicates")),
        ("duplicates there could have been (the bound)", total("duplicates_bound")),
        ("rounds", total("rounds")),
        ("minutes", round(sum(row.minutes for row in kept.runs))),
    ]
    return _table(("", ""), rows)


def _kills(kept: Record) -> str:
    return _table(("killed", "times"), [*sorted(kept.counted("kills").items())])


def _faults(kept: Record) -> str:
    return _table(("fault", "times"), [*sorted(kept.counted("faults").items())])


def _caught(kept: Record) -> str:
    rows: list[tuple[object, ...]] = [(one.mutation, one.round, str(one.seed), one.date, one.found) for one in kept.caught]
    return _table(("broken build", "caught in round", "seed", "date", "by"), rows)


def _runs(kept: Record) -> str:
    rows: list[tuple[object, ...]] = [
        (
            row.date,
            str(row.seed),
            f"`{row.commit}`",
            row.workers,
            row.rounds,
            row.acknowledged,
            sum(row.kills.values()),
            row.lost,
        )
        for row in kept.runs
    ]
    table = _table(("date", "first seed", "commit", "workers", "rounds", "acknowledged", "kills", "lost"), rows)
    machines = sorted({f"{row.machine}, {row.versions}, {row.file_system}" for row in kept.runs})
    return table + "\nMachines: " + "; ".join(machines) + ".\n"
