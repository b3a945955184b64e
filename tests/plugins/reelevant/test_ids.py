from __future__ import annotations

import pytest

from plugins.reelevant.reelevant_kit import encode, envelope, event_of, ids, labels, one, read_back
from wye.event import Item
from wye.message import Unfit


@pytest.mark.parametrize("name", ["product_page", "product_hover"])
def test_quirk_android_sends_id_instead_of_ids(name: str) -> None:
    event = one(envelope(name=f'"{name}"', data='{"id":"SKU,1"}'))
    assert ids(event) == ["SKU,1"]
    assert event.attrs == {}


def test_android_sends_id_for_categories_and_brands_too() -> None:
    assert one(envelope(name='"category_view"', data='{"id":"Shoes"}')).categories == ("Shoes",)
    assert one(envelope(name='"brand_view"', data='{"id":"Acme"}')).brand == "Acme"


def test_id_is_a_label_like_any_other_where_android_sends_ids() -> None:
    event = one(envelope(data='{"id":"x"}'))
    assert (event.items, event.attrs) == (None, {"id": "x"})
    both = one(envelope(name='"product_page"', data='{"ids":["a"],"id":"x"}'))
    assert (ids(both), both.attrs) == (["a"], {"id": "x"})


def test_quirk_ids_as_one_text_are_split() -> None:
    assert ids(one(envelope(data='{"ids":"a;b, c|d"}'))) == ["a", "b", "c", "d"]
    assert ids(one(envelope(data='{"ids":"a"}'))) == ["a"]
    assert ids(one(envelope(data='{"ids":["a,b"]}'))) == ["a,b"]


def test_quirk_names_of_categories_and_brands_are_not_split() -> None:
    assert one(envelope(name='"category_view"', data='{"ids":"Home, Garden"}')).categories == ("Home, Garden",)
    assert one(envelope(name='"brand_view"', data='{"ids":"A|B"}')).brand == "A|B"


NAMELESS = ["undefined", "null", "unknown", "inconnu", "0", "-1", "NaN", "ko", "true", "false"]


@pytest.mark.parametrize("word", [*NAMELESS, "Infinity", "-Infinity", "{}", "[]"])
def test_quirk_placeholders_are_no_ids_and_nobody(word: str) -> None:
    event = one(envelope(tmpId=f'"{word}"', clientId=f'"{word}"', data=f'{{"ids":["{word}","a"]}}'))
    assert (event.visitor_id, event.user_id, ids(event)) == (None, None, ["a"])
    assert event.extra == {"tmpId": word, "clientId": word, "data": {"ids": [word, "a"]}}


def test_an_event_whose_ids_are_all_placeholders_is_still_one() -> None:
    event = one(envelope(data='{"ids":["undefined"]}'))
    assert event.items == ()


def test_numbers_that_should_be_texts_are_read_and_kept() -> None:
    event = one(envelope(clientId="42", data='{"ids":[7,"a"],"transId":9}'))
    assert (event.user_id, ids(event), event.order_id) == ("42", ["7", "a"], "9")
    assert event.extra == {"clientId": 42, "data": {"ids": [7, "a"], "transId": 9}}


def test_nothing_between_separators_is_no_id() -> None:
    assert ids(one(envelope(data='{"ids":";a; ;b;"}'))) == ["a", "b"]
    assert ids(one(envelope(data='{"ids":["", " ", "a"]}'))) == ["a"]


@pytest.mark.parametrize("value", ["null", "7", "true", '{"a":1}', "[null,true,[]]"])
def test_ids_that_are_none_stay_with_the_vendor(value: str) -> None:
    event = one(envelope(data=f'{{"ids":{value}}}'))
    assert not event.items
    assert "ids" in event.extra["data"]


def test_what_ids_are_depends_on_the_name() -> None:
    assert one(envelope(name='"purchase_references"')).item_ids_are == "reference"
    assert one(envelope(name='"purchase"')).item_ids_are == "product"
    brands = one(envelope(name='"brand_view"', data='{"ids":["A","B"]}'))
    assert (brands.item_ids_are, ids(brands), brands.brand) == ("brand", ["A", "B"], "A")


def test_no_product_is_made_of_a_category_or_a_brand() -> None:
    category = one(envelope(name='"category_view"', data='{"ids":["Shoes","Sale"]}'))
    assert (category.categories, category.items) == (("Shoes", "Sale"), None)
    assert one(envelope(name='"brand_view"', data='{"ids":["Acme"]}')).items is None


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
    assert read_back(document).item_ids_are == "reference"


def test_placeholders_are_no_ids() -> None:
    assert labels(items=(Item(id="0"), Item(id="a")))["ids"] == ["a"]
    unfit = encode(event_of(items=(Item(id="undefined"),)))
    assert isinstance(unfit, Unfit)
    assert unfit.reason.startswith("ids: ")
    assert labels(type="cart_view", items=())["ids"] == []
