"""A vendor that keeps what it accepts, and lies, stumbles and stalls as it is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Literal

import msgspec
import trio

from faults import events
from faults.channel import Channel, ClosedError
from faults.world import SinkView, World

Stumble = Literal["reset-before", "reset-after", "429", "429-date", "500", "503", "garbage", "time-out", "hold", "partly"]

WEATHERS: dict[str, dict[Stumble, float]] = {
    "calm": {},
    "resets": {"reset-before": 0.1, "reset-after": 0.1},
    "busy": {"429": 0.05, "429-date": 0.05, "500": 0.1, "503": 0.1},
    "picky": {"partly": 0.4, "reset-after": 0.05},
    "lying": {"garbage": 0.15, "reset-after": 0.1},
    "stalling": {"time-out": 0.03, "500": 0.05},
    "down": {"reset-before": 1.0},
    "locked": {"hold": 0.8},
}
"""How often a request meets with what."""

_DONE: set[Stumble] = {"reset-after", "garbage", "time-out"}
"""After these the events have been processed, and the sender cannot know."""

_GARBAGE = (
    b"HTTP/1.1 299 Perhaps\r\nContent-Length: 3\r\n\r\n???",
    b"\x00\xff nonsense\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Le",
)
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Vendor:
    """Serves one sink. ``weather`` is a key of ``WEATHERS``; ``stumbles`` counts what went wrong on purpose; ``connections``
    are open now. ``judges``: it says of each event what has become of it; otherwise it takes a request as a whole or not at
    all."""

    def __init__(self, world: World, view: SinkView, seed: int, *, judges: bool) -> None:
        self.name = view.name
        self._world = world
        self._view = view
        self._judges = judges
        self._random = Random(seed)
        self.weather = "calm"
        self.stumbles: dict[str, int] = {}
        self.refused = 0
        self.requests = 0
        self.connections = 0
        self.hang_secs = 3.0
        self.port = 0

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listeners[0].socket.getsockname()[1]
        await trio.serve_listeners(self._connection, listeners, task_status=task_status)  # type: ignore[arg-type]

    async def _connection(self, stream: trio.SocketStream) -> None:
        channel = Channel(stream)
        self.connections += 1
        try:
            while await self._request(channel):
                pass
        except ClosedError:
            pass
        finally:
            self.connections -= 1
            with trio.move_on_after(1, shield=True):
                await stream.aclose()

    async def _request(self, channel: Channel) -> bool:
        """Whether the connection goes on."""
        _, _, body = await channel.receive()
        self.requests += 1
        stumble = self._stumble()
        if stumble is not None:
            self.stumbles[stumble] = self.stumbles.get(stumble, 0) + 1
        if stumble == "reset-before":
            return False
        if stumble in ("429", "429-date", "500", "503", "hold"):
            await channel.send(_busy(stumble))
            return True
        statuses = self._take(body, partly=stumble == "partly")
        taken = statuses.count(200)
        if statuses and not taken and not self._judges:
            self.refused += 1
            await channel.send(_answer("400 Bad Request", b"poisoned"))
            return True
        if stumble in _DONE:
            self._view.unanswered += taken
        if stumble == "reset-after":
            return False
        if stumble == "garbage":
            await channel.send(self._random.choice(_GARBAGE))
            return False
        if stumble == "time-out":
            await trio.sleep(self.hang_secs)
            return False
        await channel.send(_answer("207 Multi-Status", msgspec.json.encode(statuses)) if self._judges else _OK)
        return True

    def _stumble(self) -> Stumble | None:
        drawn = self._random.random()
        for stumble, share in WEATHERS[self.weather].items():
            drawn -= share
            if drawn < 0:
                return stumble
        return None

    def _take(self, body: bytes, *, partly: bool) -> list[int]:
        """A status for each event: 200, 400 where it is poisoned, 503 where it is not taken now."""
        try:
            documents = events.documents(body, self._view.form)
        except msgspec.MsgspecError as error:
            self._world.faults.append(f"{self._view.name} got a body that cannot be read: {error}")
            return []
        statuses = [400 if number is not None and events.is_poison(number) else 200 for number, _ in documents]
        if not self._judges:
            if 400 in statuses:
                return [400] * len(statuses)
        elif partly:
            statuses = [503 if status == 200 and self._random.random() < 0.1 else status for status in statuses]
        self._world.arrive(self._view, [one for one, status in zip(documents, statuses, strict=True) if status == 200])
        return statuses


def _busy(stumble: Stumble) -> bytes:
    now = datetime.now(UTC)
    match stumble:
        case "429":
            return _answer("429 Too Many Requests", b"slow down", f"Retry-After: {0}")
        case "429-date":
            later = format_datetime(now + timedelta(seconds=1), usegmt=True)
            return _answer(
                "429 Too Many Requests", b"slow down", f"Date: {format_datetime(now, usegmt=True)}", f"Retry-After: {later}"
            )
        case "hold":
            return _answer("403 Forbidden", b"the key is not known")
        case "503":
            return _answer("503 Service Unavailable", b"")
        case _:
            return _answer("500 Internal Server Error", b"")


def _answer(status: str, body: bytes, *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers)
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
