"""``wye check``, ``--version`` and what the command does with faults: in processes of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from router.cli.cli_kit import on_terminal
from router.cli.conftest import Wye

GOOD = """
[sources.a]
type = "fake"
[transforms.t]
type = "filter"
inputs = ["a"]
where = {}
[sinks.y]
type = "fake"
inputs = ["t"]
[sinks.z]
type = "fake"
inputs = ["a"]
"""

BAD = GOOD.replace('"fake"\n[transforms', '"fakee"\n[transforms').replace('["t"]', '["u"]\ntoken = 5')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.toml").write_text(GOOD)
    (tmp_path / "bad.toml").write_text(BAD)
    return tmp_path


def test_a_good_config(wye: Wye, folder: Path) -> None:
    done = wye("check", "good.toml", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok: 1 source, 1 transform, 2 sinks\n", "")


def test_a_bad_config_exits_with_1_and_prints_every_mistake_on_a_line(wye: Wye, folder: Path) -> None:
    done = wye("check", "bad.toml", cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        'bad.toml:3: [sources.a] type: no source type "fakee" is installed; did you mean "fake"?'
        " (is a plugin missing? `wye plugins` lists what is installed)\n"
        'bad.toml:10: [sinks.y] inputs[0]: there is no source or transform "u"; expected one of "a", "t"\n'
        "bad.toml:11: [sinks.y] token: expected a string, found a number\n"
        "wye: 3 mistakes\n"
    )


def test_a_bad_config_does_not_run(wye: Wye, folder: Path) -> None:
    done = wye("run", "bad.toml", cwd=folder)
    assert done.returncode == 1
    assert done.stderr.endswith("wye: 3 mistakes\n")


def test_a_file_that_is_not_there(wye: Wye, folder: Path) -> None:
    done = wye("check", "none.toml", cwd=folder)
    assert (done.returncode, done.stderr) == (1, "none.toml: cannot read it: No such file or directory\nwye: 1 mistake\n")


def test_secrets_are_not_printed(wye: Wye, folder: Path) -> None:
    (folder / "secret.toml").write_text(GOOD + 'ack = "${TOKEN}"\nheaders = "${TOKEN}"\n')
    done = wye("check", "secret.toml", cwd=folder, variables={"TOKEN": "hunter22"})
    assert done.returncode == 1
    assert "hunter22" not in done.stderr
    assert 'found "***"' in done.stderr


def test_on_a_terminal_places_stand_out_and_nothing_is_red_or_green(folder: Path) -> None:
    code, sent = on_terminal(["check", "bad.toml"], folder, 60)
    assert code == 1
    assert "\x1b[1;36mbad.toml:11: [sinks.y] token:\x1b[0m expected a string, found a number\n" in sent
    assert not re.search(r"\x1b\[[\d;]*\b(31|32|91|92)\b[\d;]*m", sent)


def test_version(wye: Wye, folder: Path) -> None:
    done = wye("--version", cwd=folder)
    assert (done.returncode, done.stdout) == (0, f"wye {version('wye')}\n")


@pytest.mark.parametrize("arguments", [[], ["chekc"], ["check"], ["translate", "--from", "plain"], ["run", "x.toml", "--what"]])
def test_a_command_line_that_is_not_understood_exits_with_2(wye: Wye, folder: Path, arguments: list[str]) -> None:
    done = wye(*arguments, cwd=folder)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: wye")


def test_a_plugin_that_cannot_be_used_is_a_line_and_exit_1(folder: Path, tmp_path: Path) -> None:
    script = """
import sys
import wye.registry
from types import SimpleNamespace
load = wye.registry.load
wye.registry.load = lambda: load([("acme", SimpleNamespace())], points=[])
from wye.cli import main
sys.exit(main(["plugins"]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("wye: plugin acme offers nothing")
    assert done.stderr.count("\n") == 1


HEAVY = {"httpx", "trio_websocket", "wsproto", "rich", "httptools", "zstandard"}


def imported(script: str, *arguments: str, cwd: Path) -> set[str]:
    """The top-level modules that are there after ``script``."""
    script += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script, *arguments], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_the_parser_is_light(tmp_path: Path) -> None:
    modules = imported("from wye.cli import parser; parser()", cwd=tmp_path)
    assert not modules & {*HEAVY, "trio", "pluggy", "tomli"}


def test_a_check_imports_what_it_needs_only(tmp_path: Path) -> None:
    (tmp_path / "wye.toml").write_text(
        """
[sources.a]
type = "file"
path = "in.jsonl"
adapter = "richrelevance"
[transforms.t]
type = "filter"
inputs = ["a"]
where = { type = "purchase" }
[sinks.z]
type = "file"
inputs = ["t"]
path = "out.jsonl"
adapter = { type = "clickstream", app_id = "shop" }
"""
    )
    modules = imported("from wye.cli import main; assert main(['check', 'wye.toml']) == 0", cwd=tmp_path)
    assert "trio" in modules  # what plugins are made of
    assert not modules & HEAVY
