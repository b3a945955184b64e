from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from plugins.vendor_kit import read_one, write_one
from samples.payloads import exact, odd_texts, payloads, same, scalars, texts, with_members, written
from wye.event import EVENT_TYPES, App, Device, Event, Item, Origin, Page, UserAttr
from wye.message import HttpRequest, HttpResponse, Payload, Unfit
from wye.testing import make_event, shipment_of
from wye_plugins.moloco.decode import MolocoDecoder, snake_case
from wye_plugins.moloco.encode import MolocoEncoder
from wye_plugins.moloco.rules import broken_rule
from wye_plugins.moloco.schema import CURRENCIES, NAMES
from wye_plugins.moloco.times import is_milliseconds

SAMPLES = payloads("moloco")
TEMPLATES = [f"customer-tools-{name}" for name in ("ITEM_PAGE_VIEW", "ADD_TO_CART", "ADD_TO_WISHLIST", "PURCHASE")]
decoder = MolocoDecoder()
encoder = MolocoEncoder()


def encode(event: Event, by: MolocoEncoder = encoder) -> Any:
    return write_one(by, event)


def through(document: Any) -> Any:
    return encode(read_one(decoder, written(document)))


def somebody(kind: str = "home_view", **fields: Any) -> Event:
    return make_event(type=kind, **{"user_id": "u", **fields})


# ── Moloco to Moloco ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sample", [name for name in SAMPLES if name not in TEMPLATES])
def test_a_sample_comes_out_as_it_went_in(sample: str) -> None:
    document = exact(SAMPLES[sample])
    found = through(document)
    if sample in ("client-js-test-ADD_TO_CART", "segment-HOME-all-fields"):
        assert isinstance(found.pop("timestamp"), int)
        del document["timestamp"]
    document.setdefault("id", found["id"])
    assert same(found, document)


@pytest.mark.parametrize("sample", TEMPLATES)
def test_the_vendors_templates_are_refused_until_their_items_have_ids(sample: str) -> None:
    document = exact(SAMPLES[sample])
    unfit = through(document)
    assert isinstance(unfit, Unfit)
    assert unfit == Unfit("Moloco refuses it: an item has neither id nor item_group_id")
    for item in document["items"]:
        item["id"] = "filled in"
    assert same(through(document), document)


_number = st.integers(0, 10**6) | st.decimals(-1000, 1000, places=2) | odd_texts
_money = with_members({"currency": st.sampled_from(["USD", "EUR", "VEF", "UNKNOWN_CURRENCY", ""]), "amount": _number}, {})
_item = with_members(
    {"price": _money, "quantity": _number, "item_group_id": texts, "seller_id": texts, "price_seller": _money, "name": texts},
    {"id": texts.filter(bool)},
)
_device = with_members(
    dict.fromkeys(
        ("os_version", "advertising_id", "unique_device_id", "persistent_id", "model", "ua", "language", "ip"), texts
    ),
    {"os": st.sampled_from(["iOS", "Android 14"])},
)
documents = with_members(
    {
        **dict.fromkeys(("session_id", "custom_id", "domain", "referrer_page_id", "decision_track_id", "name"), texts),
        "personalization_mode": st.sampled_from(["STANDARD", "METRIC_ONLY", "ID_LESS"]),
        "revenue": _money,
        "shipping_charge": _money,
    },
    {
        "id": texts.map("e{}".format),
        "event_type": st.sampled_from(sorted(NAMES.values())),
        "timestamp": st.integers(10**11, 2**63 - 1) | st.integers(10**11, 2**63 - 1).map(str),
        "channel_type": st.sampled_from(["APP", "SITE", "DESKTOP_SITE", "MOBILE_SITE"]),
        "user_id": texts.map("u{}".format),
        "device": _device,
        "items": st.lists(_item, min_size=1, max_size=3),
        "search_query": texts.map("q{}".format),
        "page_id": texts.map("p{}".format),
    },
)


@settings(deadline=None)
@given(documents)
@example(exact(SAMPLES["connector-PURCHASE"]) | {"items": [{"id": "0", "priceSeller": None}]})
def test_any_document_that_the_vendor_takes_comes_out_as_it_went_in(document: dict[str, Any]) -> None:
    assert broken_rule(document) is None
    assert same(through(document), snake_case(exact(written(document))))


