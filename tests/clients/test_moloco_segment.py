"""Segment's own destination for Moloco (actions-moloco-rmp) against the real ``wye run``, over HTTPS to Moloco's host name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trustme

from clients.kit import run_node
from e2e.kit import free_port, lines_of, running

pytestmark = pytest.mark.usefixtures("node_clients")

CONFIG = """
[sources.shop]
type = "http"
address = "127.0.0.1:{port}"
tls = {{ certificate = "own.pem" }}
{options}
adapters = [{{ type = "moloco", platform = "SHOP_1", api_key = "secret" }}]

[sinks.archive]
type = "file"
inputs = ["shop"]
path = "archive.jsonl"
adapter = "moloco"
"""
SETTINGS = {"platformId": "SHOP_1", "apiKey": "secret", "channel_type": "SITE"}
PRODUCTS = [
    {"product_id": "A1", "price": 1599.97, "currency": "EUR", "quantity": 2, "seller_id": "s1"},
    {"product_id": "B2", "price": 0.1, "currency": "EUR", "quantity": 1},
]
CONTEXT = {
    "page": {"path": "/shoes", "referrer": "https://search.example/?q=shoes"},
    "os": {"name": "iPadOS", "version": "17.2"},
    "device": {"id": "device-1", "advertisingId": "7A3CBEA0-BDF5-11E4-8DFC-AA07A5B093DB", "model": "iPad7,3"},
    "userAgent": "Mozilla/5.0 (iPad)",
    "ip": "203.0.113.7",
}
# What a shop does, and the preset of the destination that sends it.
DONE: list[tuple[str, dict[str, Any]]] = [
    ("HOME", {"type": "page", "properties": {"name": "Home"}}),
    ("LAND", {"type": "page", "properties": {"name": "Land"}}),
    ("PAGE_VIEW", {"type": "page", "properties": {"name": "Shoes"}}),
    ("SEARCH", {"type": "track", "event": "Products Searched", "properties": {"query": "shöes 👟"}}),
    ("ITEM_PAGE_VIEW", {"type": "track", "event": "Product Viewed", "properties": PRODUCTS[0]}),
    ("ADD_TO_WISHLIST", {"type": "track", "event": "Product Added to Wishlist", "properties": {**PRODUCTS[0], "revenue": 5}}),
    ("ADD_TO_CART", {"type": "track", "event": "Product Added", "properties": PRODUCTS[0]}),
    (
        "PURCHASE",
        {
            "type": "track",
            "event": "Order Completed",
            "properties": {"revenue": 3200.04, "currency": "EUR", "products": PRODUCTS},
        },
    ),
]


def segment_event(number: int, event: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": f"message-{number}",
        "timestamp": "2024-02-05T23:37:42.848Z",
        "userId": "user-1",
        "anonymousId": "anonymous-1",
        "context": CONTEXT,
        **event,
    }


async def answered(
    folder: Path, events: list[dict[str, Any]], options: str = "", **settings: str
) -> tuple[list[Any], list[Any]]:
    """What the destination says of ``events``, all handed to it at once; the archive."""
    authority, port = trustme.CA(), free_port()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    # The name that the destination makes of its platform's id.
    own = authority.issue_cert("shop-1-evt.rmp-api.moloco.com")
    own.private_key_and_cert_chain_pem.write_to_path(str(folder / "own.pem"))
    given = {"port": port, "settings": {**SETTINGS, **settings}, "events": events}
    async with running(folder, CONFIG.format(port=port, options=options)) as wye:
        await wye.listening(port)
        answers = await run_node("moloco_segment.cjs", given=given, NODE_EXTRA_CA_CERTS=str(folder / "authority.pem"))
        assert await wye.stop() == 0, wye.printed
    assert wye.dead_letters == []
    archive = lines_of(folder / "archive.jsonl")
    assert wye.sink("archive")["delivered"] == len(archive)
    return answers, archive


async def test_every_preset_of_the_destination_arrives_once(tmp_path: Path) -> None:
    events = [segment_event(number, DONE[number % len(DONE)][1]) for number in range(40)]
    answers, archive = await answered(tmp_path, events)
    assert answers == [{"executed": [{}], "statuses": [200]}] * len(events)
    by_id = {event["id"]: event for event in archive}
    assert len(by_id) == len(archive) == len(events)
    for number in range(len(events)):
        kind = DONE[number % len(DONE)][0]
        event = by_id[f"message-{number}"]
        assert (event["event_type"], event["channel_type"], event["user_id"]) == (kind, "SITE", "user-1")
        assert int(event["timestamp"]) == 1707176262848
        assert event["device"]["os"] == "IOS"
    assert by_id["message-1"]["referrer_page_id"] == "https://search.example/?q=shoes"
    assert by_id["message-2"]["page_id"] == "/shoes"
    assert by_id["message-3"]["search_query"] == "shöes 👟"
    purchase = by_id["message-7"]
    assert purchase["revenue"] == {"currency": "EUR", "amount": 3200.04}
    assert [(item["id"], item["price"], item["quantity"]) for item in purchase["items"]] == [
        ("A1", {"currency": "EUR", "amount": 1599.97}, 2),
        ("B2", {"currency": "EUR", "amount": 0.1}, 1),
    ]
    assert purchase["items"][0]["seller_id"] == "s1"


@pytest.mark.parametrize(
    ("settings", "event", "status", "words"),
    [
        ({"apiKey": "wrong"}, {}, 403, "API key is not valid for this platform"),
        ({"platformId": "SHOP-1"}, {}, 404, "platform is not found"),
        (
            {},
            {"userId": None, "anonymousId": None, "context": {}},
            400,
            "user_id, device.persistent_id and custom_id are empty",
        ),
    ],
)
async def test_refusals_are_molocos(
    tmp_path: Path, settings: dict[str, str], event: dict[str, Any], status: int, words: str
) -> None:
    answers, archive = await answered(tmp_path, [segment_event(0, DONE[7][1] | event)], **settings)
    assert [(told["status"], told["body"]["message"]) for told in answers] == [(status, words)]
    assert archive == []


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ("max_pending_bytes = 10", 503, "too many requests are being worked on"),
        ("max_body_bytes = 10", 413, "the body is too large"),
        ("max_header_bytes = 100", 431, "the request head is too large"),
    ],
)
async def test_what_wye_refuses_before_moloco_is_asked_is_molocos_too(
    tmp_path: Path, options: str, status: int, words: str
) -> None:
    answers, archive = await answered(tmp_path, [segment_event(0, DONE[7][1])], options)
    assert [(told["status"], told["body"]["message"]) for told in answers] == [(status, words)]
    assert archive == []
