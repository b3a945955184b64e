"""Every file in config/ runs as it stands, but for its ports and hosts."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from e2e.kit import ROOT, SAMPLES, clickstream_event, free_port, lines_of, post, running, samples, until
from wye.testing import HttpPartner

CONFIGS = sorted((ROOT / "config").glob("**/*.toml"))
RUN_HERE = {"replay.toml", "relay.toml", "own_adapter/wye.toml"}
RUN_ELSEWHERE = {"sidecar.toml": "test_end_to_end.py", "demo/wye.toml": "test_readme.py"}


def test_every_config_has_its_test() -> None:
    found = {str(path.relative_to(ROOT / "config")) for path in CONFIGS if path.name != "pyproject.toml"}
    assert found == RUN_HERE | set(RUN_ELSEWHERE)


async def test_replay_posts_a_history_and_ends(tmp_path: Path) -> None:
    events = samples("richrelevance")
    (tmp_path / "history" / "2015").mkdir(parents=True)
    for number, event in enumerate(events):
        (tmp_path / "history" / "2015" / f"{number}.jsonl").write_text(json.dumps(event) + "\n")
    async with HttpPartner().listening() as partner:
        config = ROOT / "config" / "replay.toml"
        async with running(tmp_path, config, CLICKSTREAM_URL=f"{partner.url}/collect") as wye:
            assert await wye.ended() == 0, wye.printed
    assert len(partner.accepted()) == len(events)
    assert {event["app_id"] for event in partner.accepted()} == {"shop"}
    assert all("appId=shop" in post.target for post in partner.posts)
    assert wye.sink("clickstream")["delivered"] == len(events)


async def test_relay_shows_what_is_posted(tmp_path: Path) -> None:
    local, page = free_port(), free_port()
    config = (ROOT / "config" / "relay.toml").read_text().replace(":8080", f":{local}").replace(":8081", f":{page}")
    async with running(tmp_path, config) as wye:
        await wye.listening(local, page)
        assert (await post(local, [clickstream_event(7)], app="any")).status_code == 200
        await until(lambda: '"id":"purchase-7"' in wye.printed)
        assert await wye.stop() == 0, wye.printed
    assert wye.sink("terminal")["delivered"] == 1


@pytest.fixture(scope="module")
def installed_plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example plugin, built as a wheel and installed into a folder of its own."""
    folder = tmp_path_factory.mktemp("plugin")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    source = ROOT / "config" / "own_adapter"
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(source)]
    subprocess.run([*pip, *build], check=True)
    wheel = next(folder.glob("acme_wye-*.whl"))
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", str(folder / "site"), str(wheel)], check=True)
    return folder / "site"


async def test_a_plugin_in_a_wheel_of_its_own_adds_an_adapter_a_source_and_a_sink(
    tmp_path: Path, installed_plugin: Path
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "1.json").write_text('{"kind": "sale", "sku": "A1", "cents": 1099, "at": 1700000000}')
    (inbox / "2.json").write_text('{"kind": "sale", "sku": ')
    with socket.socket(type=socket.SOCK_DGRAM) as wallboard:
        wallboard.bind(("127.0.0.1", 0))
        wallboard.settimeout(10)
        config = ROOT / "config" / "own_adapter" / "wye.toml"
        environment = {"WALLBOARD_PORT": str(wallboard.getsockname()[1]), "PYTHONPATH": str(installed_plugin)}
        async with running(tmp_path, config, **environment) as wye:
            datagram = await trio.to_thread.run_sync(wallboard.recv, 2000)
            await until(lambda: not list(inbox.iterdir()))
            assert await wye.stop() == 0, wye.printed
    assert json.loads(datagram) == {"kind": "sale", "sku": "A1", "cents": 1099, "at": 1700000000, "store": "berlin"}
    (archived,) = lines_of(tmp_path / "out" / "events.jsonl")
    assert archived["items"] == [{"id": "A1", "price": 10.99}]
    assert "currency" not in archived["items"][0]
    assert [letter["position"] for letter in wye.dead_letters] == ["2.json"]
    assert wye.sink("wallboard")["delivered"] == 1


async def test_wye_plugins_names_the_distribution(installed_plugin: Path) -> None:
    command = [sys.executable, "-m", "wye", "plugins", "acme"]
    environment = {"PYTHONPATH": str(installed_plugin)}
    result = await trio.run_process(command, capture_stdout=True, env=environment)
    assert "acme-wye 1.0.0" in result.stdout.decode()
    assert "The store to write into every event" in result.stdout.decode()


def test_samples_say_where_they_come_from() -> None:
    named = re.findall(r"^\| (\S+/\S+) \|", (SAMPLES / "ORIGIN.md").read_text(), re.MULTILINE)
    for path in SAMPLES.glob("*/*"):
        assert any(path.match(pattern) for pattern in named), path
