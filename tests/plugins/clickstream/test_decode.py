from __future__ import annotations

import base64
import gzip
import json
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.vendor_kit import read_body, read_one, spelled
from samples.payloads import exact, payloads, written
from wye.event import App, Item, Page, UserAttr
from wye.message import Payload
from wye_plugins.clickstream.decode import MAX_INFLATED_BYTES, ClickstreamDecoder

SAMPLES = payloads("clickstream")
STORED = "etl-test-resource-ingested-row"
decoder = ClickstreamDecoder()
decode = partial(read_body, decoder)
one = partial(read_one, decoder)


def document(**members: object) -> str:
    """An event with the required members; values are JSON already."""
    parts = {"event_type": '"purchase"', "event_id": '"e"', "timestamp": "1", "app_id": '"a"', **members}
    return spelled(parts)


@pytest.mark.parametrize(
    ("sample", "kind"),
    [
        ("generator-web-purchase", "purchase"),
        ("generator-web-add_to_cart", "add_to_cart"),
        ("generator-app-remove_from_cart", "remove_from_cart"),
        ("generator-web-view_cart", "cart_view"),
        ("generator-app-view_item", "item_view"),
        ("generator-web-search", "search"),
        ("generator-app-login", "login"),
        ("generator-web-preset_page_view", "page_view"),
        ("generator-app-preset_screen_view", "page_view"),
        ("generator-app-preset_profile_set", "identify"),
        ("generator-web-preset_session_start", "landing"),
    ],
)
def test_names_of_the_presets_and_of_the_shopping_demo(sample: str, kind: str) -> None:
    assert one(SAMPLES[sample]).type == kind


def test_other_names_are_custom() -> None:
    assert one(document(event_type='"button_click"')).type == "custom:button_click"
    assert one(document(event_type='"_app_start"')).type == "custom:_app_start"


def test_a_purchase_of_the_vendors_demo() -> None:
    event = one(SAMPLES["generator-web-purchase"])
    assert event.id == "a91d5ec7-b01e-4216-9428-6d0a0a136d01"
    assert event.time_ms == 1700000509572
    assert event.origin.tenant == "test_app"
    assert event.user_id == "524bd412-c8ae-4bd4-a53f-2e484730e11a"
    assert event.visitor_id == "24c3acad-33bd-43ff-8c37-2bce4a9110e2"
    assert event.session_id == "4a9110e2-20231114-221530000"
    assert (event.currency, event.goods_total) == ("USD", Decimal(18))
    assert event.order_id == "b393588e-b2e7-44f6-986e-9bd98ab29a77"
    assert event.items == (
        Item(
            id="638012bd-b70e-4035-bf83-fbb777c7a6ea",
            name="Grandma's Mascara",
            category="beauty",
            unit_price=Decimal(18),
            quantity=Decimal(13),
            attrs={"style": "grooming"},
        ),
    )
    assert event.page == Page(url="shopping.example.com/checkout", title="checkoutPage")
    assert event.app == App(sdk_name="aws-solution-clickstream-sdk", sdk_version="0.7.1", host="shopping.example.com")
    assert event.device is not None
    assert (event.device.platform, event.device.language, event.device.zone_offset_ms) == ("Web", "en", 3600000)
    assert event.user_attrs == {"_user_first_touch_timestamp": UserAttr(1700000130000, 1700000130000)}
    assert event.attrs["_session_number"] == 1


@pytest.mark.parametrize("price", ["1599.97", "0", "9999999.99", "10.995", "0.1", "1E+2", "-0.01"])
def test_money_is_exact(price: str) -> None:
    event = one(document(items=f'[{{"id":"a","price":{price}}}]', attributes=f'{{"value":{price}}}'))
    assert event.items is not None
    assert event.items[0].unit_price == event.goods_total == Decimal(price)


def test_fractions_in_bags_are_exact_too() -> None:
    event = one(document(attributes='{"Price":99.90,"deep":[{"x":0.1}]}', user='{"ltv":{"value":123.45}}'))
    assert event.attrs == {"Price": Decimal("99.90"), "deep": [{"x": Decimal("0.1")}]}
    assert event.user_attrs == {"ltv": UserAttr(Decimal("123.45"))}


