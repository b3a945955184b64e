"""``python -m bench.split``: how CPU time splits over the stages of an event's way; keeps the figures and makes
``docs/performance.md``."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import msgspec
import trio
from msgspec import Struct

from bench import record
from bench.record import ROOT
from bench.stages import DECODE, ENCODE, LIMIT, ROUTE, stages
from bench.timing import own, rounds

KEPT, PAGE, TEMPLATE = ROOT / "docs" / "stages.json", ROOT / "docs" / "performance.md", Path(__file__).with_name("split.md")

WAY = ("read", "structs", DECODE, ROUTE, "drive", ENCODE, "losses", "write")
"""The stages from file to file, in their order."""

REQUESTS = ("http of 100", "http of 1")


class Figure(Struct):
    """A stage's CPU time in µs an event: all of it, and without the stage that it contains."""

    what: str
    whole_us: float
    own_us: float


class Split(Struct):
    """What was measured, where and when."""

    machine: list[str]
    when: str
    commit: str
    load: str
    rounds: int
    stages: dict[str, Figure]


async def measured(folder: Path, batches: int, count: int) -> Split:
    """All stages in ``count`` rounds of so many batches."""
    async with stages(folder, batches) as found:
        *_, best = [one async for one in rounds(found, count)]
        apart = own(found, best)
        figures = {one.name: Figure(one.what, _short(best[one.name]), _short(apart[one.name])) for one in found}
    machine = [*record.machine(folder), f"msgspec {version('msgspec')}", f"trio {version('trio')}"]
    return Split(machine, record.today(), record.commit(), record.busy(), count, figures)


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def page(split: Split) -> str:
    """The page as Markdown."""
    tables = {"stages": _way(split), "requests": _requests(split), "vendors": _vendors(split)}
    text = TEMPLATE.read_text()
    for name, lines in tables.items():
        text = text.replace(f"<!-- {name} -->", "\n".join(lines))
    return text


def _way(split: Split) -> Iterator[str]:
    limit = split.stages[LIMIT].whole_us
    total = sum(split.stages[name].own_us for name in WAY)
    yield "| stage | what | µs an event | share | × limit |"
    yield "|---|---|---|---|---|"
    for name in WAY:
        one = split.stages[name]
        yield f"| {name} | {one.what} | {one.own_us:g} | {one.own_us / total:.0%} | {one.own_us / limit:.2f} |"
    yield f"| **all** | | **{total:.3g}** | | **{total / limit:.2f}** |"
    yield f"| *limit* | {split.stages[LIMIT].what} | {limit:g} | | 1 |"
    yield ""
    yield f"`make stages`, the best of {split.rounds} rounds, {split.when}, at {split.commit}; load average {split.load}."
    yield f"{'; '.join(split.machine)}."


def _requests(split: Split) -> Iterator[str]:
    yield "| stage | what | µs an event |"
    yield "|---|---|---|"
    for name in REQUESTS:
        yield f"| {name} | {split.stages[name].what} | {split.stages[name].own_us:g} |"


def _vendors(split: Split) -> Iterator[str]:
    limit = split.stages[LIMIT].whole_us
    yield "| format | decode, µs an event | × limit | encode, µs an event | × limit |"
    yield "|---|---|---|---|---|"
    for vendor in [name.removesuffix(" decode") for name in split.stages if name.endswith(" decode")]:
        decode, encode = (split.stages[f"{vendor} {side}"].whole_us for side in ("decode", "encode"))
        yield f"| {vendor} | {decode:g} | {decode / limit:.2f} | {encode:g} | {encode / limit:.2f} |"


def load() -> Split:
    return msgspec.json.decode(KEPT.read_bytes(), type=Split)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.split", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batches", type=int, default=20, help="of 512 events, in a round")
    parser.add_argument("--page", action="store_true", help="make the page from what was kept and do nothing else")
    arguments = parser.parse_args()
    if not arguments.page:
        folder = ROOT / ".bench"
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            split = trio.run(measured, Path(place), arguments.batches, arguments.rounds)
        KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(split), indent=1) + b"\n")
    PAGE.write_text(page(load()))
    print(f"{PAGE} is made anew")


if __name__ == "__main__":
    main()
