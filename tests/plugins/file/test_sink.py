from __future__ import annotations

import errno
import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from plugins.file.file_kit import FaultyLayer, error, until
from wye.plugin import StartError
from wye.testing import make_event, shipment_of
from wye.verdict import DELIVERED, Verdict
from wye_plugins.file.config import FileSinkOptions
from wye_plugins.file.sink import FileSink

DAY_MS = 86_400_000


def sink_to(path: Path, layer: FaultyLayer | None = None, **options: Any) -> FileSink:
    return FileSink(FileSinkOptions(path=str(path), **options), "out", layer, lambda: 1_700_049_600.0)


async def test_one_document_a_line(tmp_path: Path) -> None:
    sink = sink_to(tmp_path / "deep" / "a.jsonl")
    async with sink.open():
        assert await sink.send(shipment_of([make_event("1"), make_event("2")], [b"a", b"b"])) is DELIVERED
        assert (tmp_path / "deep" / "a.jsonl").read_bytes() == b"a\nb\n"
        assert await sink.send(shipment_of([make_event("3")], [b"c"])) is DELIVERED
    assert (tmp_path / "deep" / "a.jsonl").read_bytes() == b"a\nb\nc\n"


async def test_compressed_by_its_suffix(tmp_path: Path) -> None:
    sink = sink_to(tmp_path / "a.jsonl.gz")
    async with sink.open():
        await sink.send(shipment_of([make_event("1")], [b"a"]))
        await sink.send(shipment_of([make_event("2")], [b"b"]))
        assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()) == b"a\nb\n"


async def test_events_go_where_their_times_say(tmp_path: Path) -> None:
    sink = sink_to(tmp_path / "{date}" / "{sink}.jsonl")
    times = [0, DAY_MS, 1, -1, DAY_MS + 1]
    events = [make_event(str(index), time_ms=time) for index, time in enumerate(times)]
    async with sink.open():
        assert await sink.send(shipment_of(events, [b"0", b"1", b"2", b"3", b"4"])) is DELIVERED
    assert {path.parent.name: path.read_bytes() for path in tmp_path.glob("*/out.jsonl")} == {
        "1970-01-01": b"0\n2\n",
        "1970-01-02": b"1\n4\n",
        "unknown": b"3\n",
    }


async def test_a_full_disk_costs_only_the_events_of_its_file(tmp_path: Path) -> None:
    layer = FaultyLayer()
    sink = sink_to(tmp_path / "{date}.jsonl", layer)
    events = [make_event("1", time_ms=0), make_event("2", time_ms=DAY_MS), make_event("3", time_ms=0)]
    async with sink.open():
        layer.fail["write"] = [3, error(errno.ENOSPC)]
        verdicts = await sink.send(shipment_of(events, [b"first", b"other", b"second"]))
        full = Verdict("busy", f"disk full: cannot write {tmp_path}/1970-01-01.jsonl: No space left on device")
        assert verdicts == [full, DELIVERED, full]
        assert (tmp_path / "1970-01-01.jsonl").read_bytes() == b""
        assert await sink.send(shipment_of([events[0], events[2]], [b"first", b"second"])) is DELIVERED
    assert (tmp_path / "1970-01-01.jsonl").read_bytes() == b"first\nsecond\n"


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.EIO, "busy"), (errno.EDQUOT, "busy"), (errno.EROFS, "hold"), (errno.EACCES, "hold")]
)
async def test_who_is_asked_to_mend_it(tmp_path: Path, number: int, kind: str) -> None:
    layer = FaultyLayer()
    sink = sink_to(tmp_path / "a", layer)
    async with sink.open():
        layer.fail["write"] = [error(number)]
        verdicts = await sink.send(shipment_of([make_event()], [b"a"]))
        assert not isinstance(verdicts, Verdict)
        assert (verdicts[0].kind, os.strerror(number) in verdicts[0].reason) == (kind, True)


async def test_a_failed_sync_is_never_a_delivery(tmp_path: Path) -> None:
    layer = FaultyLayer()
    sink = sink_to(tmp_path / "a", layer)
    shipment = shipment_of([make_event()], [b"a"])
    async with sink.open():
        layer.fail["sync"] = [error(errno.EIO)]
        assert await sink.send(shipment) == [Verdict("busy", f"cannot write {tmp_path}/a: Input/output error")]
        layer.calls.clear()
        assert await sink.send(shipment) is DELIVERED
        assert [call for call in layer.calls if call in ("open", "write", "sync")] == ["open", "write", "sync"]
    assert (tmp_path / "a").read_bytes() == b"a\n"


