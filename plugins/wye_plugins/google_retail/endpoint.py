"""Google's API of user events, as its clients see it: methods of a catalogue, and the operations that some of them answer with.

Paths and answers are those of the API's HTTP bindings. Credentials are not asked for. A catalogue that is not served gets the
403 that Google has for whatever one may not see.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import cast

import msgspec
from msgspec import structs

from wye.event import Event, Json
from wye.message import Decoded, Failure, Head, Headers, Payload, Received, Reply
from wye.plugin import Accepted, Claim
from wye.records import split_records
from wye.wire import parse
from wye_plugins.google_retail import reply
from wye_plugins.google_retail.check import Checker
from wye_plugins.google_retail.collect import HTTP_BODY, PIXEL, Collected, collected
from wye_plugins.google_retail.control import read_control
from wye_plugins.google_retail.decode import GoogleRetailDecoder, in_camel_case
from wye_plugins.google_retail.imports import has_time, inline_events
from wye_plugins.google_retail.rules import MAX_USER_AGENT, is_address
from wye_plugins.google_retail.times import format_time

_METHOD = re.compile(r"/v2/(projects/[^/]+/locations/[^/]+/catalogs/[^/]+)/userEvents:(write|collect|import|rejoin|purge)")
_OPERATION = re.compile(r"/v2/(projects/[^/]+(?:/locations/[^/]+(?:/catalogs/[^/]+(?:/branches/[^/]+)?)?)?/operations/[^/]+)")
_WITH_PORT = re.compile(r"(?:\[([^\]]+)\]|([^:]+))(?::[0-9]*)?")
_ANY_ORIGIN: Headers = (("Access-Control-Allow-Origin", "*"),)
_PREFLIGHT = Reply(
    204,
    (*_ANY_ORIGIN, ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"), ("Access-Control-Allow-Headers", "Content-Type")),
)
_TAKE = Claim()


class GoogleRetailEndpoint:
    """Serves the catalogue ``parent``, or any. ``wide`` takes what the third-party document has beyond Google's API;
    ``event_types`` are further types of events to take."""

    def __init__(self, parent: str | None = None, *, wide: bool = True, event_types: Collection[str] = ()) -> None:
        self._parent = parent
        self._wide = wide
        self._checker = Checker(strict=not wide, event_types=frozenset(event_types))
        self._decoder = GoogleRetailDecoder()
        self._operations = reply.Operations()
        self._methods: dict[str, Callable[[Received, str], Accepted | Reply]] = {
            "write": self._write,
            "collect": self._collect,
            "import": self._import,
            "rejoin": self._control,
            "purge": self._control,
        }

    # ── whose it is ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def claim(self, head: Head) -> Claim | None:
        """Methods of catalogues, and operations. Whatever else Google's clients may ask for is not found."""
        if not head.path.startswith("/v2/projects/"):
            return None
        method = _METHOD.fullmatch(head.path)
        if method is not None:
            return self._claim_method(head, method[1], method[2])
        operation = _OPERATION.fullmatch(head.path)
        if operation is None:
            return _not_found(head)
        if head.method == "GET" and self._operations.get(operation[1]) is not None:
            return _TAKE
        return Claim(reply.error(404, f"Operation {operation[1]} not found."))

    def _claim_method(self, head: Head, parent: str, method: str) -> Claim:
        if self._parent is not None and parent != self._parent:
            permission = f"retail.userEvents.{_PERMISSIONS[method]}"
            words = f"Permission '{permission}' denied on resource '//retail.googleapis.com/{parent}' (or it may not exist)."
            return Claim(reply.error(403, words))
        if head.method == "OPTIONS" and method == "collect":
            return Claim(_PREFLIGHT)
        if head.method == "POST" or (head.method == "GET" and method == "collect"):
            return _TAKE
        return _not_found(head)

    def receive(self, request: Received) -> Accepted | Reply:
        method = _METHOD.fullmatch(request.head.path)
        if method is not None:
            return self._methods[method[2]](request, method[1])
        name = request.head.path.removeprefix("/v2/")
        return self._operations.get(name) or reply.error(404, f"Operation {name} not found.")

    def refusal(self, head: Head, status: int, words: str) -> Reply:
        """Google's standard form, which the page that collects may read."""
        headers = _ANY_ORIGIN if head.path.endswith(":collect") else ()
        return reply.error(status, words, (*headers, ("Retry-After", "1")) if status == 503 else headers)

    # ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _write(self, request: Received, parent: str) -> Accepted | Reply:
        decoded = self._one(request, request.body, {}, parent)
        if isinstance(decoded, Reply):
            return decoded
        return Accepted(decoded, reply.message(self._echo(request, decoded.events[0])))

    def _echo(self, request: Received, event: Event) -> Json:
        """The event as it was sent, under the API's names, with its time."""
        document = cast(dict[str, Json], in_camel_case(parse(split_records(request.body)[0])))
        details = document.get("productDetails")
        if type(details) is dict:
            document["productDetails"] = [details]
        if document.get("eventTime") is None:
            document["eventTime"] = format_time(event.time_ms, event.time_ns_rest)
        return document

    def _collect(self, request: Received, parent: str) -> Accepted | Reply:
        found = collected(request)
        if isinstance(found, str):
            return reply.error(400, found, _ANY_ORIGIN)
        decoded = self._collected(request, found, parent)
        if isinstance(decoded, Reply):
            return structs.replace(decoded, headers=(*decoded.headers, *_ANY_ORIGIN))
        as_json = "json" in request.head.query.get("$alt", request.head.query.get("alt", ""))
        return Accepted(decoded, reply.message(HTTP_BODY, _ANY_ORIGIN) if as_json else PIXEL)

    def _collected(self, request: Received, found: Collected, parent: str) -> Decoded | Reply:
        return self._one(request, found.event.encode(), found.facts, parent)

    def _one(self, request: Received, body: bytes, facts: dict[str, str], parent: str) -> Decoded | Reply:
        """The one event of a request, or Google's refusal of it."""
        if not body.strip():
            return reply.error(400, "user_event is required")
        if body.lstrip()[:1] == b"[":
            return reply.error(400, "Invalid JSON payload received. Expected an object, got an array.")
        decoded = self._decoder.decode(_payload(request, body, facts), parent)
        if decoded.failures:
            return reply.error(400, decoded.failures[0].reason)
        if len(decoded.events) != 1:
            return reply.error(400, f"user_event: expected one event, found {len(decoded.events)}")
        fault = self._checker.fault(decoded.events[0])
        return decoded if fault is None else reply.error(400, f"user_event: {fault}")

    def _import(self, request: Received, parent: str) -> Accepted | Reply:
        events = inline_events(request.body)
        if isinstance(events, Reply):
            return events
        decoded = self._checked(self._decoder.decode(_payload(request, bytes(events), {}), parent), events)
        errors = sorted((failure.index, failure.reason) for failure in decoded.failures)
        result = reply.import_result(len(decoded.events), errors, request.received_ms)
        key = b"%d:%b" % (request.received_ms, request.body)
        return Accepted(decoded, self._operations.finish(parent, "import-user-events", key, *result))

    def _checked(self, decoded: Decoded, events: msgspec.Raw) -> Decoded:
        """Of the events of an import those that Google takes; the others fail one by one."""
        failed = {failure.index for failure in decoded.failures}
        faults = [self._checker.fault(event) for event in decoded.events]
        if self._wide and not any(faults):
            return decoded
        originals = msgspec.json.decode(events, type=list[msgspec.Raw])
        places = [place for place in range(len(originals)) if place not in failed]
        if not self._wide:
            faults = [
                fault or (None if has_time(originals[place]) else "event_time is required for an import")
                for place, fault in zip(places, faults, strict=True)
            ]
        more = [
            Failure(fault, bytes(originals[place]), place)
            for place, fault in zip(places, faults, strict=True)
            if fault is not None
        ]
        taken = [event for event, fault in zip(decoded.events, faults, strict=True) if fault is None]
        return Decoded(taken, [*decoded.failures, *more], decoded.size)

    # ── control ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _control(self, request: Received, parent: str) -> Accepted | Reply:
        method = request.head.path.rpartition(":")[2]
        try:
            control = read_control(method, request.body, wide=self._wide)
        except ValueError as fault:
            return reply.error(400, str(fault))
        event = control.event(parent, request.received_ms)
        kind = f"{method}-user-events"
        success = self._operations.finish(parent, kind, event.id.encode(), *reply.control_result(method))
        return Accepted(Decoded([event], size=len(request.body)), success)


def _not_found(head: Head) -> Claim:
    return Claim(reply.error(404, f"The requested URL {head.path} was not found for {head.method}."))


_PERMISSIONS = {"write": "create", "collect": "create", "import": "import", "rejoin": "rejoin", "purge": "purge"}


def _payload(request: Received, body: bytes, facts: dict[str, str]) -> Payload:
    agent = request.head.headers.get("user-agent", "")[:MAX_USER_AGENT] or None
    return Payload(body, received_ms=request.received_ms, ip=_shopper_ip(request.head), user_agent=agent, query=facts)


def _shopper_ip(head: Head) -> str | None:
    """Some balancers put a port to an address, and some proxies a word where they know none: no reason to refuse an event."""
    said = head.headers.get("x-forwarded-for", "").partition(",")[0].strip()
    if not said:
        return head.client_ip
    match = _WITH_PORT.fullmatch(said)
    address = said if match is None else match[1] or match[2]
    return address if is_address(address) else None
