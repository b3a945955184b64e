"""The gate asks the same questions each time, so that what it says depends on the change alone; everywhere else, and in
``make laws``, hypothesis draws new examples."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator

import pytest
from hypothesis import settings

settings.register_profile("gate", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("gate")


@pytest.fixture
def hangups() -> Generator[None]:
    """SIGHUP as a terminal's shell leaves it to its programs, also where the tests themselves run under ``nohup``."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
