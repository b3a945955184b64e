"""The vendors' own documents against wye: RichRelevance's sample page in a real browser, Clickstream's sample curl."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
import pytest
import trio
import trio_websocket

from e2e.kit import PATIENCE_SECS, ROOT, clickstream_event, free_port, post, running

PAGE = ROOT / "tests" / "samples" / "richrelevance" / "sample-page.html"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CURL = shutil.which("curl")

QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--remote-debugging-port=0"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

CONFIG = """
[sources.edge]
type = "http"
address = "127.0.0.1:{edge}"
adapters = [{{ type = "clickstream", app_ids = ["test_release"] }}]

[sinks.page]
type = "websocket"
inputs = ["edge"]
address = "127.0.0.1:{live}"

[sinks.page.adapter]
type = "richrelevance"
api_key = "4faeaf752ee40a0f"
client_api_key = "b0126f995ac848159d"
client_secret = "wbhz6c41"
"""


async def shown_text(profile: Path) -> str:
    """What the page's output shows now, asked over the browser's debugging port."""
    port = int((profile / "DevToolsActivePort").read_text().splitlines()[0])
    async with httpx.AsyncClient(trust_env=False) as client:
        targets = (await client.get(f"http://127.0.0.1:{port}/json")).json()
    page = next(target for target in targets if target["type"] == "page")
    async with trio_websocket.open_websocket_url(page["webSocketDebuggerUrl"]) as debugger:
        expression = "document.getElementById('output').innerText"
        command = {"id": 1, "method": "Runtime.evaluate", "params": {"expression": expression}}
        await debugger.send_message(json.dumps(command))
        answer = json.loads(await debugger.get_message())
    return answer["result"]["result"].get("value", "")


async def seen(profile: Path, text: str) -> str:
    """All that the page shows, once ``text`` is part of it."""
    with trio.fail_after(PATIENCE_SECS):
        while True:
            with suppress(OSError, httpx.HTTPError, StopIteration):
                if text in (shown := await shown_text(profile)):
                    return shown
            await trio.sleep(0.1)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (Debian's package is called chromium)")
async def test_the_vendors_sample_page_shows_what_wye_sends(tmp_path: Path) -> None:
    edge, live = free_port(), free_port()
    page, profile = tmp_path / "page.html", tmp_path / "profile"
    page.write_text(PAGE.read_text().replace("wss://streams.richrelevance.com", f"ws://127.0.0.1:{live}"))
    async with running(tmp_path, CONFIG.format(edge=edge, live=live)) as wye, trio.open_nursery() as nursery:
        await wye.listening(edge, live)
        command = [str(CHROMIUM), *QUIET, f"--user-data-dir={profile}", page.as_uri()]
        quiet = partial(trio.run_process, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        await nursery.start(quiet, command)
        assert await seen(profile, "CONNECTED") == "CONNECTED"
        await post(edge, [clickstream_event(1)], app="test_release")
        shown = await seen(profile, "RESPONSE")
        nursery.cancel_scope.cancel()
        assert await wye.stop() == 0, wye.printed
    event = json.loads(shown.partition("RESPONSE: ")[2].splitlines()[0])
    assert event["eventType"] == "order"
    assert event["apiKey"] == "4faeaf752ee40a0f"
    assert event["orders"] == [{"itemId": "A1", "priceCents": 1099, "quantity": 1}]


@pytest.mark.skipif(CURL is None, reason="no curl on this machine")
async def test_the_vendors_sample_curl_gets_its_200(tmp_path: Path) -> None:
    edge = free_port()
    script = (ROOT / "tests" / "samples" / "clickstream" / "sample-curl.sh").read_text()
    script = script.replace("https://example.com", f"http://127.0.0.1:{edge}")
    script = script.replace("curl ", "curl --silent --output /dev/null --write-out '%{http_code}' ", 1)
    async with running(tmp_path, CONFIG.format(edge=edge, live=free_port())) as wye:
        await wye.listening(edge)
        with trio.fail_after(PATIENCE_SECS):
            result = await trio.run_process(["sh", "-c", script], capture_stdout=True)
        assert result.stdout == b"200"
        assert await wye.stop() == 0
    assert wye.ledger["sources"][0]["received"] == 2
