"""One document of Clickstream to one canonical event, field by field.

Values that a canonical field cannot give back as they were (a number as a text, an empty id, a ``null``) are set aside for the
vendor alone, at their own place: ``{"attributes": {"_session_id": ""}}``.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_FLOOR
from typing import Any, cast

from msgspec import UNSET, Struct, structs

from wye.event import CUSTOM, Event, Json, Page, UserAttr
from wye.message import Payload
from wye.remember import remembered
from wye.wire import amount, derive_id, identity, too_deep
from wye_plugins.clickstream.client import Clients, kept_identity, named
from wye_plugins.clickstream.items import items_of
from wye_plugins.clickstream.names import names_in
from wye_plugins.clickstream.schema import (
    ALIASES,
    NAMES,
    NAMES_ATTRIBUTE,
    TYPE_ATTRIBUTE,
    TYPES,
    VENDOR,
    CsEvent,
    total_attribute,
)
from wye_plugins.clickstream.slots import BAGS, COMMON, SLOTS, TOO_DEEP, Slot, bear, is_as_written, text

# Where one of these stands, the value or the currency is not where it usually is.
_VALUES = ("event_value", "event_value_in_usd")
_CURRENCIES = ("event_value_currency", "currency", "event_value_in_usd")


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
        name = record.event_type or _other_name(record, extra)
        time_ms, ns_rest = (record.timestamp, 0) if record.timestamp is not None else _time(record, extra)
        if record.app_id == "":
            extra["app_id"] = ""
        event_id = record.event_id
        if event_id is None or identity(event_id) is None:
            event_id = _derived(record, extra)
        bag = record.attributes or {}
        odd: dict[str, Json] = {}
        known = _known(name)
        if TYPE_ATTRIBUTE in bag:
            known = _carried(bag, odd) or known
        if record.event_type and known.name != name:
            extra["event_type"] = name
        attrs, facts = _attributes(bag, known.slots, odd)
        if extra or record.event_value is not UNSET or record.event_value_currency is not None:
            _value(record, facts, extra, odd, known.total)
        if odd or record.attributes == {}:
            extra["attributes"] = odd
        user_id, user_attrs = (None, {}) if record.user is None else _user(record.user, extra)
        visitor_id = record.unique_id
        if identity(visitor_id) is None:
            visitor_id = kept_identity(visitor_id, "unique_id", extra) or identity(extra.get("user_pseudo_id"))
        items = items_of(record, extra)
        origin, device, app = self._clients.of(record, self._tenant, self._platform, self._payload)
        if record.device_id is not None or record.device_unique_id is not None or "advertising_id" in extra:
            device = named(device, record, extra)
        take = facts.pop
        event = Event(
            id=event_id,
            type=known.type,
            time_ms=time_ms,
            origin=origin,
            time_ns_rest=ns_rest,
            user_id=user_id,
            visitor_id=visitor_id,
            session_id=take("session_id", None),
            items=items,
            currency=take("currency", None),
            page=take("page", None),
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


def _derived(record: CsEvent, extra: dict[str, Json]) -> str:
    """An id for an event whose own names nothing."""
    if record.event_id is not None:
        extra["event_id"] = record.event_id
    return derive_id(VENDOR, record)


def _time(record: CsEvent, extra: dict[str, Json]) -> tuple[int, int]:
    """Milliseconds, and the nanoseconds below. A time that is a fraction or a text is in ``extra`` already."""
    exact = amount(extra.get("timestamp"))
    if exact is None:
        raise ValueError(_refusal(record, "timestamp is missing or no number"))
    whole = exact.to_integral_value(ROUND_FLOOR)
    return int(whole), int((exact - whole) * 1_000_000)


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


# ── attributes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


Facts = dict[str, Any]
"""Fields of the event, by name."""


def _attributes(bag: dict[str, Json], slots: dict[str, Slot], odd: dict[str, Json]) -> tuple[dict[str, Json], Facts]:
    """The attributes, and the canonical fields among them. What wye has renamed gets its own name again, and is no fact,
    whatever it is called."""
    if NAMES_ATTRIBUTE not in bag:
        return _split(bag, slots, odd)
    text = bag.pop(NAMES_ATTRIBUTE)
    names = names_in(text)
    if not names or not names.keys() <= bag.keys():
        attrs, facts = _split(bag, slots, odd)
        attrs[NAMES_ATTRIBUTE] = text
        bear(text, 1)
        return attrs, facts
    odd[NAMES_ATTRIBUTE] = text
    renamed = {name: bag.pop(fitted) for fitted, name in names.items()}
    attrs, facts = _split(bag, slots, odd)
    # What now has the name of an attribute is a fact of the event's, in a type that wye does not read it from.
    odd.update({name: attrs.pop(name) for name in renamed.keys() & attrs.keys()})
    for value in renamed.values():
        bear(value, 1)
    attrs.update(renamed)
    return attrs, facts


def _split(bag: dict[str, Json], slots: dict[str, Slot], odd: dict[str, Json]) -> tuple[dict[str, Json], Facts]:
    """The attributes of the bag, and the canonical fields. What has a name of ours without being such a fact is an attribute
    like any other; under a name of the vendor's, or empty, it is the vendor's alone."""
    attrs: dict[str, Json] = {}
    facts: Facts = {}
    page: Facts = {}
    slot_of = slots.get
    for name, value in bag.items():
        slot = slot_of(name)
        if slot is not None:
            # Nearly all are texts, which need no call to be read.
            plain = type(value) is str and value and slot.read is text
            read = value if plain else slot.read(value)
            if read is not None:
                if read is not value and not is_as_written(value, read):
                    odd[name] = value
                (page if slot.of_page else facts)[slot.field] = read
                continue
            if value in ("", None) or name.startswith("_"):
                bear(value, 1)
                odd[name] = value
                continue
        attrs[name] = value
        if type(value) in BAGS:
            bear(value, 1)
    if page:
        facts["page"] = Page(**page)
    return attrs, facts


def _value(record: CsEvent, facts: Facts, extra: dict[str, Json], odd: dict[str, Json], total_name: str) -> None:
    """The vendor's own columns for value and currency stand above attributes of that name."""
    if record.event_value is not UNSET:
        extra["event_value"] = record.event_value
    if record.event_value_currency is not None:
        extra["event_value_currency"] = record.event_value_currency
    if not extra:
        return
    if any(name in extra for name in _VALUES):
        _keep(facts, "goods_total", total_name, odd)
        total = _first(extra, _VALUES, amount)
        facts["goods_total"] = facts.get("goods_total") if total is None else total
    if any(name in extra for name in _CURRENCIES):
        _keep(facts, "currency", "currency", odd)
        in_usd = "USD" if "event_value_in_usd" in extra and record.event_value is UNSET else None
        facts["currency"] = _first(extra, _CURRENCIES[:2], text) or facts.get("currency") or in_usd


