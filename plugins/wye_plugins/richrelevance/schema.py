"""The documents of RichRelevance's UserProfileStream, as they are on the wire.

Prices are whole cents, times are milliseconds since 1970-01-01 UTC. There is no event id, no currency and no order id. The page
names eight event types and warns that there may be more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct

from wye.wire import Wire

VENDOR = "richrelevance"

MAX_WHOLE = 10**18
"""Beyond this a number is no price in cents and no quantity. (It is more than all the money there is.)"""

# A member that is missing reads as ``None``, and ``None`` is never written. A ``null`` on the wire is something else: at run
# time the types refuse it, so that it goes to ``rest`` and comes back as it was.
if TYPE_CHECKING:
    Text = str | None
    Whole = int | None
    Lines = list["RrLine"] | None
else:
    Text = str
    Whole = Annotated[int, Meta(gt=-MAX_WHOLE, lt=MAX_WHOLE)]
    Lines = list["RrLine"]

ABSENT: Any = None


class RrLine(Wire, frozen=True, kw_only=True):
    """A line of a cart or an order. ``priceCents`` is the price of one piece."""

    itemId: Text = ABSENT  # noqa: N815  the vendor's own names, here and below
    priceCents: Whole = ABSENT  # noqa: N815
    quantity: Whole = ABSENT


class RrEvent(Wire, frozen=True, kw_only=True):
    """One message of the stream. Which of the last eight members is there depends on ``eventType``."""

    apiKey: Text = ABSENT  # noqa: N815
    userId: Text = ABSENT  # noqa: N815
    sessionId: Text = ABSENT  # noqa: N815
    rrUserId: Text = ABSENT  # noqa: N815
    eventType: str  # noqa: N815
    eventTime: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]  # noqa: N815
    viewedItem: Text = ABSENT  # noqa: N815
    clickProductId: Text = ABSENT  # noqa: N815
    viewedCategory: Text = ABSENT  # noqa: N815
    viewedBrand: Text = ABSENT  # noqa: N815
    searchTerm: Text = ABSENT  # noqa: N815
    referrerUrl: Text = ABSENT  # noqa: N815
    addedToCartItems: Lines = ABSENT  # noqa: N815
    orders: Lines = ABSENT


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
