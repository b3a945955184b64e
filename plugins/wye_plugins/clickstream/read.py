"""One document of Clickstream to one canonical event, field by field.

Values that a canonical field cannot give back as they were (a number as a text, an empty id, a ``null``) are set aside for the
vendor alone, at their own place: ``{"attributes": {"_session_id": ""}}``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET, Struct, structs

from wye.event import CUSTOM, Event, Json
from wye.message import Payload
from wye.records import TOO_DEEP
from wye.remember import remembered
from wye.values import amount, identity, milliseconds, text
from wye.wire import derive_id, too_deep
from wye_plugins.clickstream.attributes import Facts, take_facts
from wye_plugins.clickstream.client import Clients, kept_identity, named
from wye_plugins.clickstream.items import items_of
from wye_plugins.clickstream.schema import (
    ALIASES,
    CURRENCIES,
    NAMES,
    TYPE_ATTRIBUTE,
    TYPES,
    VALUES,
    VENDOR,
    CsEvent,
    total_attribute,
)
from wye_plugins.clickstream.slots import COMMON, SLOTS, Slot, bear
from wye_plugins.clickstream.user import user_of


class Reader:
    """Reads the documents of one payload. ``clients`` are those known from others."""

    def __init__(self, payload: Payload, clients: Clients) -> None:
        self._payload = payload
        self._clients = clients
        self._tenant = payload.query.get("appId") or None
        self._platform = payload.query.get("platform") or None

    def events(self, records: list[CsEvent]) -> list[Event]:
        """The canonical event of each document; their bags are taken apart. Raises ``ValueError`` where the vendor's pipeline
        would drop one of them, for want of a type or a time, and where one is nested too deeply."""
        return [self._event(record) for record in records]

    def _event(self, record: CsEvent) -> Event:
        extra: dict[str, Json] = {} if record.rest is UNSET else _beyond(record, record.rest)
        facts: Facts = {}
        name = record.event_type or _other_name(record, extra)
        time_ms = _time(record, extra, facts) if record.timestamp is None else record.timestamp
        if record.app_id == "":
            extra["app_id"] = ""
        event_id = identity(record.event_id) or _derived_id(record, extra)
        known = _known(name)
        attrs: dict[str, Json] = {} if record.attributes is None else record.attributes
        odd: dict[str, Json] = {}
        empty = not attrs and record.attributes is not None
        if TYPE_ATTRIBUTE in attrs:
            known = _carried(attrs, odd) or known
        if known.name != name and record.event_type:
            extra["event_type"] = name
        session_id, currency, page = take_facts(attrs, known.slots, odd, facts)
        if extra or record.event_value is not UNSET or record.event_value_currency is not None:
            _value(record, currency, facts, extra, odd, known.total)
        if odd or empty:
            extra["attributes"] = odd
        user_id, user_attrs = (None, {}) if record.user is None else user_of(record.user, extra)
        visitor_id = identity(record.unique_id) or _other_visitor(record, extra)
        items = items_of(record, extra)
        origin, device, app = self._clients.of(record, self._tenant, self._platform, self._payload)
        if record.device_id is not None or record.device_unique_id is not None or "advertising_id" in extra:
            device = named(device, record, extra)
        # With more than 15 keywords Python makes a dictionary of them first, which takes three times as long.
        event = Event(
            id=event_id,
            type=known.type,
            time_ms=time_ms,
            origin=origin,
            user_id=user_id,
            visitor_id=visitor_id,
            session_id=session_id,
            items=items,
            currency=currency,
            page=page,
            device=device,
            app=app,
            user_attrs=user_attrs,
            attrs=attrs,
            extra=extra,
        )
        return structs.replace(event, **facts) if facts else event


def _beyond(record: CsEvent, rest: dict[str, Json]) -> dict[str, Json]:
    """What the document has beyond its struct. Where a member stands under both of its names, the encoder has to be told."""
    extra = dict(rest)
    for name, alias in ALIASES:
        value = getattr(record, name)
        if alias in extra and value is not None and value is not UNSET:
            extra[name] = value
    return extra


def _derived_id(record: CsEvent, extra: dict[str, Json]) -> str:
    """An id for an event whose own names nothing."""
    if record.event_id is not None:
        extra["event_id"] = record.event_id
    return derive_id(VENDOR, record)


def _other_visitor(record: CsEvent, extra: dict[str, Json]) -> str | None:
    """Whom the other member names, where an event's own names nobody."""
    return kept_identity(record.unique_id, "unique_id", extra) or identity(extra.get("user_pseudo_id"))


