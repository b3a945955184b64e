"""Sent again in halves: only the culprits are refused, and it takes few requests."""

from __future__ import annotations

import math
from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from router.test_outbox import parcel
from wye.judge import judge
from wye.verdict import DELIVERED, Verdict, per_event

REJECTED = Verdict("rejected", "bad request", status=400)
RETRY = Verdict("retry", "oops", status=500)


def sizes_allow(faulty: int, events: int) -> int:
    return 2 * faulty * math.ceil(math.log2(events)) + 1 if faulty and events > 1 else 1


@settings(max_examples=300, deadline=None)
@given(data=st.data(), count=st.integers(1, 500), by_count=st.booleans(), kind=st.sampled_from(["rejected", "retry"]))
def test_only_the_culprits_are_refused_within_the_bound_of_requests(
    data: st.DataObject, count: int, by_count: bool, kind: str
) -> None:
    faulty = data.draw(st.sets(st.integers(0, count - 1), max_size=6))
    waiting = deque([parcel(*(f"e{number}" for number in range(count)))])
    requests, delivered, refused = 0, set[str](), list[str]()
    while waiting:
        one = waiting.popleft()
        requests += 1
        bad = [event.id for event in one.events if int(event.id[1:]) in faulty]
        if by_count:
            delivered |= {event.id for event in one.events} - set(bad)
        elif not bad:
            delivered |= {event.id for event in one.events}
        answer = DELIVERED
        if bad:
            answer = Verdict(kind, "400", faulty=len(bad) if by_count else None)  # type: ignore[arg-type]
            one.charge(range(len(one.events)))
        found = judge(one, per_event(answer, len(one.events)), 1, [False] * len(one.events), divisible=True)
        assert not found.again
        refused += [one.events[place].id for place in found.refused]
        waiting.extendleft(one.pick(places) for places in reversed(found.halves))
    assert sorted(refused) == sorted(f"e{number}" for number in faulty)
    assert delivered == {f"e{number}" for number in range(count)} - set(refused)
    assert requests <= sizes_allow(len(faulty), count)


def test_where_parts_must_not_be_sent_again_the_whole_is_refused() -> None:
    one = parcel("a", "b", "c")
    found = judge(one, per_event(REJECTED, 3), 8, [False] * 3, divisible=False)
    assert (found.refused, found.halves) == ([0, 1, 2], [])


def test_a_count_without_places_is_told_as_such_where_parts_must_not_be_sent_again() -> None:
    answer = Verdict("rejected", "2 failed", faulty=2)
    found = judge(parcel("a", "b", "c"), per_event(answer, 3), 8, [False] * 3, divisible=False)
    assert found.why[0].reason.startswith("2 failed (2 of 3 events, it is not said which")


def test_verdicts_by_index_need_no_halves() -> None:
    verdicts = [DELIVERED, REJECTED, DELIVERED, REJECTED]
    found = judge(parcel("a", "b", "c", "d"), verdicts, 8, [False] * 4, divisible=True)
    assert (found.delivered, found.refused, found.halves) == ([0, 2], [1, 3], [])


def test_what_two_requests_of_one_parcel_were_told_is_halved_apart() -> None:
    first, second = per_event(REJECTED, 2), per_event(REJECTED, 3)
    found = judge(parcel(*"abcde"), [*first, *second], 8, [False] * 5, divisible=True)
    assert found.halves == [[0], [1], [2, 3], [4]]


def test_attempts_that_are_left_are_used_before_anything_is_halved() -> None:
    one = parcel("a", "b")
    one.charge([0, 1])
    found = judge(one, per_event(RETRY, 2), 2, [False] * 2, divisible=True)
    assert found.again == [0, 1]


def test_an_event_that_is_too_old_is_given_up_whatever_attempts_it_has_left() -> None:
    found = judge(parcel("a", "b"), [RETRY, RETRY], 8, [True, False], divisible=True)
    assert (found.refused, found.again) == ([0], [1])
