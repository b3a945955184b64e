"""Canonical events to Google's documents and requests.

In the spelling ``api``, the default, nothing is written that Google's API would refuse: what an event of this type must not
have, or the API does not know, lies in custom attributes. In the spelling ``seed``, that of the third-party document which
names types such as ``page-view`` and lets any name be one, everything stands at its own place.

A visitor is required; an event that has none is sent with its user, or its session, instead. A purchase's ``revenue`` is the
grand total; where an event has none it is the goods' total with shipping and tax, which is what that word means. Nothing else
is made up: what Google requires and the event does not have makes it unfit, by the name of the rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, cast

import msgspec

from wye.event import CONTROL, Event, Json
from wye.message import FollowUp, HttpRequest, HttpResponse, Shipment, Unfit
from wye.plugin import Limits
from wye.verdict import Verdicts
from wye.wire import overlay
from wye_plugins.google_retail.admit import DETAIL, EVENT, admit, admit_attributes, close
from wye_plugins.google_retail.attributes import EXTRA, Bag, carry
from wye_plugins.google_retail.control import method_of
from wye_plugins.google_retail.document import Document, bag_of
from wye_plugins.google_retail.operation import (
    MAX_EVENTS,
    ImportRequest,
    PollRequest,
    import_of,
    import_verdicts,
    poll_verdicts,
)
from wye_plugins.google_retail.purchase import UnfitError
from wye_plugins.google_retail.rules import EVERYWHERE, allowed, cut, is_plain, missing, too_long
from wye_plugins.google_retail.schema import VENDOR
from wye_plugins.google_retail.slots import SEED_DETAIL
from wye_plugins.google_retail.verdicts import JSON, verdict
from wye_plugins.google_retail.write import document_of, name_of

DEFAULT_PARENT = "projects/wye/locations/global/catalogs/default_catalog"
"""Where events go that nobody has named a catalogue for; there is none of this name, and Google says so."""


_json = msgspec.json.Encoder(decimal_format="number")


class GoogleRetailEncoder:
    """Writes events, packs them into requests and reads the answers. ``imports`` sends many at a time to ``userEvents:import``;
    otherwise each goes to ``userEvents:write`` by itself. ``parent`` replaces whatever catalogue an
    event came from. ``forward_control`` sends rejoins and purges on."""

    def __init__(
        self,
        parent: str | None = None,
        spelling: Literal["api", "seed"] = "api",
        *,
        imports: bool = False,
        forward_control: bool = False,
    ) -> None:
        self._parent = parent
        self._imports = imports
        self._forward_control = forward_control
        self.limits = Limits(max_events=MAX_EVENTS, divisible=True) if imports else Limits()
        self._wide = spelling == "seed"

    def parent_of(self, event: Event) -> str:
        """The catalogue that an event is sent to: the configured one, or the one it came from, when it came from Google's."""
        own = event.origin.tenant if event.origin.vendor == VENDOR else None
        return self._parent or own or DEFAULT_PARENT

    def encode(self, events: Sequence[Event]) -> list[bytes | Unfit]:
        return [self._encode(event) for event in events]

    def requests(self, shipment: Shipment) -> Iterable[HttpRequest]:
        """A request for each event, or one for all events of a catalogue; in any case one for each call that is none."""
        lots: dict[str, list[int]] = {}
        for index, event in enumerate(shipment.events):
            parent, method = self.parent_of(event), method_of(event)
            if self._imports and method is None:
                lots.setdefault(parent, []).append(index)
            else:
                path = f"/v2/{parent}/userEvents:{method or 'write'}"
                yield HttpRequest([index], shipment.documents[index], path=path, headers=JSON)
        for parent, indices in lots.items():
            for start in range(0, len(indices), MAX_EVENTS):
                lot = indices[start : start + MAX_EVENTS]
                yield import_of(parent, lot, [shipment.documents[index] for index in lot])

    def verdicts(self, request: HttpRequest, response: HttpResponse) -> Verdicts | FollowUp:
        if isinstance(request, ImportRequest):
            return import_verdicts(request, response)
        return poll_verdicts(request, response) if isinstance(request, PollRequest) else verdict(response)

    def _encode(self, event: Event) -> bytes | Unfit:
        wide = self._wide
        name = name_of(event, wide)
        if name is None:
            return self._without_name(event)
        try:
            document = document_of(event, name, wide)
        except UnfitError as error:
            return Unfit(str(error))
        if event.origin.vendor == VENDOR:
            return self._own(document, event)
        return _json.encode(document) if is_plain(document) else self._odd(document)

    def _own(self, document: Document, event: Event) -> bytes | Unfit:
        """The document of an event that came from Google's clients, with what only they say."""
        bag = bag_of(document)
        bag = _with_extra(bag, event) if self._wide else _with_what_fits(bag, event)
        lack = missing(bag)
        if lack is None and event.extra and not self._wide:
            lack = too_long(bag)
        return _json.encode(bag) if lack is None else Unfit(lack)

    def _odd(self, document: Document) -> bytes | Unfit:
        """A document in which something may be missing or too long."""
        bag = bag_of(document)
        if not self._wide:
            cut(bag)
        lack = missing(bag)
        return _json.encode(bag) if lack is None else Unfit(lack)

    def _without_name(self, event: Event) -> bytes | Unfit:
        if not event.type.startswith(CONTROL):
            return Unfit(f"Google Retail has no event type for {event.type}", unmapped=True)
        if self._forward_control and method_of(event) is not None:
            return _json.encode(event.extra)
        return Unfit(f"no event, but a call: {event.type} (forward_control sends it on)", unmapped=True)


