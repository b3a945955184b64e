"""Google's own client for Node, over REST, against the real ``wye run``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clients.kit import run_node
from e2e.kit import free_port, lines_of, running

pytestmark = pytest.mark.usefixtures("node_clients")

PARENT = "projects/p/locations/global/catalogs/default_catalog"

CONFIG = """
[sources.shop]
type = "http"
address = "127.0.0.1:{port}"
adapters = [{{ type = "google-retail", parent = "{parent}" }}, "clickstream"]
{options}

[sinks.archive]
type = "file"
inputs = ["shop"]
path = "archive.jsonl"
adapter = {{ type = "google-retail", forward_control = true }}
"""

PURCHASE: dict[str, Any] = {
    "eventType": "purchase-complete",
    "eventTime": {"seconds": 1_700_000_000, "nanos": 5_000_001},
    "productDetails": [
        {"product": {"id": "A1"}, "quantity": {"value": 2}},
        {"product": {"id": "B2"}, "quantity": {"value": 1}},
    ],
    "purchaseTransaction": {"id": "order-1", "revenue": 1599.97, "tax": 0.5, "cost": 100, "currencyCode": "EUR"},
    "attributes": {"shoe": {"text": ["left", "right"]}, "size": {"numbers": [42.5]}},
    "userInfo": {"userId": "u1", "ipAddress": "203.0.113.7", "userAgent": "Mozilla/5.0", "directUserRequest": True},
    "uri": "https://shop.example/thanks",
}
SEARCH = {"eventType": "search", "searchQuery": "shöes 👟", "offset": 20, "filter": 'brand: ANY("x")'}


def write(number: int) -> dict[str, Any]:
    event = {**(PURCHASE if number % 2 else SEARCH), "visitorId": f"write-{number}"}
    return {"method": "writeUserEvent", "request": {"parent": PARENT, "userEvent": event, "writeAsync": number % 3 == 0}}


def collect(number: int) -> dict[str, Any]:
    event = f'{{"eventType":"home-page-view","visitorId":"collect-{number}"}}'
    request = {"parent": PARENT, "userEvent": event, "uri": "https://shop.example/?a=1&b=2", "ets": 1_700_000_000_123 + number}
    return {"method": "collectUserEvent", "request": request}


def imported(first: int, *event_types: str) -> dict[str, Any]:
    """An import of events of these types, for visitors counted from ``first``."""
    events = [
        {"eventType": kind, "visitorId": f"import-{number}", "eventTime": {"seconds": 1_700_000_000 + number}}
        for number, kind in enumerate(event_types, first)
    ]
    source = {"userEventInlineSource": {"userEvents": events}}
    return {"method": "importUserEvents", "request": {"parent": PARENT, "inputConfig": source}}


REJOIN = {"method": "rejoinUserEvents", "request": {"parent": PARENT, "userEventRejoinScope": "UNJOINED_EVENTS"}}
PURGE = {"method": "purgeUserEvents", "request": {"parent": PARENT, "filter": 'visitorId = "v"', "force": True}}


async def answered(folder: Path, calls: list[dict[str, Any]], options: str = "") -> tuple[list[Any], list[Any], list[Any]]:
    """What the client says to ``calls``, made all at once; the archive; the dead letters."""
    port = free_port()
    async with running(folder, CONFIG.format(port=port, parent=PARENT, options=options)) as wye:
        await wye.listening(port)
        answers = await run_node("google_retail.mjs", port, given=calls)
        assert await wye.stop() == 0, wye.printed
    archive = lines_of(folder / "archive.jsonl")
    assert wye.sink("archive")["delivered"] == len(archive)
    return answers, archive, wye.dead_letters


async def test_events_written_and_collected_at_the_same_time_arrive_once(tmp_path: Path) -> None:
    calls = [write(number) for number in range(40)] + [collect(number) for number in range(20)]
    answers, archive, dead_letters = await answered(tmp_path, calls)
    assert sorted(event["visitorId"] for event in archive) == sorted(
        [f"write-{n}" for n in range(40)] + [f"collect-{n}" for n in range(20)]
    )
    assert dead_letters == []
    for number, told in enumerate(answers[:40]):
        assert told["answer"]["visitorId"] == f"write-{number}"
    bought, searched = answers[1]["answer"], answers[0]["answer"]
    assert bought["eventTime"] == {"seconds": "1700000000", "nanos": 5_000_001}
    assert [(item["product"]["id"], item["quantity"]["value"]) for item in bought["productDetails"]] == [("A1", 2), ("B2", 1)]
    assert bought["purchaseTransaction"]["revenue"] == pytest.approx(1599.97, rel=2**-24)
    assert bought["purchaseTransaction"]["currencyCode"] == "EUR"
    assert bought["attributes"]["shoe"]["text"] == ["left", "right"]
    assert bought["userInfo"] == PURCHASE["userInfo"]
    assert (searched["searchQuery"], searched["offset"], searched["filter"]) == ("shöes 👟", 20, 'brand: ANY("x")')
    for told in answers[40:]:
        assert told["answer"]["contentType"] == "image/gif"
        assert bytes(told["answer"]["data"]["data"][:6]) == b"GIF89a"
    by_visitor = {event["visitorId"]: event for event in archive}
    assert by_visitor["write-1"]["eventTime"] == "2023-11-14T22:13:20.005000001Z"
    assert by_visitor["collect-3"]["eventTime"] == "2023-11-14T22:13:20.126Z"
    assert by_visitor["collect-3"]["uri"] == "https://shop.example/?a=1&b=2"


async def test_imports_are_awaited_to_their_end_and_tell_which_events_failed(tmp_path: Path) -> None:
    kinds = ["home-page-view", "invalid", "shopping-cart-page-view", "search"]
    answers, archive, dead_letters = await answered(tmp_path, [imported(0, *["home-page-view"] * 200), imported(200, *kinds)])
    whole, part = answers
    assert whole["answer"]["importSummary"] == {"joinedEventsCount": "200", "unjoinedEventsCount": "0"}
    assert "errorSamples" not in whole["answer"]
    assert (whole["metadata"]["successCount"], whole["metadata"]["failureCount"], whole["done"]) == ("200", "0", True)
    assert part["answer"]["importSummary"] == {"joinedEventsCount": "2", "unjoinedEventsCount": "0"}
    assert (part["metadata"]["successCount"], part["metadata"]["failureCount"], part["done"]) == ("2", "2", True)
    assert [(error["code"], error["message"].partition(":")[0]) for error in part["answer"]["errorSamples"]] == [
        (3, "user_events[1]"),
        (3, "user_events[3]"),
    ]
    taken = [*range(200), 200, 202]
    assert sorted(event["visitorId"] for event in archive) == sorted(f"import-{number}" for number in taken)
    assert sorted(json.loads(letter["original"])["visitorId"] for letter in dead_letters) == ["import-201", "import-203"]


async def test_rejoin_and_purge_are_awaited_and_forwarded(tmp_path: Path) -> None:
    answers, archive, dead_letters = await answered(tmp_path, [REJOIN, PURGE])
    rejoined, purged = answers
    assert (rejoined["answer"], rejoined["done"]) == ({"rejoinedUserEventsCount": "0"}, True)
    assert (purged["answer"], purged["done"]) == ({"purgedEventsCount": "0"}, True)
    assert {told["name"].rpartition("/")[0] for told in answers} == {f"{PARENT}/operations"}
    assert sorted(archive, key=len) == [
        {"userEventRejoinScope": "UNJOINED_EVENTS"},
        {"filter": 'visitorId = "v"', "force": True},
    ]
    assert dead_letters == []


async def test_refusals_are_googles(tmp_path: Path) -> None:
    invalid = {"eventType": "invalid", "visitorId": "v"}
    elsewhere = {"parent": PARENT.replace("/p/", "/q/"), "userEvent": {"eventType": "home-page-view", "visitorId": "v"}}
    stored = {"parent": PARENT, "inputConfig": {"gcsSource": {"inputUris": ["gs://bucket/events.json"]}}}
    calls: list[dict[str, Any]] = [
        {"method": "writeUserEvent", "request": {"parent": PARENT, "userEvent": invalid}},
        {"method": "writeUserEvent", "request": elsewhere},
        {"method": "importUserEvents", "request": stored},
        {"method": "getOperation", "request": {"name": f"{PARENT}/operations/none"}},
    ]
    answers, archive, _ = await answered(tmp_path, calls)
    # The codes are gRPC's: invalid argument, permission denied, not found.
    assert [told["code"] for told in answers] == [3, 7, 7, 5]
    assert "storage.objects.get" in answers[2]["message"]
    assert archive == []


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ("keep_original = true\nmax_pending_bytes = 10", 14, "The service is currently unavailable."),
        ("max_body_bytes = 10", 3, "Request payload size exceeds the limit."),
        ("max_header_bytes = 100", 3, "the request head is too large"),
    ],
)
async def test_what_wye_refuses_before_google_is_asked_is_googles_too(
    tmp_path: Path, options: str, code: int, words: str
) -> None:
    answers, archive, _ = await answered(tmp_path, [{**write(0), "options": {"retry": {"retryCodes": []}}}], options)
    assert [(told["code"], told["message"]) for told in answers] == [(code, words)]
    assert archive == []
