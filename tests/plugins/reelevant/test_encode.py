from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from plugins.reelevant.reelevant_kit import RECEIVED_MS, encode, encoder, event_of, one, read, read_back
from samples.payloads import exact, odd_texts, payloads, same, texts, with_members, written
from wye.event import EVENT_TYPES, App, Device, Event, Item, Origin, Page, UserAttr
from wye.message import Payload, Unfit
from wye.testing import make_event
from wye_plugins.clickstream.decode import ClickstreamDecoder
from wye_plugins.reelevant.encode import ReelevantEncoder
from wye_plugins.richrelevance.decode import RichRelevanceDecoder

SAMPLES = payloads("reelevant")
NOBODY = "docs-reference-purchase-fragment"


# ── Reelevant to Reelevant ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sample", SAMPLES.keys() - {NOBODY})
def test_a_sample_comes_out_as_it_went_in(sample: str) -> None:
    document = exact(SAMPLES[sample])
    assert same(encode(read_back(document)), {"timestamp": RECEIVED_MS, **document})


_number = st.integers(-(10**6), 10**6) | st.decimals(-1000, 1000, places=3) | odd_texts
_ids = st.lists(texts | odd_texts | st.integers(0, 9), max_size=3) | odd_texts | st.sampled_from(["a;b", "a, b", "c|"])
_labels = with_members(
    {
        "ids": _ids,
        **dict.fromkeys(("id", "transId", "session_id", "currency", "cart_id", "search_term", "brand"), texts | odd_texts),
        **dict.fromkeys(
            ("attribution_token", "page_id", "referrer", "device_os", "app_version", "user.age"), texts | odd_texts
        ),
        **dict.fromkeys(("value", "shipping", "grand_total", "goods_total", "tax"), _number),
        "channel": st.sampled_from(["app", "site", "backoffice"]),
        "categories": st.sampled_from(["[]", '["a"]', '["a", "b"]', '["a","b"]', "[", "a"]),
        "value_is": st.sampled_from(["grand_total", "x"]),
        "wye_event_type": st.sampled_from(
            ["home_view", "category_view", "brand_view", "purchase", "custom:x", "custom:", "control:x", ""]
        ),
    },
    {},
)
_NAMES = ["product_page", "product_hover", "category_view", "brand_view", "add_cart", "purchase", "purchase_references"]
documents = with_members(
    {
        **dict.fromkeys(("key", "eventId", "clientId", "ua", "b", "id"), texts | odd_texts),
        "url": texts | st.sampled_from(["unknown", "https://a.b/c", "https://a.b/c?d", "https://a.b/#e", "?", "#"]),
        "v": st.integers(0, 3),
        "timestamp": st.integers(-(10**12), 10**14) | st.decimals(0, 10**13, places=3) | odd_texts,
        "data": _labels,
    },
    {
        "name": st.sampled_from([*_NAMES, "page_view", "identify", "item_view", "click", "remove_cart"]),
        "tmpId": texts | odd_texts,
    },
)

FILLED_IN = ("key", "eventId", "url", "data", "v", "timestamp")


@settings(deadline=None, max_examples=150)
@given(documents)
def test_any_envelope_comes_out_as_it_went_in(document: dict[str, Any]) -> None:
    before = exact(written(document))
    found = encode(read_back(document))
    assert same({name: value for name, value in found.items() if name in before}, before)
    assert set(found) - set(before) <= set(FILLED_IN)
    assert set(FILLED_IN) <= set(found)


def test_quirk_what_is_required_and_missing_is_filled_in() -> None:
    assert same(
        encode(read_back({"name": "identify", "clientId": "c", "eventId": "e"})),
        {
            "key": "wye",
            "tmpId": "c",
            "eventId": "e",
            "name": "identify",
            "url": "unknown",
            "data": {},
            "clientId": "c",
            "v": 1,
            "timestamp": RECEIVED_MS,
        },
    )


def test_an_envelope_without_anybody_is_not_sent() -> None:
    (unfit,) = encoder.encode(read(SAMPLES[NOBODY]).events)
    assert isinstance(unfit, Unfit)
    assert unfit.reason.startswith("tmpId: Reelevant requires it")
    assert not unfit.unmapped


def test_androids_id_comes_back_as_id() -> None:
    document = {**exact(SAMPLES["seed-assembled"]), "name": "brand_view", "data": {"id": "Acme"}}
    assert encode(read_back(document))["data"] == {"id": "Acme"}


