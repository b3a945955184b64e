"""One document of Clickstream to one canonical event, field by field.

Values that a canonical field cannot give back as they were (a number as a text, an empty id, a ``null``) are set aside for the
vendor alone, at their own place: ``{"attributes": {"_session_id": ""}}``.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal
from typing import Any, cast

from msgspec import UNSET

from wye.event import CUSTOM, App, Device, Event, Item, Json, Origin, Page, UserAttr
from wye.message import Payload
from wye.wire import amount, derive_id, identity
from wye_plugins.clickstream.names import names_in
from wye_plugins.clickstream.schema import (
    ALIASES,
    NAMES,
    NAMES_ATTRIBUTE,
    TYPE_ATTRIBUTE,
    TYPES,
    VENDOR,
    CsRecord,
    total_attribute,
)
from wye_plugins.clickstream.slots import COMMON, SLOTS, Slot, is_as_written, text

_NO_DEVICE = Device()
_NO_APP = App()


# Where one of these stands, the value or the currency is not where it usually is.
_VALUES = ("event_value", "event_value_in_usd")
_CURRENCIES = ("event_value_currency", "currency", "event_value_in_usd")


def event_of(record: CsRecord, payload: Payload) -> Event:
    """The canonical event of one document, which came with ``payload``. Takes the document's bags apart."""
    extra: dict[str, Json] = {}
    if record.rest is not UNSET:
        extra.update(record.rest)
        _note_aliases(record, extra)
    if record.app_id == "":
        extra["app_id"] = ""
    event_id = _identity(record.event_id, "event_id", extra) or derive_id(VENDOR, record)
    bag = record.attributes
    odd: dict[str, Json] = {}
    kind = _type(record, bag, extra, odd)
    empty = bag is not None and not bag
    facts: dict[str, Any] = _attributes(bag, SLOTS.get(kind, COMMON), odd) if bag else {}
    _value(record, facts, extra, odd, total_attribute(kind))
    if odd or empty:
        extra["attributes"] = odd
    time_ms, ns_rest = _time(record)
    user_id, user_attrs = _user(record.user, extra)
    return Event(
        id=event_id,
        type=kind,
        time_ms=time_ms,
        time_ns_rest=ns_rest,
        origin=Origin(vendor=VENDOR, tenant=record.app_id or payload.query.get("appId") or None),
        user_id=user_id,
        visitor_id=_identity(record.unique_id, "unique_id", extra) or identity(extra.get("user_pseudo_id")),
        items=_items(record, extra),
        device=_device(record, payload, extra),
        app=_app(record),
        user_attrs=user_attrs,
        attrs=bag or {},
        **facts,
        extra=extra,
    )


def _note_aliases(record: CsRecord, extra: dict[str, Json]) -> None:
    """Where a member stands under both of its names, the encoder has to be told."""
    for name, alias in ALIASES:
        value = getattr(record, name)
        if alias in extra and value is not None and value is not UNSET:
            extra[name] = value


def _identity(value: str | None, name: str, extra: dict[str, Json]) -> str | None:
    if value is None:
        return None
    who = identity(value)
    if who is None:
        extra[name] = value
    return who


def _time(record: CsRecord) -> tuple[int, int]:
    """Milliseconds, and the nanoseconds below. A time that is a fraction or a text is in ``extra`` already."""
    if record.timestamp is not None:
        return record.timestamp, 0
    exact = cast(Decimal, amount(record.beyond("timestamp")))
    whole = exact.to_integral_value(ROUND_FLOOR)
    return int(whole), int((exact - whole) * 1_000_000)


def _type(record: CsRecord, bag: dict[str, Json] | None, extra: dict[str, Json], odd: dict[str, Json]) -> str:
    name = record.event_type or cast(str, extra.get("event_name"))
    kind = TYPES.get(name)
    if bag and TYPE_ATTRIBUTE in bag and (carried := text(bag[TYPE_ATTRIBUTE])):
        odd[TYPE_ATTRIBUTE] = bag.pop(TYPE_ATTRIBUTE)
        kind = carried
    elif kind is None:
        return CUSTOM + name
    if record.event_type and NAMES.get(kind) != name:
        extra["event_type"] = name
    return kind


# ── attributes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _attributes(bag: dict[str, Json], slots: dict[str, Slot], odd: dict[str, Json]) -> dict[str, Any]:
    """The canonical fields that are in the bag; they are taken out of it. What wye has renamed gets its own name again, and is
    no fact, whatever it is called."""
    if NAMES_ATTRIBUTE not in bag:
        return _facts(bag, slots, odd)
    text = bag.pop(NAMES_ATTRIBUTE)
    names = names_in(text)
    if not names or not names.keys() <= bag.keys():
        facts = _facts(bag, slots, odd)
        bag[NAMES_ATTRIBUTE] = text
        return facts
    odd[NAMES_ATTRIBUTE] = text
    renamed = {name: bag.pop(fitted) for fitted, name in names.items()}
    facts = _facts(bag, slots, odd)
    # What now has the name of an attribute is a fact of the event's, in a type that wye does not read it from.
    odd.update({name: bag.pop(name) for name in renamed.keys() & bag.keys()})
    bag.update(renamed)
    return facts


