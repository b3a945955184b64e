from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from wye_plugins.http.timekeeper import Timekeeper


class Asking:
    """Notes when it was told that its time was over."""

    def __init__(self) -> None:
        self.given_up: list[float] = []

    def give_up(self) -> None:
        self.given_up.append(trio.current_time())


@asynccontextmanager
async def keeping() -> AsyncGenerator[Timekeeper]:
    keeper = Timekeeper()
    keeper.open()
    yield keeper
    keeper.close()
    await wait_all_tasks_blocked()


async def test_each_is_given_up_once_and_at_its_time(autojump_clock: MockClock) -> None:
    now = trio.current_time()
    late, later, soon = Asking(), Asking(), Asking()
    async with keeping() as keeper:
        keeper.begin(later, now + 30)
        keeper.begin(late, now + 20)
        await trio.sleep(5)
        keeper.begin(soon, now + 10)
        await trio.sleep(100)
    assert [one.given_up for one in (soon, late, later)] == [[now + 10], [now + 20], [now + 30]]


async def test_who_is_done_is_left_in_peace(autojump_clock: MockClock) -> None:
    done, other = Asking(), Asking()
    async with keeping() as keeper:
        keeper.begin(done, trio.current_time() + 1)
        keeper.begin(other, until := trio.current_time() + 2)
        keeper.end(done)
        keeper.end(done)
        await trio.sleep(3)
        keeper.end(other)
    assert (done.given_up, other.given_up) == ([], [until])


async def test_nobody_is_woken_where_nothing_is_asked(autojump_clock: MockClock) -> None:
    async with keeping() as keeper:
        asking = Asking()
        keeper.begin(asking, trio.current_time() + 1)
        keeper.end(asking)
        await trio.sleep(2)
        await wait_all_tasks_blocked()
        assert trio.lowlevel.current_statistics().seconds_to_next_deadline > 1000
