"""What is measured, and the rounds: ours, the limit and the peers take turns, so that a busy minute costs all of them alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct

Figures: TypeAlias = Mapping[str, float]
"""What one measurement gave, by the metric's name."""


class Size(Struct, frozen=True):
    """How much work a run does: rounds, events in a file, seconds of load, deliveries, waiting events by depth."""

    rounds: int
    file_events: int
    posted_events: int
    """Events that an HTTP sink sends, 100 a request; a tenth of it one a request."""
    streamed_events: int
    load_secs: float
    paced_secs: float
    deliveries: int
    depths: tuple[int, ...]
    buffered_events: int
    mixed_posts: int

    def part(self, share: float, rounds: int) -> Size:
        """About this share of everything, but never so little that nothing would happen."""

        def some(events: int) -> int:
            return max(round(events * share), 200)

        return Size(
            rounds,
            file_events=some(self.file_events),
            posted_events=some(self.posted_events),
            streamed_events=some(self.streamed_events),
            load_secs=max(self.load_secs * share, 0.1),
            paced_secs=max(self.paced_secs * share, 0.2),
            deliveries=some(self.deliveries),
            depths=tuple(map(some, self.depths)),
            buffered_events=some(self.buffered_events),
            mixed_posts=max(round(self.mixed_posts * share), 3),
        )


FULL = Size(
    rounds=5,
    file_events=1_000_000,
    posted_events=100_000,
    streamed_events=20_000,
    load_secs=6,
    paced_secs=30,
    deliveries=200_000,
    depths=(10_000, 100_000, 1_000_000),
    buffered_events=100_000,
    mixed_posts=500,
)
QUICK = FULL.part(1 / 5, rounds=3)
TINY = FULL.part(1 / 5000, rounds=1)


class Bench(Struct, frozen=True):
    """What a measurement needs: a folder of its own, how much to do, the file of events, and where the peers are."""

    folder: Path
    size: Size
    events: Path
    python: Path | None
    """The interpreter that the peers in Python are installed for."""
    modules: Path | None
    """The ``node_modules`` of the peers in JavaScript."""
    node: str | None


class Contender(Struct, frozen=True):
    """One of those who take turns. ``needs`` says what it cannot run without."""

    name: str
    run: Callable[[Bench], Figures]
    needs: Literal["nothing", "python", "node", "modules"] = "nothing"


class Metric(Struct, frozen=True):
    """A column of a row's table."""

    name: str
    unit: str
    title: str


class Goal(Struct, frozen=True):
    """``ours`` in relation to ``base`` (a ratio), or by itself where there is no ``base``."""

    says: str
    ours: str
    metric: str
    bound: float
    base: str | None = None
    base_metric: str | None = None
    at_most: bool = False

    def met(self, value: float) -> bool:
        return value <= self.bound if self.at_most else value >= self.bound

    @property
    def wanted(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.bound:g}"


class Row(Struct, frozen=True):
    """One line of the plan: what is done, by whom, what is read off it, and what it is to be."""

    name: str
    title: str
    how: str
    metrics: Sequence[Metric]
    contenders: Sequence[Contender]
    goals: Sequence[Goal]
    most_rounds: int = 99


class Spread(Struct, frozen=True):
    """Several measurements of one thing."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


class Result(Struct):
    """What a row gave: by contender, each round's figures (``None`` where it failed), and why one failed or was left out."""

    row: str
    rounds: int
    figures: dict[str, list[dict[str, float] | None]]
    faults: dict[str, str]
    secs: float = 0.0
    when: str = ""
    commit: str = ""
    command: str = ""
    load: str = ""

    def spread(self, contender: str, metric: str) -> Spread | None:
        values = [one[metric] for one in self.figures.get(contender, ()) if one is not None and metric in one]
        return Spread.of(values) if values else None

    def reached(self, goal: Goal) -> Spread | None:
        """The goal's ratio in each round in which both sides have a figure."""
        if goal.base is None:
            return self.spread(goal.ours, goal.metric)
        ratios = [
            ours[goal.metric] / base[other]
            for ours, base in zip(self.figures.get(goal.ours, ()), self.figures.get(goal.base, ()), strict=False)
            for other in [goal.base_metric or goal.metric]
            if ours is not None and base is not None and goal.metric in ours and base.get(other)
        ]
        return Spread.of(ratios) if ratios else None


def turns(row: Row, bench: Bench, lacking: Mapping[str, str], say: Callable[[str], None]) -> Result:
    """Run the row's rounds. Who cannot be had (``lacking``, by what it needs) is left out by name; who fails, too."""
    able = [one for one in row.contenders if one.needs not in lacking]
    faults = {one.name: lacking[one.needs] for one in row.contenders if one.needs in lacking}
    rounds = min(bench.size.rounds, row.most_rounds)
    result = Result(row.name, rounds, {one.name: [] for one in able}, faults)
    for number in range(rounds):
        for contender in _order(able, number):
            figures: Figures | None = None
            if contender.name not in faults:
                try:
                    figures = contender.run(bench)
                except Exception as error:  # a row goes on without who fails; the page says so
                    faults[contender.name] = f"{type(error).__name__}: {error}"
            result.figures[contender.name].append(None if figures is None else dict(figures))
            said = faults[contender.name] if figures is None else _said(row, figures)
            say(f"{row.name} {number + 1}/{rounds} {contender.name}: {said}")
    return result


def _order(contenders: Sequence[Contender], number: int) -> Iterator[Contender]:
    """Everybody begins once."""
    shift = number % len(contenders) if contenders else 0
    yield from contenders[shift:]
    yield from contenders[:shift]


def _said(row: Row, figures: Figures) -> str:
    return ", ".join(f"{figures[one.name]:,.4g} {one.unit}" for one in row.metrics if one.name in figures)
