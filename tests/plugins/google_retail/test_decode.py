from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.google_retail.retail_kit import NOW_MS, SAMPLES, decode, one
from wye.event import Device, Item, Page
from wye_plugins.google_retail.schema import CAMEL


def document(**members: object) -> str:
    """An event with the required members; values are JSON already."""
    parts = {"eventType": '"detail-page-view"', "visitorId": '"v"', "eventTime": '"2022-02-23T10:27:42Z"', **members}
    return "{" + ",".join(f'"{name}":{value}' for name, value in parts.items()) + "}"


# ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("detail-page-view", "item_view"),
        ("category-page-view", "category_view"),
        ("search", "search"),
        ("add-to-cart", "add_to_cart"),
        ("remove-from-cart", "remove_from_cart"),
        ("shopping-cart-page-view", "cart_view"),
        ("purchase-complete", "purchase"),
        ("home-page-view", "home_view"),
        ("page-view", "page_view"),
        ("login", "login"),
        ("signup", "custom:signup"),
        ("promotion-offered", "custom:promotion-offered"),
    ],
)
def test_names_of_events(name: str, kind: str) -> None:
    assert one(document(eventType=f'"{name}"')).type == kind


def test_a_purchase_of_the_third_party_document() -> None:
    event = one(SAMPLES["seed-purchase-complete"])
    assert (event.type, event.visitor_id, event.session_id, event.user_id) == (
        "purchase",
        "visitor-123",
        "session-456",
        "user-789",
    )
    assert (event.order_id, event.cart_id, event.currency) == ("txn-12345", "cart-abc123", "USD")
    assert (event.grand_total, event.tax, event.cost, event.goods_total) == (
        Decimal("1599.97"),
        Decimal("128.0"),
        Decimal("1200.0"),
        None,
    )
    assert event.items == (Item(id="laptop-456", quantity=Decimal(1)), Item(id="mouse-789", quantity=Decimal(2)))
    assert event.page == Page(url="https://example.com/checkout/success")
    assert event.device == Device(ip="192.168.1.100")


def test_a_search_of_the_third_party_document() -> None:
    event = one(SAMPLES["seed-search"])
    assert (event.search_query, event.categories) == ("gaming laptop", ("Search Results",))
    assert event.attrs == {
        "search_filter": '(categories: ANY("Electronics")) AND (price_info.price: [500, 2000])',
        "search_order_by": "price_info.price desc",
    }


def test_every_member_has_a_place() -> None:
    event = one(
        document(
            experimentIds='["a","b"]',
            attributionToken='"t"',
            completionDetail='{"completionAttributionToken":"c","selectedSuggestion":"desk","selectedPosition":0}',
            attributes='{"campaign":{"text":["spring"]},"scores":{"numbers":[0.25,1]},"brand":{"text":["Oak"]}}',
            productDetails='[{"product":{"id":"A","title":"Desk","brands":["Oak"],"categories":["x > y"],'
            '"primaryProductId":"G","priceInfo":{"currencyCode":"EUR","price":10.90,"originalPrice":12,"cost":5.5}},"quantity":0}]',
            offset="20",
            referrerUri='"https://r"',
            pageViewId='"p"',
            entity='"de"',
        )
    )
    assert event.attribution == "t"
    assert event.brand == "Oak"
    assert event.page == Page(referrer="https://r", view_id="p")
    assert event.attrs == {
        "experiment_ids": ["a", "b"],
        "completion_token": "c",
        "completion_suggestion": "desk",
        "completion_position": 0,
        "search_offset": 20,
        "site_entity": "de",
        "campaign": "spring",
        "scores": [Decimal("0.25"), 1],
    }
    assert event.items is not None
    (item,) = event.items
    assert (item.id, item.quantity, item.unit_price, item.currency) == ("A", Decimal(0), Decimal("10.90"), "EUR")
    assert (item.name, item.brand, item.category, item.group_id) == ("Desk", "Oak", "x > y", "G")
    assert item.attrs == {"original_price": Decimal(12), "cost": Decimal("5.5")}


