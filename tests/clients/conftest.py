from __future__ import annotations

import pytest

from clients.kit import install_node, install_python


@pytest.fixture(scope="session")
def node_clients() -> None:
    """Skips what needs the clients for Node and browsers where they cannot be had."""
    _skip_for(install_node())


@pytest.fixture(scope="session")
def python_clients() -> None:
    """Skips what needs the clients for Python where they cannot be had."""
    _skip_for(install_python())


def _skip_for(fault: str | None) -> None:
    if fault is not None:
        pytest.skip(fault)
