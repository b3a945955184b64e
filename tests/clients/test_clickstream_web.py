"""The vendor's own SDK for the web (@aws/clickstream-web) on a page in a real browser, against the real ``wye run``.

The page is one host's and wye another's, as with a shop: the browser asks before each kind of request whether it may.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from clients.kit import HERE, MODULES
from e2e.browser import Browser, browsing, needs_chromium, serving_pages
from e2e.kit import Wye, free_port, lines_of, running, until

pytestmark = [pytest.mark.usefixtures("node_clients"), needs_chromium]

CONFIG = """
[sources.shop]
type = "http"
address = "127.0.0.1:{port}"
adapters = [{{ type = "clickstream", app_ids = ["shop"] }}]

[sinks.archive]
type = "file"
inputs = ["shop"]
path = "archive.jsonl"
adapter = {{ type = "clickstream", app_id = "shop" }}
"""
PAGE = b'<!doctype html><meta charset="utf-8"><title>Shop</title><script src="/bundle.js"></script>'

ITEMS = [
    {"id": "A1", "name": "b\u00f6ots \U0001f45f", "price": 799.985, "quantity": 2, "category": "shoes", "color": "red"},
    {"id": "B2", "price": 0.1},
]
PURCHASE: dict[str, Any] = {
    "name": "purchase",
    "attributes": {"value": 1599.97, "currency": "EUR", "order_id": "o1"},
    "items": ITEMS,
}

# What the SDK says of itself, on a page with a search in its address, then on another, for a user who is told of twice.
PRESET = ["_first_open", "_session_start", "_app_start", *["_page_view"] * 2, "_search", *["_profile_set"] * 2]
# Together more than the SDK puts into one request.
MANY = """
for (let n = 0; n < 250; n++) {
  ClickstreamAnalytics.record({ name: 'view_item', attributes: { n, a: 'x'.repeat(1000), b: '\u00e9'.repeat(1000) } });
}
"""
LAST = "for (let n = 0; n < 3; n++) ClickstreamAnalytics.record({ name: 'add_to_cart', attributes: { n } });"
# The SDK stores arrays that are not closed yet.
KEPT = """
['failedEventsKey', 'eventsKey'].flatMap((key) => {
  const stored = localStorage.getItem('aws-solution/clickstream-web/' + key);
  return stored ? JSON.parse(stored + ']') : [];
})
"""


@pytest.fixture(scope="module")
def bundle(node_clients: None, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The page's script, the SDK in it."""
    out = tmp_path_factory.mktemp("bundle") / "bundle.js"
    command = [MODULES / ".bin" / "esbuild", HERE / "clickstream_page.js", "--bundle", "--format=iife", f"--outfile={out}"]
    subprocess.run([*command, "--log-level=error"], check=True)
    return out.read_bytes()


@asynccontextmanager
async def shop_page(folder: Path, bundle: bytes, port: int) -> AsyncGenerator[Browser]:
    """The page of a shop; to it, wye's port is the host that collects."""
    async with serving_pages({"/": PAGE, "/bundle.js": bundle}) as pages:
        hosts = {"shop.example": pages, "collect.example": port}
        async with browsing(folder / "profile", "http://shop.example/shoes?q=boots", hosts) as page:
            yield page


async def init(page: Browser, **options: Any) -> None:
    config = {"appId": "shop", "endpoint": "http://collect.example/collect", **options}
    assert await page.run(f"ClickstreamAnalytics.init({json.dumps(config)})") is True


async def record(page: Browser, event: Any) -> None:
    await page.run(f"ClickstreamAnalytics.record({json.dumps(event)})")


async def answered(page: Browser, events: int) -> list[Any]:
    """The requests of the SDK once they hold ``events`` events and have all been answered: 200 with nothing in it, each."""
    count = "sent.reduce((count, one) => count + JSON.parse(one.body).length, 0)"
    await page.until(f"{count} >= {events} && sent.every(one => one.answer !== undefined)")
    sent = await page.run("sent")
    assert [(one["status"], one["answer"]) for one in sent] == [(200, "")] * len(sent)
    return sent


async def kept(page: Browser) -> list[Any]:
    """The events that the SDK keeps for later, because nobody has taken them yet."""
    return await page.run(KEPT)


