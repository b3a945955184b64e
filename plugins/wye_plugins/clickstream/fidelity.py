"""Why the format does not hold everything, and what it alone can say, for ``wye explain``.

The sources are named in docs/vendors/clickstream.md.
"""

from __future__ import annotations

from wye.plugin import Rule

RULES = (
    Rule(("time_ns_rest",), "timestamp is whole milliseconds", "API"),
    Rule(("device.os",), "there is a platform and a version of the system, but no name of it", "API"),
    Rule(
        ("user_id", "visitor_id", "session_id", "device.id", "device.advertising_id"),
        "words such as null and undefined name nobody",
        "ours",
    ),
    Rule(("device.ip", "device.user_agent"), "they travel as headers, which hold an address and plain ASCII", "ours"),
    Rule(("channel", "attrs.channel"), "an attribute channel that is none of the four words is one like any other", "ours"),
    Rule(("id",), "an id such as null names nothing; one is derived from the document in its place", "ours"),
    Rule(("item_ids_are",), "items are products", "API"),
    Rule(("categories",), "an attribute or a member that is an empty text says nothing", "ours", ("lost",)),
    Rule(
        ("categories", "attrs.categories"),
        "the attribute category of a category view is one text; all of them are in categories, like any other attribute",
        "ours",
        (),
        ("category_view",),
    ),
    Rule(("categories", "attrs.categories"), "an attribute categories with a list of texts in it is the event's", "ours"),
    Rule(
        ("brand", "attrs.brand"),
        "an attribute brand is the brand of the page in a brand view only; elsewhere it is an attribute like any other",
        "ours",
    ),
    Rule(
        ("grand_total", "shipping", "tax", "cost", "attrs.grand_total", "attrs.shipping", "attrs.tax", "attrs.cost"),
        "attributes of these names are money in shopping events only; elsewhere they are attributes like any others",
        "ours",
    ),
    Rule(
        ("attribution", "order_id", "cart_id", "currency", "search_query", "page.*", "items.*"),
        "an attribute or a member that is an empty text says nothing",
        "ours",
    ),
)

DOCUMENTS = (
    b"""{"event_type":"purchase","event_id":"e-1","timestamp":1700000000123,"app_id":"shop","unique_id":"visitor-1",
    "colour":"blue",
    "event_previous_timestamp":1700000000000,"event_value_in_usd":24.68,"platform":"Web",
    "user":{"_user_id":{"value":"user-1","set_timestamp":1700000000000},"_user_name":{"value":"A","set_timestamp":1}},
    "items":[{"item_id":"item-1","item_name":"Desk","price":12.34,"quantity":"2","category2":"desks","creative_slot":"top",
    "size":"L"}],
    "attributes":{"order_id":12,"channel":"kiosk","_traffic_source_source":"google","_session_number":3,"currency":"USD"}}""",
)
"""What Clickstream's SDKs, its server's other names and a shop's own words add."""
