"""Finding dead connections: deadlines that rest while we ourselves do not read, and the pings that use them."""

from __future__ import annotations

from math import inf

import trio

from wye_plugins.websocket.link import Link, LinkClosedError


class Patience:
    """A scope that is cancelled when nothing was heard for ``secs``, not counting the time while ``resting``."""

    def __init__(self, secs: float | None) -> None:
        self._secs = inf if secs is None else secs
        self._resting = False
        self.scope = trio.CancelScope()

    def start(self) -> trio.CancelScope:
        """A new scope, its time beginning now."""
        self.scope = trio.CancelScope()
        self.heard()
        return self.scope

    def heard(self) -> None:
        """A sign of life: the time begins anew."""
        self.scope.deadline = inf if self._resting else trio.current_time() + self._secs

    def rest(self) -> None:
        """We stop reading: what the peer says cannot be heard, and its silence means nothing."""
        self._resting = True
        self.heard()

    def wake(self) -> None:
        """We read again; the time begins anew."""
        self._resting = False
        self.heard()


class Keepalive:
    """Pings the peer, and notices when it does not answer.

    While we do not read, the peer's pongs lie behind its messages; then an unasked pong goes out instead of a ping, so that the
    peer hears from us and still knows that we live.
    """

    def __init__(self, link: Link, interval_secs: float, timeout_secs: float) -> None:
        self._link = link
        self._interval = interval_secs
        self.timeout_secs = timeout_secs
        self.patience = Patience(timeout_secs)
        self._pinging = False
        self.peer_is_dead = False

    @property
    def verdict(self) -> str:
        """What to say about a dead peer."""
        return f"no answer to a ping for {self.timeout_secs:g} s"

    async def run(self) -> None:
        """Returns when the peer is silent or the connection closed; never where the interval is 0."""
        if self._interval == 0:
            await trio.sleep_forever()
        try:
            await self._beat()
        except* LinkClosedError:
            pass
        else:
            self.peer_is_dead = True

    async def _beat(self) -> None:
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(self._interval)
                if self._pinging:
                    await self._link.pong()
                else:
                    self._pinging = True
                    nursery.start_soon(self._ping, nursery.cancel_scope)

    async def _ping(self, all_of_it: trio.CancelScope) -> None:
        with self.patience.start() as scope:
            await self._link.ping()
        self._pinging = False
        if scope.cancelled_caught:
            all_of_it.cancel()


async def attend(link: Link, keepalive: Keepalive) -> str:
    """Ignore what the peer sends until the connection is over, and return why it is. May quote the peer."""
    reasons: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_ignore_messages, link, reasons, nursery.cancel_scope)
        await keepalive.run()
        if keepalive.peer_is_dead:
            reasons.append(keepalive.verdict)
            nursery.cancel_scope.cancel()
    return reasons[0]


async def _ignore_messages(link: Link, reasons: list[str], all_of_it: trio.CancelScope) -> None:
    try:
        while True:
            await link.receive()
    except LinkClosedError as closed:
        reasons.append(str(closed))
        all_of_it.cancel()
