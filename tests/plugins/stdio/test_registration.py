from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from e2e.kit import letters_in
from plugins.stdio.stdio_kit import WordDecoder
from wye.canonical import CanonicalEncoder
from wye.event import to_json
from wye.plugin import Inbound, Outbound, SinkContext, SourceContext
from wye.testing import make_event
from wye_plugins.stdio import StdinOptions, wye_sinks, wye_sources

CONFIG = '[sources.in]\ntype = "stdin"\n[sinks.out]\ntype = "stdout"\ninputs = ["in"]\n'


def test_both_are_built_from_their_options() -> None:
    (source_part,) = wye_sources()
    (sink_part,) = wye_sinks()
    source = source_part.build(source_part.config(), SourceContext("in", "state", [Inbound(WordDecoder())]))
    sink = sink_part.build(sink_part.config(), SinkContext("out", Outbound(CanonicalEncoder())))
    assert (source_part.name, list(source.listens)) == ("stdin", ["stdin"])
    assert (sink_part.name, sink.target, sink.concurrency) == ("stdout", "stdout", 1)


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"max_line_bytes": 0}, StdinOptions)


def wye(folder: Path) -> subprocess.Popen[bytes]:
    (folder / "wye.toml").write_text(CONFIG)
    command = [sys.executable, "-m", "wye", "run", "wye.toml"]
    return subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


LINES = b"".join(to_json(make_event(str(number))) + b"\n" for number in range(100))


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    process = wye(tmp_path)
    out, err = process.communicate(LINES, timeout=20)
    assert (process.returncode, out) == (0, LINES), err


@pytest.mark.parametrize(("number", "name"), [(0, "source in: standard input"), (1, "sink out: standard output")])
def test_a_closed_stream_is_said_at_the_start(number: int, name: str, tmp_path: Path) -> None:
    """Its number would be that of the first file that wye opens."""
    (tmp_path / "wye.toml").write_text(CONFIG)
    line = f'exec "$@" {"<>"[number]}&-'
    command = ["sh", "-c", line, "sh", sys.executable, "-m", "wye", "run", "wye.toml"]
    done = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=20)
    assert (done.returncode, done.stderr.decode()) == (3, f"wye: {name} is closed\n")


def test_a_reader_that_leaves_is_no_crash(tmp_path: Path) -> None:
    process = wye(tmp_path)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(LINES, timeout=20)
    assert process.returncode == 0, err
    assert b"Traceback" not in err
    assert b"closed by its reader" in err
    assert len(letters_in(tmp_path / "wye-data")) == 100


def test_a_stop_does_not_wait_for_input(tmp_path: Path) -> None:
    process = wye(tmp_path)
    assert process.stdin is not None
    assert process.stdout is not None
    os.write(process.stdin.fileno(), LINES)
    assert process.stdout.readline() == LINES.splitlines(keepends=True)[0]
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    process.communicate()
