"""W7: two workers beside one."""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from bench import tools
from bench.measure import Bench, Contender, Figures, Goal, Metric, Row
from bench.rows.http_in import CONFIG

EVENTS = 100
"""In a request. The more, the less of the processors the load needs for itself: it sends bytes that were made beforehand."""

_LISTENS = "0A"


def _loaded(workers: int, ack: str, bench: Bench) -> Figures:
    """The load on so many workers; everything that was answered has to be in their files at the end."""
    folder, port = tools.fresh(bench), tools.free_port()
    config = f"workers = {workers}\n" + CONFIG.format(port=port, ack=ack, out=folder / "out-{worker}.jsonl")
    load = ("load", port, "--events", EVENTS, "--secs")
    with tools.running(tools.ours(folder, config), bench) as process:
        tools.listening(port, process)
        _all_listen(workers, port)
        warm = tools.asked(tools.module(*load, bench.size.load_secs / 6), bench)
        load_secs, cpu_secs = _ended_secs(), _cpu_secs(process.pid)
        seen = tools.asked(tools.module(*load, bench.size.load_secs), bench)
        load_secs, cpu_secs = _ended_secs() - load_secs, _cpu_secs(process.pid) - cpu_secs
    written = sum(map(tools.count_lines, folder.glob("out-*.jsonl")))
    if written < EVENTS * (warm["requests"] + seen["requests"]):
        raise ValueError(f"only {written} documents came out")
    events = EVENTS * seen["requests"]
    return {
        "rate": events / seen["secs"],
        "cpu": 1e6 * cpu_secs / events,
        "load": 100 * load_secs / (load_secs + cpu_secs),
    }


def _all_listen(workers: int, port: int) -> None:
    """Until as many listen: a connection stays with the worker that it came to."""
    until = time.monotonic() + tools.START_SECS
    while _listeners(port) < workers:
        if time.monotonic() > until:
            raise ChildProcessError(f"{_listeners(port)} of {workers} workers listen")
        time.sleep(0.01)


def _listeners(port: int) -> int:
    """The sockets that listen on ``port``."""
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(one[3] == _LISTENS and int(one[1].rpartition(":")[2], 16) == port for one in sockets)


def _ended_secs() -> float:
    """The CPU time of processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _cpu_secs(pid: int) -> float:
    """The CPU time so far of a process and its children."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if str(pid) in (stat.parent.name, fields[1]):
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _goal(ack: str) -> Goal:
    return Goal(f"{ack}: two workers, × one", f"two workers, {ack}", "rate", 1.5, f"one process, {ack}")


W7 = Row(
    "W7",
    f"Two workers beside one: events by HTTP to a file of Google Retail's, {EVENTS} a request",
    "W2b's work and load, from a process of its own that sends what it has made beforehand. Its share of the CPU time that"
    " everybody used, the making included, is in the table; what it takes while it sends, two workers on two cores lack. Each"
    " worker writes a file of its own. The CPU time an event, of all of wye's processes, says what sharing the work costs.",
    [
        Metric("rate", "events/s", "events a second"),
        Metric("cpu", "µs", "CPU an event"),
        Metric("load", "%", "the load's share of the CPU time"),
    ],
    [
        Contender(f"{name}, {ack}", partial(_loaded, workers, ack))
        for ack in ("accepted", "delivered")
        for workers, name in ((1, "one process"), (2, "two workers"))
    ],
    [_goal("accepted"), _goal("delivered")],
)