def _time(record: CsEvent, extra: dict[str, Json], facts: Facts) -> int:
    """Milliseconds; what lies below goes to ``facts``. A time that is a fraction or a text is in ``extra`` already."""
    exact = amount(extra.get("timestamp"))
    if exact is None:
        raise ValueError(_refusal(record, "timestamp is missing or no number"))
    whole, ns_rest = milliseconds(exact)
    if ns_rest:
        facts["time_ns_rest"] = ns_rest
    return whole


# ── the type ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Known(Struct, frozen=True):
    """What a type's documents are like: its name here, the attributes with canonical fields, the one with the total."""

    type: str
    name: str | None
    slots: dict[str, Slot]
    total: str


@remembered(1024)
def _known(name: str) -> Known:
    kind = TYPES.get(name)
    return _of_type(CUSTOM + name, name) if kind is None else _of_type(kind, NAMES.get(kind))


def _of_type(kind: str, name: str | None) -> Known:
    return Known(kind, name, SLOTS.get(kind, COMMON), total_attribute(kind))


def _carried(bag: dict[str, Json], odd: dict[str, Json]) -> Known | None:
    """The type that the attribute for it says, where it says one."""
    kind = text(bag[TYPE_ATTRIBUTE])
    if kind is None:
        return None
    odd[TYPE_ATTRIBUTE] = bag.pop(TYPE_ATTRIBUTE)
    return _of_type(kind, NAMES.get(kind))


def _other_name(record: CsEvent, extra: dict[str, Json]) -> str:
    """The name of an event that has it in the other member."""
    name = identity(extra.get("event_name"))
    if name is None:
        raise ValueError(_refusal(record, "event_type is missing or empty"))
    return name


def _refusal(record: CsEvent, reason: str) -> str:
    members = structs.asdict(record)
    rest = members.pop("rest")
    return TOO_DEEP if too_deep(members) or too_deep(rest) else reason


# ── value and currency ───────────────────────────────────────────────────────────────────────────────────────────────────


def _value(
    record: CsEvent, currency: str | None, facts: Facts, extra: dict[str, Json], odd: dict[str, Json], total_name: str
) -> None:
    """The vendor's own columns for value and currency stand above attributes of that name. Raises ``ValueError`` where the
    value is nested too deeply."""
    if record.event_value is not UNSET:
        bear(record.event_value, 1)
        extra["event_value"] = record.event_value
    if record.event_value_currency is not None:
        extra["event_value_currency"] = record.event_value_currency
    if not extra:
        return
    if any(name in extra for name in VALUES):
        own = facts.get("goods_total")
        if own is not None:
            odd.setdefault(total_name, own)
        total = _first(extra, VALUES, amount)
        facts["goods_total"] = own if total is None else total
    if any(name in extra for name in CURRENCIES):
        if currency is not None:
            odd.setdefault("currency", currency)
        in_usd = "USD" if "event_value_in_usd" in extra and record.event_value is UNSET else None
        facts["currency"] = _first(extra, CURRENCIES[:2], text) or currency or in_usd


def _first(extra: dict[str, Json], names: tuple[str, ...], read: Callable[[Json], Any]) -> Any:
    return next((found for name in names if (found := read(extra.get(name))) is not None), None)
