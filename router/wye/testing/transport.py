"""Stand-ins for a sink's transport and for an adapter's encoder."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import trio

from wye.event import Event, to_json
from wye.message import Shipment, Unfit
from wye.plugin import Limits
from wye.verdict import DELIVERED, Verdicts

Answer = Verdicts | Exception | Callable[[Shipment], Verdicts]
"""What a fake transport does with a shipment: give verdicts, raise, or ask a function for them."""


class FakeTransport:
    """Remembers the shipments it is asked to send, and answers from a script.

    ``answers`` are used up one a shipment; after the last one everything is delivered. ``gate`` makes ``send`` wait: replace it
    by an unset ``trio.Event`` and set it later. ``most_at_once`` is the largest number of shipments under way at the same time,
    ``times`` are when each came (seconds on trio's clock), ``is_open`` whether it is held open.
    """

    def __init__(self, answers: Iterable[Answer] = (), *, concurrency: int = 1) -> None:
        self.answers = list(answers)
        self.concurrency = concurrency
        self.target = "a fake"
        self.shipments: list[Shipment] = []
        self.times: list[float] = []
        self.gate = trio.Event()
        self.gate.set()
        self.most_at_once = 0
        self.is_open = False
        self._under_way = 0

    @property
    def ids(self) -> list[list[str]]:
        """The ids of the events of each shipment."""
        return [[event.id for event in shipment.events] for shipment in self.shipments]

    def open(self) -> AbstractAsyncContextManager[None]:
        return self._opened()

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[None]:
        self.is_open = True
        try:
            yield
        finally:
            self.is_open = False

    async def send(self, shipment: Shipment, /) -> Verdicts:
        self.shipments.append(shipment)
        self.times.append(trio.current_time())
        answer = self.answers.pop(0) if self.answers else DELIVERED
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            await trio.lowlevel.checkpoint()
            await self.gate.wait()
        finally:
            self._under_way -= 1
        if isinstance(answer, Exception):
            raise answer
        return answer(shipment) if callable(answer) else answer


class FakeEncoder:
    """Writes canonical JSON, but for the events whose ids ``special`` names: what it holds is given as it is (``Unfit``, other
    bytes) or raised."""

    def __init__(self, limits: Limits | None = None, special: dict[str, bytes | Unfit | Exception] | None = None) -> None:
        self._limits = limits or Limits()
        self.special = special or {}

    @property
    def limits(self) -> Limits:
        return self._limits

    def encode(self, events: Sequence[Event], /) -> list[bytes | Unfit]:
        return [self._document(event) for event in events]

    def _document(self, event: Event) -> bytes | Unfit:
        one = self.special.get(event.id)
        if isinstance(one, Exception):
            raise one
        return to_json(event) if one is None else one
