"""Moloco's own command-line client (mcm-cli) against the real ``wye run``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clients.kit import run_python
from e2e.kit import free_port, lines_of, running

pytestmark = pytest.mark.usefixtures("python_clients")

CONFIG = """
[sources.shop]
type = "http"
address = "127.0.0.1:{port}"
adapters = [{{ type = "moloco", platform = "SHOP", api_key = "secret" }}]

[sinks.archive]
type = "file"
inputs = ["shop"]
path = "archive.jsonl"
adapter = "moloco"
"""
# What the client is told of its platform, in its user's home.
PROFILE = """
[default]
event_api_hostname = "http://127.0.0.1:{port}"
platform_id = "{platform}"
event_api_key = "{key}"
"""
PURCHASES = """
import json, sys
from mcmcli.command.userevent import UserEventCommand

command = UserEventCommand("default")
answers = []
for user in json.load(sys.stdin):
    curl, error = command.insert_purchase_event(user, "account-1", "item-" + user, to_curl=False)
    answers.append([curl, error and [error.code, error.message]])
print(json.dumps(answers))
"""


async def answered(folder: Path, users: list[str], platform: str = "SHOP", key: str = "secret") -> tuple[Any, list[Any]]:
    """What the client says when it tells of a purchase by each of ``users``; the archive."""
    port = free_port()
    (folder / ".mcm").mkdir()
    (folder / ".mcm" / "config.toml").write_text(PROFILE.format(port=port, platform=platform, key=key))
    async with running(folder, CONFIG.format(port=port)) as wye:
        await wye.listening(port)
        answers = await run_python(PURCHASES, users, HOME=str(folder))
        assert await wye.stop() == 0, wye.printed
    archive = lines_of(folder / "archive.jsonl")
    assert (wye.sink("archive")["delivered"], wye.dead_letters) == (len(archive), [])
    return answers, archive


async def test_purchases_arrive_once(tmp_path: Path) -> None:
    users = [f"user-{number}" for number in range(20)]
    answers, archive = await answered(tmp_path, users)
    assert answers == [[None, None]] * len(users)
    assert [event["id"] for event in archive] == [f"event-{user}" for user in users]
    for user, event in zip(users, archive, strict=True):
        money = {"currency": "USD", "amount": 100}
        assert (event["event_type"], event["user_id"], event["device"]) == ("PURCHASE", user, {"persistent_id": user})
        assert event["items"] == [{"id": f"item-{user}", "price": money, "quantity": 1, "seller_id": "account-1"}]
        assert (event["revenue"], event["shipping_charge"]) == (money, {"currency": "USD", "amount": 0})


@pytest.mark.parametrize(
    ("profile", "error"),
    [
        ({"key": ""}, [16, "API key is missing"]),
        ({"key": "wrong"}, [7, "API key is not valid for this platform"]),
        ({"platform": "OTHER"}, [5, "platform is not found"]),
    ],
)
async def test_refusals_are_read_as_molocos(tmp_path: Path, profile: dict[str, str], error: list[Any]) -> None:
    answers, archive = await answered(tmp_path, ["user-1"], **profile)
    assert answers == [[None, error]]
    assert archive == []
