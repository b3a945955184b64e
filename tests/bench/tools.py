"""Processes under measurement: started in a folder of their own, waited for, and ended."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.measure import Bench

TESTS = Path(__file__).parents[1]
PEERS = Path(__file__).parent / "peers"

START_SECS = 20.0
PATIENCE_SECS = 900.0
"""How long one measurement may take."""

Command = Sequence[str | float | Path]


def fresh(bench: Bench) -> Path:
    """The folder of the measurements, emptied."""
    folder = bench.folder / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ours(folder: Path, config: str) -> Command:
    """``wye run`` with this config; its data lie in ``folder``."""
    path = folder / "wye.toml"
    path.write_text(f'data_dir = "{folder}/data"\n{config}')
    return (sys.executable, "-m", "wye", "run", "--quiet", "--ledger", folder / "ledger.json", path)


def module(name: str, *arguments: str | float | Path) -> Command:
    """A module of ours, such as ``limits.file``."""
    return (sys.executable, "-m", f"bench.{name}", *arguments)


def peer(bench: Bench, name: str, *arguments: str | float | Path) -> Command:
    """A program of ``peers``: ``name`` ends in ``.mjs``, or is a module's."""
    if name.endswith(".mjs"):
        return (str(bench.node), PEERS / name, *arguments)
    return (str(bench.python), "-m", f"bench.peers.{name}", *arguments)


def start(command: Command, bench: Bench, *, printing: bool = False) -> subprocess.Popen[str]:
    """Start it; what it says on standard error goes to a file."""
    with (bench.folder / "stderr.txt").open("ab") as errors:
        return subprocess.Popen(
            list(map(str, command)),
            cwd=bench.folder,
            env=_environment(bench),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if printing else subprocess.DEVNULL,
            stderr=errors,
            text=True,
        )


def _environment(bench: Bench) -> Mapping[str, str]:
    """That of this process; but Python keeps its bytecode, as an installed package does, and compiles nothing at a start."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "PYTHONPATH": _python_path(), **_node_path(bench)}


def _python_path() -> str:
    return os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])


def _node_path(bench: Bench) -> Mapping[str, str]:
    return {} if bench.modules is None else {"NODE_PATH": str(bench.modules)}


@contextmanager
def running(command: Command, bench: Bench, *, kill: bool = False) -> Generator[subprocess.Popen[str]]:
    """While the block runs, so does the command; then it is told to stop, or killed."""
    process = start(command, bench)
    try:
        yield process
        if kill:
            return
        if process.poll() is not None:
            raise ChildProcessError(f"ended with {process.returncode}: {last_words(bench)}")
        process.terminate()
        process.wait(60)
    finally:
        process.kill()
        process.wait()


def secs_of(command: Command, bench: Bench) -> tuple[float, float]:
    """How long a command ran, and how much of the processors it used, in seconds."""
    began = time.monotonic()
    process = start(command, bench)
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ChildProcessError(f"exit code {process.returncode}: {last_words(bench)}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime


def cpu_secs_at_end(process: subprocess.Popen[str]) -> float:
    """Tell it to stop, and what it has used of the processors from its start to its end."""
    process.terminate()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ChildProcessError(f"exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def answer_of(process: subprocess.Popen[str], other: subprocess.Popen[str] | None = None) -> dict[str, float]:
    """What a process of ours prints at its end, as JSON. It is not waited for when the ``other`` end has failed."""
    until = time.monotonic() + PATIENCE_SECS
    try:
        printed = None
        while printed is None:
            try:
                printed, _ = process.communicate(timeout=1)
            except subprocess.TimeoutExpired:
                if time.monotonic() > until:
                    raise
                if other is not None and other.poll():
                    raise ChildProcessError(f"ended with {other.returncode}") from None
    except BaseException:
        process.kill()
        raise
    if process.returncode:
        raise ChildProcessError(f"exit code {process.returncode}")
    return json.loads(printed.splitlines()[-1])


def asked(command: Command, bench: Bench) -> dict[str, float]:
    """Run a process of ours to its end, and what it printed."""
    return answer_of(start(command, bench, printing=True))


def listening(port: int, process: subprocess.Popen[str]) -> None:
    """Until something answers on ``port``."""
    until = time.monotonic() + START_SECS
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.01)
    raise ChildProcessError(f"does not listen (exit code {process.poll()})")


def last_words(bench: Bench) -> str:
    """What was said on standard error at last."""
    said = (bench.folder / "stderr.txt").read_text(errors="replace").strip().splitlines()
    return said[-1][:200] if said else ""


def rss_mb(process: subprocess.Popen[str]) -> float:
    """The memory that a process has in RAM, in MB."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError("no VmRSS")


def count_lines(path: Path) -> int:
    """Lines of a file."""
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1_048_576), b""))


def expect_lines(path: Path, least: int) -> None:
    """Raises when less came out than went in: that is no figure."""
    found = count_lines(path)
    if found < least:
        raise ValueError(f"{found} documents of {least} came out")
