"""An adapter for a vendor that gives its verdict event by event: canonical JSON, answered with a list of statuses."""

from __future__ import annotations

import msgspec

from wye.canonical import CanonicalEncoder, CanonicalOptions, by_status
from wye.message import HttpRequest, HttpResponse
from wye.plugin import AdapterPart, Outbound, Role, hookimpl
from wye.verdict import DELIVERED, Verdict, Verdicts

NAME = "judged"

_statuses = msgspec.json.Decoder(list[int])
_VERDICTS = {200: DELIVERED, 400: Verdict("rejected", "poisoned", status=400), 503: Verdict("retry", "not now", status=503)}
_NO_VERDICTS = Verdict("busy", "a success without verdicts says nothing of any event")


class JudgedEncoder(CanonicalEncoder, frozen=True):
    """Raises ``KeyError`` for a status that the vendor does not have, ``msgspec.DecodeError`` for an answer that is no list."""

    def verdicts(self, request: HttpRequest, response: HttpResponse, /) -> Verdicts:
        if response.status != 207:
            found = by_status(response)
            return _NO_VERDICTS if found is DELIVERED else found
        return [_VERDICTS[status] for status in _statuses.decode(response.body)]


@hookimpl
def wye_adapters() -> list[AdapterPart]:
    """The adapter, outbound only."""
    return [AdapterPart(NAME, None, Role(CanonicalOptions, lambda _: Outbound(JudgedEncoder())))]
