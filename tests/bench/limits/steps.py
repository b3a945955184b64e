"""The steps between the limit and wye: each does what the one before does, and one thing more that wye promises.

As the limit they know the events of the benchmarks and no others, and a test holds them to the documents that wye writes.
``python -m bench.limits.steps NAME FROM TO``
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Context, Decimal
from pathlib import Path

import msgspec
from msgspec import structs

from bench.limits.convert import Attribute, Detail, Price, Product, Purchase, Retail, UserInfo, Value, retail, to_lines
from bench.limits.file import rewrite
from wye.event import App, Device, Event, Item, Origin, Page
from wye.message import Payload
from wye.values import identity
from wye_plugins.clickstream.decode import ClickstreamDecoder
from wye_plugins.clickstream.schema import TYPES, VENDOR, CsEvent
from wye_plugins.google_retail.encode import GoogleRetailEncoder
from wye_plugins.google_retail.schema import NAMES
from wye_plugins.google_retail.times import format_time

# ── nothing is skipped ───────────────────────────────────────────────────────────────────────────────────────────────────

_records = msgspec.json.Decoder(CsEvent, float_hook=Decimal)


def whole(text: bytes) -> bytes:
    """Every member is read: the vendor's 33, and all that is in the items, the user and the attributes. One that nobody knows
    ends the program."""
    return to_lines([_straight(record) for record in _records.decode_lines(text)])


def _straight(record: Value) -> Retail:
    items = record.items
    details = items and [Detail(Product(one["id"], Price(one["price"])), one["quantity"]) for one in items]
    return retail(record, record.user["_user_id"]["value"], details)


# ── the canonical event in the middle ────────────────────────────────────────────────────────────────────────────────────


_DECIMAL = {number: Decimal(number) for number in range(256)}
_WHOLE = {number: whole for whole, number in _DECIMAL.items()}
_clients: dict[tuple[Value, ...], tuple[Origin, Device, App | None]] = {}


def canonical(text: bytes) -> bytes:
    """A canonical event is made of each, with all that it says, and taken apart again."""
    return to_lines([_document(event) for event in events(text)])


def events(text: bytes) -> list[Event]:
    """What wye's decoder makes of these lines."""
    return [_event(record) for record in _records.decode_lines(text)]


def _event(record: Value) -> Event:
    take, user, items = record.attributes.pop, record.user, record.items
    origin, device, app = _client(record)
    facts: dict[str, Value] = {}
    if record.event_type == "purchase":
        facts = {"order_id": take("order_id"), "goods_total": take("value")}
    elif (query := take("_search_term", None)) is not None:
        facts = {"search_query": query}
    # With more than 15 keywords Python makes a dictionary of them first.
    event = Event(
        id=record.event_id,
        type=TYPES[record.event_type],
        time_ms=record.timestamp,
        origin=origin,
        user_id=user["_user_id"].pop("value"),
        visitor_id=record.unique_id,
        session_id=take("_session_id"),
        items=None if items is None else tuple([_item(one.pop, one) for one in items]),
        currency=take("currency", None),
        page=Page(url=take("_page_url", None), id=take("_screen_id", None), title=take("_page_title", None)),
        device=device,
        app=app,
        attrs=record.attributes,
        extra={"user": user},
    )
    return structs.replace(event, **facts) if facts else event


def _item(take: Callable[[str], Value], rest: dict[str, Value]) -> Item:
    number = _DECIMAL[take("quantity")]
    return Item(
        id=take("id"), quantity=number, unit_price=take("price"), name=take("name"), category=take("category"), attrs=rest
    )


def _client(record: CsEvent) -> tuple[Origin, Device, App | None]:
    """One device and one app for all events that say the same of them."""
    key = (
        record.app_id,
        record.platform,
        record.os_version,
        record.make,
        record.brand,
        record.model,
        record.carrier,
        record.network_type,
        record.locale,
        record.system_language,
        record.country_code,
        record.zone_offset,
        record.screen_height,
        record.screen_width,
        record.viewport_height,
        record.viewport_width,
        record.app_title,
        record.app_version,
        record.app_package_name,
        record.sdk_name,
        record.sdk_version,
        record.host_name,
    )
    known = _clients.get(key)
    if known is None:
        device = Device(
            platform=record.platform,
            locale=record.locale,
            zone_offset_ms=record.zone_offset,
            screen_height=record.screen_height,
            screen_width=record.screen_width,
        )
        app = None if record.host_name is None else App(host=record.host_name)
        known = _clients[key] = Origin(vendor=VENDOR, tenant=record.app_id), device, app
    return known


