"""The sidecar config as it stands: RichRelevance from a file and Clickstream posts in; archive, partner and live page out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trio
import trio_websocket

from e2e.kit import ROOT, Wye, clickstream_event, free_port, lines_of, post, running, samples, until
from wye.testing import HttpPartner

TOKEN = "a-token-nobody-may-see"

SIDECAR = (ROOT / "config" / "sidecar.toml").read_text()


def sidecar(edge: int, live: int, partner: HttpPartner) -> str:
    """The config with this test's ports in it, and nothing else changed."""
    return (
        SIDECAR.replace("127.0.0.1:8080", f"127.0.0.1:{edge}")
        .replace("127.0.0.1:8081", f"127.0.0.1:{live}")
        .replace("https://partner.example/", f"{partner.url}/")
    )


def write_rr(folder: Path) -> int:
    events = samples("richrelevance")
    (folder / "rr.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    return len(events)


async def post_all(edge: int, events: list[Any]) -> list[int]:
    """Each event in a request of its own, all at the same time; the statuses."""
    statuses: list[int] = []

    async def one(event: Any) -> None:
        statuses.append((await post(edge, [event])).status_code)

    async with trio.open_nursery() as nursery:
        for event in events:
            nursery.start_soon(one, event)
    return statuses


async def test_a_partner_that_is_down_for_a_while_gets_every_purchase_exactly_once(tmp_path: Path) -> None:
    rr_events = write_rr(tmp_path)
    edge, live = free_port(), free_port()
    events = [clickstream_event(n, kind) for n in range(20) for kind in ("purchase", "view_item", "add_to_cart")]
    down = True
    async with HttpPartner(lambda _: 503 if down else 200).listening() as partner:
        async with running(tmp_path, sidecar(edge, live, partner), PARTNER_TOKEN=TOKEN) as wye:
            await wye.listening(edge, live)
            statuses: list[int] = []

            async def send() -> None:
                statuses.extend(await post_all(edge, events))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(send)
                await until(lambda: partner.answers.count(503) >= 3)
                down = False
            refused = await post(edge, [clickstream_event(1)], app="unknown")
            assert await wye.stop() == 0, wye.printed

    assert statuses == [200] * len(events)
    assert (refused.status_code, refused.text) == (403, "DefaultAction: Invalid request")
    got = [event["event_id"] for event in partner.accepted()]
    assert sorted(got) == sorted(event["event_id"] for event in events if event["event_type"] != "view_item")
    assert {post.headers["authorization"] for post in partner.posts} == {f"Bearer {TOKEN}"}
    assert TOKEN not in wye.printed
    archived = lines_of(tmp_path / "out" / "events.jsonl")
    assert len(archived) == len(events) + rr_events
    assert {event["event_id"] for event in events} <= {event["event_id"] for event in archived}
    assert wye.sink("archive")["delivered"] == len(archived)
    assert wye.sink("partner")["filtered"] == 20
    assert wye.dead_letters == []


async def test_a_live_page_sees_what_has_a_name_there(tmp_path: Path) -> None:
    write_rr(tmp_path)
    edge, live = free_port(), free_port()
    path = "/upsevents/api/v2/service/UserProfileStream/4faeaf752ee40a0f"
    async with HttpPartner().listening() as partner:
        async with running(tmp_path, sidecar(edge, live, partner), PARTNER_TOKEN=TOKEN) as wye:
            await wye.listening(edge, live)
            async with trio_websocket.open_websocket_url(f"ws://127.0.0.1:{live}{path}") as page:
                assert (await post(edge, [clickstream_event(1), clickstream_event(2, "button_click")])).status_code == 200
                shown = json.loads(await page.get_message())
            assert await wye.stop() == 0, wye.printed
    assert shown["eventType"] == "order"
    assert shown["orders"] == [{"itemId": "A1", "priceCents": 1099, "quantity": 1}]
    assert wye.sink("live")["filtered_types"] == {"custom:button_click": 1}


STALLED = """
[sources.edge]
type = "http"
address = "127.0.0.1:{edge}"
adapters = ["clickstream"]
ack = "accepted"

[sinks.archive]
type = "file"
inputs = ["edge"]
path = "events.jsonl"

[sinks.partner]
type = "http"
inputs = ["edge"]
url = "{url}/collect"
adapter = "clickstream"
timeout_secs = 60
batch = {{ max_events = 10 }}
buffer = {{ max_events = 50, when_full = "drop_newest" }}

[sinks.unused]
type = "file"
inputs = ["edge"]
path = "purchases.jsonl"
where = {{ type = "purchase" }}
"""


async def test_a_stalled_partner_that_drops_holds_its_bound_and_slows_nobody(tmp_path: Path) -> None:
    edge = free_port()
    partner = HttpPartner()
    partner.gate = trio.Event()
    async with partner.listening(), running(tmp_path, STALLED.format(edge=edge, url=partner.url)) as wye:
        await wye.listening(edge)
        started = trio.current_time()
        for start in range(0, 1000, 100):
            answer = await post(edge, [clickstream_event(n, "view_item") for n in range(start, start + 100)])
            assert answer.status_code == 200
        await until(lambda: len(lines_of(tmp_path / "events.jsonl")) == 1000)
        assert trio.current_time() - started < 10
        partner.gate.set()
        assert await wye.stop() == 0, wye.printed
    account = wye.sink("partner")
    assert (account["received"], account["delivered"], account["dropped"]) == (1000, 50, 950)
    assert len(partner.accepted()) == 50
    assert wye.sink("unused")["filtered"] == 1000


async def test_bad_records_cost_only_themselves(tmp_path: Path) -> None:
    config = """
[sources.file]
type = "file"
path = "in.jsonl"
adapter = "richrelevance"

[sinks.out]
type = "file"
inputs = ["file"]
path = "out.jsonl"
adapter = "clickstream"
"""
    good = [json.dumps(event) for event in samples("richrelevance")]
    lines = [
        good[0].encode(),
        b"{not json",
        good[1].encode(),
        b'{"eventType": "itemView"}',
        b"\xff\xfe",
        *map(str.encode, good[2:]),
    ]
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(lines))
    async with running(tmp_path, config) as wye:
        assert await wye.ended() == 0, wye.printed
    assert len(lines_of(tmp_path / "out.jsonl")) == len(good)
    letters = wye.dead_letters
    assert [letter["position"] for letter in letters] == ["in.jsonl line 2", "in.jsonl line 4", "in.jsonl line 5"]
    assert [letter["source"] for letter in letters] == ["file"] * 3
    assert letters[0]["original"] == "{not json"
    assert letters[2]["original_base64"] == "//4="
    source = wye.ledger["sources"][0]
    assert (source["received"], source["undecodable"]) == (len(good), 3)
    assert wye.sink("out")["received"] == len(good)


