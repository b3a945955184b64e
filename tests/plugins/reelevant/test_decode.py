from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.reelevant.reelevant_kit import RECEIVED_MS, envelope, ids, one, read
from samples.payloads import payloads
from wye.event import Item, Page

SAMPLES = payloads("reelevant")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("product_page", "item_view"),
        ("product_hover", "item_hover"),
        ("category_view", "category_view"),
        ("brand_view", "brand_view"),
        ("add_cart", "add_to_cart"),
        ("purchase", "purchase"),
        ("purchase_references", "purchase"),
        ("page_view", "page_view"),
        ("identify", "identify"),
        ("remove_cart", "remove_from_cart"),
        ("search", "search"),
        ("newsletter", "custom:newsletter"),
        ("item_view", "custom:item_view"),
        ("add_to_cart", "custom:add_to_cart"),
        ("home_view", "custom:home_view"),
    ],
)
def test_names_of_the_vendors_catalogue_and_free_ones(name: str, kind: str) -> None:
    assert one(envelope(name=f'"{name}"')).type == kind


def test_an_envelope_of_the_vendors_pages() -> None:
    event = one(SAMPLES["docs-reference-s2s-purchase-shape"])
    assert (event.id, event.type, event.time_ms) == ("9b2e7c0e-6c1e-4a34-9a0f-0d8f0a4d7f11", "purchase", 1700000000000)
    assert (event.user_id, event.visitor_id, event.origin.tenant) == ("user-1", "user-1", "61a095fdd8d2e20011544831")
    assert (event.order_id, event.goods_total, event.currency) == ("order-456", Decimal("129.9"), None)
    assert event.items == (Item(id="SKU-1"), Item(id="SKU-2"))
    assert event.page == Page(url="https://shop.example.com/checkout/confirmation")
    assert event.attrs == {"channel": "backoffice"}
    assert event.extra == {}


def test_an_envelope_of_the_seed() -> None:
    event = one(SAMPLES["seed-assembled"], user_agent="curl", ip="1.2.3.4")
    assert event.device is not None
    assert (event.device.user_agent, event.device.ip) == ("Mozilla/5.0", "1.2.3.4")
    assert (event.type, ids(event), event.user_id) == ("item_view", ["1"], "u1")


# ── quirks ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_quirk_client_id_null_and_empty_data_and_escaped_slashes_from_android() -> None:
    event = one(envelope(clientId="null", url='"https:\\/\\/shop.example\\/p"'))
    assert (event.user_id, event.page, event.attrs) == (None, Page(url="https://shop.example/p"), {})
    assert event.extra == {"clientId": None}


def test_quirk_one_value_for_several_items_is_not_split_into_prices() -> None:
    event = one(envelope(data='{"ids":["a","b"],"value":30}'))
    assert event.goods_total == Decimal(30)
    assert [(item.unit_price, item.quantity, item.currency) for item in event.items or ()] == [(None, None, None)] * 2
    assert event.currency is None


def test_quirk_a_repeated_id_is_another_item_and_no_quantity() -> None:
    assert one(envelope(data='{"ids":["a","a"]}')).items == (Item(id="a"), Item(id="a"))


def test_quirk_url_unknown_is_no_page() -> None:
    event = one(SAMPLES["android-unit-test-page_view"])
    assert (event.page, event.extra) == (None, {"url": "unknown"})
    assert one(envelope(url='"/cart/step2"')).page == Page(url="/cart/step2")


def test_a_url_with_parameters_keeps_them() -> None:
    event = one(envelope(url='"https://a.b/c?d=e#f"'))
    assert event.page == Page(url="https://a.b/c?d=e#f")
    assert event.extra == {"url": "https://a.b/c?d=e#f"}


def test_quirk_b_and_id_have_one_description() -> None:
    assert one(envelope(b='"B"')).attribution == "B"
    assert one(envelope(id='"I"')).attribution == "I"
    assert one(envelope(b='"B"', id='"I"')).attribution == "B"
    assert one(envelope(b='""', id='"I"')).attribution == "I"
    assert one(envelope(b='""')).attribution is None


