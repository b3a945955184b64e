from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from plugins.google_retail.retail_kit import (
    NOW_MS,
    PARENT,
    SAMPLES,
    api,
    decode,
    decoder,
    judge,
    one,
    same,
    seed,
    unfit,
    written,
)
from samples.payloads import exact
from samples.payloads import written as dumped
from wye.event import Device, Item, Origin, Page
from wye.message import Payload, Unfit
from wye.testing import make_event, shipment_of
from wye_plugins.google_retail.encode import DEFAULT_PARENT, GoogleRetailEncoder

ITEM = Item(id="A", quantity=Decimal(2), unit_price=Decimal("1599.97"), currency="EUR")


def purchase(**fields: Any) -> Any:
    given: dict[str, Any] = {
        "visitor_id": "v",
        "items": (ITEM,),
        "currency": "EUR",
        "grand_total": Decimal("3199.94"),
        **fields,
    }
    return make_event(type="purchase", **given)


def view(**fields: Any) -> Any:
    given: dict[str, Any] = {"visitor_id": "v", "items": (Item(id="A"),), **fields}
    return make_event(type="item_view", **given)


def back(document: Any) -> Any:
    (event,) = decoder.decode(Payload(dumped(document), received_ms=NOW_MS)).events
    return event


# ── within Google ────────────────────────────────────────────────────────────────────────────────────────────────────────

_AS_THEY_CAME = [name for name in SAMPLES if not name.endswith("4-detail-page-view")]


@pytest.mark.parametrize("name", _AS_THEY_CAME)
def test_in_the_wide_spelling_a_document_comes_back_as_it_came(name: str) -> None:
    came, goes = exact(SAMPLES[name]), written(one(SAMPLES[name]), seed)
    assert same({**goes, "eventTime": came.get("eventTime")}, {**came, "eventTime": came.get("eventTime")})


def test_the_tutorials_single_product_gets_its_array() -> None:
    goes = written(one(SAMPLES["user_events-4-detail-page-view"]))
    assert goes["productDetails"] == [{"product": {"id": "GGCOGAEC100616"}, "quantity": 3}]
    assert goes["eventTime"] == "2022-02-23T10:27:42+00:00"


@pytest.mark.parametrize("name", SAMPLES)
def test_in_the_apis_spelling_every_sample_is_accepted_or_has_no_name(name: str) -> None:
    event = one(SAMPLES[name])
    (document,) = api.encode([event])
    if isinstance(document, Unfit):
        assert document.unmapped
        assert event.type in ("page_view", "custom:invalid")
    else:
        judge(document)


@pytest.mark.parametrize(
    "members",
    [
        '"cartId":null,"offset":null,"productDetails":null',
        '"sessionId":"","pageCategories":[],"experimentIds":[],"attributes":{},"userInfo":{},"completionDetail":{}',
        '"eventTime":"2022-02-23T10:27:42.50+02:00"',
        '"userInfo":{"userId":"undefined","directUserRequest":true}',
        '"attributes":{"a":{"text":["x"],"searchable":true},"n":{"numbers":["1.5"]}}',
        '"productDetails":[{"product":{"id":"a","title":"t","brands":["b"],"priceInfo":{"price":"1.50"}},"quantity":"2"}]',
        '"productDetails":[{"product":{"id":"a","priceInfo":{}}},{"product":{"id":"b"},"quantity":null}]',
    ],
)
def test_odd_spellings_that_google_takes_come_back_exactly(members: str) -> None:
    given = '{"eventType":"home-page-view","visitorId":"v","eventTime":"2022-02-23T10:27:42.000Z",' + members + "}"
    assert same(written(one(given)), exact(given))
    assert same(written(one(given), seed), exact(given))


@pytest.mark.parametrize(
    "members",
    [
        '"panels":[{"panelId":"p"}],"foo":{"bar":1}',
        '"productDetails":[{"product":{"id":"a","nope":1},"rating":5,"value":{"currencyCode":"USD","units":"5"}}]',
        '"attributes":{"a":{"text":[""]},"b":{"text":["x"],"numbers":[1]},"c":null,"d":5,"e":{"text":[],"x":1}}',
        '"purchaseTransaction":{}',
        '"offset":-1,"cartId":7,"userInfo":"me","completionDetail":{"selectedPosition":1.5}',
    ],
)
def test_what_google_refuses_is_carried_beside_it_and_put_back(members: str) -> None:
    given = '{"eventType":"home-page-view","visitorId":"v","eventTime":"2022-02-23T10:27:42.000Z",' + members + "}"
    event = one(given)
    assert same(written(event, seed), exact(given))
    carried = written(event)
    assert "wye_extra" in carried["attributes"]
    assert back(carried) == event


