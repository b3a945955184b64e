"""Buffers on disk in the real process: killed, stopped, started twice, and found damaged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import trio

from e2e.kit import EDGE, PATIENCE_SECS, SPOOLED_PARTNER, Wye, clickstream_event, free_port, lines_of, post, running, until
from wye.buffer.offline import stats
from wye.errors import Exit
from wye.testing import HttpPartner

CONFIG = "grace_secs = 20\n" + EDGE + SPOOLED_PARTNER

ARCHIVE = (
    EDGE
    + """
[sinks.archive]
type = "file"
inputs = ["edge"]
path = "events.jsonl"
adapter = {{ type = "clickstream", app_id = "shop" }}
buffer = {{ type = "disk", path = "queues" }}
"""
)


def archived(folder: Path) -> list[str]:
    return [event["event_id"] for event in lines_of(folder / "events.jsonl")]


def ids(partner: HttpPartner) -> list[str]:
    return [event["event_id"] for event in partner.accepted()]


def spool(folder: Path, name: str = "archive") -> Path:
    return folder / "wye-data" / ("queues" if name == "archive" else "spool") / f"{name}.db"


async def post_until_killed(port: int, wye: Wye, acknowledged: set[str], first: int) -> None:
    """One client after the other, as fast as it is answered."""
    async with httpx.AsyncClient(timeout=PATIENCE_SECS, trust_env=False) as client:
        number = first
        while wye.process.returncode is None:
            events = [clickstream_event(number + place) for place in range(5)]
            number += 5
            try:
                answer = await client.post(f"http://127.0.0.1:{port}/collect?appId=shop", content=json.dumps(events))
            except httpx.TransportError:
                return
            if answer.status_code == 200:
                acknowledged |= {event["event_id"] for event in events}


async def test_what_was_answered_arrives_however_often_it_is_killed(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    for life in range(4):
        port = free_port()
        async with running(tmp_path, ARCHIVE.format(edge=port)) as wye:
            await wye.listening(port)
            enough = len(acknowledged) + 60
            async with trio.open_nursery() as nursery:
                for client in range(4):
                    nursery.start_soon(post_until_killed, port, wye, acknowledged, life * 1_000_000 + client * 100_000)
                await until(lambda enough=enough: len(acknowledged) >= enough)
                wye.process.kill()
    port = free_port()
    async with running(tmp_path, ARCHIVE.format(edge=port)) as wye:
        await wye.listening(port)
        await until(lambda: acknowledged <= set(archived(tmp_path)))
        assert await wye.stop() == Exit.OK
        account = wye.sink("archive")
        assert account["in_flight"] == 0
        assert account["received"] >= len(acknowledged)


async def test_a_stop_leaves_what_is_safe_and_the_next_start_goes_on(tmp_path: Path) -> None:
    ports = {"edge": free_port(), "partner": free_port()}
    async with running(tmp_path, CONFIG.format(**ports)) as wye:
        await wye.listening(ports["edge"])
        for number in range(20):
            assert (await post(ports["edge"], [clickstream_event(number)])).status_code == 200
        before = trio.current_time()
        assert await wye.stop() == Exit.OK
        assert trio.current_time() - before < 15
        assert wye.sink("partner")["in_flight"] == 20
    assert stats(spool(tmp_path, "partner")).events == 20
    async with running(tmp_path, CONFIG.format(**ports)) as wye:
        await wye.listening(ports["edge"])
        async with HttpPartner().listening(ports["partner"]) as partner:
            await until(lambda: len(partner.accepted()) == 20)
            assert ids(partner) == [f"purchase-{number}" for number in range(20)]
            assert await wye.stop() == Exit.OK
        assert (wye.sink("partner")["received"], wye.sink("partner")["delivered"]) == (20, 20)


TWO = (
    CONFIG
    + """
ordering = "key"
key = "visitor_id"

[sinks.archive]
type = "file"
inputs = ["edge"]
path = "events.jsonl"
adapter = {{ type = "clickstream", app_id = "shop" }}
"""
)


async def test_a_dead_sink_stops_no_other_and_gets_everything_later_in_order(tmp_path: Path) -> None:
    ports = {"edge": free_port(), "partner": free_port()}
    async with running(tmp_path, TWO.format(**ports)) as wye:
        await wye.listening(ports["edge"])
        for number in range(0, 300, 10):
            events = [clickstream_event(number + place) | {"unique_id": f"s{place % 3}"} for place in range(10)]
            assert (await post(ports["edge"], events)).status_code == 200
        await until(lambda: len(archived(tmp_path)) == 300)
        async with HttpPartner().listening(ports["partner"]) as partner:
            await until(lambda: len(partner.accepted()) == 300)
            assert await wye.stop() == Exit.OK
        assert wye.sink("partner")["delivered"] == 300
    for visitor in ("s0", "s1", "s2"):
        times = [event["timestamp"] for event in partner.accepted() if event["unique_id"] == visitor]
        assert len(times) >= 90
        assert times == sorted(times)


async def test_a_second_process_is_refused(tmp_path: Path) -> None:
    port = free_port()
    async with running(tmp_path, ARCHIVE.format(edge=port)) as wye:
        await wye.listening(port)
        async with running(tmp_path, ARCHIVE.format(edge=free_port())) as second:
            assert await second.ended() == Exit.NOT_STARTED
        assert f"in use by another process (pid {wye.process.pid})" in second.printed
        assert (await post(port, [clickstream_event(1)])).status_code == 200
        assert await wye.stop() == Exit.OK


async def test_a_replay_drains_before_it_ends(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(clickstream_event(number)) + "\n" for number in range(20_000)))
    config = """
[sources.history]
type = "file"
path = "in.jsonl"
adapter = "clickstream"

[sinks.archive]
type = "file"
inputs = ["history"]
path = "events.jsonl"
adapter = { type = "clickstream", app_id = "shop" }
buffer = { type = "disk", path = "queues" }
"""
    async with running(tmp_path, config) as wye:
        assert await wye.ended() == Exit.OK
    assert archived(tmp_path) == [f"purchase-{number}" for number in range(20_000)]


async def test_a_damaged_spool_is_set_aside_and_can_be_salvaged(tmp_path: Path) -> None:
    ports = {"edge": free_port(), "partner": free_port()}
    async with running(tmp_path, CONFIG.format(**ports)) as wye:
        await wye.listening(ports["edge"])
        for number in range(20):
            assert (await post(ports["edge"], [clickstream_event(number)])).status_code == 200
        assert await wye.stop() == Exit.OK
    file = spool(tmp_path, "partner")
    content = bytearray(file.read_bytes())
    content[:100] = b"\xff" * 100
    file.write_bytes(content)
    async with running(tmp_path, CONFIG.format(**ports)) as wye:
        await wye.listening(ports["edge"])
        assert (await post(ports["edge"], [clickstream_event(99)])).status_code == 200
        assert await wye.stop() == Exit.OK
        assert "set aside as partner.db.damaged-" in wye.printed
    (aside,) = file.parent.glob("*.damaged-*")
    command = [sys.executable, "-m", "wye", "spool", "salvage", str(aside), str(file)]
    done = await trio.to_thread.run_sync(lambda: subprocess.run(command, capture_output=True, text=True))
    assert "20 of 20 events saved" in done.stderr
    async with running(tmp_path, CONFIG.format(**ports)) as wye:
        await wye.listening(ports["edge"])
        async with HttpPartner().listening(ports["partner"]) as partner:
            await until(lambda: len(partner.accepted()) == 21)
            await wye.stop()
    assert ids(partner) == ["purchase-99", *(f"purchase-{number}" for number in range(20))]
