"""A page in a real browser reads the sink with nothing but ``new WebSocket`` and ``onmessage``."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import cast

import pytest
import trio
from trio_websocket import WebSocketRequest

from plugins.websocket.websocket_kit import KEY, KeyedStream, new_sink, serving, shipment, until, websocket_server
from wye_plugins.websocket.config import WebSocketSinkOptions
from wye_plugins.websocket.serve import WebSocketServeSink

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Live events</title>
<div id="events"></div>
<script>
  const report = new WebSocket("REPORT_URL");
  report.onopen = () => {
    const list = document.getElementById("events");
    const live = new WebSocket("LIVE_URL");
    live.onmessage = (evt) => {
      const line = document.createElement("p");
      line.textContent = evt.data;
      list.appendChild(line);
      if (list.children.length === 3) report.send(list.innerHTML);
    };
    live.onerror = () => report.send("the live connection failed");
  };
</script>
"""

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
]


@asynccontextmanager
async def browser(page: Path, profile: Path) -> AsyncGenerator[None]:
    """A headless Chromium that shows ``page``, killed at the end."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not on the PATH")
    command = [chromium, *FLAGS, f"--user-data-dir={profile}", page.as_uri()]
    async with trio.open_nursery() as nursery:
        quiet = partial(trio.run_process, command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        process: trio.Process = await nursery.start(quiet)
        try:
            yield
        finally:
            process.kill()


async def test_a_page_shows_events_as_they_come(tmp_path: Path) -> None:
    reports: list[str] = []

    async def take_report(request: WebSocketRequest) -> None:
        connection = await request.accept()
        reports.append(cast(str, await connection.get_message()))

    sink = cast(WebSocketServeSink, new_sink(WebSocketSinkOptions(address="127.0.0.1:0"), KeyedStream()))
    page = tmp_path / "page.html"
    async with serving(sink) as url, websocket_server(take_report) as report_url:
        page.write_text(PAGE.replace("REPORT_URL", report_url).replace("LIVE_URL", f"{url}/stream?key={KEY}"))
        async with browser(page, tmp_path / "profile"):
            await until(lambda: sink.subscribers == 1 or bool(reports), within_secs=20)
            await sink.send(shipment('{"event": "a"}', '{"event": "ü"}'))
            await sink.send(shipment('{"event": "<b>"}'))
            await until(lambda: bool(reports), within_secs=20)
    assert reports == ['<p>{"event": "a"}</p><p>{"event": "ü"}</p><p>{"event": "&lt;b&gt;"}</p>']
