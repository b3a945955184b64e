"""A worker ends with its parent, whatever it is doing."""

from __future__ import annotations

import socket
import subprocess
import sys

from wye.errors import Exit

CHILD = """
import sys, time
from wye.workers.lifeline import end_with_parent
print("trio" in sys.modules, flush=True)
end_with_parent(int(sys.argv[1]))
while True:  # no loop of anybody's comes round
    time.sleep(0.01)
"""


def test_it_ends_with_its_parent_before_any_loop_has_begun() -> None:
    mine, other = socket.socketpair()
    command = [sys.executable, "-c", CHILD, str(other.fileno())]
    with other:
        child = subprocess.Popen(command, pass_fds=[other.fileno()], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "False\n"
    mine.sendall(b"words are not the end\n")
    try:
        child.wait(0.3)
        raise AssertionError("it has ended")
    except subprocess.TimeoutExpired:
        mine.close()
    with child:
        assert child.wait(20) == Exit.BROKEN
