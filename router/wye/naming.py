"""Which of a source's adapters refused a record: that is the one to ask again when the record is retried."""

from __future__ import annotations

from msgspec import Struct, structs

from wye.message import Decoded, Head, Payload, Received, Reply
from wye.plugin import Accepted, Claim, Decoder, Endpoint, Inbound


def naming(inbound: Inbound) -> Inbound:
    """``inbound`` with its name in every failure."""
    endpoint: Endpoint | None = None if inbound.endpoint is None else _NamingEndpoint(inbound.endpoint, inbound.name)
    return structs.replace(inbound, decoder=_NamingDecoder(inbound.decoder, inbound.name), endpoint=endpoint)


class _NamingDecoder(Struct, frozen=True):
    decoder: Decoder
    name: str

    def decode(self, payload: Payload, /) -> Decoded:
        return _named(self.decoder.decode(payload), self.name)


class _NamingEndpoint(Struct, frozen=True):
    endpoint: Endpoint
    name: str

    def claim(self, head: Head, /) -> Claim | None:
        return self.endpoint.claim(head)

    def receive(self, request: Received, /) -> Accepted | Reply:
        answer = self.endpoint.receive(request)
        if isinstance(answer, Reply) or not answer.decoded.failures:
            return answer
        return structs.replace(answer, decoded=_named(answer.decoded, self.name))

    def refusal(self, head: Head, status: int, words: str, /) -> Reply:
        return self.endpoint.refusal(head, status, words)


def _named(decoded: Decoded, name: str) -> Decoded:
    if not decoded.failures:
        return decoded
    return structs.replace(decoded, failures=[structs.replace(failure, adapter=name) for failure in decoded.failures])
