"""One canonical event to one document of Google's, member by member: the way back from ``read``.

Where Google refuses a member in an event of this type (a category on a product page, a cart when something is removed from
it), what it says lies in a custom attribute; so do facts that have no member, such as the brand or the event's id.
"""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from wye.event import CUSTOM, Device, Event, Item, Json, Page
from wye_plugins.google_retail.attributes import MAX_KEY, Bag, pieces, short_id, write_value
from wye_plugins.google_retail.purchase import UnfitError, check_float, say_exactly, write_purchase
from wye_plugins.google_retail.rules import ANYWHERE, EVERYWHERE, MAX_CHARACTERS, MAX_USER_AGENT, allowed, is_address, part
from wye_plugins.google_retail.schema import NAMES, SEED_NAMES, VENDOR
from wye_plugins.google_retail.slots import COMPLETION, EVENT_ID, FIELDS, PRICES, SEED_DETAIL, is_carried, write_slot
from wye_plugins.google_retail.times import format_time

_NO_PAGE = Page()
_NO_DEVICE = Device()


def name_of(event: Event, *, wide: bool) -> str | None:
    """What Google calls this type of event, or ``None``. The third-party document (``wide``) lets every name be one."""
    if not wide:
        return NAMES.get(event.type)
    return event.type.removeprefix(CUSTOM) if event.type.startswith(CUSTOM) else SEED_NAMES.get(event.type)


def document_of(event: Event, name: str, *, wide: bool) -> Bag:
    """The document of an event whose type has this ``name``. Raises ``UnfitError``."""
    may = EVERYWHERE if wide else allowed(name)
    own = event.origin.vendor == VENDOR
    time = format_time(event.time_ms, event.time_ns_rest)
    if time is None:
        raise UnfitError(f"eventTime: {event.time_ms} ms is before year 1 or after year 9999")
    attributes: Bag = {}
    document: Bag = {"eventType": name, "eventTime": time}
    keep = wide and own  # as it came
    _identities(event, document, attributes, keep=keep)
    own_attributes = part(event.extra.get("attributes")) if own else {}
    left = _members(event, document, may, own_attributes)
    purchase = part(document.get("purchaseTransaction"))
    if type(purchase.get("id")) is str:
        purchase["id"] = _id("order_id", purchase["id"], attributes, keep=keep)
    hashed = bool(attributes)
    if event.items is not None:
        document["productDetails"] = [_detail(item, wide=wide) for item in event.items]
    moved = _bag(event, document, attributes, may | ANYWHERE, own_attributes) or bool(left) or hashed
    if moved or not own:
        attributes[EVENT_ID] = {"text": pieces(event.id)}
    _slots(event, attributes, left, own_attributes)
    if not own:
        say_exactly(event, document, attributes)
    if attributes:
        document["attributes"] = attributes
    return document


def cut(document: Bag) -> Bag:
    """Cut context that is longer than Google takes at the limit, leave out an address that is none; returns what that was."""
    whole: Bag = {}
    for name, most in MAX_CHARACTERS.items():
        value = document.get(name)
        if type(value) is str and len(value) > most:
            whole[name], document[name] = value, value[:most]
    user = part(document.get("userInfo"))
    whole_user: Bag = {}
    agent = user.get("userAgent")
    if type(agent) is str and len(agent) > MAX_USER_AGENT:
        whole_user["userAgent"], user["userAgent"] = agent, agent[:MAX_USER_AGENT]
    if not is_address(user.get("ipAddress")):
        whole_user["ipAddress"] = user.pop("ipAddress")
        if not user:
            del document["userInfo"]
    return {**whole, "userInfo": whole_user} if whole_user else whole


# ── who ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _identities(event: Event, document: Bag, attributes: Bag, *, keep: bool) -> None:
    """The visitor, or in want of one the user, or the session. What is too long is sent as its hash, and as it is beside it."""
    visitor = event.visitor_id or event.user_id or event.session_id
    if visitor:
        document["visitorId"] = _id("visitor_id", visitor, attributes, keep=keep)
    if event.session_id:
        document["sessionId"] = _id("session_id", event.session_id, attributes, keep=keep)
    device = event.device or _NO_DEVICE
    user: Bag = {}
    if event.user_id:
        user["userId"] = _id("user_id", event.user_id, attributes, keep=keep)
    if device.ip is not None:
        user["ipAddress"] = device.ip
    if device.user_agent is not None:
        user["userAgent"] = device.user_agent
    if user:
        document["userInfo"] = user


