"""What all connections of one source share: the intake, the endpoints, the bounds, the common answers."""

from __future__ import annotations

import logging
import math

from wye.plugin import Intake
from wye_plugins.http.answer import text
from wye_plugins.http.body import Budget
from wye_plugins.http.claims import Endpoints
from wye_plugins.http.config import HttpSourceOptions
from wye_plugins.http.protocol import Bounds, Protocol
from wye_plugins.http.spell import Spell

log = logging.getLogger("wye.http")

TIMED_OUT = text(408, "the request took too long to arrive")


class Site:
    """Shared by the connections; ``stopping`` makes each answer its last."""

    def __init__(self, options: HttpSourceOptions, endpoints: Endpoints, intake: Intake) -> None:
        self.options = options
        self.endpoints = endpoints
        self.intake = intake
        self.stopping = False
        self.waits_for_delivery = options.ack == "delivered"
        self.budget = Budget(options.max_pending_bytes)
        retry_after = (("Retry-After", str(math.ceil(options.retry_after_secs))),)
        self.sinks_full = text(503, "the sinks are full", retry_after)
        self.bodies_full = text(503, "too many requests are being worked on", retry_after)
        self.connections_full = text(503, "too many connections", retry_after)
        self.shutting_down = text(503, "shutting down", retry_after)
        self.full = Spell(log, intake.name, "the sinks are full; requests are answered 503", "the sinks take events again")
        self._bounds = Bounds(options.max_header_bytes, options.max_body_bytes, options.max_decompressed_bytes)

    def protocol(self, client_ip: str | None) -> Protocol:
        return Protocol(self.endpoints.choose, self._bounds, self.budget, self.bodies_full, client_ip)
