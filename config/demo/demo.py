"""The demo: plays the world around wye, runs the real daemon in it, and prints what went in, what came out, and the ledger.

The world: RichRelevance's stream server, a shop that posts Clickstream events, a partner that is down at first, and a page that
watches live. The payloads are the vendors' own samples, from tests/samples.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import trio
import trio_websocket
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wye.testing import HttpPartner, Post

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parents[1] / "tests" / "samples"
PARTNER_IS_DOWN_SECS = 1.5
GIVE_UP_SECS = 50

out = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 160)


def samples(vendor: str) -> list[Any]:
    """The vendor's sample events, in the order of their files."""
    events: list[Any] = []
    for file in sorted((SAMPLES / vendor).glob("*.json")):
        document: Any = json.loads(file.read_bytes())
        events += document if isinstance(document, list) else [document]
    return [event for event in events if "eventType" in event or "event_type" in event]


def show(label: str, document: Any) -> None:
    """A label, and beside it a document, folded where the terminal ends."""
    text = json.dumps(document, ensure_ascii=False) if not isinstance(document, str) else document
    row = Table.grid(padding=(0, 2, 0, 2))
    row.add_column(width=26, style="bold")
    row.add_column(overflow="fold")
    row.add_row(Text(label), Text(text))
    out.print(row)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class World:
    """Everything that is not wye."""

    def __init__(self) -> None:
        self.ports = {name: free_port() for name in ("STREAM_PORT", "SHOP_PORT", "PARTNER_PORT", "LIVE_PORT")}
        self.stream_events = samples("richrelevance")
        self.shop_events = [{**event, "app_id": "shop"} for event in samples("clickstream")]
        self.partner = HttpPartner(self.partner_answer)
        self.recovers_at: float | None = None
        self.live_got: list[Any] = []
        self.stream_may_speak = trio.Event()

    def port(self, name: str) -> int:
        return self.ports[f"{name}_PORT"]

    async def stream(self, request: trio_websocket.WebSocketRequest) -> None:
        """RichRelevance: one message an event, to whoever has the three keys."""
        connection = await request.accept()
        await self.stream_may_speak.wait()
        with suppress(trio_websocket.ConnectionClosed):
            for event in self.stream_events:
                await connection.send_message(json.dumps(event))
            await trio.sleep_forever()

    def partner_answer(self, _: Post) -> int:
        """The partner's collector: 503 from the first request until it has recovered."""
        if self.recovers_at is None:
            self.recovers_at = trio.current_time() + PARTNER_IS_DOWN_SECS
        return 503 if trio.current_time() < self.recovers_at else 200

    async def watch(self) -> None:
        """A page that shows the stream live, as RichRelevance's own sample page would."""
        async with trio_websocket.open_websocket_url(f"ws://127.0.0.1:{self.port('LIVE')}{STREAM_PATH}") as connection:
            self.stream_may_speak.set()
            with suppress(trio_websocket.ConnectionClosed):
                while True:
                    self.live_got.append(json.loads(await connection.get_message()))

    async def post(self, events: list[Any], app: str) -> int:
        url = f"http://127.0.0.1:{self.port('SHOP')}/collect?appId={app}"
        async with httpx.AsyncClient(timeout=GIVE_UP_SECS) as client:
            return (await client.post(url, json=events)).status_code


STREAM_PATH = "/upsevents/api/v2/service/UserProfileStream/4faeaf752ee40a0f"


async def main() -> int:
    folder = HERE.parents[1] / ".demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with trio.move_on_after(GIVE_UP_SECS):
        return await play(World(), folder)
    out.print("the demo did not finish in time; see the log above")
    return 1


async def play(world: World, folder: Path) -> int:
    async with world.partner.listening(world.port("PARTNER")), trio.open_nursery() as nursery:
        await nursery.start(trio_websocket.serve_websocket, world.stream, "127.0.0.1", world.port("STREAM"), None)
        out.rule("wye run config/demo/wye.toml", align="left")
        daemon = await start(world, folder)
        nursery.start_soon(world.watch)
        await world.stream_may_speak.wait()

        statuses: list[int] = []
        async with trio.open_nursery() as posts:
            for event in world.shop_events:
                posts.start_soon(post_one, world, event, statuses)
            refused = await world.post(world.shop_events[:1], app="unknown")
        await settled(world)
        daemon.send_signal(signal.SIGTERM)
        code = await daemon.wait()
        nursery.cancel_scope.cancel()
    report(world, folder, statuses, refused)
    return code or check(world, folder, statuses, refused)