def test_no_currency_is_made_up_for_a_value() -> None:
    event = one(document(event_value="5"))
    assert event.goods_total == Decimal(5)
    assert event.currency is None


def test_the_vendors_columns_stand_above_attributes() -> None:
    event = one(document(event_value="5", event_value_currency='"EUR"', attributes='{"value":7,"currency":"CNY"}'))
    assert (event.goods_total, event.currency) == (Decimal(5), "EUR")
    assert one(document(event_value="0", attributes='{"value":7}')).goods_total == Decimal(0)


def test_a_value_is_money_only_where_it_is_about_goods() -> None:
    event = one(document(event_type='"button_click"', attributes='{"value":5}'))
    assert event.goods_total is None
    assert event.attrs == {"value": 5}


# ── what real clients send ───────────────────────────────────────────────────────────────────────────────────────────────


def test_quirk_the_other_names_that_the_vendors_pipeline_takes() -> None:
    body = """{"event_name":"add_to_cart","event_id":"e","timestamp":1,"app_id":"a","user_pseudo_id":"v",
        "advertising_id":"ad","event_value_in_usd":2.5,"items":[{"item_id":"i","item_name":"n"}]}"""
    event = one(body)
    assert (event.type, event.visitor_id, event.goods_total, event.currency) == ("add_to_cart", "v", Decimal("2.5"), "USD")
    assert event.device is not None
    assert event.device.advertising_id == "ad"
    assert event.items is not None
    assert (event.items[0].id, event.items[0].name) == ("i", "n")


def test_quirk_quantity_is_a_number_or_a_text() -> None:
    event = one(document(items='[{"id":"a","quantity":"2"},{"id":"b","quantity":2},{"id":"c","quantity":1.5}]'))
    assert [item.quantity for item in event.items or ()] == [Decimal(2), Decimal(2), Decimal("1.5")]


@pytest.mark.parametrize(
    "number", ['"NaN"', '"Infinity"', '"1e999999999"', "1e999999999", "null", '""', '"many"', "[]", "true"]
)
def test_what_is_no_price_stays_with_the_vendor(number: str) -> None:
    event = one(document(items=f'[{{"id":"a","price":{number}}}]', attributes=f'{{"value":{number}}}', event_value=number))
    assert event.items is not None
    assert event.items[0].unit_price is None
    assert event.goods_total is None
    assert "price" in event.items[0].extra
    assert "event_value" in event.extra


def test_quirk_a_single_event_needs_no_array() -> None:
    assert decode(document()).events == decode(f"[{document()}]").events


def test_an_empty_array_or_body_has_no_events_and_no_failures() -> None:
    for body in ("[]", "", " \n"):
        decoded = decode(body)
        assert (list(decoded.events), list(decoded.failures), decoded.size) == ([], [], len(body))


def test_lines_are_events_or_arrays_of_them() -> None:
    body = f"{document()}\n[{document()},{document()}]\n\n"
    assert len(decode(body, framing="lines").events) == 3


def test_quirk_gzip_is_base64_text_whatever_the_parameter_says() -> None:
    body = base64.b64encode(gzip.compress(f"[{document()}]".encode()))
    assert one(body).type == "purchase"
    two = base64.b64encode(gzip.compress(b"[") + gzip.compress(f"{document()}]".encode()))
    assert one(two).type == "purchase"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"hello", "neither JSON nor base64 of gzip"),
        ("é".encode(), "neither JSON nor base64 of gzip"),
        (base64.b64encode(gzip.compress(b"[]")[:-3]), "breaks off"),
        (base64.b64encode(gzip.compress(bytes(MAX_INFLATED_BYTES + 1))), "larger than 16777216 bytes"),
    ],
)
def test_what_cannot_be_decompressed_is_a_failure(body: bytes, reason: str) -> None:
    decoded = decode(body)
    assert not decoded.events
    assert reason in decoded.failures[0].reason
    assert decoded.failures[0].original == body


