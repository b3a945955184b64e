from __future__ import annotations

import signal
from collections.abc import Generator
from pathlib import Path

import pytest

from router.fakes import Configs


@pytest.fixture
def configs(tmp_path: Path) -> Configs:
    """Loads configs with the fake parts."""
    return Configs(tmp_path)


@pytest.fixture
def heeding_sighup() -> Generator[None]:
    """Whoever runs these tests with ``nohup`` has them ignore it, and what they start."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
