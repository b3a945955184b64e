"""Reelevant: its collector of website and app events, and requests to one."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from wye.options import Options, Secret
from wye.plugin import AdapterPart, Bag, Inbound, Outbound, Role, hookimpl
from wye_plugins.reelevant.schema import DATASOURCE_ID, VENDOR

BASE_URL = "https://collector.reelevant.com"
"""Where the vendor takes events of all its customers."""

_HINT = 'must be 24 hexadecimal digits, as in "61a095fdd8d2e20011544831"'


class ReelevantSourceOptions(Options, frozen=True, kw_only=True):
    """How wye stands in for the vendor's collector."""

    datasource_ids: Annotated[
        list[str],
        Meta(
            description="The datasources whose events are taken; a request for any other gets the vendor's 404. Empty, which "
            "is the default, takes any."
        ),
    ] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        for each in self.datasource_ids:
            if not DATASOURCE_ID.fullmatch(each):
                raise ValueError(f'each of datasource_ids {_HINT}; found "{each}"')


class ReelevantSinkOptions(Options, frozen=True, kw_only=True):
    """How events are sent to the vendor's collector."""

    datasource_id: Annotated[
        str | None,
        Meta(
            description="The datasource to send to: /collect/{id}/rlvt is appended to the sink's `url`, which by default is "
            "the vendor's. Without it `url` has to be the whole address."
        ),
    ] = None
    key: Annotated[
        Secret | None,
        Meta(
            description="The company id, written into every event. Without it an event keeps the one (or the app, or the site) "
            'that it came with, and gets "wye" where it came with none.'
        ),
    ] = None
    default_url: Annotated[
        str,
        Meta(
            min_length=1,
            description="The page of an event that has none: the vendor requires one, and its own apps send this default.",
        ),
    ] = "unknown"

    def __post_init__(self) -> None:
        if self.datasource_id is not None and not DATASOURCE_ID.fullmatch(self.datasource_id):
            raise ValueError(f'datasource_id {_HINT}; found "{self.datasource_id}"')
        if self.key == "":
            raise ValueError("key must not be empty; leave it out to let events keep their own")


def build_source(options: ReelevantSourceOptions) -> Inbound:
    """The decoder, and the vendor's endpoint."""
    from wye_plugins.reelevant.decode import ReelevantDecoder
    from wye_plugins.reelevant.endpoint import ReelevantEndpoint

    return Inbound(ReelevantDecoder(), ReelevantEndpoint(options.datasource_ids))


def build_sink(options: ReelevantSinkOptions) -> Outbound:
    """The encoder, with its requests and verdicts."""
    from wye_plugins.reelevant.encode import ReelevantEncoder
    from wye_plugins.reelevant.fidelity import DOCUMENTS, RULES

    encoder = ReelevantEncoder(options.datasource_id, options.key, options.default_url)
    return Outbound(encoder, bag=Bag(), base_url=BASE_URL if options.datasource_id else None, rules=RULES, documents=DOCUMENTS)


@hookimpl
def wye_adapters() -> list[AdapterPart]:
    """Reelevant, on either side of wye."""
    return [AdapterPart(VENDOR, Role(ReelevantSourceOptions, build_source), Role(ReelevantSinkOptions, build_sink))]
