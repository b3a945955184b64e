from __future__ import annotations

import pytest

from wye.options import OptionsError
from wye.testing import make_event
from wye_plugins.filter import FilterOptions, build_filter


def test_what_matches_goes_on_unchanged() -> None:
    event = make_event(type="purchase")
    assert build_filter(FilterOptions(where={"type": "purchase"})).apply(event) is event


def test_what_does_not_match_is_dropped() -> None:
    assert build_filter(FilterOptions(where={"type": "purchase"})).apply(make_event(type="search")) is None


def test_every_mistake_in_the_condition_is_named_by_its_key() -> None:
    with pytest.raises(OptionsError) as caught:
        build_filter(FilterOptions(where={"type": "purchse", "cost": {"min": "x"}}))
    assert caught.value.mistakes == [
        (("where", "type"), 'no such event type as "purchse"; did you mean "purchase"? (a vendor\'s own is custom:NAME)'),
        (("where", "cost", "min"), 'expected a number, found "x"'),
    ]
    assert str(caught.value).startswith("where.type: no such event type")
