"""The vendors' own clients for Node and for browsers: installed as ``package-lock.json`` says, and run against a real ``wye``.

Segment's package holds some hundred destinations. What only others of them need is not installed: ``overrides`` in
``package.json`` puts a small package in its place that is there anyway.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import trio

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
NODE, NPM = shutil.which("node"), shutil.which("npm")

INSTALL_SECS = 300
"""How long ``npm ci`` may take. It is done anew when the lock file has changed, or after ``git clean``."""
PATIENCE_SECS = 60
"""How long one client may take for all that it was asked to do."""


def install() -> str | None:
    """Installs the clients unless they are there; why it could not, if so. Processes that do it at the same time take turns."""
    if NODE is None or NPM is None:
        return "no node or no npm on this machine (Debian's packages are called nodejs and npm)"
    folder = os.open(HERE, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        return _install(NPM)
    finally:
        os.close(folder)


def _install(npm: str) -> str | None:
    wanted = sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    mark = MODULES / ".wye-installed"
    if mark.exists() and mark.read_text() == wanted:
        return None
    command = [npm, "ci", "--no-audit", "--no-fund", "--prefer-offline"]
    try:
        subprocess.run(command, cwd=HERE, capture_output=True, check=True, timeout=INSTALL_SECS)
    except subprocess.TimeoutExpired:
        return f"npm ci took more than {INSTALL_SECS} s"
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        return f"npm ci failed with {error.returncode}: {' / '.join(said[-3:])}"
    mark.write_text(wanted)
    return None


async def run_node(script: str, *arguments: str | int | Path, given: Any = None, **environment: str) -> Any:
    """The JSON that a script of this folder prints when it reads ``given`` as JSON from its standard input."""
    assert NODE is not None
    command = [NODE, str(HERE / script), *map(str, arguments)]
    with trio.fail_after(PATIENCE_SECS):
        result = await trio.run_process(
            command,
            stdin=json.dumps(given).encode(),
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            env={**os.environ, "NODE_NO_WARNINGS": "1", **environment},
        )
    assert result.returncode == 0, result.stderr.decode()[-4000:]
    return json.loads(result.stdout)
