"""The documented requests of all four HTTP vendors, all at once, to one port of the real ``wye run``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import trio

from clients.documented import CLICKSTREAM, DATASOURCE, GOOGLE, MOLOCO, NOBODYS, PARENT, REELEVANT, Documented
from e2e.kit import PATIENCE_SECS, free_port, lines_of, running
from plugins.http.http_kit import Answer, Client

ADAPTERS = [
    '{ type = "clickstream", app_ids = ["shop"] }',
    f'{{ type = "reelevant", datasource_ids = ["{DATASOURCE}"] }}',
    '{ type = "moloco", platform = "SHOP", api_key = "secret" }',
    f'{{ type = "google-retail", parent = "{PARENT}" }}',
]
VENDORS = {"clickstream": CLICKSTREAM, "reelevant": REELEVANT, "moloco": MOLOCO, "google-retail": GOOGLE}
ALL = [*MOLOCO, *REELEVANT, *CLICKSTREAM, *GOOGLE, NOBODYS]

CONFIG = """
[sources.all]
type = "http"
address = "127.0.0.1:{port}"
adapters = [{adapters}]

[sinks.archive]
type = "file"
inputs = ["all"]
path = "archive.jsonl"
"""


async def asked(port: int) -> dict[str, Answer]:
    """The answers to all requests, each on a connection of its own, at the same time."""
    answers: dict[str, Answer] = {}

    async def one(request: Documented) -> None:
        async with Client(await trio.open_tcp_stream("127.0.0.1", port)) as client:
            answers[request.name] = await client.ask(request.data)

    with trio.fail_after(PATIENCE_SECS):
        async with trio.open_nursery() as nursery:
            for request in ALL:
                nursery.start_soon(one, request)
    return answers


@pytest.mark.parametrize("adapters", [ADAPTERS, ADAPTERS[::-1]], ids=["in one order", "in the other"])
async def test_one_port_serves_what_the_vendors_clients_send(tmp_path: Path, adapters: list[str]) -> None:
    port = free_port()
    async with running(tmp_path, CONFIG.format(port=port, adapters=", ".join(adapters))) as wye:
        await wye.listening(port)
        answers = await asked(port)
        assert await wye.stop() == 0, wye.printed
    assert {name: answer.status for name, answer in answers.items()} == {one.name: one.status for one in ALL}
    said = {one.name: one.answer for one in ALL if one.answer is not None}
    assert {name: answers[name].body for name in said} == said
    assert answers["pixel"].body[:6] == b"GIF89a"
    for one in ALL:
        if b"\r\nOrigin: https://shop.example\r\n" in one.data:
            assert answers[one.name].headers["access-control-allow-origin"] == "https://shop.example"
    archive = Counter(
        (event["origin"]["vendor"], event.get("visitor_id") or event.get("user_id"))
        for event in lines_of(tmp_path / "archive.jsonl")
    )
    assert archive == Counter((vendor, who) for vendor, requests in VENDORS.items() for one in requests for who in one.who)
    # The purge is a call that carries no event.
    assert (wye.sink("archive")["delivered"], wye.sink("archive")["filtered"]) == (archive.total(), 1)
    assert wye.dead_letters == []
