from __future__ import annotations

import json
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.vendor_kit import read_body, read_one, spelled
from samples.payloads import payloads
from wye.event import App, Device, Item, Page
from wye_plugins.moloco.decode import MolocoDecoder, snake_case
from wye_plugins.moloco.rules import broken_rule

SAMPLES = payloads("moloco")
decoder = MolocoDecoder()
decode = partial(read_body, decoder)
one = partial(read_one, decoder)


def document(**members: object) -> str:
    """An event with the required members; values are JSON already."""
    parts = {"event_type": '"PURCHASE"', "id": '"e"', "timestamp": "1700000000000", "channel_type": '"SITE"', **members}
    return spelled(parts)


@pytest.mark.parametrize(
    ("sample", "kind"),
    [
        ("customer-tools-HOME", "home_view"),
        ("customer-tools-LAND", "landing"),
        ("customer-tools-PAGE_VIEW", "page_view"),
        ("customer-tools-SEARCH", "search"),
        ("customer-tools-ITEM_PAGE_VIEW", "item_view"),
        ("customer-tools-ADD_TO_CART", "add_to_cart"),
        ("customer-tools-ADD_TO_WISHLIST", "add_to_wishlist"),
        ("customer-tools-PURCHASE", "purchase"),
    ],
)
def test_the_vendors_eight_types(sample: str, kind: str) -> None:
    assert one(SAMPLES[sample]).type == kind


@pytest.mark.parametrize("name", ["VIEW_ITEM", "UNKNOWN_EVENT_TYPE", "purchase"])
def test_other_names_are_custom(name: str) -> None:
    assert one(document(event_type=f'"{name}"')).type == f"custom:{name}"


def test_an_event_with_everything_that_segment_sends() -> None:
    event = one(SAMPLES["segment-HOME-all-fields"], query={"platform": "SHOP"})
    assert (event.id, event.origin.tenant) == ("12e64c12-f386-42c9-871b-8dg3e539ad19", "SHOP")
    assert (event.user_id, event.session_id) == (
        "wcsf20ge-c3d5-11ee-9a73-0n5e570313ef",
        "c3d5-fewf-11ee-9a73-0n5e570313ef",
    )
    assert (event.currency, event.goods_total, event.shipping) == ("USD", Decimal("69.12"), Decimal("5.0"))
    assert event.items is not None
    assert event.items[1] == Item(
        id="456",
        quantity=Decimal(2),
        unit_price=Decimal("56.78"),
        currency="USD",
        seller_id="cs032b-11ee-9a73-w5e570313ef",
    )
    assert (event.search_query, event.channel) == ("iphone", "app")
    assert event.page == Page(id="/home", referrer="google.com")
    assert event.device is not None
    assert (event.device.os, event.device.model, event.device.ip) == ("IOS", "iPhone 12", "1192.158.1.38")


def test_quirk_the_address_is_no_longer_in_the_schema() -> None:
    event = one(document(device='{"ip":"203.0.113.7"}'))
    assert event.device == Device(ip="203.0.113.7")


def test_quirk_view_item_is_a_word_of_the_tag_managers() -> None:
    assert one(document(event_type='"VIEW_ITEM"')).type == "custom:VIEW_ITEM"
    assert broken_rule({"event_type": "VIEW_ITEM"}) == "event_type is not supported"


def test_the_other_members() -> None:
    event = one(
        document(
            domain='"shop.example"',
            decision_track_id='"ad-1"',
            items='[{"item_group_id":"g","seller_id":"s","price_seller":{"currency":"USD","amount":1}}]',
            personalization_mode='"METRIC_ONLY"',
        )
    )
    assert (event.app, event.attribution) == (App(host="shop.example"), "ad-1")
    assert event.items == (Item(group_id="g", seller_id="s", extra={"price_seller": {"currency": "USD", "amount": 1}}),)
    assert event.extra == {"personalization_mode": "METRIC_ONLY"}


# ── money ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("amount", ["1599.97", "0", "9999999.99", "10.995", "0.1", "1E+2", "-0.01", "12.00"])
def test_money_is_exact(amount: str) -> None:
    money = f'{{"currency":"USD","amount":{amount}}}'
    event = one(document(items=f'[{{"id":"a","price":{money}}}]', revenue=money, shipping_charge=money))
    assert event.items is not None
    assert event.items[0].unit_price == event.goods_total == event.shipping == Decimal(amount)
    assert event.items[0].currency == event.currency == "USD"
    assert not event.extra


@pytest.mark.parametrize("price", ["{}", '""', "null", '{"currency":"USD","amount":""}', '{"amount":null}', "[]", "true"])
def test_quirk_a_price_that_says_nothing_is_no_price_and_not_zero(price: str) -> None:
    event = one(document(items=f'[{{"id":"a","price":{price}}}]', revenue=price))
    assert event.items is not None
    assert event.items[0].unit_price is None
    assert event.goods_total is None
    assert event.items[0].extra["price"] == event.extra["revenue"] == json.loads(price)