def test_quirk_rows_as_the_vendors_server_stores_them() -> None:
    event = decode(json.dumps(json.loads(SAMPLES[STORED])), framing="lines").events[0]
    assert event.type == "custom:Click3"
    assert event.origin.tenant == "uba-app"
    assert event.device is not None
    assert (event.device.ip, event.device.user_agent) == ("13.212.229.59", "Apache-HttpClient/4.5.12 (Java/11.0.15)")


def test_a_stored_row_with_something_else_in_it_is_a_failure() -> None:
    row = '{"data":"[{}]"}'
    decoded = decode(f"{row}\n{document()}", framing="lines")
    assert len(decoded.events) == 1
    assert [(failure.index, failure.original) for failure in decoded.failures] == [(0, row.encode())]
    assert "event_type is missing" in decoded.failures[0].reason


def test_the_requests_facts_belong_to_the_event() -> None:
    event = one(document(), ip="1.2.3.4", user_agent="ua", query={"platform": "iOS", "appId": "q"})
    assert event.device is not None
    assert (event.device.ip, event.device.user_agent, event.device.platform) == ("1.2.3.4", "ua", "iOS")
    assert event.origin.tenant == "a"
    assert one(document(app_id='""'), query={"appId": "q"}).origin.tenant == "q"
    named = one(document(platform='"Web"'), query={"platform": "iOS"})
    assert named.device is not None
    assert named.device.platform == "Web"


# ── ids and times ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_without_an_id_gets_one_from_its_content() -> None:
    bare = '{"event_type":"purchase","timestamp":1,"app_id":"a"}'
    assert one(bare).id == one('{"app_id":"a","timestamp":1,  "event_type":"purchase"}').id
    assert one(bare).id != one(bare.replace("1", "2")).id
    assert one(document(event_id='""')).id not in ("", "e")


@pytest.mark.parametrize("word", ["", "null", "Undefined", "00000000-0000-0000-0000-000000000000"])
def test_placeholders_are_nobody(word: str) -> None:
    event = one(
        document(
            unique_id=f'"{word}"',
            device_id=f'"{word}"',
            user=f'{{"_user_id":{{"value":"{word}","set_timestamp":5}}}}',
            attributes=f'{{"_session_id":"{word}"}}',
        )
    )
    assert (event.visitor_id, event.user_id, event.session_id, event.device) == (None, None, None, None)
    assert event.extra["user"] == {"_user_id": {"value": word, "set_timestamp": 5}}


def test_quirk_a_time_may_be_a_text_or_a_fraction() -> None:
    assert one(document(timestamp='"1667877566697"')).time_ms == 1667877566697
    fraction = one(document(timestamp="1667877566697.25"))
    assert (fraction.time_ms, fraction.time_ns_rest) == (1667877566697, 250_000)
    assert one(document(timestamp="1667877566697." + "9" * 40)).time_ns_rest == 999_999


@pytest.mark.parametrize(
    "members",
    [
        {"timestamp": "null"},
        {"timestamp": '"soon"'},
        {"timestamp": "1e300"},
        {"timestamp": "true"},
        {"event_type": '""'},
        {"event_type": "null"},
        {"event_type": "7"},
    ],
)
def test_an_event_without_a_type_or_a_time_is_a_failure(members: dict[str, str]) -> None:
    bad = document(**members)
    decoded = decode(f"[{document()},{bad},{document()}]")
    assert len(decoded.events) == 2
    assert [(failure.index, failure.original) for failure in decoded.failures] == [(1, bad.encode())]


def test_quirk_items_that_are_no_array_are_none() -> None:
    event = one(document(items='{"id":"a"}'))
    assert event.items is None
    assert event.extra["items"] == {"id": "a"}


def test_quirk_the_zone_offset_is_milliseconds() -> None:
    event = one(document(zone_offset="2880000"))
    assert event.device is not None
    assert event.device.zone_offset_ms == 2_880_000


def test_items_that_are_none_are_passed_over_and_kept() -> None:
    event = one(document(items='[{"id":"a"},null,7]'))
    assert event.items == (Item(id="a"),)
    assert event.extra["items"] == [{"id": "a"}, None, 7]


