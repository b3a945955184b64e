"""What a plugin implements. With ``wye.event``, ``message``, ``verdict``, ``options``, ``wire``, ``money``, ``lines``, ``net``,
``retry`` and ``where`` it is all that a plugin imports of wye; its tests also import ``wye.testing``.

A plugin is a module (or object) named by an entry point of the group ``wye``; its hooks return parts. Hooks are called once, at
start-up. After that wye calls the plain objects that ``build`` returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

import pluggy
from msgspec import Struct
from trio import TaskStatus

from wye.event import Event
from wye.message import Decoded, FollowUp, Head, HttpRequest, HttpResponse, Payload, Received, Reply, Shipment, Unfit
from wye.verdict import Verdicts

hookimpl = pluggy.HookimplMarker("wye")
"""Marks a plugin's hook functions: ``wye_sources``, ``wye_sinks``, ``wye_adapters``, ``wye_transforms``."""

T = TypeVar("T")


class StartError(Exception):
    """A part cannot start (port in use, path not writable). The message is one line and says what to do."""


class IncompleteError(Exception):
    """A source's last word where some of its input could not be read: what. Other sources go on; the exit code tells of it."""


# ── adapters: a vendor's spelling ────────────────────────────────────────────────────────────────────────────────────────


class Decoder(Protocol):
    """Wire to canonical. Pure: no I/O, no clock, no globals. Whatever the bytes, it returns; it never raises."""

    def decode(self, payload: Payload, /) -> Decoded: ...


class Limits(Struct, frozen=True):
    """A vendor's limits for one request. ``overhead_bytes`` is the envelope's size, ``separator_bytes`` what stands between two
    documents.

    ``divisible``: a request that was refused may be sent again in parts, because nothing of it was taken (it is taken whole or
    not at all), or because the vendor knows again what it has."""

    max_events: int | None = None
    max_bytes: int | None = None
    overhead_bytes: int = 0
    separator_bytes: int = 1
    divisible: bool = False


class Encoder(Protocol):
    """Canonical to wire. Pure. One document for each event, in order, or ``Unfit`` with the reason."""

    @property
    def limits(self) -> Limits: ...

    def encode(self, events: Sequence[Event], /) -> list[bytes | Unfit]: ...


@runtime_checkable
class RequestEncoder(Encoder, Protocol):
    """An ``Encoder`` whose vendor is spoken to in HTTP requests."""

    def requests(self, shipment: Shipment, /) -> Iterable[HttpRequest]:
        """Pack the documents into requests, each within ``limits``."""
        ...

    def verdicts(self, request: HttpRequest, response: HttpResponse, /) -> Verdicts | FollowUp:
        """What the answer means, for all events of ``request`` or for each; or what has to be sent before that is known.
        ``request`` is the object that this encoder made, so that a class of its own can remember what it needs."""
        ...


class AuthError(Exception):
    """There are no credentials. The message is one line and holds none; ``passing`` says that it may mend itself."""

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class Auth(Protocol):
    """Credentials that expire, for the requests of a sink."""

    async def headers(self) -> Mapping[str, str]:
        """Header fields for a request, obtained anew in time. Never log them. Raises ``AuthError``."""
        ...

    async def invalidate(self) -> None:
        """The vendor did not accept them: the next ``headers`` are to be others."""
        ...


class Claim(Struct, frozen=True):
    """An endpoint's word on the head of a request: this one is mine.

    ``reply`` answers at once (a refusal, a ping); the body is then read and thrown away. Otherwise the body may have
    ``max_body_bytes``. Of several claims, the first without a ``reply`` wins.
    """

    reply: Reply | None = None
    max_body_bytes: int | None = None


class Accepted(Struct, frozen=True):
    """A body that was understood: its events, and the answer for when they are safe."""

    decoded: Decoded
    success: Reply


