from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from wye_plugins.file.disk import DiskThread


@asynccontextmanager
async def started() -> AsyncGenerator[DiskThread]:
    disk = DiskThread()
    disk.start("disk of a test")
    yield disk
    disk.stop()


def thread() -> str:
    return threading.current_thread().name


async def test_work_is_done_in_one_thread_and_its_result_comes_back() -> None:
    async with started() as disk:
        assert await disk.do(thread) == await disk.do(thread) == "disk of a test"
        assert await disk.do(max, 1, 2, key=lambda number: -number) == 1
    while any(one.name == "disk of a test" for one in threading.enumerate()):
        await trio.sleep(0.001)


async def test_what_work_raises_is_raised_and_costs_only_its_task() -> None:
    def fails() -> None:
        raise OSError(28, "no room")

    async with started() as disk:
        with pytest.raises(OSError, match="no room"):
            await disk.do(fails)
        assert await disk.do(thread)


async def test_who_is_cancelled_meanwhile_still_learns_what_came_of_it() -> None:
    go_on, found = threading.Event(), list[str]()

    def slow() -> str:
        go_on.wait()
        return "done"

    async with started() as disk, trio.open_nursery() as nursery:

        async def work() -> None:
            found.append(await disk.do(slow))

        nursery.start_soon(work)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        go_on.set()
    assert found == ["done"]


async def test_who_is_cancelled_before_gives_it_nothing_to_do() -> None:
    done: list[int] = []
    async with started() as disk:
        with trio.CancelScope() as scope:
            scope.cancel()
            await disk.do(done.append, 1)
        assert await disk.do(len, done) == 0


async def test_nothing_of_what_is_done_is_kept() -> None:
    class Documents:
        pass

    documents = Documents()
    gone = weakref.ref(documents)
    async with started() as disk:
        assert await disk.do(repr, documents)
        await disk.do(len, "")
        del documents
        gc.collect()
        assert gone() is None
