"""Google's custom attributes: what of the event lies in them, and what values they can hold.

An attribute is a list of texts or a list of numbers. A list of one is read as the value itself, and written from it. A text
beyond 256 characters is cut into pieces of that length, and read as one again. A truth value is written as ``"true"`` or
``"false"``, whatever is nested as its JSON, as is a list that would be read as one text in pieces. An empty text and ``null``
cannot be said, and are left out.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from typing import cast

import msgspec
from msgspec import UNSET

from wye.event import Json
from wye.records import TOO_DEEP
from wye.wire import MAX_DEPTH, amount, in_ascii, too_deep
from wye_plugins.google_retail.schema import MAX_TEXT, MAX_VALUES

MAX_KEY = 5_000
"""Characters of a name: UserEvent.attributes in the proto."""

MAX_ID = 128
"""Characters of an id (bytes, for a session's): UserEvent, UserInfo and PurchaseTransaction."""

EXTRA = "wye_extra"
"""Holds what a document of Google's had beyond what Google's API knows, as JSON in pieces."""

MONEY = "wye_money"
"""Holds the exact amounts that a 32-bit float cannot, as JSON in pieces: ``{"purchaseTransaction.revenue":"9999999.99"}``."""

_MAX_DIGITS = 300
_MAX_NUMBER = 10**_MAX_DIGITS

_json = msgspec.json.Encoder(decimal_format="number", order="deterministic")

Bag = dict[str, Json]


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_value(value: Json) -> Bag | None:
    """The attribute for a value, or ``None`` where it cannot be said."""
    if type(value) is str:
        return {"text": pieces(value)} if value else None
    if type(value) is int or type(value) is Decimal:
        return {"numbers": [value]} if _is_number(value) else {"text": pieces(str(value))}
    if type(value) is bool:
        return {"text": ["true" if value else "false"]}
    if type(value) is list and value:
        return _write_list(cast(list[Json], value))
    if value is None or value == [] or value == {}:
        return None
    return {"text": pieces(_json.encode(value).decode())}


def _write_list(values: list[Json]) -> Bag:
    if len(values) <= MAX_VALUES:
        if all(map(_is_number, values)):
            return {"numbers": list(values)}
        plain = all(type(one) is str and 0 < len(one) <= MAX_TEXT for one in values)
        if plain and (len(values) == 1 or joined(values) is None):  # otherwise it would be read as the pieces of one text
            return {"text": list(values)}
    return {"text": pieces(_json.encode(values).decode())}


def read_value(attribute: Json) -> Json:
    """The value of an attribute, or ``UNSET`` where it has none."""
    if type(attribute) is not dict:
        return UNSET
    bag = cast(Bag, attribute)
    texts, numbers = bag.get("text"), bag.get("numbers")
    if type(texts) is list and texts and not numbers:
        whole = joined(cast(list[Json], texts))
        values = cast(list[Json], texts)
        return whole if whole is not None else values if all(type(one) is str for one in values) else UNSET
    if type(numbers) is list and numbers and not texts:
        amounts = [amount(one) if type(one) is str else one for one in cast(list[Json], numbers)]
        found: Json = amounts[0] if len(amounts) == 1 else amounts
        return found if all(map(_is_number, amounts)) else UNSET
    return UNSET


def plain_value(attribute: Json) -> Json:
    """The value of an attribute that is one ordinary text or number, as nearly all are; ``None`` for any other. It is written
    as it was read."""
    if attribute.__class__ is not dict or len(attribute) != 1:
        return None
    texts = attribute.get("text")
    values = attribute.get("numbers") if texts is None else texts
    if values.__class__ is not list or len(values) != 1:
        return None
    value = values[0]
    if texts is None:
        return value if _is_number(value) else None
    return value if type(value) is str and value and len(value) <= MAX_TEXT else None


def value_of(attribute: Json) -> Json:
    """What ``read_value`` gives. Raises ``ValueError`` where the attribute is nested too deeply."""
    value = plain_value(attribute)
    if value is not None:
        return value
    if too_deep(attribute, MAX_DEPTH - 1):
        raise ValueError(TOO_DEEP)
    return read_value(attribute)


def is_attribute(name: str, attribute: Json) -> bool:
    """Whether Google takes it: one kind of values, not too many, no empty text, none too long."""
    if type(attribute) is not dict or len(name) > MAX_KEY:
        return False
    bag = cast(Bag, attribute)
    value = read_value(bag)
    if value is UNSET or not bag.keys() <= {"text", "numbers", "searchable", "indexable"}:
        return False
    if any(type(bag[kind]) is not list for kind in ("text", "numbers") if kind in bag):
        return False
    if any(type(bag[flag]) is not bool for flag in ("searchable", "indexable") if flag in bag):
        return False
    if "searchable" in bag and "numbers" in bag:
        return False
    values = cast(list[Json], bag.get("text") or bag.get("numbers"))
    return len(values) <= MAX_VALUES and all(type(one) is not str or 0 < len(one) <= MAX_TEXT for one in values)


def _is_number(value: Json) -> bool:
    """Whether a 64-bit float has room for it."""
    if type(value) is int:
        return value.bit_length() <= 64 or -_MAX_NUMBER < value < _MAX_NUMBER
    return type(value) is Decimal and value.is_finite() and (value.adjusted() < _MAX_DIGITS or not value)


# ── long texts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def pieces(text: str) -> list[str]:
    """``text`` in pieces that fit, as many as one attribute holds."""
    if len(text) <= MAX_TEXT:
        return [text]
    return [text[start : start + MAX_TEXT] for start in range(0, min(len(text), MAX_TEXT * MAX_VALUES), MAX_TEXT)]


def joined(value: Json) -> str | None:
    """What ``pieces`` took apart, or ``None`` where these are no such pieces."""
    if type(value) is str:
        return value
    if type(value) is not list or not all(type(one) is str for one in cast(list[Json], value)):
        return None
    *whole, last = cast(list[str], value)
    return "".join((*whole, last)) if all(len(one) == MAX_TEXT for one in whole) else None


def carry(name: str, content: Json, bag: Bag) -> None:
    """Put ``content`` into ``bag`` as JSON: into ``name``, and ``name_1`` and so on where it is longer than one holds."""
    text = in_ascii(_json.encode(content))
    room = MAX_TEXT * MAX_VALUES
    for number, start in enumerate(range(0, len(text), room)):
        bag[f"{name}_{number}" if number else name] = {"text": pieces(text[start : start + room])}


def carried(name: str, bag: Bag) -> str | None:
    """Take out of ``bag`` what ``carry`` put there, still as JSON."""
    parts: list[str] = []
    while (part := joined(read_value(bag.get(f"{name}_{len(parts)}" if parts else name)))) is not None:
        del bag[f"{name}_{len(parts)}" if parts else name]
        parts.append(part)
    return "".join(parts) if parts else None


# ── ids ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def short_id(value: str, *, most_bytes: bool = False) -> str:
    """``value``, or its SHA-256 in hex where it is longer than Google takes."""
    length = len(value.encode()) if most_bytes else len(value)
    return value if length <= MAX_ID else sha256(value.encode()).hexdigest()