async def test_a_path_that_cannot_be_written_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "a.jsonl", tmp_path / "file" / "{date}.jsonl"):
        with pytest.raises(
            StartError, match=rf"sink out: cannot write {tmp_path}/file.*: Not a directory; mend it or choose another `path`$"
        ):
            async with sink_to(path).open():
                pytest.fail("it started")
    with pytest.raises(StartError, match="Is a directory"):
        async with sink_to(tmp_path).open():
            pytest.fail("it started")


async def test_two_sinks_cannot_write_one_file(tmp_path: Path) -> None:
    async with sink_to(tmp_path / "a").open():
        with pytest.raises(StartError, match="being written by another sink or process"):
            async with sink_to(tmp_path / "a").open():
                pytest.fail("it started")


async def test_age_rotates_without_waiting_for_an_event(tmp_path: Path, mock_clock: MockClock) -> None:
    sink = sink_to(tmp_path / "a.jsonl", max_file_secs=60)
    async with sink.open():
        await sink.send(shipment_of([make_event()], [b"a"]))
        mock_clock.jump(59)
        await sink.send(shipment_of([make_event()], [b"b"]))
        assert (tmp_path / "a.jsonl").read_bytes() == b"a\nb\n"
        await until(lambda: not (tmp_path / "a.jsonl").exists(), mock_clock)  # the new name is there before, reserved
        assert (tmp_path / "a.20231115T120000Z-1.jsonl").exists()
        await sink.send(shipment_of([make_event()], [b"c"]))
    assert (tmp_path / "a.jsonl").read_bytes() == b"c\n"


async def test_a_rotation_that_fails_is_said_once_and_tried_again(
    tmp_path: Path, mock_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    layer = FaultyLayer()
    sink = sink_to(tmp_path / "a.jsonl", layer, max_file_secs=60)
    async with sink.open():
        await sink.send(shipment_of([make_event()], [b"a"]))
        layer.fail["rename"] = [error(errno.EACCES)] * 3
        await until((tmp_path / "a.20231115T120000Z-1.jsonl").exists, mock_clock)
    assert caplog.text.count("cannot rotate or close a file: Permission denied") == 1


async def test_files_of_past_hours_are_closed(tmp_path: Path, mock_clock: MockClock) -> None:
    sink = sink_to(tmp_path / "{hour}.jsonl")
    async with sink.open():
        await sink.send(shipment_of([make_event(time_ms=0)], [b"a"]))
        assert open_files(tmp_path) == ["00.jsonl"]
        await until(lambda: open_files(tmp_path) == [], mock_clock)


def open_files(folder: Path) -> list[str]:
    found: list[str] = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = entry.readlink()
        except FileNotFoundError:
            continue
        if target.parent == folder:
            found.append(target.name)
    return found


KILLED = """
import sys, trio
from wye.testing import make_event, shipment_of
from wye_plugins.file.config import FileSinkOptions
from wye_plugins.file.sink import FileSink

async def main():
    sink = FileSink(FileSinkOptions(path=sys.argv[1]), "out")
    async with sink.open():
        number = 0
        while True:
            documents = [b'{"n":%d,"pad":"%s"}' % (number + i, b"x" * 3000) for i in range(50)]
            await sink.send(shipment_of([make_event()] * 50, documents))
            number += 50
            print(number, flush=True)

trio.run(main)
"""


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
async def test_what_was_delivered_survives_a_kill(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout as output:
        for _ in range(5):
            output.readline()
        process.kill()
        said = [int(line) for line in output.read().split() if line]
    delivered = max([250, *said])
    with path.open("ab") as file:
        file.write(b'{"torn' if name.endswith("l") else gzip.compress(b'{"torn"}\n')[:-5])
    sink = sink_to(path)
    async with sink.open():
        await sink.send(shipment_of([make_event()], [b"after"]))
    content = path.read_bytes()
    lines = (gzip.decompress(content) if name.endswith(".gz") else content).split(b"\n")
    assert lines[-2:] == [b"after", b""]
    assert len(lines) - 2 >= delivered
    assert all(line.startswith(b'{"n":%d,' % number) and line.endswith(b'x"}') for number, line in enumerate(lines[:-2]))


async def test_a_stop_waits_for_the_write_in_progress(tmp_path: Path) -> None:
    sink = sink_to(tmp_path / "a")
    async with sink.open():
        with trio.CancelScope() as scope:
            scope.cancel()
            await sink.send(shipment_of([make_event()], [b"a"]))
        assert await sink.send(shipment_of([make_event()], [b"b"])) is DELIVERED
    assert (tmp_path / "a").read_bytes().endswith(b"b\n")
