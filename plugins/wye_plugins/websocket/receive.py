"""What both kinds of source do with an open connection: read, batch what is there, decode, emit."""

from __future__ import annotations

import time
from typing import Literal

import trio
from msgspec import Struct

from wye.plugin import Decoder, Intake
from wye_plugins.websocket.config import WebSocketSourceOptions
from wye_plugins.websocket.inbox import Inbox
from wye_plugins.websocket.link import MESSAGES_AT_HAND, Link, LinkClosedError
from wye_plugins.websocket.watch import Keepalive, Patience

_TOO_LARGE = 1009


Why = Literal["closed", "no_pong", "silent", "too_large", "stopped"]


class ReceiveLimits(Struct, frozen=True):
    """How much to take at a time, and how long to wait for signs of life."""

    max_message_bytes: int
    max_batch_events: int
    ping_interval_secs: float
    ping_timeout_secs: float
    silence_timeout_secs: float | None = None


def limits_of(options: WebSocketSourceOptions) -> ReceiveLimits:
    return ReceiveLimits(
        options.max_message_bytes,
        options.max_batch_events,
        options.ping_interval_secs,
        options.ping_timeout_secs,
        options.silence_timeout_secs,
    )


class Ended(Struct, frozen=True):
    """How a connection ended: its peer closed or broke it, we found it dead or misused, or wye stopped.

    ``reason`` is for a person to read and may quote the peer; ``messages`` is how many were read.
    """

    why: Why
    reason: str
    messages: int


class Receiver:
    """Takes in the messages of one connection until it ends or wye stops. Closing the connection is the caller's part."""

    def __init__(self, link: Link, decoder: Decoder, limits: ReceiveLimits) -> None:
        self._link = link
        self._decoder = decoder
        self._limits = limits
        self._inbox = Inbox(limits.max_batch_events, 4 * limits.max_message_bytes)
        self._keepalive = Keepalive(link, limits.ping_interval_secs, limits.ping_timeout_secs)
        self._silence = Patience(limits.silence_timeout_secs)
        self._changed = trio.Event()
        self._why: Why = "stopped"
        self._reason = ""
        self._over = False

    async def run(self, intake: Intake) -> Ended:
        """Returns once everything that was read is emitted, how ever the connection ended."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._hand_on, intake)
            with intake.until_stopped():
                await self._read_while_alive()
            await self._gather_what_is_at_hand()
            self._over = True
            self._notify()
        return Ended(self._why, self._reason, self._inbox.received)

    async def _read_while_alive(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_pongs, nursery.cancel_scope)
            await self._read()
            nursery.cancel_scope.cancel()

    async def _watch_pongs(self, reading: trio.CancelScope) -> None:
        await self._keepalive.run()
        if self._keepalive.peer_is_dead:
            self._ended("no_pong", self._keepalive.verdict)
            reading.cancel()

    async def _read(self) -> None:
        with self._silence.start() as scope:
            try:
                while True:
                    await self._wait_for_room()
                    self._put(await self._link.receive())
            except LinkClosedError as closed:
                self._ended("too_large" if closed.code == _TOO_LARGE else "closed", str(closed))
        if scope.cancelled_caught:
            self._ended("silent", f"no message for {self._limits.silence_timeout_secs:g} s")

    def _ended(self, why: Why, reason: str) -> None:
        self._why = why
        self._reason = reason

    def _put(self, body: bytes) -> None:
        self._inbox.put(body, int(time.time() * 1000))
        self._silence.heard()
        self._keepalive.patience.heard()
        self._notify()

    async def _wait_for_room(self) -> None:
        if not self._inbox.full:
            return
        for patience in (self._silence, self._keepalive.patience):
            patience.rest()
        while self._inbox.full:
            await self._changed.wait()
        for patience in (self._silence, self._keepalive.patience):
            patience.wake()

    async def _gather_what_is_at_hand(self) -> None:
        with trio.move_on_after(0.01):
            try:
                for _ in range(MESSAGES_AT_HAND + 1):  # what is queued, and what its reading task holds in hand
                    self._inbox.put(await self._link.receive(), int(time.time() * 1000))
            except LinkClosedError:
                pass

    async def _hand_on(self, intake: Intake) -> None:
        while True:
            while not len(self._inbox):
                if self._over:
                    return
                await self._changed.wait()
            await self._let_it_gather()
            batch = self._inbox.take()
            self._notify()
            decoded, place = batch.decode(self._decoder)
            await intake.emit(decoded, place=place)

    async def _let_it_gather(self) -> None:
        """Give the reading tasks their turns while they still bring something. It takes microseconds and no waiting."""
        turns_without = 0
        while turns_without < 2 and not self._inbox.full:
            before = len(self._inbox)
            await trio.lowlevel.checkpoint()
            turns_without = turns_without + 1 if len(self._inbox) == before else 0

    def _notify(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
