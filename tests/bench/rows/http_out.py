"""W3: a file of events, posted."""

from __future__ import annotations

from functools import partial

from bench import payloads, tools
from bench.measure import Bench, Contender, Figures, Goal, Metric, Row
from bench.tools import Command

CONNECTIONS = 8

CONFIG = """
[sources.in]
type = "file"
path = "{events}"
adapter = "clickstream"

[sinks.out]
type = "http"
inputs = ["in"]
url = "http://127.0.0.1:{port}"
adapter = {{ type = "google-retail", parent = "projects/shop/locations/global/catalogs/default_catalog", mode = "{mode}" }}
concurrency = {connections}
batch = {{ max_events = {each} }}
"""


def _received(bench: Bench, events: int, port: int, command: Command) -> Figures:
    """From the first request to the last, as the receiver sees it."""
    receiver = tools.start(tools.module("receiver", port, events), bench, printing=True)
    try:
        tools.listening(port, receiver)
        with tools.running(command, bench, kill=True) as sender:
            seen = tools.answer_of(receiver, sender)
    finally:
        receiver.kill()
        receiver.wait()
    return {"rate": events / seen["secs"], "requests": seen["requests"] / seen["secs"]}


def _events(bench: Bench, each: int) -> int:
    return bench.size.posted_events // (10 if each == 1 else 1)


def _ours(each: int, bench: Bench) -> Figures:
    folder, port, count = tools.fresh(bench), tools.free_port(), _events(bench, each)
    events = payloads.write(folder / "in.jsonl", count)
    mode = "write" if each == 1 else "import"
    config = CONFIG.format(events=events, port=port, connections=CONNECTIONS, each=each, mode=mode)
    return _received(bench, count, port, tools.ours(folder, config))


def _program(name: str, each: int, bench: Bench) -> Figures:
    port, count = tools.free_port(), _events(bench, each)
    events = payloads.write(tools.fresh(bench) / "in.jsonl", count)
    arguments = (port, events, each, CONNECTIONS)
    command = tools.module(name, *arguments) if name.startswith("limits") else tools.peer(bench, name, *arguments)
    return _received(bench, count, port, command)


def _row(name: str, each: int, bound: float) -> Row:
    return Row(
        name,
        f"A file of Clickstream events posted as Google Retail's, {each} a request, {CONNECTIONS} connections",
        "From the first request to the last, as the receiver sees it. Everybody decodes, converts and encodes"
        " every event; with 100 a request they are imports, which the receiver says are done.",
        [Metric("rate", "events/s", "events a second"), Metric("requests", "requests/s", "requests a second")],
        [
            Contender("wye run", partial(_ours, each)),
            Contender("limit", partial(_program, "limits.http_out", each)),
            Contender("httpx alone", partial(_program, "limits.httpx_out", each)),
            Contender("aiohttp", partial(_program, "aiohttp_out", each), "python"),
        ],
        [Goal("× httpx alone", "wye run", "rate", bound, "httpx alone")],
    )


W3A = _row("W3a", 1, 6)
W3B = _row("W3b", 100, 1.5)
