"""``python -m bench``: measure the rows in turns, keep the figures, make the page."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from msgspec import structs

from bench import install, payloads, record
from bench.measure import FULL, QUICK, Bench, Result, Row, Size, turns
from bench.page import page
from bench.plan import ROWS
from bench.record import RECORD, ROOT, Record

PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> int:
    arguments = _arguments()
    folder: Path = arguments.folder
    quick: bool = arguments.quick
    kept, target = (folder / "quick.json", folder / "quick.md") if quick else (RECORD, PAGE)
    if arguments.page:
        target.write_text(page(record.load(kept)))
        return 0
    rows = _wanted(arguments.only)
    if rows is None:
        return 2
    found = record.load(kept)
    size = QUICK if quick else FULL
    bench, lacking = prepare(folder, structs.replace(size, rounds=arguments.rounds or size.rounds), found)
    for row in rows:
        found.results[row.name] = _measured(row, bench, lacking)
        record.save(found, kept)
        target.write_text(page(found))
    print(f"{target} is made anew")
    return 1 if any(result.faults.keys() - _lacking_names(row, lacking) for row, result in _pairs(rows, found)) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, for a look; docs stay as they are")
    parser.add_argument("--only", action="append", metavar="ROW", help="this row (W1, W2 for W2a and W2b, …); may be repeated")
    parser.add_argument("--rounds", type=int, help=f"instead of {FULL.rounds} ({QUICK.rounds} with --quick)")
    parser.add_argument("--folder", type=Path, default=ROOT / ".bench", help="for files and peers; not in memory, for syncs")
    parser.add_argument("--page", action="store_true", help="make the page from what was kept and do nothing else")
    return parser.parse_args()


def _wanted(names: list[str] | None) -> list[Row] | None:
    if not names:
        return list(ROWS)
    rows = [row for row in ROWS if any(row.name.lower().startswith(name.lower()) for name in names)]
    for name in names:
        if not any(row.name.lower().startswith(name.lower()) for row in ROWS):
            print(f"there is no row {name}; there are {', '.join(row.name for row in ROWS)}", file=sys.stderr)
            return None
    return rows


def prepare(folder: Path, size: Size, found: Record) -> tuple[Bench, dict[str, str]]:
    """The events and the peers; and what could not be had, by what needs it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stderr.txt").write_bytes(b"")
    python, modules = install.python_peers(folder / "peers"), install.node_peers(folder / "peers")
    lacking = {kind: fault for kind, fault in (("python", python), ("modules", modules)) if isinstance(fault, str)}
    if install.NODE is None:
        lacking["node"] = "no node on this machine"
    found.machine = record.machine(folder)
    found.versions = install.versions(python, modules)
    found.left_out = dict(install.NOT_TRIED)
    bench = Bench(
        folder,
        size,
        payloads.write(folder / "in.jsonl", size.file_events),
        python if isinstance(python, Path) else None,
        modules if isinstance(modules, Path) else None,
        install.NODE,
    )
    return bench, lacking


def _measured(row: Row, bench: Bench, lacking: dict[str, str]) -> Result:
    began = time.monotonic()
    result = turns(row, bench, lacking, lambda text: print(text, flush=True))
    result.secs = time.monotonic() - began
    result.when, result.commit, result.load = record.today(), record.commit(), record.busy()
    given = " ".join(sys.argv[1:])
    result.command = f'make bench BENCH="{given}"' if given else "make bench"
    return result


def _lacking_names(row: Row, lacking: dict[str, str]) -> set[str]:
    return {one.name for one in row.contenders if one.needs in lacking}


def _pairs(rows: list[Row], found: Record) -> list[tuple[Row, Result]]:
    return [(row, found.results[row.name]) for row in rows]


if __name__ == "__main__":
    sys.exit(main())
