"""The custom attributes of a document, and its members that have no canonical field."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from typing import Any, cast

from msgspec import UNSET, structs

from wye.event import Item, Json
from wye.wire import amount, parse
from wye_plugins.google_retail.attributes import MAX_KEY, MONEY, Bag, carried, plain_value, value_of
from wye_plugins.google_retail.numbers import in_float32
from wye_plugins.google_retail.schema import GrEvent
from wye_plugins.google_retail.slots import COMPLETION, EVENT_ID, FIELDS, MEMBERS, SLOTS, text, write_slot


def custom_attributes(record: GrEvent, extra: Bag) -> Bag:
    """The custom attributes, still to be read."""
    if record.attributes == {}:
        extra["attributes"] = {}
    return dict(record.attributes or {})


def members_without_field(record: GrEvent, extra: Bag) -> Bag:
    """Members that have no canonical field."""
    bag: Bag = {}
    if (
        record.experimentIds
        is record.filter
        is record.orderBy
        is record.offset
        is record.entity
        is record.completionDetail
        is None
    ):
        return bag
    for name, ours in FIELDS.items():
        value = getattr(record, name)
        if value == "" or value == [] or (type(value) is int and value < 0):
            extra[name] = value
        elif value is not None:
            bag[ours] = value
    completion = record.completionDetail
    if completion is not None:
        odd: Bag = {} if completion.rest is UNSET else dict(completion.rest)
        for name, ours in COMPLETION.items():
            value = getattr(completion, name)
            if value == "" or (type(value) is int and value < 0):
                odd[name] = value
            elif value is not None:
                bag[ours] = value
        if odd or completion == type(completion)():
            extra["completionDetail"] = odd
    return bag


def take_id(attributes: Bag, extra: Bag) -> str | None:
    """The id that wye put into an attribute when it wrote this document."""
    attribute = attributes.get(EVENT_ID)
    if attribute is None:
        return None
    value = plain_value(attribute)
    event_id = value if type(value) is str else text(value_of(attribute))
    if event_id is not None:
        _aside(extra)[EVENT_ID] = attributes.pop(EVENT_ID)
    return event_id


def _aside(extra: Bag) -> Bag:
    """The attributes that are kept as they came."""
    return cast(Bag, extra.setdefault("attributes", {}))


def _keep(extra: Bag, place: tuple[str, ...], value: Json) -> None:
    """Keep a member as it came, at its own place."""
    *outer, member = place
    for one in outer:
        extra = extra.setdefault(one, {})
    extra.setdefault(member, value)


def read_slots(attributes: Bag, facts: dict[str, Any], page: dict[str, str], attrs: Bag, extra: Bag) -> None:
    """Attributes that are canonical fields, those of the ``page`` by themselves, and the free ones. What would be written
    otherwise than it came is kept as well."""
    by_wye = EVENT_ID in extra.get("attributes", ())
    for name, attribute in attributes.items():
        value = plain_value(attribute)
        if value is not None:
            if name not in _KNOWN:
                if name not in attrs and len(name) <= MAX_KEY:
                    attrs[name] = value
                    continue
            elif type(value) is str and _put_text(name, value, facts, page, by_wye):
                continue
        _read_slot(name, attribute, by_wye, facts, page, attrs, extra)


_KNOWN = frozenset((*SLOTS, *MEMBERS))
_TEXTS = {name: slot for name, slot in SLOTS.items() if slot.of_page or slot.read is text}


def _put_text(name: str, value: str, facts: dict[str, Any], page: dict[str, str], by_wye: bool) -> bool:
    """Whether the attribute is a canonical text that is written as it came, and was not there yet."""
    slot = _TEXTS.get(name)
    if slot is None or (name in MEMBERS and not by_wye):
        return False
    into = page if slot.of_page else facts
    if into.get(slot.field) is not None:
        return False
    into[slot.field] = value
    return True


def _read_slot(
    name: str, attribute: Json, by_wye: bool, facts: dict[str, Any], page: dict[str, str], attrs: Bag, extra: Bag
) -> None:
    slot = SLOTS.get(name)
    value = value_of(attribute)
    found = None if slot is None or value is UNSET else slot.read(value)
    if slot is not None and found is not None and facts.get(slot.field) is None:
        (page if slot.of_page else facts)[slot.field] = value = found
    else:
        taken = attrs.get(name) if slot is None else facts.get(slot.field)
        if name in MEMBERS and taken is not None:
            _keep(extra, MEMBERS[name], list(cast(tuple[str, ...], taken)) if type(taken) is tuple else taken)
        if name in attrs:
            value = UNSET  # a member has taken its place
        elif value is not UNSET:
            attrs[name] = value
    if value is UNSET or len(name) > MAX_KEY or (name in MEMBERS and not by_wye) or write_slot(name, value) != attribute:
        _aside(extra)[name] = attribute


_IDS: dict[str, tuple[str, ...]] = {
    "visitor_id": ("visitorId",),
    "session_id": ("sessionId",),
    "user_id": ("userInfo", "userId"),
    "order_id": ("purchaseTransaction", "id"),
}


_OF_WYE = frozenset((MONEY, *_IDS))


def restore(attributes: Bag, facts: dict[str, Any], extra: Bag) -> None:
    """What Google's members have no room for, and lies in attributes of wye's."""
    if not _OF_WYE.isdisjoint(attributes):
        _restore_money(attributes, facts, extra)
        _unhash(attributes, facts, extra)


def _unhash(attributes: Bag, facts: dict[str, Any], extra: Bag) -> None:
    """An id that was too long for Google was sent as its hash, and lies in an attribute."""
    for name, place in _IDS.items():
        original = text(value_of(attributes.get(name)))
        if original is None or sha256(original.encode()).hexdigest() != facts.get(name):
            continue
        _keep(extra, place, facts[name])
        _aside(extra)[name] = attributes.pop(name)
        facts[name] = original


def _restore_money(attributes: Bag, facts: dict[str, Any], extra: Bag) -> None:
    """The amounts as they were, where what stands in their places still is what Google's floats make of them."""
    if MONEY not in attributes:
        return
    for attribute in attributes.values():
        value_of(attribute)  # none is too deep, whichever is taken out
    given = dict(attributes)
    exact = carried(MONEY, attributes)
    if exact is None:
        return
    _aside(extra).update({name: given[name] for name in given.keys() - attributes.keys()})
    try:
        amounts = cast(Bag, parse(exact.encode()))
        items: list[Item] = list(facts["items"] or ())
        for place, value in amounts.items():
            _restore(place.split("."), amount(value), facts, items)
    except (ValueError, LookupError, AttributeError):
        return
    if items:
        facts["items"] = tuple(items)


def _restore(place: list[str], exact: Decimal | None, facts: dict[str, Any], items: list[Item]) -> None:
    if exact is None:
        return
    if place[0] == "productDetails":
        index = int(place[1])
        if _same_float(items[index].unit_price, exact):
            items[index] = structs.replace(items[index], unit_price=exact)
    elif _same_float(facts.get(place[0]), exact):
        facts[place[0]] = exact


def _same_float(held: Decimal | None, exact: Decimal) -> bool:
    return held is not None and in_float32(held) == in_float32(exact)
