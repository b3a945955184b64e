"""What the tests of this folder share: a tiny format, a running source, waiting without fixed sleeps, and disks that fail."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from trio.testing import MockClock

from wye.message import Decoded, Failure, Payload
from wye.plugin import Inbound, SourceContext
from wye.testing import FakeIntake, make_event
from wye_plugins.file.config import FileSourceOptions
from wye_plugins.file.layer import OsLayer
from wye_plugins.file.source import FileSource


class WordDecoder:
    """Each line is an event's id; ``!…`` is a failure."""

    def decode(self, payload: Payload, /) -> Decoded:
        lines = [(index, line) for index, line in enumerate(payload.body.split(b"\n")) if line]
        events = [make_event(line.decode()) for _, line in lines if line[:1] != b"!"]
        return Decoded(events, [Failure("bad", line, index) for index, line in lines if line[:1] == b"!"], len(payload.body))


def source_of(folder: Path, path: str | list[str] = "*.jsonl", **options: Any) -> FileSource:
    """A source named ``in`` whose patterns are relative to ``folder``, and whose state is in ``folder/state``."""
    paths = [str(folder / one) for one in ([path] if isinstance(path, str) else path)]
    options.setdefault("poll_secs", 0.002)
    config = FileSourceOptions(path=paths, **options)
    return FileSource(config, SourceContext("in", str(folder / "state"), [Inbound(WordDecoder())]))


def checkpoint_of(folder: Path) -> Path:
    return folder / "state" / "checkpoints" / "in.json"


def ids(intake: FakeIntake) -> list[str]:
    return [event.id for event in intake.events]


async def read_all(folder: Path, path: str | list[str] = "*.jsonl", **options: Any) -> FakeIntake:
    """What a source that reads once finds, everything settled at once."""
    intake = FakeIntake("in")
    await source_of(folder, path, **options).run(intake, task_status=trio.TASK_STATUS_IGNORED)
    return intake


@asynccontextmanager
async def following(folder: Path, path: str | list[str] = "*.jsonl", **options: Any) -> AsyncGenerator[FakeIntake]:
    """A following source and what it finds; stopped, and its end awaited, when the body is through."""
    intake = options.pop("intake", None) or FakeIntake("in")
    async with trio.open_nursery() as nursery:
        await nursery.start(source_of(folder, path, follow=True, **options).run, intake)
        yield intake
        intake.stop()


async def until(condition: Callable[[], bool], clock: MockClock | None = None, step: float = 1.0) -> None:
    """Wait in real time (worker threads run in it); with a ``clock``, ``step`` seconds pass on it with every look."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        if clock is not None:
            clock.jump(step)
        await trio.to_thread.run_sync(time.sleep, 0.001)


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


class FaultyLayer(OsLayer):
    """The real calls, with the next few of one kind failing: ``fail["write"] = [OSError(…), …]``.

    An ``int`` in place of an error, for ``write`` only, writes so many bytes and no more.
    """

    def __init__(self) -> None:
        self.fail: dict[str, list[OSError | int]] = {}
        self.calls: list[str] = []

    def _enter(self, call: str) -> int | None:
        self.calls.append(call)
        faults = self.fail.get(call)
        if not faults:
            return None
        fault = faults.pop(0)
        if isinstance(fault, OSError):
            raise fault
        return fault

    def open(self, path: str) -> int:
        self._enter("open")
        return super().open(path)

    def write(self, descriptor: int, data: memoryview) -> int:
        most = self._enter("write")
        return super().write(descriptor, data if most is None else data[:most])

    def sync(self, descriptor: int) -> None:
        self._enter("sync")
        super().sync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        self._enter("truncate")
        super().truncate(descriptor, size)

    def rename(self, path: str, new: str) -> None:
        self._enter("rename")
        super().rename(path, new)

    def sync_directory(self, path: str) -> None:
        self._enter("sync_directory")
        super().sync_directory(path)


def error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
