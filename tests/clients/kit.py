"""The vendors' own clients: installed as ``package-lock.json`` and ``requirements.txt`` say, and run against a real ``wye``.

Segment's package holds some hundred destinations. What only others of them need is not installed: ``overrides`` in
``package.json`` puts a small package in its place that is there anyway.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import trio

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
PYTHON = HERE / ".python"
NODE, NPM = shutil.which("node"), shutil.which("npm")

INSTALL_SECS = 300
"""How long one of the two may take. It is done anew when what is wanted has changed, or after ``git clean``."""
PATIENCE_SECS = 60
"""How long one client may take for all that it was asked to do."""


def install_node() -> str | None:
    """Installs the clients for Node and browsers unless they are there; why it could not, if so."""
    if NODE is None or NPM is None:
        return "no node or no npm on this machine (Debian's packages are called nodejs and npm)"
    return _install([NPM, "ci", "--no-audit", "--no-fund", "--prefer-offline"], HERE / "package-lock.json", MODULES)


def install_python() -> str | None:
    """Installs the clients for Python that are too much for the development environment, apart from it; why it could not."""
    wanted = HERE / "requirements.txt"
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--upgrade"]
    return _install([*command, "--target", str(PYTHON), "--requirement", str(wanted)], wanted, PYTHON)


def _install(command: list[str], wanted: Path, target: Path) -> str | None:
    """Processes that do it at the same time take turns."""
    folder = os.open(HERE, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        return _install_once(command, wanted, target / ".wye-installed")
    finally:
        os.close(folder)


def _install_once(command: list[str], wanted: Path, mark: Path) -> str | None:
    version = sha256(wanted.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == version:
        return None
    try:
        subprocess.run(command, cwd=HERE, capture_output=True, check=True, timeout=INSTALL_SECS)
    except subprocess.TimeoutExpired:
        return f"{wanted.name}: installing it took more than {INSTALL_SECS} s"
    except subprocess.CalledProcessError as error:
        said = [line for line in error.stderr.decode(errors="replace").splitlines() if line.startswith(("npm error", "ERROR"))]
        return f"what {wanted.name} names cannot be installed: {' / '.join(said[:2]) or f'exit code {error.returncode}'}"
    mark.write_text(version)
    return None


async def run_node(script: str, *arguments: str | int | Path, given: Any = None, **environment: str) -> Any:
    """The JSON that a script of this folder prints when it reads ``given`` as JSON from its standard input."""
    return await _run([str(NODE), str(HERE / script), *map(str, arguments)], given, {"NODE_NO_WARNINGS": "1", **environment})


async def run_python(script: str, given: Any, **environment: str) -> Any:
    """The same for a program in Python, which finds the clients of ``requirements.txt``."""
    return await _run([sys.executable, "-c", script], given, {"PYTHONPATH": str(PYTHON), **environment})


async def _run(command: list[str], given: Any, environment: dict[str, str]) -> Any:
    with trio.fail_after(PATIENCE_SECS):
        result = await trio.run_process(
            command,
            stdin=json.dumps(given).encode(),
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            env={**os.environ, **environment},
        )
    assert result.returncode == 0, result.stderr.decode()[-4000:]
    return json.loads(result.stdout)
