"""W1: a file of events to a file of another vendor's."""

from __future__ import annotations

from pathlib import Path

from bench import payloads, tools
from bench.measure import Bench, Contender, Figures, Goal, Metric, Row
from bench.tools import Command

CONFIG = """
[sources.in]
type = "file"
path = "{events}"
adapter = "clickstream"

[sinks.out]
type = "file"
inputs = ["in"]
path = "{out}"
adapter = "google-retail"
"""


def _timed(bench: Bench, command: Command, out: Path) -> Figures:
    secs, cpu_secs = tools.secs_of(command, bench)
    tools.expect_lines(out, bench.size.file_events)
    return {"rate": bench.size.file_events / secs, "cpu_us": 1e6 * cpu_secs / bench.size.file_events}


def _ours(bench: Bench) -> Figures:
    folder = tools.fresh(bench)
    out = folder / "out.jsonl"
    return _timed(bench, tools.ours(folder, CONFIG.format(events=bench.events, out=out)), out)


def _limit(bench: Bench) -> Figures:
    out = tools.fresh(bench) / "out.jsonl"
    return _timed(bench, tools.module("limits.file", bench.events, out), out)


def _bare(bench: Bench) -> Figures:
    events = payloads.canonical(bench.events)
    out = tools.fresh(bench) / "out.jsonl"
    return _timed(bench, tools.module("limits.bare", events, out), out)


def _node(bench: Bench) -> Figures:
    out = tools.fresh(bench) / "out.jsonl"
    return _timed(bench, tools.peer(bench, "file.mjs", bench.events, out), out)


def _bytewax(bench: Bench) -> Figures:
    out = tools.fresh(bench) / "out.jsonl"
    return _timed(bench, tools.peer(bench, "bytewax_file", bench.events, out), out)


W1 = Row(
    "W1",
    "A file of Clickstream events to a file of Google Retail's",
    "From the start of the process to its end, the last sync included. All write the same documents, but for *the canonical "
    "event alone*: it reads and writes canonical events, without any mapping, which is what a program pays at least that has "
    "the canonical event in its middle.",
    [Metric("rate", "events/s", "events a second"), Metric("cpu_us", "µs", "CPU an event")],
    [
        Contender("wye run", _ours),
        Contender("limit", _limit),
        Contender("the canonical event alone", _bare),
        Contender("node", _node, "node"),
        Contender("bytewax", _bytewax, "python"),
    ],
    [
        Goal("of the limit program", "wye run", "rate", 0.75, "limit"),
        Goal("× a node program", "wye run", "rate", 1.3, "node"),
    ],
)
