"""W2: events by HTTP to a file of another vendor's."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bench import tools
from bench.measure import Bench, Contender, Figures, Goal, Metric, Row
from bench.tools import Command

CONFIG = """
[sources.in]
type = "http"
address = "127.0.0.1:{port}"
adapters = ["clickstream"]
ack = "{ack}"

[sinks.out]
type = "file"
inputs = ["in"]
path = "{out}"
adapter = "google-retail"
"""


def loaded(bench: Bench, command: Command, port: int, out: Path, events: int) -> Figures:
    """The load on a server until it has lasted long enough; everything that was answered has to be in ``out`` at the end."""
    with tools.running(command, bench) as process:
        tools.listening(port, process)
        tools.asked(tools.module("load", port, "--events", events, "--secs", bench.size.load_secs / 6), bench)
        seen = tools.asked(tools.module("load", port, "--events", events, "--secs", bench.size.load_secs), bench)
    tools.expect_lines(out, int(seen["requests"]) * events)
    return {"rate": seen["requests"] * events / seen["secs"], "p99": seen["answer_p99_ms"]}


def ours(events: int, ack: str, bench: Bench) -> Figures:
    """wye, with this ``ack``."""
    folder, port = tools.fresh(bench), tools.free_port()
    out = folder / "out.jsonl"
    return loaded(bench, tools.ours(folder, CONFIG.format(port=port, ack=ack, out=out)), port, out, events)


def _limit(events: int, sync: bool, bench: Bench) -> Figures:
    port, out = tools.free_port(), tools.fresh(bench) / "out.jsonl"
    command = tools.module("limits.http_in", port, out, *(["--sync"] if sync else []))
    return loaded(bench, command, port, out, events)


def _peer(program: str, events: int, bench: Bench) -> Figures:
    port, out = tools.free_port(), tools.fresh(bench) / "out.jsonl"
    return loaded(bench, tools.peer(bench, program, port, out), port, out, events)


def _row(name: str, events: int, accepted: float, delivered: float) -> Row:
    unit = "requests/s" if events == 1 else "events/s"
    return Row(
        name,
        f"Events by HTTP to a file of Google Retail's, {events} a request",
        "32 keep-alive connections, each with one request under way, from a process of its own. `accepted` answers when the"
        " events are in memory; `delivered`, the default, when they are in the file and synced. The limit and the peers do not"
        " sync, but for `limit, synced`.",
        [Metric("rate", unit, unit.replace("/s", " a second")), Metric("p99", "ms", "p99 of the answers")],
        [
            Contender("wye, accepted", partial(ours, events, "accepted")),
            Contender("wye, delivered", partial(ours, events, "delivered")),
            Contender("limit", partial(_limit, events, False)),
            Contender("limit, synced", partial(_limit, events, True)),
            Contender("node", partial(_peer, "http_in.mjs", events), "node"),
            Contender("Node-RED", partial(_peer, "node_red.mjs", events), "modules"),
            Contender("hypercorn", partial(_peer, "hypercorn_in", events), "python"),
        ],
        [
            Goal("accepted: of the limit", "wye, accepted", "rate", accepted, "limit"),
            Goal("delivered (synced): of the limit, which does not sync", "wye, delivered", "rate", delivered, "limit"),
        ],
    )


W2A = _row("W2a", 1, 0.5, 0.3)
W2B = _row("W2b", 100, 0.75, 0.5)
