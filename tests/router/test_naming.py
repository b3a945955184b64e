from __future__ import annotations

from wye.canonical import CanonicalDecoder
from wye.message import Head, Payload, Received, Reply
from wye.naming import naming
from wye.plugin import Accepted, Claim, Inbound

HEAD = Head("POST", "/", {}, {})


class Endpoint:
    """Takes what the canonical decoder takes."""

    def claim(self, head: Head, /) -> Claim | None:
        return Claim(max_body_bytes=7)

    def receive(self, request: Received, /) -> Accepted | Reply:
        return Accepted(CanonicalDecoder().decode(Payload(request.body)), Reply(200))

    def refusal(self, head: Head, status: int, words: str, /) -> Reply:
        return Reply(status, (), words.encode())


def test_a_failure_has_the_name_of_its_adapter() -> None:
    inbound = naming(Inbound(CanonicalDecoder(), Endpoint(), name="ours"))
    assert inbound.endpoint is not None
    answer = inbound.endpoint.receive(Received(HEAD, b"{bad}", 0))
    assert isinstance(answer, Accepted)
    for decoded in (answer.decoded, inbound.decoder.decode(Payload(b"{bad}"))):
        assert [failure.adapter for failure in decoded.failures] == ["ours"]


def test_all_else_is_the_adapters_own() -> None:
    endpoint = naming(Inbound(CanonicalDecoder(), Endpoint(), name="ours")).endpoint
    assert endpoint is not None
    assert endpoint.claim(HEAD) == Claim(max_body_bytes=7)
    assert endpoint.refusal(HEAD, 503, "full") == Reply(503, (), b"full")
    assert naming(Inbound(CanonicalDecoder())).endpoint is None
