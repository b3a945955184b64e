"""Reads the dead letters that a process has left."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
from msgspec import Struct

from faults import events
from faults.world import World


class _Event(Struct):
    id: str


_event = msgspec.json.Decoder(_Event)

_QUERY = "SELECT stage, reason, sink, event, original FROM letters"


def read(data_dir: Path, world: World) -> None:
    """All letters in ``data_dir``, every worker's, into ``world``. Beside processes that write them, or after their end."""
    for path in data_dir.glob("dead-letters*.db"):
        _read(path, world)


def _read(path: Path, world: World) -> None:
    with closing(sqlite3.connect(path, timeout=5)) as connection:
        for stage, reason, sink, event, original in connection.execute(_QUERY):
            if stage == "decode":
                text = bytes(original or b"").decode("utf-8", "replace")
                world.bury(None, events.broken_number(text), text, reason)
            else:
                number = events.number_of(_event.decode(event).id) if event else None
                world.bury(sink, number, str(event or original), reason)
