from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wye.event import Json
from wye.message import Payload
from wye.money import is_amount
from wye.values import milliseconds
from wye.wire import MAX_DEPTH, Wire, WireDecoder, amount, derive_id, identity, too_deep


class Note(Wire, frozen=True, kw_only=True):
    id: str = ""
    bag: Json = None


notes = WireDecoder(Note)


def test_fractions_in_open_members_are_exact() -> None:
    for body in (b'{"bag":{"x":0.10}}', b'{"bag":{"x":0.10},"unknown":1}'):
        records, failures = notes.read(Payload(body))
        assert not failures
        assert records[0].bag == {"x": Decimal("0.10")}


@pytest.mark.parametrize("value", ["1e99999999999999999999", "9" * 5000, "[" * 5000 + "]" * 5000])
@pytest.mark.parametrize("name", ["bag", "unknown"])
def test_a_hostile_value_costs_its_record_alone(name: str, value: str) -> None:
    good, bad = '{"id":"a"}', f'{{"{name}":{value}}}'
    records, failures = notes.read(Payload(f"{good}\n{bad}\n{good}".encode(), "lines"))
    assert [record.id for record in records] == ["a", "a"]
    assert [(failure.index, failure.original) for failure in failures] == [(1, bad.encode())]


def test_what_can_be_read_but_no_longer_written_costs_its_record_alone() -> None:
    good = '{"id":"a"}'
    for levels in range(600, 1_000):  # some of these fill the stack when they are read
        bad = '{"bag":' + "[" * levels + "]" * levels + "}"
        ids, failures = notes.read_as(Payload(f"{good}\n{bad}".encode(), "lines"), _derived_ids)
        assert len(ids) + len(failures) == 2
        assert {failure.reason for failure in failures} <= {"JSON is nested too deeply"}


def _derived_ids(records: list[Note]) -> list[str]:
    return [_derived_id(record, 20) for record in records]


def _derived_id(record: Note, more_frames: int) -> str:
    return _derived_id(record, more_frames - 1) if more_frames else derive_id("a", record)


def test_too_deep_counts_levels() -> None:
    value: Json = 1
    for _ in range(MAX_DEPTH):
        value = {"x": [value]} if isinstance(value, int) else [value]
    assert too_deep(value)
    assert not too_deep(value[0] if isinstance(value, list) else None)


@pytest.mark.parametrize(
    "nobody", ["", " ", "null", "NULL", " Undefined ", "(not set)", "0" * 8 + "-0000-0000-0000-" + "0" * 12, " " * 40]
)
def test_placeholders_name_nobody(nobody: str) -> None:
    assert identity(nobody) is None


@pytest.mark.parametrize("somebody", ["0", "1", "nullable", " x ", "unknown soldier", "a" * 40])
def test_everything_else_names_somebody_as_it_is(somebody: str) -> None:
    assert identity(somebody) == somebody


@pytest.mark.parametrize("value", [None, True, 1, Decimal(1), [], {}])
def test_only_texts_name_somebody(value: Json) -> None:
    assert identity(value) is None


@settings(deadline=None)
@given(
    st.decimals()
    | st.decimals(allow_nan=False, places=4)
    | st.from_regex(r"-?[0-9]{1,40}E[+-]?[0-9]{1,4}", fullmatch=True).map(Decimal)
)
def test_an_amount_is_what_money_says_is_one(number: Decimal) -> None:
    found = amount(number)
    assert (found is not None) == is_amount(number)
    assert found is None or str(found) == str(number)


@pytest.mark.parametrize(("value", "number"), [(5, "5"), ("5", "5"), ("-1.50", "-1.50"), ("0", "0")])
def test_numbers_may_be_texts(value: Json, number: str) -> None:
    assert str(amount(value)) == number


@pytest.mark.parametrize(
    "value", [None, True, "", " 5", "5 ", "+5", "1e3", "NaN", "Infinity", "٣", "5" * 201, 10**300, [], "1,5"]
)
def test_what_is_no_plain_number_is_no_amount(value: Json) -> None:
    assert amount(value) is None


def test_a_derived_id_is_a_uuid_of_version_5_and_depends_on_vendor_and_content() -> None:
    first = derive_id("a", Note(id="x"))
    assert uuid.UUID(first).version == 5
    assert str(uuid.UUID(first)) == first
    assert first == derive_id("a", Note(id="x"))
    assert len({first, derive_id("b", Note(id="x")), derive_id("a", Note(id="y"))}) == 3


@pytest.mark.parametrize(
    ("exact", "split"),
    [("1.5", (1, 500_000)), ("-1.5", (-2, 500_000)), ("7", (7, 0)), ("0.0000009", (0, 0)), ("1E+200", (10**200, 0))],
)
def test_milliseconds_are_rounded_down(exact: str, split: tuple[int, int]) -> None:
    assert milliseconds(Decimal(exact)) == split
