"""Why the format does not hold everything, and what it alone can say, for ``wye explain``.

The sources are named in docs/vendors/richrelevance.md.
"""

from __future__ import annotations

from wye.plugin import Rule

_ONE_ITEM = ("item_view", "item_click")
_WITH_LINES = ("add_to_cart", "purchase")
_COERCED, _LOST, _AMBIGUOUS = ("coerced",), ("lost",), ("ambiguous",)

RULES = (
    Rule(("id",), "an event has no id on the stream; one is derived from the document", "page"),
    Rule(("time_ns_rest",), "eventTime is whole milliseconds", "page"),
    Rule(("user_id", "visitor_id", "session_id"), "words such as null and undefined name nobody", "ours"),
    Rule(("categories", "brand"), "ids of items that are categories or brands are what the view is about", "ours", _AMBIGUOUS),
    Rule(("categories",), "viewedCategory is one text", "page", _COERCED),
    Rule(("categories", "brand", "search_query"), "it is only in the view, or the search, that is about it", "page", _LOST),
    Rule(("page.referrer",), "only a landing has a referrer", "page"),
    Rule(("items.id",), "viewedItem and clickProductId are one id", "page", _COERCED, _ONE_ITEM),
    Rule(("items.unit_price",), "priceCents is whole cents; halves are rounded to the even one", "page", _COERCED),
    Rule(("goods_total",), "it is the sum of the lines, in whole cents", "page", _COERCED),
    Rule(("goods_total",), "it is read as the sum of the lines, whether the event said it or not", "page", _AMBIGUOUS),
    Rule(("goods_total",), "there is no total but the sum of an order's lines", "page", _LOST),
    Rule(("items.quantity",), "quantity is a whole number below 10¹⁸; another one is left out", "page", _LOST, _WITH_LINES),
    Rule(("items.quantity", "items.unit_price"), "only the lines of a cart and an order have price and quantity", "page"),
    Rule(
        ("items", "items.id"),
        "viewedBrand and viewedCategory are one text, and there are no items beside it",
        "page",
        _LOST,
        ("brand_view", "category_view"),
    ),
    Rule(("items", "items.id"), "only views and clicks of items, carts and orders have items", "page"),
    Rule(("items.currency", "currency"), "there is no currency on the stream", "page"),
    Rule(("grand_total", "shipping", "tax", "cost"), "there are no totals, taxes and charges", "page"),
    Rule(("order_id", "cart_id"), "there is no id of an order, which is its lines, nor of a cart", "page"),
    Rule(("item_ids_are",), "ids of items are those of products", "page", _AMBIGUOUS),
    Rule(("item_ids_are",), "it is said of items, and none are written", "page", _LOST),
    Rule(("items.*",), "a line has itemId, priceCents and quantity, and nothing else", "page"),
    Rule(("attrs.*", "user_attrs.*"), "there is no free bag", "page"),
    Rule(("page.*", "channel", "device.*", "app.*", "attribution"), "there is nothing on page, device, app or channel", "page"),
)

DOCUMENTS = (
    b'{"apiKey":"key ","userId":"user-1","sessionId":"s","eventType":"newType","eventTime":1700000000123,"newMember":1}',
    b'{"apiKey":"key","userId":"","sessionId":"s","rrUserId":"v","eventType":"search","eventTime":1700000000123,"searchTerm":""}',
    b'{"apiKey":"key","userId":"","sessionId":"s","rrUserId":"v","eventType":"itemView","eventTime":1700000000123}',
    b"""{"apiKey":"key","userId":"user-1","sessionId":"s","eventType":"order","eventTime":1700000000123,"orderId":"o-1",
    "orders":[{"itemId":"item-1","priceCents":2399,"quantity":1.5},{"itemId":"item-2","priceCents":0,"quantity":-1}]}""",
    b"""{"apiKey":"key","userId":"user-1","sessionId":"s","eventType":"addedToCart","eventTime":1700000000123,
    "addedToCartItems":[{"itemId":"","priceCents":2399,"quantity":1}]}""",
)
"""What the stream has been seen to say, or may: a type and members that are new, a search for nothing, a view of nothing, half
an item, an item that is taken back, a line without an item."""