def test_the_vendor_itself_cuts_what_its_own_clients_sent() -> None:
    document = {**exact(SAMPLES["seed-assembled"]), "data": {"value": Decimal("129.905")}}
    assert encode(read_back(document))["data"]["value"] == Decimal("129.905")


def test_the_requests_facts_stay_out_of_the_envelope() -> None:
    body = SAMPLES["android-unit-test-page_view"]
    event = one(body, user_agent="ua", ip="1.2.3.4")
    assert same(encode(event), exact(body))


def test_a_configured_key_replaces_whatever_an_event_came_with() -> None:
    mine = ReelevantEncoder(key="mine")
    assert encode(read_back({**exact(SAMPLES["seed-assembled"]), "key": None}), mine)["key"] == "mine"
    assert encode(read_back(exact(SAMPLES["seed-assembled"])), mine)["key"] == "mine"
    assert encode(event_of(origin=Origin(vendor="test", tenant="shop")), mine)["key"] == "mine"
    assert encode(event_of(origin=Origin(vendor="test", tenant="shop")))["key"] == "shop"
    assert encode(event_of())["key"] == "wye"


# ── from elsewhere ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_from_elsewhere_has_every_required_member() -> None:
    assert encode(event_of(items=(Item(id="a"),))) == {
        "key": "wye",
        "tmpId": "v",
        "eventId": "e1",
        "name": "product_page",
        "url": "unknown",
        "data": {"ids": ["a"]},
        "v": 1,
        "timestamp": 1_700_000_000_000,
    }


def test_identity_falls_back_to_another_that_the_event_has() -> None:
    assert encode(make_event(visitor_id="v", user_id="u", session_id="s"))["tmpId"] == "v"
    user = encode(make_event(user_id="u", session_id="s"))
    assert (user["tmpId"], user["clientId"]) == ("u", "u")
    session = encode(make_event(session_id="s"))
    assert session["tmpId"] == "s"
    assert "clientId" not in session


def test_what_the_vendor_takes_for_a_placeholder_is_nobody() -> None:
    found = encode(make_event(visitor_id="0", user_id="ko", session_id="s"))
    assert found["tmpId"] == "s"
    assert "clientId" not in found
    assert isinstance(encode(make_event(visitor_id="0")), Unfit)


def test_an_event_of_nobody_is_unfit() -> None:
    unfit = encode(make_event())
    assert isinstance(unfit, Unfit)
    assert unfit.reason.startswith("tmpId")
    assert not unfit.unmapped


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("item_view", "product_page"),
        ("item_hover", "product_hover"),
        ("add_to_cart", "add_cart"),
        ("purchase", "purchase"),
        ("remove_from_cart", "remove_cart"),
        ("search", "search"),
        ("home_view", "page_view"),
        ("landing", "landing"),
        ("custom:click", "click"),
        ("custom:purchase", "purchase"),
        ("custom:Ünïcode 1", "Ünïcode 1"),
        ("something_new", "something_new"),
    ],
)
def test_a_type_has_a_name_and_comes_back(kind: str, name: str) -> None:
    document = encode(event_of(type=kind))
    assert document["name"] == name
    assert read_back(document).type == kind


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_canonical_type_comes_back(kind: str) -> None:
    assert read_back(encode(event_of(type=kind))).type == kind


def test_quirk_a_page_view_is_sent_though_the_web_tag_drops_it() -> None:
    assert encode(event_of(type="page_view"))["name"] == "page_view"


@pytest.mark.parametrize("kind", ["custom:", "control:google-retail.purge"])
def test_only_what_is_no_name_is_unmapped(kind: str) -> None:
    unfit = encode(event_of(type=kind))
    assert isinstance(unfit, Unfit)
    assert unfit.unmapped


def test_quirk_the_url_is_without_parameters_and_fragment() -> None:
    assert encode(event_of(page=Page(url="https://a.b/c?d=e#f")))["url"] == "https://a.b/c"
    assert encode(event_of(page=Page(url="https://a.b/c#f?d")))["url"] == "https://a.b/c"
    assert encode(event_of(page=Page(url="#top")))["url"] == "unknown"
    assert encode(event_of(), ReelevantEncoder(default_url="app://home"))["url"] == "app://home"


@pytest.mark.parametrize("time_ms", [1, 1_700_000_000, 10**11 - 1, -1, 1 - 10**11])
def test_a_time_that_would_be_read_as_seconds_is_not_sent(time_ms: int) -> None:
    unfit = encode(event_of(time_ms=time_ms))
    assert isinstance(unfit, Unfit)
    assert unfit.reason.startswith("timestamp: ")
    assert not unfit.unmapped


