from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

from router.fakes import registry
from wye.cli import main


class Wye(Protocol):
    """Runs the command in this process, with the fake parts; for all but ``run``, which sets up logging and the collector."""

    def __call__(
        self, *arguments: str, cwd: Path, stdin: str | bytes = b"", variables: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def wye(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Wye:
    def run(
        *arguments: str, cwd: Path, stdin: str | bytes = b"", variables: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr("wye.registry.load", registry)
        monkeypatch.chdir(cwd)
        for name, value in (variables or {}).items():
            monkeypatch.setenv(name, value)
        given = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        try:
            code = main(arguments)
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, said = capfdbinary.readouterr()
        return subprocess.CompletedProcess(arguments, code, out.decode(), said.decode())

    return run
