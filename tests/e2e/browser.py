"""A page in a headless Chromium, asked over its debugging port."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import Any

import httpx
import pytest
import trio
import trio_websocket

from e2e.kit import PATIENCE_SECS

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

needs_chromium = pytest.mark.skipif(
    _CHROMIUM is None, reason="no chromium on this machine (Debian's package is called chromium)"
)

_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--remote-debugging-port=0"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
_MOST_BYTES = 64 * 1024 * 1024
"""How long an answer of the browser may be."""


class Browser:
    """One tab."""

    def __init__(self, debugger: trio_websocket.WebSocketConnection) -> None:
        self._debugger = debugger
        self._calls = 0

    async def go(self, url: str) -> None:
        """Leave the page for another, until that is loaded."""
        await self._call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def run(self, script: str) -> Any:
        """The value of an expression in the page, as JSON; a promise is awaited."""
        said = await self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    async def until(self, script: str) -> None:
        """Until an expression in the page is true."""
        with trio.fail_after(PATIENCE_SECS):
            while not await self.run(script):
                await trio.sleep(0.05)

    async def _call(self, method: str, **params: Any) -> Any:
        self._calls += 1
        await self._debugger.send_message(json.dumps({"id": self._calls, "method": method, "params": params}))
        with trio.fail_after(PATIENCE_SECS):
            said = json.loads(await self._debugger.get_message())
        assert said.get("id") == self._calls, said
        assert "result" in said, said
        return said["result"]


@asynccontextmanager
async def browsing(profile: Path, url: str, hosts: Mapping[str, int] = MappingProxyType({})) -> AsyncGenerator[Browser]:
    """A browser on ``url``, for which each of ``hosts`` is a port of this machine."""
    rules = ",".join(f"MAP {host} 127.0.0.1:{port}" for host, port in hosts.items())
    command = [str(_CHROMIUM), *_QUIET, f"--user-data-dir={profile}", f"--host-resolver-rules={rules}", "about:blank"]
    quiet = partial(trio.run_process, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    async with trio.open_nursery() as nursery:
        process: trio.Process = await nursery.start(quiet, command)
        try:
            async with trio_websocket.open_websocket_url(await _tab(profile), max_message_size=_MOST_BYTES) as debugger:
                browser = Browser(debugger)
                await browser.go(url)
                yield browser
        finally:
            process.kill()


async def _tab(profile: Path) -> str:
    """The WebSocket URL of the browser's one tab."""
    with trio.fail_after(PATIENCE_SECS):
        while True:
            with suppress(OSError, httpx.HTTPError, StopIteration):
                port = int((profile / "DevToolsActivePort").read_text().splitlines()[0])
                async with httpx.AsyncClient(trust_env=False) as client:
                    targets = (await client.get(f"http://127.0.0.1:{port}/json")).json()
                return next(target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page")
            await trio.sleep(0.05)


@asynccontextmanager
async def serving_pages(files: Mapping[str, bytes]) -> AsyncGenerator[int]:
    """The port of a web server with these files; every other path gets ``/``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = files.get(self.path.partition("?")[0], files["/"])
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript" if self.path.endswith(".js") else "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        await trio.to_thread.run_sync(server.shutdown)
        server.server_close()