@pytest.mark.parametrize("time_ms", [0, 10**11, -(10**11), 1_700_000_000_000])
def test_any_other_time_is_sent_in_milliseconds(time_ms: int) -> None:
    document = encode(event_of(time_ms=time_ms))
    assert document["timestamp"] == time_ms
    assert read_back(document).time_ms == time_ms


def test_seconds_of_the_vendors_own_clients_go_back_as_seconds() -> None:
    document = {**exact(SAMPLES["seed-assembled"]), "timestamp": 1_700_000}
    event = read_back(document)
    assert event.time_ms == 1_700_000_000
    assert encode(event)["timestamp"] == 1_700_000


def test_the_user_agent_is_written_as_the_seed_has_it() -> None:
    assert encode(event_of(device=Device(user_agent="Mozilla")))["ua"] == "Mozilla"
    assert "ua" not in encode(event_of(device=Device(os="iOS")))


def test_a_full_event_comes_back_from_its_envelope() -> None:
    event = event_of(
        type="purchase",
        origin=Origin(vendor="test", tenant="shop"),
        user_id="u",
        session_id="s",
        items=(Item(id="a"), Item(id="b")),
        order_id="o",
        cart_id="c",
        currency="KWD",
        goods_total=Decimal("16.4925"),
        grand_total=Decimal("20.00"),
        shipping=Decimal(0),
        tax=Decimal("1.2"),
        cost=Decimal(3),
        search_query="q",
        categories=("a > b", 'c "d"'),
        brand="Acme",
        page=Page(url="https://a.b/", id="p", view_id="pv", title="t", referrer="r?x#y"),
        channel="site",
        device=Device(platform="Web", os="x", model="m", locale="de", country="DE", user_agent="Mozilla"),
        app=App(title="t", version="1"),
        attribution="token",
        user_attrs={"age": UserAttr("34")},
        attrs={"colour": "red"},
    )
    back = read_back(encode(event))
    assert structs.replace(back, origin=event.origin, extra={}) == event


def test_anothers_attribution_is_not_passed_off_as_the_vendors_own() -> None:
    document = encode(event_of(attribution="token"))
    assert "b" not in document
    assert document["data"]["attribution_token"] == "token"


def test_what_another_vendor_alone_knows_is_not_written() -> None:
    assert "b" not in encode(event_of(extra={"b": "x", "data": {"value": 1}}))


def test_an_envelope_that_no_request_can_hold_is_unfit() -> None:
    unfit = encode(event_of(attrs={"x": "y" * 1_048_576}))
    assert isinstance(unfit, Unfit)
    assert "1,048,576 bytes" in unfit.reason


@settings(deadline=None, max_examples=150)
@given(documents)
def test_any_event_of_this_vendor_can_be_read_as_anothers(document: dict[str, Any]) -> None:
    event = read_back(document)
    found = encode(structs.replace(event, origin=Origin(vendor="test")))
    if isinstance(found, Unfit):
        assert found.reason.split(":")[0] in ("tmpId", "ids", "name", "timestamp")
        return
    assert all(type(label) is str for name, label in found["data"].items() if name not in ("ids", "value"))
    back = read_back(found)
    assert (back.id, back.type, back.user_id) == (event.id, event.type, event.user_id)
    assert back.goods_total == event.goods_total


OTHERS = [
    pytest.param(event, id=f"{vendor}-{sample}")
    for vendor, theirs in (("richrelevance", RichRelevanceDecoder()), ("clickstream", ClickstreamDecoder()))
    for sample, body in payloads(vendor).items()
    for event in theirs.decode(Payload(body)).events
]


@pytest.mark.parametrize("event", OTHERS)
def test_samples_of_other_vendors_arrive_or_have_nobody(event: Event) -> None:
    document = encode(event)
    if isinstance(document, Unfit):
        assert document.reason.startswith("tmpId: ")
        assert event.visitor_id is event.user_id is event.session_id is None
        return
    assert {"key", "tmpId", "eventId", "name", "url", "data", "v"} <= document.keys()
    back = read_back(document)
    assert (back.type, back.goods_total or 0) == (event.type, event.goods_total or 0)
    assert back.currency == event.currency


def test_an_event_from_elsewhere_whose_items_have_no_ids_would_be_dropped() -> None:
    nameless = (Item(quantity=Decimal(1)), Item(name="Desk"))
    refused = encode(event_of(type="purchase", items=nameless))
    assert refused == Unfit("ids: Reelevant drops an event whose ids are empty, and no item of this one has an id")
    assert encode(event_of(type="purchase", items=(*nameless, Item(id="a"))))["data"]["ids"] == ["a"]
