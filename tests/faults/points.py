"""The named points at which a process can be killed: before and after a function of wye's, or at a call on a class of files."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import signal
from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

from faults import shim


class Point(Struct, frozen=True):
    """Beside a function: ``module`` and ``name`` (``Class.method``). ``usual`` is how many times it is passed in a second of
    load, so that a kill can be placed."""

    module: str
    name: str
    side: Literal["before", "after"]
    usual: int


class CallPoint(Struct, frozen=True):
    """At a system call on a file of these classes."""

    classes: int
    usual: int


def _both(label: str, module: str, name: str, usual: int) -> dict[str, Point]:
    return {f"{side}-{label}": Point(module, name, side, usual) for side in ("before", "after")}


POINTS: dict[str, Point | CallPoint] = {
    **_both("taking-events-in", "wye_plugins.http.connection", "Connection.offer_now", 40),
    **_both("the-answer", "wye_plugins.http.connection", "Connection.send_now", 40),
    **_both("a-commit", "wye.store", "Store._transact", 40),
    **_both("writing-rows", "wye.buffer.rows", "insert", 20),
    **_both("taking-rows-out", "wye.buffer.rows", "delete", 20),
    **_both("telling-that-rows-are-safe", "wye.buffer.disk", "DiskBuffer.written", 20),
    **_both("writing-dead-letters", "wye.deadletters.table", "write", 2),
    **_both("settling", "wye.delivery", "Delivery.settle", 100),
    **_both("sending", "wye.sink", "attempt", 40),
    **_both("reading-the-verdict", "wye_plugins.http.sink", "HttpSink._carry", 20),
    **_both("making-a-name-certain", "wye.database", "sync_directory", 2),
    **_both("appending-to-a-file", "wye_plugins.file.output", "OutputFile.append", 15),
    **_both("rotation", "wye_plugins.file.output", "OutputFile.rotate", 1),
    **_both("mending-a-file", "wye_plugins.file.output", "mend", 1),
    "at-a-call-on-a-log": CallPoint(shim.LOG, 100),
    "at-a-call-on-a-database": CallPoint(shim.DATABASE, 20),
    "at-a-call-on-the-dead-letters": CallPoint(shim.LETTERS, 4),
    "at-a-call-on-another-file": CallPoint(shim.OTHER, 50),
}


def find(point: Point) -> tuple[Any, str, Callable[..., Any]]:
    """Where the function is held, under which name, and the function. Raises ``AttributeError`` when it is gone."""
    holder: Any = importlib.import_module(point.module)
    *path, last = point.name.split(".")
    for one in path:
        holder = getattr(holder, one)
    return holder, last, getattr(holder, last)


def install(point: Point, nth: int) -> None:
    """From now on, the process kills itself when it passes ``point`` for the ``nth`` time."""
    holder, last, function = find(point)
    passed = 0

    def pass_by() -> None:
        nonlocal passed
        passed += 1
        if passed == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    @functools.wraps(function)
    def plain(*args: Any, **options: Any) -> Any:
        if point.side == "before":
            pass_by()
        result = function(*args, **options)
        if point.side == "after":
            pass_by()
        return result

    @functools.wraps(function)
    async def waiting(*args: Any, **options: Any) -> Any:
        if point.side == "before":
            pass_by()
        result = await function(*args, **options)
        if point.side == "after":
            pass_by()
        return result

    setattr(holder, last, waiting if inspect.iscoroutinefunction(function) else plain)
