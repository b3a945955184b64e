from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from router.cli.cli_kit import command, environment, on_terminal, wye

CONFIG = """
[sources.edge]
type = "fake"
address = "127.0.0.1:8080"
[sources.history]
type = "fake"
[transforms.buys]
type = "filter"
inputs = ["edge"]
where = { type = "purchase" }
[sinks.archive]
type = "fake"
inputs = ["edge", "history"]
where = { type = ["purchase", "item_view"] }
[sinks.partner]
type = "fake"
inputs = ["buys"]
address = "https://me:${PASSWORD}@partner.example/a/rather/long/path/so/that/this/line/is/longer/than/terminals/are"
token = "${TOKEN}"
"""

VARIABLES = {"PASSWORD": "hunter22", "TOKEN": "tok-1"}

OVERVIEW = """\
source   type  takes events from
edge     fake  127.0.0.1:8080
history  fake  nowhere
transform  type    gets events of
buys       filter  edge
sink     type  gets events of                                            sends to
archive  fake  edge, history where { type = ["purchase", "item_view"] }  nowhere
partner  fake  buys                                                      \
https://me:***@partner.example/a/rather/long/path/so/that/this/line/is/longer/than/terminals/are
wye runs: stop with Ctrl-C or SIGTERM; what is in flight has 30 s then
"""

LEDGER = """\
source   received  undecodable
edge            3            0
history         3            0
sink     received  delivered  filtered  dead-lettered  dropped  in flight
archive         6          6         0              0        0          0
partner         3          0         3              0        0          0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "wye.toml").write_text(CONFIG)
    return tmp_path


def test_where_nobody_looks_all_is_plain_aligned_and_unwrapped(folder: Path) -> None:
    done = wye("run", "wye.toml", cwd=folder, variables=VARIABLES)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == OVERVIEW + LEDGER


def test_quiet_says_nothing_when_all_went_well(folder: Path) -> None:
    done = wye("run", "wye.toml", "--quiet", cwd=folder, variables=VARIABLES)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_ledger_as_json(folder: Path) -> None:
    assert wye("run", "wye.toml", "--ledger", "l.json", cwd=folder, variables=VARIABLES).returncode == 0
    ledger = json.loads((folder / "l.json").read_bytes())
    assert [(sink["name"], sink["received"], sink["delivered"]) for sink in ledger["sinks"]] == [
        ("archive", 6, 6),
        ("partner", 3, 0),
    ]


def test_a_ledger_that_cannot_be_written_is_said_before_anything_starts(folder: Path) -> None:
    done = wye("run", "wye.toml", "--ledger", "no/l.json", cwd=folder, variables=VARIABLES)
    assert (done.returncode, done.stderr) == (3, "wye: cannot write the ledger to no/l.json: No such file or directory\n")


def test_a_ledger_for_which_the_disk_has_no_room_is_said_and_shown(folder: Path) -> None:
    done = wye("run", "wye.toml", "--quiet", "--ledger", "/dev/full", cwd=folder, variables=VARIABLES)
    said = "wye: cannot write the ledger to /dev/full: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said + LEDGER)


@pytest.mark.parametrize("count", ["0", "257", "two", "1.5"])
def test_a_number_of_workers_that_is_none_is_told_with_what_is(folder: Path, count: str) -> None:
    done = wye("run", "wye.toml", "--workers", count, cwd=folder)
    assert done.returncode == 2
    assert done.stderr.endswith(f"argument --workers: expected 1 to 256, found {count}\n")


@pytest.mark.parametrize("columns", [60, 100, 200])
def test_a_terminal_is_filled_but_not_overrun(folder: Path, columns: int) -> None:
    code, sent = on_terminal(["run", "wye.toml"], folder, columns, **VARIABLES)
    assert code == 0
    assert "\x1b[1msource" in sent
    assert "hunter22" not in sent
    for line in sent.splitlines():
        plain = "".join(part.partition("m")[2] if index else part for index, part in enumerate(line.split("\x1b[")))
        assert len(plain) <= max(columns, 75)  # the last line wraps by itself


def test_a_terminal_without_colour_gets_none(folder: Path) -> None:
    (folder / "colourless.toml").write_text(CONFIG)
    done = wye("plugins", cwd=folder, variables={"NO_COLOR": "1"})
    assert "\x1b" not in done.stdout


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────────────────────────────

FAULTY = """
import sys
import wye.registry
from router import fakes
from wye.plugin import StartError
wye.registry.load = fakes.registry

class Source(fakes.FakeSource):
    async def run(self, intake, /, *, task_status):
        {run}

from wye.plugin import SourcePart, hookimpl
class Faulty:
    @hookimpl
    def wye_sources(self):
        return [SourcePart("faulty", fakes.FakeOptions, Source)]
load = fakes.load
wye.registry.load = lambda: load([("fakes", fakes), ("faulty", Faulty())], points=[])
from wye.cli import main
sys.exit(main(["run", "wye.toml"]))
"""


def faulty(folder: Path, run: str) -> tuple[int, str]:
    """The exit code, and what was said, when a source's ``run`` does this."""
    import sys

    (folder / "wye.toml").write_text(
        '[sources.a]\ntype = "faulty"\ntoken = "hunter22"\n[sinks.z]\ntype = "fake"\ninputs = ["a"]\n'
    )
    done = subprocess.run(
        [sys.executable, "-c", FAULTY.replace("{run}", run)], cwd=folder, capture_output=True, text=True, env=environment()
    )
    return done.returncode, done.stderr


