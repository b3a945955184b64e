"""What ``wye translate`` says of events that do not come out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wye.cli import main


def test_of_several_events_on_a_line_each_is_named(capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    common = {"timestamp": 1_700_000_000_000, "app_id": "shop", "unique_id": "visitor-1"}
    events = [
        {**common, "event_type": "sign_up", "event_id": "event-1"},
        {**common, "event_type": "search", "event_id": "event-2", "attributes": {"_search_term": "desk"}},
        {**common, "event_type": "search", "event_id": "event-3\nline 7: "},
    ]
    (tmp_path / "in.jsonl").write_text(f"{json.dumps(events)}\n{json.dumps(events[0])}\n")
    code = main(["translate", "--from", "clickstream", "--to", "richrelevance", str(tmp_path / "in.jsonl")])
    out, said = capfdbinary.readouterr()
    assert (code, len(out.splitlines())) == (1, 1)
    assert said.decode().splitlines() == [
        'line 1: event "event-1": left out: RichRelevance has no event type for custom:sign_up',
        'line 1: event "event-3\\nline 7: ": RichRelevance: searchTerm is required for search',
        "line 2: left out: RichRelevance has no event type for custom:sign_up",
    ]
