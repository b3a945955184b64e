from __future__ import annotations

from msgspec import structs

from plugins.websocket.websocket_kit import WordDecoder
from wye.message import Decoded, Payload
from wye_plugins.websocket.inbox import Inbox


def ids(inbox: Inbox) -> list[str]:
    decoded, _ = inbox.take().decode(WordDecoder())
    return [event.id for event in decoded.events]


def test_messages_that_are_ready_go_on_together() -> None:
    inbox = Inbox(10, 1000)
    for body in (b"a", b"b c", b"d"):
        inbox.put(body, 5)
    decoded, _ = inbox.take().decode(WordDecoder())
    assert [event.id for event in decoded.events] == ["a", "b", "c", "d"]
    assert [event.time_ms for event in decoded.events] == [5, 5, 5, 5]
    assert decoded.size == 5
    assert len(inbox) == 0


def test_full_by_number() -> None:
    inbox = Inbox(2, 1000)
    inbox.put(b"a", 0)
    assert not inbox.full
    inbox.put(b"b", 0)
    assert inbox.full
    inbox.take()
    assert not inbox.full


def test_full_by_size() -> None:
    inbox = Inbox(100, 10)
    inbox.put(b"a" * 9, 0)
    assert not inbox.full
    inbox.put(b"b" * 9, 0)
    assert inbox.full
    inbox.take()
    assert not inbox.full


def test_what_was_read_is_taken_also_when_full() -> None:
    inbox = Inbox(1, 1000)
    inbox.put(b"a", 0)
    inbox.put(b"b", 0)
    assert ids(inbox) == ["a", "b"]


def test_a_failure_is_placed_by_its_message_counted_over_the_connection() -> None:
    inbox = Inbox(10, 1000)
    inbox.put(b"a", 0)
    inbox.put(b"!first", 0)
    first, first_place = inbox.take().decode(WordDecoder())
    inbox.put(b"!second", 0)
    inbox.put(b"b !third", 0)
    second, second_place = inbox.take().decode(WordDecoder())
    assert [first_place(failure.index) for failure in first.failures] == ["message 2"]
    assert [second_place(failure.index) for failure in second.failures] == ["message 3", "message 4, record 2"]
    assert [failure.original for failure in second.failures] == [b"!second", b"!third"]


def test_a_failure_keeps_the_name_of_the_adapter_that_refused() -> None:
    class Named(WordDecoder):
        def decode(self, payload: Payload, /) -> Decoded:
            decoded = super().decode(payload)
            failures = [structs.replace(one, adapter="words") for one in decoded.failures]
            return structs.replace(decoded, failures=failures)

    inbox = Inbox(10, 1000)
    inbox.put(b"a !bad", 0)
    decoded, _ = inbox.take().decode(Named())
    assert [failure.adapter for failure in decoded.failures] == ["words"]


def test_a_decoder_that_raises_costs_the_message_it_raises_for() -> None:
    inbox = Inbox(10, 1000)
    for body in (b"a", b"\xff", b"b"):
        inbox.put(body, 0)
    decoded, place = inbox.take().decode(WordDecoder())  # which is no decoder for what is not UTF-8
    assert [event.id for event in decoded.events] == ["a", "b"]
    (failure,) = decoded.failures
    assert failure.reason.startswith("decoder raised UnicodeDecodeError: ")
    assert (failure.original, place(failure.index)) == (b"\xff", "message 2")
