"""Whether Google would take an event, as it came: in its words, where it says which."""

from __future__ import annotations

from collections.abc import Iterator

from wye.event import Event
from wye_plugins.google_retail.attributes import MAX_ID
from wye_plugins.google_retail.encode import document_with_everything, refused_by_the_api
from wye_plugins.google_retail.purchase import UnfitError
from wye_plugins.google_retail.rules import forbidden, is_known, is_plain, missing, too_long
from wye_plugins.google_retail.schema import NAMES
from wye_plugins.google_retail.write import document_of, name_of


class Checker:
    """``strict`` takes what Google's API takes. Otherwise types of events that the third-party document names are taken too,
    and members that the API does not know, or not in this type of event. ``event_types`` are further types, either way."""

    def __init__(self, *, strict: bool, event_types: frozenset[str]) -> None:
        self._strict = strict
        self._event_types = event_types

    def fault(self, event: Event) -> str | None:
        """Why Google refuses the event; ``None`` where it does not."""
        if not self._strict and _is_plainly_taken(event):
            return None
        return next(self._faults(event), None)

    def _faults(self, event: Event) -> Iterator[str]:
        try:
            document = document_with_everything(event)
        except UnfitError as error:
            yield str(error)
            return
        name = document["eventType"]
        if not is_known(name, wide=not self._strict) and name not in self._event_types:
            yield f"event_type '{name}' is not one of {', '.join(sorted(NAMES.values()))}"
        for lack in (missing(document), too_long(document)):
            if lack is not None:
                yield lack
        if self._strict:
            yield from (f"{member} must not be set for {name}" for member in forbidden(document))
            yield from (f'Invalid value or unknown name "{member}"' for member in refused_by_the_api(event))


_ATTRIBUTES = frozenset(("attributes",))


def _is_plainly_taken(event: Event) -> bool:
    """Whether it keeps the rules of the wide spelling, and nothing came with it but attributes, of which these ask nothing: so
    it is with nearly every event. Of another ``_faults`` knows more."""
    name = name_of(event, True)
    if name is None or not is_known(name, wide=True) or not event.extra.keys() <= _ATTRIBUTES:
        return False
    for value in (event.visitor_id, event.user_id, event.session_id, event.order_id):
        if value is not None and not (len(value) <= MAX_ID and value.isascii()):
            return False
    if any([item.extra for item in event.items or ()]):  # noqa: C419  a generator costs more
        return False
    try:
        return is_plain(document_of(event, name, True))
    except UnfitError:
        return False
