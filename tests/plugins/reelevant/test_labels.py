from __future__ import annotations

from decimal import Decimal

from plugins.reelevant.reelevant_kit import encode, envelope, event_of, labels, one, read_back
from wye.event import Page, UserAttr


def test_labels_are_attributes_whatever_they_hold() -> None:
    event = one(envelope(data='{"locale":"EN-GB","n":1.50,"deep":[{"x":0.1}],"none":null,"channel":"backoffice"}'))
    assert event.attrs == {
        "locale": "EN-GB",
        "n": Decimal("1.50"),
        "deep": [{"x": Decimal("0.1")}],
        "none": None,
        "channel": "backoffice",
    }


def test_labels_that_are_canonical_facts() -> None:
    data = """{"session_id":"s","currency":"EUR","shipping":"4.95","tax":"0","search_term":"desk","page_title":"t",
        "channel":"app",
        "device_os":"Android","app_version":"1.2","categories":"[\\"a\\",\\"b\\"]","user.age":"27"}"""
    event = one(envelope(data=data))
    assert (event.session_id, event.currency, event.search_query, event.channel) == ("s", "EUR", "desk", "app")
    assert (event.shipping, event.tax, event.categories) == (Decimal("4.95"), Decimal(0), ("a", "b"))
    assert event.page == Page(url="u", title="t")
    assert event.device is not None
    assert event.app is not None
    assert (event.device.os, event.app.version, event.user_attrs) == ("Android", "1.2", {"age": UserAttr("27")})
    assert (event.attrs, event.extra) == ({}, {})


def test_quirk_labels_are_texts() -> None:
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
    back = read_back(document)
    assert (back.type, back.items, back.goods_total, back.order_id, back.session_id) == ("item_view", None, None, None, None)
    assert back.user_attrs == {}
    assert document["data"]["channel"] == "backoffice"
    assert document["data"]["shipping"] == "free"
    assert {"x_ids", "x_transId", "x_id", "x_session_id", "x_value", "x_x_value"} <= document["data"].keys()
