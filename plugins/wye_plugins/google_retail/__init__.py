"""Google Cloud Retail: the API of its user events, served and spoken."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta

from wye.options import Options
from wye.plugin import AdapterPart, Bag, Inbound, Outbound, Role, hookimpl
from wye_plugins.google_retail.schema import BASE_URL, MAX_TEXT_CHARS, VENDOR

_PARENT = re.compile(r"projects/[^/\s]+/locations/[^/\s]+/catalogs/[^/\s]+")

Spelling = Literal["api", "seed"]


class GoogleRetailSourceOptions(Options, frozen=True, kw_only=True):
    """How wye stands in for Google's API."""

    parent: Annotated[
        str | None,
        Meta(
            description="The catalogue whose events are taken, such as "
            "`projects/my-shop/locations/global/catalogs/default_catalog`; a request for any other gets Google's 403. Without "
            "it any catalogue is taken."
        ),
    ] = None

    def __post_init__(self) -> None:
        check_parent(self.parent)


class GoogleRetailSinkOptions(Options, frozen=True, kw_only=True):
    """How events are sent to Google."""

    parent: Annotated[
        str | None,
        Meta(
            description="The catalogue to send all events to, such as "
            "`projects/my-shop/locations/global/catalogs/default_catalog`. Without it an event goes to the catalogue it came "
            "for, where it came as Google's; an HTTP sink for events from elsewhere needs it."
        ),
    ] = None
    spelling: Annotated[
        Spelling,
        Meta(
            description='"api" writes what Google\'s API accepts, and puts into custom attributes what it would refuse. "seed" '
            "writes the wider format of a third-party description: any event type, any member at any event."
        ),
    ] = "api"

    def __post_init__(self) -> None:
        check_parent(self.parent)


def check_parent(parent: str | None) -> None:
    """Raises ``ValueError`` when it is no catalogue's name."""
    if parent is not None and not _PARENT.fullmatch(parent):
        raise ValueError(f'parent is "{parent}"; expected projects/…/locations/…/catalogs/…')


def build_source(options: GoogleRetailSourceOptions) -> Inbound:
    """The decoder."""
    from wye_plugins.google_retail.decode import GoogleRetailDecoder

    return Inbound(GoogleRetailDecoder())


def build_sink(options: GoogleRetailSinkOptions) -> Outbound:
    """The encoder, with its requests and verdicts."""
    from wye_plugins.google_retail.encode import GoogleRetailEncoder

    return Outbound(
        GoogleRetailEncoder(options.parent, options.spelling), bag=Bag(piece_chars=MAX_TEXT_CHARS), base_url=BASE_URL
    )


@hookimpl
def wye_adapters() -> list[AdapterPart]:
    """Google Cloud Retail, on either side of wye."""
    return [AdapterPart(VENDOR, Role(GoogleRetailSourceOptions, build_source), Role(GoogleRetailSinkOptions, build_sink))]
