from __future__ import annotations

from decimal import Decimal

import pytest

from plugins.reelevant.reelevant_kit import encode, envelope, event_of, labels, one, read_back
from wye.event import Item


@pytest.mark.parametrize("value", ["1599.97", "0", "9999999.99", "0.1", "129.905", "1E+2", "-0.01", '"129.90"'])
def test_money_is_exact(value: str) -> None:
    assert one(envelope(data=f'{{"value":{value}}}')).goods_total == Decimal(value.strip('"'))


@pytest.mark.parametrize("value", ['"12;50"', '"12,50"', '"1|2"', '""', '"NaN"', "null", "true", "[1]", "1e999999999"])
def test_what_is_no_value_stays_with_the_vendor(value: str) -> None:
    event = one(envelope(data=f'{{"value":{value}}}'))
    assert event.goods_total is None
    assert "value" in event.extra["data"]


def test_quirk_value_may_be_a_numeric_text() -> None:
    event = one(envelope(data='{"value":"129.90"}'))
    assert event.goods_total == Decimal("129.90")
    assert encode(event)["data"]["value"] == "129.90"


def test_zero_is_a_value_and_nothing_is_none() -> None:
    assert one(envelope(data='{"value":0}')).goods_total == Decimal(0)
    assert one(envelope()).goods_total is None


@pytest.mark.parametrize("total", ["1599.97", "9999999.99", "0", "5", "0.1", "1500", "-1.25"])
def test_two_decimals_arrive_as_they_are(total: str) -> None:
    assert labels(type="purchase", goods_total=Decimal(total)) == {"value": Decimal(total)}


def test_quirk_value_is_cut_to_two_decimals_and_the_whole_amount_kept_in_a_label() -> None:
    event = event_of(type="purchase", goods_total=Decimal("12.349"), currency="KWD")
    document = encode(event)
    assert document["data"] == {"value": Decimal("12.34"), "goods_total": "12.349", "currency": "KWD"}
    assert read_back(document).goods_total == Decimal("12.349")
    assert labels(goods_total=Decimal("-0.009"))["value"] == 0


def test_a_whole_amount_that_does_not_belong_to_the_value_is_just_a_label() -> None:
    event = read_back({"name": "purchase", "data": {"value": Decimal("12.35"), "goods_total": "12.349"}})
    assert (event.goods_total, event.attrs) == (Decimal("12.35"), {"goods_total": "12.349"})


def test_the_grand_total_stands_in_where_there_is_no_other_and_says_so() -> None:
    event = event_of(type="purchase", grand_total=Decimal("20.005"))
    document = encode(event)
    assert document["data"] == {"value": Decimal("20.00"), "value_is": "grand_total", "grand_total": "20.005"}
    back = read_back(document)
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


def test_lines_in_another_currency_than_the_events_are_no_value() -> None:
    items = (line("12.345", "1", "KWD"),)
    assert labels(type="purchase", currency="EUR", items=items) == {"ids": ["a"], "currency": "EUR"}
    assert labels(type="purchase", currency="KWD", items=items)["goods_total"] == "12.345"
    assert labels(type="purchase", currency="EUR", items=(line("5", "1"),))["value"] == 5


def test_only_a_purchase_is_summed_up() -> None:
    assert "value" not in labels(type="add_to_cart", items=(line("10", "1"),))
