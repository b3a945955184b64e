"""What the tests of Google Retail share: Google's own parser as the judge, and its rules as its documentation has them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, cast

from google.cloud import retail_v2  # pyright: ignore[reportMissingTypeStubs]
from google.protobuf import json_format

from plugins.vendor_kit import read_body, read_one
from samples.payloads import exact, payloads, same
from wye.event import Event
from wye.message import Unfit
from wye_plugins.google_retail.decode import GoogleRetailDecoder
from wye_plugins.google_retail.encode import GoogleRetailEncoder

SAMPLES = payloads("google-retail")
NOW_MS = 1_700_000_000_000
PARENT = "projects/shop/locations/global/catalogs/default_catalog"

decoder = GoogleRetailDecoder()
api = GoogleRetailEncoder(PARENT)
seed = GoogleRetailEncoder(PARENT, "seed")

_message: Any = cast(Any, retail_v2.UserEvent).pb()


decode = partial(read_body, decoder, received_ms=NOW_MS)
one = partial(read_one, decoder, received_ms=NOW_MS)


def written(event: Event, encoder: GoogleRetailEncoder = api) -> Any:
    """The document of an event; with the spelling of the API it has been before the judge."""
    (document,) = encoder.encode([event])
    assert isinstance(document, bytes), document
    if encoder is not seed:
        judge(document)
    return exact(document)


def unfit(event: Event, encoder: GoogleRetailEncoder = api) -> Unfit:
    (document,) = encoder.encode([event])
    assert isinstance(document, Unfit), document
    return document


# ── the judge ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_MAY_HAVE = {
    "purchase_transaction": {"purchase-complete"},
    "search_query": {"search"},
    "order_by": {"search"},
    "offset": {"search"},
    "page_categories": {"search", "category-page-view"},
    "cart_id": {"add-to-cart", "purchase-complete", "shopping-cart-page-view"},
}
_TYPES = {
    "add-to-cart",
    "remove-from-cart",
    "category-page-view",
    "detail-page-view",
    "home-page-view",
    "purchase-complete",
    "search",
    "shopping-cart-page-view",
}


def judge(document: bytes) -> Any:
    """The message that Google's own parser makes of ``document``. Raises ``AssertionError`` where a rule of UserEvent's
    documentation is broken, ``ParseError`` where it is none."""
    message = json_format.Parse(document, _message())
    broken = list(_broken(message))
    assert not broken, broken
    return message


def _broken(event: Any) -> Iterable[str]:
    kind = event.event_type
    yield from (f"{name} at {kind}" for name, types in _MAY_HAVE.items() if _is_set(event, name) and kind not in types)
    needs_products = kind in ("add-to-cart", "detail-page-view", "purchase-complete")
    needs_quantity = kind in ("add-to-cart", "purchase-complete")
    purchase = event.purchase_transaction
    checks = {
        "event_type": kind in _TYPES,
        "visitor_id": 0 < len(event.visitor_id) <= 128,
        "session_id": len(event.session_id.encode()) <= 128,
        "event_time": event.HasField("event_time"),
        "product_details": bool(event.product_details) or not needs_products,
        "product id": all(detail.product.id for detail in event.product_details),
        "quantity": not needs_quantity or all(detail.HasField("quantity") for detail in event.product_details),
        "revenue": kind != "purchase-complete" or purchase.revenue != 0,
        "currency": kind != "purchase-complete" or len(purchase.currency_code) == 3,
        "transaction id": len(purchase.id) <= 128,
        "search": kind != "search" or bool(event.search_query or event.page_categories),
        "categories": kind != "category-page-view" or bool(event.page_categories),
        "search_query": len(event.search_query) <= 5000,
        "filter": len(event.filter) <= 1000,
        "order_by": len(event.order_by) <= 1000,
        "offset": event.offset >= 0,
        "uri": len(event.uri) <= 5000,
        "user_id": len(event.user_info.user_id) <= 128,
        "user_agent": len(event.user_info.user_agent) <= 1000,
    }
    yield from (name for name, kept in checks.items() if not kept)
    yield from (f"attribute {name}" for name, attribute in event.attributes.items() if not _is_attribute(name, attribute))


def _is_set(event: Any, name: str) -> bool:
    return event.HasField(name) if name == "purchase_transaction" else bool(getattr(event, name))


def _is_attribute(name: str, attribute: Any) -> bool:
    texts, numbers = list(attribute.text), list(attribute.numbers)
    return (
        len(name) <= 5000
        and bool(texts) != bool(numbers)
        and len(texts) <= 400
        and len(numbers) <= 400
        and all(0 < len(text) <= 256 for text in texts)
    )


__all__ = [
    "NOW_MS",
    "PARENT",
    "SAMPLES",
    "api",
    "decode",
    "decoder",
    "exact",
    "judge",
    "one",
    "same",
    "seed",
    "unfit",
    "written",
]
