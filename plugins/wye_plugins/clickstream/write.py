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

from typing import Any, cast

from msgspec import UNSET

from wye.event import CUSTOM, App, Device, Event, Item, Json, Page, UserAttr
from wye.wire import overlay
from wye_plugins.clickstream.names import fitting_attributes, name_of, names_in
from wye_plugins.clickstream.schema import NAMES, NAMES_ATTRIBUTE, TYPE_ATTRIBUTE, TYPES, CsEvent, total_attribute
from wye_plugins.clickstream.slots import categories_text

_NO_DEVICE = Device()
_NO_APP = App()
_NO_PAGE = Page()

Over = dict[str, Json]


def own_record(event: Event, app_id: str, over: Over) -> CsEvent:
    """The document of an event that came from this vendor. What could be put into its place is taken out of ``over``."""
    attributes = _attributes(event, _own_attributes(event, over) if event.attrs else {})
    if event.goods_total is not None and "event_value" not in over and "event_value_in_usd" not in over:
        attributes[total_attribute(event.type)] = event.goods_total
    if event.currency is not None and over.keys().isdisjoint(("event_value_currency", "currency", "event_value_in_usd")):
        attributes["currency"] = event.currency
    fields = _client(event.device, event.app)
    if "advertising_id" in over:
        fields["device_unique_id"] = None
    return CsEvent(
        event_type=_own_name(event, over),
        event_id=event.id,
        timestamp=event.time_ms,
        app_id=app_id,
        unique_id=None if "user_pseudo_id" in over else event.visitor_id,
        items=None if event.items is None else [_own_item(item) for item in event.items],
        user=_laid_over(_user(event), over, "user"),
        attributes=_laid_over(attributes, over, "attributes"),
        **fields,
    )


def foreign_record(event: Event, app_id: str) -> CsEvent:
    """The document of an event that came from another vendor."""
    attributes = _attributes(event, {})
    name = _foreign_name(event, attributes)
    in_columns = event.goods_total is not None and event.currency is not None
    if not in_columns:
        _put(attributes, total_attribute(event.type), event.goods_total)
        _put(attributes, "currency", event.currency)
    if event.attrs:
        attributes = fitting_attributes(event.attrs, attributes)
    return CsEvent(
        event_type=name,
        event_id=event.id,
        timestamp=event.time_ms,
        app_id=app_id,
        unique_id=event.visitor_id,
        event_value=event.goods_total if in_columns else UNSET,
        event_value_currency=event.currency if in_columns else None,
        items=None if event.items is None else [_item(item) for item in event.items],
        user=_user(event, event.time_ms) or None,
        attributes=attributes or None,
        **_client(event.device, event.app),
    )


def _laid_over(bag: Over, over: Over, name: str) -> Over | None:
    """``bag`` with its part of ``over``, which is then done with; ``None`` where there is nothing in either."""
    part = over.get(name)
    if type(part) is dict:
        del over[name]
        return overlay(bag, cast(Over, part))
    return bag or None


def _client(device: Device | None, app: App | None) -> dict[str, Any]:
    if device is None and app is None:
        return {}
    device, app = device or _NO_DEVICE, app or _NO_APP
    return {
        "device_id": device.id,
        "device_unique_id": device.advertising_id,
        "platform": device.platform,
        "os_version": device.os_version,
        "make": device.make,
        "brand": device.brand,
        "model": device.model,
        "carrier": device.carrier,
        "network_type": device.network_type,
        "locale": device.locale,
        "system_language": device.language,
        "country_code": device.country,
        "zone_offset": device.zone_offset_ms,
        "screen_height": device.screen_height,
        "screen_width": device.screen_width,
        "viewport_height": device.viewport_height,
        "viewport_width": device.viewport_width,
        "sdk_version": app.sdk_version,
        "sdk_name": app.sdk_name,
        "app_package_name": app.package,
        "app_version": app.version,
        "app_title": app.title,
        "host_name": app.host,
    }


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _own_name(event: Event, over: Over) -> str | None:
    name = over.get("event_type")
    if type(name) is str:
        return cast(str, over.pop("event_type"))
    if "event_name" in over:
        return None
    return event.type[len(CUSTOM) :] if event.type.startswith(CUSTOM) else NAMES.get(event.type, event.type)


def _foreign_name(event: Event, attributes: Over) -> str:
    """The type's name here. Where it does not lead back to the type, the type goes into an attribute."""
    name = NAMES.get(event.type) or name_of(event.type.removeprefix(CUSTOM))
    if event.type != TYPES.get(name, CUSTOM + name):
        attributes[TYPE_ATTRIBUTE] = event.type
    return name


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
    for name, value in (
        ("_search_term", event.search_query),
        ("brand", event.brand),
        ("order_id", event.order_id),
        ("cart_id", event.cart_id),
        ("attribution_token", event.attribution),
        ("channel", event.channel),
        ("grand_total", event.grand_total),
        ("shipping", event.shipping),
        ("tax", event.tax),
        ("cost", event.cost),
    ):
        if value is not None:
            bag[name] = value
    return bag


def _put_page(bag: Over, page: Page, *, landing: bool) -> None:
    _put(bag, "_page_url", page.url)
    _put(bag, "_page_title", page.title)
    _put(bag, "_latest_referrer" if landing else "_page_referrer", page.referrer)
    _put(bag, "_screen_id", page.id)
    _put(bag, "page_view_id", page.view_id)


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
        for name, alias in (("id", "item_id"), ("name", "item_name")):
            if alias in item.extra:
                line.pop(name, None)
        return overlay(line, item.extra)
    return line


def _item(item: Item) -> Over:
    line: Over = dict(item.attrs) if item.attrs else {}
    for name, value in (
        ("id", item.id),
        ("name", item.name),
        ("brand", item.brand),
        ("category", item.category),
        ("currency", item.currency),
        ("price", item.unit_price),
        ("quantity", item.quantity),
        ("group_id", item.group_id),
        ("seller_id", item.seller_id),
    ):
        if value is not None:
            line[name] = value
    return line
