"""The peers, in a folder of their own (``.bench`` in the project's root): what cannot be had is left out by name."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from bench.tools import PEERS

INSTALL_SECS = 300
NODE, NPM = shutil.which("node"), shutil.which("npm")

NOT_TRIED = {
    "walkerOS": "Node-RED is there for its kind",
    "Fluent Bit, Vector, Redpanda Connect, Bento, OpenTelemetry Collector": "nothing here that installs them",
}
"""Peers that a reader may look for, and why they are not in the tables."""


def python_peers(folder: Path) -> Path | str:
    """The interpreter that has them, or why there is none."""
    target = folder / "python"
    python = target / "bin" / "python"
    wanted = PEERS / "requirements.txt"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", str(wanted)]
    fault = _once([[sys.executable, "-m", "venv", "--clear", str(target)], pip], wanted, target)
    return python if fault is None else fault


def node_peers(folder: Path) -> Path | str:
    """The ``node_modules`` that have them, or why there is none."""
    if NODE is None or NPM is None:
        return "no node or no npm on this machine"
    target = folder / "node"
    target.mkdir(parents=True, exist_ok=True)
    wanted = PEERS / "package.json"
    shutil.copy(wanted, target)
    command = [NPM, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--prefix", str(target)]
    fault = _once([command], wanted, target)
    return target / "node_modules" if fault is None else fault


def _once(commands: list[list[str]], wanted: Path, target: Path) -> str | None:
    """Run the commands unless they were run for the same list; why that failed, if so."""
    mark = target / ".installed"
    version = sha256(wanted.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == version:
        return None
    for command in commands:
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=INSTALL_SECS, text=True)
        except subprocess.TimeoutExpired:
            return f"what {wanted.name} names could not be installed within {INSTALL_SECS} s"
        except subprocess.CalledProcessError as error:
            said = (error.stderr.strip().splitlines() or [f"exit code {error.returncode}"])[-1]
            return f"what {wanted.name} names cannot be installed: {said[:120]}"
    mark.write_text(version)
    return None


def versions(python: Path | str, modules: Path | str) -> list[str]:
    """The peers' names and versions as they are written down."""
    found: list[str] = []
    if NODE is not None:
        found.append(f"node {subprocess.run([NODE, '--version'], capture_output=True, text=True, check=False).stdout.strip()}")
    if isinstance(python, Path):
        found += [line.replace("==", " ") for line in (PEERS / "requirements.txt").read_text().split()]
    if isinstance(modules, Path):
        wanted = json.loads((PEERS / "package.json").read_bytes())
        found += [f"{name} {version}" for name, version in wanted["dependencies"].items()]
    return found
