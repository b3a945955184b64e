"""The sink's tests are run over both of its ways to a vendor: a module asks for it with ``usefixtures("way")``."""

from __future__ import annotations

import pytest

from wye_plugins.http import client


@pytest.fixture(params=["lean", "httpx"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """``httpx`` makes every server an unusual one."""
    if request.param == "httpx":
        monkeypatch.setattr(client, "is_plain_server", lambda *_: False)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    return request.param
