"""W4: one source to WebSocket subscribers that all read."""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path

from bench import payloads, tools
from bench.measure import Bench, Contender, Figures, Goal, Metric, Row
from bench.tools import Command

SUBSCRIBERS = 50

CONFIG = """
[sources.in]
type = "file"
path = "{events}"
follow = true
poll_secs = 0.05
adapter = "clickstream"

[sinks.out]
type = "websocket"
inputs = ["in"]
address = "127.0.0.1:{port}"
adapter = "google-retail"
subscriber = {{ when_full = "block" }}
"""


def _streamed(bench: Bench, command: Command, port: int, events: Path) -> Figures:
    """The file is put in its place when all have subscribed; from the first frame to the last."""
    ready = payloads.write(events.with_suffix(".new"), bench.size.streamed_events)
    with tools.running(command, bench, kill=True) as server:
        tools.listening(port, server)
        readers = tools.start(tools.module("subscribers", port, SUBSCRIBERS, bench.size.streamed_events), bench, printing=True)
        try:
            _until_ready(readers)
            ready.rename(events)
            seen = tools.answer_of(readers, server)
        finally:
            readers.kill()
            readers.wait()
    return {"rate": seen["deliveries"] / seen["secs"]}


def _until_ready(readers: subprocess.Popen[str]) -> None:
    assert readers.stdout is not None
    if readers.stdout.readline() != "ready\n":
        raise ChildProcessError("the subscribers could not connect")


def _ours(bench: Bench) -> Figures:
    folder, port = tools.fresh(bench), tools.free_port()
    events = folder / "in.jsonl"
    return _streamed(bench, tools.ours(folder, CONFIG.format(events=events, port=port)), port, events)


def _program(name: str, bench: Bench) -> Figures:
    events, port = tools.fresh(bench) / "in.jsonl", tools.free_port()
    arguments = (port, events, SUBSCRIBERS)
    command = tools.module(name, *arguments) if name.startswith("limits") else tools.peer(bench, name, *arguments)
    return _streamed(bench, command, port, events)


W4 = Row(
    "W4",
    f"Clickstream events as Google Retail's to {SUBSCRIBERS} WebSocket subscribers that all read",
    "A delivery is one event to one subscriber. From the first frame to the last, as the subscribers see it. The limit builds"
    " each frame once and writes it to each subscriber by itself.",
    [Metric("rate", "deliveries/s", "deliveries a second")],
    [
        Contender("wye run", _ours),
        Contender("limit", partial(_program, "limits.ws_out")),
        Contender("node ws", partial(_program, "ws_out.mjs"), "modules"),
        Contender("websockets", partial(_program, "websockets_out"), "python"),
    ],
    [
        Goal("× a program that writes each frame to each subscriber", "wye run", "rate", 1.5, "limit"),
        Goal("× node `ws`", "wye run", "rate", 1.5, "node ws"),
    ],
)
