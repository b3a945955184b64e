"""Every command in the README is run, and what it shows is what comes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from e2e.kit import ROOT, free_port, lines_of, running

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
COMMANDS = [
    line
    for language, text in BLOCKS
    if not language
    for line in text.splitlines()
    if re.match(r"(make|wye|python3|curl) ", line)
]

# Where each command is run; those that set up a machine are run by the gate, on a clean clone.
RUN_BY = {
    "make demo": "test_the_demo",
    "make test": "the gate",
    "make lint": "the gate",
    "python3 -m venv .venv && .venv/bin/pip install .": "the gate (make sets up the same)",
    "wye check wye.toml": "test_the_config_that_the_readme_shows",
    "wye run wye.toml": "test_the_config_that_the_readme_shows",
    'curl \'http://127.0.0.1:8080/collect?appId=shop\' --data \'[{"event_type": "view_item", "event_id": "e1",': (
        "test_the_config_that_the_readme_shows"
    ),
    "wye explain richrelevance clickstream": "test_fidelity.py",
    "wye translate --from richrelevance --to clickstream tests/samples/richrelevance/events.jsonl": "test_translate",
}


def test_every_command_is_run_by_something() -> None:
    assert sorted(COMMANDS) == sorted(RUN_BY)


def wye(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wye", *arguments], cwd=cwd, capture_output=True, text=True, timeout=60)


def test_the_demo() -> None:
    demo = subprocess.run(
        [sys.executable, "config/demo/demo.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "COLUMNS": "160"},
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    for expected in ("What came in", "What went out", "× 503, then", "received", "as Clickstream", "as its order"):
        assert expected in demo.stdout
    assert "a-token-nobody-may-see" not in demo.stdout
    table = next(text for _, text in BLOCKS if text.startswith("sink "))
    for row in table.splitlines():
        assert re.search(r"\s+".join(row.split()), demo.stdout), f"the README shows {row!r}, the demo printed\n{demo.stdout}"


@pytest.mark.skipif(subprocess.run(["which", "curl"], capture_output=True).returncode != 0, reason="no curl on this machine")
async def test_the_config_that_the_readme_shows(tmp_path: Path) -> None:
    config = next(text for language, text in BLOCKS if language == "toml")
    (tmp_path / "wye.toml").write_text(config)
    checked = wye("check", "wye.toml", cwd=tmp_path)
    assert (checked.returncode, checked.stdout) == (0, "ok: 1 source, 3 sinks\n")
    edge, live = free_port(), free_port()
    config = config.replace(":8080", f":{edge}").replace(":8081", f":{live}")
    curl = next(text for _, text in BLOCKS if text.startswith("curl")).replace(":8080", f":{edge}")
    async with running(tmp_path, config) as process:
        await process.listening(edge, live)
        result = await trio.run_process(["sh", "-c", curl.replace("curl", "curl -s -w '%{http_code}'", 1)], capture_stdout=True)
        assert result.stdout == b"200"
        assert await process.stop() == 0, process.printed
    (event,) = lines_of(tmp_path / "out" / "events.jsonl")
    assert event["id"] == "e1"
    assert process.sink("partner")["filtered"] == 1


def test_translate() -> None:
    result = wye("translate", "--from", "richrelevance", "--to", "clickstream", "tests/samples/richrelevance/events.jsonl")
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 8


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