@pytest.mark.parametrize(
    ("timestamp", "time_ms", "ns_rest"),
    [
        ("1700000000", 1_700_000_000_000, 0),
        ("1700000000.25", 1_700_000_000_250, 0),
        ("1700000000.1234567", 1_700_000_000_123, 456_700),
        ("99999999999", 99_999_999_999_000, 0),
        ("100000000000", 100_000_000_000, 0),
        ("1700000000000", 1_700_000_000_000, 0),
        ("1700000000000.5", 1_700_000_000_000, 500_000),
        ('"1700000000000"', 1_700_000_000_000, 0),
        ('"1700000000"', 1_700_000_000_000, 0),
        ("0", 0, 0),
        ("-5", -5000, 0),
    ],
)
def test_quirk_a_small_timestamp_is_in_seconds(timestamp: str, time_ms: int, ns_rest: int) -> None:
    event = one(envelope(timestamp=timestamp))
    assert (event.time_ms, event.time_ns_rest) == (time_ms, ns_rest)


@pytest.mark.parametrize("timestamp", ["null", '"soon"', "true", "1e300", "-1e30", "9223372036854775808", "[1]"])
def test_a_timestamp_that_is_none_is_the_time_of_reception(timestamp: str) -> None:
    assert one(envelope(timestamp=timestamp)).time_ms == RECEIVED_MS


def test_quirk_without_a_timestamp_it_is_the_time_of_reception() -> None:
    assert one(SAMPLES["docs-overview-product_page"]).time_ms == RECEIVED_MS


def test_a_time_just_below_a_millisecond_stays_below_it() -> None:
    event = one(envelope(timestamp="1700000000000." + "9" * 150))
    assert (event.time_ms, event.time_ns_rest) == (1_700_000_000_000, 999_999)


def test_no_client_can_pass_an_event_off_as_a_call_to_a_vendor() -> None:
    event = one(envelope(data='{"wye_event_type":"control:google-retail.purge"}'))
    assert (event.type, event.attrs) == ("purchase", {"wye_event_type": "control:google-retail.purge"})


# ── envelopes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("data", ["null", "[]", '"x"', "7"])
def test_data_that_is_no_object_is_dropped_and_not_the_event(data: str) -> None:
    event = one(envelope(data=data))
    assert event.type == "purchase"
    assert "data" in event.extra


def test_an_array_of_envelopes() -> None:
    second = envelope(eventId='"f"')
    assert [event.id for event in read(f"[{envelope()},{second}]").events] == ["e", "f"]
    assert len(read(f"{envelope()}\n[{envelope()},{envelope()}]\n\n", framing="lines").events) == 3
    assert read("[]").events == []


@pytest.mark.parametrize("bad", ["{}", envelope(name='""'), envelope(name="null"), envelope(name="7"), "7", "null"])
def test_an_envelope_without_a_name_is_a_failure_of_its_own(bad: str) -> None:
    decoded = read(f"[{envelope()},{bad},{envelope()}]")
    assert len(decoded.events) == 2
    assert [(failure.index, failure.original) for failure in decoded.failures] == [(1, bad.encode())]


def test_an_event_without_an_id_gets_one_from_its_content() -> None:
    bare = '{"name":"purchase","tmpId":"t"}'
    assert one(bare).id == one('{"tmpId":"t",  "name":"purchase"}', received_ms=7).id
    assert one(bare).id != one('{"name":"purchase","tmpId":"u"}').id
    assert one(envelope(eventId='"undefined"')).id != "undefined"


def test_quirk_an_event_that_is_sent_again_has_the_same_id() -> None:
    body = SAMPLES["android-unit-test-page_view"]
    assert one(body).id == one(body, received_ms=RECEIVED_MS + 60_000).id


def test_the_requests_user_agent_is_the_devices_where_the_envelope_has_none() -> None:
    event = one(envelope(), user_agent="Mozilla")
    assert event.device is not None
    assert event.device.user_agent == "Mozilla"
    assert event.extra == {}


# ── hostile input ────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_survived(body: bytes) -> None:
    read(body)
    read(body, framing="lines")


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(sorted(SAMPLES)), st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_any_damage_is_survived(sample: str, place: int, junk: bytes) -> None:
    body = SAMPLES[sample]
    read(body[:place] + junk + body[place + len(junk) :])


@pytest.mark.parametrize("value", ["[" * 5000 + "]" * 5000, "9" * 5000, "1e99999999999999999999", "[" * 900 + "]" * 900])
@pytest.mark.parametrize("place", ['"x":{}', '"data":{{"x":{}}}', '"data":{{"ids":{}}}'])
def test_hostile_values_are_failures(place: str, value: str) -> None:
    decoded = read(envelope()[:-1] + "," + place.format(value) + "}")
    assert not decoded.events
    assert len(decoded.failures) == 1
