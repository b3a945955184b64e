"""RichRelevance: its UserProfileStream of shopper events, received from the vendor or served in its place."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from wye.options import Options, Secret
from wye.plugin import AdapterPart, Inbound, Outbound, Role, hookimpl
from wye_plugins.richrelevance.schema import VENDOR


class RichRelevanceOptions(Options, frozen=True, kw_only=True):
    """The three credentials of the stream. A client sends them, a server asks for them; what is not given is not asked for."""

    api_key: Annotated[
        Secret | None,
        Meta(
            description="The key of the site. A sink also writes it into every document; without it an event keeps the key "
            "that it came with."
        ),
    ] = None
    client_api_key: Annotated[
        Secret | None, Meta(description="The key of the client program. On the wire it is `clientApiKey`.")
    ] = None
    client_secret: Annotated[Secret | None, Meta(description="The secret that goes with `client_api_key`.")] = None


def build_source(options: RichRelevanceOptions) -> Inbound:
    """The decoder, and the stream as its client or its server."""
    from wye_plugins.richrelevance.decode import RichRelevanceDecoder
    from wye_plugins.richrelevance.endpoint import RichRelevanceStream

    stream = RichRelevanceStream(options.api_key, options.client_api_key, options.client_secret)
    return Inbound(RichRelevanceDecoder(), stream=stream)


def build_sink(options: RichRelevanceOptions) -> Outbound:
    """The encoder, and the stream as its server or its client."""
    from wye_plugins.richrelevance.encode import RichRelevanceEncoder
    from wye_plugins.richrelevance.endpoint import RichRelevanceStream
    from wye_plugins.richrelevance.fidelity import DOCUMENTS, RULES

    stream = RichRelevanceStream(options.api_key, options.client_api_key, options.client_secret)
    return Outbound(RichRelevanceEncoder(options.api_key), stream, rules=RULES, documents=DOCUMENTS)


@hookimpl
def wye_adapters() -> list[AdapterPart]:
    """The stream, on either side of wye."""
    return [AdapterPart(VENDOR, Role(RichRelevanceOptions, build_source), Role(RichRelevanceOptions, build_sink))]
