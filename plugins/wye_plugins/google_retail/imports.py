"""The body of an import: events within it, or where they lie."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from wye.message import Reply
from wye_plugins.google_retail import reply

MAX_URIS = 100
"""Files that an import from Cloud Storage may name."""

Members = dict[str, Raw]

_members = msgspec.json.Decoder(Members)
_uris = msgspec.json.Decoder(list[str])


def inline_events(body: bytes) -> Raw | Reply:
    """The JSON array of events in an import's body, or Google's refusal."""
    try:
        return _inline_events(_members.decode(body))
    except (msgspec.DecodeError, ValueError, RecursionError) as fault:
        return reply.error(400, f"Invalid JSON payload received. {fault}")


def _inline_events(request: Members) -> Raw | Reply:
    config = _part(request, "inputConfig", "input_config")
    if config is None:
        return reply.error(400, "input_config is required")
    for names in (("gcsSource", "gcs_source"), ("bigQuerySource", "big_query_source")):
        source = _part(config, *names)
        if source is not None:
            return _from_storage(source, names[0])
    inline = _part(config, "userEventInlineSource", "user_event_inline_source")
    if inline is None:
        return reply.error(400, "input_config.source is required")
    if _part(request, "errorsConfig", "errors_config"):
        return reply.error(400, "errors_config cannot be set for inline user event imports")
    events = inline.get("userEvents", inline.get("user_events"))
    if events is None or bytes(events).strip()[:1] != b"[" or not msgspec.json.decode(events, type=list[Raw]):
        return reply.error(400, "input_config.user_event_inline_source.user_events is required")
    return events


def _part(members: Members, *names: str) -> Members | None:
    raw = next((members[name] for name in names if name in members), None)
    return None if raw is None or bytes(raw) == b"null" else _members.decode(raw)


def _from_storage(source: Members, kind: str) -> Reply:
    """wye has no access to anybody's storage, and is refused as Google would be."""
    if kind == "bigQuerySource":
        return reply.error(403, "The service account does not have permission to read the BigQuery table of big_query_source.")
    given = source.get("inputUris", source.get("input_uris"))
    uris = [] if given is None else _uris.decode(given)
    if not uris:
        return reply.error(400, "input_config.gcs_source.input_uris is required")
    if len(uris) > MAX_URIS:
        return reply.error(400, f"input_config.gcs_source.input_uris has more than {MAX_URIS} files")
    return reply.error(403, f"The service account does not have storage.objects.get access to {uris[0][:2000]}.")


class _Timed(msgspec.Struct):
    camel: str | None = msgspec.field(default=None, name="eventTime")
    snake: str | None = msgspec.field(default=None, name="event_time")


_timed = msgspec.json.Decoder(_Timed)


def has_time(event: Raw) -> bool:
    """Whether an event of an import, which has been decoded before, says when it happened."""
    found = _timed.decode(event)
    return bool(found.camel or found.snake)
