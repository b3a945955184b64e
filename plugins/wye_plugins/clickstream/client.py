"""What many events have in common: the shopper's device, the app, and where they came from."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import structs

from wye.event import App, Device, Json, Origin
from wye.message import Payload
from wye.remember import Bounded
from wye.wire import identity
from wye_plugins.clickstream.schema import VENDOR, CsEvent

_NO_DEVICE = Device()
_NO_APP = App()

MAX_CLIENTS = 1024
"""How many are known at a time."""

MAX_CLIENT_BYTES = 4096
"""Of all that is said of a client that is known."""

Client: TypeAlias = tuple[Origin, Device | None, App | None]


class Clients:
    """One object for all events with the same device, or the same app: finding it costs less than making another."""

    def __init__(self) -> None:
        self._clients: Bounded[tuple[Json, ...], Client] = Bounded(MAX_CLIENTS, MAX_CLIENT_BYTES)

    def of(self, record: CsEvent, tenant: str | None, platform: str | None, payload: Payload) -> Client:
        """The origin, the device without what names it, and the app. ``tenant`` and ``platform`` are those of the request."""
        key = (
            record.app_id or tenant,
            record.platform,
            record.os_version,
            record.make,
            record.brand,
            record.model,
            record.carrier,
            record.network_type,
            record.locale,
            record.system_language,
            record.country_code,
            record.zone_offset,
            record.screen_height,
            record.screen_width,
            record.viewport_height,
            record.viewport_width,
            record.app_title,
            record.app_version,
            record.app_package_name,
            record.sdk_name,
            record.sdk_version,
            record.host_name,
            platform,
            payload.user_agent,
            payload.ip,
        )
        known = self._clients.get(key)
        if known is None:
            origin = Origin(vendor=VENDOR, tenant=record.app_id or tenant)
            known = self._clients.keep(key, (origin, _device(record, platform, payload), _app(record)))
        return known


def named(device: Device | None, record: CsEvent, extra: dict[str, Json]) -> Device | None:
    """The device with its ids, where the document has such. What names no device is set aside in ``extra``."""
    own = kept_identity(record.device_id, "device_id", extra)
    advertising = kept_identity(record.device_unique_id, "device_unique_id", extra) or identity(extra.get("advertising_id"))
    if own is None and advertising is None:
        return device
    return structs.replace(device or _NO_DEVICE, id=own, advertising_id=advertising)


def kept_identity(value: str | None, name: str, extra: dict[str, Json]) -> str | None:
    """Whom ``value`` names, or ``None``; a text that names nobody is kept in ``extra``."""
    who = identity(value)
    if who is None and value is not None:
        extra[name] = value
    return who


def _device(record: CsEvent, platform: str | None, payload: Payload) -> Device | None:
    device = Device(
        platform=platform if record.platform is None else record.platform,
        os_version=record.os_version,
        make=record.make,
        brand=record.brand,
        model=record.model,
        carrier=record.carrier,
        network_type=record.network_type,
        locale=record.locale,
        language=record.system_language,
        country=record.country_code,
        zone_offset_ms=record.zone_offset,
        screen_height=record.screen_height,
        screen_width=record.screen_width,
        viewport_height=record.viewport_height,
        viewport_width=record.viewport_width,
        user_agent=payload.user_agent,
        ip=payload.ip,
    )
    return None if device == _NO_DEVICE else device


def _app(record: CsEvent) -> App | None:
    app = App(
        title=record.app_title,
        version=record.app_version,
        package=record.app_package_name,
        sdk_name=record.sdk_name,
        sdk_version=record.sdk_version,
        host=record.host_name,
    )
    return None if app == _NO_APP else app
