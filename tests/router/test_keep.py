from __future__ import annotations

import json

import pytest

from wye.canonical import CanonicalDecoder
from wye.event import to_json
from wye.keep import keeping
from wye.message import Decoded, Head, Payload, Received, Reply
from wye.plugin import Accepted, Claim, Inbound
from wye.testing import make_event

ONE, TWO = to_json(make_event("one")), to_json(make_event("two")).replace(b'":', b'" :')


class Endpoint:
    """Takes what the canonical decoder takes, and nothing at /no."""

    def claim(self, head: Head, /) -> Claim | None:
        return Claim()

    def receive(self, request: Received, /) -> Accepted | Reply:
        if request.head.path == "/no":
            return Reply(403)
        return Accepted(CanonicalDecoder().decode(Payload(request.body)), Reply(200))

    def refusal(self, head: Head, status: int, words: str, /) -> Reply:
        return Reply(status, (), words.encode())


INBOUND = keeping(Inbound(CanonicalDecoder(), Endpoint()))


def originals(decoded: Decoded) -> list[tuple[str, bytes | None]]:
    return [(event.id, event.origin.raw) for event in decoded.events]


@pytest.mark.parametrize(
    "body", [ONE + b"\n" + TWO, ONE + b"\n\n{bad}\n" + TWO + b"\n", b"[" + ONE + b"]\n" + b"[" + TWO + b"]"]
)
def test_each_line_has_its_own(body: bytes) -> None:
    found = originals(INBOUND.decoder.decode(Payload(body, "lines")))
    assert [name for name, _ in found] == ["one", "two"]
    assert [raw.strip(b"[]") if raw else raw for _, raw in found] == [ONE, TWO]


def test_several_events_a_line_have_their_own_too() -> None:
    body = b"[" + ONE + b"," + TWO + b"]\n{bad}\n[]"
    decoded = INBOUND.decoder.decode(Payload(body, "lines"))
    assert originals(decoded) == [("one", ONE), ("two", TWO)]
    assert [failure.index for failure in decoded.failures] == [1]


def test_members_of_a_message_have_their_own_and_bad_ones_are_passed_over() -> None:
    decoded = INBOUND.decoder.decode(Payload(b"[" + ONE + b',{"id":1},' + TWO + b"]"))
    assert originals(decoded) == [("one", ONE), ("two", TWO)]


def test_requests_have_their_own() -> None:
    assert INBOUND.endpoint is not None
    answer = INBOUND.endpoint.receive(Received(Head("POST", "/", {}, {}), b"[" + TWO + b"]", 0))
    assert isinstance(answer, Accepted)
    assert originals(answer.decoded) == [("two", TWO)]


def test_a_refusal_stays_a_refusal() -> None:
    assert INBOUND.endpoint is not None
    assert INBOUND.endpoint.receive(Received(Head("POST", "/no", {}, {}), b"", 0)) == Reply(403)
    assert INBOUND.endpoint.refusal(Head("POST", "/", {}, {}), 503, "full") == Reply(503, (), b"full")


def test_the_original_survives_canonical_json() -> None:
    (event,) = INBOUND.decoder.decode(Payload(ONE)).events
    (again,) = CanonicalDecoder().decode(Payload(to_json(event))).events
    assert again.origin.raw == ONE
    assert json.loads(to_json(event))["origin"]["raw"].isascii()
