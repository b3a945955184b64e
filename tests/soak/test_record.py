"""The record is sound, and its page is made from it."""

from __future__ import annotations

from soak import page, record
from soak.reckon import FLAT_PERCENT


def test_an_hour_went_by_with_flat_memory_and_no_problem() -> None:
    run = record.load()
    assert run is not None
    assert run.problems == []
    assert run.minutes >= 60
    assert abs(run.memory.change) <= FLAT_PERCENT
    assert run.descriptors[1] <= run.descriptors[0]
    assert run.commit.strip("0123456789abcdef") == "", f"not a commit: {run.commit}"


def test_the_page_is_made_from_the_record() -> None:
    run = record.load()
    assert run is not None
    assert page.PATH.read_text() == page.render(run), "make soak makes it; or python -m soak --page"