@pytest.mark.parametrize("price", ["1599.97", "0", "9999999.99", "123456789.99", "0.1", "1E+2", "-0.01"])
def test_money_is_exact_where_the_document_is(price: str) -> None:
    event = one(
        document(
            productDetails=f'[{{"product":{{"id":"a","priceInfo":{{"price":{price}}}}}}}]',
            purchaseTransaction=f'{{"revenue":{price}}}',
        )
    )
    assert event.items is not None
    assert event.items[0].unit_price == event.grand_total == Decimal(price)
    assert (event.currency, event.items[0].currency) == (None, None)


def test_quirk_a_quantity_is_not_made_up() -> None:
    event = one(document(productDetails='[{"product":{"id":"a"}}]'))
    assert event.items == (Item(id="a"),)


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "time_ms", "rest"),
    [
        ("2022-02-23T10:27:42+00:00", 1645612062000, 0),
        ("2022-02-23T10:27:42.5Z", 1645612062500, 0),
        ("2022-02-23T10:27:42.123456789Z", 1645612062123, 456789),
        ("2022-02-23T12:27:42.000000001+02:00", 1645612062000, 1),
        ("1969-12-31T23:59:59.999999999Z", -1, 999999),
    ],
)
def test_times_are_rfc_3339_to_the_nanosecond(text: str, time_ms: int, rest: int) -> None:
    event = one(document(eventTime=f'"{text}"'))
    assert (event.time_ms, event.time_ns_rest) == (time_ms, rest)


@pytest.mark.parametrize(
    "time",
    [
        "1645612062",
        "1645612062000",
        '"2022-02-23 10:27:42Z"',
        '"2022-02-23T10:27:42"',
        '"2022-02-23T10:27:42+0000"',
        '"2022-02-23t10:27:42z"',
        '"2022-13-23T10:27:42Z"',
        '"2022-02-23T10:27:42.1234567890Z"',
        '"2022-02-23T10:27:60Z"',
        '"0000-01-01T00:00:00Z"',
        '""',
        "{}",
    ],
)
def test_quirk_a_time_that_googles_parser_refuses_is_a_failure(time: str) -> None:
    decoded = decode(document(eventTime=time))
    assert not decoded.events
    assert "eventTime" in decoded.failures[0].reason


def test_quirk_a_missing_time_is_that_of_the_request_or_of_the_arrival() -> None:
    body = '{"eventType":"home-page-view","visitorId":"v"}'
    assert one(body).time_ms == NOW_MS
    assert one(body, query={"ets": "1645612062000"}).time_ms == 1645612062000
    assert one(body, query={"ets": "soon"}).time_ms == NOW_MS
    assert one('{"eventType":"home-page-view","visitorId":"v","eventTime":null}').time_ms == NOW_MS


# ── ids ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_id_is_derived_from_the_content() -> None:
    assert one(document()).id == one(document()).id != one(document(visitorId='"w"')).id


def test_two_visits_without_a_time_are_two_events() -> None:
    body = '{"eventType":"home-page-view","visitorId":"v"}'
    assert one(body).id == one(body).id != one(body, received_ms=NOW_MS + 1).id


@pytest.mark.parametrize("nobody", ["undefined", "(not set)", "NULL", " "])
def test_a_placeholder_is_nobody(nobody: str) -> None:
    event = one(document(visitorId=f'"{nobody}"', sessionId=f'"{nobody}"', userInfo=f'{{"userId":"{nobody}"}}'))
    assert (event.visitor_id, event.session_id, event.user_id) == (None, None, None)


# ── what real clients and documents have ─────────────────────────────────────────────────────────────────────────────────


def test_quirk_the_tutorials_single_product_without_an_array() -> None:
    assert one(SAMPLES["user_events-4-detail-page-view"]).items == (Item(id="GGCOGAEC100616", quantity=Decimal(3)),)


def test_quirk_the_tutorials_invalid_type_is_somebodys_own() -> None:
    assert one(SAMPLES["user_events_some_invalid-2-invalid"]).type == "custom:invalid"


