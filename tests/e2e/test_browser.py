"""The vendors' own documents against wye: RichRelevance's sample page in a real browser, Clickstream's sample curl."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import trio

from e2e.browser import browsing, needs_chromium
from e2e.kit import PATIENCE_SECS, ROOT, clickstream_event, free_port, post, running

PAGE = ROOT / "tests" / "samples" / "richrelevance" / "sample-page.html"
CURL = shutil.which("curl")

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

SHOWN = "document.getElementById('output').innerText"
"""All that the vendor's page shows."""


@needs_chromium
async def test_the_vendors_sample_page_shows_what_wye_sends(tmp_path: Path) -> None:
    edge, live = free_port(), free_port()
    page, profile = tmp_path / "page.html", tmp_path / "profile"
    page.write_text(PAGE.read_text().replace("wss://streams.richrelevance.com", f"ws://127.0.0.1:{live}"))
    async with running(tmp_path, CONFIG.format(edge=edge, live=live)) as wye:
        await wye.listening(edge, live)
        async with browsing(profile, page.as_uri()) as browser:
            await browser.until(f"{SHOWN} === 'CONNECTED'")
            await post(edge, [clickstream_event(1)], app="test_release")
            await browser.until(f"{SHOWN}.includes('RESPONSE')")
            shown = await browser.run(SHOWN)
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
