from __future__ import annotations

from pathlib import Path

import pytest

from router.fakes import Configs


@pytest.fixture
def configs(tmp_path: Path) -> Configs:
    """Loads configs with the fake parts."""
    return Configs(tmp_path)
