from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.vendor_kit import write_one
from samples.payloads import exact, payloads, same, texts, values, with_members, written
from wye.event import Event, Item, Origin, Page
from wye.message import Payload, Unfit
from wye.testing import make_event
from wye_plugins.richrelevance.decode import RichRelevanceDecoder
from wye_plugins.richrelevance.encode import RichRelevanceEncoder

SAMPLES = payloads("richrelevance")
decoder = RichRelevanceDecoder()
encoder = RichRelevanceEncoder()

_line = with_members({"itemId": texts, "priceCents": st.integers(-(10**19), 10**19), "quantity": st.integers(-3, 10**19)}, {})
_lines = st.lists(_line | values, max_size=3)
documents = with_members(
    {
        **dict.fromkeys(("apiKey", "userId", "sessionId", "rrUserId", "viewedItem", "clickProductId"), texts),
        **dict.fromkeys(("viewedCategory", "viewedBrand", "searchTerm", "referrerUrl"), texts),
        **dict.fromkeys(("addedToCartItems", "orders"), _lines),
    },
    {
        "eventType": st.sampled_from(
            [
                "itemView",
                "itemClick",
                "categoryView",
                "brandView",
                "search",
                "referredFromSite",
                "addedToCart",
                "order",
                "new",
                "",
            ]
        ),
        "eventTime": st.integers(0, 2**63 - 1),
    },
)


def encode(event: Event, by: RichRelevanceEncoder = encoder) -> Any:
    return write_one(by, event)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_comes_out_as_it_went_in(sample: str) -> None:
    decoded = decoder.decode(Payload(SAMPLES[sample]))
    assert same(encode(decoded.events[0]), exact(SAMPLES[sample]))


@settings(deadline=None)
@given(documents)
def test_any_document_comes_out_as_it_went_in(document: dict[str, Any]) -> None:
    body = written(document)
    decoded = decoder.decode(Payload(body))
    assert not decoded.failures
    assert same(encode(decoded.events[0]), exact(body))


@settings(deadline=None)
@given(documents)
def test_the_same_document_has_the_same_id_whatever_the_order_of_its_members(document: dict[str, Any]) -> None:
    turned = dict(reversed(document.items()))
    first, second = (decoder.decode(Payload(written(each))).events[0] for each in (document, turned))
    assert first.id == second.id


def test_a_configured_key_replaces_the_one_an_event_came_with() -> None:
    event = decoder.decode(Payload(SAMPLES["01-itemView"])).events[0]
    assert encode(event, RichRelevanceEncoder("other"))["apiKey"] == "other"


def test_an_event_from_elsewhere_has_every_common_member() -> None:
    assert encode(make_event(type="search", search_query="shoes")) == {
        "apiKey": "wye",
        "userId": "",
        "sessionId": "",
        "eventType": "search",
        "eventTime": 1_700_000_000_000,
        "searchTerm": "shoes",
    }
    who = {"user_id": "u", "visitor_id": "v", "session_id": "s"}
    found = encode(make_event(type="search", search_query="shoes", origin=Origin(vendor="test", tenant="shop"), **who))
    assert (found["apiKey"], found["userId"], found["rrUserId"], found["sessionId"]) == ("shop", "u", "v", "s")


@pytest.mark.parametrize(
    "kind", ["page_view", "identify", "login", "remove_from_cart", "cart_view", "home_view", "custom:itemView"]
)
def test_a_type_that_the_vendor_does_not_have_is_unmapped(kind: str) -> None:
    assert encode(make_event(type=kind)) == Unfit(f"RichRelevance has no event type for {kind}", unmapped=True)


def test_a_landing_without_a_referrer_was_referred_by_nobody() -> None:
    assert encode(make_event(type="landing")).unmapped
    assert encode(make_event(type="landing", page=Page(referrer="https://a.b/")))["referrerUrl"] == "https://a.b/"


@pytest.mark.parametrize(
    ("price", "cents"),
    [
        ("1599.97", 159997),
        ("0", 0),
        ("9999999.99", 999999999),
        ("10.995", 1100),
        ("10.985", 1098),
        ("0.005", 0),
        ("-0.01", -1),
        ("1E+2", 10000),
        ("1E+30", None),
    ],
)
def test_money_becomes_whole_cents_and_halves_go_to_the_even_one(price: str, cents: int | None) -> None:
    line = encode(make_event(type="purchase", items=(Item(id="a", unit_price=Decimal(price)),)))["orders"][0]
    assert line == ({"itemId": "a"} if cents is None else {"itemId": "a", "priceCents": cents})


def test_no_price_and_no_quantity_are_made_up() -> None:
    items = (Item(id="a"), Item(id="b", quantity=Decimal("0.5")), Item(id="c", quantity=Decimal("2.0")))
    found = encode(make_event(type="add_to_cart", items=items))["addedToCartItems"]
    assert found == [{"itemId": "a"}, {"itemId": "b"}, {"itemId": "c", "quantity": 2}]
    assert encode(make_event(type="add_to_cart", items=()))["addedToCartItems"] == []


@pytest.mark.parametrize(
    ("event", "lack"),
    [
        (make_event(type="item_view"), "viewedItem is required for itemView"),
        (make_event(type="item_view", items=()), "viewedItem is required for itemView"),
        (make_event(type="item_view", items=(Item(name="Desk"),)), "viewedItem is required for itemView"),
        (
            make_event(type="item_view", item_ids_are="category", items=(Item(id="shoes"),)),
            "viewedItem is required for itemView",
        ),
        (make_event(type="item_click"), "clickProductId is required for itemClick"),
        (make_event(type="category_view"), "viewedCategory is required for categoryView"),
        (make_event(type="brand_view"), "viewedBrand is required for brandView"),
        (make_event(type="search"), "searchTerm is required for search"),
        (make_event(type="add_to_cart"), "addedToCartItems is required for addedToCart"),
        (make_event(type="purchase"), "orders is required for order"),
        (make_event(type="purchase", items=(Item(id="a"), Item(quantity=Decimal(2)))), "orders[1].itemId is required"),
    ],
)
def test_an_event_from_elsewhere_that_does_not_say_what_it_is_about_is_unfit(event: Event, lack: str) -> None:
    assert encode(event) == Unfit(f"RichRelevance: {lack}")


@pytest.mark.parametrize("kind", ["itemView", "categoryView", "search", "addedToCart", "order"])
def test_one_that_came_as_richrelevance_goes_out_as_it_came(kind: str) -> None:
    body = written({"eventType": kind, "eventTime": 1_700_000_000_000})
    assert same(encode(decoder.decode(Payload(body)).events[0]), exact(body))


def test_a_view_is_about_the_first_item() -> None:
    assert encode(make_event(type="item_view", items=(Item(id="a"), Item(id="b"))))["viewedItem"] == "a"
    assert encode(make_event(type="item_click", items=(Item(id="a"),)))["clickProductId"] == "a"


def test_categories_and_brands_may_be_named_by_items() -> None:
    category = make_event(type="category_view", item_ids_are="category", items=(Item(id="shoes"),))
    assert encode(category)["viewedCategory"] == "shoes"
    brand = make_event(type="brand_view", item_ids_are="brand", items=(Item(id="acme"),))
    assert encode(brand)["viewedBrand"] == "acme"


def test_what_another_vendor_alone_knows_is_not_written() -> None:
    event = make_event(type="search", extra={"searchTerm": "theirs"}, search_query="ours")
    assert encode(event)["searchTerm"] == "ours"
