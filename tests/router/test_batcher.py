from __future__ import annotations

import math

from wye.batcher import Batcher, largest_document
from wye.plugin import Limits

BATCHER = Batcher(max_events=10, max_bytes=100, linger_secs=2)


def test_nothing_is_due_while_nothing_waits() -> None:
    assert BATCHER.due_at(0, 0, None) == math.inf


def test_few_events_wait_for_company_since_the_oldest_came() -> None:
    assert BATCHER.due_at(9, 99, 50.0) == 52


def test_enough_events_or_bytes_are_due_at_once() -> None:
    assert BATCHER.due_at(10, 0, 50.0) == -math.inf
    assert BATCHER.due_at(1, 100, 50.0) == -math.inf


def test_small_requests_are_taken_together_as_far_as_they_are_full() -> None:
    assert [BATCHER.takes(queued) for queued in (3, 10, 19, 20, 1000)] == [10, 10, 10, 20, 60]
    assert Batcher(500, 100, 2).takes(1000) == 500


def test_documents_are_cut_to_the_tighter_of_both_bounds() -> None:
    documents = [b"x" * 30] * 7
    assert list(BATCHER.cuts(documents, Limits())) == [(0, 3), (3, 6), (6, 7)]
    assert list(BATCHER.cuts(documents, Limits(max_events=2))) == [(0, 2), (2, 4), (4, 6), (6, 7)]
    assert list(BATCHER.cuts(documents, Limits(max_bytes=61))) == [(0, 2), (2, 4), (4, 6), (6, 7)]
    assert list(BATCHER.cuts([], Limits())) == []


def test_the_envelope_and_the_separators_count() -> None:
    documents = [b"x" * 10] * 2
    assert list(BATCHER.cuts(documents, Limits(max_bytes=25, overhead_bytes=4, separator_bytes=1))) == [(0, 2)]
    assert list(BATCHER.cuts(documents, Limits(max_bytes=24, overhead_bytes=4, separator_bytes=1))) == [(0, 1), (1, 2)]


def test_what_is_no_request_is_cut_as_if_its_vendor_had_no_limits() -> None:
    plain = Batcher(max_events=10, max_bytes=100, linger_secs=2, requests=False)
    documents = [b"x" * 9] * 11
    assert list(plain.cuts(documents, Limits(max_events=1, max_bytes=20, overhead_bytes=10))) == [(0, 10), (10, 11)]
    assert list(plain.cuts([b"x" * 30] * 4, Limits(max_events=1))) == [(0, 3), (3, 4)]


def test_a_document_too_large_for_a_batch_goes_alone() -> None:
    assert list(BATCHER.cuts([b"x", b"x" * 500, b"x"], Limits())) == [(0, 1), (1, 2), (2, 3)]


def test_the_largest_document_leaves_room_for_the_envelope() -> None:
    assert largest_document(Limits(max_bytes=100, overhead_bytes=7)) == 93
    assert largest_document(Limits()) == math.inf
