from __future__ import annotations

from collections import Counter

from wye.ledger import LONGEST_NAME, MOST_NAMES, OTHERS, Ledger, SinkAccount, SourceAccount, count_names


def test_an_account_is_in_balance_when_every_event_is_somewhere() -> None:
    account = SinkAccount("s", received=15, delivered=5, filtered=4, dead_lettered=3, dropped=2, in_flight=1)
    assert account.balanced
    account.delivered += 1
    assert not account.balanced
    assert not Ledger([], [SinkAccount("t"), account]).balanced


def test_what_is_in_flight_includes_bad_records_that_are_not_safe_yet() -> None:
    assert Ledger([SourceAccount("in", in_flight=2)], [SinkAccount("a", in_flight=3), SinkAccount("b")]).in_flight == 5


def test_two_sinks_count_their_filtered_types_apart() -> None:
    one, two = SinkAccount("one"), SinkAccount("two")
    one.filtered_types["login"] += 1
    assert not two.filtered_types


def test_names_are_cut_and_beyond_a_number_counted_together() -> None:
    counts = Counter[str]()
    count_names(counts, (str(number) for number in range(MOST_NAMES + 5)))
    count_names(counts, ["0", "x" * 1000])
    assert len(counts) == MOST_NAMES + 1
    assert (counts["0"], counts[OTHERS]) == (2, 6)
    count_names(fresh := Counter[str](), ["x" * 1000])
    assert fresh == {"x" * LONGEST_NAME: 1}
