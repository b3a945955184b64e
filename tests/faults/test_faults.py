"""A short run of the harness, and the harness judged: what is broken on purpose has to be caught."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from random import Random

import pytest
import trio

from faults import shim
from faults.hunt import SCRIPTS, hunt
from faults.mutations import MUTATIONS
from faults.plan import Life, draw
from faults.round import Round, Setup


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    return shim.build(tmp_path_factory.mktemp("shim"))


def test_a_short_run_loses_nothing(library: Path | None) -> None:
    """In what the broken builds are caught by, and more: the same faults each time in the gate, others everywhere else."""
    seed = 1 if os.environ.get("CI") else secrets.randbelow(1 << 30)
    random = Random(seed)
    script = list(dict.fromkeys(life for lives in SCRIPTS.values() for life in lives if library is not None))
    script += [draw(random, layer=library is not None) for _ in range(2)]
    outcome = trio.run(Round(Setup(seed, script=script, broken=0.5), library).run)
    assert outcome.problems == [], f"seed {seed}; its folder is kept: {outcome.folder}"
    assert outcome.acknowledged > 0
    assert sum(outcome.kills.values()) > 0


def test_workers_lose_nothing_either(library: Path | None) -> None:
    """Two, one of which is killed; then one; then two, all killed with their parent."""
    seed = 1 if os.environ.get("CI") else secrets.randbelow(1 << 30)
    power = "any" if library is not None else None
    script = [
        Life(secs=2.5, workers=2, victim=True, power=power),
        Life(),
        Life(secs=1.5, workers=2, weather="down", power=power),
    ]
    outcome = trio.run(Round(Setup(seed, script=script, workers=2), library).run)
    assert outcome.problems == [], f"seed {seed}; its folder is kept: {outcome.folder}"
    assert outcome.acknowledged > 0
    assert outcome.kills["a worker alone"] > 0


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_build_is_caught(name: str, library: Path | None) -> None:
    if library is None:
        pytest.skip("no C compiler here, and it takes a power cut or a slow disk to show")
    assert hunt(name, 1, library) is not None
