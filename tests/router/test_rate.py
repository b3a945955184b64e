from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wye.rate import Rate


def test_a_burst_goes_at_once_and_the_next_waits() -> None:
    rate = Rate(10, burst=5)
    assert rate.ready_at(5, 100.0) == 100.0
    rate.spend(5, 100.0)
    assert rate.ready_at(1, 100.0) == pytest.approx(100.1)


def test_a_request_larger_than_the_burst_goes_when_the_bucket_is_full_and_is_paid_for_afterwards() -> None:
    rate = Rate(10, burst=5)
    assert rate.ready_at(50, 0.0) == 0.0
    rate.spend(50, 0.0)
    assert rate.ready_at(5, 0.0) == pytest.approx(5.0)


def test_a_clock_that_stands_still_earns_nothing() -> None:
    rate = Rate(10, burst=1)
    rate.spend(1, 7.0)
    assert rate.ready_at(1, 7.0) == rate.ready_at(1, 7.0) == pytest.approx(7.1)


@given(
    per_sec=st.floats(0.5, 1000),
    burst=st.integers(1, 100),
    counts=st.lists(st.integers(1, 200), min_size=1, max_size=50),
)
def test_on_average_no_more_goes_than_is_allowed(per_sec: float, burst: int, counts: list[int]) -> None:
    rate, now = Rate(per_sec, burst), 0.0
    for count in counts:
        now = rate.ready_at(count, now)
        rate.spend(count, now)
    assert sum(counts[:-1]) <= now * per_sec + burst + max(counts) + 1e-6
