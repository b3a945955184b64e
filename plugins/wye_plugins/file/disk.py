"""A thread of a sink's own for all that touches the disk, one thing after the other.

Work goes to it and comes back for half of what trio's threads cost, which are named anew for each call and found in a pool.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar, cast

import trio

T = TypeVar("T")
P = ParamSpec("P")


class DiskThread:
    """Between ``start`` and ``stop``."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()

    def start(self, name: str) -> None:
        """From within trio."""
        token = trio.lowlevel.current_trio_token()
        threading.Thread(target=self._work, args=(token,), name=name, daemon=True).start()

    def stop(self) -> None:
        """When all work is done."""
        self._jobs.put(None)

    async def do(self, work: Callable[P, T], /, *arguments: P.args, **keywords: P.kwargs) -> T:
        """What ``work`` returns or raises. Once it is given to the thread a cancellation waits for its end."""
        await trio.lowlevel.checkpoint_if_cancelled()
        job = _Job(lambda: work(*arguments, **keywords))
        self._jobs.put(job)
        await trio.lowlevel.wait_task_rescheduled(_go_on_waiting)
        if job.error is not None:
            raise job.error
        return cast(T, job.result)

    def _work(self, token: trio.lowlevel.TrioToken) -> None:
        while (job := self._jobs.get()) is not None:
            job.run()
            token.run_sync_soon(trio.lowlevel.reschedule, job.task)
            del job  # or the last documents would stay until the next come


class _Job:
    """Work, what came of it, and the task that waits for that."""

    __slots__ = ("_work", "error", "result", "task")

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self.task = trio.lowlevel.current_task()
        self.result: object = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:  # whatever it is, it is for the task that waits
            self.error = error


def _go_on_waiting(_: Any) -> trio.lowlevel.Abort:
    return trio.lowlevel.Abort.FAILED
