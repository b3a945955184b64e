"""Canonical events to Moloco's requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote

import msgspec

from wye.event import Event
from wye.message import HttpRequest, HttpResponse, Shipment, Unfit
from wye.plugin import Limits
from wye.verdict import Verdict
from wye_plugins.moloco.rules import broken_rule
from wye_plugins.moloco.schema import NAMES
from wye_plugins.moloco.verdicts import verdict
from wye_plugins.moloco.write import document_of

_json = msgspec.json.Encoder(decimal_format="number")


class MolocoEncoder:
    """Writes one document an event, puts each into a request of its own and reads the answers.

    ``platform`` is the one that all events are sent to; without it the requests have no path. ``channel_type`` is for events
    that do not say where they happened.

    An identifier is required. Each goes to its own place (``user_id``, ``device.persistent_id``, ``session_id``); where there
    is a session and neither user nor visitor, the session is the ``custom_id`` too. Nobody is made up: an event of nobody is
    unfit, as is any other that breaks a rule of the vendor's.
    """

    limits = Limits(max_events=1)

    def __init__(self, platform: str | None = None, api_key: str | None = None, channel_type: str = "SITE") -> None:
        self._path = "" if platform is None else path_of(platform)
        self._headers = {"Content-Type": "application/json"}
        if api_key is not None:
            self._headers["X-API-Key"] = api_key
        self._channel_type = channel_type

    def encode(self, events: Sequence[Event]) -> list[bytes | Unfit]:
        return [self._encode(event) for event in events]

    def requests(self, shipment: Shipment) -> Iterable[HttpRequest]:
        """One request for each event: the vendor takes no more."""
        for index, document in enumerate(shipment.documents):
            yield HttpRequest((index,), document, path=self._path, headers=self._headers)

    def verdicts(self, request: HttpRequest, response: HttpResponse) -> Verdict:
        """What the answer means for the request's one event."""
        return verdict(response)

    def _encode(self, event: Event) -> bytes | Unfit:
        if event.type not in NAMES:
            return Unfit(f"Moloco has no event type for {event.type}", unmapped=True)
        document = document_of(event, self._channel_type)
        rule = broken_rule(document)
        return _json.encode(document) if rule is None else Unfit(f"Moloco refuses it: {rule}")


def path_of(platform: str) -> str:
    """The path of a platform's user events."""
    return f"/rmp/event/v1/platforms/{quote(platform, safe='')}/userevents"