async def start(world: World, folder: Path) -> trio.Process:
    environment = {**os.environ, "STREAM_SECRET": "wbhz6c41", "PARTNER_TOKEN": "a-token-nobody-may-see"}
    environment.update({name: str(port) for name, port in world.ports.items()})
    wye = [sys.executable, "-m", "wye", "run", str(HERE / "wye.toml"), "--ledger", "ledger.json"]
    daemon = await trio.lowlevel.open_process(wye, cwd=folder, env=environment, stderr=subprocess.STDOUT)
    for name in ("SHOP", "LIVE"):
        while True:
            with suppress(OSError):
                await (await trio.open_tcp_stream("127.0.0.1", world.port(name))).aclose()
                break
            if daemon.returncode is not None:
                raise SystemExit(daemon.returncode)
            await trio.sleep(0.05)
    return daemon


async def post_one(world: World, event: Any, statuses: list[int]) -> None:
    statuses.append(await world.post([event], app="shop"))


async def settled(world: World) -> None:
    """Until the partner and the page have all that they should get."""
    while len(world.partner.accepted()) < len(for_partner(world)) or len(world.live_got) < len(for_page(world)):  # noqa: ASYNC110
        await trio.sleep(0.05)


def for_partner(world: World) -> list[Any]:
    return [e for e in world.stream_events if e["eventType"] in ("order", "addedToCart")] + [
        e for e in world.shop_events if e["event_type"] in ("purchase", "add_to_cart")
    ]


def for_page(world: World) -> list[Any]:
    """RichRelevance has eight types; of the shop's, these have a name there."""
    named = ("view_item", "add_to_cart", "purchase", "search", "item_click", "category_view", "brand_view")
    return world.stream_events + [e for e in world.shop_events if e["event_type"] in named]


def report(world: World, folder: Path, statuses: list[int], refused: int) -> None:
    order = next(e for e in world.stream_events if e["eventType"] == "order")
    purchase = next(e for e in world.shop_events if e["event_type"] == "purchase")
    out.rule("What came in", align="left")
    show("RichRelevance stream", f"{len(world.stream_events)} messages, among them")
    show("", order)
    show("Clickstream posts", f"{statuses.count(200)} answered 200 once safe, among them")
    show("", purchase)
    show("a post for an unknown app", f"answered {refused}")

    out.rule("What went out", align="left")
    answers = f"{world.partner.answers.count(503)} × 503, then {world.partner.answers.count(200)} × 200"
    accepted = world.partner.accepted()
    show("the partner", f"answered {answers}, and has {len(accepted)} events, each once. The order, as Clickstream:")
    show("", next(e for e in accepted if e["event_type"] == "purchase" and e["timestamp"] == order["eventTime"]))
    show(
        "the live page",
        f"saw {len(world.live_got)} events, those that RichRelevance has a name for. The purchase, as its order:",
    )
    show("", next(e for e in world.live_got if e["eventType"] == "order" and e["eventTime"] == purchase["timestamp"]))
    lines = (folder / "archive.jsonl").read_text().splitlines()
    show("the archive", f"has {len(lines)} lines, in {os.path.relpath(folder / 'archive.jsonl')}")


def check(world: World, folder: Path, statuses: list[int], refused: int) -> int:
    """The demo judges itself: everything arrived, once, and the ledger adds up."""
    from_shop = Counter(e["event_id"] for e in for_partner(world) if "event_id" in e)
    got = Counter(e["event_id"] for e in world.partner.accepted())
    ledger = json.loads((folder / "ledger.json").read_bytes())
    sums = ("delivered", "filtered", "dead_lettered", "dropped", "in_flight")
    wrong = [
        *(["a post was not answered 200"] if set(statuses) != {200} else []),
        *(["the unknown app was not refused"] if refused != 403 else []),
        *(["the partner missed an event"] if got.total() < len(for_partner(world)) or from_shop - got else []),
        *(["the partner got an event twice"] if got.total() > len(for_partner(world)) else []),
        *(["the partner was never down"] if 503 not in world.partner.answers else []),
        *(f"{sink['name']} does not add up" for sink in ledger["sinks"] if sink["received"] != sum(sink[s] for s in sums)),
    ]
    for line in wrong:
        out.print(f"wrong: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(trio.run(main))
