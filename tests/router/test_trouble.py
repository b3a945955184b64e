from __future__ import annotations

import logging

import pytest
import trio
from trio.testing import MockClock

from wye.trouble import Trouble

log = logging.getLogger("wye.test")


async def test_it_is_said_when_it_begins_and_when_it_ends(caplog: pytest.LogCaptureFixture, autojump_clock: MockClock) -> None:
    trouble = Trouble(log, "sink x")
    for _ in range(5):
        trouble.now("no route")
        await trio.sleep(1)
    trouble.over()
    trouble.over()
    assert [record.message for record in caplog.records] == [
        "sink x: no route; trying again",
        "sink x: works again after 5.0 s",
    ]


async def test_another_reason_is_said_too_but_each_only_once(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble(log, "sink x")
    for reason in ["refused", "timed out", "refused", "timed out"]:
        trouble.now(reason)
    assert [record.message for record in caplog.records] == [
        "sink x: refused; trying again",
        "sink x: timed out; trying again",
    ]


async def test_reasons_without_end_are_not_all_said_but_the_operators_own_is(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble(log, "sink x")
    for number in range(1000):
        trouble.now(f"event {number} is locked")
    assert len(caplog.records) == 10
    trouble.now("wrong key", grave=True)
    assert caplog.records[-1].levelno == logging.ERROR


async def test_what_comes_again_is_said_again(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble(log, "sink x")
    for _ in range(2):
        trouble.now("busy")
        trouble.over()
    assert len(caplog.records) == 4
