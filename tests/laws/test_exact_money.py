"""Money goes through every pair as it was, or the measurement says what became of it. The documents are the vendors' own
samples with the money replaced."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import pytest
from google.cloud import retail_v2  # pyright: ignore[reportMissingTypeStubs]
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from laws.money_kit import (
    CURRENCIES,
    FORMATS,
    MONEY,
    ORDERS,
    TOLD,
    TOTALS,
    VENDORS,
    decoded,
    each_amount,
    each_currency,
    each_origin,
    each_target,
    encoded,
    nothing,
)
from laws.test_laws import EXAMPLES, laws
from samples.payloads import written
from wye.event import Event
from wye.fidelity import Difference, leaves, measure
from wye.message import Payload, Unfit

HAS_A_PLACE_FOR: dict[str, set[str]] = {
    "moloco": {"items.unit_price", "items.currency", "currency", "goods_total", "shipping"},
    "reelevant": {"currency", *TOTALS},
    "clickstream": set(MONEY),
    "google-retail": set(MONEY),
}

# RichRelevance's cents are read up to 10^18.
amounts = st.decimals(0, 10**12, places=4) | st.decimals(0, 10**7, places=2) | st.integers(0, 10**15).map(Decimal)


@each_currency
@each_amount
@each_target
@each_origin
def test_money_arrives_as_it_was_or_what_became_of_it_is_said(origin: str, target: str, amount: Decimal, currency: str) -> None:
    check(origin, target, amount, currency)


@each_target
@each_origin
@settings(laws, max_examples=max(10, EXAMPLES // len(VENDORS) ** 2))
@given(amount=amounts, currency=st.sampled_from(CURRENCIES))
def test_so_does_any_amount(origin: str, target: str, amount: Decimal, currency: str) -> None:
    check(origin, target, amount, currency)


def check(origin: str, target: str, amount: Decimal, currency: str) -> None:
    """Every order of the source with this amount, in the target's format, against what the measurement says of it."""
    for order in ORDERS[origin](amount, currency):
        event = decoded(origin, order)
        had = {leaf: value for leaf, value in leaves(event).items() if leaf in MONEY}
        assert {amount} == {value for leaf, value in had.items() if leaf in TOTALS}
        document = encoded(event, target)
        if isinstance(document, Unfit):
            assert target == "google-retail"
            assert document.reason == refused_by_google(origin, amount)
            continue
        found = measure(event, FORMATS[target])
        assert not isinstance(found, Unfit)
        fates = {one.leaf: one for one in found if one.leaf in MONEY}
        told = TOLD[target](document)
        for leaf, value in had.items():
            assert_said(fates[leaf], value, told.get(leaf))
            if origin == target or has_room(target, leaf, event, value):
                assert fates[leaf].kind == "kept"
        for leaf, value in told.items():
            if leaf not in had and not nothing(value):
                assert fates[leaf].kind not in ("kept", "lost")
                assert fates[leaf].after == value
        codes = {code for code in (told.get("currency"), *told.get("items.currency", ())) if code is not None}
        assert codes <= ({currency} if origin != "richrelevance" else set())


def assert_said(fate: Difference, value: Any, told: Any) -> None:
    """What the vendor's document tells is what the measurement says of it."""
    if told == value:
        assert fate.kind == "kept"
    elif nothing(told):
        assert fate.kind == "lost"
    else:
        assert fate.kind == "coerced"
        assert fate.after == told


def has_room(target: str, leaf: str, event: Event, value: Any) -> bool:
    """Whether the vendor has a place for a leaf that can hold this value."""
    if target == "richrelevance":
        return leaf == "items.unit_price" and all(price * 100 == int(price * 100) for price in value)
    if target == "moloco":  # no amount without a currency, and only 25 of these
        of_item = event.items[0].currency if event.items and leaf.startswith("items.") else None
        return leaf in HAS_A_PLACE_FOR[target] and (of_item or event.currency) in ("EUR", "JPY")
    return leaf in HAS_A_PLACE_FOR[target]


def refused_by_google(origin: str, amount: Decimal) -> str:
    """Why an order cannot become one of Google's: what it requires and the source never has, or a revenue of nothing."""
    if origin == "reelevant":
        return "productDetails[0].quantity is required for purchase-complete, as a whole number"
    if amount == 0:
        return "purchaseTransaction.revenue must not be zero"
    assert origin == "richrelevance"
    return "purchaseTransaction.currencyCode is required for purchase-complete"


# ── Google's own numbers ─────────────────────────────────────────────────────────────────────────────────────────────────


@each_currency
@each_amount
@pytest.mark.parametrize("origin", [vendor for vendor in VENDORS if vendor != "google-retail"])
def test_what_googles_floats_make_of_money_can_be_told_from_what_it_was(origin: str, amount: Decimal, currency: str) -> None:
    """Google keeps a price as a 32-bit float; the whole amount lies beside it, so that what Google prints is read exactly. A
    zero is not there any more when Google prints it: to its format that is the same."""
    for order in ORDERS[origin](amount, currency):
        event = decoded(origin, order)
        document = encoded(event, "google-retail")
        if isinstance(document, Unfit):
            continue
        message = json_format.Parse(written(document), cast(Any, retail_v2.UserEvent).pb()())
        printed = json_format.MessageToJson(message).encode()
        (back,) = FORMATS["google-retail"].inbound.decoder.decode(Payload(printed)).events
        had, has = leaves(event), leaves(back)
        for leaf in {*MONEY} & {*had}:
            assert has.get(leaf) == had[leaf] or (amount == 0 and leaf == "items.unit_price")
