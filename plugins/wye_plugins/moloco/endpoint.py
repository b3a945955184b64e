"""The vendor's User Event API, as its clients see it: one event a request, refused with 400 where it breaks a rule.

Three paths take events. ``/rmp/event/v1/platforms/{platform}/userevents`` is the one of the vendor's guide;
``/retail/v1/platforms/{platform}/events`` is the one that its JavaScript client had before its release; ``/cdp/SEGMENT`` is the
one that Segment posts to, with the platform in a header and the time in RFC 3339.

A key is asked for first, then the platform, as the vendor's own mock server does. An answer is a gRPC status in JSON.
"""

from __future__ import annotations

import hmac
import re
from typing import cast

import msgspec

from wye.event import Json
from wye.message import Head, Headers, Payload, Received, Reply
from wye.plugin import Accepted, Claim
from wye.wire import parse
from wye_plugins.moloco.decode import MolocoDecoder, snake_case
from wye_plugins.moloco.rules import broken_rule
from wye_plugins.moloco.times import time_of

SEGMENT = "/cdp/SEGMENT"
_PATH = re.compile(r"/(?:rmp/event/v1/platforms/([^/]+)/userevents|retail/v1/platforms/([^/]+)/events)")

FUTURE_MS = 300_000
"""How far a sender's clock may be ahead of ours. The vendor refuses times in the future and does not say how far that is."""

_JSON: Headers = (("Content-Type", "application/json"),)
# The codes of google.rpc.Code that go with the statuses of HTTP.
_CODES = {401: 16, 403: 7, 404: 5, 405: 12, 408: 4, 413: 8, 500: 13, 501: 12, 503: 14}
_INVALID_ARGUMENT = 3


def _status(status: int, message: str, headers: Headers = ()) -> Reply:
    body = msgspec.json.encode({"code": _CODES.get(status, _INVALID_ARGUMENT), "message": message, "details": []})
    return Reply(status, (*_JSON, *headers), body)


_NO_KEY = _status(401, "API key is missing")
_WRONG_KEY = _status(403, "API key is not valid for this platform")
_NO_PLATFORM = _status(404, "platform is not found")
_NOT_POST = _status(405, "Method Not Allowed", (("Allow", "POST"),))
_TAKE = Claim()
_FIVE_SECS: Headers = (("Retry-After", "5"),)


class MolocoEndpoint:
    """Takes events for ``platform`` from who has ``api_key``; what is not given is not asked for."""

    def __init__(self, platform: str | None = None, api_key: str | None = None) -> None:
        self._platform = platform
        self._api_key = None if api_key is None else api_key.encode()
        self._decoder = MolocoDecoder()

    def claim(self, head: Head) -> Claim | None:
        """``None`` for a path that is not the vendor's; a refusal for another method, key or platform."""
        if head.path != SEGMENT and _PATH.fullmatch(head.path) is None:
            return None
        if head.method == "OPTIONS" and "origin" in head.headers:
            return Claim(Reply(204, _cors(head)))
        reply = self._refusal(head)
        if reply is None:
            return _TAKE
        return Claim(Reply(reply.status, (*reply.headers, *_cors(head)), reply.body))

    def receive(self, request: Received) -> Accepted | Reply:
        head = request.head
        cors = _cors(head)
        fault = _fault(request)
        if fault is not None:
            return _status(400, fault, cors)
        platform = _platform(head)
        payload = Payload(
            request.body, received_ms=request.received_ms, query={} if platform is None else {"platform": platform}
        )
        decoded = self._decoder.decode(payload)
        if decoded.failures:
            return _status(400, decoded.failures[0].reason, cors)
        return Accepted(decoded, Reply(200, (*_JSON, *cors), b"{}"))

    def refusal(self, head: Head, status: int, words: str) -> Reply:
        return _status(status, words, (*_cors(head), *(_FIVE_SECS if status == 503 else ())))

    def _refusal(self, head: Head) -> Reply | None:
        if head.method != "POST":
            return _NOT_POST
        if self._api_key is not None:
            given = head.headers.get("x-api-key")
            if not given:
                return _NO_KEY
            if not hmac.compare_digest(given.encode(), self._api_key):
                return _WRONG_KEY
        return None if self._platform in (None, _platform(head)) else _NO_PLATFORM


def _platform(head: Head) -> str | None:
    if head.path == SEGMENT:
        return head.headers.get("x-platform-id")
    match = _PATH.fullmatch(head.path)
    return None if match is None else match[1] or match[2]


def _fault(request: Received) -> str | None:
    """Why the vendor refuses the body, or ``None``."""
    try:
        document: Json = parse(request.body)
    except ValueError as error:
        return str(error)
    if not isinstance(document, dict):
        return "the body is not one JSON object"
    event = snake_case(cast(dict[str, Json], document))
    moment = time_of(event.get("timestamp"))
    if moment is not None and 0 < request.received_ms < moment[0] - FUTURE_MS:
        return "timestamp is in the future"
    if moment is not None and request.head.path == SEGMENT:
        event["timestamp"] = moment[0]
    return broken_rule(event)


def _cors(head: Head) -> Headers:
    """The vendor's guide allows calls from pages, so they may read the answers. The key is what is checked."""
    origin = head.headers.get("origin")
    if not origin:
        return ()
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Methods", "POST, OPTIONS"),
        ("Access-Control-Allow-Headers", "Content-Type, X-API-Key, X-Platform-Id"),
    )
