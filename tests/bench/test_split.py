"""docs/performance.md is what was measured, and the measurement works."""

from __future__ import annotations

from pathlib import Path

import trio

from bench.split import PAGE, WAY, load, measured, page


def test_the_page_is_made_of_what_was_kept() -> None:
    assert PAGE.read_text() == page(load()), "make it anew: PYTHONPATH=tests .venv/bin/python -m bench.split --page"


def test_every_stage_is_measured(tmp_path: Path) -> None:
    found = trio.run(measured, tmp_path, 1, 1)
    assert found.stages.keys() == load().stages.keys()
    assert all(one.whole_us > 0 for one in found.stages.values())
    text = page(found)
    assert "<!--" not in text
    for name in WAY:
        assert f"| {name} |" in text
