from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wye.lots import lots
from wye.plugin import Limits
from wye.testing import make_event, shipment_of

LIMITS = Limits(max_events=3, max_bytes=20, overhead_bytes=2, separator_bytes=1)


def test_each_request_has_what_is_common_and_is_full_at_most() -> None:
    events = [make_event(user_id=user) for user in "abaaab"]
    found = list(lots(shipment_of(events, [b"x"] * 6), lambda event: event.user_id, LIMITS))
    assert found == [("a", [0, 2, 3]), ("a", [4]), ("b", [1, 5])]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 18)), max_size=20))
def test_nothing_is_left_out_and_nothing_too_large(shapes: list[tuple[str, int]]) -> None:
    events = [make_event(user_id=user) for user, _ in shapes]
    found = list(lots(shipment_of(events, [bytes(size) for _, size in shapes]), lambda event: event.user_id, LIMITS))
    assert sorted(index for _, indices in found for index in indices) == list(range(len(shapes)))
    for user, indices in found:
        assert [shapes[index][0] for index in indices] == [user] * len(indices)
        assert indices == sorted(indices)
        assert len(indices) <= 3
        assert sum(shapes[index][1] for index in indices) + len(indices) - 1 + 2 <= 20
