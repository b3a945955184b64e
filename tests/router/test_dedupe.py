from __future__ import annotations

import time
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from router.core_rig import events_of
from wye.dedupe import Dedupe
from wye.event import Event


def ids(events: Sequence[Event]) -> list[str]:
    return [event.id for event in events]


def test_what_is_safe_is_a_repeat_the_next_time() -> None:
    dedupe = Dedupe(60, 100)
    dedupe.safe(["a"], 0)
    assert ids(dedupe.fresh(events_of("a", "b"), 1)) == ["b"]


def test_what_was_seen_but_is_not_safe_is_no_repeat() -> None:
    dedupe = Dedupe(60, 100)
    dedupe.fresh(events_of("a"), 0)
    assert ids(dedupe.fresh(events_of("a"), 1)) == ["a"]


def test_of_one_batch_the_first_of_an_id_is_kept() -> None:
    assert ids(Dedupe(60, 100).fresh(events_of("a", "b", "a"), 0)) == ["a", "b"]


def test_after_the_window_an_id_is_unknown_again() -> None:
    dedupe = Dedupe(60, 100)
    dedupe.safe(["a"], 0)
    assert ids(dedupe.fresh(events_of("a"), 60.5)) == ["a"]


def test_no_more_are_known_than_are_allowed_and_the_oldest_go_first() -> None:
    dedupe = Dedupe(1e9, 2)
    dedupe.safe(["a", "b"], 0)
    dedupe.safe(["a", "c"], 1)
    assert ids(dedupe.fresh(events_of("a", "b", "c"), 1)) == ["b"]


@given(
    steps=st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 30)), max_size=80),
    window=st.integers(1, 60),
    most=st.integers(1, 6),
)
def test_it_does_what_a_plain_list_of_what_happened_says(steps: list[tuple[str, float]], window: int, most: int) -> None:
    dedupe, now, said = Dedupe(window, most), 0.0, dict[str, float]()
    for name, wait in steps:
        now += wait
        newest = list(said)[-most:]
        known = name in newest and said[name] >= now - window
        assert (not dedupe.fresh(events_of(name), now)) == known
        if not known:
            dedupe.safe([name], now)
            said.pop(name, None)
            said[name] = now


def test_what_an_event_costs_does_not_grow_with_how_many_are_known() -> None:
    def secs(known: int) -> float:
        dedupe = Dedupe(60, known)
        spent: list[float] = []
        for start in range(0, 3 * known, 100):
            ids = [f"event-{number}" for number in range(start, start + 100)]
            began = time.process_time()
            dedupe.safe(ids, 0)
            spent.append(time.process_time() - began)
        return sum(spent[known // 100 :]) / len(spent[known // 100 :])

    few = min(secs(1_000) for _ in range(5))
    assert min(secs(50_000) for _ in range(2)) < 8 * few
