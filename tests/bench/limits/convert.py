"""Clickstream to Google Retail, straight from one struct to the other: no canonical event, no routing, no ledger, no measure of
what is lost. For the events of the benchmarks it writes what wye writes, which a test holds it to; for others it may not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

Value: TypeAlias = Any

NAMES = {"view_item": "detail-page-view", "add_to_cart": "add-to-cart", "search": "search", "purchase": "purchase-complete"}


class Item(Struct, gc=False):
    """What Google's format has a place for; the rest is skipped over."""

    id: str | None = None
    price: Decimal | None = None
    quantity: int | None = None


class User(Struct, gc=False):
    value: str


class Users(Struct, gc=False):
    id: User | None = msgspec.field(name="_user_id", default=None)


class Event(Struct, gc=False):
    """One event of Clickstream's."""

    event_type: str
    event_id: str
    timestamp: int
    unique_id: str
    user: Users | None = None
    items: list[Item] | None = None
    attributes: dict[str, Value] = {}


class Price(Struct, gc=False, omit_defaults=True):
    price: Decimal | None = None


class Product(Struct, gc=False, omit_defaults=True):
    id: str | None = None
    priceInfo: Price | None = None  # noqa: N815  the vendor's own name


class Detail(Struct, gc=False, omit_defaults=True):
    product: Product
    quantity: int | None = None


class Purchase(Struct, gc=False, omit_defaults=True, rename="camel"):
    id: Value | None = None
    currency_code: Value | None = None
    revenue: Value | None = None


class UserInfo(Struct, gc=False, rename="camel"):
    user_id: str


class Attribute(Struct, gc=False, omit_defaults=True):
    text: tuple[str] | None = None
    numbers: tuple[Value] | None = None


class Retail(Struct, gc=False, omit_defaults=True, rename="camel"):
    """One event of Google's."""

    event_type: str
    event_time: str
    visitor_id: str
    session_id: Value | None = None
    user_info: UserInfo | None = None
    uri: Value | None = None
    search_query: Value | None = None
    purchase_transaction: Purchase | None = None
    product_details: list[Detail] | None = None
    attributes: dict[str, Attribute] = {}


_second = [0, ""]
_MILLISECONDS = tuple(f".{ms:03}Z" for ms in range(1000))


def retail(event: Value, user_id: str | None, details: list[Detail] | None) -> Retail:
    """One event in Google's shape. Takes its attributes apart."""
    bag = event.attributes
    take = bag.pop
    session, uri = take("_session_id", None), take("_page_url", None)
    query = take("_search_term", None)
    title, page = take("_page_title", None), take("_screen_id", None)
    purchase = None
    total = None
    if event.event_type == "purchase":
        total = take("value", None)
        purchase = Purchase(take("order_id", None), take("currency", None), total)
    attributes = {name: Attribute((value,)) if type(value) is str else Attribute(None, (value,)) for name, value in bag.items()}
    attributes["event_id"] = Attribute((event.event_id,))
    if title is not None:
        attributes["page_title"] = Attribute((str(title),))
    if page is not None:
        attributes["page_id"] = Attribute((str(page),))
    if total is not None:
        attributes["goods_total"] = Attribute(None, (total,))
    second, ms = divmod(event.timestamp, 1000)
    if second != _second[0]:
        _second[:] = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
    return Retail(
        NAMES[event.event_type],
        f"{_second[1]}{_MILLISECONDS[ms]}",
        event.unique_id,
        session,
        None if user_id is None else UserInfo(user_id),
        uri,
        query,
        purchase,
        details,
        attributes,
    )


def _documents(events: Sequence[Event]) -> list[Retail]:
    """Each event in Google's shape."""
    return [
        retail(
            event,
            event.user and event.user.id and event.user.id.value,
            None
            if (items := event.items) is None
            else [Detail(Product(one.id, Price(one.price)), one.quantity) for one in items],
        )
        for event in events
    ]


_lines = msgspec.json.Decoder(Event, float_hook=Decimal)
_array = msgspec.json.Decoder(list[Event], float_hook=Decimal)
_json = msgspec.json.Encoder(decimal_format="number")
to_lines = _json.encode_lines


def of_lines(text: bytes) -> bytes:
    """Lines of events to lines of Google's documents."""
    return to_lines(_documents(of_structs(text)))


def of_structs(text: bytes) -> list[Event]:
    """Lines of events as they are read."""
    return _lines.decode_lines(text)


def of_array(text: bytes) -> bytes:
    """A request's body, an array of events, to lines of Google's documents."""
    return to_lines(_documents(_array.decode(text)))


def documents(lines: Sequence[bytes]) -> list[bytes]:
    """Each line to one document."""
    return list(map(_json.encode, _documents([_lines.decode(line) for line in lines])))
