"""The vendor's ingestion server, as its clients see it: a load balancer, an nginx and a collector that takes anything.

A success is 200 with an empty body, whatever the body was: the vendor does not look into it. What is no event is a failure of
its own, and no reason to refuse the rest.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b
from http import HTTPStatus

from wye.message import Head, Headers, Payload, Received, Reply
from wye.plugin import Accepted, Claim
from wye_plugins.clickstream.decode import ClickstreamDecoder
from wye_plugins.clickstream.schema import MAX_BODY_BYTES

PING = "/ping"

_TEXT: Headers = (("Content-Type", "text/plain"),)
# The load balancer's default rule; it is what a request for an unknown app comes to.
_INVALID = Claim(Reply(403, (("Content-Type", "text/plain; charset=utf-8"),), b"DefaultAction: Invalid request"))
_TAKE = Claim(max_body_bytes=MAX_BODY_BYTES)
_HTML: Headers = (("Content-Type", "text/html"),)
_PHRASES = {408: "Request Time-out", 413: "Request Entity Too Large", 503: "Service Temporarily Unavailable"}


class ClickstreamEndpoint:
    """Takes events at ``path`` for the apps ``app_ids`` (any, where there are none), and answers at ``/ping``."""

    def __init__(self, app_ids: Collection[str] = (), path: str = "/collect") -> None:
        self._app_ids = frozenset(app_ids)
        self._path = path
        self._decoder = ClickstreamDecoder()

    def claim(self, head: Head) -> Claim | None:
        """Paths match by their beginning, the longer one first, as they do in nginx."""
        if self._is_ping(head.path):
            return Claim(_preflight(head)) if _is_preflight(head) else _TAKE
        if not head.path.startswith(self._path):
            return None
        app_id = head.query.get("appId")
        if not app_id or (self._app_ids and app_id not in self._app_ids):
            return _INVALID
        return Claim(_preflight(head)) if _is_preflight(head) else _TAKE

    def receive(self, request: Received) -> Accepted | Reply:
        head = request.head
        if self._is_ping(head.path):
            return _pong(request)
        payload = Payload(
            request.body,
            received_ms=request.received_ms,
            ip=_client_ip(head),
            user_agent=head.headers.get("user-agent"),
            query=head.query,
        )
        success = Reply(200, (*_TEXT, ("X-Request-ID", _request_id(request)), *_cors(head)))
        return Accepted(self._decoder.decode(payload), success)

    def refusal(self, head: Head, status: int, words: str) -> Reply:
        """A page of nginx, or at 503 of the load balancer. Neither has words of its own."""
        title = f"{status} {_PHRASES.get(status) or HTTPStatus(status).phrase}"
        by = "" if status == 503 else "<hr><center>nginx</center>\r\n"
        page = (
            f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
            f"<center><h1>{title}</h1></center>\r\n{by}</body>\r\n</html>\r\n"
        )
        return Reply(status, (*_HTML, ("Retry-After", "1")) if status == 503 else _HTML, page.encode())

    def _is_ping(self, path: str) -> bool:
        return path.startswith(PING) and not (len(self._path) > len(PING) and path.startswith(self._path))


def _pong(request: Received) -> Reply:
    seconds, ms = divmod(request.received_ms, 1000)
    headers = (("Content-Type", "application/json"), ("X-Request-ID", _request_id(request)), *_cors(request.head))
    return Reply(200, headers, b'{"timestamp": %d.%03d}' % (seconds, ms))


def _request_id(request: Received) -> str:
    """32 hex digits, as the vendor's are; the same request at the same moment has the same."""
    content = blake2b(request.body, digest_size=16, salt=request.received_ms.to_bytes(16, signed=False))
    return content.hexdigest()


def _client_ip(head: Head) -> str | None:
    return head.headers.get("x-forwarded-for", "").partition(",")[0].strip() or head.client_ip


def _is_preflight(head: Head) -> bool:
    return head.method == "OPTIONS" and "origin" in head.headers


def _preflight(head: Head) -> Reply:
    return Reply(204, (*_TEXT, *_cors(head)))


def _cors(head: Head) -> Headers:
    """Any origin may send: the events' app is what is checked."""
    origin = head.headers.get("origin")
    if not origin:
        return ()
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
        (
            "Access-Control-Allow-Headers",
            "DNT,X-CustomHeader,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type",
        ),
    )