# ── hostile input ────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_survived(body: bytes) -> None:
    decode(body)
    decode(body, framing="lines")
    decode(base64.b64encode(gzip.compress(body)))


@settings(deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.integers(0, 1500), st.binary(min_size=1, max_size=4))
def test_any_damage_is_survived(sample: str, place: int, junk: bytes) -> None:
    body = SAMPLES[sample]
    decode(body[:place] + junk + body[place + len(junk) :])


@pytest.mark.parametrize("value", ["[" * 5000 + "]" * 5000, "9" * 5000, "1e99999999999999999999", "[" * 900 + "]" * 900])
@pytest.mark.parametrize("place", ['"{}":{}', '"attributes":{{"{}":{}}}', '"user":{{"{}":{}}}', '"items":[{{"{}":{}}}]'])
def test_hostile_values_are_failures(place: str, value: str) -> None:
    decoded = decode(document()[:-1] + "," + place.format("x", value) + "}")
    assert not decoded.events
    assert len(decoded.failures) == 1


def test_an_attribute_with_the_name_of_a_fact_that_is_none_is_like_any_other() -> None:
    event = one(document(attributes='{"channel":"kiosk","shipping":"free","order_id":"","_session_id":5}'))
    assert event.attrs == {"channel": "kiosk", "shipping": "free"}
    assert event.extra["attributes"] == {"order_id": "", "_session_id": 5}


# ── many at once ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_PARSED = [exact(body) for name, body in SAMPLES.items() if name != STORED]
_LINES = [written(each).decode() for each in _PARSED if isinstance(each, dict)]
_ODD_LINES = [
    "{",
    "[]",
    f"[{document()},{{}}]",
    document(event_type="null"),
    document(timestamp='"1667877566697"'),
    document(colour='"red"'),
    document(unique_id="7", device_id='"null"', app_id='""'),
    document(attributes=f'{{"x":{"[" * 61 + "]" * 61}}}'),
    document(user=f'{{"x":{{"value":{"[" * 61 + "]" * 61}}}}}'),
    document(items=f'[{{"id":"a","x":{"[" * 61 + "]" * 61}}}]'),
    document(items='[{"id":7,"item_id":"b","name":null,"price":"1.50","quantity":1.5}]'),
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(_LINES + _ODD_LINES), max_size=8), st.booleans())
def test_a_record_among_others_is_what_it_is_alone(lines: list[str], known: bool) -> None:
    """Whatever is shared between events, and whichever of them is none."""
    facts: dict[str, Any] = {"ip": "1.2.3.4", "query": {"platform": "iOS", "appId": "q"}} if known else {}
    together = decode("\n".join(lines), framing="lines", **facts)
    alone = [ClickstreamDecoder().decode(Payload(line.encode(), "lines", **facts)) for line in lines]
    assert list(together.events) == [event for one in alone for event in one.events]
    assert [(failure.index, failure.reason, failure.original) for failure in together.failures] == [
        (index, failure.reason, failure.original) for index, one in enumerate(alone) for failure in one.failures
    ]


@pytest.mark.parametrize(
    "place", ['"attributes":{{"x":{}}}', '"user":{{"x":{{"value":{}}}}}', '"items":[{{"x":{}}}]', '"event_value":{}']
)
def test_what_is_nested_too_deeply_costs_only_itself(place: str) -> None:
    for levels, events in ((57, 3), (61, 2)):
        deep = document()[:-1] + "," + place.format("[" * levels + "]" * levels) + "}"
        decoded = decode(f"[{document()},{deep},{document()}]")
        assert len(decoded.events) == events
        assert [failure.reason for failure in decoded.failures] == ["JSON is nested too deeply"] * (3 - events)


def test_events_from_more_clients_than_are_remembered() -> None:
    lines = "\n".join(document(screen_height=str(height % 1500)) for height in range(3000))
    events = decode(lines, framing="lines").events
    assert [event.device.screen_height for event in events if event.device] == [height % 1500 for height in range(3000)]
