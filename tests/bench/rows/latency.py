"""W9: how long an event takes from its request to the sink, at half of the highest rate."""

from __future__ import annotations

from functools import partial

from bench import tools
from bench.measure import Bench, Contender, Figures, Goal, Metric, Row
from bench.rows.http_in import CONFIG


def _paced(ack: str, bench: Bench) -> Figures:
    """First the highest rate there is, for a moment; then half of it."""
    folder, port = tools.fresh(bench), tools.free_port()
    out = folder / "out.jsonl"
    command = tools.ours(folder, CONFIG.format(port=port, ack=ack, out=out))
    with tools.running(command, bench) as process:
        tools.listening(port, process)
        load = tools.module("load", port, "--secs", bench.size.load_secs / 2)
        tools.asked(load, bench)  # to warm up
        most = tools.asked(load, bench)
    rate = most["requests"] / most["secs"] / 2
    folder, port = tools.fresh(bench), tools.free_port()
    command = tools.ours(folder, CONFIG.format(port=port, ack=ack, out=out))
    with tools.running(command, bench) as process:
        tools.listening(port, process)
        paced = ("--rate", f"{rate:.0f}", "--secs", bench.size.paced_secs, "--tail", out)
        seen = tools.asked(tools.module("load", port, *paced), bench)
    if seen["arrived"] < seen["requests"]:
        raise ValueError(f"{seen['arrived']:.0f} of {seen['requests']:.0f} events arrived")
    return {"rate": rate, **{pick: seen[f"sink_{pick}_ms"] for pick in ("p50", "p99", "p999", "max")}}


W9 = Row(
    "W9",
    "From an event's request to its file, at half of the highest rate",
    "One event a request. The clock starts when a request is due, whatever the answers before it do, and stops when the load"
    " process, which looks into the file every millisecond, finds the document there.",
    [
        Metric("rate", "requests/s", "half of the highest rate"),
        Metric("p50", "ms", "p50"),
        Metric("p99", "ms", "p99"),
        Metric("p999", "ms", "p99.9"),
        Metric("max", "ms", "longest"),
    ],
    [Contender(f"wye, {ack}", partial(_paced, ack)) for ack in ("accepted", "delivered")],
    [
        Goal("accepted: ms, p99", "wye, accepted", "p99", 25, at_most=True),
        Goal("delivered (synced): ms, p99", "wye, delivered", "p99", 60, at_most=True),
        Goal("accepted: ms, longest", "wye, accepted", "max", 100, at_most=True),
        Goal("delivered (synced): ms, longest", "wye, delivered", "max", 100, at_most=True),
    ],
    most_rounds=3,
)
