"""One canonical event to one document of Google's, member by member: the way back from ``read``.

Where Google refuses a member in an event of this type (a category on a product page, a cart when something is removed from
it), what it says lies in a custom attribute; so do facts that have no member, such as the brand or the event's id.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import cast

from msgspec import UNSET

from wye.event import CUSTOM, Device, Event, Item, Json, Page
from wye_plugins.google_retail.attributes import MAX_ID, MAX_KEY, MONEY, Bag, carry, pieces, short_id, write_value
from wye_plugins.google_retail.document import Attributes, Detail, Document, Numbers, PriceInfo, Product, Texts, UserInfo
from wye_plugins.google_retail.numbers import is_short
from wye_plugins.google_retail.purchase import UnfitError, check_float, put_known, put_purchase, weigh
from wye_plugins.google_retail.rules import ANYWHERE, EVERYWHERE, allowed, part
from wye_plugins.google_retail.schema import MAX_TEXT, NAMES, SEED_NAMES, VENDOR
from wye_plugins.google_retail.slots import COMPLETION, EVENT_ID, FIELDS, PRICES, SEED_DETAIL, is_carried, write_slot
from wye_plugins.google_retail.times import format_time

_NONE: Bag = {}
_NO_DEVICE = Device()
_NO_PAGE = Page()
_LEAST_INT, _MAX_INT = -(2**63), 2**63 - 1


def name_of(event: Event, wide: bool) -> str | None:
    """What Google calls this type of event, or ``None``. The third-party document (``wide``) lets every name be one."""
    if not wide:
        return NAMES.get(event.type)
    return event.type.removeprefix(CUSTOM) if event.type.startswith(CUSTOM) else SEED_NAMES.get(event.type)


def document_of(event: Event, name: str, wide: bool) -> Document:
    """The document of an event whose type has this ``name``. Raises ``UnfitError``.

    Nearly all events come from another vendor and are ordinary: what is odd has functions of its own.
    """
    own = event.origin.vendor == VENDOR
    keep = own and wide  # as it came
    may = EVERYWHERE if wide else allowed(name)
    came = part(event.extra.get("attributes")) if own else _NONE
    attributes: Attributes = {}
    inexact: Bag = {}
    document = _document(event, name, attributes, keep)
    facts = _facts(event)
    without_member = len(facts)
    _put_members(event, document, facts, may, came)
    if own or event.type == "purchase":
        put_purchase(event, document, facts, may, came, inexact)
        _put_order_id(document.purchase_transaction, attributes, keep)
    else:
        put_known(event, facts)
    if event.items is not None:
        document.product_details = _details(event.items, inexact)
        if wide:
            _put_seed_members(event.items, document.product_details)
    moved = not own or bool(attributes) or len(facts) > without_member
    if event.attrs:
        moved = _put_bag(event.attrs, document, attributes, may, came) or moved
    if moved:
        event_id = event.id
        attributes[EVENT_ID] = Texts((event_id,) if len(event_id) <= MAX_TEXT else pieces(event_id))
    if facts:
        _put_facts(facts, event.attrs, attributes, came)
    if inexact and not own:
        carry(MONEY, inexact, cast(Bag, attributes))
    if attributes:
        document.attributes = attributes
    return document


# ── who ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _document(event: Event, name: str, attributes: Attributes, keep: bool) -> Document:
    """The document with what every event may have. Its visitor is in want of one the user, or the session; an id that is too
    long is sent as its hash, and as it is beside it."""
    time = format_time(event.time_ms, event.time_ns_rest)
    if time is None:
        raise UnfitError(f"eventTime: {event.time_ms} ms is before year 1 or after year 9999")
    user, session = event.user_id or None, event.session_id or None
    visitor = event.visitor_id or user or session
    if visitor is not None and len(visitor) > MAX_ID:
        visitor = _id("visitor_id", visitor, attributes, keep)
    if session is not None and (len(session) > MAX_ID or not session.isascii()):
        session = _id("session_id", session, attributes, keep)
    if user is not None and len(user) > MAX_ID:
        user = _id("user_id", user, attributes, keep)
    device, page = event.device or _NO_DEVICE, event.page or _NO_PAGE
    ip, agent = device.ip, device.user_agent
    info = None if user is None and ip is None and agent is None else UserInfo(user, ip, agent)
    return Document(name, time, visitor, session, info, event.attribution, page.url, page.referrer, page.view_id)


def _id(name: str, value: str, attributes: Attributes, keep: bool) -> str:
    short = value if keep else short_id(value, most_bytes=name == "session_id")
    if short != value:
        attributes[name] = Texts(pieces(value))
    return short


def _put_order_id(purchase: Bag | None, attributes: Attributes, keep: bool) -> None:
    order = None if purchase is None else purchase.get("id")
    if purchase is not None and type(order) is str and len(order) > MAX_ID:
        purchase["id"] = _id("order_id", order, attributes, keep)


# ── what ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _facts(event: Event) -> Bag:
    """The facts that Google has no member for, by the names of their attributes."""
    facts: Bag = {}
    if event.brand is not None:
        facts["brand"] = event.brand
    if event.channel is not None:
        facts["channel"] = event.channel
    page = event.page
    if page is not None:
        if page.id is not None:
            facts["page_id"] = page.id
        if page.title is not None:
            facts["page_title"] = page.title
    if event.goods_total is not None:
        facts["goods_total"] = event.goods_total
    if event.shipping is not None:
        facts["shipping"] = event.shipping
    return facts


def _put_members(event: Event, document: Document, facts: Bag, may: frozenset[str], came: Bag) -> None:
    """Write the members that only some types may have. What Google refuses in this one are facts like others; what ``came`` as
    attributes stays there."""
    cart, query = event.cart_id, event.search_query
    if cart is not None and "cart_id" not in came:
        if "cartId" in may or is_carried(event, "cartId", {"cart_id": cart}):
            document.cart_id = cart
        else:
            facts["cart_id"] = cart
    if query is not None and "search_query" not in came:
        if "searchQuery" in may or is_carried(event, "searchQuery", {"search_query": query}):
            document.search_query = query
        else:
            facts["search_query"] = query
    if event.categories or event.type == "category_view":
        categories = list(_categories(event))
        if categories and "categories" not in came:
            if "pageCategories" in may or is_carried(event, "pageCategories", {"categories": categories}):
                document.page_categories = categories
            else:
                facts["categories"] = categories


def _categories(event: Event) -> tuple[str, ...]:
    """Where ids are those of categories, they are what a page of categories is about."""
    if not event.categories and event.type == "category_view" and event.item_ids_are == "category":
        return tuple(item.id for item in event.items or () if item.id)
    return event.categories


def _details(items: Sequence[Item], inexact: Bag) -> list[Detail]:
    """The products."""
    details: list[Detail] = []
    for item in items:
        price, quantity, attrs = item.unit_price, item.quantity, item.attrs
        if price is not None and not is_short(price):
            weigh(price, "priceInfo.price", f"productDetails.{len(details)}.price", inexact)
        info = None if price is None and item.currency is None else PriceInfo(item.currency, price)
        if attrs and not _PRICES.isdisjoint(attrs):
            info = _with_more_prices(info, attrs)
        product = None if item.id is None and info is None else Product(item.id, info)
        details.append(Detail(product, None if quantity is None else _WHOLE.get(quantity) or _whole(quantity)))
    return details


_PRICES = frozenset(PRICES.values())
_WHOLE = {Decimal(number): number for number in range(1_000)}


def _whole(quantity: Decimal) -> int | None:
    """A quantity as a whole number of 32 bits, if it is one."""
    return int(quantity) if quantity == quantity.to_integral_value() and -(2**31) <= quantity < 2**31 else None


def _with_more_prices(info: PriceInfo | None, attrs: Bag) -> PriceInfo | None:
    given = (attrs.get(ours) for ours in PRICES.values())
    original, cost = (value if type(value) is Decimal or type(value) is int else UNSET for value in given)
    for name, value in (("originalPrice", original), ("cost", cost)):
        if value is not UNSET:
            check_float(f"priceInfo.{name}", Decimal(value))
    if original is UNSET and cost is UNSET:
        return info
    info = info or PriceInfo()
    info.original_price, info.cost = original, cost
    return info


def _put_seed_members(items: Sequence[Item], details: list[Detail]) -> None:
    """What the third-party document adds to a product."""
    for item, detail in zip(items, details, strict=True):
        detail.rating, detail.promotion_id = (item.attrs.get(ours, UNSET) for ours in SEED_DETAIL.values())


# ── the bag ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _put_bag(bag: Bag, document: Document, attributes: Attributes, may: frozenset[str], came: Bag) -> bool:
    """The event's bag: members that are called otherwise here, and attributes. Returns whether a member became an attribute."""
    moved = False
    if not _OURS.isdisjoint(bag):
        bag, moved = _put_members_of_bag(bag, document, may, came)
    if came:  # what came is laid over the document as it came
        bag = {name: value for name, value in bag.items() if name not in came}
    for name, value in bag.items():
        if type(value) is str and 0 < len(value) <= MAX_TEXT and len(name) <= MAX_KEY:
            attributes[name] = Texts((value,))
        elif type(value) is int and _LEAST_INT <= value <= _MAX_INT and len(name) <= MAX_KEY:
            attributes[name] = Numbers((value,))
        elif len(name) <= MAX_KEY:
            attribute = write_value(value)
            if attribute is not None:
                attributes[name] = attribute
    return moved


