"""Tests are run over both ways that there are: a module asks for it with ``usefixtures("way")`` (a sink's to its vendor) or
``usefixtures("link")`` (a client's to the source)."""

from __future__ import annotations

import pytest

from plugins.http import http_kit
from wye_plugins.http import client


@pytest.fixture(params=["lean", "httpx"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """``httpx`` makes every server an unusual one."""
    if request.param == "httpx":
        monkeypatch.setattr(client, "is_plain_server", lambda *_: False)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    return request.param


@pytest.fixture(params=["stream", "socket"])
def link(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Over a ``stream`` a connection's task does it all; over a ``socket`` it rests, and the reception answers."""
    monkeypatch.setattr(http_kit, "OVER_SOCKETS", request.param == "socket")
    return request.param
