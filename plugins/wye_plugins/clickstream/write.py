"""One canonical event to one document of Clickstream, field by field: the way back from ``read``.

An event that came as Clickstream goes out as it came. For one from elsewhere: its type gets the name that the vendor's demo
uses; a name that breaks the vendor's rule is made to fit, and the type itself is kept in the attribute ``wye_event_type``, the
names of attributes in ``wye_names``, from where the decoder puts them back; an attribute with the name of a fact that the event
has is renamed too. Values are left as they are: the limits on their number and length are those of the
vendor's SDKs, its server takes any.

The total of an event from elsewhere goes to ``event_value`` where the event has a currency, else to the attribute ``value``:
for an ``event_value`` without a currency the vendor would assume dollars.
"""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from msgspec import UNSET, Struct, UnsetType

from wye.event import CUSTOM, App, Device, Event, Item, Json, Page, UserAttr
from wye.remember import remembered
from wye.wire import overlay
from wye_plugins.clickstream.names import fitting_attributes, name_of, names_in
from wye_plugins.clickstream.schema import (
    CURRENCIES,
    ITEM_ALIASES,
    NAMES,
    NAMES_ATTRIBUTE,
    TYPE_ATTRIBUTE,
    TYPES,
    VALUES,
    document,
    total_attribute,
)
from wye_plugins.clickstream.slots import categories_text

_NO_DEVICE = Device()
_NO_APP = App()
_NO_PAGE = Page()

Over = dict[str, Json]


def own_record(event: Event, app_id: str, over: Over) -> Struct:
    """The document of an event that came from this vendor. What could be put into its place is taken out of ``over``."""
    user = _laid_over(_user(event), over, "user")  # first, for nearly always it is all that there is
    attributes = _attributes(event, _own_attributes(event, over) if event.attrs else {})
    visitor_id = event.visitor_id
    advertised = True
    if not over:
        name = _type_here(event.type)
        _put(attributes, total_attribute(event.type), event.goods_total)
        _put(attributes, "currency", event.currency)
    else:
        name = _own_name(event, over)
        if over.keys().isdisjoint(VALUES):
            _put(attributes, total_attribute(event.type), event.goods_total)
        if over.keys().isdisjoint(CURRENCIES):
            _put(attributes, "currency", event.currency)
        advertised = "advertising_id" not in over
        if "user_pseudo_id" in over:
            visitor_id = None
    return _record(
        event,
        name,
        app_id,
        visitor_id,
        None if event.items is None else [_own_item(item) for item in event.items],
        user,
        _laid_over(attributes, over, "attributes"),
        advertised=advertised,
    )


def foreign_record(event: Event, app_id: str) -> Struct:
    """The document of an event that came from another vendor."""
    attributes = _attributes(event, {})
    name = _foreign_name(event, attributes)
    in_columns = event.goods_total is not None and event.currency is not None
    if not in_columns:
        _put(attributes, total_attribute(event.type), event.goods_total)
        _put(attributes, "currency", event.currency)
    if event.attrs:
        attributes = fitting_attributes(event.attrs, attributes)
    return _record(
        event,
        name,
        app_id,
        event.visitor_id,
        None if event.items is None else [_item(item) for item in event.items],
        _user(event, event.time_ms) or None,
        attributes or None,
        value=event.goods_total if in_columns else UNSET,
        currency=event.currency if in_columns else None,
    )


def _record(
    event: Event,
    name: str | None,
    app_id: str,
    visitor_id: str | None,
    items: list[Over] | None,
    user: Over | None,
    attributes: Over | None,
    value: Decimal | UnsetType | None = UNSET,
    currency: str | None = None,
    *,
    advertised: bool = True,
) -> Struct:
    device, app = event.device or _NO_DEVICE, event.app or _NO_APP
    # Python lays more than 30 values into a list first, which takes twice as long.
    made = document(
        name,
        event.id,
        event.time_ms,
        app_id,
        visitor_id,
        device.id,
        device.advertising_id if advertised else None,
        device.platform,
        device.os_version,
        device.make,
        device.brand,
        device.model,
        device.carrier,
        device.network_type,
        device.locale,
        device.language,
        device.country,
        device.zone_offset_ms,
        device.screen_height,
        device.screen_width,
        device.viewport_height,
        device.viewport_width,
        app.sdk_version,
        app.sdk_name,
        app.package,
        app.version,
        app.title,
        app.host,
        value,
        currency,
    )
    made.items, made.user, made.attributes = items, user, attributes
    return made


