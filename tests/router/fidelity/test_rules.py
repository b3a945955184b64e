"""The reasons that vendors' adapters give for what their formats do not hold, held against the measurement."""

from __future__ import annotations

import functools
from fnmatch import fnmatchcase

import pytest

from wye.canonical import CanonicalDecoder, CanonicalEncoder
from wye.fidelity.formats import all_formats
from wye.fidelity.measure import Format
from wye.fidelity.pair import Pair, explain
from wye.plugin import Inbound, Outbound, Rule
from wye.registry import load

ANY = Format("canonical", Outbound(CanonicalEncoder()), Inbound(CanonicalDecoder()))
FORMATS = {one.name: one for one in all_formats(load())}


@functools.cache
def table(vendor: str) -> Pair:
    return explain(ANY, FORMATS[vendor])


def patterns() -> list[tuple[str, Rule, str]]:
    return [(name, rule, pattern) for name, one in FORMATS.items() for rule in one.outbound.rules for pattern in rule.leaves]


@pytest.mark.parametrize(("vendor", "rule", "pattern"), patterns(), ids=lambda part: part if isinstance(part, str) else "")
def test_no_rule_speaks_of_what_is_simply_kept(vendor: str, rule: Rule, pattern: str) -> None:
    explained = {row.leaf for row in table(vendor).rows if (row.reason, row.source) == (rule.text, rule.source)}
    assert any(fnmatchcase(leaf, pattern) for leaf in explained), f"stale: {pattern}: {rule.text}"


@pytest.mark.parametrize("vendor", FORMATS)
def test_whatever_is_not_kept_has_a_rule_of_the_vendors(vendor: str) -> None:
    bare = [(row.kind, row.leaf) for row in table(vendor).rows if row.kind not in ("kept", "invented") and not row.source]
    assert bare == []


@pytest.mark.parametrize("vendor", FORMATS)
def test_a_rule_names_whose_word_it_is(vendor: str) -> None:
    assert all(rule.text and rule.source for rule in FORMATS[vendor].outbound.rules)
