"""Documents of every kind, hostile members and all: within Google nothing is lost, and Google's parser takes all of it."""

from __future__ import annotations

import os
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec import structs

from laws.strategies import events
from plugins.google_retail.retail_kit import SAMPLES, api, decode, exact, judge, same, seed
from samples.payloads import numbers, odd_texts, texts, values, with_members
from samples.payloads import written as dumped
from wye.event import Event, Origin, to_json
from wye.message import Payload, Unfit
from wye.records import PlainDecoder
from wye.wire import WireDecoder
from wye_plugins.google_retail import read
from wye_plugins.google_retail.check import Checker
from wye_plugins.google_retail.document import bag_of
from wye_plugins.google_retail.encode import document_with_everything
from wye_plugins.google_retail.lean import LeanEvent
from wye_plugins.google_retail.purchase import UnfitError
from wye_plugins.google_retail.rules import cut, is_known, is_plain, missing, too_long
from wye_plugins.google_retail.schema import CAMEL, NAMES, GrEvent
from wye_plugins.google_retail.write import document_of, name_of

_json = msgspec.json.Encoder(decimal_format="number")

some = settings(
    max_examples=int(os.environ.get("WYE_LAWS_EXAMPLES", "30")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

words = texts | odd_texts
_attribute = st.fixed_dictionaries(
    {},
    optional={
        "text": st.lists(texts, max_size=3) | values,
        "numbers": st.lists(numbers, max_size=3) | values,
        "searchable": st.booleans() | values,
    },
)
_price = with_members({"currencyCode": words, "price": numbers, "originalPrice": numbers, "cost": numbers}, {})
_product = with_members({"id": words, "priceInfo": _price, "title": words, "brands": st.lists(words, max_size=2)}, {})
_detail = with_members(
    {"product": _product, "quantity": numbers | st.integers(0, 5), "rating": numbers, "promotionId": words}, {}
)
_purchase = with_members(
    {"id": words, "revenue": numbers, "tax": numbers, "cost": numbers, "currencyCode": words | st.just("EUR")}, {}
)
_user = with_members(
    {"userId": words, "ipAddress": words | st.just("1.2.3.4"), "userAgent": words, "directUserRequest": st.booleans()}, {}
)
_completion = with_members(
    {"completionAttributionToken": words, "selectedSuggestion": words, "selectedPosition": numbers | st.integers(0, 5)}, {}
)
_types = st.sampled_from([*NAMES.values(), "page-view", "promo", "item-click"])
_PLACED = ["brand", "cart_id", "order_id", "search_filter", "goods_total", "tax", "categories", "currency"]
_slots = st.sampled_from(_PLACED)
documents = with_members(
    {
        **dict.fromkeys(("sessionId", "attributionToken", "cartId", "searchQuery", "filter", "orderBy"), words),
        **dict.fromkeys(("uri", "referrerUri", "pageViewId", "entity"), words),
        "experimentIds": st.lists(words, max_size=2),
        "pageCategories": st.lists(words, max_size=2),
        "productDetails": st.lists(_detail, max_size=2),
        "completionDetail": _completion,
        "attributes": st.dictionaries(texts | _slots, _attribute, max_size=3),
        "purchaseTransaction": _purchase,
        "offset": numbers | st.integers(0, 5),
        "userInfo": _user,
    },
    {
        "eventType": _types,
        "visitorId": words.filter(bool),
        "eventTime": st.sampled_from(
            [
                "2022-02-23T10:27:42+00:00",
                "2022-02-23T10:27:42Z",
                "2022-02-23T10:27:42.123456789Z",
                "1969-01-01T00:00:00.5-07:00",
            ]
        ),
    },
)


_SNAKE = [f'"{name}"'.encode() for name in CAMEL if name not in _PLACED]


def event_of(document: Any) -> Event:
    body = dumped(document)
    assume(not any(name in body for name in _SNAKE))
    decoded = decode(body)
    assume(not decoded.failures)
    return decoded.events[0]


@some
@given(documents)
def test_in_the_wide_spelling_every_document_comes_back_as_it_came(document: Any) -> None:
    (found,) = seed.encode([event_of(document)])
    assume(not isinstance(found, Unfit))
    assert isinstance(found, bytes)
    came = exact(dumped(document))
    if isinstance(came.get("productDetails"), dict):
        came["productDetails"] = [came["productDetails"]]
    assert same(exact(found), came)


@some
@given(documents)
def test_in_the_apis_spelling_google_takes_it_and_nothing_is_lost(document: Any) -> None:
    event = event_of(document)
    (found,) = api.encode([event])
    assume(not isinstance(found, Unfit))
    assert isinstance(found, bytes)
    judge(found)
    (back,) = decode(found).events
    assert structs.replace(back, extra={}) == structs.replace(event, extra={})
    (again,) = api.encode([back])
    assert isinstance(again, bytes)
    assert same(exact(again), exact(found))


@some
@given(documents, st.booleans())
def test_what_is_plain_lacks_nothing_and_is_not_cut(document: Any, wide: bool) -> None:
    event = structs.replace(event_of(document), origin=Origin(vendor="generated"), extra={})
    name = name_of(event, wide)
    assume(name is not None)
    try:
        found = document_of(event, name or "", wide)
    except UnfitError:
        assume(False)
        return
    bag = bag_of(found)
    if is_plain(found):
        assert missing(bag) is None
        assert cut(bag) == {}
    assert _json.encode(bag) == _json.encode(found)


def _read_either_way(body: bytes) -> bool:
    """Whether it is lean. Then it is the event that it is to the structs that look at everything."""
    payload = Payload(body)
    records = PlainDecoder(LeanEvent).read(payload)
    try:
        lean = None if records is None else [read.event_of(record, payload, None) for record in records]
    except ValueError:
        lean = None
    found, failures = WireDecoder(GrEvent).read_as(payload, lambda them: [read.event_of(one, payload, None) for one in them])
    if lean is not None:
        assert not failures
        assert [to_json(event) for event in lean] == [to_json(event) for event in found]
        assert lean == found
    return lean is not None


@some
@given(documents)
def test_what_is_lean_is_read_as_it_would_be_otherwise(document: Any) -> None:
    _read_either_way(dumped(document))


@some
@given(events)
def test_what_wye_writes_is_lean(event: Event) -> None:
    (found,) = api.encode([event])
    if isinstance(found, bytes):
        assert _read_either_way(found)


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_read_as_they_would_be_otherwise(name: str) -> None:
    _read_either_way(SAMPLES[name])


@pytest.mark.parametrize(
    "member",
    [
        '"wye:rest":{}',
        '"eventTime":"yesterday"',
        '"eventTime":null',
        '"unknown":1',
        '"userInfo":{"wye:rest":{}}',
        '"productDetails":{"product":{"id":"A"}}',
        '"productDetails":[{"product":{"id":"A","priceInfo":{"price":[1]}}}]',
        '"purchaseTransaction":{"revenue":{}}',
    ],
)
def test_what_has_to_be_looked_at_is_not_lean(member: str) -> None:
    assert _read_either_way(b'{"eventType":"search","visitorId":"v"}')
    assert not _read_either_way(b'{"eventType":"search","visitorId":"v",%s}' % member.encode())


@some
@given(documents)
def test_an_event_without_fault_lacks_nothing_and_has_nothing_that_is_too_long(document: Any) -> None:
    event = event_of(document)
    fault = Checker(strict=False, event_types=frozenset()).fault(event)
    try:
        whole = document_with_everything(event)
    except UnfitError:
        whole = None
    if whole is None:
        assert fault is not None
    elif is_known(whole["eventType"], wide=True):
        assert fault == (missing(whole) or too_long(whole))
    else:
        assert fault is not None