def document_with_everything(event: Event) -> Bag:
    """The document of an event that came from Google's clients, in JSON's spelling, as it came."""
    return _with_extra(bag_of(document_of(event, name_of(event, True) or event.type, True)), event)


def refused_by_the_api(event: Event) -> list[str]:
    """The members of such an event that the API does not know, or not with these values."""
    document = bag_of(document_of(event, name_of(event, True) or event.type, False))
    return [name for name, _ in sorted(_refused(document, event).items())]


def _with_extra(document: Bag, event: Event) -> Bag:
    """Everything that came with the event, as it came."""
    details = cast(list[Bag], document.get("productDetails", []))
    for place, item in enumerate(event.items or ()):
        if item.extra:
            details[place] = overlay(details[place], item.extra)
    return overlay(document, event.extra) if event.extra else document


def _with_what_fits(document: Bag, event: Event) -> Bag:
    """What came with the event as far as the API takes it; the rest in an attribute, from where the decoder puts it back."""
    left = _refused(document, event)
    left = overlay(cut(document), left)
    if left:
        bag: Bag = document.get("attributes") or {}
        if not bag and "attributes" in document:
            left.setdefault("attributes", document["attributes"])
        document["attributes"] = bag
        carry(EXTRA, left, bag)
    return document


def _refused(document: Bag, event: Event) -> Bag:
    """Lay over the document what came with the event and the API takes; returns what it does not take."""
    refused = _admit_details(cast(list[Bag], document.get("productDetails", [])), event)
    left: Bag = {"productDetails": refused} if refused else {}
    if event.extra:
        extra = dict(event.extra)
        attributes = admit_attributes(document, extra.pop("attributes")) if "attributes" in extra else None
        left |= admit(document, extra, EVENT)
        if attributes is not None:
            left["attributes"] = attributes
    close(document, left, EVERYWHERE - allowed(document["eventType"]))
    return left


def _admit_details(details: list[Bag], event: Event) -> dict[str, Json]:
    """What the API does not take of each product, by its place."""
    refused: dict[str, Json] = {}
    for place, item in enumerate(event.items or ()):
        left = admit(details[place], item.extra, DETAIL) if item.extra else {}
        left |= {name: item.attrs[ours] for name, ours in SEED_DETAIL.items() if ours in item.attrs}
        if left:
            refused[str(place)] = left
    return refused
