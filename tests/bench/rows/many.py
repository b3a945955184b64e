"""W8: what a delivery costs with many sinks, and with many events waiting."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from functools import partial
from math import sqrt
from statistics import median

from bench import payloads, tools
from bench.measure import Bench, Contender, Figures, Goal, Metric, Row

SOURCE = """
[sources.in]
type = "file"
path = "{events}"
adapter = "clickstream"
"""

SINK = """
[sinks.out{number}]
type = "file"
inputs = ["in"]
path = "{folder}/out{number}.jsonl"
adapter = "google-retail"
"""

WAITING = """
[sources.in]
type = "http"
address = "127.0.0.1:{port}"
adapters = ["clickstream"]

[sinks.out]
type = "http"
inputs = ["in"]
url = "http://127.0.0.1:{target}/collect"
adapter = {{ type = "clickstream", app_id = "shop" }}
retry = {{ max_secs = 1 }}
buffer = {{ type = "disk", max_bytes = 8589934592 }}
"""

NONE_YET = 100
"""Events of the run that shows what a start and an end cost."""


def _with_sinks(sinks: int, bench: Bench) -> Figures:
    """CPU for a delivery, without what the start and the end cost."""
    costs: list[float] = []
    counts = (NONE_YET, NONE_YET + bench.size.deliveries // sinks)
    for count in counts:
        folder = tools.fresh(bench)
        events = payloads.write(folder / "in.jsonl", count)
        config = SOURCE.format(events=events)
        config += "".join(SINK.format(number=number, folder=folder) for number in range(sinks))
        costs.append(tools.secs_of(tools.ours(folder, config), bench)[1])
        tools.expect_lines(folder / f"out{sinks - 1}.jsonl", count)
    return {"cost": 1e6 * (costs[1] - costs[0]) / ((counts[1] - counts[0]) * sinks)}


def _waiting(deep: int, bench: Bench) -> Figures:
    """The medians of several turns where one is short, less those of as many with nearly nothing waiting: half of a short turn
    is its start."""
    depth = bench.size.depths[deep]
    times = round(sqrt(max(bench.size.depths) / depth))
    came, secs, cpu = _medians([_one_turn(bench, depth) for _ in range(times)])
    _, start_secs, start_cpu = _medians([_one_turn(bench, NONE_YET) for _ in range(times)])
    drained = depth - NONE_YET
    return {
        "intake": depth / came,
        "drain": drained / max(secs - start_secs, 1e-3),
        "cost": 1e6 * (cpu - start_cpu) / drained,
    }


def _medians(turns: Sequence[tuple[float, float, float]]) -> Iterator[float]:
    return map(median, zip(*turns, strict=True))


def _one_turn(bench: Bench, depth: int) -> tuple[float, float, float]:
    """Events come while the sink is down, and wait on the disk; then wye is stopped, and started with a sink that is there.
    The seconds that it takes to take them in, from its start to the last event at the sink, and of CPU from start to end."""
    folder, port, target = tools.fresh(bench), tools.free_port(), tools.free_port()
    command = tools.ours(folder, WAITING.format(port=port, target=target))
    with tools.running(command, bench) as process:
        tools.listening(port, process)
        came = tools.asked(tools.module("load", port, "--events", 100, "--count", depth // 100), bench)
    return came["secs"], *_drained(bench, command, target, depth)


def _drained(bench: Bench, command: tools.Command, target: int, depth: int) -> tuple[float, float]:
    receiver = tools.start(tools.module("receiver", target, depth), bench, printing=True)
    try:
        tools.listening(target, receiver)
        began = time.monotonic()
        with tools.running(command, bench, kill=True) as sender:
            last = tools.answer_of(receiver, sender)["last"]
            return last - began, tools.cpu_secs_at_end(sender)
    finally:
        _end(receiver)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


W8A = Row(
    "W8a",
    "What a delivery costs with 1, 10 and 50 sinks",
    "CPU of the whole process for each delivery (one event to one file sink), without what the start and the end cost. An event"
    " is decoded once and encoded for each sink.",
    [Metric("cost", "µs", "CPU a delivery")],
    [Contender(f"{sinks} sinks", partial(_with_sinks, sinks)) for sinks in (1, 10, 50)],
    [
        Goal("10 sinks: × the cost with 1", "10 sinks", "cost", 1.15, "1 sinks", at_most=True),
        Goal("50 sinks: × the cost with 1", "50 sinks", "cost", 1.15, "1 sinks", at_most=True),
    ],
    most_rounds=3,
)

_DEEP = ("few waiting", "many waiting", "most waiting")

W8B = Row(
    "W8b",
    "Taking in and draining with 10,000, 100,000 and 1,000,000 events on the disk",
    "The sink is down while the events come, 100 a request, each request answered when it is synced; then wye is started again"
    " with a sink that is there. `few`, `many` and `most` are 10,000, 100,000 and 1,000,000 events in a full run, ten, three"
    " times and once a round. Draining counts from the start of the process, less what it takes with 100 events waiting: what"
    " is read before the first request is work too, and with few events half of it all.",
    [
        Metric("intake", "events/s", "taken in a second"),
        Metric("drain", "events/s", "drained a second"),
        Metric("cost", "µs", "CPU an event, drained"),
    ],
    [Contender(name, partial(_waiting, deep)) for deep, name in enumerate(_DEEP)],
    [
        Goal("taking in, 1,000,000: of the rate to 10,000", _DEEP[2], "intake", 0.85, _DEEP[0]),
        Goal("draining, 100,000: of the rate from 10,000", _DEEP[1], "drain", 0.85, _DEEP[0]),
        Goal("draining, 1,000,000: of the rate from 10,000", _DEEP[2], "drain", 0.85, _DEEP[0]),
        Goal("draining, 1,000,000: × the CPU an event from 10,000", _DEEP[2], "cost", 1.15, _DEEP[0], at_most=True),
    ],
    most_rounds=3,
)