_loose = with_members(
    {
        **dict.fromkeys(("id", "user_id", "session_id", "custom_id", "page_id", "search_query", "channel_type"), texts),
        "device": with_members(dict.fromkeys(("os", "unique_device_id", "persistent_id"), texts), {}),
        "items": st.lists(with_members({"id": texts, "price": _money, "quantity": _number}, {}), max_size=3),
    },
    {"event_type": st.sampled_from([*NAMES.values(), "VIEW_ITEM"]), "timestamp": scalars | st.integers(0, 10**14)},
)


@settings(deadline=None)
@given(_loose)
def test_nothing_is_written_that_the_vendor_refuses(document: dict[str, Any]) -> None:
    for event in decoder.decode(Payload(written(document))).events:
        for origin in (event.origin, Origin(vendor="test")):
            found = encode(structs.replace(event, origin=origin))
            assert isinstance(found, Unfit) or broken_rule(found) is None


def test_names_in_camel_case_are_written_as_the_wire_has_them() -> None:
    found = through({"id": "e", "eventType": "HOME", "timestamp": 1700000000000, "channelType": "SITE", "userId": "u"})
    assert found == {"id": "e", "event_type": "HOME", "timestamp": 1700000000000, "channel_type": "SITE", "user_id": "u"}


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        ("1617870506121", "1617870506121"),
        (1617870506121, 1617870506121),
        (1632418357, 1632418357000),
        ("1632418357", 1632418357000),
        ("2024-02-05T23:37:42.848Z", 1707176262848),
        (Decimal("1617870506121.25"), 1617870506121),
    ],
)
def test_a_time_that_the_vendor_refuses_is_written_in_milliseconds(came: Any, goes: Any) -> None:
    document = {"id": "e", "event_type": "HOME", "timestamp": came, "channel_type": "SITE", "user_id": "u"}
    found = through(document)["timestamp"]
    assert (found, type(found)) == (goes, type(goes))


@pytest.mark.parametrize("given_id", [{}, {"id": ""}, {"id": "null"}])
def test_an_id_that_is_missing_or_empty_is_filled_in_so_that_the_vendor_can_tell_a_second_try(given_id: dict[str, str]) -> None:
    document = {"event_type": "HOME", "timestamp": 1700000000000, "channel_type": "SITE", "user_id": "u", **given_id}
    assert len(through(document)["id"]) == 36
    assert through(document)["id"] == through(document)["id"]


def test_quirk_members_that_nobody_documents_are_kept() -> None:
    document = {**exact(SAMPLES["connector-HOME"]), "name": "n", "personalization_mode": "STANDARD"}
    assert same(through(document), document)


def test_a_channel_that_is_missing_is_filled_in() -> None:
    bare = {"id": "e", "event_type": "HOME", "timestamp": 1700000000000, "user_id": "u"}
    assert through(bare)["channel_type"] == "SITE"
    odd = through({**bare, "channel_type": "UNKNOWN_CHANNEL_TYPE"})
    assert odd == Unfit("Moloco refuses it: channel_type is not supported")


@pytest.mark.parametrize(
    "who",
    [
        {"session_id": "s", "custom_id": "c"},
        {"session_id": "c", "custom_id": "c"},
        {"custom_id": "c"},
        {"session_id": "", "custom_id": "c"},
        {"session_id": "s", "custom_id": "null"},
        {"device": {"persistent_id": "p", "unique_device_id": "u"}},
        {"device": {"persistent_id": "u", "unique_device_id": "u"}},
        {"device": {"unique_device_id": "u"}},
        {"device": {"persistent_id": "", "unique_device_id": "u"}},
        {"device": {"persistent_id": "p", "unique_device_id": ""}},
        {"user_id": "u", "device": {}},
    ],
)
def test_quirk_there_are_two_generations_of_identifiers(who: dict[str, Any]) -> None:
    document = {"id": "e", "event_type": "HOME", "timestamp": 1700000000000, "channel_type": "SITE", **who}
    assert same(through(document), document)


# ── from elsewhere ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_from_elsewhere_has_every_required_member() -> None:
    assert encode(somebody()) == {
        "id": "e1",
        "event_type": "HOME",
        "timestamp": "1700000000000",
        "channel_type": "SITE",
        "user_id": "u",
    }


