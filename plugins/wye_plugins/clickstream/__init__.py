"""Clickstream Analytics on AWS: its ingestion endpoint, and requests to one."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from wye.options import Options
from wye.plugin import AdapterPart, Bag, Inbound, Outbound, Role, hookimpl
from wye_plugins.clickstream.names import MAX_VALUE_CHARS
from wye_plugins.clickstream.schema import VENDOR


class ClickstreamSourceOptions(Options, frozen=True, kw_only=True):
    """How wye stands in for the vendor's ingestion server."""

    app_ids: Annotated[
        list[str],
        Meta(
            description="The apps whose events are taken; a request for any other gets the vendor's 403. Empty, which is the "
            "default, takes any app, but a request has to name one."
        ),
    ] = field(default_factory=list[str])
    path: Annotated[
        str,
        Meta(
            description="Where events are taken. It matches by its beginning, as at the vendor: /collect takes /collect/v2 too."
        ),
    ] = "/collect"

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError(f'path must begin with "/", as in "/collect"; found "{self.path}"')
        if "" in self.app_ids:
            raise ValueError("app_ids must not hold an empty name; leave the list empty to take any app")


class ClickstreamSinkOptions(Options, frozen=True, kw_only=True):
    """How events are sent to the vendor's ingestion server."""

    app_id: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(
            description="The app to send all events as. Without it an event keeps the app (or site key) that it came with, and "
            '"wye" where it came with none.'
        ),
    ] = None
    compression: Annotated[
        Literal["gzip"] | None,
        Meta(description="Compress bodies the vendor's way: base64 of gzip. By default they go as they are."),
    ] = None
    hash_code: Annotated[
        bool,
        Meta(description="Add the `hashCode` of the body to each request. The vendor's server does not look at it."),
    ] = False


def build_source(options: ClickstreamSourceOptions) -> Inbound:
    """The decoder, and the vendor's endpoint."""
    from wye_plugins.clickstream.decode import ClickstreamDecoder
    from wye_plugins.clickstream.endpoint import ClickstreamEndpoint

    return Inbound(ClickstreamDecoder(), ClickstreamEndpoint(options.app_ids, options.path))


def build_sink(options: ClickstreamSinkOptions) -> Outbound:
    """The encoder, with its requests and verdicts."""
    from wye_plugins.clickstream.encode import ClickstreamEncoder
    from wye_plugins.clickstream.fidelity import DOCUMENTS, RULES

    encoder = ClickstreamEncoder(options.app_id, compress=options.compression == "gzip", hash_code=options.hash_code)
    return Outbound(encoder, bag=Bag(piece_chars=MAX_VALUE_CHARS), rules=RULES, documents=DOCUMENTS)


@hookimpl
def wye_adapters() -> list[AdapterPart]:
    """Clickstream, on either side of wye."""
    return [AdapterPart(VENDOR, Role(ClickstreamSourceOptions, build_source), Role(ClickstreamSinkOptions, build_sink))]
