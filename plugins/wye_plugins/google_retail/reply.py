"""Google's answers as its clients see them: messages in JSON, errors, operations."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from wye.event import Json
from wye.message import Headers, Reply
from wye_plugins.google_retail.times import format_time

JSON: Headers = (("Content-Type", "application/json; charset=UTF-8"),)

_TYPES = "type.googleapis.com/google.cloud.retail.v2."
_CODES = {
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}
# What Google says itself; to anything else wye's own words are put.
_WORDS = {413: "Request payload size exceeds the limit.", 503: "The service is currently unavailable."}
INVALID_ARGUMENT = 3
"""The code of an error within an operation: gRPC's, not HTTP's."""

MAX_SAMPLES = 100
"""Errors that an import tells in full."""

MAX_OPERATIONS = 1_000
"""Operations that can be asked for at a time; the oldest is forgotten first."""

MAX_OPERATIONS_BYTES = 16_777_216
"""So much of them is kept: an import's samples may quote megabytes of what was sent."""

MAX_OPERATION_BYTES = MAX_OPERATIONS_BYTES // 4
"""One that is larger is not kept: it would drive all others out. Its answer says already how it ended."""

_json = msgspec.json.Encoder(decimal_format="number")


def message(content: Json, headers: Headers = ()) -> Reply:
    """A success."""
    return Reply(200, (*JSON, *headers), _json.encode(content))


def error(status: int, words: str, headers: Headers = ()) -> Reply:
    """A refusal, in Google's standard form."""
    body = {"error": {"code": status, "message": _WORDS.get(status, words), "status": _CODES.get(status, "INVALID_ARGUMENT")}}
    return Reply(status, (*JSON, *headers), _json.encode(body))


class Operations:
    """Operations that are done, for as long as somebody may ask for them."""

    def __init__(self) -> None:
        self._done: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes = 0

    def finish(self, parent: str, kind: str, key: bytes, metadata: Json, response: Json) -> Reply:
        """The answer to the call ``kind``, which ended with ``response``. The same ``key`` gets the same name."""
        name = f"{parent}/operations/{kind}-{blake2b(key, digest_size=10).hexdigest()}"
        body = _json.encode({"name": name, "metadata": metadata, "done": True, "response": response})
        if len(body) > MAX_OPERATION_BYTES:
            return Reply(200, JSON, body)
        self._kept_bytes += len(body) - len(self._done.get(name, b""))
        self._done[name] = body
        self._done.move_to_end(name)
        while len(self._done) > MAX_OPERATIONS or self._kept_bytes > MAX_OPERATIONS_BYTES:
            self._kept_bytes -= len(self._done.popitem(last=False)[1])
        return Reply(200, JSON, body)

    def get(self, name: str) -> Reply | None:
        """The operation of this name, if it is known."""
        body = self._done.get(name)
        return None if body is None else Reply(200, JSON, body)


def import_result(taken: int, errors: Sequence[tuple[int, str]], time_ms: int) -> tuple[Json, Json]:
    """Metadata and response of an import: how many events were taken, and why each of the others was not, by its place.

    wye knows no catalogue, so all that were taken count as joined with their products.
    """
    time = format_time(time_ms)
    metadata = {
        "@type": _TYPES + "ImportMetadata",
        "createTime": time,
        "updateTime": time,
        "successCount": str(taken),
        "failureCount": str(len(errors)),
    }
    response: dict[str, Json] = {
        "@type": _TYPES + "ImportUserEventsResponse",
        "importSummary": {"joinedEventsCount": str(taken), "unjoinedEventsCount": "0"},
    }
    if errors:
        response["errorSamples"] = [
            {"code": INVALID_ARGUMENT, "message": f"user_events[{place}]: {reason}"} for place, reason in errors[:MAX_SAMPLES]
        ]
    return metadata, response


def control_result(method: str) -> tuple[Json, Json]:
    """Metadata and response of a rejoin or a purge. wye keeps no events, so it has none of its own to count."""
    if method == "purge":
        return {"@type": _TYPES + "PurgeMetadata"}, {"@type": _TYPES + "PurgeUserEventsResponse", "purgedEventsCount": "0"}
    metadata = {"@type": _TYPES + "RejoinUserEventsMetadata"}
    return metadata, {"@type": _TYPES + "RejoinUserEventsResponse", "rejoinedUserEventsCount": "0"}