def test_a_full_event_comes_back_from_its_document() -> None:
    event = somebody(
        "purchase",
        origin=Origin(vendor="test", tenant="shop"),
        visitor_id="v",
        session_id="s",
        items=(Item(id="a", quantity=Decimal(2), unit_price=Decimal("10.99"), currency="EUR", group_id="g", seller_id="x"),),
        currency="USD",
        goods_total=Decimal("21.98"),
        shipping=Decimal(0),
        search_query="q",
        page=Page(id="p", referrer="r"),
        channel="mobile_site",
        attribution="track",
        device=Device(
            id="d", os="iOS", os_version="17", model="m", language="en", advertising_id="ad", user_agent="ua", ip="203.0.113.7"
        ),
        app=App(host="shop.example"),
    )
    (document,) = encoder.encode([event])
    assert isinstance(document, bytes)
    (back,) = decoder.decode(Payload(document)).events
    assert structs.replace(back, origin=event.origin, extra={}) == event


def test_what_has_no_place_is_not_written() -> None:
    plain = encode(somebody())
    full = encode(
        somebody(
            order_id="o",
            cart_id="c",
            tax=Decimal(1),
            cost=Decimal(1),
            grand_total=Decimal(5),
            user_attrs={"age": UserAttr(34)},
            attrs={"a": 1},
            extra={"event_type": "x"},
            app=App(title="t"),
            time_ns_rest=5,
        )
    )
    assert full == plain
    item = Item(id="a", name="n", brand="b", category="c", attrs={"a": 1}, extra={"id": "x"})
    assert encode(somebody("item_view", items=(item,)))["items"] == [{"id": "a"}]


@pytest.mark.parametrize("kind", [*EVENT_TYPES, "custom:click"])
def test_a_type_that_the_vendor_does_not_have_is_unmapped(kind: str) -> None:
    event = somebody(kind, items=(Item(id="a"),), page=Page(id="p"), search_query="q")
    found = encode(event)
    if kind in NAMES:
        assert found["event_type"] == NAMES[kind]
    else:
        assert found == Unfit(f"Moloco has no event type for {kind}", unmapped=True)


@pytest.mark.parametrize("price", ["1599.97", "0", "9999999.99", "10.995", "0.12345678901234567890"])
def test_money_is_written_to_the_last_digit(price: str) -> None:
    item = Item(id="a", unit_price=Decimal(price), quantity=Decimal(1), currency="JPY")
    found = encode(somebody("purchase", items=(item,), goods_total=Decimal(price), shipping=Decimal(price), currency="JPY"))
    money = {"currency": "JPY", "amount": Decimal(price)}
    assert same([found["items"][0]["price"], found["revenue"], found["shipping_charge"]], [exact(written(money))] * 3)


@pytest.mark.parametrize("currency", [None, "KWD", "VEF", "usd", ""])
def test_without_a_currency_that_the_vendor_has_there_is_no_money(currency: str | None) -> None:
    item = Item(id="a", unit_price=Decimal(5), quantity=Decimal(1))
    found = encode(somebody("purchase", items=(item,), currency=currency, goods_total=Decimal(5), shipping=Decimal(1)))
    assert found["items"] == [{"id": "a", "quantity": 1}]
    assert found.keys().isdisjoint(("revenue", "shipping_charge"))


def test_an_items_own_currency_stands_above_the_events() -> None:
    items = tuple(Item(id="a", unit_price=Decimal(5), currency=code) for code in ("EUR", "KWD", None))
    prices = [line.get("price") for line in encode(somebody("item_view", items=items, currency="USD"))["items"]]
    assert prices == [{"currency": "EUR", "amount": 5}, None, {"currency": "USD", "amount": 5}]


def test_the_vendors_currencies_are_25() -> None:
    assert len(CURRENCIES) == 25
    assert {"USD", "KRW", "JPY", "EUR", "VES", "AED", "CHF"} <= CURRENCIES


def line(price: str | None, quantity: str | None, currency: str | None = "EUR") -> Item:
    return Item(
        id="a",
        unit_price=None if price is None else Decimal(price),
        quantity=None if quantity is None else Decimal(quantity),
        currency=currency,
    )