def test_what_is_no_product_among_products_is_carried_too() -> None:
    event = one('{"eventType":"home-page-view","visitorId":"v","productDetails":[{"product":{"id":"a"}},null]}')
    carried = written(event)
    assert carried["productDetails"] == [{"product": {"id": "a"}}]
    assert back(carried) == event


@pytest.mark.parametrize(
    "members",
    [
        '"eventTime":null',
        '"visitorId":"' + "v" * 129 + '"',
        '"sessionId":"' + "é" * 65 + '"',
        '"uri":"' + "u" * 5001 + '","userInfo":{"ipAddress":"here","userAgent":"' + "a" * 1001 + '"}',
        '"offset":5,"attributes":{"event_id":{"text":[]},"a":{"text":["x"],"numbers":null}}',
        '"attributes":{"a":{"numbers":[1],"text":{}}}',
        '"attributes":{"a":{"numbers":[1],"searchable":true}}',
        '"purchaseTransaction":{"id":"t","revenue":"5","tax":{}}',
    ],
)
def test_what_mutated_documents_have_shown(members: str) -> None:
    """Each of these was once refused by Google's parser, or came back as another event."""
    event = one('{"eventType":"home-page-view","visitorId":"v",' + members + "}")
    again = back(written(event))
    assert structs.replace(again, extra={}) == structs.replace(event, extra={})


def test_a_length_that_cannot_be_mended_is_dead_lettered() -> None:
    given = """{"eventType":"purchase-complete","visitorId":"v","productDetails":[{"product":{"id":"a"},"quantity":1}],
        "purchaseTransaction":{"id":"%s","revenue":5,"currencyCode":"EUR","tax":{}}}"""
    assert "purchaseTransaction.id is longer than 128" in unfit(one(given % ("x" * 129))).reason


def test_long_content_is_carried_in_several_attributes() -> None:
    given = '{"eventType":"home-page-view","visitorId":"v","x":"' + "ü😀" * 30_000 + '"}'
    event = one(given)
    carried = written(event)
    assert {"wye_extra", "wye_extra_1", "wye_extra_2"} <= carried["attributes"].keys()
    assert back(carried) == event


def test_zero_is_not_absent() -> None:
    given = """{"eventType":"search","visitorId":"v","eventTime":"2022-02-23T10:27:42.000Z","searchQuery":"q","offset":0,
        "completionDetail":{"selectedPosition":0},"productDetails":[{"product":{"id":"a","priceInfo":{"price":0}},"quantity":0}],
        "attributes":{"n":{"numbers":[0]}}}"""
    assert same(written(one(given)), exact(given))


def test_a_long_text_attribute_comes_back_whole() -> None:
    event = view(attrs={"note": "x" * 1000, "pair": ["a", "b"]})
    document = written(event)
    assert [len(piece) for piece in document["attributes"]["note"]["text"]] == [256, 256, 256, 232]
    assert back(document).attrs == event.attrs


@pytest.mark.parametrize("categories", [("x" * 300, "b"), ("x" * 256, "b"), ("x" * 300,), ('["a"]',), ("a", "b")])
def test_categories_in_an_attribute_come_back_whole(categories: tuple[str, ...]) -> None:
    event = view(categories=categories)
    assert back(written(event)).categories == categories


def test_a_list_whose_texts_look_like_pieces_of_one_comes_back_as_a_list_or_its_json() -> None:
    """("x" * 256, "b") came back as one text of 257 characters."""
    event = view(attrs={"pair": ["x" * 256, "b"]})
    assert back(written(event)).attrs == {"pair": f'["{"x" * 256}","b"]'}


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "name"),
    [("page_view", "page-view"), ("login", "login"), ("item_click", "item-click"), ("custom:signup", "signup")],
)
def test_a_type_without_a_name_is_unmapped_but_in_the_wide_spelling(kind: str, name: str) -> None:
    event = make_event(type=kind, visitor_id="v")
    assert unfit(event).unmapped
    assert kind in unfit(event).reason
    document = written(event, seed)
    assert document["eventType"] == name
    assert back(document).type == kind


# ── identity ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_visitor_falls_back_to_another_identity_that_is_there() -> None:
    assert written(view(visitor_id=None, user_id="u", session_id="s"))["visitorId"] == "u"
    assert written(view(visitor_id=None, session_id="s"))["visitorId"] == "s"
    assert "visitorId is required" in unfit(view(visitor_id=None)).reason


@pytest.mark.parametrize("field", ["visitor_id", "user_id", "session_id"])
def test_an_id_too_long_for_google_is_sent_as_its_hash(field: str) -> None:
    event = view(**{field: "é" * 129})
    document = written(event)
    assert getattr(back(document), field) == "é" * 129


def test_a_session_is_measured_in_bytes() -> None:
    document = written(view(session_id="é" * 65, user_id="é" * 65))
    assert len(document["sessionId"]) == 64
    assert document["userInfo"]["userId"] == "é" * 65


