from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wye_plugins.clickstream.names import fitting_attributes, is_name, name_of

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


@settings(deadline=None)
@given(st.dictionaries(st.text("a-_é1", max_size=4) | st.text(max_size=60), st.integers(), max_size=8))
def test_no_attribute_is_lost_and_every_name_can_be_found_again(attributes: dict[str, int]) -> None:
    attributes.pop("wye_names", None)
    fitted = fitting_attributes(attributes)
    renamed: dict[str, str] = json.loads(fitted.pop("wye_names", "{}"))
    assert all(map(_RULE.fullmatch, fitted))
    assert {renamed.get(name, name): value for name, value in fitted.items()} == attributes
