"""Free labels that are canonical facts: what they are called, and how a text is made of a fact and a fact of a text.

The vendor knows three labels; any other is the sender's, and a text. What the canonical event has and the vendor has no place
for goes into labels under these names, and is read from labels that are called so.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import Struct

from wye.event import App, Device, Event, Json, Page, UserAttr
from wye.money import is_amount
from wye.values import amount, channel, identity, text
from wye_plugins.reelevant.schema import TYPE_LABEL

Labels = dict[str, Json]

RESERVED = frozenset(("ids", "value", "transId", "id", TYPE_LABEL))
"""Labels that mean something to the vendor, to its Android SDK or to us; no attribute may come to stand in their place."""

EXACT_TOTAL = "goods_total"
"""The label that holds a total of which the vendor's ``value`` has only two decimals."""

ATTRIBUTION = "attribution_token"
"""The label that holds an attribution that is none of the vendor's own."""

USER = "user."
"""How labels begin that are facts about the user."""

VALUE_IS = "value_is"
"""The label that says, as ``grand_total``, that the ``value`` is not the goods' total."""

_TAKEN = RESERVED | {EXACT_TOTAL, VALUE_IS}

_texts = msgspec.json.Decoder(list[str])
_json = msgspec.json.Encoder(decimal_format="number")


class Label(Struct, frozen=True):
    """A label: the fact that is in it, where that belongs, and the ways there and back. ``read`` gives ``None`` for what is no
    such fact, ``write`` for a fact that no text can hold."""

    name: str
    field: str
    read: Callable[[Json], Any]
    write: Callable[[Any], str | None]
    part: Literal["event", "page", "device", "app"] = "event"


def _same(value: str) -> str:
    return value


def _categories(value: Json) -> tuple[str, ...] | None:
    if type(value) is not str or value[:1] != "[":
        return None
    try:
        return tuple(_texts.decode(value)) or None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def plain(value: Decimal) -> str | None:
    """An amount as a text without an exponent, or ``None`` for what is none."""
    return format(value, "f") if is_amount(value) else None


def _label(name: str, field: str = "", part: Literal["event", "page", "device", "app"] = "event") -> Label:
    return Label(name, field or name, text, _same, part)


_EVENT = (
    Label("session_id", "session_id", identity, _same),
    Label("channel", "channel", channel, _same),
    Label("grand_total", "grand_total", amount, plain),
    Label("shipping", "shipping", amount, plain),
    Label("tax", "tax", amount, plain),
    Label("cost", "cost", amount, plain),
    _label("currency"),
    _label("cart_id"),
    _label("search_term", "search_query"),
    _label(ATTRIBUTION, "attribution"),
)
_BRAND = _label("brand")
_CATEGORIES = Label("categories", "categories", _categories, lambda texts: _json.encode(texts).decode())
_AROUND = (
    _label("page_id", "id", "page"),
    _label("page_view_id", "view_id", "page"),
    _label("page_title", "title", "page"),
    _label("referrer", "referrer", "page"),
    _label("device_platform", "platform", "device"),
    _label("device_os", "os", "device"),
    _label("device_os_version", "os_version", "device"),
    _label("device_make", "make", "device"),
    _label("device_model", "model", "device"),
    _label("device_language", "language", "device"),
    _label("device_locale", "locale", "device"),
    _label("device_country", "country", "device"),
    _label("app_title", "title", "app"),
    _label("app_version", "version", "app"),
    _label("app_package", "package", "app"),
)

LABELS = (*_EVENT, _BRAND, _CATEGORIES, *_AROUND)
_BY_NAME = {label.name: label for label in LABELS}

# What an event is about is in its ids; a label of that kind says something else.
_NOT_OF = {"brand_view": _BRAND, "category_view": _CATEGORIES}


class Facts(Struct):
    """What was found in labels: fields of the event, and of the parts of it."""

    event: dict[str, Any] = {}
    page: dict[str, Any] = {}
    device: dict[str, Any] = {}
    app: dict[str, Any] = {}


def read_labels(bag: Labels, kind: str, odd: Labels) -> Facts:
    """The facts in ``bag`` for an event of type ``kind``. Their labels are taken out of it; one that would not be written again
    as it was is kept in ``odd``."""
    facts = Facts()
    for name in _BY_NAME.keys() & bag.keys():
        label = _BY_NAME[name]
        if label is _NOT_OF.get(kind) or (fact := label.read(bag[name])) is None:
            continue
        value = bag.pop(name)
        if type(value) is not str or label.write(fact) != value:
            odd[name] = value
        getattr(facts, label.part)[label.field] = fact
    users = [name for name in bag if name.startswith(USER)]
    if users:
        facts.event["user_attrs"] = {name[len(USER) :]: UserAttr(bag.pop(name)) for name in users}
    return facts


def facts_as_labels(event: Event) -> Labels:
    """The facts of ``event`` that are labels here."""
    labels: Labels = {}
    _put(labels, event, _EVENT)
    if event.brand is not None and event.type != "brand_view":
        labels[_BRAND.name] = event.brand
    if event.categories and event.type != "category_view":
        labels[_CATEGORIES.name] = _CATEGORIES.write(event.categories)
    for part in (event.page, event.device, event.app):
        if part is not None:
            _put(labels, part, _OF_PART[type(part)])
    return labels


_OF_PART: dict[type[Struct], tuple[Label, ...]] = {
    Page: tuple(label for label in _AROUND if label.part == "page"),
    Device: tuple(label for label in _AROUND if label.part == "device"),
    App: tuple(label for label in _AROUND if label.part == "app"),
}


def _put(labels: Labels, holder: Struct, these: tuple[Label, ...]) -> None:
    for label in these:
        fact = getattr(holder, label.field)
        if fact is not None and (text := label.write(fact)) is not None:
            labels[label.name] = text


# ── attributes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def attributes_as_labels(event: Event) -> Labels:
    """The attributes of an event from elsewhere, and those of its user: texts all of them, ``None`` left out.

    A name that would be read as something else gets ``x_`` before it.
    """
    labels: Labels = {}
    for name, value in event.attrs.items():
        _add(labels, name, value)
    for name, attr in event.user_attrs.items():
        if (text := as_text(attr.value)) is not None:
            labels[USER + name] = text
    return labels


def _add(labels: Labels, name: str, value: Json) -> None:
    text = as_text(value)
    if text is None:
        return
    if _is_taken(name, text):
        name = f"x_{name}"
    while name in labels:
        name = f"x_{name}"
    labels[name] = text


def _is_taken(name: str, text: str) -> bool:
    label = _BY_NAME.get(name)
    return name in _TAKEN or name.startswith(USER) or (label is not None and label.read(text) is not None)


def as_text(value: Json) -> str | None:
    """A label's text: numbers as JSON writes them, ``true`` and ``false``, lists and objects as JSON."""
    if value is None or type(value) is str:
        return value
    return str(value) if type(value) is Decimal else _json.encode(value).decode()
