from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from plugins.vendor_kit import read_one, write_one
from samples.payloads import exact, odd_texts, payloads, same, scalars, texts, with_members, written
from wye.event import App, Device, Event, Item, Origin, Page, UserAttr
from wye.message import Payload, Unfit
from wye.testing import make_event
from wye_plugins.clickstream.decode import ClickstreamDecoder
from wye_plugins.clickstream.encode import ClickstreamEncoder

SAMPLES = payloads("clickstream")
STORED = "etl-test-resource-ingested-row"
decoder = ClickstreamDecoder()
encoder = ClickstreamEncoder()


def encode(event: Event, by: ClickstreamEncoder = encoder) -> Any:
    return write_one(by, event)


def through(document: Any) -> Any:
    return encode(read_one(decoder, written(document)))


# ── Clickstream to Clickstream ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_comes_out_as_it_went_in(sample: str) -> None:
    document = exact(SAMPLES[sample])
    if sample == STORED:
        document = exact(document["data"])
    decoded = decoder.decode(Payload(SAMPLES[sample]))
    assert not decoded.failures
    assert same([encode(event) for event in decoded.events], document if isinstance(document, list) else [document])


_number = st.integers(-(10**6), 10**6) | st.decimals(-1000, 1000, places=2) | odd_texts
_item = with_members(
    {
        **dict.fromkeys(("id", "item_id", "name", "item_name", "currency", "brand"), texts),
        "price": _number,
        "quantity": _number,
    },
    {},
)
_fact = with_members({"value": scalars, "set_timestamp": st.integers(0, 10**13)}, {})
_user = with_members(dict.fromkeys(("_user_id", "_user_name", "age"), _fact), {})
_attributes = with_members(
    {
        **dict.fromkeys(
            ("_session_id", "_search_term", "_page_url", "_page_referrer", "_latest_referrer", "_screen_id"), texts
        ),
        **dict.fromkeys(("currency", "order_id", "category", "brand", "channel", "wye_event_type"), texts),
        **dict.fromkeys(("value", "goods_total", "tax", "shipping"), _number),
        "wye_names": st.sampled_from(['{"brand":"channel"}', '{"tax":"t","value":"_v"}', '{"brand":"b","channel":"b"}', "{}"]),
        "categories": st.lists(texts, max_size=2) | st.sampled_from(['["a","b"]', '["a", "b"]', "[]", "[1]", "[", "a"]),
    },
    {},
)
_NAMES = ["purchase", "view_item", "item_view", "_page_view", "_screen_view", "_search", "_session_start", "category_view"]
_names = st.sampled_from([*_NAMES, "brand_view", "_profile_set", "login", "click"])
documents = with_members(
    {
        **dict.fromkeys(("event_id", "app_id", "unique_id", "user_pseudo_id", "device_id", "device_unique_id"), texts),
        **dict.fromkeys(("advertising_id", "platform", "make", "app_title", "event_value_currency", "currency"), texts),
        **dict.fromkeys(("event_value", "event_value_in_usd"), _number),
        **dict.fromkeys(("zone_offset", "screen_width"), st.integers(-(10**7), 10**20)),
        "event_name": _names,
        "items": st.lists(_item, max_size=3),
        "user": _user,
        "attributes": _attributes,
    },
    {"event_type": _names, "timestamp": st.integers(0, 2**63 - 1) | st.decimals(0, 10**13, places=3)},
)


def normalised(document: dict[str, Any]) -> dict[str, Any]:
    """What is filled in where it is missing; that it is right is another test's business."""
    return {name: value for name, value in document.items() if name not in ("event_id", "app_id")}


@settings(deadline=None)
@given(documents)
def test_any_document_comes_out_as_it_went_in(document: dict[str, Any]) -> None:
    found = through(document)
    assert same(normalised(found), normalised(exact(written(document))))
    for name in ("event_id", "app_id"):
        if name in document:
            assert same(found[name], exact(written(document[name])))
        else:
            assert found[name]


@settings(deadline=None)
@given(_names, documents)
def test_so_it_does_under_its_other_name_alone(name: str, document: dict[str, Any]) -> None:
    document = {**document, "event_name": name}
    del document["event_type"]
    assert same(normalised(through(document)), normalised(exact(written(document))))


