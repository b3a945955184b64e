from __future__ import annotations

from wye.fidelity.page import render
from wye.fidelity.pair import Pair, Refusal


def page(pair: Pair) -> str:
    return render([pair])


def test_a_type_that_only_sometimes_has_a_name_is_said_to() -> None:
    text = page(Pair("a", "a", {"landing": 2}, [], {"login": "no login", "landing": "none without a referrer"}, []))
    assert "No name for: `login`, `landing` (some)." in text


def test_which_events_are_refused() -> None:
    refused = [Refusal("no price", ["purchase"], always=True), Refusal("no id", ["search", "item_view"], always=False)]
    text = page(Pair("a", "a", {}, [], {}, refused))
    assert "- no price (`purchase`, of which none is taken)\n- no id (some `search`, `item_view`)\n" in text