class Endpoint(Protocol):
    """A vendor's own ingest API, as its real clients see it. Pure."""

    def claim(self, head: Head, /) -> Claim | None: ...

    def receive(self, request: Received, /) -> Accepted | Reply: ...

    def refusal(self, head: Head, status: int, words: str, /) -> Reply:
        """How this API's clients read what wye says in its place to a request that was claimed, with any status from 400 on:
        events that are not safe, no room or a stop (503), a body that is too large (413), late (408) or not what its head says
        (400, 415), a head that is too large (431) or asks for what is not served (405, 417, 501, 505), a fault (500).
        ``words`` are for a person; of a head that breaks off there is what has come."""
        ...


class Stream(Protocol):
    """A vendor's own WebSocket API, seen from either end. Pure."""

    def admit(self, head: Head, /) -> Reply | None:
        """Who may connect: ``None`` admits, a ``Reply`` refuses."""
        ...

    def connect_url(self, url: str, /) -> str:
        """``url`` with the vendor's path and credentials, where it does not have them already. Holds secrets: never log it."""
        ...


class Inbound(Struct, frozen=True):
    """An adapter as a source uses it. ``name`` is wye's to set: what the config calls it."""

    decoder: Decoder
    endpoint: Endpoint | None = None
    stream: Stream | None = None
    name: str = ""


class Bag(Struct, frozen=True):
    """Room for free attributes, in which wye can carry what the format has no place for.

    ``piece_chars`` is the longest text that one attribute takes (``None``: any), ``lists`` whether an attribute can be a list
    of texts.
    """

    piece_chars: int | None = None
    lists: bool = False


class Rule(Struct, frozen=True):
    """Why a format has no place for a leaf, or changes it: the reason that ``wye explain`` prints. That it does so is measured,
    and no matter of rules.

    ``leaves`` are names or patterns (``device.screen_*``), ``text`` is one sentence, ``source`` says whose word it is.
    ``kinds`` (``lost``, ``coerced``, ``ambiguous``, ``invented``) and ``types`` of events bound what it speaks of; empty, it
    speaks of all. The first rule that speaks of a leaf counts.
    """

    leaves: Sequence[str]
    text: str
    source: str
    kinds: Sequence[str] = ()
    types: Sequence[str] = ()


class Outbound(Struct, frozen=True):
    """An adapter as a sink uses it. ``bag`` where ``Event.attrs`` come back as they were written, if they are texts;
    ``base_url`` where the vendor takes HTTP requests, for a sink that is given no ``url`` of its own; ``auth`` where these need
    credentials that expire; ``rules`` say why the format does not hold everything; ``documents`` are the vendor's, with what no
    event from elsewhere puts there: ``wye explain`` measures them as well; ``name`` is wye's to set."""

    encoder: Encoder
    stream: Stream | None = None
    bag: Bag | None = None
    base_url: str | None = None
    auth: Auth | None = None
    rules: Sequence[Rule] = ()
    documents: Sequence[bytes] = ()
    name: str = ""


# ── transports: bytes in, bytes out ──────────────────────────────────────────────────────────────────────────────────────


class Intake(Protocol):
    """How a source hands events to wye.

    ``emit`` returns when every sink concerned has taken the batch into its buffer; a sink that is full and set to block keeps
    it waiting, and until it returns nothing was accepted, so that it can be cancelled without loss (a batch larger than the
    smallest buffer goes in pieces: cancelled between two of them, some may arrive, and again when the source sends again; no
    word is given then). ``on_settled`` is called
    once, later, with ``True`` when all of it is safe (delivered, filtered, or in the dead letters on disk) and ``False`` when
    some of it was given up unsafely. ``deliver`` is ``emit`` and the wait for that word. ``offer`` is ``emit`` where nothing
    has to be waited for: with ``False`` nothing was taken, and ``emit`` would wait. ``offer_all`` offers several together,
    whose senders wait for no word: with ``False`` nothing was taken, and they are to be offered one by one.

    ``place`` says where failures stood (``line 7``): it is called with a ``Failure.index``.
    """

    @property
    def name(self) -> str: ...

    def offer(
        self,
        decoded: Decoded,
        /,
        *,
        on_settled: Callable[[bool], None] | None = None,
        place: Callable[[int], str] | None = None,
    ) -> bool: ...

    def offer_all(self, several: Sequence[Decoded], /) -> bool: ...

    async def emit(
        self,
        decoded: Decoded,
        /,
        *,
        on_settled: Callable[[bool], None] | None = None,
        place: Callable[[int], str] | None = None,
    ) -> None: ...

    async def deliver(self, decoded: Decoded, /, *, place: Callable[[int], str] | None = None) -> bool: ...

    @property
    def stopped(self) -> bool:
        """Whether wye has stopped taking in events."""
        ...

    def until_stopped(self) -> AbstractContextManager[None]:
        """A cancel scope: the body runs until it ends or wye stops taking in events, whichever is first. Put the reading of
        input into it, and what must still happen (answers, checkpoints) after it."""
        ...


