"""Which endpoint a request belongs to, and an endpoint's own failures."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from msgspec import Struct

from wye.message import Head, Received, Reply
from wye.plugin import Accepted, Claim, Endpoint
from wye_plugins.http.answer import text

log = logging.getLogger("wye.http")

NOT_FOUND = text(404, "no adapter serves this path")
BROKEN_WORDS = "the adapter failed on this request; see the log"
BROKEN = text(500, BROKEN_WORDS)


class Claimed(Struct, frozen=True):
    """An endpoint's claim. Without an endpoint ``claim`` has a reply."""

    claim: Claim
    endpoint: Endpoint | None = None


_NOBODY = Claimed(Claim(NOT_FOUND))
_BROKEN = Claimed(Claim(BROKEN))


class Endpoints:
    """All endpoints of one port, and what their ``adapters`` are called. Whatever an endpoint raises costs one request a 500
    and is logged once per kind."""

    def __init__(self, endpoints: Sequence[Endpoint], name: str, adapters: Sequence[str] = ()) -> None:
        self._endpoints = endpoints
        self._name = name
        self._adapters = {id(one): adapter for one, adapter in zip(endpoints, adapters, strict=False)}
        self._said: set[tuple[int, type[Exception], str]] = set()

    def choose(self, head: Head) -> Claimed:
        """The first claim without a reply, else the first with one, else the answer that nobody serves this path."""
        answered: Claimed = _NOBODY
        for endpoint in self._endpoints:
            try:
                claim = endpoint.claim(head)
            except Exception as error:
                self._say(endpoint, error)
                answered = _BROKEN if answered is _NOBODY else answered
                continue
            if claim is None:
                continue
            if claim.reply is None:
                return Claimed(claim, endpoint)
            if answered.endpoint is None:
                answered = Claimed(claim, endpoint)
        return answered

    def receive(self, endpoint: Endpoint, received: Received) -> Accepted | Reply:
        try:
            return endpoint.receive(received)
        except Exception as error:
            self._say(endpoint, error)
            return self.refuse(endpoint, received.head, 500, BROKEN_WORDS)

    def refuse(self, endpoint: Endpoint | None, head: Head | None, status: int, words: str) -> Reply:
        """A refusal as the endpoint's clients read it; plain text where nobody's it is."""
        if endpoint is not None and head is not None:
            try:
                return _a_reply(endpoint.refusal(head, status, words))
            except Exception as error:
                self._say(endpoint, error, "raised about a refusal; answered in plain text")
        return text(status, words)

    def _say(self, endpoint: Endpoint, error: Exception, what: str = "raised; answered 500") -> None:
        kind = (id(endpoint), type(error), what)
        if kind not in self._said:
            self._said.add(kind)
            adapter = self._adapters.get(id(endpoint), "")
            log.error('source %s: adapter "%s" %s (said once per kind)', self._name, adapter, what, exc_info=error)


def _a_reply(given: object) -> Reply:
    """A refusal came late to endpoints: one that inherits what it does not write gives ``None``."""
    if isinstance(given, Reply):
        return given
    raise TypeError(f"refusal gave {type(given).__name__}, expected Reply")
