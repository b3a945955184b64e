"""``python -m faults``: run rounds, print what they have shown, and add them to the record and its page."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import trio

from faults import page, record, shim
from faults.hunt import hunt
from faults.mutations import MUTATIONS
from faults.plan import Life
from faults.points import POINTS
from faults.round import Outcome, Round, Setup


def main() -> int:
    arguments = _arguments()
    seed: int = arguments.seed or int(time.time())
    if arguments.page:
        page.write()
        return 0
    with tempfile.TemporaryDirectory() as folder:
        library = shim.build(Path(folder))
        if library is None:
            print("no C compiler: without power cuts and faults of the disk")
        if arguments.mutations:
            return _mutations(seed, library, arguments.record)
        setups = _rounds(seed, arguments) if arguments.points is None else _points(seed, arguments.points)
        outcomes = [_run(setup, library) for setup in setups]
    failed = [outcome for outcome in outcomes if outcome.problems]
    _print_sums(outcomes)
    if arguments.record and not failed and _as_committed():
        kept = record.load()
        kept.runs.append(record.row(seed, outcomes, Path(tempfile.gettempdir()), arguments.workers))
        record.save(kept)
        page.write()
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=0, help="stop after so many rounds")
    parser.add_argument("--minutes", type=float, default=5, help="begin no round after so many minutes")
    parser.add_argument("--seed", type=int, default=0, help="the first round's; the others follow")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="so many worker processes, and now and then fewer")
    parser.add_argument(
        "--points", nargs="?", const="", metavar="PART", help="every named point with PART in its name, one by one"
    )
    parser.add_argument("--mutations", action="store_true", help="the broken builds instead: each has to be caught")
    parser.add_argument(
        "--record", action="store_true", help="add it to docs/faults.json where all is well, make docs/faults.md"
    )
    parser.add_argument("--page", action="store_true", help="make docs/faults.md from the record and do nothing else")
    return parser.parse_args()


def _rounds(seed: int, arguments: argparse.Namespace) -> Iterator[Setup]:
    until = time.monotonic() + 60 * arguments.minutes
    number = 0
    while time.monotonic() < until and (not arguments.rounds or number < arguments.rounds):
        yield Setup(seed + number, workers=arguments.workers)
        number += 1


def _points(seed: int, part: str) -> Iterator[Setup]:
    """Two lives for each point: one ends at the first passing of it, one a little later; what was not synced is lost in one."""
    for number, (name, point) in enumerate(POINTS.items()):
        later = max(1, point.usual // 3)
        if part in name:
            yield Setup(seed + number, script=[Life(point=name), Life(point=name, nth=later, power="any")])


def _run(setup: Setup, library: Path | None) -> Outcome:
    outcome = trio.run(Round(setup, library).run)
    print(
        f"seed {outcome.seed}: {outcome.secs:.0f} s, {outcome.acknowledged} acknowledged, {sum(outcome.kills.values())} kills,"
        f" {outcome.lost} lost, {outcome.duplicates} duplicates",
        flush=True,
    )
    for problem in outcome.problems:
        print(f"    {problem[:300]}")
    if outcome.problems:
        print(f"    its folder is kept: {outcome.folder}")
        workers = f" WORKERS={setup.workers}" if setup.workers > 1 else ""
        print(f"    to repeat it: make faults ROUNDS=1 SEED={outcome.seed}{workers}", flush=True)
    return outcome


def _print_sums(outcomes: list[Outcome]) -> None:
    def total(name: str) -> int:
        return sum(getattr(one, name) for one in outcomes)

    kills = sum(sum(one.kills.values()) for one in outcomes)
    print(f"{len(outcomes)} rounds: {total('acknowledged')} acknowledged, {kills} kills, {total('lost')} lost,", end=" ")
    print(f"{total('corrupted')} corrupted, {total('duplicates')} duplicates (at most {total('duplicates_bound')})")


def _as_committed() -> bool:
    """Whether figures can be told of a commit."""
    if record.commit().isalnum():
        return True
    print("not added to the record: router or plugins are not as committed")
    return False


def _mutations(seed: int, library: Path | None, keep: bool) -> int:
    """Each broken build until it is caught. Returns the exit code."""
    kept = record.load()
    missed = 0
    for name in MUTATIONS:
        found = hunt(name, seed, library)
        if found is None:
            missed += 1
            print(f"{name}: not caught", flush=True)
            continue
        number, what = found
        print(f"{name}: caught in round {number}: {what}", flush=True)
        kept.caught = [one for one in kept.caught if one.mutation != name]
        kept.caught.append(record.Caught(name, seed, number, record.today(), record.commit(), what))
    if keep and not missed and _as_committed():
        record.save(kept)
        page.write()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
