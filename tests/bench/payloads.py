"""The events of the benchmarks: the vendor's samples, cut to about 600 bytes, with ids, times and prices of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from bench.limits.convert import of_array
from bench.limits.posts import CLOSING, OPENING, PARENT

SAMPLES = Path(__file__).parents[1] / "samples" / "clickstream"

MIX = {"generator-app-view_item": 6, "generator-web-add_to_cart": 2, "generator-web-search": 1, "generator-web-purchase": 1}
"""How many of ten events are made after which sample."""

_KEPT = frozenset(
    {"event_type", "event_id", "app_id", "unique_id", "timestamp", "platform", "locale", "screen_height", "screen_width"}
    | {"zone_offset", "host_name", "user", "attributes", "items"}
)
_KEPT_ATTRIBUTES = frozenset(
    {"_session_id", "_session_number", "_page_title", "_page_url", "_search_term", "_screen_name", "_screen_id"}
    | {"event_category", "currency", "order_id", "value"}
)

APP = "shop"
START_MS = 1_700_000_000_000
POST = b"POST /collect?appId=shop HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
IMPORT = b"POST %simport HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %%d\r\n\r\n" % PARENT.encode()


def lines(count: int, start: int = 0) -> Iterator[bytes]:
    """``count`` events, one a line without its newline; the same ones for the same ``start``."""
    templates = [_template(name) for name, times in MIX.items() for _ in range(times)]
    for number in range(start, start + count):
        yield (
            templates[number * 7 % len(templates)]
            % {
                "n": number,
                "ms": START_MS + number * 37,
                "who": number % 50_021,
                "sku": number % 7_919,
                "price": (100 + number * 131 % 90_000) / 100,
                "value": (1_000 + number * 173 % 900_000) / 100,
            }
        ).encode()


def bodies(events: int, count: int, start: int = 0) -> list[bytes]:
    """``count`` bodies of requests with so many events each."""
    made = lines(events * count, start)
    return [b"[%s]" % b",".join(islice(made, events)) for _ in range(count)]


def posts(events: int, count: int) -> list[bytes]:
    """``count`` whole requests with so many events each."""
    return [POST % len(body) + body for body in bodies(events, count)]


def mixed_posts(events: int, count: int) -> list[bytes]:
    """By turns a post of Clickstream's and an import of Google's, of the same events."""
    ours = posts(events, count)
    for place in range(1, count, 2):
        documents = of_array(ours[place].partition(b"\r\n\r\n")[2]).splitlines()
        body = OPENING + b",".join(documents) + CLOSING
        ours[place] = IMPORT % len(body) + body
    return ours


def write(path: Path, count: int) -> Path:
    """A file of ``count`` events, one a line."""
    made = lines(count)
    with path.open("wb") as file:
        while piece := list(islice(made, 1000)):
            file.write(b"\n".join(piece) + b"\n")
    return path


def _template(name: str) -> str:
    """A sample as a text with places for what varies: ``"@…"`` becomes a text, ``"@@…"`` a number."""
    sample: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_bytes())
    event = {key: value for key, value in sample.items() if key in _KEPT}
    event |= {"event_id": "@event-%(n)012d", "unique_id": "@visitor-%(who)08d", "app_id": APP, "timestamp": "@@%(ms)d"}
    event["user"] = {"_user_id": {"value": "@user-%(who)08d", "set_timestamp": START_MS}}
    attributes = {key: value for key, value in sample["attributes"].items() if key in _KEPT_ATTRIBUTES}
    attributes["_session_id"] = "@%(who)08d-20231114-221332000"
    if "order_id" in attributes:
        attributes |= {"order_id": "@order-%(n)010d", "value": "@@%(value).2f"}
    event["attributes"] = attributes
    for item in event.get("items", ()):
        item |= {"id": "@sku-%(sku)06d", "price": "@@%(price).2f"}
    text = json.dumps(event, separators=(",", ":"))
    return re.sub(r'"@@([^"]*)"', r"\1", text).replace('"@', '"')
