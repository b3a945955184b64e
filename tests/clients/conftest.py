from __future__ import annotations

import pytest

from clients.kit import install


@pytest.fixture(scope="session")
def clients() -> None:
    """Skips what needs the clients where they cannot be had."""
    fault = install()
    if fault is not None:
        pytest.skip(fault)
