"""W6: everything on at the same time."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

from bench import tools
from bench.measure import Bench, Contender, Figures, Goal, Metric, Row
from bench.rows.http_in import ours

EVENTS = 100

CONFIG = """
[sources.in]
type = "http"
address = "127.0.0.1:{port}"
adapters = ["clickstream", "google-retail"]
"""

SINK = """
[sinks.{name}]
type = "file"
inputs = ["in"]
path = "{folder}/{name}.jsonl"
adapter = "{name}"
buffer = {{ type = "disk" }}
"""

FORMATS = ("google-retail", "clickstream", "moloco")
QUIET_SECS = 1.0
"""No file grows for so long: everything has arrived."""


def _everything(bench: Bench) -> Figures:
    """From the first post to the last document in any file."""
    folder, port = tools.fresh(bench), tools.free_port()
    config = CONFIG.format(port=port) + "".join(SINK.format(name=name, folder=folder) for name in FORMATS)
    outs = [folder / f"{name}.jsonl" for name in FORMATS]
    with tools.running(tools.ours(folder, config), bench) as process:
        tools.listening(port, process)
        load = ("load", port, "--events", EVENTS, "--count", bench.size.mixed_posts, "--mixed")
        seen = tools.asked(tools.module(*load), bench)
        ended = _quiet(outs)
    sinks = json.loads((folder / "ledger.json").read_bytes())["sinks"]
    delivered = sum(sink["delivered"] for sink in sinks)
    wanted = len(FORMATS) * EVENTS * bench.size.mixed_posts
    if delivered < wanted or sum(map(tools.count_lines, outs)) < wanted:
        raise ValueError(f"{delivered} of {wanted} were delivered")
    return {"rate": delivered / (ended - seen["began"])}


def _quiet(outs: list[Path]) -> float:
    """When the last of the files grew, on the clock that the load is on."""
    sizes: list[int] = []
    grown = time.monotonic()
    while time.monotonic() < grown + QUIET_SECS:
        now = [out.stat().st_size if out.exists() else 0 for out in outs]
        if now != sizes:
            sizes, grown = now, time.monotonic()
        time.sleep(0.01)
    return grown


def _plain(ack: str, bench: Bench) -> Figures:
    return {"rate": ours(EVENTS, ack, bench)["rate"]}


W6 = Row(
    "W6",
    "Everything on: two vendors in, three formats out, buffers on disk, losses counted",
    f"By turns a post of {EVENTS} Clickstream events and an import of as many of Google Retail's; three file sinks (Google"
    " Retail, Clickstream, Moloco), each with its buffer on disk. A delivery is one event to one sink; from the first post to"
    " the last document. W2b's own figure is taken in the same rounds.",
    [Metric("rate", "deliveries/s", "deliveries a second")],
    [
        Contender("everything on", _everything),
        Contender("W2b, accepted", partial(_plain, "accepted")),
        Contender("W2b, delivered", partial(_plain, "delivered")),
    ],
    [Goal("of W2b (accepted), per delivery", "everything on", "rate", 0.5, "W2b, accepted")],
    most_rounds=3,
)
