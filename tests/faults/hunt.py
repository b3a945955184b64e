"""Rounds that each broken build has to be caught in."""

from __future__ import annotations

import shutil
from pathlib import Path

import trio

from faults import shim
from faults.plan import Life
from faults.round import Round, Setup

ROUNDS = 4
"""Each has to be caught within so many."""

_SLOW = Life(secs=1.2, weather="down", disk="slow", classes=shim.LOG, power="nothing")
SCRIPTS = {
    "answer-before-commit": [_SLOW],
    "no-sync": [Life(power="nothing", secs=1.0)],
    "letters-after-answer": [Life(secs=1.5, disk="slow", classes=shim.LETTERS, power="nothing")] * 2,
    "settle-twice": [_SLOW],
    "order-ignored": [Life(secs=1.5, weather="picky")] * 2,
}
"""The lives in which each does harm."""


def hunt(name: str, seed: int, library: Path | None) -> tuple[int, str] | None:
    """The number of the round that caught it, counted from 1, and the first thing that was wrong; ``None``: nothing was."""
    for number in range(ROUNDS):
        setup = Setup(seed + number, script=SCRIPTS[name], mutation=name, broken=0.5, patience_secs=3)
        outcome = trio.run(Round(setup, library).run)
        if outcome.folder:
            shutil.rmtree(outcome.folder)
        if outcome.broken:
            continue  # what cannot run shows nothing
        if outcome.lost:
            return number + 1, f"{outcome.lost} deliveries of {outcome.acknowledged} acknowledged events are missing"
        if outcome.reordered:
            return number + 1, f"{outcome.reordered} events came before an earlier one of their key"
    return None
