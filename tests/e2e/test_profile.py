"""``wye run --profile FILE`` of the real process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import payloads
from e2e.kit import clickstream_event, free_port, lines_of, post, running, until, wye_command

FILES = """
[sources.shop]
type = "file"
path = "in.jsonl"
adapter = "clickstream"

[sinks.out]
type = "file"
inputs = ["shop"]
path = "out.jsonl"
adapter = "google-retail"
"""

HTTP = """
[sources.shop]
type = "http"
address = "127.0.0.1:{port}"
adapter = "clickstream"

[sinks.out]
type = "file"
inputs = ["shop"]
path = "out.jsonl"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With enough to read for some samples: one is taken every few milliseconds of CPU time."""
    payloads.write(tmp_path / "in.jsonl", 3000)
    return tmp_path


@pytest.mark.parametrize(("suffix", "mark"), [(".html", "<!DOCTYPE html>"), (".json", "speedscope.app"), (".txt", "CPU time:")])
async def test_the_profile_names_the_functions_that_took_the_time(folder: Path, suffix: str, mark: str) -> None:
    path = folder / f"profile{suffix}"
    async with running(folder, FILES, "--profile", str(path)) as wye:
        assert await wye.ended() == 0, wye.printed
    assert len(lines_of(folder / "out.jsonl")) == 3000
    text = path.read_text()
    assert mark in text
    assert "wye_plugins/google_retail/encode.py" in text
    assert "load_config" in text


async def test_it_is_of_cpu_time_and_written_when_the_daemon_is_told_to_stop(tmp_path: Path) -> None:
    port = free_port()
    async with running(tmp_path, HTTP.format(port=port), "--profile", "profile.json") as wye:
        await wye.listening(port)
        assert (await post(port, [clickstream_event(1)])).is_success
        await until(lambda: lines_of(tmp_path / "out.jsonl"))
        assert await wye.stop() == 0, wye.printed
    frames: list[dict[str, Any]] = json.loads((tmp_path / "profile.json").read_bytes())["shared"]["frames"]
    assert any("wye/cli/run.py" in frame["file"] for frame in frames)


async def test_a_run_that_fails_leaves_its_profile_too(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").mkdir()
    config = HTTP.format(port=free_port())
    async with running(tmp_path, config, "--profile", "profile.txt") as wye:
        assert await wye.ended() == 3, wye.printed
    assert "load_config" in (tmp_path / "profile.txt").read_text()


def test_a_suffix_that_says_nothing_is_refused(folder: Path) -> None:
    done = wye_command(folder, "run", "--profile", "profile.svg", "wye.toml")
    assert done.returncode == 2
    assert "argument --profile: profile.svg has to end in .html, .json or .txt" in done.stderr


def test_a_place_that_cannot_be_written_is_said_before_the_run(folder: Path) -> None:
    done = wye_command(folder, "run", "--profile", "nowhere/profile.txt", "wye.toml")
    assert done.returncode == 3
    assert done.stderr == "wye: cannot write the profile to nowhere/profile.txt: No such file or directory\n"


def test_without_the_extra_it_says_what_to_install(folder: Path) -> None:
    lacking = "import sys; sys.modules['pyinstrument'] = None\nfrom wye.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", lacking, "run", "--profile", "profile.txt", "wye.toml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 3
    assert done.stderr == "wye: --profile needs pyinstrument, which is not installed: pip install 'wye[profile]'\n"
    assert not (folder / "profile.txt").exists()


def test_several_workers_are_told_to_be_one(folder: Path) -> None:
    (folder / "wye.toml").write_text(FILES)
    done = wye_command(folder, "run", "--workers", "2", "--profile", "profile.txt", "wye.toml")
    assert done.returncode == 2
    assert done.stderr == "wye: --profile looks at one process, and there would be 2: add --workers 1\n"
