"""The documents of Google Cloud Retail's user events (v2), as they are on the wire.

Members are lowerCamelCase; the snake_case of the proto is read too. Prices are in major units, and 32-bit floats at Google's;
``eventTime`` is RFC 3339 with up to nine digits below the second. The facts are those of the API's published proto, as the
client ``google-cloud-retail`` has it, unless a comment says otherwise.
"""

from __future__ import annotations

import re

from msgspec import UNSET, UnsetType

from wye.absent import ABSENT, Int32, Maybe
from wye.event import EVENT_TYPES, Json
from wye.wire import Wire
from wye_plugins.google_retail.times import parse_time

VENDOR = "google-retail"
BASE_URL = "https://retail.googleapis.com"

MAX_VALUES = 400
MAX_TEXT = 256
"""Values of a custom attribute, and characters of a text among them."""

MAX_TEXT_CHARS = MAX_VALUES * MAX_TEXT
"""The longest text that one attribute holds, in pieces."""

Number = Json | UnsetType
"""A JSON number, or a text that spells one: Google's parser takes either."""

NO_TIME = "eventTime is no RFC 3339 time with a zone, such as 2026-01-31T09:30:00Z"


class GrPriceInfo(Wire, frozen=True, kw_only=True):
    """Overrides the catalogue's price."""

    currencyCode: Maybe[str] = ABSENT  # noqa: N815  the vendor's own names, here and below
    price: Number = UNSET
    originalPrice: Number = UNSET  # noqa: N815
    cost: Number = UNSET

    def __post_init__(self) -> None:
        check_flat(self.price, self.originalPrice, self.cost)


class GrProduct(Wire, frozen=True, kw_only=True):
    """A product. Of its many members Google looks at these two; the others are filled in from the catalogue."""

    id: Maybe[str] = ABSENT
    priceInfo: Maybe[GrPriceInfo] = ABSENT  # noqa: N815


class GrDetail(Wire, frozen=True, kw_only=True):
    """One product that an event is about."""

    product: Maybe[GrProduct] = ABSENT
    quantity: Maybe[Int32] = ABSENT


class GrPurchase(Wire, frozen=True, kw_only=True):
    """A purchase; ``revenue`` is the grand total with shipping and tax."""

    id: Maybe[str] = ABSENT
    revenue: Number = UNSET
    tax: Number = UNSET
    cost: Number = UNSET
    currencyCode: Maybe[str] = ABSENT  # noqa: N815

    def __post_init__(self) -> None:
        check_flat(self.revenue, self.tax, self.cost)


class GrUserInfo(Wire, frozen=True, kw_only=True):
    """Who it was; ``userId`` is absent for anonymous visitors."""

    userId: Maybe[str] = ABSENT  # noqa: N815
    ipAddress: Maybe[str] = ABSENT  # noqa: N815
    userAgent: Maybe[str] = ABSENT  # noqa: N815
    directUserRequest: Maybe[bool] = ABSENT  # noqa: N815


class GrCompletion(Wire, frozen=True, kw_only=True):
    """The suggestion that a search came from."""

    completionAttributionToken: Maybe[str] = ABSENT  # noqa: N815
    selectedSuggestion: Maybe[str] = ABSENT  # noqa: N815
    selectedPosition: Maybe[Int32] = ABSENT  # noqa: N815


