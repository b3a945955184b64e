"""Why the format does not hold everything, for ``wye explain``; docs/vendors/google-retail.md names the sources."""

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
    Rule(("categories",), "ids of a category view's items are its categories, where it names none", "ours", _AMBIGUOUS),
    Rule(("categories",), "an attribute must not be an empty text; a list with one is a text of JSON", "proto"),
    Rule(
        ("attrs.brand", "attrs.shipping", "attrs.tax", "attrs.cost", "attrs.grand_total"),
        "what has no member lies in an attribute, and one of the same name is read as that",
        "ours",
    ),
    Rule(
        ("brand", "shipping", "tax", "cost", "grand_total"),
        "what has no member lies in an attribute, and one of the same name is read as that",
        "ours",
        _AMBIGUOUS,
    ),
    Rule(("channel", "attrs.channel"), "an attribute channel that is none of the four words is one like any other", "ours"),
    Rule(("page.url",), "uri has 5,000 characters", "proto", _COERCED),
    Rule(
        ("attribution", "brand", "cart_id", "order_id", "currency", "search_query", "page.*"),
        "an empty text is unset, and an attribute must not be one",
        "proto",
        _LOST,
    ),
    Rule(("items.quantity",), "quantity is a whole number of 32 bits; another one is left out", "proto"),
    Rule(("item_ids_are",), "productDetails are products", "proto"),
    Rule(
        ("items.*",),
        "of a product only id, price and currency count; the rest is filled in from the catalogue",
        "proto",
    ),
    Rule(("device.*",), "userInfo has the address and the agent, and nothing else of a device", "proto"),
    Rule(("app.*",), "there is no app", "proto"),
    Rule(("user_attrs.*",), "there are no attributes of users", "proto"),
    Rule(("attrs.*",), "an attribute must not be empty", "proto", _LOST),
    Rule(("attrs.*",), "an attribute is texts or numbers; a list of one is that one, and others are texts of JSON", "proto"),
)