def _keep(facts: Facts, field: str, name: str, odd: dict[str, Json]) -> None:
    if field in facts:
        odd.setdefault(name, facts[field])


def _first(extra: dict[str, Json], names: tuple[str, ...], read: Callable[[Json], Any]) -> Any:
    return next((found for name in names if (found := read(extra.get(name))) is not None), None)


# ── the user ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _user(user: dict[str, Json], extra: dict[str, Json]) -> tuple[str | None, dict[str, UserAttr]]:
    """Who it is, and the facts about the user. What else there is, such as when the id was set, is the vendor's alone."""
    user_id: str | None = None
    attrs: dict[str, UserAttr] = {}
    odd: dict[str, Json] = {}
    for name, member in user.items():
        if type(member) is dict and "value" in member:
            fact = cast(dict[str, Json], member)
            value = fact["value"]
            if name == "_user_id":
                user_id = identity(str(value) if type(value) is int else value)
                if user_id is not None and user_id is value:
                    del fact["value"]
                if not fact:
                    continue
            elif len(fact) == 1 or (len(fact) == 2 and type(fact.get("set_timestamp")) is int):
                bear(value, 2)
                attrs[name] = UserAttr(value, fact.get("set_timestamp"))
                continue
            for inner in fact.values():
                if type(inner) in BAGS:
                    bear(inner, 2)
        else:
            bear(member, 1)
        odd[name] = member
    if odd or not user:
        extra["user"] = odd
    return user_id, attrs
