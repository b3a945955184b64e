from __future__ import annotations

from pathlib import Path

import pytest

from wye.cli import main
from wye.event import to_json
from wye.testing import make_event

PAIR = ("explain", "canonical", "clickstream", "--type", "purchase")


def test_a_type_that_is_none_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PAIR[:3], "--type", "purchas"]) == 1
    said = capsys.readouterr().err
    assert said.startswith('--type: no such event type as "purchas"; did you mean "purchase"?')


def test_a_line_that_is_none_costs_itself_and_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "events").write_bytes(b"{}\n" + to_json(make_event("a")) + b"\n")
    assert main([*PAIR, "--events", str(tmp_path / "events")]) == 1
    out, said = capsys.readouterr()
    assert said.startswith("line 1: ")
    assert said.count("\n") == 1
    assert out.startswith("canonical → clickstream: ")


def test_what_an_event_holds_does_not_move_the_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    event = make_event("a", type="purchase", brand="\x9b2J\x1b[2J")
    (tmp_path / "events").write_bytes(to_json(event) + b"\n")
    assert main([*PAIR, "--events", str(tmp_path / "events")]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].endswith(" events of 1 type measured")
    assert "\\x9b2J" in out
    assert not {"\x9b", "\x1b"} & set(out)
