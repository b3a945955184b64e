from __future__ import annotations

from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.vendor_kit import read_body, read_one, spelled
from samples.payloads import payloads
from wye.message import Payload
from wye_plugins.richrelevance.decode import RichRelevanceDecoder

SAMPLES = payloads("richrelevance")
decoder = RichRelevanceDecoder()
decode = partial(read_body, decoder)
one = partial(read_one, decoder)


def document(**members: object) -> str:
    parts = {"eventType": '"search"', "eventTime": "1", **members}
    return spelled(parts)


@pytest.mark.parametrize(
    ("sample", "kind"),
    [
        ("01-itemView", "item_view"),
        ("02-referredFromSite", "landing"),
        ("03-brandView", "brand_view"),
        ("04-categoryView", "category_view"),
        ("05-itemClick", "item_click"),
        ("06-addedToCart", "add_to_cart"),
        ("07-order", "purchase"),
        ("08-search", "search"),
    ],
)
def test_each_type_of_the_page_has_a_canonical_one(sample: str, kind: str) -> None:
    assert one(SAMPLES[sample]).type == kind


def test_what_an_event_is_about() -> None:
    item = one(SAMPLES["01-itemView"])
    assert (item.user_id, item.visitor_id) == ("3280816", "1a76f643-9dbb-4fed-9080-a35325605c51")
    assert (item.session_id, item.time_ms) == ("a40fa0ce-f3d1-49c9-94f2-24f676070c02", 1428681303249)
    assert [line.id for line in item.items or ()] == ["132926"]
    landing = one(SAMPLES["02-referredFromSite"])
    assert landing.page is not None
    assert landing.page.referrer == "https://www.google.com/"
    assert one(SAMPLES["03-brandView"]).brand == "brand1"
    assert one(SAMPLES["04-categoryView"]).categories == ("cat123",)
    assert one(SAMPLES["08-search"]).search_query == "where is it"


def test_prices_are_cents_and_there_is_no_currency() -> None:
    order = one(SAMPLES["07-order"])
    assert [(item.unit_price, item.quantity) for item in order.items or ()] == [
        (Decimal("10.99"), Decimal(1)),
        (Decimal("23.99"), Decimal(2)),
    ]
    assert order.goods_total == Decimal("58.97")
    assert order.currency is None
    assert all(item.currency is None for item in order.items or ())


@pytest.mark.parametrize(
    ("cents", "price"),
    [
        ("159997", "1599.97"),
        ("0", "0.00"),
        ("999999999", "9999999.99"),
        ("-1", "-0.01"),
        ("123456789012345678", "1234567890123456.78"),
    ],
)
def test_cents_become_exact_money(cents: str, price: str) -> None:
    event = one(document(eventType='"order"', orders=f'[{{"itemId":"a","priceCents":{cents},"quantity":1}}]'))
    assert event.items is not None
    assert str(event.items[0].unit_price) == price


def test_an_order_with_a_line_that_lacks_its_price_has_no_total() -> None:
    assert one(document(eventType='"order"', orders='[{"itemId":"a","quantity":1}]')).goods_total is None


# ── the quirks of the vendor's page ──────────────────────────────────────────────────────────────────────────────────────


def test_quirk_json_pasted_from_the_page_is_indented_with_no_break_spaces() -> None:
    event = one('{\u00a0\u00a0"eventType"\u00a0:\n\u00a0"search", "searchTerm":"a\u00a0b \\" \u00a0","eventTime":1}')
    assert event.search_query == 'a\u00a0b " \u00a0'


def test_no_break_spaces_in_json_that_is_broken_anyway_change_nothing() -> None:
    body = '{\u00a0"eventType":'.encode()
    decoded = decode(body)
    assert not decoded.events
    assert decoded.failures[0].original == body


def test_quirk_two_documents_back_to_back_in_one_message() -> None:
    decoded = decode(SAMPLES["01-itemView"] + SAMPLES["02-referredFromSite"])
    assert [event.type for event in decoded.events] == ["item_view", "landing"]
    assert not decoded.failures


def test_quirk_trailing_space_in_the_api_key() -> None:
    spaced, plain = one(document(apiKey='"k "')), one(document(apiKey='"k"'))
    assert spaced.origin.tenant == plain.origin.tenant == "k"
    assert spaced.id == plain.id
    assert spaced.extra == {"apiKey": "k "}


def test_quirk_the_order_of_members_makes_no_difference() -> None:
    assert one('{"eventTime":1,"eventType":"search"}') == one('{"eventType":"search","eventTime":1}')


def test_quirk_an_empty_user_id_is_nobody() -> None:
    event = one(SAMPLES["02-referredFromSite"])
    assert event.user_id is None
    assert event.visitor_id == "2a045a50-1d92-4326-eca0-905328ff0440"
    assert event.extra["userId"] == ""


