"""Every sample of every vendor, by the real command, into every vendor's format: what comes out is what that vendor's own
documents ask for, and what does not come out is named."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest

from e2e.published import VENDORS, faults
from samples.payloads import payloads
from wye.cli import main

# Templates in which ids are still to be filled in, a fragment of an envelope, and types that Google does not have.
INVALID = {
    "customer-tools-ADD_TO_CART",
    "customer-tools-ADD_TO_WISHLIST",
    "customer-tools-ITEM_PAGE_VIEW",
    "customer-tools-PURCHASE",
    "docs-reference-purchase-fragment",
    "seed-inline-page-view-INVALID-TYPE",
    "user_events_some_invalid-2-invalid",
}

NAMED = re.compile(
    r'line \d+: (event ".+": )?('
    r"left out: (RichRelevance|Moloco|Google Retail) has no event type for .+"
    r"|.+ is required( .+|,.+)?"
    r"|Moloco refuses it: .+ (is|are) empty"
    r"|tmpId: Reelevant requires it, .+"
    r")"
)


def lines(vendor: str) -> list[bytes]:
    """The vendor's valid samples, one a line, as they are."""
    samples = {name: body for name, body in payloads(vendor).items() if name not in INVALID}
    return [json.dumps(json.loads(body)).encode() for body in samples.values()]


def events_in(line: bytes) -> int:
    """How many events are on a line: one, or those of an array, which a stored row has as a text."""
    document: Any = json.loads(line)
    if "ingest_time" in document:
        document = json.loads(document["data"])
    return len(cast(list[Any], document)) if type(document) is list else 1


def translate(
    origin: str, target: str, documents: list[bytes], folder: Path, capture: pytest.CaptureFixture[bytes]
) -> tuple[int, list[bytes], list[str]]:
    (folder / "in.jsonl").write_bytes(b"".join(document + b"\n" for document in documents))
    code = main(["translate", "--from", origin, "--to", target, str(folder / "in.jsonl")])
    out, said = capture.readouterr()
    return code, out.splitlines(), said.decode().splitlines()


@pytest.mark.parametrize("target", VENDORS)
@pytest.mark.parametrize("origin", VENDORS)
def test_every_event_comes_out_as_the_vendor_wants_it_or_is_named(
    origin: str, target: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    documents = lines(origin)
    code, out, said = translate(origin, target, documents, tmp_path, capfdbinary)
    assert [(line, found) for line in out if (found := faults(target, line))] == []
    assert [line for line in said if not NAMED.fullmatch(line)] == []
    assert len(out) + len(said) == sum(map(events_in, documents))
    assert len(out) > 1
    assert code == any("left out" not in line for line in said)
    if origin == target:
        assert said == []


@pytest.mark.parametrize("origin", VENDORS)
def test_what_a_vendor_refuses_of_its_own_samples_is_named(
    origin: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    documents = [json.dumps(json.loads(body)).encode() for name, body in payloads(origin).items() if name in INVALID]
    _, out, said = translate(origin, origin, documents, tmp_path, capfdbinary)
    assert (out, len(said)) == ([], len(documents))


@pytest.mark.parametrize(
    ("vendor", "document", "found"),
    [
        (
            "richrelevance",
            {"apiKey": "k", "userId": "", "sessionId": "", "eventType": "itemView"},
            ["eventTime", "viewedItem: None"],
        ),
        ("moloco", {"event_type": "HOME", "channel_type": "SITE", "timestamp": "1700000000000"}, ["a usable identifier"]),
        ("moloco", {"event_type": "HOME", "timestamp": "1700000000000"}, ["Object missing required field `channel_type`"]),
        (
            "reelevant",
            {"key": "k", "tmpId": "0", "eventId": "e", "name": "n", "url": "u", "data": {}, "v": 1, "timestamp": 1},
            ["tmpId or clientId is a placeholder"],
        ),
        (
            "clickstream",
            {"event_type": "add-to-cart", "event_id": "e", "app_id": "a"},
            ["event_type: 'add-to-cart'", "timestamp"],
        ),
    ],
)
def test_the_judges_find_fault(vendor: str, document: dict[str, Any], found: list[str]) -> None:
    assert faults(vendor, json.dumps(document).encode()) == found


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"eventType": "search", "unheard": 1}, "unheard"),
        ({"eventType": "home-page-view", "visitorId": "v", "eventTime": "2024-01-01T00:00:00Z", "cartId": "c"}, "cart_id"),
        ({"eventType": "search", "visitorId": "v", "eventTime": "2024-01-01T00:00:00Z"}, "search"),
    ],
)
def test_googles_judge_finds_fault(document: dict[str, Any], found: str) -> None:
    (fault,) = faults("google-retail", json.dumps(document).encode())
    assert found in fault
