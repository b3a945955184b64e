from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from samples.payloads import exact, odd_texts, payloads, same, texts, with_members, written
from wye.event import EVENT_TYPES, App, Device, Event, Item, Origin, Page, UserAttr
from wye.message import Payload, Unfit
from wye.testing import make_event
from wye_plugins.clickstream.decode import ClickstreamDecoder
from wye_plugins.reelevant.decode import ReelevantDecoder
from wye_plugins.reelevant.encode import ReelevantEncoder
from wye_plugins.richrelevance.decode import RichRelevanceDecoder

SAMPLES = payloads("reelevant")
NOBODY = "docs-reference-purchase-fragment"
RECEIVED_MS = 1_795_207_098_264
decoder = ReelevantDecoder()
encoder = ReelevantEncoder()


def encode(event: Event, by: ReelevantEncoder = encoder) -> Any:
    (document,) = by.encode([event])
    return document if isinstance(document, Unfit) else exact(document)


def decode(document: Any) -> Event:
    decoded = decoder.decode(Payload(written(document), received_ms=RECEIVED_MS))
    assert not decoded.failures
    return decoded.events[0]


def event_of(**fields: Any) -> Event:
    fields.setdefault("visitor_id", "v")
    return make_event(**fields)


def labels(**fields: Any) -> dict[str, Any]:
    return encode(event_of(**fields))["data"]


# ── Reelevant to Reelevant ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sample", SAMPLES.keys() - {NOBODY})
def test_a_sample_comes_out_as_it_went_in(sample: str) -> None:
    document = exact(SAMPLES[sample])
    assert same(encode(decode(document)), {"timestamp": RECEIVED_MS, **document})


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
        "wye_event_type": st.sampled_from(["home_view", "category_view", "brand_view", "purchase", "custom:x", "custom:", ""]),
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
    found = encode(decode(document))
    assert same({name: value for name, value in found.items() if name in before}, before)
    assert set(found) - set(before) <= set(FILLED_IN)
    assert set(FILLED_IN) <= set(found)


def test_what_is_required_and_missing_is_filled_in() -> None:
    assert same(
        encode(decode({"name": "identify", "clientId": "c", "eventId": "e"})),
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
    (unfit,) = encoder.encode(decoder.decode(Payload(SAMPLES[NOBODY])).events)
    assert isinstance(unfit, Unfit)
    assert unfit.reason.startswith("tmpId: Reelevant requires it")
    assert not unfit.unmapped


def test_quirk_androids_id_comes_back_as_id() -> None:
    document = {**exact(SAMPLES["seed-assembled"]), "name": "brand_view", "data": {"id": "Acme"}}
    assert encode(decode(document))["data"] == {"id": "Acme"}


def test_the_vendor_itself_cuts_what_its_own_clients_sent() -> None:
    document = {**exact(SAMPLES["seed-assembled"]), "data": {"value": Decimal("129.905")}}
    assert encode(decode(document))["data"]["value"] == Decimal("129.905")


def test_the_requests_facts_stay_out_of_the_envelope() -> None:
    body = SAMPLES["android-unit-test-page_view"]
    (event,) = decoder.decode(Payload(body, user_agent="ua", ip="1.2.3.4")).events
    assert same(encode(event), exact(body))


def test_a_configured_key_replaces_whatever_an_event_came_with() -> None:
    mine = ReelevantEncoder(key="mine")
    assert encode(decode({**exact(SAMPLES["seed-assembled"]), "key": None}), mine)["key"] == "mine"
    assert encode(decode(exact(SAMPLES["seed-assembled"])), mine)["key"] == "mine"
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
    assert decode(document).type == kind


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_canonical_type_comes_back(kind: str) -> None:
    assert decode(encode(event_of(type=kind))).type == kind


def test_only_a_type_without_a_name_is_unmapped() -> None:
    unfit = encode(event_of(type="custom:"))
    assert isinstance(unfit, Unfit)
    assert unfit.unmapped


def test_quirk_the_url_is_without_parameters_and_fragment() -> None:
    assert encode(event_of(page=Page(url="https://a.b/c?d=e#f")))["url"] == "https://a.b/c"
    assert encode(event_of(page=Page(url="https://a.b/c#f?d")))["url"] == "https://a.b/c"
    assert encode(event_of(page=Page(url="#top")))["url"] == "unknown"
    assert encode(event_of(), ReelevantEncoder(default_url="app://home"))["url"] == "app://home"


def test_the_user_agent_is_written_as_the_seed_has_it() -> None:
    assert encode(event_of(device=Device(user_agent="Mozilla")))["ua"] == "Mozilla"
    assert "ua" not in encode(event_of(device=Device(os="iOS")))


def test_ids_are_what_the_name_says() -> None:
    products = (Item(id="a"), Item(name="no id"), Item(id="b"))
    assert labels(items=products)["ids"] == ["a", "b"]
    assert labels(type="category_view", categories=("Shoes", "Sale"), items=products)["ids"] == ["Shoes", "Sale"]
    assert labels(type="category_view", items=(Item(id="Shoes"),), item_ids_are="category")["ids"] == ["Shoes"]
    assert labels(type="brand_view", brand="Acme", items=products)["ids"] == ["Acme"]
    assert labels(type="brand_view", items=(Item(id="A"), Item(id="B")), item_ids_are="brand")["ids"] == ["A", "B"]


def test_products_are_no_categories_and_categories_no_products() -> None:
    assert "ids" not in labels(type="category_view", items=(Item(id="a"),))
    assert "ids" not in labels(type="brand_view", items=(Item(id="a"),))
    assert "ids" not in labels(type="item_view", items=(Item(id="Shoes"),), item_ids_are="category")


def test_a_purchase_of_references_has_a_name_of_its_own() -> None:
    document = encode(event_of(type="purchase", items=(Item(id="r"),), item_ids_are="reference"))
    assert (document["name"], document["data"]["ids"]) == ("purchase_references", ["r"])
    assert decode(document).item_ids_are == "reference"


def test_placeholders_are_no_ids() -> None:
    assert labels(items=(Item(id="0"), Item(id="a")))["ids"] == ["a"]
    unfit = encode(event_of(items=(Item(id="undefined"),)))
    assert isinstance(unfit, Unfit)
    assert unfit.reason.startswith("ids: ")
    assert labels(type="cart_view", items=())["ids"] == []


# ── money ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("total", ["1599.97", "9999999.99", "0", "5", "0.1", "1500", "-1.25"])
def test_two_decimals_arrive_as_they_are(total: str) -> None:
    assert labels(type="purchase", goods_total=Decimal(total)) == {"value": Decimal(total)}


def test_quirk_value_is_cut_to_two_decimals_and_the_whole_amount_kept_in_a_label() -> None:
    event = event_of(type="purchase", goods_total=Decimal("12.349"), currency="KWD")
    document = encode(event)
    assert document["data"] == {"value": Decimal("12.34"), "goods_total": "12.349", "currency": "KWD"}
    assert decode(document).goods_total == Decimal("12.349")
    assert labels(goods_total=Decimal("-0.009"))["value"] == 0


def test_a_whole_amount_that_does_not_belong_to_the_value_is_just_a_label() -> None:
    event = decode({"name": "purchase", "data": {"value": Decimal("12.35"), "goods_total": "12.349"}})
    assert (event.goods_total, event.attrs) == (Decimal("12.35"), {"goods_total": "12.349"})


def test_the_grand_total_stands_in_where_there_is_no_other_and_says_so() -> None:
    event = event_of(type="purchase", grand_total=Decimal("20.005"))
    document = encode(event)
    assert document["data"] == {"value": Decimal("20.00"), "value_is": "grand_total", "grand_total": "20.005"}
    back = decode(document)
    assert (back.goods_total, back.grand_total) == (None, Decimal("20.005"))


def test_both_totals_arrive() -> None:
    found = labels(type="purchase", goods_total=Decimal(10), grand_total=Decimal("12.5"))
    assert found == {"value": 10, "grand_total": "12.5"}


def line(price: str | None, quantity: str | None, currency: str | None = None) -> Item:
    return Item(
        id="a",
        unit_price=None if price is None else Decimal(price),
        quantity=None if quantity is None else Decimal(quantity),
        currency=currency,
    )


def test_the_sum_of_a_purchase_is_its_value() -> None:
    assert labels(type="purchase", items=(line("10.99", "1"), line("23.99", "2")))["value"] == Decimal("58.97")


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (line("10", None),),
        (line(None, "1"),),
        (line("10", "1"), line("10", None)),
        (line("10", "1", "EUR"), line("10", "1", "USD")),
        (line("1e100", "1"),),
    ],
)
def test_no_value_is_made_up(lines: tuple[Item, ...]) -> None:
    assert "value" not in labels(type="purchase", items=lines)
    assert "currency" not in labels(type="purchase", items=lines)


