"""Runs the command with the fake parts instead of the installed ones: in a process of its own, on a pipe or on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from select import select

TESTS = Path(__file__).resolve().parents[2]

WITH_FAKES = """
import sys
import wye.registry
from router import fakes
wye.registry.load = fakes.registry
from wye.cli import main
sys.exit(main())
"""


def command(*arguments: str) -> list[str]:
    """The command line of ``wye``, with the fakes."""
    return [sys.executable, "-c", WITH_FAKES, *arguments]


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")}
    return {**kept, "PYTHONPATH": str(TESTS), "TERM": "xterm-256color", **more}


def wye(
    *arguments: str, cwd: Path, stdin: str | bytes = b"", variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What the command printed where nobody looks, and its exit code."""
    done = subprocess.run(
        command(*arguments),
        cwd=cwd,
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=60,
        env=environment(**(variables or {})),
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def on_terminal(arguments: Sequence[str], cwd: Path, columns: int, **variables: str) -> tuple[int, str]:
    """The exit code, and all that a terminal of so many columns was sent."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command(*arguments),
        cwd=cwd,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(COLUMNS=str(columns), **variables),
    )
    os.close(slave)
    sent = b""
    while select([master], [], [], 60)[0]:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # how Linux says that the other end is gone
            break
        if not chunk:
            break
        sent += chunk
    os.close(master)
    return process.wait(60), sent.decode().replace("\r\n", "\n")
