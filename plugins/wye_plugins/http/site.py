"""What the connections of one source share: intake, endpoints, bounds, common answers, conditions that are logged once."""

from __future__ import annotations

import logging
import math
import selectors

from wye.message import Head, Headers, Reply
from wye.plugin import Endpoint, Intake
from wye_plugins.http.answer import text
from wye_plugins.http.body import Budget
from wye_plugins.http.claims import Endpoints
from wye_plugins.http.config import HttpSourceOptions
from wye_plugins.http.protocol import Bounds, Protocol

log = logging.getLogger("wye.http")

TIMED_OUT = 408, "the request took too long to arrive"
SHUTTING_DOWN = 503, "shutting down"
NOT_SAFE = 503, "the events are not safe; send them again"

_CODINGS: Headers = (("Accept-Encoding", "gzip, deflate"),)


class Spell:
    """A condition that comes and goes, logged once when it starts and once when it ends.

    ``hit`` it each time the condition is met, ``over`` it when it is found gone.
    """

    __slots__ = ("_during", "_ended", "_hits", "_log", "_name")

    def __init__(self, log: logging.Logger, name: str, during: str, ended: str) -> None:
        self._log = log
        self._name = name
        self._during = during
        self._ended = ended
        self._hits = 0

    def hit(self) -> None:
        if self._hits == 0:
            self._log.warning("source %s: %s", self._name, self._during)
        self._hits += 1

    def over(self) -> None:
        if self._hits:
            self._log.info("source %s: %s; it happened %d times", self._name, self._ended, self._hits)
            self._hits = 0


class Site:
    """Shared by the connections; ``stopping`` makes each answer its last. Those that rest are in ``resting``."""

    def __init__(self, options: HttpSourceOptions, endpoints: Endpoints, intake: Intake) -> None:
        self.options = options
        self.endpoints = endpoints
        self.intake = intake
        self.stopping = False
        self.resting = selectors.DefaultSelector()
        self.waits_for_delivery = options.ack == "delivered"
        self.budget = Budget(options.max_pending_bytes)
        self._retry_after: Headers = (("Retry-After", str(math.ceil(options.retry_after_secs))),)
        self.connections_full = text(503, "too many connections", self._retry_after)
        """In words for everybody: whose API it is that is asked for, nobody knows before a request has come."""
        self.full = Spell(log, intake.name, "the sinks are full; requests are answered 503", "the sinks take events again")
        self._bounds = Bounds(options.max_header_bytes, options.max_body_bytes, options.max_decompressed_bytes)

    def refuse(self, endpoint: Endpoint | None, head: Head | None, status: int, words: str) -> Reply:
        """A refusal of this source's own, as the endpoint's clients read it, with what they are to do about it."""
        reply = self.endpoints.refuse(endpoint, head, status, words)
        advice = self._retry_after if status == 503 else _CODINGS if status == 415 else ()
        told = {name.lower() for name, _ in advice}
        return Reply(reply.status, (*(field for field in reply.headers if field[0].lower() not in told), *advice), reply.body)

    def protocol(self, client_ip: str | None) -> Protocol:
        return Protocol(self.endpoints.choose, self.refuse, self._bounds, self.budget, client_ip)
