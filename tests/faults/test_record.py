"""The record is sound, its page is made from it, and it covers what it has to."""

from __future__ import annotations

from faults import page, record
from faults.mutations import MUTATIONS
from faults.points import POINTS


def test_nothing_in_the_record_was_lost_changed_or_out_of_bounds() -> None:
    for row in record.load().runs:
        assert row.acknowledged > 0
        assert (row.lost, row.corrupted, row.reordered) == (0, 0, 0), row
        assert row.duplicates <= row.duplicates_bound, row
        assert row.commit.strip("0123456789abcdef") == "", f"not a commit: {row}"


def test_every_named_point_has_killed_and_every_broken_build_was_caught() -> None:
    kept = record.load()
    assert kept.counted("kills").keys() >= POINTS.keys()
    assert {one.mutation for one in kept.caught} == MUTATIONS.keys()


def test_the_page_is_made_from_the_record() -> None:
    assert page.PATH.read_text() == page.render(record.load()), "make faults makes it; or python -m faults --page"
