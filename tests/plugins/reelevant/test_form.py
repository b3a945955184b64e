from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wye_plugins.reelevant.form import MAX_FIELDS, form_as_json

ENVELOPE = {"key": "k", "tmpId": "t", "eventId": "e", "name": "purchase", "url": "https://a.b/?c=é", "v": 1, "timestamp": 17e11}
FIELDS = [(name, str(int(value)) if isinstance(value, int | float) else value) for name, value in ENVELOPE.items()]


def read(*labels: tuple[str, str]) -> Any:
    return json.loads(form_as_json(urlencode([*FIELDS, *labels]).encode()))


def test_data_may_be_one_field_of_json() -> None:
    assert read(("data", '{"ids":["a"],"value":1.50}')) == {**ENVELOPE, "data": {"ids": ["a"], "value": 1.5}}


@pytest.mark.parametrize(
    "labels",
    [
        [("data[ids][]", "a"), ("data[ids][]", "b")],
        [("data[ids][0]", "a"), ("data[ids][1]", "b")],
        [("data[ids]", "a"), ("data[ids]", "b")],
    ],
)
def test_or_a_field_for_each_label(labels: list[tuple[str, str]]) -> None:
    found = read(*labels, ("data[value]", "129.90"), ("data[transId]", "007"))
    assert found["data"] == {"ids": ["a", "b"], "value": "129.90", "transId": "007"}


def test_a_list_of_one_is_a_list_and_a_single_field_a_text() -> None:
    assert read(("data[ids][]", "a"), ("data[locale]", "EN-GB"))["data"] == {"ids": ["a"], "locale": "EN-GB"}


def test_only_version_and_time_are_numbers() -> None:
    found = json.loads(form_as_json(b"v=1&timestamp=1700000000000&clientId=42&key=0"))
    assert found == {"v": 1, "timestamp": 1700000000000, "clientId": "42", "key": "0"}
    assert json.loads(form_as_json(b"v=01&timestamp=soon")) == {"v": "01", "timestamp": "soon"}


def test_letters_beyond_ascii_need_no_escapes() -> None:
    assert json.loads(form_as_json("name=café&data[größe]=ü%C3%A4".encode())) == {"name": "café", "data": {"größe": "üä"}}


def test_data_that_is_no_json_stays_a_text() -> None:
    assert read(("data", "nonsense"))["data"] == "nonsense"
    assert read(("data", "[" * 5000))["data"] == "[" * 5000
    assert read(("data", "[1]"))["data"] == "[1]"


@pytest.mark.parametrize("body", [b"hello", b"\xff=1", b"a=%ff", b"&".join([b"a=1"] * (MAX_FIELDS + 1))])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="neither JSON nor a form of at most 1000 fields"):
        form_as_json(body)


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text('ab=&[]%data0{}:"', max_size=60).map(str.encode))
def test_any_bytes_give_json_or_a_reason(body: bytes) -> None:
    try:
        found = form_as_json(body)
    except ValueError:
        return
    assert isinstance(json.loads(found), dict)
