"""Canonical events to Reelevant's envelopes and requests.

An event that came as Reelevant goes out as it came, with what the vendor requires filled in. For one from elsewhere:

- ``tmpId`` is the visitor, or else the user, or else the session: the vendor's own advice to those who have no device's id.
  What the vendor takes for a placeholder (``0``, ``unknown``) is none of them.
- ``url`` is the page without parameters and fragment, or else a configured word (``unknown``, as the vendor's apps send it).
- ``ids`` are the products, or for views the categories and brands. Prices and quantities of items have no place.
- ``value`` is the goods' total, or else the grand total, cut to two decimals as the vendor would do it. The whole amount is
  then in the label ``goods_total`` or ``grand_total``.
- What else the event has goes into labels, which are texts.
- A time within three years of 1970 is refused: the vendor's first page says "unix timestamp", and in milliseconds such a time
  looks like one in seconds.

Any type has a name, since the vendor takes any; where the name says less, the label ``wye_event_type`` holds the type.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from wye.event import Event, Json
from wye.message import HttpRequest, HttpResponse, Shipment, Unfit
from wye.money import is_amount
from wye.verdict import Verdict
from wye.wire import overlay
from wye_plugins.reelevant.ids import ids_of
from wye_plugins.reelevant.labels import (
    ATTRIBUTION,
    EXACT_TOTAL,
    USER,
    VALUE_IS,
    Labels,
    attributes_as_labels,
    facts_as_labels,
    plain,
)
from wye_plugins.reelevant.pack import Packer
from wye_plugins.reelevant.schema import (
    LIMITS,
    PLACEHOLDERS,
    PURCHASE_REFERENCES,
    SECONDS_BELOW,
    TYPE_LABEL,
    VENDOR,
    ReEvent,
    name_of,
    type_of,
)
from wye_plugins.reelevant.value import as_value, goods_total
from wye_plugins.reelevant.verdicts import verdict

_json = msgspec.json.Encoder(decimal_format="number")

_NOBODY = Unfit("tmpId: Reelevant requires it, and the event names no visitor, user or session that is no placeholder")
_NO_TIME = Unfit("timestamp: in milliseconds this time (within three years of 1970) is a number that is read as seconds")
_NO_IDS = Unfit("ids: Reelevant takes the ids of this event for placeholders, and would drop it for having no others")
_NAMELESS = Unfit("ids: Reelevant drops an event whose ids are empty, and no item of this one has an id")


class ReelevantEncoder:
    """Writes envelopes, packs them into requests to ``/collect/{id}/rlvt`` and reads the answers.

    ``key`` replaces whatever company (or app, or site) an event came from; without either it is ``wye``. ``default_url`` is the
    page of an event that has none.
    """

    limits = LIMITS

    def __init__(self, datasource_id: str | None = None, key: str | None = None, default_url: str = "unknown") -> None:
        self._datasource_id = datasource_id
        self._key = key
        self._default_url = default_url
        self._packer = Packer(f"/collect/{datasource_id}/rlvt" if datasource_id else "", LIMITS)

    def encode(self, events: Sequence[Event]) -> list[bytes | Unfit]:
        return [self._encode(event) for event in events]

    def requests(self, shipment: Shipment) -> Iterable[HttpRequest]:
        """Posts to the datasource, one user agent in each, within the limits."""
        return self._packer.requests(shipment)

    def verdicts(self, request: HttpRequest, response: HttpResponse) -> Verdict:
        """One verdict for the request: the vendor's answer is about the datasource and the sender, never about an event."""
        return verdict(len(request.indices), response, id_is_sound=self._datasource_id is not None)

    def _encode(self, event: Event) -> bytes | Unfit:
        own = event.origin.vendor == VENDOR
        document = self._own(event) if own else self._foreign(event)
        if isinstance(document, Unfit):
            return document
        text = _json.encode(document)
        if len(text) + LIMITS.overhead_bytes > (LIMITS.max_bytes or 0):
            return Unfit(f"larger than {LIMITS.max_bytes:,} bytes, which is all that wye sends to Reelevant at once")
        return text

    def _own(self, event: Event) -> ReEvent | dict[str, Json] | Unfit:
        """An event that came from this vendor, with what only this vendor knows laid over it."""
        extra = event.extra
        if _somebody(event) is None and "tmpId" not in extra:
            return _NOBODY
        if _is_taken_for_seconds(event.time_ms) and "timestamp" not in extra:
            return _NO_TIME
        envelope = self._envelope(event, _own_name(event), _own_labels(event, extra))
        if not extra:
            return envelope
        over = {name: value for name, value in extra.items() if name != "key"} if self._key else extra
        return overlay(msgspec.to_builtins(envelope, builtin_types=(Decimal,)), over)

    def _foreign(self, event: Event) -> ReEvent | Unfit:
        """An event that came from another vendor."""
        name = _own_name(event)
        ids = ids_of(event, own=False)
        if not name:
            return Unfit(f"name: Reelevant requires one, and there is none for {event.type}", unmapped=True)
        if _somebody(event) is None:
            return _NOBODY
        if _is_taken_for_seconds(event.time_ms):
            return _NO_TIME
        if not ids and event.items and ids is not None:
            return _NO_IDS if ids_of(event, own=True) else _NAMELESS
        labels = attributes_as_labels(event) | facts_as_labels(event)
        if type_of(name) != event.type:
            labels[TYPE_LABEL] = event.type
        if ids is not None:
            labels["ids"] = ids
        if event.order_id is not None:
            labels["transId"] = event.order_id
        _put_value(labels, event)
        agent = event.device and event.device.user_agent
        return msgspec.structs.replace(self._envelope(event, name, labels), ua=agent or None)

    def _envelope(self, event: Event, name: str, labels: Labels) -> ReEvent:
        url = event.page.url if event.page else None
        return ReEvent(
            key=self._key or event.origin.tenant or "wye",
            tmpId=_somebody(event),
            eventId=event.id,
            name=name,
            url=_bare(url or "") or self._default_url,
            data=labels,
            clientId=None if event.user_id in PLACEHOLDERS else event.user_id,
            v=1,
            timestamp=event.time_ms,
        )


