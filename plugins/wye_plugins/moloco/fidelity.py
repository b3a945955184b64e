"""Why the format does not hold everything, and what it alone can say, for ``wye explain``.

The sources are named in docs/vendors/moloco.md.
"""

from __future__ import annotations

from wye.plugin import Rule

_COERCED, _LOST, _AMBIGUOUS, _INVENTED = ("coerced",), ("lost",), ("ambiguous",), ("invented",)

RULES = (
    Rule(("id",), "an id such as null names nothing; one is derived from the document in its place", "ours"),
    Rule(("time_ns_rest",), "timestamp is whole milliseconds", "schema"),
    Rule(
        ("channel",), "channel_type is required; the adapter's option has it for events that do not say it", "schema", _INVENTED
    ),
    Rule(("channel",), "channel_type is one of four words; for another it is the adapter's option", "schema", _COERCED),
    Rule(("visitor_id", "device.id"), "unique_device_id is the visitor where there is no persistent_id", "guide"),
    Rule(("user_id", "session_id"), "words such as null and undefined name nobody", "docs"),
    Rule(("device.language",), "language is two letters of ISO 639-1; what is not such a code is left out", "schema"),
    Rule(
        ("device.os",),
        "os must name ios or android for APP; without one it is the platform",
        "schema",
        ("ambiguous", "coerced"),
    ),
    Rule(("goods_total",), "revenue of an order without a total is the sum of its lines", "tester", _AMBIGUOUS),
    Rule(("currency",), "revenue has its own currency; summed from the lines, it is that of the lines", "schema", _AMBIGUOUS),
    Rule(("items.currency",), "a price has its own currency; an item without one has the event's", "schema", _AMBIGUOUS),
    Rule(
        ("currency", "goods_total", "shipping", "items.unit_price", "items.currency"),
        "an amount needs a currency, of 25, and a currency an amount; money without is left out",
        "schema",
    ),
    Rule(("grand_total", "tax", "cost"), "revenue is the value of the goods; there is no field for these", "schema"),
    Rule(("order_id", "cart_id"), "there is no field for it; id is the event's", "schema"),
    Rule(
        ("attribution", "search_query", "page.referrer", "app.host", "device.os", "device.os_version", "device.model"),
        "an empty text says nothing",
        "ours",
    ),
    Rule(("device.advertising_id",), "words such as null and undefined name nobody", "docs"),
    Rule(("items.quantity",), "quantity is a whole number of 32 bits; another one is left out", "schema"),
    Rule(("item_ids_are",), "ids of items are those of products", "schema", _AMBIGUOUS),
    Rule(
        ("items", "items.id", "items.group_id", "items.seller_id", "item_ids_are"),
        "items are products; ids of categories or brands are not written as such",
        "schema",
    ),
    Rule(("items.*",), "an item has id, price, quantity, item_group_id and seller_id, and nothing else", "schema"),
    Rule(("page.id",), "page_id is required for PAGE_VIEW; without one it is the address, title, category or brand", "schema"),
    Rule(("page.url", "page.title", "page.view_id"), "page_id is the only word on a page", "schema"),
    Rule(("categories", "brand"), "there is no field for categories and brands", "schema"),
    Rule(
        ("attrs.*", "user_attrs.*"),
        "there is no free bag: unknown members are allowed, but nobody says that they are kept",
        "schema",
    ),
    Rule(("device.*",), "a device has os, os_version, model, language, ua, ip and its ids, and nothing else", "schema"),
    Rule(("app.*",), "there is no app, only a domain", "schema"),
)

DOCUMENTS = (
    b"""{"id":"e-1","event_type":"PURCHASE","timestamp":1700000000123,"channel_type":"SITE","name":"Order","user_id":"user-1",
    "session_id":"session-1","custom_id":"custom-1","personalization_mode":"STANDARD","device":{"persistent_id":"visitor-1"},
    "items":[{"id":"item-1","quantity":"2","price":{"currency":"USD","amount":12.34},"price_seller":{"currency":"USD",
    "amount":9}}],
    "revenue":{"currency":"USD","amount":24.68},"shipping_charge":{"currency":"EUR","amount":4.95}}""",
    b"""{"id":"e-2","event_type":"ADD_TO_CART","timestamp":"1700000000123","channel_type":"SITE","user_id":"user-1",
    "items":[{"id":"item-1","price":{},"quantity":1}],"revenue":{"currency":"UNKNOWN_CURRENCY","amount":5}}""",
)
"""What only Moloco's clients say: a mode, a seller's price, another currency for the shipping, money that cannot be read."""