def events_of(sent: list[Any]) -> list[Any]:
    return [event for one in sent for event in json.loads(one["body"])]


def by_id(events: list[Any]) -> dict[str, Any]:
    found = {event["event_id"]: event for event in events}
    assert len(found) == len(events)
    return found


def archived(wye: Wye) -> list[Any]:
    """All that arrived, after wye's end."""
    archive = lines_of(wye.folder / "archive.jsonl")
    assert (wye.sink("archive")["delivered"], wye.dead_letters) == (len(archive), [])
    return archive


async def test_each_event_in_a_request_of_its_own_arrives_as_the_sdk_sent_it(tmp_path: Path, bundle: bytes) -> None:
    port = free_port()
    async with running(tmp_path, CONFIG.format(port=port)) as wye:
        await wye.listening(port)
        async with shop_page(tmp_path, bundle, port) as page:
            traits = {"_traffic_source_medium": "Search engine", "level": 5.5, "vip": True}
            await init(page, sendMode="Immediate", isTrackAppStartEvents=True, globalAttributes=traits)
            await page.run("ClickstreamAnalytics.setUserId('u1')")
            await page.run("ClickstreamAnalytics.setUserAttributes({ _user_name: 'carl', age: 22 })")
            await record(page, PURCHASE)
            await page.run("history.pushState({}, '', '/thanks')")
            await record(page, {"name": "not a name"})
            sent = await answered(page, 10)
            assert await kept(page) == []
        assert await wye.stop() == 0, wye.printed
    assert len(sent) == 10
    events = by_id(events_of(sent))
    assert by_id(archived(wye)) == events
    assert sorted(event["event_type"] for event in events.values()) == sorted([*PRESET, "purchase", "_clickstream_error"])
    purchase = next(event for event in events.values() if event["event_type"] == "purchase")
    assert (purchase["items"], purchase["user"]["_user_id"]["value"]) == (ITEMS, "u1")
    assert purchase["attributes"].items() >= (PURCHASE["attributes"] | traits).items()


async def test_batches_arrive_whole_and_so_does_what_is_sent_as_the_page_goes_away(tmp_path: Path, bundle: bytes) -> None:
    port = free_port()
    async with running(tmp_path, CONFIG.format(port=port)) as wye:
        await wye.listening(port)
        async with shop_page(tmp_path, bundle, port) as page:
            await init(page, sendMode="Batch", sendEventsInterval=1000)
            await page.run(MANY)
            sent = await answered(page, 254)
            assert len(sent) > 1
            await until_kept(page, 0)
            # In one go, so that the SDK's clock cannot tick in between.
            left = await page.run(LAST + KEPT)
            await page.go("about:blank")
            await until(lambda: len(lines_of(tmp_path / "archive.jsonl")) >= 257)
        assert await wye.stop() == 0, wye.printed
    archive = by_id(archived(wye))
    assert [event["event_type"] for event in left] == ["add_to_cart"] * 3
    expected = by_id([*events_of(sent), *left])
    assert {key: archive.get(key) for key in expected} == expected
    # As it leaves, the page may say how long it was looked at.
    assert {event["event_type"] for key, event in archive.items() if key not in expected} <= {"_user_engagement"}


async def until_kept(page: Browser, events: int) -> None:
    await page.until(f"({KEPT}).length === {events}")


async def test_what_nobody_took_is_sent_again_and_arrives_once(tmp_path: Path, bundle: bytes) -> None:
    port = free_port()
    async with shop_page(tmp_path, bundle, port) as page:
        await init(page, sendMode="Immediate")
        await record(page, PURCHASE)
        await page.until("sent.length === 15")
        await until_kept(page, 5)
        failed = await kept(page)
        async with running(tmp_path, CONFIG.format(port=port)) as wye:
            await wye.listening(port)
            await page.run("sent.length = 0")
            await record(page, {"name": "view_item", "items": ITEMS[:1]})
            sent = await answered(page, 6)
            await until_kept(page, 0)
            assert await wye.stop() == 0, wye.printed
    assert [len(json.loads(one["body"])) for one in sent] == [1, 5]
    assert by_id(events_of(sent)[1:]) == by_id(failed)
    assert by_id(archived(wye)) == by_id(events_of(sent))