def _facts(bag: dict[str, Json], slots: dict[str, Slot], odd: dict[str, Json]) -> dict[str, Any]:
    """The canonical fields that are in the bag. What has a name of ours without being such a fact is an attribute like any
    other; under a name of the vendor's, or empty, it is the vendor's alone."""
    facts: dict[str, Any] = {}
    page: dict[str, Any] = {}
    for name in slots.keys() & bag.keys():
        slot, value = slots[name], bag[name]
        read = slot.read(value)
        if read is None and value not in ("", None) and not name.startswith("_"):
            continue
        del bag[name]
        if read is None or not is_as_written(value, read):
            odd[name] = value
        if read is not None:
            (page if slot.of_page else facts)[slot.field] = read
    if page:
        facts["page"] = Page(**page)
    return facts


def _value(record: CsRecord, facts: dict[str, Any], extra: dict[str, Json], odd: dict[str, Json], total_name: str) -> None:
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


def _keep(facts: dict[str, Any], field: str, name: str, odd: dict[str, Json]) -> None:
    if field in facts:
        odd.setdefault(name, facts[field])


def _first(extra: dict[str, Json], names: tuple[str, ...], read: Callable[[Json], Any]) -> Any:
    return next((found for name in names if (found := read(extra.get(name))) is not None), None)


# ── user, items, device, app ─────────────────────────────────────────────────────────────────────────────────────────────


def _user(user: dict[str, Json] | None, extra: dict[str, Json]) -> tuple[str | None, dict[str, UserAttr]]:
    if user is None:
        return None, {}
    user_id: str | None = None
    attrs: dict[str, UserAttr] = {}
    odd: dict[str, Json] = {}
    for name, member in user.items():
        if name == "_user_id":
            user_id = _user_id(member, odd)
        elif type(member) is dict and (fact := _user_attr(cast(dict[str, Json], member))) is not None:
            attrs[name] = fact
        else:
            odd[name] = member
    if odd or not user:
        extra["user"] = odd
    return user_id, attrs


def _user_id(member: Json, odd: dict[str, Json]) -> str | None:
    if type(member) is not dict:
        odd["_user_id"] = member
        return None
    left = cast(dict[str, Json], member)
    value = left.get("value")
    user_id = identity(str(value) if type(value) is int else value)
    if user_id == value and user_id is not None:
        del left["value"]
    if left or user_id is None:
        odd["_user_id"] = left
    return user_id


def _user_attr(member: dict[str, Json]) -> UserAttr | None:
    """A fact and its time, where there is nothing else in it."""
    if "value" not in member:
        return None
    set_ms = member.get("set_timestamp")
    if len(member) == 2 and type(set_ms) is int:
        return UserAttr(member["value"], set_ms)
    return UserAttr(member["value"]) if len(member) == 1 else None


_ITEM_FIELDS: dict[str, tuple[str, Callable[[Json], Any]]] = {
    "id": ("id", text),
    "name": ("name", text),
    "brand": ("brand", text),
    "category": ("category", text),
    "currency": ("currency", text),
    "price": ("unit_price", amount),
    "quantity": ("quantity", amount),
    "group_id": ("group_id", text),
    "seller_id": ("seller_id", text),
}
ITEM_ALIASES = (("id", "item_id"), ("name", "item_name"))


def _items(record: CsRecord, extra: dict[str, Json]) -> tuple[Item, ...] | None:
    """The items; of an array that has something else in it too, those that are items."""
    if record.items is not None:
        return tuple([_item(member) for member in record.items])
    members = extra.get("items")
    if not isinstance(members, list):
        return None
    return tuple([_item(dict(cast(dict[str, Json], m))) for m in cast(list[Json], members) if isinstance(m, dict)])


def _item(member: dict[str, Json]) -> Item:
    fields: dict[str, Any] = {}
    odd: dict[str, Json] = {}
    if "item_id" in member or "item_name" in member:
        _item_aliases(member, fields, odd)
    for name in _ITEM_FIELDS.keys() & member.keys():
        field, read = _ITEM_FIELDS[name]
        value = member.pop(name)
        found = str(value) if name == "id" and type(value) is int else read(value)
        if found is None or (type(found) is not type(value) and (type(value) is str or name == "id")):
            odd[name] = value
        if found is not None:
            fields[field] = found
    return Item(**fields, attrs=member, extra=odd)


def _item_aliases(member: dict[str, Json], fields: dict[str, Any], odd: dict[str, Json]) -> None:
    for name, alias in ITEM_ALIASES:
        if alias not in member:
            continue
        odd[alias] = value = member.pop(alias)
        if name in member:
            odd[name] = member[name]
        if (found := text(value)) is not None:
            fields[name] = found


def _device(record: CsRecord, payload: Payload, extra: dict[str, Json]) -> Device | None:
    device = Device(
        id=_identity(record.device_id, "device_id", extra),
        platform=payload.query.get("platform") or None if record.platform is None else record.platform,
        os_version=record.os_version,
        make=record.make,
        brand=record.brand,
        model=record.model,
        carrier=record.carrier,
        network_type=record.network_type,
        locale=record.locale,
        language=record.system_language,
        country=record.country_code,
        zone_offset_ms=record.zone_offset,
        screen_height=record.screen_height,
        screen_width=record.screen_width,
        viewport_height=record.viewport_height,
        viewport_width=record.viewport_width,
        advertising_id=_identity(record.device_unique_id, "device_unique_id", extra) or identity(extra.get("advertising_id")),
        user_agent=payload.user_agent,
        ip=payload.ip,
    )
    return None if device == _NO_DEVICE else device


def _app(record: CsRecord) -> App | None:
    app = App(
        title=record.app_title,
        version=record.app_version,
        package=record.app_package_name,
        sdk_name=record.sdk_name,
        sdk_version=record.sdk_version,
        host=record.host_name,
    )
    return None if app == _NO_APP else app