def _laid_over(bag: Over, over: Over, name: str) -> Over | None:
    """``bag``, which is ours, with its part of ``over``, which is then done with; ``None`` where there is nothing in either."""
    part: Over | None = over.get(name)
    if type(part) is dict:
        del over[name]
        for member, value in part.items():
            above: Over = value
            below: Over | None = bag.get(member)
            bag[member] = overlay(below, above) if type(below) is dict and type(above) is dict else above
        return bag
    return bag or None


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _own_name(event: Event, over: Over) -> str | None:
    name = over.get("event_type")
    if type(name) is str:
        return cast(str, over.pop("event_type"))
    if "event_name" in over:
        return None
    return _type_here(event.type)


def _type_here(kind: str) -> str:
    return NAMES.get(kind) or kind.removeprefix(CUSTOM)


def _foreign_name(event: Event, attributes: Over) -> str:
    """The type's name here. Where it does not lead back to the type, the type goes into an attribute."""
    name, leads_back = _name_here(event.type)
    if not leads_back:
        attributes[TYPE_ATTRIBUTE] = event.type
    return name


@remembered(1024)
def _name_here(kind: str) -> tuple[str, bool]:
    name = NAMES.get(kind) or name_of(kind.removeprefix(CUSTOM))
    return name, kind == TYPES.get(name, CUSTOM + name)


# ── attributes, user, items ──────────────────────────────────────────────────────────────────────────────────────────────


def _own_attributes(event: Event, over: Over) -> Over:
    """The bag as it came: what had been renamed for the vendor has that name again."""
    bag = dict(event.attrs)
    odd = over.get("attributes")
    if type(odd) is dict and NAMES_ATTRIBUTE in odd:
        names = names_in(cast(Over, odd)[NAMES_ATTRIBUTE])
        bag.update({fitted: bag.pop(name) for fitted, name in names.items() if name in bag})
    return bag


def _put(bag: Over, name: str, value: Json) -> None:
    if value is not None:
        bag[name] = value


def _attributes(event: Event, bag: Over) -> Over:
    """``bag`` with the canonical fields that are attributes here, but for total and currency."""
    if event.session_id is not None:
        bag["_session_id"] = event.session_id
    if event.page is not None:
        _put_page(bag, event.page, landing=event.type == "landing")
    if event.categories:
        _put_categories(bag, event)
    if event.search_query is not None:
        bag["_search_term"] = event.search_query
    if event.brand is not None:
        bag["brand"] = event.brand
    if event.order_id is not None:
        bag["order_id"] = event.order_id
    if event.cart_id is not None:
        bag["cart_id"] = event.cart_id
    if event.attribution is not None:
        bag["attribution_token"] = event.attribution
    if event.channel is not None:
        bag["channel"] = event.channel
    if event.grand_total is not None:
        bag["grand_total"] = event.grand_total
    if event.shipping is not None:
        bag["shipping"] = event.shipping
    if event.tax is not None:
        bag["tax"] = event.tax
    if event.cost is not None:
        bag["cost"] = event.cost
    return bag


def _put_page(bag: Over, page: Page, *, landing: bool) -> None:
    if page.url is not None:
        bag["_page_url"] = page.url
    if page.title is not None:
        bag["_page_title"] = page.title
    if page.referrer is not None:
        bag["_latest_referrer" if landing else "_page_referrer"] = page.referrer
    if page.id is not None:
        bag["_screen_id"] = page.id
    if page.view_id is not None:
        bag["page_view_id"] = page.view_id


def _put_categories(bag: Over, event: Event) -> None:
    if event.type == "category_view":
        bag["category"] = event.categories[0]
    if event.type != "category_view" or len(event.categories) > 1:
        bag["categories"] = categories_text(event.categories)


def _user(event: Event, set_ms: int | None = None) -> Over:
    user: Over = {}
    if event.user_id is not None:
        user["_user_id"] = {"value": event.user_id} if set_ms is None else {"value": event.user_id, "set_timestamp": set_ms}
    for name, attr in event.user_attrs.items():
        user[name] = _user_attr(attr)
    return user


def _user_attr(attr: UserAttr) -> Over:
    return {"value": attr.value} if attr.set_ms is None else {"value": attr.value, "set_timestamp": attr.set_ms}


def _own_item(item: Item) -> Over:
    line = _item(item)
    if item.extra:
        for name, alias in ITEM_ALIASES:
            if alias in item.extra:
                line.pop(name, None)
        return overlay(line, item.extra)
    return line


def _item(item: Item) -> Over:
    line: Over = {**item.attrs}
    if item.id is not None:
        line["id"] = item.id
    if item.name is not None:
        line["name"] = item.name
    if item.brand is not None:
        line["brand"] = item.brand
    if item.category is not None:
        line["category"] = item.category
    if item.currency is not None:
        line["currency"] = item.currency
    if item.unit_price is not None:
        line["price"] = item.unit_price
    if item.quantity is not None:
        line["quantity"] = item.quantity
    if item.group_id is not None:
        line["group_id"] = item.group_id
    if item.seller_id is not None:
        line["seller_id"] = item.seller_id
    return line