def _document(event: Value) -> Retail:
    page, total, currency, items, bag = event.page, event.goods_total, event.currency, event.items, event.attrs
    purchase = None
    attributes = {name: Attribute((value,)) if type(value) is str else Attribute(None, (value,)) for name, value in bag.items()}
    if event.type == "purchase":
        purchase = Purchase(event.order_id, currency, total)
    elif currency is not None:
        attributes["currency"] = Attribute((currency,))
    attributes["event_id"] = Attribute((event.id,))
    if page.title is not None:
        attributes["page_title"] = Attribute((page.title,))
    if page.id is not None:
        attributes["page_id"] = Attribute((page.id,))
    if total is not None:
        attributes["goods_total"] = Attribute(None, (total,))
    return Retail(
        NAMES[event.type],
        format_time(event.time_ms) or "",
        event.visitor_id,
        event.session_id,
        None if event.user_id is None else UserInfo(event.user_id),
        page.url,
        event.search_query,
        purchase,
        items and [Detail(Product(one.id, Price(one.unit_price)), _WHOLE[one.quantity]) for one in items],
        attributes,
    )


# ── values are asked what they are ───────────────────────────────────────────────────────────────────────────────────────

_NOBODY = "00000000-0000-0000-0000-000000000000"
_BAGS = frozenset((dict, list))
_short = Context(prec=6, Emin=-36, Emax=37, traps=[]).plus
"""A price in six digits, which is what Google's 32 bits hold exactly."""


def asked(text: bytes) -> bytes:
    """Every value is asked whether it is what it seems to be and whether Google takes it. One that is not ends the program."""
    return to_lines([_document(_asked(event)) for event in events(text)])


class OddError(ValueError):
    """A value that the benchmark's events do not have."""


def _asked(event: Value) -> Event:
    """Written out: functions for the kinds of values would cost as much again."""
    for name in (event.visitor_id, event.user_id, event.session_id, event.id):
        if ((len(name) < 16 or name == _NOBODY or name.isspace()) and identity(name) is None) or len(name) > 128:
            raise OddError(name)
    if not event.session_id.isascii():
        raise OddError(event.session_id)
    page, total = event.page, event.goods_total
    for text in (page.url, page.id, page.title, event.search_query, event.currency, event.order_id):
        if text is not None and (type(text) is not str or not text or len(text) > 256):
            raise OddError(text)
    if total is not None and _short(total) != total:
        raise OddError(total)
    for item in event.items or ():
        if _short(item.unit_price) != item.unit_price:
            raise OddError(item)
        for text in (item.id, item.name, item.category):
            if type(text) is not str or not text:
                raise OddError(item)
        for value in item.attrs.values():
            if type(value) in _BAGS:
                raise OddError(item)
    for name, value in event.attrs.items():
        if type(value) is str:
            if not value or len(value) > 256 or len(name) > 128:
                raise OddError(name)
        elif type(value) is not int or not -(2**63) < value < 2**63 or len(name) > 128:
            raise OddError(name)
    return event


# ── wye's own decoder and encoder ────────────────────────────────────────────────────────────────────────────────────────

_decoder, _encoder = ClickstreamDecoder(), GoogleRetailEncoder()


def adapters(text: bytes) -> bytes:
    """wye's decoder and encoder, without anything around them."""
    documents = _encoder.encode(_decoder.decode(Payload(text, "lines")).events)
    return b"\n".join([one for one in documents if isinstance(one, bytes)]) + b"\n"


STEPS = {step.__name__: step for step in (whole, canonical, asked, adapters)}

if __name__ == "__main__":
    rewrite(Path(sys.argv[2]), Path(sys.argv[3]), STEPS[sys.argv[1]])
