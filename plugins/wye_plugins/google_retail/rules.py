"""Google's rules for an event: what its type has to have and must not have, and how long things may be.

All from the documentation of UserEvent, ProductDetail, PurchaseTransaction and UserInfo in the API's proto; whoever breaks one
is answered INVALID_ARGUMENT.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from decimal import Decimal
from typing import cast

from msgspec import UNSET

from wye.event import Json
from wye.remember import remembered
from wye.wire import amount
from wye_plugins.google_retail.attributes import MAX_ID, Bag
from wye_plugins.google_retail.document import Document
from wye_plugins.google_retail.numbers import in_float32, is_int32, is_short
from wye_plugins.google_retail.schema import NAMES, SEED_ONLY

_CART = frozenset(("cartId",))
_CATEGORIES = frozenset(("pageCategories",))
_SEARCH = frozenset(("searchQuery", "orderBy", "offset", "pageCategories"))
EVERYWHERE = frozenset(("purchaseTransaction", *_CART, *_SEARCH))
"""The members that only some types of events may have."""

ANYWHERE = frozenset(("experimentIds", "filter", "entity"))
"""Members without a canonical field that every type may have."""

_MAY: dict[str, frozenset[str]] = {
    "add-to-cart": _CART,
    "shopping-cart-page-view": _CART,
    "purchase-complete": _CART | {"purchaseTransaction"},
    "search": _SEARCH,
    "category-page-view": _CATEGORIES,
}
_NOTHING: frozenset[str] = frozenset()

NEEDS_PRODUCTS = frozenset(("add-to-cart", "detail-page-view", "purchase-complete"))
NEEDS_QUANTITIES = frozenset(("add-to-cart", "purchase-complete"))

MAX_QUERY = 5_000
MAX_URI = 5_000
MAX_CHARACTERS: dict[str, int] = {
    "visitorId": MAX_ID,
    "searchQuery": MAX_QUERY,
    "filter": 1_000,
    "orderBy": 1_000,
    "uri": MAX_URI,
}
MAX_USER_AGENT = 1_000


def allowed(name: str) -> frozenset[str]:
    """The members, of those that not every type has, that an event of this name may have."""
    return _MAY.get(name, _NOTHING)


def missing(document: Bag) -> str | None:
    """What Google requires of this event and it does not have, in a sentence; ``None`` where there is nothing missing."""
    return next(_missing(document, document["eventType"]), None)


def _missing(document: Bag, name: str) -> Iterator[str]:
    if not document.get("visitorId"):
        yield "visitorId is required, and there is no visitor, user or session"
    yield from _products(document, name)
    if name == "purchase-complete":
        yield from _purchase(document)
    if name == "category-page-view" and not document.get("pageCategories"):
        yield "pageCategories is required for category-page-view"
    if name == "search" and not document.get("searchQuery") and not document.get("pageCategories"):
        yield "searchQuery or pageCategories is required for search"


def _products(document: Bag, name: str) -> Iterator[str]:
    details = document.get("productDetails")
    if not details and name in NEEDS_PRODUCTS:
        yield f"productDetails is required for {name}"
    for place, detail in enumerate(map(part, cast(list[Json], details if type(details) is list else ()))):
        product_id = part(detail.get("product")).get("id")
        if not product_id or type(product_id) is not str:
            yield f"productDetails[{place}].product.id is required"
        if name in NEEDS_QUANTITIES and not is_int32(detail.get("quantity")):
            yield f"productDetails[{place}].quantity is required for {name}, as a whole number"


def _purchase(document: Bag) -> Iterator[str]:
    purchase = part(document.get("purchaseTransaction"))
    revenue = amount(purchase.get("revenue"))
    if revenue is None:
        yield "purchaseTransaction.revenue is required for purchase-complete"
    elif not in_float32(revenue):
        yield "purchaseTransaction.revenue must not be zero"
    currency = purchase.get("currencyCode")
    if not currency:
        yield "purchaseTransaction.currencyCode is required for purchase-complete"
    elif type(currency) is not str or not is_currency(currency):
        yield "purchaseTransaction.currencyCode must be a three-letter code of ISO 4217"


def is_currency(text: str) -> bool:
    """Three letters. Which of them are currencies changes, and is Google's business."""
    return len(text) == 3 and text.isascii() and text.isalpha()


