from __future__ import annotations

import json
import shutil
import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from router.cli.cli_kit import on_terminal, wye
from router.core_rig import letters_in

FIXTURE = Path(__file__).parents[1] / "deadletters" / "dead-letters-1.db"

LIST = """\
id  last                      stage      of       status  attempts  reason
5   2024-03-01T12:00:00.005Z  send       partner  400     2         400: no such item
4   2024-03-01T12:00:00.004Z  encode     partner                    names no product
3   2024-03-01T12:00:00.003Z  transform  partner                    transform raised KeyError: 1
2   2024-03-01T12:00:00.002Z  decode     edge                       not UTF-8
1   2024-03-01T12:00:00.001Z  decode     edge                       not JSON: unexpected end
5 of 5 in wye-data/dead-letters.db
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "wye-data").mkdir()
    shutil.copy(FIXTURE, tmp_path / "wye-data" / "dead-letters.db")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return wye("dead-letters", *arguments, cwd=folder)


def said(folder: Path, *arguments: str) -> str:
    done = run(folder, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def left(folder: Path) -> list[int]:
    return [entry["id"] for entry in letters_in(folder / "wye-data" / "dead-letters.db")]


def marked(folder: Path) -> list[int]:
    return [entry["id"] for entry in letters_in(folder / "wye-data" / "dead-letters.db") if entry.get("marked")]


# ── look ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_list_shows_the_newest_first(folder: Path) -> None:
    assert said(folder, "list") == LIST


@pytest.mark.parametrize(
    ("choice", "numbers"),
    [
        (["--sink", "partner"], [5, 4, 3]),
        (["--source", "edge"], [2, 1]),
        (["--stage", "encode"], [4]),
        (["--where", "{ grand_total = { min = 10 } }"], [5]),
        (["--sink", "partner", "--where", '{ "origin.vendor" = "test" }'], [4, 3]),
        (["--limit", "2"], [5, 4]),
        (["--sink", "nobody"], []),
    ],
)
def test_list_shows_what_is_chosen(folder: Path, choice: list[str], numbers: list[int]) -> None:
    assert [entry["id"] for entry in json.loads(said(folder, "list", "--json", *choice))] == numbers


def test_show_is_all_there_is(folder: Path) -> None:
    text = said(folder, "show", "5")
    for line in ("id              5", "stage           send", "status          400", "reason          400: no such item"):
        assert f"{line}\n" in text
    assert '  "grand_total": 10.990\n' in text
    assert 'original        {"event_id":"kept"}\n' in text
    assert json.loads(said(folder, "show", "2", "--json"))["original_base64"] == "//57"


def test_show_of_none(folder: Path) -> None:
    done = run(folder, "show", "9")
    assert done.returncode == 1
    assert done.stderr == "wye: no dead letter 9 in wye-data/dead-letters.db; wye dead-letters list shows their numbers\n"


def test_stats(folder: Path) -> None:
    lines = said(folder, "stats").splitlines()
    assert len(lines) == 7
    assert lines[-1].startswith("5 letters of 1736 bytes in wye-data/dead-letters.db; 0 marked to be retried; 0 dropped")
    stats = json.loads(said(folder, "stats", "--json"))
    assert (stats["letters"], stats["bytes"], stats["marked"], stats["dropped"]) == (5, 1736, 0, 0)
    assert {group["stage"]: group["letters"] for group in stats["groups"]}["send"] == 1


def test_export_to_standard_output_and_to_a_file_for_its_owner_only(folder: Path) -> None:
    lines = said(folder, "export", "--sink", "partner").splitlines()
    assert [json.loads(line)["id"] for line in lines] == [3, 4, 5]
    assert said(folder, "export", "out.jsonl") == "5 written to out.jsonl\n"
    assert len((folder / "out.jsonl").read_bytes().splitlines()) == 5
    assert stat.S_IMODE((folder / "out.jsonl").stat().st_mode) == 0o600
    assert left(folder) == [1, 2, 3, 4, 5]


def test_what_a_vendor_said_moves_no_cursor(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "wye-data" / "dead-letters.db")) as connection, connection:
        connection.execute("UPDATE letters SET reason = ?, original = ?", ("a\x1b[2J\nb\x9bm", b"\x1b]0;x\x07"))
    for arguments in (["list"], ["show", "5"], ["stats"], ["list", "--json"], ["export"], ["retry", "--all", "--dry-run"]):
        assert not set(said(folder, *arguments)) & {"\x1b", "\x9b", "\x07"}, arguments
    code, text = on_terminal(["dead-letters", "show", "5"], folder, 80)
    assert (code, "\x1b[2J" in text, "\\x1b[2J" in text) == (0, False, True)


# ── change ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_retry_marks_what_is_chosen_and_says_when_it_happens(folder: Path) -> None:
    assert said(folder, "retry", "5", "1", "--dry-run").splitlines()[-1] == "2 would be retried"
    assert marked(folder) == []
    expected = "2 marked; no wye is running on wye-data: they are retried when it starts\n"
    assert said(folder, "retry", "5", "1") == expected
    assert marked(folder) == [1, 5]
    assert said(folder, "retry", "--all").startswith("5 marked")
    assert "marked; 400: no such item" in said(folder, "list")


def test_drop_says_how_many(folder: Path) -> None:
    assert said(folder, "drop", "--stage", "decode") == "2 dropped; 3 left in wye-data/dead-letters.db\n"
    assert said(folder, "drop", "3", "99") == "1 dropped; 2 left in wye-data/dead-letters.db\n"
    assert said(folder, "drop", "--all") == "2 dropped; 0 left in wye-data/dead-letters.db\n"
    assert said(folder, "list") == "0 of 0 in wye-data/dead-letters.db\n"


@pytest.mark.parametrize("action", ["retry", "drop"])
@pytest.mark.parametrize("choice", [[], ["--all", "--sink", "partner"]])
def test_nothing_is_changed_without_a_choice(folder: Path, action: str, choice: list[str]) -> None:
    done = run(folder, action, *choice)
    assert done.returncode == 2
    assert "say which" in done.stderr
    assert (left(folder), marked(folder)) == ([1, 2, 3, 4, 5], [])


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("{ tpye = 1 }", "--where: tpye: no such field; did you mean type?"),
        ("{", "--where: not a TOML inline table"),
        ("{ not = " * 250 + "{ }" + " }" * 250, "--where: not a TOML inline table: nested too deeply"),
        ('"purchase"', "--where: not a TOML inline table: its braces are missing"),
    ],
)
def test_a_condition_with_a_mistake_chooses_nothing(folder: Path, where: str, message: str) -> None:
    done = run(folder, "drop", "--where", where)
    assert done.returncode == 1
    assert message in done.stderr
    assert left(folder) == [1, 2, 3, 4, 5]


# ── where the file is ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_config_says_where_whatever_else_is_wrong_with_it(folder: Path) -> None:
    (folder / "wye-data").rename(folder / "elsewhere")
    (folder / "wye.toml").write_text('data_dir = "elsewhere"\n[sinks.a]\ntype = "none"\ntoken = "${NOT_SET}"\n')
    assert "5 of 5 in elsewhere/" in said(folder, "list", "-c", "wye.toml")
    assert "5 of 5 in elsewhere/" in said(folder, "list", "--data-dir", "elsewhere")
    done = run(folder, "list")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "wye: no dead letters at wye-data/dead-letters.db; name the config (-c FILE) or its data_dir (--data-dir DIR)\n"
    )
    assert not (folder / "wye-data").exists()


def test_a_config_that_does_not_say_it(folder: Path) -> None:
    (folder / "wye.toml").write_text("data_dir = 7\n")
    done = run(folder, "list", "-c", "wye.toml")
    assert done.returncode == 1
    assert "wye.toml:1: data_dir: expected a string" in done.stderr


def test_a_file_that_is_none(folder: Path) -> None:
    (folder / "wye-data" / "dead-letters.db").write_bytes(b"no database" * 100)
    done = run(folder, "list")
    assert done.returncode == 1
    assert done.stderr.startswith("wye: wye-data/dead-letters.db is damaged")
    assert "Traceback" not in done.stderr


def test_what_an_older_wye_left_is_taken_over_first(tmp_path: Path) -> None:
    (tmp_path / "wye-data").mkdir()
    shutil.copy(FIXTURE.with_name("dead-letters.jsonl"), tmp_path / "wye-data")
    done = run(tmp_path, "list")
    assert (done.returncode, done.stdout) == (0, LIST)
    assert (tmp_path / "wye-data" / "dead-letters.jsonl.imported").exists()


def test_a_file_that_is_damaged_within_is_named(folder: Path) -> None:
    path = folder / "wye-data" / "dead-letters.db"
    path.write_bytes(path.read_bytes()[:4096] + b"?" * (path.stat().st_size - 4096))
    for words in (("list",), ("retry", "--all"), ("export",)):
        done = run(folder, *words)
        assert (done.returncode, done.stderr) == (1, "wye: wye-data/dead-letters.db: database disk image is malformed\n")


def test_a_file_for_which_the_disk_has_no_room_is_named(folder: Path) -> None:
    done = run(folder, "export", "/dev/full")
    assert (done.returncode, done.stderr) == (1, "wye: /dev/full: No space left on device\n")
