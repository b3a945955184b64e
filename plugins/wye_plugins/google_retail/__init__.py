"""Google Cloud Retail: the API of its user events, served and spoken."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta, field

from wye.options import Options
from wye.plugin import AdapterPart, Auth, Bag, Inbound, Outbound, Role, hookimpl
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

    spelling: Annotated[
        Spelling,
        Meta(
            description='"seed" takes what a third-party description of the API has as well: the types `page-view`, `login` '
            'and `signup`, members that Google does not know or not in this type of event, imports without `eventTime`. "api" '
            "refuses what Google refuses."
        ),
    ] = "seed"
    event_types: Annotated[
        list[str], Meta(description="Further types of events to take; any other gets Google's 400. None by default.")
    ] = field(default_factory=list[str])

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
    mode: Annotated[
        Literal["write", "import"],
        Meta(
            description='"write" sends each event by itself, and Google has it when it answers. "import" sends many at a time '
            "and asks after the import until it is done: for history, and where one request an event is too many."
        ),
    ] = "write"
    forward_control: Annotated[
        bool,
        Meta(
            description="Send on the rejoins and purges that a source of this vendor was asked for. Off by default, because a "
            "purge deletes; they count as filtered then."
        ),
    ] = False
    auth: Annotated[
        Literal["service_account", "metadata", "none"] | None,
        Meta(
            description='Where access tokens come from: "service_account" is the key in `credentials_file`, "metadata" the '
            'account of the machine on Google\'s cloud. By default "service_account" where there is a `credentials_file`, '
            'otherwise "none". Needs `pip install "wye[google]"`.'
        ),
    ] = None
    credentials_file: Annotated[
        str | None, Meta(description="The key file of a service account (JSON), which needs the role Retail Editor.")
    ] = None

    def __post_init__(self) -> None:
        check_parent(self.parent)
        if self.auth == "service_account" and self.credentials_file is None:
            raise ValueError('`auth` is "service_account"; expected a `credentials_file` too')
        if self.credentials_file is not None and self.auth not in (None, "service_account"):
            raise ValueError(f'`credentials_file` is for `auth` = "service_account"; found "{self.auth}"')


def check_parent(parent: str | None) -> None:
    """Raises ``ValueError`` when it is no catalogue's name."""
    if parent is not None and not _PARENT.fullmatch(parent):
        raise ValueError(f'parent is "{parent}"; expected projects/…/locations/…/catalogs/…')


def build_source(options: GoogleRetailSourceOptions) -> Inbound:
    """The decoder, and Google's endpoint."""
    from wye_plugins.google_retail.decode import GoogleRetailDecoder
    from wye_plugins.google_retail.endpoint import GoogleRetailEndpoint

    wide = options.spelling == "seed"
    endpoint = GoogleRetailEndpoint(options.parent, wide=wide, event_types=options.event_types)
    return Inbound(GoogleRetailDecoder(), endpoint)


def build_sink(options: GoogleRetailSinkOptions) -> Outbound:
    """The encoder, with its requests and verdicts."""
    from wye_plugins.google_retail.encode import GoogleRetailEncoder
    from wye_plugins.google_retail.fidelity import DOCUMENTS, RULES

    encoder = GoogleRetailEncoder(
        options.parent, options.spelling, imports=options.mode == "import", forward_control=options.forward_control
    )
    return Outbound(
        encoder, bag=Bag(piece_chars=MAX_TEXT_CHARS), base_url=BASE_URL, auth=_auth(options), rules=RULES, documents=DOCUMENTS
    )


def _auth(options: GoogleRetailSinkOptions) -> Auth | None:
    kind = options.auth or ("none" if options.credentials_file is None else "service_account")
    if kind == "none":
        return None
    try:
        from wye_plugins.google_retail.auth import GoogleAuth
    except ImportError:
        raise ValueError(f'`auth` = "{kind}" needs google-auth; run: pip install "wye[google]"') from None
    return GoogleAuth(kind, options.credentials_file)


@hookimpl
def wye_adapters() -> list[AdapterPart]:
    """Google Cloud Retail, on either side of wye."""
    return [AdapterPart(VENDOR, Role(GoogleRetailSourceOptions, build_source), Role(GoogleRetailSinkOptions, build_sink))]
