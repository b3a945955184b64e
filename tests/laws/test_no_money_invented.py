"""No currency, price or revenue is made up: what the source does not name and the config does not say is not there, and zero is
something else than nothing."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, cast

import pytest

from laws.money_kit import (
    FORMATS,
    ORDERS,
    TOLD,
    VENDORS,
    Bag,
    decoded,
    each_amount,
    each_currency,
    each_origin,
    each_target,
    encoded,
    nothing,
    sample,
)
from samples.payloads import exact, payloads
from wye.event import Event
from wye.fitting import Fitting, FittingEncoder
from wye.message import Payload, Unfit

# ── currencies ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def currencies_in(value: Any) -> set[str]:
    """The currencies that a document names: under such a key, at any depth; or in a key, as ``event_value_in_usd`` does."""
    if type(value) is list:
        return {code for member in cast(list[Any], value) for code in currencies_in(member)}
    if type(value) is not dict:
        return set()
    bag = cast(Bag, value)
    found = {code for member in bag.values() for code in currencies_in(member)}
    for name, member in bag.items():
        if "currency" in name.lower() and type(member) is str:
            found.add(member)
        elif "currency" in name.lower() and type(member) is dict:  # an attribute of Google's, a fact about a user
            found |= {text for text in cast(Bag, member).get("text", [cast(Bag, member).get("value")]) if text}
    return found


def every_sample(origin: str) -> Iterator[tuple[Bag, Event]]:
    """The vendor's samples, and each event in them."""
    for body in payloads(origin).values():
        document: Any = exact(body)
        source: Any = exact(document["data"]) if "ingest_time" in document else document
        yield from ((source, event) for event in FORMATS[origin].inbound.decoder.decode(Payload(body)).events)


@each_target
@each_origin
def test_no_currency_that_neither_the_source_nor_the_config_has_named(origin: str, target: str) -> None:
    configured = FittingEncoder("s", FORMATS[target].outbound.encoder, Fitting(defaults={"currency": "XTS"}), None, {})
    for source, event in every_sample(origin):
        named = currencies_in(source)
        for encoder, allowed in ((FORMATS[target].outbound.encoder, named), (configured, named | {"XTS"})):
            (document,) = encoder.encode([event])
            if isinstance(document, bytes):
                assert currencies_in(exact(document)) <= allowed


@each_currency
@each_amount
@each_target
def test_the_configs_currency_is_for_money_that_has_none(target: str, amount: Decimal, currency: str) -> None:
    for order in ORDERS["richrelevance"](amount, "none"):
        event = decoded("richrelevance", order)
        encoder = FittingEncoder(
            "s", FORMATS[target].outbound.encoder, Fitting(defaults={"currency": currency}), FORMATS[target], {}
        )
        (document,) = encoder.encode([event])
        if isinstance(document, Unfit):
            assert (target, amount) == ("google-retail", 0)
            assert document.reason == "purchaseTransaction.revenue must not be zero"
            continue
        told = TOLD[target](cast(Bag, exact(document)))
        if target == "richrelevance":
            assert told == {"items.unit_price": (amount,), "goods_total": amount}
        elif target == "moloco" and currency == "KWD":
            assert all(map(nothing, told.values()))
        else:
            assert (told["currency"], told["goods_total"]) == (currency, amount)
        if "items.unit_price" in told and currency != "KWD":
            assert told["items.unit_price"] == (amount,)


# ── absent, null, zero ───────────────────────────────────────────────────────────────────────────────────────────────────

ABSENT: Any = object()


def priced(origin: str, price: Any) -> Bag:
    """Something put into a cart, at a price in the vendor's own unit, ``None`` for a null, or ``ABSENT``."""
    if origin == "richrelevance":
        cart = sample(origin, "06-addedToCart")
        return cart | {"addedToCartItems": [_with({"itemId": "a", "quantity": 1}, "priceCents", price)]}
    if origin == "moloco":
        cart = sample(origin, "client-js-test-ADD_TO_CART")
        money = price if price in (None, ABSENT) else {"currency": "EUR", "amount": price}
        bare = {name: value for name, value in cart.items() if name not in ("revenue", "shipping_charge")}
        return bare | {"items": [_with({"id": "a", "quantity": 1}, "price", money)]}
    if origin == "clickstream":
        cart = sample(origin, "docs-web-add_to_cart")
        return cart | {"items": [_with({"id": "a", "quantity": 1, "currency": "EUR"}, "price", price)]}
    cart = sample(origin, "seed-add-to-cart")
    product = {"id": "a", "priceInfo": _with({"currencyCode": "EUR"}, "price", price)}
    return cart | {"productDetails": [{"product": product, "quantity": 1}]}


def _with(bag: Bag, name: str, value: Any) -> Bag:
    return bag if value is ABSENT else bag | {name: value}


def prices_in(value: Any) -> list[Any]:
    """What a document says under the names that the vendors have for a price or an amount."""
    if type(value) is list:
        return [price for member in cast(list[Any], value) for price in prices_in(member)]
    if type(value) is not dict:
        return []
    bag = cast(Bag, value)
    own = [bag[name] for name in ("price", "priceCents", "amount") if name in bag and type(bag[name]) is not dict]
    return own + [price for member in bag.values() for price in prices_in(member)]


WITH_PRICES = [vendor for vendor in VENDORS if vendor != "reelevant"]


@pytest.mark.parametrize("price", [0, None, ABSENT], ids=["zero", "null", "absent"])
@pytest.mark.parametrize("target", WITH_PRICES)
@pytest.mark.parametrize("origin", WITH_PRICES)
def test_a_price_of_zero_is_one_and_no_price_is_none(origin: str, target: str, price: Any) -> None:
    event = decoded(origin, priced(origin, price))
    assert event.items is not None
    assert event.items[0].unit_price == (0 if price == 0 else None)
    document = encoded(event, target)
    assert not isinstance(document, Unfit)
    if origin == target:
        assert prices_in(document) == ([] if price is ABSENT else [price])
    elif (origin, target) == ("richrelevance", "moloco"):
        assert prices_in(document) == []  # to Moloco there is no amount without a currency
    else:
        assert prices_in(document) == ([0] if price == 0 else [])


@pytest.mark.parametrize(
    ("revenue", "reason"),
    [
        (Decimal(0), "purchaseTransaction.revenue must not be zero"),
        (Decimal("0.00"), "purchaseTransaction.revenue must not be zero"),
        (None, "purchaseTransaction.revenue is required for purchase-complete"),
        (ABSENT, "purchaseTransaction.revenue is required for purchase-complete"),
    ],
    ids=str,
)
def test_google_gets_no_revenue_that_there_is_not(revenue: Any, reason: str) -> None:
    order = sample("clickstream", "generator-web-purchase")
    bare = {name: value for name, value in order["attributes"].items() if name != "value"}
    lines = [{"id": "a", "quantity": 1}]
    event = decoded("clickstream", order | {"attributes": _with(bare, "value", revenue), "items": lines})
    assert encoded(event, "google-retail") == Unfit(reason)
