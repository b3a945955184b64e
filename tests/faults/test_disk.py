"""The file layer and the model of a power cut, on small programs; and what a database of wye's does on them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from faults import shim
from faults.disk import Disk, Style
from faults.process import PATHS


class Rig:
    """A folder with the file layer over it: ``run`` programs in it, then ``cut`` the power."""

    def __init__(self, folder: Path, library: Path) -> None:
        self.root = folder / "disk"
        self.root.mkdir()
        self.control = shim.Control(folder / "control", 1)
        self._journal = folder / "journal"
        self._library = library
        self._disk = Disk(self.root)

    def run(self, program: str, **orders: int) -> str:
        """The program's output. It ends like a process that is killed: nothing is closed in order."""
        self.control.order(**orders)
        environment = {
            **os.environ,
            "PYTHONPATH": PATHS,
            "LD_PRELOAD": str(self._library),
            "FAULTS_ROOT": str(self.root),
            "FAULTS_JOURNAL": str(self._journal),
            "FAULTS_CONTROL": str(self.control.path),
        }
        whole = f"import os, sys\n{program}\nsys.stdout.flush(); os._exit(0)"
        done = subprocess.run(
            [sys.executable, "-c", whole], cwd=self.root, env=environment, capture_output=True, text=True, timeout=30
        )
        assert done.returncode in (0, -9), done.stderr
        self._disk.feed(self._journal.read_bytes())
        self._journal.unlink()
        return done.stdout

    def cut(self, style: Style, seed: int = 1) -> None:
        self._disk.cut(Random(seed), style)

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.root.rglob("*") if path.is_file()}


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    library = shim.build(tmp_path)
    if library is None:
        pytest.skip("no C compiler here")
    return Rig(tmp_path.resolve(), library)


SYNC = "def sync(path):\n d = os.open(path, os.O_RDONLY); os.fsync(d); os.close(d)\n"


def test_what_was_synced_stays_and_what_was_not_goes(rig: Rig) -> None:
    rig.run(
        SYNC + "f = os.open('a', os.O_CREAT | os.O_WRONLY); os.write(f, b'one'); os.fsync(f); sync('.'); os.write(f, b'two')"
    )
    rig.cut("nothing")
    assert rig.files() == {"a": b"one"}


def test_a_name_needs_its_directory_synced(rig: Rig) -> None:
    rig.run("f = os.open('a', os.O_CREAT | os.O_WRONLY); os.write(f, b'one'); os.fsync(f)")
    rig.cut("nothing")
    assert rig.files() == {}


def test_a_directory_that_a_killed_process_made_gets_its_name_from_the_next_one(rig: Rig) -> None:
    rig.run("os.mkdir('data')")
    rig.run(
        SYNC + "from pathlib import Path; from wye.database import make_directory; make_directory(Path('data').absolute())\n"
        "f = os.open('data/a', os.O_CREAT | os.O_WRONLY); os.write(f, b'one'); os.fsync(f); sync('data')"
    )
    rig.cut("nothing")
    assert rig.files() == {"a": b"one"}


def test_a_rename_is_lost_as_a_whole(rig: Rig) -> None:
    rig.run(
        SYNC + "f = os.open('a', os.O_CREAT | os.O_WRONLY); os.write(f, b'one'); os.fsync(f); sync('.'); os.rename('a', 'b')"
    )
    rig.cut("nothing")
    assert rig.files() == {"a": b"one"}


def test_any_part_of_what_was_not_synced_may_stay_torn_at_sectors(rig: Rig) -> None:
    rig.run(SYNC + "f = os.open('a', os.O_CREAT | os.O_WRONLY); os.fsync(f); sync('.'); os.write(f, b'x' * 5000)")
    whole = {place: b"x" * min(512, 5000 - place) for place in range(0, 5000, 512)}
    rig.cut("any", seed=3)
    (found,) = rig.files().values()
    assert found.strip(b"\0")
    assert all(found[place : place + 512].rstrip(b"\0") in (b"", sector) for place, sector in whole.items())


