"""Deliberately broken builds: the harness is worth something only if it finds out each of them."""

from __future__ import annotations

import functools
import os
import sqlite3
from collections.abc import Callable
from typing import Any


def answer_before_commit() -> None:
    """Whoever waits for a commit is told at once that it is done."""
    from wye.store import Store

    submit: Any = Store.submit

    def careless(self: Any, work: Any, done: Callable[[bool], None]) -> None:
        submit(self, work, _hear_nothing)
        done(True)

    _put(Store, "submit", careless)


def _hear_nothing(_: bool) -> None:
    return


class _Unsynced(sqlite3.Connection):
    def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
        return super().execute(sql.replace("synchronous = FULL", "synchronous = OFF"), *rest)


def no_sync() -> None:
    """Nothing is synced; only a power cut can show it."""

    def nothing(_: int) -> None:
        return

    _put(os, "fsync", nothing)
    _put(os, "fdatasync", nothing)
    _put(sqlite3, "connect", functools.partial(sqlite3.connect, factory=_Unsynced))


def letters_after_answer() -> None:
    """An event that is given up is settled at once, and its dead letter written afterwards."""
    from wye.deadletters import DeadLetters

    submit: Any = DeadLetters.submit

    def careless(self: Any, letters: Any, on_written: Callable[[], None]) -> None:
        submit(self, letters, lambda: None)
        on_written()

    _put(DeadLetters, "submit", careless)


def settle_twice() -> None:
    """What is settled is taken off the count of copies twice, as far as there are copies."""
    from wye.delivery import Delivery

    settle: Any = Delivery.settle

    def twice(self: Any, copies: int, *outcome: Any) -> None:
        for _ in range(2 if type(self) is Delivery else 1):  # a buffer's rows count with it too
            settle(self, min(copies, self.pending), *outcome)

    def expect(self: Any, copies: int) -> None:
        if self.pending > 0:
            self._open += copies

    _put(Delivery, "settle", twice)
    _put(Delivery, "expect", expect)


def order_ignored() -> None:
    """Events of a key do not wait for each other."""
    from wye.outbox import Lanes

    def admit(_: Any, parcel: Any) -> Any:
        return parcel

    def done(*_: Any) -> None:
        return

    _put(Lanes, "admit", admit)
    _put(Lanes, "done", done)


def _put(holder: object, name: str, function: object) -> None:
    setattr(holder, name, function)


MUTATIONS: dict[str, Callable[[], None]] = {
    "answer-before-commit": answer_before_commit,
    "no-sync": no_sync,
    "letters-after-answer": letters_after_answer,
    "settle-twice": settle_twice,
    "order-ignored": order_ignored,
}