@pytest.mark.parametrize(
    ("lines", "revenue"),
    [
        ([line("10.99", "1"), line("23.99", "2")], Decimal("58.97")),
        ([line("0", "1")], 0),
        ([line("1", "1.5")], Decimal("1.5")),
        ([line("10.99", None)], None),
        ([line(None, "1")], None),
        ([line("1", "1", "EUR"), line("1", "1", "USD")], None),
        ([line("1", "1", "KWD")], None),
        ([line("1", "1", None)], None),
    ],
)
def test_an_order_without_a_total_gets_the_sum_of_its_lines(lines: list[Item], revenue: Decimal | None) -> None:
    found = encode(somebody("purchase", items=tuple(lines)))
    assert found.get("revenue") == (None if revenue is None else {"currency": "EUR", "amount": revenue})
    assert "revenue" not in encode(somebody("add_to_cart", items=tuple(lines)))


def test_a_total_with_tax_and_shipping_is_no_revenue() -> None:
    found = encode(somebody("purchase", items=(Item(id="a"),), currency="EUR", grand_total=Decimal(30)))
    assert "revenue" not in found


@pytest.mark.parametrize(
    ("quantity", "goes"), [("2", 2), ("2.0", 2), ("0", 0), ("-1", -1), ("1.5", None), ("2147483648", None), ("1e500", None)]
)
def test_a_quantity_is_a_whole_number_of_32_bits(quantity: str, goes: int | None) -> None:
    found = encode(somebody("item_view", items=(Item(id="a", quantity=Decimal(quantity)),)))
    assert found["items"][0].get("quantity") == goes


# ── who ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fields", "written_as"),
    [
        ({"user_id": "u", "session_id": "s"}, {"user_id": "u", "session_id": "s"}),
        ({"visitor_id": "v", "session_id": "s"}, {"session_id": "s", "device": {"persistent_id": "v"}}),
        ({"session_id": "s"}, {"session_id": "s", "custom_id": "s"}),
        ({"device": Device(id="d")}, {"device": {"unique_device_id": "d"}}),
        ({"device": Device(advertising_id="ad")}, {"device": {"advertising_id": "ad"}}),
    ],
)
def test_each_identifier_has_its_place_and_a_session_alone_has_two(fields: dict[str, Any], written_as: dict[str, Any]) -> None:
    found = encode(make_event(type="home_view", **fields))
    assert {name: found[name] for name in found.keys() - {"id", "event_type", "timestamp", "channel_type"}} == written_as


@pytest.mark.parametrize("fields", [{}, {"device": Device(ip="203.0.113.7", user_agent="ua")}, {"user_id": "invalid"}])
def test_nobody_is_made_up(fields: dict[str, Any]) -> None:
    found = encode(make_event(type="home_view", **fields))
    assert found == Unfit("Moloco refuses it: user_id, device.persistent_id and custom_id are empty")


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("id", "id"),
        ("user_id", "user_id"),
        ("session_id", "session_id"),
        ("visitor_id", "device.persistent_id"),
    ],
)
def test_an_id_has_128_characters_at_most(field: str, name: str) -> None:
    assert not isinstance(encode(somebody(**{field: "𝄞" * 128})), Unfit)
    assert encode(somebody(**{field: "x" * 129})) == Unfit(f"Moloco refuses it: {name} is longer than 128 characters")


# ── where ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fields", "channel", "os"),
    [
        ({}, "SITE", None),
        ({"channel": "desktop_site"}, "DESKTOP_SITE", None),
        ({"channel": "app", "device": Device(os="iPadOS / iOS 17")}, "APP", "iPadOS / iOS 17"),
        ({"device": Device(platform="Android")}, "APP", "Android"),
        ({"channel": "site", "device": Device(platform="iOS")}, "SITE", "iOS"),
        ({"device": Device(platform="Web")}, "SITE", None),
    ],
)
def test_the_channel_is_the_events_own_or_that_of_its_platform_or_the_option(
    fields: dict[str, Any], channel: str, os: str | None
) -> None:
    found = encode(somebody(**fields))
    assert (found["channel_type"], found.get("device", {}).get("os")) == (channel, os)


def test_the_option_is_for_events_that_do_not_say() -> None:
    by = MolocoEncoder(channel_type="MOBILE_SITE")
    assert encode(somebody(), by)["channel_type"] == "MOBILE_SITE"
    assert encode(somebody(channel="site"), by)["channel_type"] == "SITE"


