"""Why the format does not hold everything, and what it alone can say, for ``wye explain``.

The sources are named in docs/vendors/google-retail.md.
"""

from __future__ import annotations

from wye.plugin import Rule

_COERCED, _LOST, _AMBIGUOUS = ("coerced",), ("lost",), ("ambiguous",)

RULES = (
    Rule(("visitor_id",), "visitorId is required; without a visitor it is the user or the session", "proto", _COERCED),
    Rule(("user_id", "visitor_id", "session_id"), "words such as null and undefined name nobody", "ours"),
    Rule(("currency",), "currencyCode is required for a purchase; without one it is that of the products", "proto", _AMBIGUOUS),
    Rule(
        ("grand_total",),
        "revenue is required for a purchase; without a total it is goods, shipping and tax",
        "proto",
        _AMBIGUOUS,
        ("purchase",),
    ),
    Rule(
        tuple(f"attrs.{name}" for name in ("brand", "categories", "channel", "grand_total", "shipping", "tax", "cost")),
        "an attribute with the name of a fact is read as that, or is called attrs_… where the event has both",
        "ours",
        _LOST,
    ),
    Rule(("attrs.attrs_*",), "an attribute with the name of a fact that the event has too is called attrs_…", "ours"),
    Rule(
        ("categories",),
        "ids of a category view's items are its categories, where it names none",
        "ours",
        _AMBIGUOUS,
        ("category_view",),
    ),
    Rule(
        ("categories",),
        "an attribute must not be an empty text; a list with one is a text of JSON",
        "proto",
        ("lost", "coerced"),
    ),
    Rule(
        ("brand", "categories", "shipping", "tax", "cost", "grand_total"),
        "what has no member lies in an attribute, and one of the same name is read as that",
        "ours",
        _AMBIGUOUS,
    ),
    Rule(("channel", "attrs.channel"), "an attribute channel that is none of the four words is one like any other", "ours"),
    Rule(("page.url", "search_query"), "uri and searchQuery have 5,000 characters", "proto", _COERCED),
    Rule(("device.user_agent",), "userAgent has 1,000 characters", "proto", _COERCED),
    Rule(("device.ip",), "ipAddress is one of IPv4 or IPv6; another text is left out", "proto"),
    Rule(
        ("attribution", "brand", "cart_id", "order_id", "currency", "search_query", "page.*", "device.user_agent"),
        "an empty text is unset, and an attribute must not be one",
        "proto",
        _LOST,
    ),
    Rule(("items.quantity",), "quantity is a whole number of 32 bits; another one is left out", "proto"),
    Rule(("item_ids_are",), "productDetails are products", "proto"),
    Rule(
        ("items.*",),
        "of a product only its id and its prices count; the rest is filled in from the catalogue",
        "proto",
    ),
    Rule(("device.*",), "userInfo has the address and the agent, and nothing else of a device", "proto"),
    Rule(("app.host",), "there is no host but the one in uri; entity is the shop's own word for a site", "proto"),
    Rule(("app.*",), "there is no app", "proto"),
    Rule(("user_attrs.*",), "there are no attributes of users", "proto"),
    Rule(("attrs.*",), "an attribute must not be empty", "proto", _LOST),
    Rule(("attrs.*",), "an attribute is texts or numbers; a list of one is that one, and others are texts of JSON", "proto"),
)

DOCUMENTS = (
    b"""{"eventType":"search","visitorId":"visitor-1","eventTime":"2023-11-14T22:13:20.123456789+01:00","searchQuery":"desk",
    "offset":20,"orderBy":"price","filter":"brand: ANY(\\"Oak\\")","entity":"de","experimentIds":["a","b"],
    "panels":[{"displayName":"p"}],
    "completionDetail":{"completionAttributionToken":"t","selectedSuggestion":"desk","selectedPosition":1},
    "productDetails":[{"product":{"id":"item-1","title":"Desk","brands":["Oak"],"categories":["desks"],
    "primaryProductId":"g-1"}}],
    "attributes":{"size":{"numbers":[1,2.5],"indexable":true},"tags":{"text":["a","b"]},"one":{"text":["a"],
    "searchable":false}},
    "userInfo":{"userId":"user-1","ipAddress":"203.0.113.7","userAgent":"Mozilla/5.0","directUserRequest":true}}""",
    b"""{"eventType":"purchase-complete","visitorId":"visitor-1","purchaseTransaction":{"id":"o-1","revenue":24.68,"tax":2,
    "cost":9,"currencyCode":"USD"},"productDetails":[{"product":{"id":"item-1","priceInfo":{"price":12.34,"originalPrice":15,
    "cost":4.5,"currencyCode":"USD"}},"quantity":2}]}""",
)
"""What only Google's clients say: the state of a search, what is known from the catalogue, lists of numbers, a shopper's own
request; and an event without a time."""