_OURS = frozenset((*FIELDS.values(), *COMPLETION.values()))


def _put_members_of_bag(bag: Bag, document: Document, may: frozenset[str], came: Bag) -> tuple[Bag, bool]:
    """Write the members; returns what is left, and whether Google refuses one of these."""
    left = dict(bag)
    moved = False
    for name, ours in FIELDS.items():
        if ours not in left or ours in came or not _is_member(name, left[ours]):
            continue
        if name in may or name in ANYWHERE:
            setattr(document, _PLACES[name], left.pop(ours))
        else:
            moved = True
    completion = {
        name: left.pop(ours)
        for name, ours in COMPLETION.items()
        if ours in left and ours not in came and _is_member(name, left[ours])
    }
    if completion:
        document.completion_detail = completion
    return left, moved


_PLACES = {wire: name for name, wire in zip(Document.__struct_fields__, Document.__struct_encode_fields__, strict=True)}


def _is_member(name: str, value: Json) -> bool:
    """Whether a member can be this value."""
    if name == "experimentIds":
        return type(value) is list and all(type(one) is str for one in cast(list[Json], value))
    if name in ("offset", "selectedPosition"):
        return type(value) is int and 0 <= value < 2**31
    return type(value) is str


def _put_facts(facts: Bag, bag: Bag, attributes: Attributes, came: Bag) -> None:
    """The attributes of canonical fields that have no member, or not in this type of event."""
    if came:
        facts = {name: value for name, value in facts.items() if name not in came}
    for name, value in facts.items():
        if type(value) is str and 0 < len(value) <= MAX_TEXT:
            attribute = Texts((value,))
        elif type(value) is Decimal and is_short(value):
            attribute = Numbers((value,))
        else:
            attribute = write_slot(name, value)
            if attribute is None:
                continue
        if name in bag and name in attributes:
            attributes[f"attrs_{name}"] = attributes[name]
        attributes[name] = attribute
