"""W1: a file of events to a file of another vendor's."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bench import tools
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


def _step(name: str, bench: Bench) -> Figures:
    out = tools.fresh(bench) / "out.jsonl"
    return _timed(bench, tools.module("limits.steps", name, bench.events, out), out)


def _node(bench: Bench) -> Figures:
    out = tools.fresh(bench) / "out.jsonl"
    return _timed(bench, tools.peer(bench, "file.mjs", bench.events, out), out)


def _bytewax(bench: Bench) -> Figures:
    out = tools.fresh(bench) / "out.jsonl"
    return _timed(bench, tools.peer(bench, "bytewax_file", bench.events, out), out)


STEPS = (
    Contender("limit", _limit),
    Contender("+ nothing skipped", partial(_step, "whole")),
    Contender("+ a canonical event", partial(_step, "canonical")),
    Contender("+ values are asked", partial(_step, "asked")),
    Contender("wye's decoder and encoder", partial(_step, "adapters")),
    Contender("wye run", _ours),
)
"""From the limit to wye: each does what the one before does, and one thing more that wye promises."""

W1 = Row(
    "W1",
    "A file of Clickstream events to a file of Google Retail's",
    "From the start of the process to its end, the last sync included. All write the same documents. Between the limit and `wye"
    " run` stand programs of ours that do a part of what wye does (`tests/bench/limits/steps.py`);"
    " [what each part costs](#goals-that-are-not-met).",
    [Metric("rate", "events/s", "events a second"), Metric("cpu_us", "µs", "CPU an event")],
    [
        *STEPS,
        Contender("node", _node, "node"),
        Contender("bytewax", _bytewax, "python"),
    ],
    [
        Goal("of the limit program", "wye run", "rate", 0.75, "limit"),
        Goal("× a node program", "wye run", "rate", 1.3, "node"),
    ],
)
