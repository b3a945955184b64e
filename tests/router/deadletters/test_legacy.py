"""What older versions of wye left is read for ever: JSON lines, and every version of the file."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from router.core_rig import letters_in, writing
from wye.database import StoreError, connect
from wye.deadletters import DeadLetters, legacy, table
from wye.deadletters.table import SCHEMA, Selection, Totals

HERE = Path(__file__).parent
OLD = HERE / "dead-letters.jsonl"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    shutil.copy(OLD, tmp_path / "dead-letters.jsonl")
    return tmp_path / "dead-letters.db"


async def test_json_lines_are_taken_over_once_and_the_file_is_renamed(path: Path) -> None:
    for _ in range(2):
        letters = DeadLetters(path)
        async with writing(letters):
            pass
        assert letters.count == 5
    assert path.with_name("dead-letters.jsonl.imported").read_bytes() == OLD.read_bytes()
    assert not path.with_name("dead-letters.jsonl").exists()
    text, binary, transform, encode, send = letters_in(path)
    assert (text["original"], text["position"], text["source"]) == ('{"a": "é"', "line 7", "edge")
    assert binary["original_base64"] == "//57"
    assert (transform["stage"], transform["sink"], transform["event"]["id"]) == ("transform", "partner", "t1")
    assert (encode["stage"], encode["reason"]) == ("encode", "names no product")
    assert (send["status"], send["attempts"], send["first_time"]) == (400, 2, "2024-03-01T12:00:00.005Z")
    assert send["original"] == '{"event_id":"kept"}'
    with closing(sqlite3.connect(path)) as connection:
        assert b"10.990" in connection.execute("SELECT event FROM letters WHERE id = 5").fetchone()[0]


def test_a_crash_before_the_rename_does_not_take_it_over_twice(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> Path:
        raise OSError(5, "crash")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", crash)
        with pytest.raises(StoreError, match="cannot take over"):
            legacy.take_over(path)
    assert len(letters_in(path)) == 5
    legacy.take_over(path)
    assert len(letters_in(path)) == 5
    assert not path.with_name("dead-letters.jsonl").exists()


def test_lines_that_are_none_stay_in_the_file_and_are_said(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    old = path.with_name("dead-letters.jsonl")
    good = OLD.read_bytes()
    old.write_bytes(b'{"half\n\n' + good + b'{"time": "x", "stage": "send", "reason": "r", "event": {"id": 7}}\n{"ti')
    legacy.take_over(path)
    letters = letters_in(path)
    assert len(letters) == 6
    assert letters[-1]["event"] == {"id": 7}  # no event that this wye understands, and kept as it stood
    assert "6 taken over" in caplog.text
    assert "2 lines" in caplog.text


def test_a_name_that_is_taken_is_left_alone(path: Path) -> None:
    taken = path.with_name("dead-letters.jsonl.imported")
    taken.write_text("of an earlier upgrade")
    legacy.take_over(path)
    assert taken.read_text() == "of an earlier upgrade"
    assert path.with_name("dead-letters.jsonl.imported-2").exists()


@pytest.mark.parametrize("version", range(1, SCHEMA.version + 1))
def test_every_version_of_the_file_can_be_read(tmp_path: Path, version: int) -> None:
    path = tmp_path / "dead-letters.db"
    shutil.copy(HERE / f"dead-letters-{version}.db", path)
    with closing(connect(path, SCHEMA)) as connection:
        found = list(table.entries(connection, Selection()))
        assert [one.stage for one in found] == ["decode", "decode", "transform", "encode", "send"]
        event = found[-1].to_event()
        assert event is not None
        assert event.origin.raw == b'{"event_id":"kept"}'
        assert table.totals(connection) == Totals(
            5, sum(size for (size,) in connection.execute("SELECT bytes FROM letters")), 0
        )