def _own_name(event: Event) -> str:
    if event.type == "purchase" and event.item_ids_are == "reference":
        return PURCHASE_REFERENCES
    return name_of(event.type)


def _somebody(event: Event) -> str | None:
    """Whom the event is about, by the first of its identities that the vendor does not take for a placeholder."""
    ids = (event.visitor_id, event.user_id, event.session_id)
    return next((each for each in ids if each is not None and each not in PLACEHOLDERS), None)


def _is_taken_for_seconds(time_ms: int) -> bool:
    return time_ms != 0 and -SECONDS_BELOW < time_ms < SECONDS_BELOW


def _bare(url: str) -> str:
    """``url`` without parameters and fragment."""
    return url.partition("#")[0].partition("?")[0]


def _own_labels(event: Event, extra: dict[str, Json]) -> Labels:
    """The labels of an event that came from this vendor; those that were odd are laid over them later."""
    facts = facts_as_labels(event)
    if event.attribution in (extra.get("b"), extra.get("id")):
        facts.pop(ATTRIBUTION, None)
    labels = dict(event.attrs) | facts
    for name, attr in event.user_attrs.items():
        labels[USER + name] = attr.value
    odd = extra.get("data")
    ids = ids_of(event, own=True)
    if ids is not None and not (isinstance(odd, dict) and "id" in odd):
        labels["ids"] = ids
    if event.order_id is not None:
        labels["transId"] = event.order_id
    if event.goods_total is not None:
        labels["value"] = event.goods_total
    return labels


def _put_value(labels: Labels, event: Event) -> None:
    """The total that the vendor has room for, and its other decimals where it has not."""
    total = goods_total(event)
    if total is None and event.grand_total is not None and is_amount(event.grand_total):
        labels["value"] = as_value(event.grand_total)
        labels[VALUE_IS] = "grand_total"
    elif total is not None:
        labels["value"] = as_value(total)
        if labels["value"] != total:
            labels[EXACT_TOTAL] = plain(total)