def test_a_sync_that_failed_is_not_made_good_by_a_later_one(rig: Rig) -> None:
    program = SYNC + (
        "f = os.open('a', os.O_CREAT | os.O_WRONLY); os.fsync(f); sync('.')\nos.write(f, b'one')\n"
        "try: os.fsync(f)\nexcept OSError as error: print(error.errno)\nos.write(f, b'two'); os.fsync(f)"
    )
    assert rig.run(program, fault_mask=shim.OTHER, sync_eio_in=2) == "5\n"
    rig.cut("nothing")
    assert rig.files() == {"a": b"\0\0\0two"}


def test_a_full_disk_takes_what_it_has_room_for(rig: Rig) -> None:
    program = (
        "f = os.open('a', os.O_CREAT | os.O_WRONLY); print(os.write(f, b'12345'))\n"
        "try: os.write(f, b'6')\nexcept OSError as error: print(error.errno)"
    )
    assert rig.run(program, fault_mask=shim.OTHER, room=3) == "3\n28\n"


def test_the_nth_call_kills(rig: Rig) -> None:
    program = "f = os.open('a', os.O_CREAT | os.O_WRONLY)\nfor _ in range(9): os.write(f, b'x')"
    rig.run(program, kill_mask=shim.OTHER, kill_in=4)
    assert (rig.root / "a").read_bytes() == b"xxx"


UNTOLD = "import ctypes; write = ctypes.CDLL(None).syscall\nf = os.open('a', os.O_CREAT | os.O_WRONLY | os.O_APPEND)\n"
"""``write(1, ...)`` is a call that the file layer does not see, as it sees no end of one in which its process is killed."""


def test_what_a_process_wrote_when_it_was_killed_is_as_good_as_any_other_write(rig: Rig) -> None:
    """It is in the file, and the next one that syncs the file makes it certain."""
    rig.run(UNTOLD + "write(1, f, b'one', 3)")
    rig.run(SYNC + "f = os.open('a', os.O_WRONLY | os.O_APPEND); os.write(f, b'two'); os.fsync(f); sync('.')")
    rig.cut("nothing")
    assert rig.files() == {"a": b"onetwo"}


def test_what_a_process_wrote_when_it_was_killed_goes_without_a_sync(rig: Rig) -> None:
    rig.run(SYNC + UNTOLD + "os.fsync(f); sync('.'); write(1, f, b'one', 3)")
    rig.cut("nothing")
    assert rig.files() == {"a": b""}


def test_the_wall_clock_can_be_moved(rig: Rig) -> None:
    program = "import time; print(int(time.time() - {}))"
    there = rig.run(program.format(0), clock_offset_ns=3_600 * 10**9)
    assert abs(int(there) - int(rig.run(program.format(0))) - 3_600) < 60


# ── wye's databases ──────────────────────────────────────────────────────────────────────────────────────────────────────

STORE = """
from pathlib import Path
from wye.database import Schema, connect
held = []
def put(n):
    try:
        held or held.append(connect(Path("x.db"), Schema("list", ("CREATE TABLE t (n INTEGER)",))))
        held[0].execute("INSERT INTO t VALUES (?)", (n,))
        print(n)
    except Exception as error:
        print(type(error).__name__)
"""


def numbers(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [n for (n,) in connection.execute("SELECT n FROM t ORDER BY n")]


@pytest.mark.parametrize("style", ["nothing", "all", "prefix", "any"])
def test_what_a_database_committed_is_there_after_a_power_cut(rig: Rig, style: Style) -> None:
    committed = rig.run(STORE + "for n in range(50): put(n)", kill_mask=shim.LOG | shim.OTHER, kill_in=120).split()
    rig.cut(style)
    assert numbers(rig.root / "x.db")[: len(committed)] == list(range(len(committed)))


@pytest.mark.parametrize("nth", range(1, 5))
def test_a_sync_that_failed_in_an_earlier_life_endangers_nothing_that_is_committed_in_this_one(rig: Rig, nth: int) -> None:
    """The system shows the log's pages as they were written, though they never reached the disk: what is appended behind them
    hangs in the air."""
    said = rig.run(STORE + "put(1)")
    said += rig.run(STORE + "put(2)", fault_mask=shim.LOG | shim.OTHER, sync_eio_in=nth)
    said += rig.run(STORE + "put(3)")
    rig.cut("nothing")
    assert rig.control.get("sync_eio") == 1
    assert {1, 3} <= {int(word) for word in said.split() if word.isdigit()} <= set(numbers(rig.root / "x.db"))
