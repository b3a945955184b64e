"""``python -m soak``: a run, its figures, and, where all is well, the record and its page."""

from __future__ import annotations

import argparse
import sys
import time

import msgspec
import trio

from soak import page, record
from soak.plan import Setup
from soak.reckon import reckon
from soak.run import Soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--highest-secs", type=float, default=20, help="how long the highest rate is measured")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", action="store_true", help="write docs/soak.json where all is well, and make docs/soak.md")
    parser.add_argument("--page", action="store_true", help="make docs/soak.md from the record and do nothing else")
    arguments = parser.parse_args()
    if arguments.page:
        page.write()
        return 0
    soak = Soak(Setup(60 * arguments.minutes, arguments.seed or int(time.time()), highest_secs=arguments.highest_secs))
    print(f"in {soak.folder}", flush=True)
    trio.run(soak.run)
    run = reckon(soak)
    print(msgspec.json.format(msgspec.json.encode(run), indent=1).decode())
    if run.problems:
        print(f"its folder is kept: {soak.folder}")
        return 1
    soak.forget()
    if arguments.record:
        record.save(run)
        page.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
