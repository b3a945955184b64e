"""W5: how long a start takes, and how much memory."""

from __future__ import annotations

import socket
import time
from functools import partial

from bench import payloads, tools
from bench.measure import Bench, Contender, Figures, Goal, Metric, Row
from bench.rows.http_in import CONFIG
from bench.tools import Command

BUFFERED = """
[sources.in]
type = "http"
address = "127.0.0.1:{port}"
adapters = ["clickstream"]
ack = "accepted"

[sinks.out]
type = "http"
inputs = ["in"]
url = "http://127.0.0.1:{nobody}/collect"
adapter = {{ type = "clickstream", app_id = "shop" }}
buffer = {{ max_events = 1000000, max_bytes = 1073741824 }}
"""

REST_SECS = 1.0
STEP = 10_000


def _first_answer(bench: Bench, command: Command, port: int) -> Figures:
    """From the start of the process to its first 200, and its memory a while after."""
    request = payloads.posts(1, 1)[0]
    began = time.monotonic()
    with tools.running(command, bench) as process:
        while not _answered(port, request):
            if process.poll() is not None or time.monotonic() - began > tools.START_SECS:
                raise ChildProcessError(f"does not answer (exit code {process.poll()})")
            time.sleep(0.002)
        secs = time.monotonic() - began
        time.sleep(REST_SECS)
        return {"start": secs, "rest": tools.rss_mb(process)}


def _answered(port: int, request: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(request)
            return client.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def _ours(bench: Bench) -> Figures:
    folder, port = tools.fresh(bench), tools.free_port()
    config = CONFIG.format(port=port, ack="delivered", out=folder / "out.jsonl")
    return {**_first_answer(bench, tools.ours(folder, config), port), **_buffered(bench)}


def _buffered(bench: Bench) -> Figures:
    """Memory for every 10,000 events that wait for a sink that is down, beyond what the load itself leaves behind."""
    folder, port = tools.fresh(bench), tools.free_port()
    command = tools.ours(folder, BUFFERED.format(port=port, nobody=tools.free_port()))
    posts = bench.size.buffered_events // 200
    with tools.running(command, bench, kill=True) as process:
        tools.listening(port, process)
        sizes: list[float] = []
        for _ in range(2):
            tools.asked(tools.module("load", port, "--events", 100, "--count", posts), bench)
            sizes.append(tools.rss_mb(process))
    return {"buffered": (sizes[1] - sizes[0]) / (posts * 100) * STEP}


def _program(name: str, bench: Bench) -> Figures:
    port, out = tools.free_port(), tools.fresh(bench) / "out.jsonl"
    command = tools.module(name, port, out) if name.startswith("limits") else tools.peer(bench, name, port, out)
    return _first_answer(bench, command, port)


W5 = Row(
    "W5",
    "From the start to the first answer, and memory",
    "An HTTP source and a file sink. At rest: one second after the first answer. Buffered: the growth over the second half of"
    " the events that wait for a sink that is down.",
    [
        Metric("start", "s", "to the first 200"),
        Metric("rest", "MB", "at rest"),
        Metric("buffered", "MB", "per 10,000 buffered"),
    ],
    [
        Contender("wye run", _ours),
        Contender("limit", partial(_program, "limits.http_in")),
        Contender("node", partial(_program, "http_in.mjs"), "node"),
        Contender("hypercorn", partial(_program, "hypercorn_in"), "python"),
    ],
    [
        Goal("s to the first answer", "wye run", "start", 0.4, at_most=True),
        Goal("MB at rest", "wye run", "rest", 60, at_most=True),
        Goal("MB per 10,000 buffered events", "wye run", "buffered", 15, at_most=True),
    ],
)