def test_only_a_purchase_is_summed_up() -> None:
    assert "value" not in labels(type="add_to_cart", items=(line("10", "1"),))


# ── labels ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_labels_are_texts() -> None:
    found = labels(attrs={"a": "x", "n": 7, "d": Decimal("1.50"), "t": True, "l": [1, "x"], "o": {"k": None}, "none": None})
    assert found == {"a": "x", "n": "7", "d": "1.50", "t": "true", "l": '[1,"x"]', "o": '{"k":null}'}


def test_an_attribute_does_not_become_what_it_is_not() -> None:
    attrs = {
        "ids": ["x"],
        "value": 5,
        "transId": "t",
        "id": "i",
        "session_id": "s",
        "channel": "backoffice",
        "shipping": "free",
    }
    document = encode(event_of(attrs={**attrs, "x_value": "6", "wye_event_type": "purchase", "user.age": "1"}))
    back = decode(document)
    assert (back.type, back.items, back.goods_total, back.order_id, back.session_id) == ("item_view", None, None, None, None)
    assert back.user_attrs == {}
    assert document["data"]["channel"] == "backoffice"
    assert document["data"]["shipping"] == "free"
    assert {"x_ids", "x_transId", "x_id", "x_session_id", "x_value", "x_x_value"} <= document["data"].keys()


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
        cost=Decimal("3"),
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
    back = decode(encode(event))
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
    event = decode(document)
    found = encode(structs.replace(event, origin=Origin(vendor="test")))
    if isinstance(found, Unfit):
        assert found.reason.split(":")[0] in ("tmpId", "ids", "name")
        return
    assert all(type(label) is str for name, label in found["data"].items() if name not in ("ids", "value"))
    back = decode(found)
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
        assert event.visitor_id is event.user_id is event.session_id is None
        return
    assert {"key", "tmpId", "eventId", "name", "url", "data", "v"} <= document.keys()
    back = decode(document)
    assert (back.type, back.goods_total or 0) == (event.type, event.goods_total or 0)
    assert back.currency == event.currency
