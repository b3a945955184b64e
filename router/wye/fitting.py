"""Between a sink and its encoder: what the operator said about events that do not fit the vendor's format.

``defaults`` are the operator's word for what an event does not say. ``unmapped`` decides about types that the vendor has no
name for. ``on_loss`` decides about what the format cannot hold, by class; it is measured on the event itself, never guessed.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal, TypeAlias, cast

from msgspec import Struct, structs

from wye.carry import pack
from wye.event import Event
from wye.fidelity.compare import Difference
from wye.fidelity.leaves import LossClass, class_of
from wye.fidelity.measure import Format, measure, read_document
from wye.ledger import MOST_NAMES, TypeLosses, count_names, name_in
from wye.message import Unfit
from wye.plugin import Encoder, Limits

log = logging.getLogger("wye.fitting")

Unmapped = Literal["drop", "nearest", "dead_letter"]
OnLoss = Literal["allow", "warn", "dead_letter"]
Policies: TypeAlias = Mapping[LossClass, OnLoss]

NEAREST: Mapping[str, tuple[str, ...]] = {
    "item_click": ("item_view",),
    "item_hover": ("item_view",),
    "brand_view": ("category_view", "page_view"),
    "category_view": ("page_view",),
    "cart_view": ("page_view",),
    "checkout_start": ("cart_view", "page_view"),
    "home_view": ("page_view",),
    "landing": ("home_view", "page_view"),
    "login": ("identify",),
    "identify": ("login",),
}
"""For each type, those that say less but nothing false, the nearest first. A type that is not here has none: a removal is no
addition, and a search is no page view."""

CARRIED_TYPE = "wye_type"
"""The attribute in which a nearest type carries the original one, for formats that have attributes."""

SAMPLE_EVERY = 1024
"""The first event of each type, and then one in about so many, is measured in full for the ledger. It costs as much as a
hundred others."""


class Fitting(Struct, frozen=True):
    """What the operator said. ``policies`` name the classes that are not simply allowed; ``acknowledged`` leaves are."""

    unmapped: Unmapped = "drop"
    defaults: Mapping[str, str] = {}
    policies: Policies = {}
    acknowledged: frozenset[str] = frozenset()
    carry: bool = False


class FittingEncoder:
    """An ``Encoder`` that applies a ``Fitting`` around a vendor's own.

    ``readback`` is the vendor's format from both sides; without it (an adapter that is only written) nothing can be measured.
    What is measured is counted in ``losses``, by event type.
    """

    def __init__(
        self, name: str, encoder: Encoder, fitting: Fitting, readback: Format | None, losses: dict[str, TypeLosses]
    ) -> None:
        self._name = name
        self._encoder = encoder
        self._fitting = fitting
        self._readback = readback
        self._losses = losses
        self._warned: set[str] = set()
        self._strict = any(policy != "allow" for policy in fitting.policies.values())

    @property
    def limits(self) -> Limits:
        return self._encoder.limits

    def encode(self, events: Sequence[Event], /) -> list[bytes | Unfit]:
        if self._fitting.defaults:
            events = [with_defaults(event, self._fitting.defaults) for event in events]
        if self._fitting.carry:
            events = [self._carrying(event) for event in events]
        documents = self._encoder.encode(events)
        for place, document in enumerate(documents):
            if isinstance(document, Unfit) and document.unmapped:
                documents[place] = self._unmapped(events[place], document)
        if self._readback is not None:
            self._weigh(events, documents, self._readback)
        return documents

    def _carrying(self, event: Event) -> Event:
        readback = self._readback
        if readback is None or readback.outbound.bag is None:
            return event
        (document,) = self._encoder.encode([event])
        back = document if isinstance(document, Unfit) else read_document(event, document, readback)
        return event if isinstance(back, Unfit) else pack(event, back, readback.outbound.bag)

    def _unmapped(self, event: Event, refusal: Unfit) -> bytes | Unfit:
        if self._fitting.unmapped == "dead_letter":
            return Unfit(refusal.reason)
        if self._fitting.unmapped == "nearest":
            for nearest in NEAREST.get(event.type, ()):
                carried = {**event.attrs, CARRIED_TYPE: event.type}
                (document,) = self._encoder.encode([structs.replace(event, type=nearest, attrs=carried)])
                if not (isinstance(document, Unfit) and document.unmapped):
                    return document
        return refusal

    # ── losses ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _weigh(self, events: Sequence[Event], documents: list[bytes | Unfit], readback: Format) -> None:
        """Count each type's events; measure one of them now and then, or every one where a policy hangs on it."""
        types = [event.type if type(document) is bytes else None for event, document in zip(events, documents, strict=True)]
        for kind, count in Counter(types).items():
            if kind is None:
                continue
            losses = self._losses.get(kind) or self._losses.setdefault(name_in(self._losses, kind), TypeLosses())
            before, losses.events = losses.events, losses.events + count
            if self._strict:
                places = [place for place, one in enumerate(types) if one == kind]
            elif before and before // SAMPLE_EVERY == losses.events // SAMPLE_EVERY:
                continue
            else:
                places = [types.index(kind)]
            for place in places:
                documents[place] = self._looked_into(events[place], cast(bytes, documents[place]), losses, readback)

    def _looked_into(self, event: Event, document: bytes, losses: TypeLosses, readback: Format) -> bytes | Unfit:
        found = self._measured(event, document, readback)
        if found is None:
            return document
        self._note(losses, found)
        return self._judged(event, found, document)

    def _measured(self, event: Event, document: bytes, readback: Format) -> Sequence[Difference] | None:
        """``None`` when the adapter cannot read back what it wrote: that is its fault, and costs no event."""
        try:
            found = measure(event, readback, document)
        except Exception as error:
            found = Unfit(f"{type(error).__name__}: {error}")
        if not isinstance(found, Unfit):
            return found
        self._warn_once(found.reason, "its losses cannot be measured: %s", found.reason)
        return None

    def _note(self, losses: TypeLosses, found: Sequence[Difference]) -> None:
        losses.sampled += 1
        count_names(losses.leaves, (f"{one.kind} {one.leaf}" for one in self._counting(found)))

    def _counting(self, found: Sequence[Difference]) -> list[Difference]:
        """Those that are a loss, and that the operator has not acknowledged."""
        return [one for one in found if one.kind != "kept" and one.leaf not in self._fitting.acknowledged]

    def _judged(self, event: Event, found: Sequence[Difference], document: bytes) -> bytes | Unfit:
        fatal: list[str] = []
        for one in self._counting(found):
            policy = self._fitting.policies.get(class_of(one.leaf), "allow")
            if policy == "dead_letter":
                fatal.append(f"{one.leaf} ({one.kind})")
            elif policy == "warn":
                self._warn_once(one.leaf, "%s is %s, first in an event of type %s", one.leaf, one.kind, event.type)
        return Unfit(f"on_loss: {', '.join(fatal)}") if fatal else document

    def _warn_once(self, what: str, message: str, *arguments: object) -> None:
        """Once for each ``what``, and no more for new ones when there were ``MOST_NAMES``: senders can think of any number."""
        if what in self._warned or len(self._warned) > MOST_NAMES:
            return
        self._warned.add(what)
        if len(self._warned) > MOST_NAMES:
            log.warning("sink %s: and more, which are not said one by one", self._name)
        else:
            log.warning(f"sink %s: {message}", self._name, *arguments)


_MONEY = ("goods_total", "grand_total", "shipping", "tax", "cost")


def with_defaults(event: Event, defaults: Mapping[str, str]) -> Event:
    """``event`` with the operator's word where it says nothing itself. A currency is given only to an event that has money."""
    changes = {leaf: value for leaf, value in defaults.items() if getattr(event, leaf) is None}
    if "currency" in changes and not _has_money(event):
        del changes["currency"]
    return structs.replace(event, **changes) if changes else event


def _has_money(event: Event) -> bool:
    amounts: list[Decimal | None] = [getattr(event, name) for name in _MONEY]
    if event.items and any(item.currency is not None for item in event.items):
        return False
    return any(amount is not None for amount in (*amounts, *(item.unit_price for item in event.items or ())))
