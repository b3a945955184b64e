"""Several workers: real processes that share a port, die, and are fewer the next time."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import trio

from e2e.kit import (
    EDGE,
    PATIENCE_SECS,
    SPOOLED_PARTNER,
    Wye,
    clickstream_event,
    free_port,
    letters_in,
    lines_of,
    post,
    running,
    until,
    wye_command,
)
from wye.errors import Exit
from wye.testing import HttpPartner

ARCHIVE = """
[sinks.archive]
type = "file"
inputs = ["edge"]
path = "out/events-{{worker}}.jsonl"
adapter = {{ type = "clickstream", app_id = "shop" }}
"""
CONFIG = "workers = {workers}\ngrace_secs = 20\n" + EDGE + ARCHIVE + SPOOLED_PARTNER


class Ports:
    """A config's ports, and the config with so many workers."""

    def __init__(self) -> None:
        self.edge, self.partner = free_port(), free_port()

    def config(self, workers: int) -> str:
        return CONFIG.format(workers=workers, edge=self.edge, partner=self.partner)


def pid_of(wye: Wye, number: int) -> int:
    """The latest process of a worker."""
    return int(re.findall(rf"worker {number}: pid (\d+)", wye.printed)[-1])


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" if Path("/proc").is_dir() else True


def archived(folder: Path) -> dict[str, list[str]]:
    """Ids of events, by file."""
    return {path.name: [event["event_id"] for event in lines_of(path)] for path in sorted((folder / "out").glob("*.jsonl"))}


async def all_listen(wye: Wye, count: int) -> None:
    await until(lambda: wye.printed.count("source edge: listening on") >= count)


@asynccontextmanager
async def working(folder: Path, ports: Ports, workers: int) -> AsyncGenerator[Wye]:
    """wye with its workers, all of which listen."""
    async with running(folder, ports.config(workers)) as wye:
        await wye.listening(ports.edge)
        await all_listen(wye, workers)
        yield wye


async def send(ports: Ports, numbers: range) -> None:
    """An event a connection, so that every worker gets some."""
    for number in numbers:
        assert (await post(ports.edge, [clickstream_event(number)])).status_code == 200


async def test_connections_are_spread_and_one_ledger_adds_up(tmp_path: Path) -> None:
    ports = Ports()
    async with HttpPartner().listening(ports.partner) as partner, working(tmp_path, ports, 2) as wye:
        await send(ports, range(40))
        await until(lambda: len(partner.accepted()) == 40)
        assert await wye.stop() == Exit.OK
    files = archived(tmp_path)
    assert list(files) == ["events-0.jsonl", "events-1.jsonl"]
    assert all(files.values())
    assert sorted(chain.from_iterable(files.values())) == sorted(f"purchase-{number}" for number in range(40))
    for sink in ("archive", "partner"):
        assert (wye.sink(sink)["received"], wye.sink(sink)["delivered"]) == (40, 40)
    assert wye.ledger["sources"] == [{"name": "edge", "received": 40, "undecodable": 0, "in_flight": 0}]
    assert re.search(r"^archive +40 +40 ", wye.printed, re.MULTILINE)


async def post_for_ever(port: int, first: int, acknowledged: set[str]) -> None:
    """One event a connection, as fast as it is answered. A connection that a dying worker had is none."""
    number = first
    while True:
        number += 1
        event = clickstream_event(number)
        try:
            answer = await post(port, [event])
        except httpx.TransportError:
            continue
        if answer.status_code == 200:
            acknowledged.add(event["event_id"])


async def test_a_worker_that_is_killed_is_started_again_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    ports = Ports()
    acknowledged: set[str] = set()
    async with HttpPartner().listening(ports.partner) as partner, working(tmp_path, ports, 2) as wye:
        async with trio.open_nursery() as clients:
            for client in range(3):
                clients.start_soon(post_for_ever, ports.edge, client * 1_000_000, acknowledged)
            for number, deaths in ((1, 1), (0, 2)):
                enough = len(acknowledged) + 30
                await until(lambda enough=enough: len(acknowledged) >= enough)
                os.kill(pid_of(wye, number), signal.SIGKILL)
                await all_listen(wye, 2 + deaths)
            enough = len(acknowledged) + 30
            await until(lambda: len(acknowledged) >= enough)
            clients.cancel_scope.cancel()
        await until(lambda: acknowledged <= {event["event_id"] for event in partner.accepted()})
        assert acknowledged <= set(chain.from_iterable(archived(tmp_path).values()))
        assert await wye.stop() == Exit.OK
    assert "worker 1 was killed by SIGKILL; it is started again in 0.2 s" in wye.printed
    assert wye.sink("partner")["in_flight"] == 0
    assert wye.sink("partner")["received"] >= len(acknowledged)


