"""Messages of one connection between being read and being handed on. Sans-io."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import structs

from wye.event import Event
from wye.fault import fault
from wye.message import Decoded, Failure, Payload
from wye.plugin import Decoder


class Inbox:
    """Gathers messages up to a number and a size, and gives out all of them as one batch.

    It is full at ``max_messages``, or at ``max_bytes`` in all; the message that reaches the size is still taken.
    """

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._messages: list[tuple[int, bytes]] = []
        self._bytes = 0
        self.received = 0

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def full(self) -> bool:
        return len(self._messages) >= self._max_messages or self._bytes >= self._max_bytes

    def put(self, body: bytes, received_ms: int) -> None:
        """Take a message, also when full: what was read is not thrown away."""
        self.received += 1
        self._bytes += len(body)
        self._messages.append((received_ms, body))

    def take(self) -> MessageBatch:
        """All messages, oldest first; the inbox is empty afterwards."""
        batch = MessageBatch(self.received - len(self._messages) + 1, self._messages)
        self._messages = []
        self._bytes = 0
        return batch


class MessageBatch:
    """Messages in a row, the first of them being number ``first`` (from 1) of its connection."""

    def __init__(self, first: int, messages: list[tuple[int, bytes]]) -> None:
        self._first = first
        self._messages = messages

    def decode(self, decoder: Decoder) -> tuple[Decoded, Callable[[int], str]]:
        """All events and failures in order, and what tells the place of a failure from its ``index``."""
        events: list[Event] = []
        failures: list[Failure] = []
        places: list[str] = []
        size = 0
        for number, (received_ms, body) in enumerate(self._messages, self._first):
            decoded = _decoded(decoder, Payload(body, "message", received_ms=received_ms))
            events.extend(decoded.events)
            records = len(decoded.events) + len(decoded.failures)
            for failure in decoded.failures:
                failures.append(structs.replace(failure, index=len(places)))
                places.append(f"message {number}" if records == 1 else f"message {number}, record {failure.index + 1}")
            size += len(body)
        return Decoded(events, failures, size), places.__getitem__


def _decoded(decoder: Decoder, payload: Payload) -> Decoded:
    try:
        return decoder.decode(payload)
    except Exception as error:  # a plugin's fault costs the message that it was made on
        return Decoded((), [Failure(f"decoder raised {fault(error)}", payload.body)])