def test_quirk_the_vendors_guide_has_prices_that_are_plain_numbers() -> None:
    event = one(document(items='[{"id":"a","price":49.90}]'))
    assert event.items is not None
    assert (event.items[0].unit_price, event.items[0].currency) == (Decimal("49.90"), None)


def test_quirk_an_amount_without_a_currency_gets_none() -> None:
    for currency in ("null", '"UNKNOWN_CURRENCY"', '"dollars"', '""'):
        event = one(document(revenue=f'{{"currency":{currency},"amount":5}}'))
        assert (event.goods_total, event.currency) == (Decimal(5), None)
        assert "revenue" in event.extra


def test_quirk_revenue_is_the_goods_alone() -> None:
    event = one(SAMPLES["connector-PURCHASE"])
    assert (event.goods_total, event.shipping, event.grand_total) == (Decimal(1250), Decimal(0), None)


def test_quirk_revenue_is_believed_even_where_it_is_not_the_sum() -> None:
    event = one(SAMPLES["client-js-test-ADD_TO_CART"])
    assert event.goods_total == Decimal(300)


@pytest.mark.parametrize("revenue", ['{"currency":"USD","amount":5}', '{"amount":5}', '""'])
def test_shipping_in_another_currency_than_the_goods_is_kept_for_the_vendor(revenue: str) -> None:
    shipping = {"currency": "EUR", "amount": 3}
    event = one(document(revenue=revenue, shipping_charge=json.dumps(shipping)))
    assert event.shipping is None
    assert event.currency != "EUR"
    assert event.extra["shipping_charge"] == shipping


def test_shipping_alone_has_its_currency() -> None:
    event = one(document(shipping_charge='{"currency":"EUR","amount":3.10}'))
    assert (event.shipping, event.currency, event.goods_total) == (Decimal("3.10"), "EUR", None)


def test_quantity_is_a_number_or_a_text() -> None:
    event = one(document(items='[{"quantity":2},{"quantity":"2"},{"quantity":0},{"quantity":1.5},{"quantity":"many"}]'))
    assert [item.quantity for item in event.items or ()] == [Decimal(2), Decimal(2), Decimal(0), Decimal("1.5"), None]


def test_items_that_are_none_are_passed_over_and_kept() -> None:
    event = one(document(items='[{"id":"a"},null,7]'))
    assert event.items == (Item(id="a"),)
    assert event.extra["items"] == [{"id": "a"}, None, 7]


# ── who ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_quirk_an_empty_id_is_absent() -> None:
    event = one(SAMPLES["connector-HOME"])
    assert (event.user_id, event.session_id) == ("shoppers_hashed_user_id", None)
    assert event.extra["session_id"] == ""


@pytest.mark.parametrize("word", ["", " ", "null", "undefined", "invalid", "Nil", "00000000-0000-0000-0000-000000000000"])
def test_quirk_the_words_that_the_vendor_refuses_are_nobody(word: str) -> None:
    bag = f'{{"persistent_id":"{word}","unique_device_id":"{word}","advertising_id":"{word}"}}'
    event = one(document(user_id=f'"{word}"', session_id=f'"{word}"', custom_id=f'"{word}"', device=bag))
    assert (event.user_id, event.session_id, event.visitor_id, event.device) == (None, None, None, None)
    assert event.extra["device"] == {"persistent_id": word, "unique_device_id": word, "advertising_id": word}


def test_the_visitor_is_the_persistent_id_or_the_deprecated_one() -> None:
    both = one(document(device='{"persistent_id":"p","unique_device_id":"u"}'))
    assert (both.visitor_id, both.device) == ("p", Device(id="u"))
    old = one(document(device='{"unique_device_id":"u"}'))
    assert (old.visitor_id, old.device) == ("u", None)


def test_the_session_is_the_session_id_or_its_successor() -> None:
    assert one(document(session_id='"s"', custom_id='"c"')).session_id == "s"
    assert one(document(custom_id='"c"')).session_id == "c"
    assert one(document(session_id='""', custom_id='"c"')).session_id == "c"


def test_quirk_segment_has_called_the_id_event_id() -> None:
    bare = '{"event_type":"HOME","timestamp":1700000000000,"event_id":"seg-1"}'
    assert one(bare).id == "seg-1"


def test_an_event_without_an_id_gets_one_from_its_content() -> None:
    bare = '{"event_type":"HOME","timestamp":1700000000000}'
    assert one(bare).id == one('{"timestamp":1700000000000,  "event_type":"HOME"}').id
    assert one(bare).id == one('{"timestamp":1700000000000,"eventType":"HOME"}').id
    assert one(bare).id != one(bare.replace("HOME", "LAND")).id
    assert one(document(id='""')).id != ""


