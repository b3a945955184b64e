from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wye.delivery import Delivery, Outcome

Settling = st.lists(st.tuples(st.integers(1, 5), st.sampled_from(Outcome)), max_size=12)


def test_it_settles_at_once_when_nothing_was_expected() -> None:
    words: list[Outcome] = []
    Delivery(words.append).seal()
    assert words == [Outcome.SAFE]


def test_it_does_not_settle_while_the_fan_out_goes_on() -> None:
    words: list[Outcome] = []
    delivery = Delivery(words.append)
    for _ in range(3):
        delivery.expect(2)
        delivery.settle(2)
    assert (words, delivery.pending) == ([], 1)
    delivery.seal()
    assert (words, delivery.pending) == ([Outcome.SAFE], 0)


@given(copies=Settling, early=st.integers(0, 12))
def test_it_settles_once_with_the_worst_outcome(copies: list[tuple[int, Outcome]], early: int) -> None:
    words: list[Outcome] = []
    delivery = Delivery(words.append)
    delivery.expect(sum(count for count, _ in copies))
    for count, outcome in copies[:early]:
        delivery.settle(count, outcome)
    delivery.seal()
    for count, outcome in copies[early:]:
        assert words == []
        delivery.settle(count, outcome)
    assert words == [max((outcome for _, outcome in copies), default=Outcome.SAFE)]


def test_settling_twice_is_a_bug_that_does_not_pass() -> None:
    delivery = Delivery(lambda _: None)
    delivery.expect(2)
    with pytest.raises(RuntimeError, match="settled 4 copies where 3 were pending"):
        delivery.settle(4)
    delivery.settle(3)
    with pytest.raises(RuntimeError, match="settled 1 copies where 0"):
        delivery.settle(1)


def test_nothing_can_be_expected_of_a_delivery_that_is_over() -> None:
    delivery = Delivery(lambda _: None)
    delivery.seal()
    with pytest.raises(RuntimeError, match="is over"):
        delivery.expect(1)
