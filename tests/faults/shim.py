"""The file layer that fails on command: compiles ``shim.c``, and holds the memory through which it is told what to do."""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")

# Classes of files, as in shim.c.
LOG, DATABASE, LETTERS, OTHER, INDEX = 1, 2, 4, 8, 16
ANY_FILE = LOG | DATABASE | LETTERS | OTHER

_FIELDS = (
    "fault_mask",
    "room",
    "write_eio_in",
    "sync_eio_in",
    "short_permille",
    "write_delay_us",
    "sync_delay_us",
    "clock_offset_ns",
    "kill_mask",
    "kill_in",
    "calls",
    "full",
    "write_eio",
    "sync_eio",
    "shortened",
    "killed",
    "random",
)
_ORDERS = _FIELDS[:10]
COUNTS = _FIELDS[10:16]


def compiler() -> str | None:
    """The C compiler, where there is one."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def build(folder: Path) -> Path | None:
    """The compiled layer, or ``None`` where there is no C compiler. Raises ``CalledProcessError`` when it does not compile."""
    cc = compiler()
    if cc is None:
        return None
    library = folder / "shim.so"
    command = [cc, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return library


class Control:
    """The block, as a file that the process maps too. Setting ``orders`` replaces all that were given."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        with path.open("w+b") as file:
            file.write(bytes(mmap.PAGESIZE))
            file.flush()
            self._memory = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self._put("random", seed)
        self.order()

    def order(self, **orders: int) -> None:
        """What is not named is off."""
        for name in _ORDERS:
            self._put(name, orders.get(name, -1 if name == "room" else 0))

    def change(self, **orders: int) -> None:
        """Only what is named."""
        for name, value in orders.items():
            self._put(name, value)

    def get(self, name: str) -> int:
        return struct.unpack_from("<q", self._memory, _FIELDS.index(name) * 8)[0]

    def _put(self, name: str, value: int) -> None:
        struct.pack_into("<q", self._memory, _FIELDS.index(name) * 8, value)
