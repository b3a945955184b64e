"""``python -m bench.costs``: what each stage costs in instructions of the interpreter, in calls into C, and in memory: figures
that no busy machine changes. They are kept in ``costs.json``, which a test holds the code to; this command writes them anew."""

from __future__ import annotations

import gc
import platform
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Container, Sequence
from contextlib import aclosing
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import trio
from msgspec import Struct

from bench.stages import DECODE, ENCODE, LIMIT, Stage, Work, parts, stages
from bench.timing import rounds

KEPT = Path(__file__).with_name("costs.json")

BATCHES = 2

MOST_GROWTH = 1.5
"""Other versions of Python need somewhat fewer instructions for the same, which does not come near it."""

LEAST = 0.5
"""At less than this share of what is kept, what is kept guards nothing any more."""

MOST_ROUNDS = 40
"""CPU time is held against the limit program's in turns; whoever is disturbed in one round need not be in the next."""

UNCOUNTED = (LIMIT, "structs", "write")
"""The limit program is no work of wye's, and what a thread does depends on the moment."""

WAITING = "waiting in memory"

CPU = "decode and encode"
RATIO = "× the limit program's CPU"


Change = Callable[[Stage], Stage]


def same(stage: Stage) -> Stage:
    return stage


class Kept(Struct):
    """``costs`` of an event by stage and unit, and the Python that they were counted on."""

    python: str
    costs: dict[str, dict[str, float]]


class Counter:
    """Counts what the interpreter executes in this thread while the block runs."""

    def __init__(self) -> None:
        self.instructions = 0
        self.calls = 0

    def __enter__(self) -> Counter:
        self._before = sys.gettrace(), sys.getprofile()
        gc.collect()
        gc.disable()
        sys.setprofile(self._profile)
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before[0])
        sys.setprofile(self._before[1])
        gc.enable()

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "opcode":
            self.instructions += 1
        else:
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._trace

    def _profile(self, _: FrameType, event: str, __: Any) -> None:
        if event == "c_call":
            self.calls += 1


async def counted(stage: Stage) -> dict[str, float]:
    """For an event: instructions executed, and functions in C called. What happens once happens before."""
    await stage.run()
    with Counter() as counter:
        await stage.run()
    return {"instructions": counter.instructions / stage.events, "calls into C": counter.calls / stage.events}


async def memory() -> dict[str, float]:
    """What an event takes while it waits in memory."""
    work = Work(BATCHES)
    decoder = work.by_name["clickstream"].inbound.decoder
    with tempfile.TemporaryDirectory() as folder:
        dispatcher, sink = parts(Path(folder))
        gc.collect()
        tracemalloc.start()
        try:
            for one in work.inputs:
                await dispatcher.emit(decoder.decode(one))
            return {"bytes": tracemalloc.get_traced_memory()[0] / sink.buffer.held_events}
        finally:
            tracemalloc.stop()


async def ratio(enough: float = 0.0, most_rounds: int = MOST_ROUNDS, changed: Change = same) -> float:
    """CPU of decoding and encoding against the limit program's for the same; the best of all rounds, or the first that is
    ``enough``."""
    found = float("inf")
    with tempfile.TemporaryDirectory() as folder:
        async with stages(Path(folder), BATCHES) as all_of_them:
            those = [changed(one) for one in all_of_them if one.name in (LIMIT, DECODE, ENCODE)]
            async with aclosing(rounds(those, most_rounds)) as turns:
                async for best in turns:
                    found = (best[DECODE] + best[ENCODE]) / best[LIMIT]
                    if found <= enough:
                        break
    return found


async def costs(names: Container[str] | None = None, changed: Change = same) -> dict[str, dict[str, float]]:
    """What is counted of the stages with these names, or of all. ``changed`` may put another in a stage's place."""
    with tempfile.TemporaryDirectory() as folder:
        async with stages(Path(folder), BATCHES) as found:
            wanted = [one for one in found if one.name not in UNCOUNTED and (names is None or one.name in names)]
            return {one.name: await counted(changed(one)) for one in wanted}


def complaints(kept: Kept, found: dict[str, dict[str, float]]) -> Sequence[str]:
    """A line for each figure that is no longer what is kept, with what to do."""
    said: list[str] = []
    for stage, figures in found.items():
        for unit, value in figures.items():
            before = kept.costs.get(stage, {}).get(unit)
            if before is None:
                said.append(f"{stage}: no {unit} are kept; `make costs` keeps {value:.1f} an event")
            elif value > MOST_GROWTH * before + 1:
                said.append(
                    f"{stage}: {value:.1f} {unit} an event, {value / before:.2f} times the {before:.1f} that are kept (at most "
                    f"{MOST_GROWTH}). docs/performance.md says how to find what grew; if it is meant, `make costs` keeps it"
                )
            elif value < LEAST * before - 1:
                said.append(
                    f"{stage}: {value:.1f} {unit} an event, where {before:.1f} are kept: it could double unseen; `make costs`"
                    " keeps what it costs now"
                )
    return said


def load() -> Kept:
    return msgspec.json.decode(KEPT.read_bytes(), type=Kept)


def main() -> None:
    """Write what the code costs now, and say what is different."""
    found = {**trio.run(costs), WAITING: trio.run(memory), CPU: {RATIO: trio.run(ratio)}}
    before = load().costs if KEPT.exists() else {}
    for stage, figures in found.items():
        for unit, value in figures.items():
            figures[unit] = float(f"{value:.4g}")
            was = before.get(stage, {}).get(unit)
            print(f"{stage}: {figures[unit]:g} {unit}" + ("" if was in (None, figures[unit]) else f" (was {was:g})"))
    KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(Kept(platform.python_version(), found)), indent=1) + b"\n")


if __name__ == "__main__":
    main()
