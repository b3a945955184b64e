from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from wye.canonical import CanonicalDecoder, CanonicalEncoder, by_status, wye_adapters
from wye.event import App, Device, Event, Item, Origin, Page, UserAttr, to_json
from wye.message import HttpResponse, Payload
from wye.testing import make_event, shipment_of
from wye.verdict import DELIVERED

DECODER, ENCODER = CanonicalDecoder(), CanonicalEncoder()

Texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
Money = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=20),
    st.sampled_from([Decimal(0), Decimal("0.00"), Decimal("-0.01"), Decimal("10.990"), Decimal("1E+2"), Decimal(7)]),
)
Json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), Money, Texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(Texts, inner, max_size=3)),
    max_leaves=8,
)
Bags = st.dictionaries(Texts, Json, max_size=3)
Int64 = st.integers(-(2**63), 2**63 - 1)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


def texts_of(struct: type[Struct], **others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = [name for name in struct.__struct_fields__ if name not in others]
    return st.builds(struct, **{name: maybe(Texts) for name in names}, **others)


Pixels = maybe(Int64)
Items = texts_of(Item, quantity=maybe(Money), unit_price=maybe(Money), attrs=Bags, extra=Bags)
Devices = texts_of(
    Device,
    zone_offset_ms=Pixels,
    screen_height=Pixels,
    screen_width=Pixels,
    viewport_height=Pixels,
    viewport_width=Pixels,
)
Events = texts_of(
    Event,
    id=Texts,
    type=Texts,
    time_ms=Int64,
    time_ns_rest=st.integers(0, 999_999),
    origin=st.builds(Origin, vendor=Texts, tenant=maybe(Texts), raw=maybe(st.binary(max_size=9))),
    items=maybe(st.lists(Items, max_size=3).map(tuple)),
    item_ids_are=st.sampled_from(["product", "reference", "category", "brand"]),
    goods_total=maybe(Money),
    grand_total=maybe(Money),
    shipping=maybe(Money),
    tax=maybe(Money),
    cost=maybe(Money),
    categories=st.lists(Texts, max_size=3).map(tuple),
    page=maybe(texts_of(Page)),
    device=maybe(Devices),
    app=maybe(texts_of(App)),
    user_attrs=st.dictionaries(Texts, st.builds(UserAttr, Json, maybe(Int64)), max_size=2),
    attrs=Bags,
    extra=Bags,
)


def decoded(body: bytes, framing: Any = "message") -> tuple[list[Event], list[tuple[int, str, bytes]]]:
    found = DECODER.decode(Payload(body, framing))
    assert found.size == len(body)
    return list(found.events), [(one.index, one.reason, one.original) for one in found.failures]


@settings(max_examples=150, deadline=None)
@given(st.lists(Events, min_size=1, max_size=3))
def test_what_is_written_comes_back_the_same(events: list[Event]) -> None:
    documents = [bytes(one) for one in ENCODER.encode(events) if isinstance(one, bytes)]
    assert decoded(b"\n".join(documents), "lines") == (events, [])
    assert decoded(b"".join(documents)) == (events, [])
    [request] = ENCODER.requests(shipment_of(events))
    again, failures = decoded(request.body)
    assert (again, failures) == (events, [])
    assert [to_json(event) for event in again] == documents
    assert list(request.indices) == list(range(len(events)))


@pytest.mark.parametrize("amount", ["0", "0.00", "-12.50", "12345678901234567890.12345678901234567890", "1E+30"])
def test_money_keeps_every_digit(amount: str) -> None:
    event = make_event(goods_total=Decimal(amount))
    [again], _ = decoded(to_json(event))
    assert again.goods_total is not None
    assert str(again.goods_total) == amount


def test_absent_is_not_written_and_empty_is_not_absent() -> None:
    assert b"items" not in to_json(make_event())
    [again], _ = decoded(to_json(make_event(items=(), goods_total=Decimal(0), attrs={"x": None})))
    assert (again.items, again.goods_total, again.attrs) == ((), Decimal(0), {"x": None})


def test_a_bad_line_costs_only_itself() -> None:
    good = to_json(make_event("a"))
    events, failures = decoded(b"\n".join([good, b"{}", b"", b"nonsense", good]), "lines")
    assert [event.id for event in events] == ["a", "a"]
    assert failures == [
        (1, "Object missing required field `id`", b"{}"),
        (3, "JSON is malformed: invalid character (byte 1)", b"nonsense"),
    ]


def test_a_bad_member_costs_only_itself() -> None:
    good = to_json(make_event("a"))
    events, failures = decoded(b"[" + good + b",5," + good + b"]")
    assert len(events) == 2
    assert failures == [(1, "Expected `object`, got `int`", b"5")]


@pytest.mark.parametrize(
    "value",
    [b"[" * 50_000 + b"]" * 50_000, b"1e99999999999999999999", b"9" * 5000, b'"\xff"', b"NaN"],
)
@pytest.mark.parametrize("framing", ["lines", "message"])
def test_hostile_values_cost_only_their_event(value: bytes, framing: str) -> None:
    good = to_json(make_event("a"))
    bad = good[:-1] + b',"attrs":{"x":' + value + b"}}"
    events, failures = decoded(bad, framing)
    assert (events, len(failures)) == ([], 1)
    events, failures = decoded(b"\n".join([good, bad, good]), "lines")
    assert (len(events), [(index, original) for index, _, original in failures]) == (2, [(1, bad)])


@pytest.mark.parametrize("framing", ["lines", "message"])
def test_where_an_event_is_not_utf_8_is_counted_from_its_beginning(framing: str) -> None:
    _, [(_, reason, _)] = decoded(b'{"id":"a","type":"\xe9"}', framing)
    assert reason == "JSON is not UTF-8: invalid continuation byte at byte 18"


@given(st.binary(max_size=60), st.sampled_from(["lines", "message"]))
def test_whatever_the_bytes_are_nothing_is_raised(body: bytes, framing: str) -> None:
    decoded(body, framing)


@pytest.mark.parametrize("body", [b"", b"\n \n", b"[]"])
def test_nothing_is_nothing(body: bytes) -> None:
    assert decoded(body) == ([], [])


def test_empty_lines_are_nothing() -> None:
    assert decoded(b"\n \r\n", "lines") == ([], [])


# ── what an answer means ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [("hold", [301, 401, 403, 404]), ("rejected", [400, 413, 422]), ("busy", [408, 425, 429, 500, 503, 599])],
)
def test_a_status_means_what_it_means_everywhere(kind: str, statuses: list[int]) -> None:
    for status in statuses:
        verdict = by_status(HttpResponse(status))
        assert (verdict.kind, verdict.status, verdict.reason) == (kind, status, f"answered {status}")


@pytest.mark.parametrize("status", [200, 202, 204])
def test_success_is_delivered(status: int) -> None:
    assert by_status(HttpResponse(status)) is DELIVERED
    [request] = ENCODER.requests(shipment_of([make_event()]))
    assert ENCODER.verdicts(request, HttpResponse(status)) is DELIVERED


def test_the_wait_that_is_asked_for_is_understood() -> None:
    assert by_status(HttpResponse(429, {"retry-after": "120"})).after_secs == 120


def test_the_adapter_works_both_ways_without_options() -> None:
    [part] = wye_adapters()
    assert part.source is not None
    assert part.sink is not None
    inbound, outbound = part.source.build(part.source.config()), part.sink.build(part.sink.config())
    event = make_event()
    [document] = outbound.encoder.encode([event])
    assert isinstance(document, bytes)
    assert inbound.decoder.decode(Payload(document)).events == [event]