def test_an_order_id_too_long_for_google_is_sent_as_its_hash() -> None:
    document = written(purchase(order_id="o" * 300))
    assert len(document["purchaseTransaction"]["id"]) == 64
    assert back(document).order_id == "o" * 300


def test_the_events_id_lies_in_an_attribute() -> None:
    document = written(view())
    assert document["attributes"] == {"event_id": {"text": ["e1"]}}
    assert back(document).id == "e1"


# ── required, forbidden ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        (make_event(type="item_view", visitor_id="v"), "productDetails is required for detail-page-view"),
        (view(items=(Item(name="no id"),)), "productDetails[0].product.id is required"),
        (make_event(type="add_to_cart", visitor_id="v", items=(Item(id="a"),)), "productDetails[0].quantity is required"),
        (
            make_event(type="add_to_cart", visitor_id="v", items=(Item(id="a", quantity=Decimal("1.5")),)),
            "productDetails[0].quantity is required",
        ),
        (purchase(items=None), "productDetails is required for purchase-complete"),
        (purchase(grand_total=None, items=(Item(id="a", quantity=Decimal(1)),)), "purchaseTransaction.revenue is required"),
        (purchase(grand_total=Decimal(0)), "purchaseTransaction.revenue must not be zero"),
        (purchase(grand_total=Decimal("1e-60")), "purchaseTransaction.revenue must not be zero"),
        (
            purchase(currency=None, items=(Item(id="a", quantity=Decimal(1)),)),
            "purchaseTransaction.currencyCode is required",
        ),
        (purchase(currency="euro"), "ISO 4217"),
        (make_event(type="search", visitor_id="v"), "searchQuery or pageCategories is required"),
        (make_event(type="category_view", visitor_id="v"), "pageCategories is required"),
        (purchase(grand_total=Decimal("1e39")), "32-bit float"),
        (view(items=(Item(id="a", unit_price=Decimal("1e39")),)), "32-bit float"),
        (view(time_ms=10**15), "year"),
    ],
)
def test_what_google_requires_makes_unfit_by_the_rules_name(event: Any, rule: str) -> None:
    found = unfit(event)
    assert rule in found.reason
    assert not found.unmapped


def test_what_a_type_must_not_have_lies_in_attributes() -> None:
    event = view(
        categories=("x > y",),
        cart_id="c",
        search_query="q",
        order_id="o",
        grand_total=Decimal("9.90"),
        currency="EUR",
        attrs={"search_order_by": "price", "search_offset": 20, "search_filter": "f"},
    )
    document = written(event)
    assert document["filter"] == "f"
    assert not document.keys() & {"pageCategories", "cartId", "searchQuery", "purchaseTransaction", "orderBy", "offset"}
    assert document["attributes"]["grand_total"] == {"numbers": [Decimal("9.90")]}
    again = back(document)
    for field in ("categories", "cart_id", "search_query", "order_id", "grand_total", "currency", "attrs"):
        assert getattr(again, field) == getattr(event, field)


def test_the_category_on_a_product_page_of_the_third_party_document_lies_in_an_attribute() -> None:
    event = one(SAMPLES["seed-detail-page-view"])
    document = written(event)
    assert document["attributes"]["categories"] == {"text": ["Electronics", "Laptops"]}
    assert (back(document).id, back(document).categories) == (event.id, event.categories)


def test_a_page_of_categories_known_by_their_ids() -> None:
    event = make_event(type="category_view", visitor_id="v", items=(Item(id="shoes"),), item_ids_are="category")
    assert written(event)["pageCategories"] == ["shoes"]


def test_context_that_is_too_long_is_cut_and_a_faulty_address_left_out() -> None:
    device = Device(ip="unknown", user_agent="u" * 1001)
    document = written(
        make_event(type="search", visitor_id="v", search_query="q" * 5001, page=Page(url="h" * 5001), device=device)
    )
    assert (len(document["searchQuery"]), len(document["uri"])) == (5000, 5000)
    assert document["userInfo"] == {"userAgent": "u" * 1000}
    assert "userInfo" not in written(view(device=Device(ip="unknown")))


# ── money ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("amount", "held"),
    [
        ("1599.97", True),
        ("123456.78", True),
        ("0.10", True),
        ("9999999.99", False),
        ("123456789.99", False),
        ("16777217", False),
    ],
)
def test_what_a_float_cannot_hold_is_said_in_full_besides(amount: str, held: bool) -> None:
    total = Decimal(amount)
    event = purchase(grand_total=total, tax=total, items=(Item(id="a", quantity=Decimal(1), unit_price=total),))
    document = written(event)
    assert ("wye_money" not in document["attributes"]) == held
    # What Google stores, and gives back in an export, is a float's shortest decimal.
    message = judge(dumped(document))
    stored = {**document, "purchaseTransaction": {**document["purchaseTransaction"], "revenue": _shortest(message)}}
    again = back(stored)
    assert (again.grand_total, again.tax) == (total, total)
    assert again.items[0].unit_price == total


