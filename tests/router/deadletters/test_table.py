"""The file by itself: its sums are right whatever is done to it, and selections mean what they say."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wye.database import connect
from wye.deadletters import DeadLetter, table
from wye.deadletters.letter import now_text
from wye.deadletters.table import SCHEMA, Selection, Totals
from wye.testing import make_event

TEXTS = st.text(max_size=30)
LETTERS = st.builds(
    DeadLetter,
    stage=st.sampled_from(["decode", "transform", "encode", "send"]),
    reason=TEXTS,
    sink=st.sampled_from([None, "a", "b"]),
    source=st.sampled_from([None, "x"]),
    attempts=st.none() | st.integers(0, 5),
    event=st.none() | st.builds(make_event, TEXTS),
    original=st.none() | st.binary(max_size=50),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(LETTERS, min_size=1, max_size=4)),
        st.tuples(st.just("renew"), st.tuples(st.integers(0, 9), LETTERS)),
        st.tuples(st.just("mark"), st.integers(0, 9)),
        st.tuples(st.just("unmark"), st.tuples(st.integers(0, 9), TEXTS)),
        st.tuples(st.just("remove"), st.integers(0, 9)),
        st.tuples(st.just("make room"), st.integers(1, 2000)),
    ),
    max_size=12,
)


def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(SCHEMA.steps[0])
    return connection


def add(connection: sqlite3.Connection, *letters: DeadLetter) -> None:
    table.write(connection, [table.row_of(letter, now_text()) for letter in letters])


@given(STEPS)
def test_the_sums_are_right_whatever_is_done(steps: list[tuple[str, object]]) -> None:
    with closing(database()) as connection:
        dropped = 0
        for name, what in steps:
            numbers = table.ids(connection, Selection())
            dropped += do(connection, numbers, name, what)
            check(connection, dropped)


def do(connection: sqlite3.Connection, numbers: list[int], name: str, what: object) -> int:
    """One step; returns how many it dropped for want of room."""
    match name, what:
        case "add", list():
            add(connection, *cast(list[DeadLetter], what))
        case "make room", int(most):
            gone = table.make_room(connection, most)
            left = table.totals(connection)
            assert left.bytes <= most or left.letters <= 1
            assert table.ids(connection, Selection()) == numbers[gone:]
            return gone
        case "renew", (int(place), DeadLetter() as letter) if place < len(numbers):
            before = next(table.entries(connection, Selection(ids=[numbers[place]])))
            letter.id = numbers[place]
            add(connection, letter)
            after = next(table.entries(connection, Selection(ids=[numbers[place]])))
            assert (after.first_time, after.marked, after.stage) == (before.first_time, False, letter.stage)
            assert (after.attempts or 0) == (before.attempts or 0) + (letter.attempts or 0)
            assert table.ids(connection, Selection()) == numbers
        case "mark", int(place):
            table.mark(connection, numbers[place : place + 1])
        case "unmark", (int(place), str(reason)) if place < len(numbers):
            table.unmark(connection, numbers[place], now_text(), reason)
        case "remove", int(place):
            assert table.remove(connection, numbers[place : place + 1]) == len(numbers[place : place + 1])
        case _:
            pass
    return 0


def check(connection: sqlite3.Connection, dropped: int) -> None:
    rows = connection.execute("SELECT id, reason, event, original, bytes, marked FROM letters").fetchall()
    for _, reason, event, original, size, _ in rows:
        assert size == table.OVERHEAD_BYTES + len(reason.encode()) + len(event or b"") + len(original or b"")
    assert table.totals(connection) == Totals(len(rows), sum(row[4] for row in rows), dropped)
    assert table.any_marked(connection) is any(row[5] for row in rows)
    assert sum(group.letters for group in table.groups(connection)) == len(rows)


@given(LETTERS)
def test_a_letter_counts_for_what_the_file_says(letter: DeadLetter) -> None:
    with closing(database()) as connection:
        add(connection, letter)
        assert table.row_of(letter, now_text()).bytes == table.totals(connection).bytes


def test_numbers_are_never_given_twice() -> None:
    with closing(database()) as connection:
        add(connection, DeadLetter(stage="send", reason="one"))
        table.remove(connection, [1])
        add(connection, DeadLetter(stage="send", reason="two"))
        assert table.ids(connection, Selection()) == [2]


@pytest.mark.parametrize(
    ("selection", "numbers"),
    [
        (Selection(), [1, 2, 3, 4]),
        (Selection(ids=[4, 2, 99]), [2, 4]),
        (Selection(sink="a"), [1, 3]),
        (Selection(sink="a", stage="send"), [1]),
        (Selection(source="x"), [2]),
        (Selection(where=lambda event: event.id == "e"), [1]),
        (Selection(sink="a", marked=True), [3]),
        (Selection(source="x", marked=True), [2]),
    ],
)
def test_a_selection_means_all_that_it_says(tmp_path: Path, selection: Selection, numbers: list[int]) -> None:
    with closing(connect(tmp_path / "letters.db", SCHEMA)) as connection:
        add(
            connection,
            DeadLetter(stage="send", reason="r", sink="a", event=make_event("e")),
            DeadLetter(stage="decode", reason="r", source="x", original=b"{"),
            DeadLetter(stage="encode", reason="r", sink="a", event=make_event("f")),
            DeadLetter(stage="send", reason="r", sink="b", event=make_event("g")),
        )
        table.mark(connection, [2, 3])
        assert table.ids(connection, selection) == numbers
        assert [one.id for one in table.entries(connection, selection)] == numbers
        assert [one.id for one in table.entries(connection, selection, newest_first=True)] == numbers[::-1]


def test_more_entries_than_are_read_at_a_time(tmp_path: Path) -> None:
    with closing(database()) as connection:
        add(connection, *(DeadLetter(stage="send", reason=f"{number}", sink="a") for number in range(300)))
        assert [one.id for one in table.entries(connection, Selection())] == list(range(1, 301))
        table.mark(connection, range(1, 301))
        assert len(table.page(Selection(sink="a", marked=True), 200, 10**9, connection)) == 200
        assert len(table.page(Selection(sink="a", marked=True), 200, 0, connection)) == 200  # they hold nothing


def test_a_page_is_bounded_by_bytes_and_never_empty() -> None:
    with closing(database()) as connection:
        add(connection, *(DeadLetter(stage="decode", reason="r", source="x", original=b"." * 1000) for _ in range(5)))
        table.mark(connection, range(1, 6))
        assert len(table.page(Selection(source="x", marked=True), 200, 2500, connection)) == 2
        assert len(table.page(Selection(source="x", marked=True), 200, 10, connection)) == 1