def _id(name: str, value: str, attributes: Bag, *, keep: bool) -> str:
    short = value if keep else short_id(value, most_bytes=name == "session_id")
    if short != value:
        attributes[name] = {"text": pieces(value)}
    return short


# ── what ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _members(event: Event, document: Bag, may: frozenset[str], came_as_attributes: Bag) -> Bag:
    """Write the members that Google has; returns what it refuses in this type of event, by the name of its attribute."""
    page = event.page or _NO_PAGE
    for name, value in (
        ("attributionToken", event.attribution),
        ("uri", page.url),
        ("referrerUri", page.referrer),
        ("pageViewId", page.view_id),
    ):
        if value is not None:
            document[name] = value
    left: Bag = {}
    for name, ours, value in (
        ("cartId", "cart_id", event.cart_id),
        ("searchQuery", "search_query", event.search_query),
        ("pageCategories", "categories", list(_categories(event)) or None),
    ):
        if value is None or ours in came_as_attributes:
            continue
        if name in may or is_carried(event, name, {ours: value}):
            document[name] = value
        else:
            left[ours] = value
    write_purchase(event, document, left, may, came_as_attributes)
    return left


def _categories(event: Event) -> tuple[str, ...]:
    """Where ids are those of categories, they are what a page of categories is about."""
    if not event.categories and event.type == "category_view" and event.item_ids_are == "category":
        return tuple(item.id for item in event.items or () if item.id)
    return event.categories


def _detail(item: Item, *, wide: bool) -> Bag:
    detail: Bag = {}
    product: Bag = {} if item.id is None else {"id": item.id}
    price = _price(item)
    if price:
        product["priceInfo"] = price
    if product:
        detail["product"] = product
    quantity = item.quantity
    if quantity is not None and quantity == quantity.to_integral_value() and -(2**31) <= quantity < 2**31:
        detail["quantity"] = int(quantity)
    if wide:
        for name, ours in SEED_DETAIL.items():
            if ours in item.attrs:
                detail[name] = item.attrs[ours]
    return detail


def _price(item: Item) -> Bag:
    price: Bag = {} if item.currency is None else {"currencyCode": item.currency}
    if item.unit_price is not None:
        price["price"] = item.unit_price
    for name, ours in PRICES.items():
        value = item.attrs.get(ours)
        if type(value) is Decimal or type(value) is int:
            price[name] = value
    for name, value in price.items():
        if name != "currencyCode":
            check_float(f"priceInfo.{name}", Decimal(value))
    return price


# ── the bag ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _bag(event: Event, document: Bag, attributes: Bag, may: frozenset[str], own_attributes: Bag) -> bool:
    """The event's bag: members that are called otherwise here, and attributes. Returns whether a member became an attribute."""
    if not event.attrs:
        return False
    left = dict(event.attrs)
    moved = False
    for name, ours in FIELDS.items():
        if ours not in left or ours in own_attributes or not _is_member(name, left[ours]):
            continue
        if name in may:
            document[name] = left.pop(ours)
        else:
            moved = True
    completion = {
        name: left.pop(ours)
        for name, ours in COMPLETION.items()
        if ours in left and ours not in own_attributes and _is_member(name, left[ours])
    }
    if completion:
        document["completionDetail"] = completion
    for name, value in left.items():
        if name in own_attributes:
            continue  # it is laid over the document as it came
        attribute = write_value(value) if len(name) <= MAX_KEY else None
        if attribute is not None:
            attributes[name] = attribute
    return moved


def _is_member(name: str, value: Json) -> bool:
    """Whether a member can be this value."""
    if name == "experimentIds":
        return type(value) is list and all(type(one) is str for one in cast(list[Json], value))
    if name in ("offset", "selectedPosition"):
        return type(value) is int and 0 <= value < 2**31
    return type(value) is str


def _slots(event: Event, attributes: Bag, left: Bag, own_attributes: Bag) -> None:
    """The attributes of canonical fields that have no member, or not in this type of event."""
    page = event.page or _NO_PAGE
    facts: Bag = {
        "brand": event.brand,
        "channel": event.channel,
        "page_id": page.id,
        "page_title": page.title,
        "goods_total": event.goods_total,
        "shipping": event.shipping,
        **left,
    }
    for name, value in facts.items():
        attribute = None if value is None or name in own_attributes else write_slot(name, value)
        if attribute is not None:
            if name in attributes and name in event.attrs:
                attributes[f"attrs_{name}"] = attributes[name]
            attributes[name] = attribute