def _shortest(message: Any) -> Decimal:
    from google.protobuf import json_format

    return exact(json_format.MessageToJson(message))["purchaseTransaction"]["revenue"]


def test_an_amount_that_was_changed_on_the_way_is_as_it_is_now() -> None:
    document = written(purchase(grand_total=Decimal("9999999.99")))
    document["purchaseTransaction"]["revenue"] = Decimal(5)
    assert back(document).grand_total == Decimal(5)


def test_the_revenue_is_with_shipping_and_tax() -> None:
    fields = {"grand_total": None, "goods_total": Decimal("10.00"), "shipping": Decimal("4.95"), "tax": Decimal("1.90")}
    document = written(purchase(**fields))
    assert document["purchaseTransaction"]["revenue"] == Decimal("16.85")
    assert back(document).goods_total == Decimal("10.00")
    assert written(purchase(grand_total=None))["purchaseTransaction"]["revenue"] == Decimal("3199.94")


def test_a_currency_is_the_events_or_that_of_all_its_prices() -> None:
    assert written(purchase(currency=None))["purchaseTransaction"]["currencyCode"] == "EUR"
    two = (ITEM, Item(id="B", quantity=Decimal(1), unit_price=Decimal(1), currency="USD"))
    assert "currencyCode is required" in unfit(purchase(currency=None, items=two)).reason
    document = written(view(currency="EUR", items=(Item(id="A", unit_price=Decimal(5)),)))
    assert "currencyCode" not in document["productDetails"][0]["product"]["priceInfo"]


# ── attributes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_has_no_member_lies_in_attributes() -> None:
    event = view(
        brand="Oak",
        channel="app",
        page=Page(id="p", title="t"),
        goods_total=Decimal("0.00000000000000000001"),
        shipping=Decimal(0),
        attrs={"size": 42, "tags": ["a", "b"], "sale": True, "empty": "", "none": None, "deep": {"x": [1]}},
    )
    document = written(event)
    assert document["attributes"] == {
        "event_id": {"text": ["e1"]},
        "size": {"numbers": [42]},
        "tags": {"text": ["a", "b"]},
        "sale": {"text": ["true"]},
        "deep": {"text": ['{"x":[1]}']},
        "brand": {"text": ["Oak"]},
        "channel": {"text": ["app"]},
        "page_id": {"text": ["p"]},
        "page_title": {"text": ["t"]},
        "goods_total": {"numbers": [Decimal("1E-20")]},
        "shipping": {"numbers": [0]},
    }
    again = back(document)
    assert (again.brand, again.channel, again.page, again.goods_total, again.shipping) == (
        "Oak",
        "app",
        event.page,
        event.goods_total,
        Decimal(0),
    )


def test_an_attribute_whose_name_is_taken_gets_another() -> None:
    document = written(view(brand="Oak", attrs={"brand": "Elm"}))
    assert (document["attributes"]["brand"], document["attributes"]["attrs_brand"]) == ({"text": ["Oak"]}, {"text": ["Elm"]})


@pytest.mark.parametrize("value", ["text", 42, ["a", "b"], Decimal("1.5")])
def test_an_attribute_whose_name_is_longer_than_googles_is_left_out(value: Any) -> None:
    document = written(view(attrs={"n" * 5_000: value, "m" * 5_001: value}))
    assert document["attributes"].keys() == {"n" * 5_000, "event_id"}


# ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_request_writes_one_event() -> None:
    requests = list(api.requests(shipment_of([view(), view(id="e2")], [b"{1}", b"{2}"])))
    assert [(list(request.indices), request.body) for request in requests] == [([0], b"{1}"), ([1], b"{2}")]
    assert {(request.method, request.path) for request in requests} == {("POST", f"/v2/{PARENT}/userEvents:write")}


def test_an_event_keeps_its_catalogue_where_none_is_configured() -> None:
    encoder = GoogleRetailEncoder()
    own = view(origin=Origin(vendor="google-retail", tenant="projects/a/locations/b/catalogs/c"))
    foreign = view(origin=Origin(vendor="clickstream", tenant="shop"))
    assert [encoder.parent_of(event) for event in (own, foreign)] == [own.origin.tenant, DEFAULT_PARENT]


def test_a_batch_is_encoded_in_order() -> None:
    events = decode(b"[" + b",".join([SAMPLES["seed-search"], SAMPLES["seed-add-to-cart"]]) + b"]").events
    kinds = [exact(document)["eventType"] for document in api.encode(events) if isinstance(document, bytes)]
    assert kinds == ["search", "add-to-cart"]
