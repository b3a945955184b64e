"""The dead letters of the real process: retried while it runs and while it does not, killed in between, upgraded, full."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import trio

from e2e.kit import ROOT, Wye, clickstream_event, free_port, letters_in, lines_of, post, running, until, wye_command
from wye.testing import HttpPartner

OLD = ROOT / "tests" / "router" / "deadletters" / "dead-letters.jsonl"


def config(edge: int, url: str, more: str = "") -> str:
    return f"""
{more}
[sources.edge]
type = "http"
address = "127.0.0.1:{edge}"
adapters = ["clickstream"]

[sinks.partner]
type = "http"
inputs = ["edge"]
url = "{url}/collect"
adapter = "clickstream"
batch = {{ linger_secs = 0 }}
retry = {{ first_secs = 0.01, max_secs = 0.05 }}
"""


def dead_letters(folder: Path, *arguments: str) -> str:
    """What the command said on standard output; it went well."""
    done = wye_command(folder, "dead-letters", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def refuse(folder: Path, wye: Wye, edge: int, count: int) -> None:
    """Events that lie in the dead letters, each posted alone and answered."""
    await wye.listening(edge)
    for number in range(count):
        assert (await post(edge, [clickstream_event(number)])).status_code == 200
    await until(lambda: len(letters_in(folder / "wye-data")) == count)


def ids(partner: HttpPartner) -> list[str]:
    return sorted(event["event_id"] for event in partner.accepted())


async def test_a_running_wye_delivers_what_is_retried_and_only_that_leaves_the_file(tmp_path: Path) -> None:
    edge = free_port()
    refused = {"purchase-0", "purchase-1", "purchase-2"}

    def answer(events: Any) -> int:
        return 400 if {event["event_id"] for event in events.json()} & refused else 200

    async with HttpPartner(answer).listening() as partner:
        async with running(tmp_path, config(edge, partner.url)) as wye:
            await refuse(tmp_path, wye, edge, 3)
            refused.discard("purchase-1")
            said = await trio.to_thread.run_sync(dead_letters, tmp_path, "retry", "1", "2", "-c", "wye.toml")
            assert said == "2 marked; wye is running and retries them now\n"
            await until(lambda: ids(partner) == ["purchase-1"])
            await until(lambda: not any("marked" in one for one in wye.dead_letters))
            assert await wye.stop() == 0, wye.printed
    first, third = wye.dead_letters
    assert first["event"]["id"] == "purchase-0"
    assert first["attempts"] == 2  # alone each time; that it was refused beside another counts for neither
    assert first["last_time"] > first["first_time"]
    assert (third["event"]["id"], third["attempts"]) == ("purchase-2", 1)
    account = wye.sink("partner")
    assert (account["received"], account["delivered"], account["dead_lettered"]) == (5, 1, 4)


async def test_a_stopped_wye_delivers_what_is_retried_at_its_next_start(tmp_path: Path) -> None:
    edge = free_port()
    down = True
    async with HttpPartner(lambda _: 400 if down else 200).listening() as partner:
        async with running(tmp_path, config(edge, partner.url)) as wye:
            await refuse(tmp_path, wye, edge, 2)
            assert await wye.stop() == 0, wye.printed
        where = '{ type = "purchase", items = { id = "A1" } }'
        assert dead_letters(tmp_path, "retry", "--where", where, "--dry-run").splitlines()[-1] == "2 would be retried"
        said = dead_letters(tmp_path, "retry", "--where", where)
        assert said == "2 marked; no wye is running on wye-data: they are retried when it starts\n"
        down = False
        async with running(tmp_path, config(edge, partner.url)) as wye:
            await until(lambda: ids(partner) == ["purchase-0", "purchase-1"])
            await until(lambda: wye.dead_letters == [])
            assert await wye.stop() == 0, wye.printed
    assert wye.sink("partner")["delivered"] == 2


async def test_a_corrected_config_reads_what_could_not_be_decoded(tmp_path: Path) -> None:
    def replay(adapter: str) -> str:
        return f"""