def test_a_part_that_cannot_start_is_one_line_and_exit_3(folder: Path) -> None:
    assert faulty(folder, 'raise StartError(f"cannot log in with {self.options.token}")') == (
        3,
        "wye: source a: cannot log in with ***\n",
    )
    assert faulty(folder, 'open("/no/such/file")') == (3, "wye: source a: /no/such/file: No such file or directory\n")


def test_a_bug_at_the_start_is_a_traceback_without_secrets_and_exit_70(folder: Path) -> None:
    code, said = faulty(folder, "raise KeyError(self.options.token)")
    assert code == 70
    assert "Traceback" in said
    assert "KeyError: '***'" in said
    assert "raised in source a" in said
    assert "hunter22" not in said


def test_a_bug_later_is_logged_without_secrets_and_the_ledger_is_shown(folder: Path) -> None:
    code, said = faulty(folder, "task_status.started(); raise ValueError(self.options.token)")
    assert code == 70
    assert "source a broke; stopping: ***" in said
    assert "hunter22" not in said
    assert said.splitlines()[-1].startswith("z  ")


def test_what_others_said_moves_no_cursor_and_makes_no_line_of_its_own(folder: Path) -> None:
    said_by_others = r'"a\x1b[2J\n09:00:00 INFO b"'
    code, said = faulty(folder, f'task_status.started(); import logging; logging.getLogger("wye.x").warning({said_by_others})')
    assert code == 0
    assert "WARNING a\\x1b[2J 09:00:00 INFO b\n" in said


# ── signals ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

WAITING = """
import sys
import trio
import wye.registry
from router import fakes
wye.registry.load = fakes.registry

class Never:
    def set(self):
        pass
    async def wait(self):
        await trio.sleep_forever()

build = fakes.FakeSource.__init__
def hold(self, options, context):
    build(self, options, context)
    self.done = Never()
fakes.FakeSource.__init__ = hold
if "hold" in sys.argv:
    sys.argv.remove("hold")
    build_sink = fakes.FakeSink.__init__
    def hold_sink(self, options, context):
        build_sink(self, options, context)
        self.gate = Never()
    fakes.FakeSink.__init__ = hold_sink
from wye.cli import main
sys.exit(main())
"""


WAITS = 'grace_secs = 30\n[sources.a]\ntype = "fake"\n[sinks.z]\ntype = "fake"\ninputs = ["a"]\n'


def started(folder: Path, *more: str) -> subprocess.Popen[str]:
    """A daemon whose source waits for its end, once it says that it runs."""
    (folder / "wye.toml").write_text(WAITS)
    process = subprocess.Popen(
        [command()[0], "-c", WAITING, "run", "wye.toml", *more],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    said(process, "wye runs:")
    return process


def said(process: subprocess.Popen[str], words: str) -> None:
    """Wait until the process has said so."""
    assert process.stderr is not None
    while words not in (line := process.stderr.readline()):
        assert line, f"it ended without a word of {words!r}"


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, rest = process.communicate(timeout=60)
    return process.returncode, rest


@pytest.mark.usefixtures("hangups")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_drains_and_exits_with_0(folder: Path, number: signal.Signals) -> None:
    process = started(folder)
    process.send_signal(number)
    code, rest = ended(process)
    assert code == 0
    assert f"{number.name}: stopping, at most 30 s" in rest
    assert rest.splitlines()[-1].split() == ["z", "3", "3", "0", "0", "0", "0"]


def test_a_second_signal_exits_with_4_and_the_ledger_says_what_was_in_flight(folder: Path) -> None:
    process = started(folder, "hold")
    process.send_signal(signal.SIGTERM)
    said(process, "SIGTERM: stopping")
    process.send_signal(signal.SIGTERM)
    code, rest = ended(process)
    assert code == 4
    assert "SIGTERM again: giving up what is in flight" in rest
    assert rest.splitlines()[-1].split() == ["z", "3", "0", "0", "0", "0", "3"]


@pytest.mark.usefixtures("hangups")
def test_a_terminal_that_is_closed_drains(folder: Path) -> None:
    """There is nobody left who could read what is printed."""
    (folder / "wye.toml").write_text(WAITS)
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover  (another process)
        os.chdir(folder)
        os.execve(command()[0], [command()[0], "-c", WAITING, "run", "wye.toml", "--ledger", "l.json"], environment())
    screen = b""
    while b"wye runs:" not in screen:
        screen += os.read(terminal, 65536)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert json.loads((folder / "l.json").read_bytes())["sinks"][0]["delivered"] == 3


def test_a_reader_who_is_gone_changes_neither_the_exit_code_nor_the_ledger(folder: Path) -> None:
    process = started(folder, "hold", "--ledger", "l.json")
    assert process.stderr is not None
    process.stderr.close()
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 4
    assert json.loads((folder / "l.json").read_bytes())["sinks"][0]["in_flight"] == 3


def test_nohup_is_respected(folder: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = started(folder)
    finally:
        signal.signal(signal.SIGHUP, before)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    code, rest = ended(process)
    assert code == 0
    assert "SIGTERM: stopping" in rest
    assert "SIGHUP" not in rest
