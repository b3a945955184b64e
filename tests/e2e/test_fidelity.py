"""`wye explain`, and the page that it writes."""

from __future__ import annotations

import json
import subprocess
import sys

from e2e.kit import ROOT


def wye(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wye", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_the_page_is_what_the_measurement_says() -> None:
    page = wye("explain", "--matrix", "--markdown")
    assert page.returncode == 0, page.stderr
    assert page.stdout == (ROOT / "docs" / "fidelity.md").read_text(), "docs/fidelity.md is stale: run `make docs`"


def test_no_pair_invents_a_currency_or_a_price() -> None:
    pairs = json.loads(wye("explain", "--matrix", "--json").stdout)
    invented = [
        (p["source"], p["target"], r["leaf"])
        for p in pairs
        for r in p["rows"]
        if r["kind"] == "invented" and r["loss_class"] == "money"
    ]
    # A sum of what the event has (lines with price and quantity, goods and shipping) says nothing new.
    assert [one for one in invented if one[2] not in ("goods_total", "grand_total")] == []


def test_a_pair_says_what_is_lost() -> None:
    found = wye("explain", "clickstream", "richrelevance", "--type", "purchase")
    assert found.returncode == 0, found.stderr
    lost = {line.split()[1] for line in found.stdout.splitlines() if line.startswith("lost")}
    assert {"currency", "order_id", "page.url"} <= lost
    kept = {line.split()[1] for line in found.stdout.splitlines() if line.startswith("kept")}
    assert {"items.unit_price", "items.quantity", "time_ms"} <= kept


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