def test_quirk_snake_case_is_read_like_camel_case() -> None:
    body = """{"event_type":"purchase-complete","visitor_id":"v","event_time":"2022-02-23T10:27:42Z",
        "product_details":[{"product":{"id":"a","price_info":{"currency_code":"EUR","price":1.50}},"quantity":2}],
        "purchase_transaction":{"id":"t","revenue":3,"currency_code":"EUR"},"user_info":{"user_id":"u"},
        "attributes":{"event_type":{"text":["kept"]}}}"""
    camel = """{"eventType":"purchase-complete","visitorId":"v","eventTime":"2022-02-23T10:27:42Z",
        "productDetails":[{"product":{"id":"a","priceInfo":{"currencyCode":"EUR","price":1.50}},"quantity":2}],
        "purchaseTransaction":{"id":"t","revenue":3,"currencyCode":"EUR"},"userInfo":{"userId":"u"},
        "attributes":{"event_type":{"text":["kept"]}}}"""
    assert one(body) == one(camel)
    assert one(body).attrs == {"event_type": "kept"}


@pytest.mark.parametrize("name", sorted(CAMEL))
def test_each_member_in_snake_case_is_read_like_camel_case(name: str) -> None:
    given = {"eventType": '"search"', "visitorId": '"v"', "quoted": '"\\""'}
    given.pop(CAMEL[name], None)
    as_snake, as_camel = (
        decode("{" + ",".join(f'"{key}"\r\n :{value}' for key, value in {**given, one: "[[]]"}.items()) + "}")
        for one in (name, CAMEL[name])
    )
    assert as_snake.events == as_camel.events
    assert len(as_snake.failures) == len(as_camel.failures)
    assert as_snake.failures or as_snake.events[0].extra[CAMEL[name]] == [[]]


def test_a_value_that_is_the_name_of_a_member_stays_a_value() -> None:
    body = """{"eventType":"search","visitorId":"v","searchQuery":"cart_id","attributes":{"my_key":{"text":["visitor_id"]}}}"""
    event = one(f'{{"x":1,{body[1:]}')
    assert (event.visitor_id, event.search_query, event.attrs) == ("v", "cart_id", {"my_key": "visitor_id"})


@pytest.mark.parametrize("visitor", ["123", "true", "{}", '["v"]'])
def test_quirk_a_visitor_that_is_no_text_is_a_failure(visitor: str) -> None:
    decoded = decode(document(visitorId=visitor))
    assert not decoded.events
    assert "visitorId" in decoded.failures[0].reason


def test_quirk_the_order_of_attributes_makes_no_difference() -> None:
    first = one(document(attributes='{"a":{"text":["1"]},"b":{"numbers":[2]}}'))
    assert one(document(attributes='{"b":{"numbers":[2]},"a":{"text":["1"]}}')) == first


def test_quirk_null_is_unset() -> None:
    event = one(document(cartId="null", productDetails="null", userInfo="null", offset="null"))
    assert (event.cart_id, event.items, event.user_id, event.attrs) == (None, None, None, {})


def test_quirk_numbers_may_be_texts() -> None:
    event = one(
        document(
            productDetails='[{"product":{"id":"a","priceInfo":{"price":"1.50"}},"quantity":"2"}]',
            purchaseTransaction='{"revenue":"9.90"}',
            attributes='{"n":{"numbers":["1.5"]}}',
        )
    )
    assert event.items is not None
    assert (event.items[0].quantity, event.items[0].unit_price, event.grand_total) == (2, Decimal("1.50"), Decimal("9.90"))
    assert event.attrs == {"n": Decimal("1.5")}


@pytest.mark.parametrize("number", ['"NaN"', '"Infinity"', "1e999999999", "null", '""', "true", '"1_000"'])
def test_what_is_no_amount_is_none(number: str) -> None:
    event = one(document(purchaseTransaction=f'{{"id":"t","revenue":{number}}}'))
    assert (event.order_id, event.grand_total) == ("t", None)


@pytest.mark.parametrize("number", ["[]", "{}", "[[[[1]]]]"])
def test_what_is_no_value_at_all_is_kept_for_google(number: str) -> None:
    event = one(document(purchaseTransaction=f'{{"revenue":{number}}}'))
    assert event.grand_total is None
    assert event.extra == {"eventTime": "2022-02-23T10:27:42Z", "purchaseTransaction": {"revenue": json.loads(number)}}