async def test_a_buffer_is_picked_up_by_the_worker_of_the_same_number(tmp_path: Path) -> None:
    ports = Ports()
    async with working(tmp_path, ports, 2) as wye:
        await send(ports, range(20))
        for number in (0, 1):
            os.kill(pid_of(wye, number), signal.SIGKILL)
        await all_listen(wye, 4)
        async with HttpPartner().listening(ports.partner) as partner:
            await until(lambda: len(partner.accepted()) == 20)
            assert await wye.stop() == Exit.OK
    assert (wye.sink("partner")["received"], wye.sink("partner")["delivered"]) == (20, 20)


async def test_with_fewer_workers_nothing_is_left_behind(tmp_path: Path) -> None:
    ports = Ports()
    async with working(tmp_path, ports, 3) as wye:
        await send(ports, range(40))
        assert await wye.stop() == Exit.OK
        assert wye.sink("partner")["in_flight"] == 40
    spools = tmp_path / "wye-data" / "spool"
    assert [one.name for one in sorted(spools.glob("*.db"))] == ["partner.db", "partner@1.db", "partner@2.db"]
    async with working(tmp_path, ports, 2) as wye:
        assert await wye.stop() == Exit.OK
        assert wye.sink("partner")["in_flight"] == 40
    assert "partner@2.db" not in [one.name for one in spools.iterdir()]
    async with HttpPartner().listening(ports.partner) as partner, working(tmp_path, ports, 1) as wye:
        await until(lambda: len(partner.accepted()) == 40)
        assert await wye.stop() == Exit.OK
    assert (wye.sink("partner")["received"], wye.sink("partner")["delivered"]) == (40, 40)
    assert re.search(r"partner@1\.db: \d+ events are taken over into partner\.db", wye.printed)
    assert [one.name for one in spools.glob("*.db")] == ["partner.db"]


async def test_a_worker_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    ports = Ports()
    async with running(tmp_path, ports.config(2).replace("grace_secs = 20", "grace_secs = 0.5")) as wye:
        await all_listen(wye, 2)
        os.kill(pid_of(wye, 1), signal.SIGSTOP)
        assert await wye.stop() == Exit.BROKEN
    assert "worker 1 does not stop; it is killed" in wye.printed


async def test_a_signal_to_the_whole_group_counts_once(tmp_path: Path) -> None:
    """As a terminal and a service manager send it."""
    ports = Ports()
    async with working(tmp_path, ports, 2) as wye:
        await send(ports, range(10))
        for number in (0, 1):
            os.kill(pid_of(wye, number), signal.SIGINT)
            os.kill(pid_of(wye, number), signal.SIGTERM)
            os.kill(pid_of(wye, number), signal.SIGHUP)
        assert await wye.stop() == Exit.OK
    assert "giving up" not in wye.printed
    assert wye.sink("archive")["delivered"] == 10


async def test_such_a_signal_does_not_end_a_worker_that_is_just_starting(tmp_path: Path) -> None:
    async with running(tmp_path, Ports().config(2)) as wye:
        await until(lambda: "worker 1: pid" in wye.printed)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(pid_of(wye, 1), number)
        await all_listen(wye, 2)
        assert await wye.stop() == Exit.OK
    assert "started again" not in wye.printed


async def test_a_second_signal_gives_up_and_the_exit_code_says_so(tmp_path: Path) -> None:
    ports = Ports()
    config = ports.config(2).replace('buffer = { type = "disk" }', "")
    async with running(tmp_path, config) as wye:
        await wye.listening(ports.edge)
        await all_listen(wye, 2)
        async with trio.open_nursery() as nursery:
            for number in range(8):
                nursery.start_soon(_post_in_vain, ports.edge, number)
            await until(lambda: "cannot be reached" in wye.printed or "refused" in wye.printed)
            wye.process.terminate()
            await until(lambda: "at most 20 s" in wye.printed)
            assert await wye.stop() == Exit.UNFINISHED
    assert wye.sink("partner")["in_flight"] > 0


async def _post_in_vain(port: int, number: int) -> None:
    try:
        await post(port, [clickstream_event(number)])
    except httpx.TransportError:
        return


async def test_no_worker_outlives_its_parent(tmp_path: Path) -> None:
    ports = Ports()
    async with working(tmp_path, ports, 2) as wye:
        await send(ports, range(10))
        pids = [pid_of(wye, number) for number in (0, 1)]
        assert all(map(alive, pids))
        wye.process.kill()
        await until(lambda: not any(map(alive, pids)))
    async with HttpPartner().listening(ports.partner) as partner, working(tmp_path, ports, 2) as wye:
        await until(lambda: len(partner.accepted()) == 10)
        assert await wye.stop() == Exit.OK


async def test_a_second_wye_is_refused_whatever_it_shares(tmp_path: Path) -> None:
    ports = Ports()
    async with working(tmp_path, ports, 2) as wye:
        async with running(tmp_path, ports.config(2), "--ledger", "other.json") as second:
            assert await second.process.wait() == Exit.NOT_STARTED
        assert f"data_dir: wye-data is in use by the workers of another wye (pid {wye.process.pid})" in second.printed
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        async with running(elsewhere, ports.config(2)) as third:
            assert await third.process.wait() == Exit.NOT_STARTED
        assert f"worker 0: source edge: cannot listen on 127.0.0.1:{ports.edge}" in third.printed
        assert third.printed.count("cannot listen") == 1
        await send(ports, range(3))
        assert await wye.stop() == Exit.OK


