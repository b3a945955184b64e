"""`wye explain`, and the page that it writes."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from typing import Any

from e2e.kit import ROOT


def wye(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wye", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)


@functools.cache
def pairs() -> list[Any]:
    found = wye("explain", "--matrix", "--json")
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def rows(kind: str) -> list[tuple[str, Any]]:
    return [(f"{pair['source']} → {pair['target']}", row) for pair in pairs() for row in pair["rows"] if row["kind"] == kind]


def test_the_page_is_what_the_measurement_says() -> None:
    page = wye("explain", "--matrix", "--markdown")
    assert page.returncode == 0, page.stderr
    assert page.stdout == (ROOT / "docs" / "fidelity.md").read_text(), "docs/fidelity.md is stale: run `make docs`"


def test_no_pair_invents_money() -> None:
    assert [(pair, row["leaf"]) for pair, row in rows("invented") if row["loss_class"] == "money"] == []


def test_no_pair_names_a_currency_that_the_event_does_not() -> None:
    """One that comes back where there was none is that of another leaf of the same event."""
    found = [(pair, row) for pair, row in rows("ambiguous") if row["leaf"] in ("currency", "items.currency")]
    assert found
    origins = {f"from {name}" for name in ("currency", "items.currency", "attrs.currency")}
    assert [(pair, row["how"]) for pair, row in found if not set(row["how"]) <= origins] == []


def test_every_change_in_every_pair_has_a_reason() -> None:
    changed = [found for kind in ("lost", "coerced", "ambiguous", "invented") for found in rows(kind)]
    assert len(changed) > 500
    assert [(pair, row["leaf"]) for pair, row in changed if not row["reason"]] == []


def test_what_is_coerced_says_how() -> None:
    assert [(pair, row["leaf"]) for pair, row in rows("coerced") if not row["how"]] == []


def test_every_pair_is_measured_in_types_that_both_have() -> None:
    assert [(pair["source"], pair["target"]) for pair in pairs() if len(pair["measured"]) < 4] == []


def test_from_a_vendor_to_itself_nothing_changes() -> None:
    found = [pair for pair in pairs() if pair["source"] == pair["target"]]
    assert [(pair["source"], row["leaf"]) for pair in found for row in pair["rows"] if row["kind"] != "kept"] == []


def leaves(text: str, kind: str) -> set[str]:
    """The leaves under the headings of a kind."""
    found: set[str] = set()
    heading = ""
    for line in text.splitlines():
        if not line.startswith(" "):
            heading = line.partition(":")[0]
        elif heading == kind:
            found.add(line.split()[0])
    return found


def test_a_pair_says_what_is_lost_and_why() -> None:
    found = wye("explain", "clickstream", "richrelevance", "--type", "purchase")
    assert found.returncode == 0, found.stderr
    assert {"currency", "order_id", "page.url"} <= leaves(found.stdout, "lost")
    assert "lost: there is no currency on the stream [page]" in found.stdout
    assert "kept: id, items.id" not in found.stdout  # an id is derived from the document
    assert leaves(found.stdout, "coerced") >= {"id", "items.unit_price"}
    assert max(map(len, found.stdout.splitlines())) <= 100


def test_the_operators_defaults_are_marked() -> None:
    arguments = ("explain", "richrelevance", "moloco", "--type", "purchase", "--json")
    bare = {row["leaf"]: row["kind"] for row in json.loads(wye(*arguments).stdout)["rows"]}
    assert bare["channel"] == "invented"
    assert "currency" not in bare
    given = wye(*arguments, "--default", "currency=EUR", "--default", "channel_type=SITE")
    kinds = {(row["leaf"], row["kind"], str(row["after"])) for row in json.loads(given.stdout)["rows"]}
    assert {("currency", "default", "EUR"), ("channel", "default", "site")} <= kinds
    assert ("channel", "invented", "site") not in kinds


def test_own_events_can_be_measured() -> None:
    found = wye("explain", "richrelevance", "clickstream", "--events", "tests/samples/richrelevance/events.jsonl", "--json")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["source"] == "richrelevance"


def test_mistakes_are_said() -> None:
    assert wye("explain").returncode == 2
    unknown = wye("explain", "clickstrem", "richrelevance")
    assert unknown.returncode == 1
    assert 'did you mean "clickstream"?' in unknown.stderr
    assert wye("explain", "richrelevance", "clickstream", "--type", "cart_view").returncode == 1
    assert 'found "EUR"; expected NAME=VALUE' in wye("explain", "moloco", "moloco", "--default", "EUR").stderr
    assert "currency" in wye("explain", "moloco", "moloco", "--default", "currency=Euro").stderr
