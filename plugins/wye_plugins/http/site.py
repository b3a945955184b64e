"""What the connections of one source share: intake, endpoints, bounds, common answers, conditions that are logged once."""

from __future__ import annotations

import logging
import math
import selectors

from wye.message import Headers, Reply
from wye.plugin import Intake
from wye_plugins.http.answer import text
from wye_plugins.http.body import Budget
from wye_plugins.http.claims import Endpoints
from wye_plugins.http.config import HttpSourceOptions
from wye_plugins.http.protocol import Bounds, Protocol

log = logging.getLogger("wye.http")

TIMED_OUT = text(408, "the request took too long to arrive")


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
        self.bodies_full = text(503, "too many requests are being worked on", self._retry_after)
        self.connections_full = text(503, "too many connections", self._retry_after)
        self.shutting_down = text(503, "shutting down", self._retry_after)
        self.full = Spell(log, intake.name, "the sinks are full; requests are answered 503", "the sinks take events again")
        self._bounds = Bounds(options.max_header_bytes, options.max_body_bytes, options.max_decompressed_bytes)

    def overloaded(self, failure: Reply) -> Reply:
        """A vendor's failure, with what this source asks senders to wait: clients read no other form."""
        others = (field for field in failure.headers if field[0].lower() != "retry-after")
        return Reply(failure.status, (*others, *self._retry_after), failure.body)

    def protocol(self, client_ip: str | None) -> Protocol:
        return Protocol(self.endpoints.choose, self._bounds, self.budget, self.bodies_full, client_ip)
