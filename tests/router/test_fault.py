from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from importlib import import_module

import pytest
import trio

from wye.canonical import CanonicalEncoder
from wye.fault import fault


def _told(work: Callable[[], object]) -> str:
    try:
        work()
    except Exception as error:
        return fault(error)
    raise AssertionError("nothing was raised")


def _plugin() -> None:
    raise KeyError("x")


def _silent() -> None:
    raise TimeoutError


def _library() -> None:
    json.loads("{")


async def _nursery() -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        _plugin()


async def _started() -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        nursery.start_soon(_raises)


async def _raises() -> None:
    raise KeyError("x")


async def _sleeps() -> None:
    await trio.sleep("x")  # type: ignore[arg-type]


def _line(work: Callable[[], object]) -> int:
    return work.__code__.co_firstlineno + 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("work", "what"),
    [(_plugin, "KeyError: 'x'"), (_silent, "TimeoutError"), (_library, "JSONDecodeError: Expecting property name")],
)
def test_type_message_and_the_plugins_own_last_line(work: Callable[[], object], what: str) -> None:
    told = _told(work)
    assert told.startswith(what)
    assert told.endswith(f" (router/test_fault.py:{_line(work)})")


def test_of_a_nurserys_group_what_is_in_it() -> None:
    assert _told(lambda: trio.run(_nursery)) == f"KeyError: 'x' (router/test_fault.py:{_line(_plugin)})"


def test_of_a_nurserys_group_the_line_of_the_task_itself() -> None:
    assert _told(lambda: trio.run(_started)) == f"KeyError: 'x' (router/test_fault.py:{_line(_raises)})"


def test_the_plugins_line_and_not_that_of_a_library_which_wye_brings() -> None:
    assert _told(lambda: trio.run(_sleeps)).endswith(f" (router/test_fault.py:{_line(_sleeps)})")


def test_what_comes_with_wye_is_named_too() -> None:
    assert "(wye/" in _told(partial(CanonicalEncoder().encode, (None,)))  # type: ignore[arg-type]


def test_a_plugin_that_is_not_there_has_no_place() -> None:
    assert _told(partial(import_module, "no_such_plugin")) == "ModuleNotFoundError: No module named 'no_such_plugin'"