def test_quirk_members_of_the_third_party_document() -> None:
    event = one(document(productDetails='[{"product":{"id":"a"},"rating":4.5,"promotion_id":"p","value":{"units":"5"}}]'))
    assert event.items is not None
    assert event.items[0].attrs == {"rating": Decimal("4.5"), "promotion_id": "p"}
    assert event.items[0].unit_price is None


def test_quirk_a_direct_request_is_described_by_its_head() -> None:
    body = document(userInfo='{"userId":"u","directUserRequest":true}')
    event = one(body, ip="203.0.113.7", user_agent="ua")
    assert event.device == Device(ip="203.0.113.7", user_agent="ua")
    assert "userInfo" not in event.extra
    assert one(document(), ip="203.0.113.7", user_agent="ua").device is None


@pytest.mark.parametrize("missing", ["eventType", "visitorId"])
@pytest.mark.parametrize("value", [None, "null", '""', "123"])
def test_without_type_or_visitor_it_is_no_event(missing: str, value: str | None) -> None:
    members: dict[str, Any] = {"eventType": '"search"', "visitorId": '"v"', missing: value}
    body = "{" + ",".join(f'"{name}":{one}' for name, one in members.items() if one is not None) + "}"
    decoded = decode(body)
    assert not decoded.events
    assert missing in decoded.failures[0].reason
    assert decoded.failures[0].original == body.encode()


# ── payloads ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bad_record_costs_only_itself() -> None:
    good, bad = document(), '{"eventType":"search"}'
    lines = decode(f"{good}\n\n{bad}\nnonsense\n{good}\n", framing="lines")
    assert (len(lines.events), [failure.index for failure in lines.failures]) == (2, [2, 3])
    snake = good.replace("visitorId", "visitor_id")
    anew = decode(f"{snake}\n\n{bad}\nnonsense\n{good}\n", framing="lines")
    assert (len(anew.events), [failure.index for failure in anew.failures]) == (2, [2, 3])
    assert [failure.original for failure in anew.failures] == [bad.encode(), b"nonsense"]
    array = decode(f"[{snake},{bad},{good}]")
    assert (len(array.events), [failure.index for failure in array.failures]) == (2, [1])


@pytest.mark.parametrize("body", ["[" * 100_000, '{"eventType":' * 5_000, '{"attributes":{"a":' + "[" * 5_000])
def test_nesting_beyond_reason_is_a_failure(body: str) -> None:
    assert decode(body).failures
    assert decode(body.replace("eventType", "event_type")).failures


def test_deep_attributes_are_a_failure_and_not_a_crash() -> None:
    deep = "[" * 500 + "]" * 500
    for body in (document(attributes=f'{{"a":{deep}}}'), document(attributes=f'{{"a":{{"text":{deep}}}}}')):
        assert "deeply" in decode(body).failures[0].reason


@settings(max_examples=150)
@given(st.binary(max_size=60) | st.sampled_from([b'{"event_type"', b'{"event_type":1}', b'[{"visitor_id":[]}]', b"\xff"]))
def test_whatever_the_bytes_it_returns(body: bytes) -> None:
    decoded = decode(body)
    assert decoded.size == len(body)


@pytest.mark.parametrize("name", ["size", "event_id", "user_id", "wye_money", "wye_money_1", "wye_extra"])
def test_attributes_that_are_nested_too_deeply_cost_their_event_alone(name: str) -> None:
    deep = f'"wye_money":{{"text":["{{}}"]}},"{name}":{{"text":["x"],"more":{"[" * 60}{"]" * 60}}}'
    good = '{"eventType":"home-page-view","visitorId":"v"}'
    decoded = decode(f'[{{"eventType":"home-page-view","visitorId":"v","attributes":{{{deep}}}}},{good}]')
    assert [failure.reason for failure in decoded.failures] == ["JSON is nested too deeply"]
    assert len(decoded.events) == 1
