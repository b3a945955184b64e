"""CPU time of stages, in turns, so that a busy minute costs all of them alike; the best round is the least disturbed."""

from __future__ import annotations

import gc
import time
from collections.abc import AsyncGenerator, Sequence

from bench.stages import Stage


async def rounds(stages: Sequence[Stage], count: int) -> AsyncGenerator[dict[str, float]]:
    """After each round the best so far of each stage, in µs of CPU an event (all threads), what it contains included."""
    for stage in stages:
        await stage.run()
    gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        best = {stage.name: float("inf") for stage in stages}
        for _ in range(count):
            for stage in stages:
                began = time.process_time()
                await stage.run()
                spent = 1e6 * (time.process_time() - began) / stage.events
                best[stage.name] = min(best[stage.name], spent)
            yield best
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def own(stages: Sequence[Stage], spent: dict[str, float]) -> dict[str, float]:
    """Each stage's own cost: without the stage that it contains."""
    return {one.name: spent[one.name] - (spent[one.within] if one.within else 0.0) for one in stages}
