"""Moloco Commerce Media (once RMP): its User Event API, and requests to it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta

from wye.net import check_url
from wye.options import Options, Secret
from wye.plugin import AdapterPart, Inbound, Outbound, Role, hookimpl
from wye_plugins.moloco.schema import VENDOR

Name = Annotated[str, Meta(min_length=1)]
Key = Annotated[Secret, Meta(min_length=1)]

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,57}[A-Za-z0-9])?")


class MolocoSourceOptions(Options, frozen=True, kw_only=True):
    """How wye stands in for the vendor's event service. What is not given is not asked for."""

    platform: Annotated[
        Name | None,
        Meta(description="The platform's id, as it stands in the path; a request for any other gets the vendor's 404."),
    ] = None
    api_key: Annotated[
        Key | None,
        Meta(description="The key that clients send as `X-API-Key`; a request without one gets 401, with another one 403."),
    ] = None


class MolocoSinkOptions(Options, frozen=True, kw_only=True):
    """How events are sent to the vendor's event service."""

    platform: Annotated[
        Name | None,
        Meta(
            description="The platform's id, as it stands in the path. Without it the http sink's `url` is taken for the whole "
            "address. An http sink needs no `url` where this is set."
        ),
    ] = None
    api_key: Annotated[Key | None, Meta(description="The key to send as `X-API-Key`.")] = None
    channel_type: Annotated[
        Literal["SITE", "DESKTOP_SITE", "MOBILE_SITE", "APP"],
        Meta(
            description="Where events happened that do not say so themselves. The vendor requires it; most events of a shop "
            "come from its site. With `APP` it wants `device.os` too."
        ),
    ] = "SITE"
    region: Annotated[
        Name | None,
        Meta(description="The vendor's region, as in its JavaScript client: `sel` is `https://evt-sel.rmp-api.moloco.com`."),
    ] = None
    base_url: Annotated[
        str | None,
        Meta(
            description="Scheme and host to send to, as the vendor names them, where the http sink has no `url`. By default "
            "`https://{platform}-evt.rmp-api.moloco.com`; newer hosts are `https://{name}-evt.mcm-api.moloco.com`."
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.region is not None and self.base_url is not None:
            raise ValueError("`region` and `base_url` both say where to send to; set one of them")
        if self.region is not None and not _LABEL.fullmatch(self.region):
            raise ValueError(f"`region` is {self.region!r}; expected a part of a host name, such as sel")
        if self.base_url is not None:
            check_url("base_url", self.base_url, ("http", "https"))
        if self.platform is None and (self.region or self.base_url):
            raise ValueError("`platform` is missing: it is part of the path at the host that `region` or `base_url` names")


def build_source(options: MolocoSourceOptions) -> Inbound:
    """The decoder, and the vendor's endpoint."""
    from wye_plugins.moloco.decode import MolocoDecoder
    from wye_plugins.moloco.endpoint import MolocoEndpoint

    return Inbound(MolocoDecoder(), MolocoEndpoint(options.platform, options.api_key))


def build_sink(options: MolocoSinkOptions) -> Outbound:
    """The encoder, with its requests and verdicts."""
    from wye_plugins.moloco.encode import MolocoEncoder
    from wye_plugins.moloco.fidelity import DOCUMENTS, RULES

    return Outbound(
        MolocoEncoder(options.platform, options.api_key, options.channel_type),
        base_url=base_url(options),
        rules=RULES,
        documents=DOCUMENTS,
    )


def base_url(options: MolocoSinkOptions) -> str | None:
    """Where the vendor takes a platform's events; ``None`` where that cannot be told.

    The vendor's guide has the platform in the host too. Underscores, which host names do not have, become hyphens there.
    """
    if options.base_url is not None:
        return options.base_url
    if options.region is not None:
        return f"https://evt-{options.region}.rmp-api.moloco.com"
    label = (options.platform or "").lower().replace("_", "-")
    return f"https://{label}-evt.rmp-api.moloco.com" if _LABEL.fullmatch(label) else None


@hookimpl
def wye_adapters() -> list[AdapterPart]:
    """Moloco, on either side of wye."""
    return [AdapterPart(VENDOR, Role(MolocoSourceOptions, build_source), Role(MolocoSinkOptions, build_sink))]