def test_what_is_required_and_missing_is_filled_in() -> None:
    found = through({"event_type": "purchase", "timestamp": 1})
    assert found["app_id"] == "wye"
    assert len(found["event_id"]) == 36


def test_the_requests_facts_stay_out_of_the_document() -> None:
    body = written({"event_type": "login", "event_id": "e", "timestamp": 1, "app_id": "a"})
    (event,) = decoder.decode(Payload(body, ip="1.2.3.4", user_agent="ua")).events
    assert same(encode(event), exact(body))


def test_a_configured_app_replaces_the_events_own() -> None:
    (event,) = decoder.decode(Payload(b'{"event_type":"login","timestamp":1,"app_id":null}')).events
    assert encode(event)["app_id"] is None
    assert encode(event, ClickstreamEncoder("mine"))["app_id"] == "mine"


# ── from elsewhere ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_from_elsewhere_has_every_required_member() -> None:
    assert encode(make_event()) == {
        "event_type": "view_item",
        "event_id": "e1",
        "timestamp": 1_700_000_000_000,
        "app_id": "wye",
    }
    assert encode(make_event(origin=Origin(vendor="test", tenant="shop")))["app_id"] == "shop"


def test_a_full_event_comes_back_from_its_document() -> None:
    event = make_event(
        type="purchase",
        origin=Origin(vendor="test", tenant="shop"),
        user_id="u",
        visitor_id="v",
        session_id="s",
        items=(
            Item(id="a", quantity=Decimal("1.5"), unit_price=Decimal("10.995"), currency="EUR", seller_id="x", attrs={"c": 1}),
        ),
        order_id="o",
        cart_id="c",
        currency="EUR",
        goods_total=Decimal("16.4925"),
        grand_total=Decimal("20.00"),
        shipping=Decimal(0),
        tax=Decimal("1.2"),
        search_query="q",
        page=Page(url="https://a.b/", id="p", view_id="pv", title="t", referrer="r"),
        channel="site",
        attribution="token",
        categories=("a > b", "c"),
        device=Device(id="d", platform="Web", zone_offset_ms=0, screen_width=1),
        app=App(title="t", sdk_name="n"),
        user_attrs={"age": UserAttr(34, 5)},
        attrs={"colour": "red", "sizes": [1, 2]},
    )
    (document,) = encoder.encode([event])
    assert isinstance(document, bytes)
    (back,) = decoder.decode(Payload(document)).events
    assert structs.replace(back, origin=event.origin, extra={}) == event


def test_several_categories_are_one_text_since_an_attribute_is_no_list() -> None:
    event = make_event(type="item_view", categories=("Büro > Tische", 'a "b"'))
    (document,) = encoder.encode([event])
    assert isinstance(document, bytes)
    assert exact(document)["attributes"]["categories"] == '["Büro > Tische","a \\"b\\""]'
    assert decoder.decode(Payload(document)).events[0].categories == event.categories


def test_quirk_a_total_without_a_currency_stays_out_of_the_column_that_assumes_dollars() -> None:
    bare = encode(make_event(type="purchase", goods_total=Decimal("58.97")))
    assert "event_value" not in bare
    assert bare["attributes"] == {"value": Decimal("58.97")}
    priced = encode(make_event(type="purchase", goods_total=Decimal("58.97"), currency="EUR"))
    assert (priced["event_value"], priced["event_value_currency"]) == (Decimal("58.97"), "EUR")
    assert "attributes" not in priced


@pytest.mark.parametrize(
    ("kind", "name", "kept"),
    [
        ("item_view", "view_item", None),
        ("page_view", "_page_view", None),
        ("landing", "_session_start", None),
        ("identify", "_profile_set", None),
        ("home_view", "_page_view", "home_view"),
        ("item_hover", "product_exposure", "item_hover"),
        ("custom:sign_up", "sign_up", None),
        ("custom:detail-page", "detail_page", "custom:detail-page"),
        ("custom:_own", "own", "custom:_own"),
        ("custom:3d", "e_3d", "custom:3d"),
        ("custom:purchase", "purchase", "custom:purchase"),
    ],
)
def test_quirk_names_fit_the_vendors_rule_and_lead_back_to_the_type(kind: str, name: str, kept: str | None) -> None:
    document = encode(make_event(type=kind))
    assert document["event_type"] == name
    assert document.get("attributes") == (None if kept is None else {"wye_event_type": kept})
    (back,) = decoder.decode(Payload(written(document))).events
    assert back.type == kind


