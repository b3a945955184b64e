"""``docs/soak.md``, made from the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from faults.process import ROOT
from soak import record
from soak.record import Run

PATH = ROOT / "docs" / "soak.md"
PROSE = Path(__file__).with_name("page.md")
"""What the figures are put into."""


def write() -> None:
    run = record.load()
    assert run is not None
    PATH.write_text(render(run))


def render(run: Run) -> str:
    """The page."""
    text = PROSE.read_text()
    for name, made in (("verdict", _verdict), ("figures", _figures), ("time", _time), ("faults", _faults), ("ledger", _ledger)):
        text = text.replace(f"<!-- {name} -->\n", made(run))
    return text


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(map(_shown, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _times(times: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {ms:,.1f}" for name, ms in times.items())


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _verdict(run: Run) -> str:
    memory = run.memory
    rows = [
        ("memory (RSS), median of the second sixth", f"{memory.second_sixth:.1f} MB"),
        ("memory, median of the last sixth", f"{memory.last_sixth:.1f} MB, **{memory.change:+.1f} %**"),
        ("slope from the second sixth on", f"{memory.slope:+.1f} MB an hour"),
        ("descriptors without load, before and after", "**{} and {}**".format(*run.descriptors)),
        ("threads without load, before and after", "{} and {}".format(*run.threads)),
        ("sentences about what was not as it has to be", f"**{len(run.problems)}**"),
    ]
    return _table(("", ""), rows)


def _figures(run: Run) -> str:
    rows = [
        ("minutes", f"{run.minutes:g}"),
        ("highest rate, measured before", f"{run.highest:,.0f} events/s"),
        ("rate that was to be kept up", f"{run.rate:,.0f} events/s"),
        ("rate that was kept up", f"{run.achieved:,.0f} events/s"),
        ("events acknowledged", run.acknowledged),
        ("requests", run.requests),
        ("from when a request was due to its answer, ms", _times(run.answer_ms)),
        ("from when it was sent to its answer, ms", _times(run.sent_ms)),
        ("events sent again", run.resent),
        ("senders that took a new connection", run.reconnects),
        ("clients that left early", _counts(run.left_early)),
        ("requests to the vendor", run.vendor_requests),
        ("events that arrived", _counts(run.arrived)),
        ("of these more than once", _counts(run.duplicates)),
        ("dead letters", _counts(run.letters)),
        ("subscribers that came and went, or stalled", _counts(run.visits)),
    ]
    return _table(("", ""), rows)


def _time(run: Run) -> str:
    head = ("to minute", "RSS, MB", "PSS, MB", "descriptors", "threads", "cores used", "events waiting", "spool, MB")
    rows = [
        (f"{one.minute:g}", one.rss, one.pss, one.descriptors, one.threads, one.cores, one.waiting, one.spool)
        for one in run.rows
    ]
    return _table(head, rows)


def _faults(run: Run) -> str:
    return _table(("what the vendor did", "times"), list(run.faults.items()))


def _ledger(run: Run) -> str:
    head = ("sink", "received", "delivered", "filtered", "dead-lettered", "dropped", "in flight")
    rows = [
        (one.name, one.received, one.delivered, one.filtered, one.dead_lettered, one.dropped, one.in_flight)
        for one in run.ledger
    ]
    where = f"{run.date}, commit `{run.commit}`; {'; '.join(run.machine)}; load average {run.load_average} at the end."
    return f"{_table(head, rows)}\nRun on {where}\n"
