"""What a command does when its standard streams are closed, full, or cannot spell what is said."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from router.cli.cli_kit import command, environment

PRINTING = (("plugins",), ("schema",), ("schema", "--markdown"), ("explain", "--matrix"), ("--version",))
PLAIN = '{ type = "plain", shop = "s" }'


def _run(words: tuple[str, ...], cwd: Path, redirected: str, **variables: str) -> tuple[int, bytes]:
    line = ["sh", "-c", f'exec "$@" {redirected}', "sh", *command(*words)]
    done = subprocess.run(line, cwd=cwd, stderr=subprocess.PIPE, timeout=60, env=environment(**variables))
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_output_that_cannot_be_written_is_a_line_and_a_code(words: tuple[str, ...], tmp_path: Path) -> None:
    full = b"wye: cannot write standard output: No space left on device\n"
    closed = b"wye: cannot write standard output: Bad file descriptor\n"
    assert _run(words, tmp_path, ">/dev/full") == (1, full)
    assert _run(words, tmp_path, ">&-") == (1, closed)


def test_of_dead_letters_and_spools_too(tmp_path: Path) -> None:
    (tmp_path / "wye-data").mkdir()
    (tmp_path / "wye-data" / "dead-letters.db").touch()
    full = b"wye: cannot write standard output: No space left on device\n"
    assert _run(("dead-letters", "list"), tmp_path, ">/dev/full") == (1, full)
    assert _run(("spool", "check", "wye-data"), tmp_path, ">/dev/full") == (1, full)


def test_what_cannot_be_read_and_what_cannot_be_written_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "in").write_text('{"id": "a"}\n')
    words = ("translate", "--from", PLAIN, "--to", PLAIN)
    full = b"wye: cannot write standard output: No space left on device\n"
    assert _run((*words, "in"), tmp_path, ">/dev/full") == (1, full)
    assert _run(words, tmp_path, ">/dev/full <in") == (1, full)
    closed = b"wye: cannot read standard input: Bad file descriptor\n"
    assert _run(words, tmp_path, "<&-") == (1, closed)
    assert _run(words, tmp_path, "0>out") == (1, closed)


def test_a_terminal_without_a_character_is_shown_an_escape(tmp_path: Path) -> None:
    code, said = _run(("schema", "--markdown"), tmp_path, ">out", PYTHONIOENCODING="ascii")
    assert (code, said) == (0, b"")
    assert b"\\u" in (tmp_path / "out").read_bytes()


def test_a_folder_whose_name_is_not_utf8_is_shown_with_an_escape(tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    Path(folder).mkdir()
    (Path(folder) / "wye.toml").write_text('data_dir = "."\n')
    code, said = _run(("dead-letters", "list", "--data-dir", folder), tmp_path, ">out")
    assert (code, said.count(b"\\udcff")) == (1, 1)


def test_a_closed_stream_is_not_mistaken_for_the_next_file(tmp_path: Path) -> None:
    """With 0 to 2 closed, the first files that are opened would get these numbers, and what is printed."""
    assert _run(("check", "none.toml"), tmp_path, "<&- >&- 2>&-") == (1, b"")


def test_with_standard_error_closed_a_run_is_as_usual_and_nothing_of_it_is_among_the_documents(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b"{")
    (tmp_path / "wye.toml").write_text(
        '[sources.in]\ntype = "file"\npath = "in.jsonl"\nadapter = { type = "plain", shop = "s" }\n'
        '[sinks.out]\ntype = "file"\ninputs = ["in"]\npath = "out.jsonl"\n'
    )
    assert _run(("run", "wye.toml"), tmp_path, "2>&-") == (0, b"")
    assert _run(("translate", "--from", PLAIN, "--to", PLAIN, "in.jsonl"), tmp_path, "2>&- >out") == (1, b"")
    assert (tmp_path / "out").read_bytes() == b""
