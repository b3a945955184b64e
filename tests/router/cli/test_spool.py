from __future__ import annotations

import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from router.cli.conftest import Wye
from router.core_rig import numbered
from wye.buffer import rows
from wye.buffer.rows import SCHEMA, StoredRow
from wye.database import connect
from wye.errors import Exit
from wye.event import Event, to_json
from wye.store import Store
from wye.testing import make_event

OLD = Path(__file__).parents[1] / "buffer" / "spool-v1.db"


def spool(path: Path, *several: list[Event]) -> Path:
    """A file with these rows."""
    connection = connect(path, SCHEMA)
    rows.insert(
        connection,
        [
            StoredRow.of(number, len(events), 1_700_000_000_000, rows.encoded(events))
            for number, events in enumerate(several, 1)
        ],
    )
    connection.close()
    return path


def spoil(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return spool(tmp_path / "sink.db", numbered(3, "a"), [make_event("b", "purchase")])


def test_check_finds_a_sound_file_sound(wye: Wye, tmp_path: Path, sound: Path) -> None:
    done = wye("spool", "check", "sink.db", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (Exit.OK, "sink.db: sound\n")
    shutil.copy(OLD, tmp_path / "old.db")
    assert wye("spool", "check", ".", cwd=tmp_path).stdout == "old.db: sound\nsink.db: sound\n"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE rows SET crc = crc + 1 WHERE seq = 1", "sink.db: row 1: its checksum is wrong; 3 events"),
        ("UPDATE rows SET count = 9 WHERE seq = 2", "sink.db: row 2: 1 events, where it says 9"),
        ("UPDATE totals SET events = 77", "sink.db: its totals say 2 rows, 77 events"),
        ("UPDATE rows SET payload = x'7b0a', crc = 1938363270 WHERE seq = 2", "row 2"),
    ],
)
def test_check_says_what_is_wrong(wye: Wye, tmp_path: Path, sound: Path, statement: str, said: str) -> None:
    spoil(sound, statement)
    done = wye("spool", "check", "sink.db", cwd=tmp_path)
    assert done.returncode == Exit.FAULTY
    assert said in done.stdout


def test_check_on_files_that_are_no_spools(wye: Wye, tmp_path: Path) -> None:
    (tmp_path / "garbage.db").write_bytes(b"garbage" * 1000)
    spoil(tmp_path / "stranger.db", "CREATE TABLE theirs (x)")
    done = wye("spool", "check", ".", cwd=tmp_path)
    assert done.returncode == Exit.FAULTY
    assert "garbage.db: file is not a database" in done.stdout
    assert "stranger.db is no spool of wye's" in done.stdout
    assert "missing.db: no such file or folder" in wye("spool", "check", "missing.db", cwd=tmp_path).stderr
    assert wye("spool", "check", "missing.db", cwd=tmp_path).returncode == Exit.FAULTY
    assert not (tmp_path / "missing.db").exists()


def test_stats_say_what_waits(wye: Wye, tmp_path: Path, sound: Path) -> None:
    done = wye("spool", "stats", "sink.db", cwd=tmp_path)
    assert done.returncode == Exit.OK
    lines = [line.split() for line in done.stdout.splitlines()]
    size = str(sum(len(to_json(event)) + 1 for event in [*numbered(3, "a"), make_event("b", "purchase")]))
    assert lines[1] == ["sink.db", "2", "4", size, "2023-11-14T22:13:20Z"]
    assert ["sink.db", "item_view", "3"] in lines
    assert ["sink.db", "purchase", "1"] in lines


def test_export_gives_the_events_in_order_and_takes_nothing_out(wye: Wye, tmp_path: Path, sound: Path) -> None:
    expected = [to_json(event).decode() for event in [*numbered(3, "a"), make_event("b", "purchase")]]
    done = wye("spool", "export", "sink.db", cwd=tmp_path)
    assert done.stdout.splitlines() == expected
    assert wye("spool", "export", "sink.db", "out.jsonl", cwd=tmp_path).returncode == Exit.OK
    assert stat.S_IMODE((tmp_path / "out.jsonl").stat().st_mode) == 0o600
    assert (tmp_path / "out.jsonl").read_text().splitlines() == expected
    again = wye("spool", "export", "sink.db", "out.jsonl", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (Exit.FAULTY, "wye: out.jsonl: File exists\n")


def test_a_file_in_use_is_read_and_said_to_be_so(wye: Wye, tmp_path: Path, sound: Path) -> None:
    store = Store(sound, SCHEMA, "sink")
    store.open()
    try:
        done = wye("spool", "export", "sink.db", cwd=tmp_path)
        assert len(done.stdout.splitlines()) == 4
        assert "in use by a running wye" in done.stderr
        shutil.copy(OLD, tmp_path / "damaged.db")
        refused = wye("spool", "salvage", "damaged.db", "sink.db", cwd=tmp_path)
        assert refused.returncode == Exit.FAULTY
        assert "in use by another process" in refused.stderr
    finally:
        store.close()


def test_salvage_saves_what_is_sound_and_names_the_rest(wye: Wye, tmp_path: Path) -> None:
    some = [numbered(50, f"{number}-") for number in range(200)]
    file = spool(tmp_path / "sink.db", *some)
    spoil(file, "UPDATE rows SET crc = 0 WHERE seq = 7")
    spoil(file, "PRAGMA journal_mode = DELETE")
    content = bytearray(file.read_bytes())
    for page in (0, 40, 41, 90):
        content[page * 4096 : page * 4096 + 4096] = b"\xa5" * 4096
    file.write_bytes(content)
    assert wye("spool", "check", "sink.db", cwd=tmp_path).returncode == Exit.FAULTY
    done = wye("spool", "salvage", "sink.db", "saved.jsonl", cwd=tmp_path)
    assert stat.S_IMODE((tmp_path / "saved.jsonl").stat().st_mode) == 0o600
    assert done.returncode == Exit.FAULTY
    assert "row 7 was not saved: its checksum is wrong" in done.stderr
    saved = (tmp_path / "saved.jsonl").read_text().splitlines()
    every = [to_json(event).decode() for events in some for event in events]
    assert f"{len(saved)} of 10000 events saved" in done.stderr
    assert 9500 <= len(saved) < 9950
    assert set(saved) <= set(every)
    assert saved == sorted(saved, key=every.index)
    assert file.read_bytes() == content, "the damaged file is only read"


def test_salvage_into_a_spool_puts_the_saved_behind_what_waits(wye: Wye, tmp_path: Path, sound: Path) -> None:
    other = spool(tmp_path / "damaged.db", numbered(2, "x"), numbered(2, "y"))
    done = wye("spool", "salvage", str(other), "sink.db", cwd=tmp_path)
    assert done.returncode == Exit.OK
    assert "4 of 4 events saved, in 2 rows, to sink.db" in done.stderr
    out = wye("spool", "export", "sink.db", cwd=tmp_path).stdout.splitlines()
    assert [line.split('"')[3] for line in out] == ["a0", "a1", "a2", "b", "x0", "x1", "y0", "y1"]
    assert wye("spool", "check", "sink.db", cwd=tmp_path).returncode == Exit.OK


def test_salvage_of_what_is_no_database(wye: Wye, tmp_path: Path) -> None:
    (tmp_path / "noise.db").write_bytes(b"\xa5" * 50_000)
    done = wye("spool", "salvage", "noise.db", "out.jsonl", cwd=tmp_path)
    assert done.returncode == Exit.FAULTY
    assert "0 events saved" in done.stderr or "nothing can be read" in done.stderr
