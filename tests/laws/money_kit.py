"""Orders of every vendor with the money replaced, and what a vendor's document says of money at the places which that vendor
documents: read here, not with wye's decoders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, cast

import pytest

from samples.payloads import exact, payloads, written
from wye.event import Event
from wye.fidelity.formats import all_formats
from wye.message import Payload, Unfit
from wye.registry import load

Bag = dict[str, Any]

FORMATS = {one.name: one for one in all_formats(load())}
VENDORS = sorted(FORMATS)
AMOUNTS = [Decimal(text) for text in ("1599.97", "9999999.99", "0", "1.234", "1234")]
CURRENCIES = ["EUR", "KWD", "JPY"]

TOTALS = ("goods_total", "grand_total", "shipping", "tax", "cost")
MONEY = ("items.unit_price", "items.currency", "currency", *TOTALS)

each_origin = pytest.mark.parametrize("origin", VENDORS)
each_target = pytest.mark.parametrize("target", VENDORS)
each_amount = pytest.mark.parametrize("amount", AMOUNTS, ids=str)
each_currency = pytest.mark.parametrize("currency", CURRENCIES)


def sample(vendor: str, name: str) -> Bag:
    return cast(Bag, exact(payloads(vendor)[name]))


# ── what goes in: an order of each vendor, with one amount in every place it has ─────────────────────────────────────────


def _richrelevance(amount: Decimal, currency: str) -> Iterator[Bag]:
    if amount * 100 == int(amount * 100):
        order = sample("richrelevance", "07-order")
        yield order | {"orders": [{"itemId": "item123", "priceCents": int(amount * 100), "quantity": 1}]}


def _moloco(amount: Decimal, currency: str) -> Iterator[Bag]:
    order = sample("moloco", "connector-PURCHASE")
    money = {"currency": currency, "amount": amount}
    line = order["items"][0] | {"price": money, "quantity": 1}
    yield order | {"items": [line], "revenue": money, "shipping_charge": money}


def _reelevant(amount: Decimal, currency: str) -> Iterator[Bag]:
    order = sample("reelevant", "docs-reference-s2s-purchase-shape")
    labels = dict.fromkeys(("grand_total", "shipping", "tax", "cost"), str(amount))
    data = order["data"] | labels | {"value": amount, "currency": currency}
    yield order | {"data": data}
    yield order | {"name": "product_page", "data": data}


def _clickstream(amount: Decimal, currency: str) -> Iterator[Bag]:
    order = sample("clickstream", "generator-web-purchase")
    line = order["items"][0] | {"price": amount, "currency": currency, "quantity": 1}
    totals = dict.fromkeys(("value", "grand_total", "shipping", "tax", "cost"), amount)
    yield order | {"items": [line], "attributes": order["attributes"] | totals | {"currency": currency}}
    bare = {name: value for name, value in order["attributes"].items() if name not in ("value", "currency")}
    yield order | {"items": [line], "attributes": bare, "event_value": amount, "event_value_currency": currency}
    yield order | {"items": [line], "attributes": bare | {"value": amount}}  # only the line says which currency it is


def _google_retail(amount: Decimal, currency: str) -> Iterator[Bag]:
    order = sample("google-retail", "seed-purchase-complete")
    product = {"id": "laptop-456", "priceInfo": {"price": amount, "currencyCode": currency}}
    purchase = {"id": "txn-12345", "revenue": amount, "tax": amount, "cost": amount, "currencyCode": currency}
    yield order | {"productDetails": [{"product": product, "quantity": 1}], "purchaseTransaction": purchase}


ORDERS: dict[str, Callable[[Decimal, str], Iterator[Bag]]] = {
    "richrelevance": _richrelevance,
    "moloco": _moloco,
    "reelevant": _reelevant,
    "clickstream": _clickstream,
    "google-retail": _google_retail,
}


def decoded(origin: str, document: Bag) -> Event:
    result = FORMATS[origin].inbound.decoder.decode(Payload(written(document), received_ms=1_700_000_000_000))
    assert not result.failures
    return result.events[0]


def encoded(event: Event, target: str) -> Bag | Unfit:
    (document,) = FORMATS[target].outbound.encoder.encode([event])
    return document if isinstance(document, Unfit) else cast(Bag, exact(document))


# ── what comes out, at the places that the vendors document ──────────────────────────────────────────────────────────────


def _told_by_richrelevance(document: Bag) -> Bag:
    lines: list[Bag] = document.get("orders", [])
    prices = tuple(None if (cents := line.get("priceCents")) is None else Decimal(cents) / 100 for line in lines)
    amounts = [price * line["quantity"] for price, line in zip(prices, lines, strict=True) if price is not None]
    return {"items.unit_price": prices, "goods_total": sum(amounts) if lines and len(amounts) == len(lines) else None}


def _told_by_moloco(document: Bag) -> Bag:
    nothing: Bag = {}
    revenue, shipping = document.get("revenue", nothing), document.get("shipping_charge", nothing)
    prices: list[Bag] = [line.get("price", nothing) for line in document.get("items", [])]
    return {
        "items.unit_price": tuple(price.get("amount") for price in prices),
        "items.currency": tuple(price.get("currency") for price in prices),
        "currency": revenue.get("currency", shipping.get("currency")),
        "goods_total": revenue.get("amount"),
        "shipping": shipping.get("amount"),
    }


def _told_by_reelevant(document: Bag) -> Bag:
    labels: Bag = document["data"]
    texts = {name: Decimal(labels[name]) for name in ("grand_total", "shipping", "tax", "cost") if name in labels}
    total = Decimal(labels["goods_total"]) if "goods_total" in labels else labels.get("value")
    return {"currency": labels.get("currency"), "goods_total": total, **texts}


def _told_by_clickstream(document: Bag) -> Bag:
    attributes: Bag = document.get("attributes", {})
    items: list[Bag] = document.get("items", [])
    return {
        "items.unit_price": tuple(item.get("price") for item in items),
        "items.currency": tuple(item.get("currency") for item in items),
        "currency": document.get("event_value_currency", attributes.get("currency")),
        "goods_total": document.get("event_value", attributes.get("value")),
        **{name: attributes.get(name) for name in TOTALS[1:]},
    }


def _told_by_google_retail(document: Bag) -> Bag:
    purchase: Bag = document.get("purchaseTransaction", {})
    prices: list[Bag] = [one["product"].get("priceInfo", {}) for one in document.get("productDetails", [])]
    attributes: Bag = document.get("attributes", {})
    members = {"currency": "currencyCode", "grand_total": "revenue", "tax": "tax", "cost": "cost"}
    return {
        "items.unit_price": tuple(price.get("price") for price in prices),
        "items.currency": tuple(price.get("currencyCode") for price in prices),
        **{name: _attribute(attributes[name]) for name in ("currency", *TOTALS) if name in attributes},
        **{leaf: purchase[name] for leaf, name in members.items() if name in purchase},
    }


def _attribute(attribute: Bag) -> Any:
    """The value of a custom attribute; an amount may be a text."""
    value = attribute["numbers"][0] if "numbers" in attribute else attribute["text"][0]
    return value if type(value) is not str or value.isalpha() else Decimal(value)


TOLD: dict[str, Callable[[Bag], Bag]] = {
    "richrelevance": _told_by_richrelevance,
    "moloco": _told_by_moloco,
    "reelevant": _told_by_reelevant,
    "clickstream": _told_by_clickstream,
    "google-retail": _told_by_google_retail,
}


def nothing(value: Any) -> bool:
    return value is None or (type(value) is tuple and all(one is None for one in cast(tuple[Any, ...], value)))
