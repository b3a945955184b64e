from __future__ import annotations

import math
from collections import defaultdict
from operator import attrgetter

from hypothesis import given, settings
from hypothesis import strategies as st

from wye.batch import Batch, Parcel
from wye.delivery import Delivery
from wye.event import Event
from wye.outbox import Lanes, Outbox
from wye.testing import make_event


def parcel(*events: Event | str) -> Parcel:
    made = [one if isinstance(one, Event) else make_event(one) for one in events]
    batch = Batch(made, Delivery(lambda _: None))
    return Parcel(made, [event.id.encode() for event in made], [batch] * len(made), [0] * len(made))


def ids(one: Parcel | None) -> list[str]:
    return [] if one is None else [event.id for event in one.events]


def test_new_parcels_go_in_order_and_those_that_were_under_way_before_them() -> None:
    outbox = Outbox()
    outbox.add([parcel("c"), parcel("d")])
    outbox.put_first([parcel("a"), parcel("b")])
    assert [ids(outbox.next(0)) for _ in range(4)] == [["a"], ["b"], ["c"], ["d"]]


def test_what_is_tried_again_waits_for_its_time_and_then_goes_first() -> None:
    outbox = Outbox()
    outbox.put_later(parcel("later"), 5.0)
    assert outbox.next(4.0) is None
    assert outbox.due_at == 5.0
    outbox.add([parcel("new")])
    assert outbox.due_at == -math.inf
    assert ids(outbox.next(5.0)) == ["later"]


def test_a_probe_is_rather_one_that_has_not_failed() -> None:
    outbox = Outbox()
    outbox.put_later(parcel("failed"), 0.0)
    outbox.add([parcel("fresh")])
    assert ids(outbox.next(1.0, fresh=True)) == ["fresh"]
    assert ids(outbox.next(1.0, fresh=True)) == ["failed"]


def test_it_is_idle_only_when_nothing_is_under_way_either() -> None:
    outbox = Outbox()
    outbox.add([parcel("a")])
    outbox.next(0)
    assert not outbox.idle
    outbox.out -= 1
    assert outbox.idle


@settings(max_examples=500)
@given(
    keys=st.lists(st.sampled_from(["x", "y", "z", None]), max_size=40),
    cuts=st.lists(st.integers(1, 7), min_size=1, max_size=40),
    choices=st.randoms(use_true_random=False),
)
def test_of_each_key_one_is_out_at_a_time_in_order_and_none_is_forgotten(
    keys: list[str | None], cuts: list[int], choices: object
) -> None:
    lanes = Lanes(attrgetter("visitor_id"))
    events = [make_event(f"e{number}", visitor_id=key) for number, key in enumerate(keys)]
    out: list[Event] = []
    order: dict[str | None, list[str]] = defaultdict(list)

    def take(one: Parcel | None) -> None:
        for event in one.events if one else ():
            out.append(event)
            order[event.visitor_id].append(event.id)

    while events or out:
        named = [event.visitor_id for event in out if event.visitor_id]
        assert len(named) == len(set(named))
        if events and (not out or choices.random() < 0.5):  # type: ignore[attr-defined]
            size = cuts.pop() if cuts else 3
            take(lanes.admit(parcel(*events[:size])))
            del events[:size]
        else:
            done = out.pop(choices.randrange(len(out)))  # type: ignore[attr-defined]
            take(lanes.done([done]))
    for key in set(keys):
        assert order[key] == [f"e{number}" for number, one in enumerate(keys) if one == key]
    assert lanes.done([make_event("other", visitor_id="x")]) is None