@pytest.mark.parametrize("word", ["null", "NULL", "undefined", "None", "unknown", "Anonymous", "(not set)", "  "])
def test_placeholder_words_are_nobody(word: str) -> None:
    event = one(document(userId=f'"{word}"', rrUserId=f'"{word}"', sessionId=f'"{word}"'))
    assert (event.user_id, event.visitor_id, event.session_id) == (None, None, None)
    assert event.extra == {"userId": word, "rrUserId": word, "sessionId": word}


def test_zero_is_somebody() -> None:
    assert one(document(userId='"0"')).user_id == "0"


def test_quirk_a_missing_visitor_id_is_absent() -> None:
    assert one(document()).visitor_id is None


def test_quirk_negative_and_zero_quantities() -> None:
    lines = '[{"itemId":"a","priceCents":0,"quantity":-1},{"itemId":"b","priceCents":0,"quantity":0}]'
    event = one(document(eventType='"addedToCart"', addedToCartItems=lines))
    assert [item.quantity for item in event.items or ()] == [Decimal(-1), Decimal(0)]


def test_quirk_empty_arrays_are_not_absent_ones() -> None:
    assert one(document(eventType='"addedToCart"', addedToCartItems="[]")).items == ()
    assert one(document(eventType='"addedToCart"')).items is None


def test_quirk_an_unknown_event_type_is_a_custom_one() -> None:
    event = one(document(eventType='"wishListed"', wished='{"id":1}'))
    assert event.type == "custom:wishListed"
    assert event.extra == {"wished": {"id": 1}}


def test_quirk_the_names_of_types_are_not_those_of_their_headings() -> None:
    assert one(document(eventType='"addedToCart"')).type == "add_to_cart"
    assert one(document(eventType='"order"')).type == "purchase"
    headings = [one(document(eventType=f'"{heading}"')).type for heading in ("AddToCart", "Purchase", "ItemView")]
    assert headings == ["custom:AddToCart", "custom:Purchase", "custom:ItemView"]


def test_quirk_orders_are_the_lines_of_one_order() -> None:
    event = one(SAMPLES["07-order"])
    assert len(event.items or ()) == 2
    assert (event.order_id, event.grand_total, event.currency) == (None, None, None)


# ── what does not fit ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_fraction_of_a_piece_is_read_and_kept() -> None:
    event = one(document(eventType='"order"', orders='[{"itemId":"a","priceCents":100,"quantity":0.5}]'))
    assert event.items is not None
    assert event.items[0].quantity == Decimal("0.5")
    assert event.goods_total == Decimal("0.50")


@pytest.mark.parametrize("number", ['"NaN"', '"Infinity"', '"1e999999999"', "1e400", "null", '"12.5.1"', "[1]", "9" * 40])
def test_what_is_no_price_stays_with_the_vendor(number: str) -> None:
    event = one(document(eventType='"order"', orders=f'[{{"itemId":"a","priceCents":{number},"quantity":1}}]'))
    assert event.items is not None
    assert event.items[0].unit_price is None
    assert "priceCents" in event.items[0].extra
    assert event.goods_total is None


def test_a_member_of_another_type_stays_with_the_vendor() -> None:
    event = one(document(orders='[{"itemId":"a","x":1.50}]', viewedItem='"b"'))
    assert event.items is None
    assert event.extra == {"orders": [{"itemId": "a", "x": Decimal("1.50")}], "viewedItem": "b"}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "nonsense",
        "null",
        "[1]",
        '{"eventType":"search"}',
        '{"eventTime":1}',
        document(eventTime='"soon"'),
        document(eventTime=10**30),
    ],
)
def test_what_is_no_event_is_a_failure_with_its_bytes(body: str) -> None:
    decoded = decode(body)
    assert not decoded.events
    assert decoded.failures[0].original == (b"1" if body == "[1]" else body.encode())


def test_a_bad_line_costs_only_itself() -> None:
    body = f"{document()}\n{{broken\n\n{document()}\n".encode()
    decoded = decoder.decode(Payload(body, "lines"))
    assert len(decoded.events) == 2
    assert [(failure.index, failure.original) for failure in decoded.failures] == [(1, b"{broken")]


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_survived(body: bytes) -> None:
    decode(body)
    decoder.decode(Payload(body, "lines"))


@settings(deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_any_damage_is_survived(sample: str, place: int, junk: bytes) -> None:
    body = SAMPLES[sample]
    decode(body[:place] + junk + body[place + len(junk) :])


@pytest.mark.parametrize(
    "value",
    ["[" * 5000 + "]" * 5000, "9" * 5000, "1e99999999999999999999", "[" * 900 + "]" * 900, '{"a":' * 300 + "1" + "}" * 300],
)
def test_hostile_values_are_failures(value: str) -> None:
    decoded = decode(document(x=value))
    assert not decoded.events
    assert len(decoded.failures) == 1