class GrEvent(Wire, frozen=True, kw_only=True):
    """One user event. Google requires the first two members; without ``eventTime`` it takes the time of arrival."""

    eventType: str  # noqa: N815
    visitorId: str  # noqa: N815
    sessionId: Maybe[str] = ABSENT  # noqa: N815
    eventTime: Maybe[str] = ABSENT  # noqa: N815
    experimentIds: Maybe[list[str]] = ABSENT  # noqa: N815
    attributionToken: Maybe[str] = ABSENT  # noqa: N815
    productDetails: Maybe[list[GrDetail]] = ABSENT  # noqa: N815
    completionDetail: Maybe[GrCompletion] = ABSENT  # noqa: N815
    attributes: Maybe[dict[str, Json]] = ABSENT
    cartId: Maybe[str] = ABSENT  # noqa: N815
    purchaseTransaction: Maybe[GrPurchase] = ABSENT  # noqa: N815
    searchQuery: Maybe[str] = ABSENT  # noqa: N815
    filter: Maybe[str] = ABSENT
    orderBy: Maybe[str] = ABSENT  # noqa: N815
    offset: Maybe[Int32] = ABSENT
    pageCategories: Maybe[list[str]] = ABSENT  # noqa: N815
    userInfo: Maybe[GrUserInfo] = ABSENT  # noqa: N815
    uri: Maybe[str] = ABSENT
    referrerUri: Maybe[str] = ABSENT  # noqa: N815
    pageViewId: Maybe[str] = ABSENT  # noqa: N815
    entity: Maybe[str] = ABSENT

    def __post_init__(self) -> None:
        if not self.eventType:
            raise ValueError("eventType is empty; Google requires it")
        if not self.visitorId:
            raise ValueError("visitorId is empty; Google requires it")
        if self.eventTime is not None and parse_time(self.eventTime) is None:
            raise ValueError(NO_TIME)
        if self.rest is not UNSET and self.rest.get("eventTime") is not None:
            raise ValueError("eventTime is no text; expected an RFC 3339 time, such as 2026-01-31T09:30:00Z")
        if self.rest is not UNSET and self.rest.get("attributes") is not None:
            raise ValueError("attributes is no object")


def check_flat(*values: Json) -> None:
    """Raises ``ValueError`` for an object or an array. Only what is flat may pass the quick reading; the thorough one looks how
    deep it is."""
    for value in values:
        if type(value) is dict or type(value) is list:
            raise ValueError("expected a number")


# ── event types ──────────────────────────────────────────────────────────────────────────────────────────────────────────

NAMES: dict[str, str] = {
    "item_view": "detail-page-view",
    "category_view": "category-page-view",
    "search": "search",
    "add_to_cart": "add-to-cart",
    "remove_from_cart": "remove-from-cart",
    "cart_view": "shopping-cart-page-view",
    "purchase": "purchase-complete",
    "home_view": "home-page-view",
}
"""What a canonical type is called at Google's: all names that it allows."""

SEED_NAMES: dict[str, str] = {
    **{kind: kind.replace("_", "-") for kind in EVENT_TYPES},
    **NAMES,
}
"""Names in the wider spelling of the third-party document (tessl, ``pypi-google-cloud-retail`` 2.5.0), which has ``page-view``
and ``login`` too and says that any descriptive name will do."""

TYPES: dict[str, str] = {name: kind for kind, name in SEED_NAMES.items()}
"""The canonical type of a name. A name that is not here is ``custom:<name>``."""

SEED_ONLY = frozenset(("page-view", "login", "signup"))
"""The names that the third-party document adds to Google's."""


# ── spelling ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda match: "_" + match.group().lower(), name)


def _names(wire: type[Wire], *more: str) -> dict[str, str]:
    return {_snake(name): name for name in (*wire.__struct_encode_fields__, *more) if "_" not in name and ":" not in name}


_OTHER_PRODUCT = (
    "expireTime primaryProductId collectionMemberIds languageCode availableTime availableQuantity fulfillmentInfo colorInfo "
    "publishTime retrievableFields localInventories"
)
CAMEL: dict[str, str] = {
    snake: name
    for wire, more in (
        (GrEvent, ()),
        (GrDetail, ("promotionId",)),
        (GrProduct, _OTHER_PRODUCT.split()),
        (GrPriceInfo, ("priceEffectiveTime", "priceExpireTime", "priceRange")),
        (GrPurchase, ("transactionAttributes",)),
        (GrUserInfo, ()),
        (GrCompletion, ()),
    )
    for snake, name in _names(wire, *more).items()
    if snake != name
}
"""The proto's names of members, and how JSON has them."""
