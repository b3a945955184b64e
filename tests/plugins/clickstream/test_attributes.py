"""What is common among the attributes is written out name by name; the table of slots must say the same of it."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wye.event import Page
from wye_plugins.clickstream.attributes import take_facts, take_slots
from wye_plugins.clickstream.slots import COMMON, SLOTS, Slot

Bag = dict[str, Any]
COMMON_NAMES = ["_session_id", "currency", "_page_url", "_page_title", "_screen_id"]
VALUES = st.sampled_from(["", None, "null", " ", "text", 5, True, [], ["a"], {}, {"a": 1}]) | st.text(max_size=20)
BAGS = st.dictionaries(st.sampled_from([*COMMON_NAMES, *COMMON, "value", "brand", "odd", "_odd"]), VALUES)


@given(bag=BAGS, slots=st.sampled_from([COMMON, *SLOTS.values()]))
def test_what_is_written_out_says_the_same_as_the_slots(bag: Bag, slots: dict[str, Slot]) -> None:
    left, odd, facts = copy.deepcopy(bag), Bag(), Bag()
    session_id, currency, page = take_facts(left, slots, odd, facts)
    other_left, other_odd, other_facts = copy.deepcopy(bag), Bag(), Bag()
    of_page = take_slots([name for name in bag if name in slots], other_left, slots, other_odd, other_facts)
    assert (list(left.items()), list(odd.items())) == (list(other_left.items()), list(other_odd.items()))
    assert session_id == other_facts.pop("session_id", None)
    assert currency == other_facts.pop("currency", None)
    assert facts == other_facts
    assert page == (Page(**of_page) if of_page else None)