def is_plain(document: Document) -> bool:
    """Whether it plainly has what Google requires and nothing that is too long, as nearly every event. Where not, ``missing``
    and ``cut`` know more."""
    if not document.visitor_id or document.filter is not UNSET or document.order_by is not UNSET:
        return False
    uri, query, user = document.uri, document.search_query, document.user_info
    if (uri is not None and len(uri) > MAX_URI) or (query is not None and len(query) > MAX_QUERY):
        return False
    if user is not None:
        ip, agent = user.ip_address, user.user_agent
        if (ip is not None and not is_address(ip)) or (agent is not None and len(agent) > MAX_USER_AGENT):
            return False
    name, details = document.event_type, document.product_details
    if details:
        for detail in details:
            product = detail.product
            if product is None or not product.id or (detail.quantity is None and name in NEEDS_QUANTITIES):
                return False
    elif name in NEEDS_PRODUCTS:
        return False
    if name == "purchase-complete":
        return _is_plain_purchase(document.purchase_transaction or {})
    return not ((name == "search" and not query) or (name == "category-page-view" and not document.page_categories))


def _is_plain_purchase(purchase: Bag) -> bool:
    revenue, currency = purchase.get("revenue"), purchase.get("currencyCode")
    return type(revenue) is Decimal and bool(revenue) and is_short(revenue) and type(currency) is str and is_currency(currency)


def too_long(document: Bag) -> str | None:
    """The first limit that this event breaks, in a sentence; ``None`` where it keeps them all."""
    return next(_too_long(document), None)


def _too_long(document: Bag) -> Iterator[str]:
    for name, most in MAX_CHARACTERS.items():
        if _length(document.get(name)) > most:
            yield f"{name} is longer than {most:,} characters"
    if _length_bytes(document.get("sessionId")) > MAX_ID:
        yield f"sessionId is longer than {MAX_ID} bytes"
    user = part(document.get("userInfo"))
    if _length(user.get("userId")) > MAX_ID:
        yield f"userInfo.userId is longer than {MAX_ID} characters"
    if _length(user.get("userAgent")) > MAX_USER_AGENT:
        yield f"userInfo.userAgent is longer than {MAX_USER_AGENT:,} characters"
    if not is_address(user.get("ipAddress")):
        yield "userInfo.ipAddress is neither an IPv4 nor an IPv6 address"
    purchase = part(document.get("purchaseTransaction"))
    if _length(purchase.get("id")) > MAX_ID:
        yield f"purchaseTransaction.id is longer than {MAX_ID} characters"
    if _is_negative(document.get("offset")):
        yield "offset is negative"


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


def part(value: Json) -> Bag:
    """The members of an object; none where it is none."""
    return cast(Bag, value) if type(value) is dict else {}


def _length(value: Json) -> int:
    return len(value) if type(value) is str else 0


def _length_bytes(value: Json) -> int:
    return len(value.encode()) if type(value) is str else 0


def _is_negative(value: Json) -> bool:
    found = amount(value)
    return found is not None and found < Decimal(0)


def is_address(value: Json) -> bool:
    """Whether Google takes it for an address; it takes none too."""
    return not value or (type(value) is str and _is_address(value))


@remembered(4096)
def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def forbidden(document: Bag) -> list[str]:
    """The members that an event of this type must not have. What is empty is not there, to Google; an empty object is."""
    may = allowed(document["eventType"])
    return [name for name in sorted(EVERYWHERE - may) if is_set(document.get(name))]


def is_set(value: Json) -> bool:
    return value is not None and value not in ("", [], 0)


def is_known(name: str, *, wide: bool) -> bool:
    """Whether an event of this name is taken; ``wide`` adds the names of the third-party document."""
    return name in _BY_GOOGLE or (wide and name in SEED_ONLY)


_BY_GOOGLE = frozenset(NAMES.values())
