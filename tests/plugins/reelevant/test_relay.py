"""Through the real daemon and real sockets: what the vendor's clients send, relayed to the vendor and to another one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from e2e.kit import PATIENCE_SECS, free_port, lines_of, running
from samples.payloads import exact, payloads
from wye.records import split_records
from wye.testing import HttpPartner, Post

ID, PAUSED = "61a095fdd8d2e20011544831", "61a095fdd8d2e20011544832"
SAMPLES = payloads("reelevant")

# As the Android SDK's JSON library writes it: slashes escaped, nobody as null, one item as `id`, an epoch in milliseconds.
ANDROID = (
    b'{"eventId":"Q4n0XcRZyGm3oV9sTt1LkWb7D","clientId":null,"data":{"id":"SKU-1","locale":"fr-FR"},"v":1,'
    b'"tmpId":"38400000-8cf0-11bd-b23e-10b96e40000d","name":"product_page","key":"61a095fdd8d2e20011544831",'
    b'"url":"https:\\/\\/shop.example\\/p\\/1","timestamp":1700000000123}'
)
# As a phone without a known user writes it: no clientId at all, a screen for a page.
IOS = (
    b'{"key":"61a095fdd8d2e20011544831","name":"add_cart","url":"unknown","tmpId":"F0E1","data":{"ids":["SKU-1"]},'
    b'"eventId":"b3","v":1,"timestamp":1700000000456}'
)
CONFIG = """
[sources.edge]
type = "http"
address = "127.0.0.1:{port}"
adapters = [{{ type = "clickstream" }}, {{ type = "reelevant", datasource_ids = ["{id}"] }}]

[sinks.vendor]
type = "http"
inputs = ["edge"]
url = "{url}"
adapter = {{ type = "reelevant", datasource_id = "{id}" }}
retry = {{ first_secs = 0.05, max_secs = 0.05 }}

[sinks.other]
type = "file"
inputs = ["edge"]
path = "other.jsonl"
adapter = "clickstream"
"""


async def collect(port: int, body: bytes, datasource: str = ID, **headers: str) -> httpx.Response:
    fields = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with httpx.AsyncClient(timeout=PATIENCE_SECS, trust_env=False) as client:
        return await client.post(f"http://127.0.0.1:{port}/collect/{datasource}/rlvt", content=body, headers=fields)


def sent(partner: HttpPartner) -> dict[str, Any]:
    """The envelopes that the partner got, by their ids; none twice."""
    envelopes = [exact(each) for post in partner.posts for each in split_records(post.body)]
    found = {each["eventId"]: each for each in envelopes}
    assert len(found) == len(envelopes)
    return found


async def test_what_clients_send_arrives_as_they_sent_it(tmp_path: Path) -> None:
    port = free_port()
    async with HttpPartner().listening() as partner:
        async with running(tmp_path, CONFIG.format(port=port, id=ID, url=partner.url)) as wye:
            await wye.listening(port)
            assert (await collect(port, ANDROID, user_agent="Dalvik/2.1.0")).status_code == 200
            assert (
                await collect(port, b"[" + IOS + b"," + SAMPLES["seed-assembled"] + b"]", user_agent="Shop/1")
            ).content == b""
            assert (await collect(port, SAMPLES["docs-reference-s2s-purchase-shape"])).status_code == 200
            statuses = [
                (await collect(port, IOS, PAUSED)).status_code,
                (await collect(port, IOS, "shop")).status_code,
                (await collect(port, b"")).status_code,
            ]
            assert statuses == [404, 400, 400]
            await wye.stop()
        found = sent(partner)
    for body in (ANDROID, IOS, SAMPLES["seed-assembled"], SAMPLES["docs-reference-s2s-purchase-shape"]):
        assert found.pop(exact(body)["eventId"]) == exact(body)
    assert not found
    assert {post.target for post in partner.posts} == {f"/collect/{ID}/rlvt"}
    agents = {exact(post.body)["eventId"]: post.headers["user-agent"] for post in partner.posts if post.body[:1] == b"{"}
    assert agents["Q4n0XcRZyGm3oV9sTt1LkWb7D"] == "Dalvik/2.1.0"
    assert agents["ckz89g21600002y91xx7eaj56"] == "Mozilla/5.0"
    assert sorted(event["event_type"] for event in lines_of(tmp_path / "other.jsonl")) == [
        "add_to_cart",
        "purchase",
        "view_item",
        "view_item",
    ]


async def test_quirk_what_the_vendor_drops_as_a_bots_is_a_dead_letter_and_nothing_else_is(tmp_path: Path) -> None:
    def answer_by_agent(post: Post) -> int:
        return 202 if post.headers["user-agent"] == "Googlebot" else 200

    port = free_port()
    async with HttpPartner(answer_by_agent).listening() as partner:
        async with running(tmp_path, CONFIG.format(port=port, id=ID, url=partner.url)) as wye:
            await wye.listening(port)
            assert (await collect(port, IOS, user_agent="Googlebot")).status_code == 200
            assert (await collect(port, ANDROID, user_agent="Dalvik")).status_code == 200
            await wye.stop()
    (letter,) = wye.dead_letters
    assert (letter["event"]["id"], letter["status"]) == ("b3", 202)
    assert "bot" in letter["reason"]
    assert (wye.sink("vendor")["delivered"], wye.sink("vendor")["dead_lettered"]) == (1, 1)


@pytest.mark.parametrize("trouble", [404, 503, 403])
async def test_a_vendor_in_trouble_costs_no_event(tmp_path: Path, trouble: int) -> None:
    answers = [200, trouble]
    port = free_port()
    async with HttpPartner(lambda _: answers.pop()).listening() as partner:
        async with running(tmp_path, CONFIG.format(port=port, id=ID, url=partner.url)) as wye:
            await wye.listening(port)
            assert (await collect(port, ANDROID)).status_code == 200
            await wye.stop()
    assert partner.answers == [trouble, 200]
    assert [json.loads(post.body)["eventId"] for post in partner.posts] == ["Q4n0XcRZyGm3oV9sTt1LkWb7D"] * 2
    assert (wye.dead_letters, wye.sink("vendor")["delivered"]) == ([], 1)
