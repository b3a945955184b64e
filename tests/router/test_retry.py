from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wye.retry import Backoff

secs = st.floats(min_value=0.001, max_value=1000)
attempts = st.integers(min_value=1, max_value=100_000)


def test_the_bound_doubles_up_to_the_maximum() -> None:
    backoff = Backoff(first_secs=0.5, max_secs=5)
    assert [backoff.bound_secs(attempt) for attempt in range(1, 7)] == [0.5, 1, 2, 4, 5, 5]


def test_the_wait_is_drawn_evenly_from_zero_to_the_bound() -> None:
    backoff = Backoff(first_secs=8, max_secs=100)
    draw = random.Random(1).random
    waits = [backoff.delay_secs(1, draw) for _ in range(4000)]
    assert min(waits) < 0.1
    assert max(waits) > 7.9
    assert sum(waits) / len(waits) == pytest.approx(4, abs=0.2)


def test_a_peer_that_asks_for_longer_is_obeyed_beyond_the_maximum() -> None:
    assert Backoff(0.5, 30).delay_secs(1, lambda: 0.99, asked_secs=120) == 120


def test_a_peer_that_asks_for_less_does_not_shorten_the_wait() -> None:
    assert Backoff(10, 30).delay_secs(1, lambda: 0.5, asked_secs=1) == 5


def test_attempts_begin_at_one() -> None:
    with pytest.raises(ValueError, match="counted from 1, not 0"):
        Backoff(1, 2).delay_secs(0, random.random)


@given(first=secs, most=secs, attempt=attempts, draw=st.floats(min_value=0, max_value=1, exclude_max=True))
def test_every_wait_lies_between_zero_and_the_maximum(first: float, most: float, attempt: int, draw: float) -> None:
    wait = Backoff(first, most).delay_secs(attempt, lambda: draw)
    assert 0 <= wait <= most
    assert wait <= first * 2.0 ** min(attempt - 1, 1000)


@given(first=secs, most=secs, attempt=attempts, asked=secs)
def test_the_wait_is_never_shorter_than_asked(first: float, most: float, attempt: int, asked: float) -> None:
    assert Backoff(first, most).delay_secs(attempt, random.random, asked) >= asked
