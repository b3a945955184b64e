"""The second law: what comes back from a vendor's format differs by what ``wye explain`` says of it, no more and no less."""

from __future__ import annotations

import functools
import re

from hypothesis import given

from laws.strategies import events
from laws.test_laws import FORMATS, each_format, laws
from wye.canonical import CanonicalDecoder, CanonicalEncoder
from wye.event import Event
from wye.fidelity.generate import ALL_TYPES
from wye.fidelity.leaves import place_of
from wye.fidelity.measure import Format, measure
from wye.fidelity.pair import Pair, explain
from wye.message import Unfit
from wye.plugin import Inbound, Outbound

ANY = Format("canonical", Outbound(CanonicalEncoder()), Inbound(CanonicalDecoder()))


@functools.cache
def table(vendor: str) -> Pair:
    """What ``wye explain canonical VENDOR`` prints."""
    return explain(ANY, next(one for one in FORMATS if one.name == vendor))


@functools.cache
def fates(vendor: str) -> dict[tuple[str, str], set[str]]:
    """By event type and leaf: all that the table says may become of it."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in table(vendor).rows:
        for event_type in row.types:
            # To be told that a value is one of two kinds takes two events; of one alone it is coerced.
            kinds = {"ambiguous", "coerced"} if row.kind == "ambiguous" and place_of(row.leaf) != row.leaf else {row.kind}
            found.setdefault((event_type, place_of(row.leaf)), set()).update(kinds)
    return found


def known(event_type: str) -> str:
    """The type, or the one that was measured for all names that are free."""
    return event_type if event_type in ALL_TYPES else ALL_TYPES[-2]


def rule(reason: str) -> str:
    """A refusal's reason without the numbers and values of the one event."""
    return re.sub(r"\bn\b|[-+0-9.,E]+", "#", reason)


@each_format
@laws
@given(event=events)
def test_what_becomes_of_a_leaf_is_in_the_table(target: Format, event: Event) -> None:
    outcome = measure(event, target)
    said = table(target.name)
    if isinstance(outcome, Unfit):
        if outcome.unmapped:
            assert known(event.type) in said.unmapped
        else:
            rules = {rule(one.reason) for one in said.refused if known(event.type) in one.types}
            assert rule(outcome.reason) in rules
        return
    of_leaf = fates(target.name)
    surprises = [one for one in outcome if one.kind not in of_leaf.get((known(event.type), place_of(one.leaf)), ())]
    assert surprises == []