# ── names and times ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_quirk_the_vendors_guide_shows_the_names_of_its_javascript_client() -> None:
    event = one(
        """{"id":"e","eventType":"PURCHASE","timestamp":1700000000000,"channelType":"SITE","userId":"u","sessionId":"s",
        "device":{"os":"iOS","osVersion":"17","persistentId":"p","ip":"203.0.113.7"},
        "items":[{"id":"a","price":{"currency":"USD","amount":1.10},"quantity":1,"itemGroupId":"g","sellerId":"x"}],
        "revenue":{"currency":"USD","amount":1.10},"shippingCharge":{"currency":"USD","amount":0},
        "pageId":"ORDER_SUMMARY_PAGE","referrerPageId":"CART_PAGE","searchQuery":"q","decisionTrackId":"d"}"""
    )
    assert (event.type, event.channel, event.user_id, event.session_id) == ("purchase", "site", "u", "s")
    assert (event.visitor_id, event.shipping, event.search_query, event.attribution) == ("p", Decimal(0), "q", "d")
    assert event.page == Page(id="ORDER_SUMMARY_PAGE", referrer="CART_PAGE")
    assert event.device == Device(os="iOS", os_version="17", ip="203.0.113.7")
    assert event.items is not None
    assert (event.items[0].group_id, event.items[0].seller_id) == ("g", "x")
    assert not event.extra


@pytest.mark.parametrize(
    "members", [{"device": '{"osVersion":"17"}'}, {"items": '[{"itemGroupId":"g"}]'}, {"items": '[{"itemGroupId":"g"},null]'}]
)
def test_one_such_name_is_enough(members: dict[str, str]) -> None:
    event = one(document(**members))
    assert (event.device and event.device.os_version) == "17" or (event.items and event.items[0].group_id) == "g"


def test_of_two_names_for_one_member_the_wires_own_counts() -> None:
    event = one(document(user_id='"wire"', userId='"client"'))
    assert event.user_id == "wire"
    assert event.extra == {"userId": "client"}
    assert snake_case({"pageId": "a", "page_id": None}) == {"pageId": "a", "page_id": None}


@pytest.mark.parametrize(
    ("written", "ms", "ns"),
    [
        ("1617870506121", 1617870506121, 0),
        ('"1617870506121"', 1617870506121, 0),
        ("1617870506121.0", 1617870506121, 0),
        ("1617870506121.25", 1617870506121, 250_000),
        ("1632418357", 1632418357000, 0),
        ('"1632418357.5"', 1632418357500, 0),
        ('"2024-02-05T23:37:42.848Z"', 1707176262848, 0),
        ('"2024-02-05T23:37:42.848123456+01:00"', 1707172662848, 123_456),
        ('"1969-12-31T23:59:59.999Z"', -1, 0),
        ("-5", -5, 0),
    ],
)
def test_quirk_a_time_is_a_number_or_a_text_in_ms_or_seconds_or_rfc_3339(written: str, ms: int, ns: int) -> None:
    event = one(document(timestamp=written))
    assert (event.time_ms, event.time_ns_rest) == (ms, ns)


@pytest.mark.parametrize(
    "members",
    [
        *({"timestamp": value} for value in ("null", '"soon"', '""', "1e300", "true", "[]", "{}", "99999999999999999999")),
        *({"timestamp": f'"{value}"'} for value in ("2024-02-05", "2024-02-05T23:37:42", "2024-13-05T23:37:42Z")),
        *({"event_type": value} for value in ('""', "null", "7", "[]")),
        {"event_type": "null", "eventType": '"HOME"'},
    ],
)
def test_an_event_without_a_type_or_a_time_is_a_failure(members: dict[str, str]) -> None:
    bad = document(**members)
    decoded = decode(f"{document()}\n{bad}\n{document()}", framing="lines")
    assert len(decoded.events) == 2
    assert [(failure.index, failure.original) for failure in decoded.failures] == [(1, bad.encode())]


def test_files_may_hold_arrays() -> None:
    assert len(decode(f"[{document()},{document()}]\n{document()}", framing="lines").events) == 3


# ── hostile input ────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_survived(body: bytes) -> None:
    decode(body)
    decode(body, framing="lines")


@settings(deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.integers(0, 900), st.binary(min_size=1, max_size=4))
def test_any_damage_is_survived(sample: str, place: int, junk: bytes) -> None:
    body = SAMPLES[sample]
    decode(body[:place] + junk + body[place + len(junk) :])


@pytest.mark.parametrize("value", ["[" * 5000 + "]" * 5000, "9" * 5000, "1e99999999999999999999", "[" * 900 + "]" * 900])
@pytest.mark.parametrize(
    "place",
    [
        '"{}":{}',
        '"device":{{"{}":{}}}',
        '"items":[{{"{}":{}}}]',
        '"items":[{{"quantity{}":0,"quantity":{}}}]',
        '"revenue":{{"a{}":0,"amount":{}}}',
    ],
)
def test_hostile_values_are_failures(place: str, value: str) -> None:
    decoded = decode(document()[:-1] + "," + place.format("x", value) + "}")
    assert not decoded.events
    assert len(decoded.failures) == 1
