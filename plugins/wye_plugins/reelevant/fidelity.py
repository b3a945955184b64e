"""Why the format does not hold everything, and what it alone can say, for ``wye explain``.

The sources are named in docs/vendors/reelevant.md.
"""

from __future__ import annotations

from wye.plugin import Rule

_COERCED, _LOST, _AMBIGUOUS, _INVENTED = ("coerced",), ("lost",), ("ambiguous",), ("invented",)
_NEW = ("ambiguous", "invented")
_ABOUT = ("category_view", "brand_view")

RULES = (
    Rule(("id",), "an id such as 0 or null is a placeholder; one is derived from the document in its place", "docs"),
    Rule(("time_ns_rest",), "timestamp is whole milliseconds", "docs"),
    Rule(("visitor_id",), "tmpId is required; without a visitor it is the user or the session", "docs"),
    Rule(("user_id", "order_id"), "ids such as 0 and null are placeholders, and name nobody", "docs"),
    Rule(
        ("session_id", "attrs.session_id"),
        "a label session_id such as null names nobody, and is a label like any other",
        "ours",
    ),
    Rule(("page.url",), "url is without parameters and fragment", "reference", _COERCED),
    Rule(("page.url",), "url is required; the word for an app that has none is no page", "Android", _LOST),
    Rule(("goods_total",), "value of a purchase without a total is the sum of its lines", "ours"),
    Rule(
        ("categories", "brand"), "ids of items that are categories or brands are what the view is about", "docs", _NEW, _ABOUT
    ),
    Rule(("categories",), "ids that are blank or placeholders are left out", "docs", _LOST),
    Rule(("channel", "attrs.channel"), "a label channel that is none of the four words is one like any other", "ours"),
    Rule(
        ("attribution", "brand", "cart_id", "currency", "search_query", "page.*", "app.title", "app.version", "app.package"),
        "a label that is an empty text says nothing",
        "ours",
        _LOST,
    ),
    Rule(
        tuple(f"device.{name}" for name in ("platform", "os", "os_version", "make", "model", "language", "locale", "country")),
        "a label that is an empty text says nothing",
        "ours",
    ),
    Rule(("categories", "brand", "items.id"), "ids such as 0 and null are placeholders, and left out", "docs", _COERCED),
    Rule(("items", "items.id", "item_ids_are"), "ids of this event are categories or brands", "docs", _LOST, _ABOUT),
    Rule(("item_ids_are",), "ids of other events than views are those of products", "docs"),
    Rule(("items", "items.id"), "an item is its id; one without an id is not written", "reference"),
    Rule(("items.*",), "items are ids; price, quantity and all else of single items have no place", "reference"),
    Rule(("user_attrs.*",), "labels are texts; when a fact was set has no place", "reference"),
    Rule(
        ("attrs.x_*", *(f"attrs.{name}" for name in ("brand", "categories", "grand_total", "shipping", "tax", "cost"))),
        "an attribute with the name of a fact is called x_…, so that it is not read as that",
        "ours",
        (*_LOST, *_AMBIGUOUS),
    ),
    Rule(
        tuple(f"attrs.{name}" for name in ("app_*", "attribution_token", "cart_id", "currency", "device_*", "page_*")),
        "a label of ours that is an empty text says nothing, and is one like any other",
        "ours",
        _AMBIGUOUS,
    ),
    Rule(("attrs.referrer", "attrs.search_term"), "a label of ours that is an empty text is one like any other", "ours"),
    Rule(("attrs.*",), "labels are texts", "reference"),
    Rule(("device.*", "app.*"), "there is no label for it", "ours"),
)

DOCUMENTS = (
    b"""{"key":"company","tmpId":"visitor-1","eventId":"e-1","name":"product_page","url":"unknown","ua":"Mozilla/5.0",
    "clientId":null,
    "v":1,"b":"token-b","id":"token-id","timestamp":1700000000,"data":{"id":"item-1","size":12,"sale":true,"tags":["a",
    "b"]}}""",
    b"""{"key":"company","tmpId":"visitor-1","eventId":"e-2","name":"purchase","url":"https://shop.example/done",
    "clientId":7,"v":2,
    "timestamp":1700000000123,"data":{"ids":"item-1;item-2","value":"24.68","transId":12,"coupon":""}}""",
)
"""What Reelevant's SDKs and redirects say: their tokens, one id by another name, ids and amounts in one text, labels that are
no texts."""
