"""The hot path costs what it is known to cost: a change that doubles a stage fails here, and a busy machine does not."""

from __future__ import annotations

from typing import TypeAlias

import pytest
import trio
from msgspec import structs

from bench.costs import CPU, MOST_GROWTH, RATIO, WAITING, Kept, complaints, costs, load, memory, ratio
from bench.stages import DECODE, ENCODE, LIMIT, ROUTE, Stage

Costs: TypeAlias = dict[str, dict[str, float]]


@pytest.fixture(scope="module")
def now() -> Costs:
    """What the stages cost as they are."""
    return trio.run(costs)


def times(count: int, stage: Stage) -> Stage:
    """The stage, doing everything ``count`` times."""

    async def run() -> None:
        for _ in range(count):
            await stage.run()

    return stage if stage.name == LIMIT else structs.replace(stage, run=run)


def test_no_stage_costs_more_than_it_did(now: Costs) -> None:
    kept = load()
    said = complaints(kept, {**now, WAITING: trio.run(memory)})
    assert not said, "\n".join(said)
    assert {*now, WAITING, CPU} == kept.costs.keys(), "`make costs` keeps the stages that there are"


async def test_decoding_and_encoding_take_no_more_cpu_beside_the_limit_program() -> None:
    """What happens in C has no instructions to count."""
    kept = load().costs[CPU][RATIO]
    most = MOST_GROWTH * kept
    found = await ratio(most)
    assert found <= most, f"{found:.2f} × the limit program's CPU, where {kept} is kept; `make costs` keeps another"


@pytest.mark.parametrize("name", [DECODE, ENCODE, ROUTE])
async def test_a_stage_that_does_everything_twice_is_named(now: Costs, name: str) -> None:
    twice = await costs([name], lambda stage: times(2, stage))
    said = complaints(Kept("", now), {**now, **twice})
    assert said
    assert all(line.startswith(f"{name}: ") for line in said)
    assert "times the" in said[0]
    assert "`make costs` keeps it" in said[0]


async def test_more_work_is_seen_in_cpu_time_too() -> None:
    most = MOST_GROWTH * load().costs[CPU][RATIO]
    assert await ratio(most, 10, lambda stage: times(3, stage)) > most


def test_what_is_kept_must_not_fall_behind(now: Costs) -> None:
    kept = Kept("", {**now, ENCODE: {unit: 2.5 * value for unit, value in now[ENCODE].items()}})
    said = complaints(kept, now)
    assert len(said) == 2
    assert all(line.startswith(f"{ENCODE}: ") and "could double unseen" in line for line in said)


def test_a_stage_that_is_new_is_to_be_kept() -> None:
    said = complaints(Kept("", {}), {DECODE: {"instructions": 7.0}})
    assert said == [f"{DECODE}: no instructions are kept; `make costs` keeps 7.0 an event"]
