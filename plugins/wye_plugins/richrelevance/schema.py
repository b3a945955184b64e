"""The documents of RichRelevance's UserProfileStream, as they are on the wire.

Prices are whole cents, times are milliseconds since 1970-01-01 UTC. There is no event id, no currency and no order id. The page
names eight event types and warns that there may be more.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from wye.absent import ABSENT, Int64, Maybe
from wye.wire import Wire

VENDOR = "richrelevance"

MAX_WHOLE = 10**18
"""Beyond this a number is no price in cents and no quantity. (It is more than all the money there is.)"""

Whole: TypeAlias = Annotated[int, Meta(gt=-MAX_WHOLE, lt=MAX_WHOLE)]


class RrLine(Wire, frozen=True, kw_only=True):
    """A line of a cart or an order. ``priceCents`` is the price of one piece."""

    itemId: Maybe[str] = ABSENT  # noqa: N815  the vendor's own names, here and below
    priceCents: Maybe[Whole] = ABSENT  # noqa: N815
    quantity: Maybe[Whole] = ABSENT


class RrEvent(Wire, frozen=True, kw_only=True):
    """One message of the stream. Which of the last eight members is there depends on ``eventType``."""

    apiKey: Maybe[str] = ABSENT  # noqa: N815
    userId: Maybe[str] = ABSENT  # noqa: N815
    sessionId: Maybe[str] = ABSENT  # noqa: N815
    rrUserId: Maybe[str] = ABSENT  # noqa: N815
    eventType: str  # noqa: N815
    eventTime: Int64  # noqa: N815
    viewedItem: Maybe[str] = ABSENT  # noqa: N815
    clickProductId: Maybe[str] = ABSENT  # noqa: N815
    viewedCategory: Maybe[str] = ABSENT  # noqa: N815
    viewedBrand: Maybe[str] = ABSENT  # noqa: N815
    searchTerm: Maybe[str] = ABSENT  # noqa: N815
    referrerUrl: Maybe[str] = ABSENT  # noqa: N815
    addedToCartItems: Maybe[list[RrLine]] = ABSENT  # noqa: N815
    orders: Maybe[list[RrLine]] = ABSENT


class Kind(Struct, frozen=True):
    """An event type: the vendor's name of it, ours, and the member that says what it is about."""

    name: str
    type: str
    member: str


KINDS: tuple[Kind, ...] = (
    Kind("itemView", "item_view", "viewedItem"),
    Kind("itemClick", "item_click", "clickProductId"),
    Kind("categoryView", "category_view", "viewedCategory"),
    Kind("brandView", "brand_view", "viewedBrand"),
    Kind("search", "search", "searchTerm"),
    Kind("referredFromSite", "landing", "referrerUrl"),
    Kind("addedToCart", "add_to_cart", "addedToCartItems"),
    Kind("order", "purchase", "orders"),
)
BY_NAME = {kind.name: kind for kind in KINDS}
BY_TYPE = {kind.type: kind for kind in KINDS}