[sources.history]
type = "file"
path = "in.jsonl"
adapter = "{adapter}"
[sinks.all]
type = "file"
inputs = ["history"]
path = "all.jsonl"
[sinks.searches]
type = "file"
inputs = ["history"]
path = "searches.jsonl"
where = {{ type = "search" }}
"""

    lines = [json.dumps(clickstream_event(number)) for number in range(3)]
    (tmp_path / "in.jsonl").write_text("\n".join([*lines, "{not json", ""]))
    async with running(tmp_path, replay("richrelevance")) as wye:
        assert await wye.ended() == 0, wye.printed
    assert [letter["stage"] for letter in wye.dead_letters] == ["decode"] * 4
    (tmp_path / "in.jsonl").write_text("")
    dead_letters(tmp_path, "retry", "--source", "history")
    async with running(tmp_path, replay("clickstream")) as wye:
        assert await wye.ended() == 0, wye.printed
    assert [event["id"] for event in lines_of(tmp_path / "all.jsonl")] == ["purchase-0", "purchase-1", "purchase-2"]
    (left,) = wye.dead_letters
    assert (left["id"], left["original"], left["position"]) == (4, "{not json", "in.jsonl line 4")
    assert "marked" not in left
    assert wye.sink("searches")["filtered"] == 3
    assert wye.ledger["sources"][0]["undecodable"] == 1


class Gate:
    """Lets nobody through, and counts who waits."""

    def __init__(self) -> None:
        self.waiting = 0

    async def wait(self) -> None:
        self.waiting += 1
        await trio.sleep_forever()


async def test_a_kill_during_a_retry_repeats_a_delivery_and_loses_none(tmp_path: Path) -> None:
    edge = free_port()
    down = True
    partner = HttpPartner(lambda _: 400 if down else 200)
    async with partner.listening():
        async with running(tmp_path, config(edge, partner.url)) as wye:
            await refuse(tmp_path, wye, edge, 3)
            down = False
            gate: Any = Gate()
            partner.gate, opened = gate, partner.gate
            await trio.to_thread.run_sync(dead_letters, tmp_path, "retry", "--all")
            await until(lambda: gate.waiting)
            wye.process.kill()
            await wye.process.wait()
        partner.gate = opened
        assert [letter["marked"] for letter in letters_in(tmp_path / "wye-data")] == [True] * 3
        async with running(tmp_path, config(edge, partner.url)) as wye:
            await until(lambda: wye.dead_letters == [])
            assert await wye.stop() == 0, wye.printed
    assert set(ids(partner)) == {"purchase-0", "purchase-1", "purchase-2"}


async def test_the_letters_of_an_older_wye_are_taken_over_and_can_be_retried(tmp_path: Path) -> None:
    edge = free_port()
    (tmp_path / "wye-data").mkdir()
    shutil.copy(OLD, tmp_path / "wye-data" / "dead-letters.jsonl")
    async with HttpPartner().listening() as partner:
        async with running(tmp_path, config(edge, partner.url)) as wye:
            await wye.listening(edge)
            assert len(wye.dead_letters) == 5
            await trio.to_thread.run_sync(dead_letters, tmp_path, "retry", "--stage", "send")
            await until(lambda: ids(partner) == ["kept"])
            await until(lambda: len(wye.dead_letters) == 4)
            assert await wye.stop() == 0, wye.printed
    assert "5 taken over from wye-data/dead-letters.jsonl" in wye.printed
    assert sorted(path.name for path in (tmp_path / "wye-data").glob("dead-letters.json*")) == ["dead-letters.jsonl.imported"]


async def test_full_dead_letters_hold_intake_back_and_dropping_some_lets_it_go_on(tmp_path: Path) -> None:
    edge = free_port()
    bound = "[dead_letters]\nmax_bytes = 1500\n"
    answers: list[int] = []
    async with HttpPartner(lambda _: 400).listening() as partner:
        text = config(edge, partner.url, bound).replace("[sources.edge]", "[sources.edge]\noverload_wait_secs = 1")
        async with running(tmp_path, text) as wye:
            await wye.listening(edge)

            async def send(number: int) -> None:
                answers.append((await post(edge, [clickstream_event(number)])).status_code)

            async with trio.open_nursery() as nursery:
                for number in range(16):
                    nursery.start_soon(send, number)
                await until(lambda: "events wait" in wye.printed and wye.dead_letters)
                await trio.sleep(0.5)
                kept = len(wye.dead_letters)
                assert 0 < kept < 8
                assert answers.count(200) <= kept
                assert (await post(edge, [clickstream_event(99)])).status_code == 503
                dropped = 0
                while len(answers) < 16:
                    said = await trio.to_thread.run_sync(dead_letters, tmp_path, "drop", "--all")
                    dropped += int(said.split()[0])
                    await trio.sleep(0.1)
            left = len(wye.dead_letters)
            assert await wye.stop() == 0, wye.printed
    assert set(answers) <= {200, 503}
    assert dropped + left >= answers.count(200) > 0


async def test_the_oldest_letters_go_where_the_operator_says_so(tmp_path: Path) -> None:
    edge = free_port()
    bound = '[dead_letters]\nmax_bytes = 1500\nwhen_full = "drop_oldest"\n'
    async with HttpPartner(lambda _: 400).listening() as partner:
        async with running(tmp_path, config(edge, partner.url, bound)) as wye:
            await wye.listening(edge)
            for number in range(8):
                assert (await post(edge, [clickstream_event(number)])).status_code == 200
            stats = json.loads(await trio.to_thread.run_sync(dead_letters, tmp_path, "stats", "--json"))
            assert await wye.stop() == 0, wye.printed
    kept = wye.dead_letters
    assert stats["letters"] == len(kept)
    assert stats["letters"] + stats["dropped"] == 8
    assert stats["bytes"] <= 1500
    assert kept[-1]["event"]["id"] == "purchase-7"
    assert 'the oldest go, because when_full = "drop_oldest"' in wye.printed
    assert wye.sink("partner")["dead_lettered"] == 8