@pytest.mark.parametrize("signals", [1, 2])
async def test_a_stop_drains_and_a_second_one_gives_up(tmp_path: Path, signals: int) -> None:
    edge = free_port()
    partner = HttpPartner()
    partner.gate = trio.Event()
    async with partner.listening(), running(tmp_path, STALLED.format(edge=edge, url=partner.url)) as wye:
        await wye.listening(edge)
        assert (await post(edge, [clickstream_event(1)])).status_code == 200
        wye.process.terminate()
        await until(lambda: "stopping" in wye.printed)
        if signals == 2:
            wye.process.terminate()
            assert await wye.ended() == 4, wye.printed
            assert wye.sink("partner")["in_flight"] == 1
        else:
            partner.gate.set()
            assert await wye.ended() == 0, wye.printed
            assert wye.sink("partner")["delivered"] == 1


async def test_grace_ends_a_drain_that_does_not_end(tmp_path: Path) -> None:
    edge = free_port()
    partner = HttpPartner()
    partner.gate = trio.Event()
    async with partner.listening():
        async with running(tmp_path, "grace_secs = 0.5\n" + STALLED.format(edge=edge, url=partner.url)) as wye:
            await wye.listening(edge)
            assert (await post(edge, [clickstream_event(1)])).status_code == 200
            assert await wye.stop() == 4, wye.printed
    assert wye.sink("partner")["in_flight"] == 1
    assert wye.sink("archive")["in_flight"] == 0


async def started_and_failed(folder: Path, config: str) -> Wye:
    async with running(folder, config) as wye:
        assert await wye.ended() == 3, wye.printed
    assert "Traceback" not in wye.printed
    return wye


async def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    async with HttpPartner().listening() as other, HttpPartner().listening() as partner:
        wye = await started_and_failed(tmp_path, STALLED.format(edge=other.port, url=partner.url))
    assert wye.printed.count("\n") == 1
    assert f"127.0.0.1:{other.port}" in wye.printed
    assert "in use" in wye.printed


async def test_a_path_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").mkdir()
    async with HttpPartner().listening() as partner:
        wye = await started_and_failed(tmp_path, STALLED.format(edge=free_port(), url=partner.url))
    assert wye.printed.count("\n") == 1
    assert "events.jsonl" in wye.printed


async def test_an_unreachable_sink_is_a_warning_and_events_wait(tmp_path: Path) -> None:
    edge, gone = free_port(), free_port()
    async with running(tmp_path, STALLED.format(edge=edge, url=f"http://127.0.0.1:{gone}")) as wye:
        await wye.listening(edge)
        await until(lambda: "cannot reach" in wye.printed)
        assert (await post(edge, [clickstream_event(1)])).status_code == 200
        async with HttpPartner().listening(gone) as partner:
            await until(lambda: len(partner.accepted()) == 1)
            assert await wye.stop() == 0, wye.printed
    assert "Traceback" not in wye.printed