def test_the_referrer_of_a_landing_is_the_sessions() -> None:
    document = encode(make_event(type="landing", page=Page(referrer="https://a.b/")))
    assert document["attributes"] == {"_latest_referrer": "https://a.b/"}
    (back,) = decoder.decode(Payload(written(document))).events
    assert back.page == Page(referrer="https://a.b/")


def test_attributes_names_fit_and_their_own_are_kept() -> None:
    document = encode(make_event(attrs={"size-eu": 1, "size_eu": 2, "ok": 3}))
    assert document["attributes"] == {"size_eu": 2, "ok": 3, "size_eu_2": 1, "wye_names": '{"size_eu_2":"size-eu"}'}


def test_an_attribute_and_a_fact_of_one_name_are_both_there() -> None:
    """In an item's view the decoder knows no brand of the page: it is set aside, not taken for the attribute."""
    document = encode(make_event(brand="Oak", attrs={"brand": "Pine"}))
    assert document["attributes"]["brand"] == "Oak"
    (back,) = decoder.decode(Payload(written(document))).events
    assert back.attrs == {"brand": "Pine"}
    assert same(encode(back), document)


@pytest.mark.parametrize(
    "event",
    [
        make_event(attrs={"size-eu": 1, "size_eu": 2, "3d": True, "_own": "x"}),
        make_event(attrs={"order-id": "A"}),
        make_event(attrs={"order-id": "A", "order_id": "B"}, order_id="C"),
        make_event(attrs={"_session_id": "s1", "wye_names": "{}", "wye_event_type": "purchase"}),
        make_event(attrs={"value": 1, "channel": "kiosk"}, goods_total=Decimal("2.50"), channel="app"),
    ],
)
def test_attributes_come_back_under_their_own_names(event: Event) -> None:
    document = encode(event)
    (back,) = decoder.decode(Payload(written(document))).events
    assert back.attrs == event.attrs
    assert (back.order_id, back.session_id, back.channel) == (event.order_id, event.session_id, event.channel)
    assert same(encode(back), document)


@pytest.mark.parametrize(
    "names", ['{"a":"b"}', '{"b":"a"}', '{"x":"y"}', '{"a":"c","b":"d"}', '{"wye_names":"b"}', '{"a":"b","b":"a"}']
)
def test_whatever_names_a_document_says_it_comes_out_as_it_went_in(names: str) -> None:
    """A sender may write ``wye_names`` as well: it is not believed where it does not describe the attributes."""
    document = {"event_type": "purchase", "event_id": "e", "timestamp": 1, "app_id": "a"}
    document |= {"attributes": {"a": 1, "b": 2, "order_id": "o", "wye_names": names}}
    assert same(through(document), document)


def test_what_another_vendor_alone_knows_is_not_written() -> None:
    event = make_event(extra={"event_type": "x"}, items=(Item(id="a", extra={"price": 1}),))
    assert encode(event)["event_type"] == "view_item"
    assert encode(event)["items"] == [{"id": "a"}]


def test_a_document_that_no_request_can_hold_is_unfit() -> None:
    unfit = encode(make_event(attrs={"x": "y" * 1_048_576}))
    assert isinstance(unfit, Unfit)
    assert "1,048,576 bytes" in unfit.reason
    assert not unfit.unmapped


@settings(deadline=None)
@given(documents)
def test_any_event_of_this_vendor_can_be_read_as_anothers(document: dict[str, Any]) -> None:
    (event,) = decoder.decode(Payload(written(document))).events
    found = encode(structs.replace(event, origin=Origin(vendor="test")))
    assert {"event_type", "event_id", "timestamp", "app_id"} <= found.keys()
    (back,) = decoder.decode(Payload(written(found))).events
    assert (back.type, back.id, back.user_id, back.goods_total) == (event.type, event.id, event.user_id, event.goods_total)
