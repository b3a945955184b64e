from __future__ import annotations

from router.core_rig import numbered
from wye.batch import Batch, Parcel, runs
from wye.delivery import Delivery


def batch(count: int) -> Batch:
    return Batch(numbered(count), Delivery(lambda _: None), 10)


def test_a_split_batch_answers_to_the_same_delivery() -> None:
    whole = batch(5)
    first, rest = whole.split(2)
    assert [event.id for event in first.events] == ["e0", "e1"]
    assert [event.id for event in rest.events] == ["e2", "e3", "e4"]
    assert first.delivery is rest.delivery is whole.delivery
    assert first.event_bytes == rest.event_bytes == 10


def test_neighbours_of_one_batch_are_counted_together() -> None:
    one, two = batch(1), batch(1)
    assert runs([one, one, two, one]) == [(one, 2), (two, 1), (one, 1)]
    assert runs([]) == []


def test_a_parcel_keeps_its_columns_aligned() -> None:
    batches = [batch(1), batch(1), batch(1)]
    parcel = Parcel(numbered(3), [b"0", b"1", b"2"], batches, [0, 1, 2])
    picked, cut = parcel.pick([2, 0]), parcel.slice(1, 3)
    assert [(e.id, d, a) for e, d, a in zip(picked.events, picked.documents, picked.attempts, strict=True)] == [
        ("e2", b"2", 2),
        ("e0", b"0", 0),
    ]
    assert picked.batches == [batches[2], batches[0]]
    assert (cut.documents, cut.batches, cut.attempts) == ([b"1", b"2"], batches[1:], [1, 2])
    assert parcel.slice(0, 3) is parcel
