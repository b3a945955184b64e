"""The envelopes of Reelevant's collector, as they are on the wire.

``timestamp`` is milliseconds since 1970-01-01 UTC. ``data`` holds the *labels*: ``ids``, ``value`` and ``transId`` are the
vendor's, any other name is the sender's. One ``value`` is the money of the whole event, in major units and without a currency;
there are no prices and no quantities of items.
"""

from __future__ import annotations

import re

from msgspec import UNSET

from wye.absent import ABSENT, Int64, Maybe
from wye.event import CUSTOM, Json
from wye.plugin import Limits
from wye.records import TOO_DEEP
from wye.wire import BAGS, Wire, too_deep

VENDOR = "reelevant"

DATASOURCE_ID = re.compile(r"[0-9a-fA-F]{24}", re.ASCII)
"""The form of a datasource's id; the vendor refuses any other."""

LIMITS = Limits(max_events=100, max_bytes=1_048_576, overhead_bytes=2, divisible=True)
"""The vendor takes arrays and documents no limit of theirs: these are what a web server commonly takes, and our choice."""


class ReEvent(Wire, frozen=True, kw_only=True):
    """One envelope. The vendor requires all members but ``ua``, ``clientId``, ``b``, ``id`` and ``timestamp``."""

    key: Maybe[str] = ABSENT
    tmpId: Maybe[str] = ABSENT  # noqa: N815  the vendor's own names, here and below
    eventId: Maybe[str] = ABSENT  # noqa: N815
    name: Maybe[str] = ABSENT
    url: Maybe[str] = ABSENT
    ua: Maybe[str] = ABSENT
    data: Maybe[dict[str, Json]] = ABSENT
    clientId: Maybe[str] = ABSENT  # noqa: N815
    v: Maybe[Int64] = ABSENT
    b: Maybe[str] = ABSENT
    id: Maybe[str] = ABSENT
    timestamp: Maybe[Int64] = ABSENT


class ReRecord(ReEvent, frozen=True, kw_only=True):
    """An envelope as it is received. Without a name there is nothing that it could mean; all else may be missing."""

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("name is missing, empty or no text")
        if self.data and not BAGS.isdisjoint(map(type, self.data.values())) and too_deep(self.data):
            raise ValueError(TOO_DEEP)

    def beyond(self, name: str) -> Json:
        """A member that the struct has no place for, or ``None``."""
        return None if self.rest is UNSET else self.rest.get(name)


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

NAMES: dict[str, str] = {
    "item_view": "product_page",
    "item_hover": "product_hover",
    "category_view": "category_view",
    "brand_view": "brand_view",
    "add_to_cart": "add_cart",
    "purchase": "purchase",
    "page_view": "page_view",
    "home_view": "page_view",
    "identify": "identify",
    "remove_from_cart": "remove_cart",
}
"""What a canonical type is called here: the vendor's catalogue, the nearest in it for a view of the home page, and one custom
name. Every other type is a custom name as it stands; the vendor takes any."""

PURCHASE_REFERENCES = "purchase_references"
"""A purchase whose ids are references of a catalogue."""

NEAREST = frozenset(("home_view",))
"""The types whose name here says something less; the type itself rides along in a label."""

KEPT = frozenset(("item_click", "search", "cart_view", "add_to_wishlist", "checkout_start", "landing", "login"))
"""The canonical types that are custom names here, spelled alike."""

TYPES: dict[str, str] = {
    **{name: kind for kind, name in NAMES.items() if kind not in NEAREST},
    **{kind: kind for kind in KEPT},
    PURCHASE_REFERENCES: "purchase",
}
"""The canonical type of a name. A name that is not here is ``custom:<name>``."""

SINGLE_ID = frozenset(("item_view", "item_hover", "category_view", "brand_view"))
"""The types for which the vendor's Android SDK sends the label ``id``, a text, in the place of ``ids``."""

WHOLE_NAMES = frozenset(("category_view", "brand_view"))
"""The types whose ids are names of things, in which ``;``, ``,`` and ``|`` separate nothing."""

PLACEHOLDERS = frozenset(
    (
        "undefined",
        "null",
        "unknown",
        "inconnu",
        "0",
        "-1",
        "NaN",
        "ko",
        "true",
        "false",
        "Infinity",
        "-Infinity",
        "{}",
        "[]",
        "",
    )
)
"""What the vendor takes for a slip of a template: no id, and nobody."""

TYPE_LABEL = "wye_event_type"
"""The label that holds a canonical type whose name here is not its own."""


def type_of(name: str) -> str:
    """The canonical type of an envelope's name."""
    return TYPES.get(name) or CUSTOM + name


def name_of(kind: str) -> str:
    """The name of a canonical type here; empty where it has none: for ``custom:`` alone, and for what is no shopper's doing."""
    return (NAMES.get(kind) or kind.removeprefix(CUSTOM)) if is_of_shoppers(kind) else ""


def is_of_shoppers(kind: str) -> bool:
    """Whether a type is canonical or free. One with another prefix, as ``control:``, is a call to its vendor."""
    return ":" not in kind or kind.startswith(CUSTOM)


SECONDS_BELOW = 10**11
"""A timestamp nearer to zero than this is in seconds: in milliseconds it would lie within three years of 1970."""
