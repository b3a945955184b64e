"""The vendor's collector, as its clients see it.

A success is 200 with an empty body, whatever the body was: the vendor drops fields, not events, and tells nobody. What is no
envelope is a failure of its own, and no reason to refuse the rest. The vendor also answers 202 to known crawlers and drops what
they send; which they are it does not say, so here everybody is taken.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from msgspec import structs

from wye.message import Decoded, Failure, Head, Headers, Payload, Received, Reply
from wye.plugin import Accepted, Claim
from wye_plugins.reelevant.decode import ReelevantDecoder
from wye_plugins.reelevant.form import form_as_json
from wye_plugins.reelevant.schema import DATASOURCE_ID

_PATH = re.compile(r"/collect/([^/]*)/rlvt/?")
_SPACE = b" \t\r\n"
_TAKE = Claim()
_ONE_MINUTE: Headers = (("Retry-After", "60"),)


class ReelevantEndpoint:
    """Takes events for the datasources ``datasource_ids`` (any, where there are none)."""

    def __init__(self, datasource_ids: Collection[str] = ()) -> None:
        self._known = frozenset(each.lower() for each in datasource_ids)
        self._decoder = ReelevantDecoder()

    def claim(self, head: Head) -> Claim | None:
        """Only its own path and methods. A refusal comes from ``receive``: another vendor's would be heard before it."""
        if _PATH.fullmatch(head.path) is None:
            return None
        if head.method == "OPTIONS" and "origin" in head.headers:
            return _TAKE
        return _TAKE if head.method == "POST" else None

    def receive(self, request: Received) -> Accepted | Reply:
        head = request.head
        cors = _cors(head)
        if head.method == "OPTIONS":
            return Reply(204, (*cors, *_PREFLIGHT))
        match = _PATH.fullmatch(head.path)
        datasource_id = match[1] if match else ""
        if not DATASOURCE_ID.fullmatch(datasource_id):
            return Reply(400, cors)
        if self._known and datasource_id.lower() not in self._known:
            return Reply(404, cors)
        if not request.body.strip(_SPACE):
            return Reply(400, cors)
        return self._accepted(request, cors)

    def _accepted(self, request: Received, cors: Headers) -> Accepted:
        head = request.head
        payload = Payload(
            request.body,
            received_ms=request.received_ms,
            ip=head.headers.get("x-forwarded-for", "").partition(",")[0].strip() or head.client_ip,
            user_agent=head.headers.get("user-agent"),
            query=head.query,
        )
        decoded = self._decoder.decode(payload)
        if decoded.failures and not decoded.events and _is_form(request):
            decoded = self._of_form(payload, decoded)
        return Accepted(decoded, Reply(200, cors))

    def refusal(self, head: Head, status: int, words: str) -> Reply:
        """The status alone is what the vendor's clients look at; of bodies nothing is known."""
        return Reply(status, (*_cors(head), *(_ONE_MINUTE if status == 503 else ())))

    def _of_form(self, payload: Payload, as_json: Decoded) -> Decoded:
        """The envelope in a form; a failure keeps the form's own bytes. A body that is JSON after all stays what it was."""
        if payload.body.lstrip(_SPACE)[:1] in (b"{", b"["):
            return as_json
        try:
            decoded = self._decoder.decode(structs.replace(payload, body=form_as_json(payload.body)))
        except ValueError as error:
            return Decoded((), [Failure(str(error), payload.body)], len(payload.body))
        failures = [structs.replace(failure, original=payload.body) for failure in decoded.failures]
        return Decoded(decoded.events, failures, len(payload.body))


def _is_form(request: Received) -> bool:
    kind = request.head.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"


# The vendor's tracker posts JSON from shops' pages, which browsers allow only so. Its very answer is not documented.
_PREFLIGHT: Headers = (
    ("Access-Control-Allow-Methods", "POST, OPTIONS"),
    ("Access-Control-Allow-Headers", "Content-Type"),
    ("Access-Control-Max-Age", "86400"),
)


def _cors(head: Head) -> Headers:
    origin = head.headers.get("origin")
    if not origin:
        return ()
    return (("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Credentials", "true"), ("Vary", "Origin"))
