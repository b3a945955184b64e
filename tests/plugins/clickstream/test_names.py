from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wye.event import Json
from wye_plugins.clickstream import names as own
from wye_plugins.clickstream.names import fitting_attributes, is_name, name_of, names_in

_OURS = ["wye_names", "wye_event_type", "wye_names_2"]
_RULE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,49}")


@pytest.mark.parametrize(
    ("name", "fitted"),
    [
        ("purchase", "purchase"),
        ("detail-page-view", "detail_page_view"),
        ("größe", "gr__e"),
        ("3d", "e_3d"),
        ("_private", "private"),
        ("__1", "e_1"),
        ("", "e_"),
        ("x" * 60, "x" * 50),
    ],
)
def test_a_name_becomes_the_nearest_that_fits(name: str, fitted: str) -> None:
    assert name_of(name) == fitted


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_becomes_a_name(text: str) -> None:
    assert _RULE.fullmatch(name_of(text))
    assert is_name(name_of(text))


def test_names_that_fit_are_left_alone() -> None:
    assert fitting_attributes({"a": 1, "b_2": None}) == {"a": 1, "b_2": None}


def test_a_name_that_is_taken_is_numbered() -> None:
    assert fitting_attributes({"tax": 1}, {"tax": 5}) == {"tax_2": 1, "tax": 5, "wye_names": '{"tax_2":"tax"}'}


def test_what_wye_writes_itself_cannot_be_taken_for_an_attribute() -> None:
    assert fitting_attributes({"wye_event_type": "purchase"}) == {
        "wye_event_type_2": "purchase",
        "wye_names": '{"wye_event_type_2":"wye_event_type"}',
    }


@pytest.mark.parametrize("names", ["", "{", "[]", "{}", 1, None, '{"a":1}', '{"a":"b","b":"b"}'])
def test_what_says_nothing_of_names(names: Json) -> None:
    assert names_in(names) == {}


@settings(deadline=None)
@given(
    st.dictionaries(st.text("a-_é1", max_size=4) | st.text(max_size=60) | st.sampled_from(_OURS), st.integers(), max_size=8),
    st.dictionaries(st.sampled_from(["a", "a_2", "tax"]), st.integers()),
)
def test_no_attribute_is_lost_and_every_name_can_be_found_again(attributes: dict[str, int], facts: dict[str, int]) -> None:
    fitted = fitting_attributes(attributes, facts)
    names = names_in(fitted.pop("wye_names", None))
    assert all(map(_RULE.fullmatch, fitted))
    assert {name: fitted.pop(name) for name in facts} == facts
    assert {names.get(name, name): value for name, value in fitted.items()} == attributes


@given(st.dictionaries(st.sampled_from(["a", "_a", "a-b", "tax", *_OURS]), st.integers()), st.booleans())
def test_what_is_known_of_names_says_nothing_of_values(attributes: dict[str, int], taken: bool) -> None:
    facts = {"tax": 1} if taken else {}
    first = fitting_attributes(dict.fromkeys(attributes, 0), dict.fromkeys(facts, 0))
    again = fitting_attributes(attributes, facts)
    assert list(first) == list(again)
    assert first.get("wye_names") == again.get("wye_names")
    assert sorted([*attributes.values(), *facts.values()]) == sorted(v for k, v in again.items() if k != "wye_names")


@pytest.mark.parametrize("before", ["x", "x" * own.MAX_LENGTH], ids=["all fit", "all become the same"])
def test_what_a_name_costs_does_not_grow_with_how_many_there_are(before: str) -> None:
    def secs(count: int) -> float:
        attributes: dict[str, Json] = {f"{before}{number}": number for number in range(count)}
        began = time.process_time()
        assert len(fitting_attributes(attributes)) >= count
        return (time.process_time() - began) / count

    few = min(secs(500) for _ in range(5))  # more than are remembered
    assert min(secs(8_000) for _ in range(2)) < 8 * few


@pytest.mark.parametrize(("count", "times"), [(30, 1), (300, 2)])
def test_what_becomes_of_names_is_remembered_where_they_are_few(
    count: int, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def name_of(name: str) -> str:
        asked.append(name)
        return name.replace("-", "_")

    monkeypatch.setattr(own, "name_of", name_of)
    attributes: dict[str, Json] = {f"one-of-{count}-{number}": number for number in range(count)}
    assert fitting_attributes(attributes) == fitting_attributes(attributes)
    assert len(asked) == times * count
