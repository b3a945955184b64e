"""What workers leave behind that there are no more."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wye.buffer import rows
from wye.buffer.offline import check, each_row, opened
from wye.buffer.rows import Counts, StoredRow
from wye.database import connect, lock
from wye.deadletters import table
from wye.deadletters.letter import DeadLetter
from wye.plugin import StartError
from wye.testing import make_event
from wye.workers.adopt import adopt
from wye.workers.files import of_all, of_worker


def spool(path: Path, names: Sequence[str], ended: Counts = Counts()) -> None:  # noqa: B008  frozen
    """A file in which events of these names wait, a row each, and that many have come to their end."""
    path.parent.mkdir(exist_ok=True)
    with closing(connect(path, rows.SCHEMA)) as connection:
        payloads = [rows.encoded([make_event(id=name)]) for name in names]
        rows.insert(connection, (StoredRow.of(seq, 1, 7, payload) for seq, payload in enumerate(payloads, start=1)))
        rows.write_ended(connection, ended)


def waiting(path: Path) -> list[str]:
    with opened(path) as connection:
        return [event.id for row in each_row(connection) for event in rows.decoded(row.payload)[0]]


def ended(path: Path) -> Counts:
    with opened(path) as connection:
        return rows.read_totals(connection).ended


names = st.lists(st.text("abc", min_size=1, max_size=3), max_size=5)


@settings(deadline=None, max_examples=25)  # each example makes and syncs several files
@given(st.lists(names, min_size=1, max_size=4), st.integers(1, 4))
def test_every_event_is_somewhere_and_in_its_order(files: list[list[str]], workers: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "spool" / "partner.db"
        for number, held in enumerate(files):
            spool(of_worker(path, number), held, Counts(delivered=number + 1, dropped=len(held)))
        for _ in range(2):  # the second time there is nothing to do
            adopt([path], Path(folder) / table.NAME, workers)
            assert waiting(path) == [name for held in (files[0], *files[workers:]) for name in held]
        assert check(path) == []
        assert ended(path).delivered == 1 + sum(number + 1 for number in range(workers, len(files)))
        for number, held in enumerate(files[1:workers], start=1):
            assert waiting(of_worker(path, number)) == held
        assert list(of_all(path)) == list(range(min(workers, len(files))))


def test_the_first_worker_need_not_have_a_file_yet(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "spool" / "a b%40c.db"
    spool(of_worker(path, 7), ["x", "y"])
    spool(tmp_path / "spool" / "a b%40c@d@7.db", ["z"])  # another sink's
    adopt([path], tmp_path / table.NAME, 1)
    assert waiting(path) == ["x", "y"]
    assert "a b%40c@7.db: 2 events are taken over into a b%40c.db" in caplog.text
    assert (tmp_path / "spool" / "a b%40c@d@7.db").exists()


def test_a_damaged_file_is_set_aside_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "spool" / "partner.db"
    spool(path, ["x"])
    of_worker(path, 1).write_bytes(b"no database" * 1000)
    adopt([path], tmp_path / table.NAME, 1)
    assert waiting(path) == ["x"]
    assert [one.levelno for one in caplog.records] == [logging.ERROR]
    (aside,) = (one for one in path.parent.iterdir() if ".damaged-" in one.name)
    assert aside.name.startswith("partner@1.db.damaged-")


def test_who_is_still_at_work_is_not_robbed(tmp_path: Path) -> None:
    path = tmp_path / "spool" / "partner.db"
    left = of_worker(path, 1)
    spool(left, ["x"])
    descriptor = lock(left)
    try:
        with pytest.raises(StartError, match=r"cannot take over .*partner@1\.db, .*is in use by another process \(pid"):
            adopt([path], tmp_path / table.NAME, 1)
    finally:
        os.close(descriptor)
    assert waiting(left) == ["x"]


def bury(path: Path, count: int, last: int = 0) -> None:
    with closing(connect(path, table.SCHEMA)) as connection:
        if last:
            table.number_from(connection, last)
        letter = DeadLetter(stage="send", reason="no", sink="partner", event=make_event())
        table.write(connection, [table.row_of(letter, f"2026-01-01T00:00:0{one}Z") for one in range(count)])
        table.mark(connection, table.ids(connection, table.Selection())[:1])
        connection.execute("UPDATE totals SET dropped = 5")


def letters(path: Path) -> tuple[list[int], int, table.Totals]:
    """Numbers, how many are marked, and totals."""
    with closing(sqlite3.connect(path)) as connection:
        ids = table.ids(connection, table.Selection())
        return ids, len(table.ids(connection, table.Selection(marked=True))), table.totals(connection)


def test_letters_get_numbers_that_nobody_had_and_their_file_goes_on_counting(tmp_path: Path) -> None:
    path = tmp_path / table.NAME
    left = of_worker(path, 1)
    bury(path, 2)
    bury(left, 3, table.NUMBERS)
    assert letters(left)[0] == [table.NUMBERS + one for one in (1, 2, 3)]
    size = letters(path)[2].bytes + letters(left)[2].bytes
    adopt([], path, 1)
    assert letters(path) == ([1, 2, 3, 4, 5], 2, table.Totals(5, size, 10))
    assert letters(left) == ([], 0, table.Totals())
    bury(left, 1, table.NUMBERS)
    assert letters(left)[0] == [table.NUMBERS + 4]