async def test_mistakes_are_said_once(tmp_path: Path) -> None:
    config = Ports().config(2).replace("out/events-{worker}.jsonl", "out/events.jsonl")
    async with running(tmp_path, config) as wye:
        assert await wye.process.wait() == Exit.FAULTY
    assert wye.printed.count("[sinks.archive] path:") == 1
    assert "put {worker} into the path" in wye.printed


HISTORY = """
[sources.history]
type = "file"
path = "in.jsonl"
adapter = "clickstream"
"""
BOTH = "workers = 2\n" + HISTORY + EDGE + ARCHIVE.replace('["edge"]', '["history", "edge"]')


async def test_a_file_is_read_once_whoever_dies_after_that(tmp_path: Path) -> None:
    edge = free_port()
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(clickstream_event(number)) + "\n" for number in range(500)))
    async with running(tmp_path, BOTH.format(edge=edge)) as wye:
        await all_listen(wye, 2)
        await until(lambda: len(archived(tmp_path).get("events-0.jsonl", [])) == 500)
        await trio.sleep(2.5)  # it is known in the parent within a second
        os.kill(pid_of(wye, 0), signal.SIGKILL)
        await all_listen(wye, 3)
        assert (await post(edge, [clickstream_event(500)])).status_code == 200
        assert await wye.stop() == Exit.OK
    assert sorted(chain.from_iterable(archived(tmp_path).values())) == sorted(f"purchase-{number}" for number in range(501))
    assert wye.sink("archive")["received"] == 501


async def test_that_a_file_could_not_be_read_to_its_end_is_not_forgotten_with_the_process(tmp_path: Path) -> None:
    edge = free_port()
    (tmp_path / "in.jsonl.gz").write_bytes(gzip.compress(json.dumps(clickstream_event(1)).encode())[:-9])
    async with running(tmp_path, BOTH.format(edge=edge).replace("in.jsonl", "in.jsonl.gz")) as wye:
        await all_listen(wye, 2)
        await until(lambda: "not all of its input was read" in wye.printed)
        await trio.sleep(2.5)  # it is known in the parent within a second
        os.kill(pid_of(wye, 0), signal.SIGKILL)
        await all_listen(wye, 3)
        assert await wye.stop() == Exit.UNFINISHED


async def test_letters_of_all_workers_are_one_collection(tmp_path: Path) -> None:
    ports = Ports()

    def letters(*arguments: str) -> Any:
        return json.loads(wye_command(tmp_path, "dead-letters", *arguments, "--json").stdout)

    async with HttpPartner().listening(ports.partner), working(tmp_path, ports, 2) as wye:
        for number in range(30):
            await post(ports.edge, [{"event_type": "purchase", "event_id": f"bad-{number}"}])
        told = await trio.to_thread.run_sync(wye_command, tmp_path, "dead-letters", "retry", "--all")
        assert told.stdout == "30 marked; wye is running and retries them now\n"
        await until(lambda: letters("stats")["marked"] == 0)
        assert await wye.stop() == Exit.OK
    assert "dead letters: 30 in" in wye.printed
    assert wye.ledger["sources"][0]["undecodable"] == 60, "each was tried twice"
    files = [tmp_path / "wye-data" / name for name in ("dead-letters.db", "dead-letters@1.db")]
    assert all(0 < len(letters_in(tmp_path / "wye-data", file.name)) < 30 for file in files)
    found = letters("list", "--limit", "100")
    assert len(found) == 30
    assert [one["first_time"] for one in found] == sorted((one["first_time"] for one in found), reverse=True)
    numbers = [one["id"] for one in found]
    assert len(set(numbers)) == 30
    assert max(numbers) > 10**12 > min(numbers)
    assert letters("show", str(max(numbers)))["id"] == max(numbers)
    assert letters("stats")["letters"] == 30
    assert "2 dropped; 28 left" in wye_command(tmp_path, "dead-letters", "drop", str(max(numbers)), str(min(numbers))).stdout
    exported = wye_command(tmp_path, "dead-letters", "export").stdout.splitlines()
    assert len(exported) == 28
    async with HttpPartner().listening(ports.partner), working(tmp_path, ports, 1) as wye:
        assert await wye.stop() == Exit.OK
    assert len(letters("list", "--limit", "100")) == 28
    assert all(one["id"] < 10**12 for one in letters("list", "--limit", "100"))


def test_the_number_of_workers_can_be_said_on_the_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "wye", "run", "wye.toml", "--workers", "0"]
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_SECS)
    assert refused.returncode == Exit.USAGE
    assert "expected 1 to 256" in refused.stderr