class Source(Protocol):
    """Reads events from somewhere. Returning from ``run`` means: there will be no more."""

    @property
    def listens(self) -> Sequence[str]:
        """Where it takes events from, for a person to read; never a secret."""
        ...

    async def run(self, intake: Intake, /, *, task_status: TaskStatus[None]) -> None:
        """Call ``task_status.started()`` once listening or connected enough to start. Raises ``StartError`` before that."""
        ...


class Transport(Protocol):
    """Carries documents to somewhere."""

    @property
    def target(self) -> str:
        """Where it sends to, for a person to read; never a secret."""
        ...

    @property
    def concurrency(self) -> int:
        """How many shipments it can carry at a time. With 1, they arrive in order, but for events that are tried again."""
        ...

    def open(self) -> AbstractAsyncContextManager[None]:
        """Held open while events flow. Raises ``StartError`` when it cannot start."""
        ...

    async def send(self, shipment: Shipment, /) -> Verdicts:
        """Return when the shipment's fate is known. ``OSError`` counts as ``busy`` for every event."""
        ...


class Transform(Protocol):
    """Changes or drops an event (``None``). Pure."""

    def apply(self, event: Event, /) -> Event | None: ...


# ── parts: what hooks return ─────────────────────────────────────────────────────────────────────────────────────────────


class SourceContext(Struct, frozen=True):
    """What a source is built with: its name, where it may keep state, and the adapters that its config names."""

    name: str
    state_dir: str
    adapters: Sequence[Inbound]


class SinkContext(Struct, frozen=True):
    """What a sink is built with: its name, the adapter that its config names (canonical JSON where it names none), and which
    of how many worker processes this is. What several processes must not touch at once is to be refused, with a ``ValueError``,
    when ``workers`` is more than 1."""

    name: str
    adapter: Outbound
    worker: int = 0
    workers: int = 1


class Batching(Struct, frozen=True):
    """How a kind of sink gathers events where its config does not say: a shipment goes when one of the three is reached.

    ``max_events`` and ``max_bytes`` (of encoded documents) bound one shipment; ``linger_secs`` bounds an event's wait for
    company. ``requests``: a shipment becomes one request to the vendor, whose ``Limits`` bound it too.
    """

    max_events: int = 500
    max_bytes: int = 1_048_576
    linger_secs: float = 0.02
    requests: bool = True


class SourcePart(Struct, frozen=True):
    """A kind of source. ``adapters``: whether it takes one adapter (``adapter = …``) or several (``adapters = […]``).
    ``spreads``: whether with these options every worker process has one, each of which gets events of its own (it listens, with
    ``wye.net.listen``); otherwise only the first process does."""

    name: str
    config: type[Struct]
    build: Callable[[Any, SourceContext], Source]
    adapters: Literal["one", "many"] = "one"
    spreads: Callable[[Any], bool] = lambda _: False


class SinkPart(Struct, frozen=True):
    """A kind of sink."""

    name: str
    config: type[Struct]
    build: Callable[[Any, SinkContext], Transport]
    batching: Batching = Batching()


class Role(Struct, Generic[T], frozen=True):
    """An adapter's options on one side of wye, and what is built from them."""

    config: type[Struct]
    build: Callable[[Any], T]


class AdapterPart(Struct, frozen=True):
    """A vendor's format. Either side may be missing."""

    name: str
    source: Role[Inbound] | None = None
    sink: Role[Outbound] | None = None


class TransformPart(Struct, frozen=True):
    """A kind of transform."""

    name: str
    config: type[Struct]
    build: Callable[[Any], Transform]