def test_an_app_must_say_ios_or_android() -> None:
    assert encode(somebody(channel="app")) == Unfit("Moloco refuses it: device.os has neither ios nor android")


@pytest.mark.parametrize(("language", "goes"), [("en", "en"), ("en-US", "en"), ("DE_de", "de"), ("eng", None), ("", None)])
def test_a_language_has_two_letters(language: str, goes: str | None) -> None:
    assert encode(somebody(device=Device(language=language))).get("device", {}).get("language") == goes


@pytest.mark.parametrize(
    ("fields", "page_id"),
    [
        ({"page": Page(id="p", url="https://a.b/")}, "p"),
        ({"page": Page(url="https://a.b/", title="t")}, "https://a.b/"),
        ({"page": Page(title="t")}, "t"),
        ({"categories": ("shoes > boots",)}, "category/shoes > boots"),
        ({"brand": "Acme"}, "brand/Acme"),
    ],
)
def test_a_page_is_known_by_what_the_event_has(fields: dict[str, Any], page_id: str) -> None:
    assert encode(somebody("page_view", **fields))["page_id"] == page_id


# ── what a type requires ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        (somebody("page_view"), "page_id is empty"),
        (somebody("search"), "search_query is empty"),
        (somebody("search", search_query=""), "search_query is empty"),
        *((somebody(kind), "items is empty") for kind in ("item_view", "add_to_cart", "add_to_wishlist", "purchase")),
        (somebody("purchase", items=()), "items is empty"),
        (somebody("purchase", items=(Item(id="a"),), item_ids_are="category"), "items is empty"),
        (somebody("purchase", items=(Item(id="a"), Item(name="b"))), "an item has neither id nor item_group_id"),
        (somebody(time_ms=1_700_000_000), "timestamp is not in milliseconds"),
        (somebody(time_ms=2**63), "timestamp is not in milliseconds"),
    ],
)
def test_what_the_vendor_requires_and_is_missing_is_unfit_by_name(event: Event, rule: str) -> None:
    assert encode(event) == Unfit(f"Moloco refuses it: {rule}")


def test_an_item_may_be_known_by_its_group_alone() -> None:
    assert encode(somebody("item_view", items=(Item(group_id="g"),)))["items"] == [{"item_group_id": "g"}]


def test_an_event_that_shall_have_no_identity_needs_none() -> None:
    document = {"id": "e", "event_type": "HOME", "timestamp": 1700000000000, "channel_type": "SITE"}
    assert isinstance(through(document), Unfit)
    less = {**document, "personalization_mode": "ID_LESS"}
    assert through(less) == less


@pytest.mark.parametrize("value", [1700000000000, "1700000000000", Decimal("1700000000000.0")])
def test_a_whole_number_of_milliseconds(value: Any) -> None:
    assert is_milliseconds(value)


@pytest.mark.parametrize("value", [None, 1700000000, "2024-02-05T23:37:42Z", Decimal("1700000000000.5"), 2**63, True, []])
def test_no_whole_number_of_milliseconds(value: Any) -> None:
    assert not is_milliseconds(value)


# ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_event_has_a_request_of_its_own() -> None:
    by = MolocoEncoder("SHOP_TEST", "secret")
    shipment = shipment_of([make_event("a"), make_event("b")], [b"{}", b"[]"])
    path = "/rmp/event/v1/platforms/SHOP_TEST/userevents"
    headers = {"Content-Type": "application/json", "X-API-Key": "secret"}
    assert list(by.requests(shipment)) == [
        HttpRequest((0,), b"{}", path=path, headers=headers),
        HttpRequest((1,), b"[]", path=path, headers=headers),
    ]
    assert by.limits.max_events == 1


def test_a_platform_is_one_part_of_the_path_whatever_is_in_it() -> None:
    (request,) = MolocoEncoder("a/b ?%").requests(shipment_of([make_event()]))
    assert request.path == "/rmp/event/v1/platforms/a%2Fb%20%3F%25/userevents"


def test_without_a_platform_the_sinks_url_is_the_whole_address() -> None:
    (request,) = encoder.requests(shipment_of([make_event()]))
    assert (request.path, request.headers) == ("", {"Content-Type": "application/json"})


def test_the_answer_is_the_verdict() -> None:
    assert encoder.verdicts(HttpRequest((0,)), HttpResponse(429)).kind == "busy"
