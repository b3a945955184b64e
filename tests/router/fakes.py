"""A plugin for tests: a source and a sink without any wire, an adapter with options, and what it takes to load a config with
them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import trio
from msgspec import Meta, field

from wye.config import Config, load_config
from wye.errors import ConfigError, Problem
from wye.event import Event
from wye.message import Decoded, Failure, Payload, Shipment, Unfit
from wye.options import Count, Options, Seconds, Secret
from wye.plugin import (
    AdapterPart,
    Inbound,
    Intake,
    Limits,
    Outbound,
    Role,
    SinkContext,
    SinkPart,
    SourceContext,
    SourcePart,
    hookimpl,
)
from wye.registry import Registry, load
from wye.testing import make_event
from wye.verdict import DELIVERED, Verdicts
from wye_plugins import filter as filter_plugin


class Tls(Options, frozen=True):
    """A table within a table."""

    certificate: Annotated[str, Meta(description="A file.")]
    versions: Annotated[list[Literal["1.2", "1.3"]], Meta(description="Which to speak.")] = field(
        default_factory=list[Literal["1.2", "1.3"]]
    )


class FakeOptions(Options, frozen=True):
    """One option of each type."""

    address: Annotated[str | None, Meta(description="Where it would listen.")] = None
    url: Annotated[Secret | None, Meta(description="Whom it would connect to.")] = None
    path: Annotated[str | list[str] | None, Meta(description="What it would read or write.")] = None
    max_events: Annotated[Count, Meta(description="At most so many.")] = 10
    linger: Annotated[Seconds, Meta(description="How long.")] = 0.5
    ack: Annotated[Literal["safe", "accepted"], Meta(description="When to answer.")] = "safe"
    token: Annotated[Secret | None, Meta(description="A credential.")] = None
    headers: Annotated[dict[str, Secret], Meta(description="Sent along.")] = field(default_factory=dict[str, str])
    tags: Annotated[list[str], Meta(description="Names.")] = field(default_factory=list[str])
    tls: Annotated[Tls | None, Meta(description="Certificates.")] = None
    first: Annotated[int, Meta(description="Not above last.")] = 0
    last: Annotated[int, Meta(description="Not below first.")] = 100

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise ValueError(f"first ({self.first}) is larger than last ({self.last})")


class FakeSource:
    """Emits what the test says; ends when ``done`` is set or wye stops it."""

    def __init__(self, options: FakeOptions, context: SourceContext) -> None:
        self.options = options
        self.context = context
        self.listens = [options.address or "nowhere"]
        self.events: Sequence[Event] = [make_event(f"{context.name}-{number}") for number in range(3)]
        self.done = trio.Event()
        self.done.set()
        self.start_fault: Exception | None = None
        self.run_fault: Exception | None = None
        self.until_fault = trio.Event()
        self.until_fault.set()
        self.said: list[str] = []

    async def run(self, intake: Intake, /, *, task_status: trio.TaskStatus[None]) -> None:
        if self.start_fault:
            raise self.start_fault
        self.said.append(f"start source {self.context.name}")
        task_status.started()
        with intake.until_stopped():
            await intake.emit(Decoded(self.events))
            if self.run_fault:
                await self.until_fault.wait()
                raise self.run_fault
            await self.done.wait()
        self.said.append(f"end source {self.context.name}")


class FakeSink:
    """Remembers what it was sent; ``gate`` holds it up."""

    concurrency = 1

    def __init__(self, options: FakeOptions, context: SinkContext) -> None:
        self.options = options
        self.name = context.name
        self.target = options.address or "nowhere"
        self.got: list[str] = []
        self.gate = trio.Event()
        self.gate.set()
        self.start_fault: Exception | None = None
        self.said: list[str] = []

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        if self.start_fault:
            raise self.start_fault
        self.said.append(f"open sink {self.name}")
        try:
            yield
        finally:
            self.said.append(f"close sink {self.name}")

    async def send(self, shipment: Shipment, /) -> Verdicts:
        await self.gate.wait()
        self.got.extend(event.id for event in shipment.events)
        return DELIVERED


class PlainOptions(Options, frozen=True):
    """The options of the plain adapter."""

    shop: Annotated[str, Meta(description="Whose events.", min_length=1)]
    key: Annotated[Secret | None, Meta(description="A credential.")] = None


class Plain:
    """A line is ``{"id": …}``. The id ``boom`` breaks the adapter, ``odd`` does not fit, and ``new`` has no name."""

    limits = Limits()

    def decode(self, payload: Payload, /) -> Decoded:
        try:
            return Decoded([make_event(json.loads(payload.body)["id"])])
        except (ValueError, KeyError) as error:
            return Decoded([], [Failure(f"bad record: {error}", payload.body)])

    def encode(self, events: Sequence[Event], /) -> list[bytes | Unfit]:
        if any(event.id == "boom" for event in events):
            raise RuntimeError("boom")
        unfit = {"odd": Unfit("too odd"), "new": Unfit("no name for it", unmapped=True)}
        return [unfit.get(event.id) or json.dumps({"id": event.id}).encode() for event in events]


def build_plain(options: PlainOptions) -> Any:
    if options.shop == "broken":
        raise RuntimeError("a bug")
    return Plain()


@hookimpl
def wye_sources() -> list[SourcePart]:
    return [SourcePart("fake", FakeOptions, FakeSource), SourcePart("many", FakeOptions, FakeSource, adapters="many")]


@hookimpl
def wye_sinks() -> list[SinkPart]:
    return [SinkPart("fake", FakeOptions, FakeSink), SinkPart("file", FakeOptions, FakeSink)]


@hookimpl
def wye_adapters() -> list[AdapterPart]:
    return [
        AdapterPart(
            "plain",
            Role(PlainOptions, lambda options: Inbound(build_plain(options))),
            Role(PlainOptions, lambda options: Outbound(build_plain(options))),
        ),
        AdapterPart("readonly", source=Role(Options, lambda _: Inbound(Plain()))),
    ]


class FileSource:
    """A second plugin, so that a source can be of type ``file`` too."""

    @hookimpl
    def wye_sources(self) -> list[SourcePart]:
        return [SourcePart("file", FakeOptions, FakeSource)]


def registry() -> Registry:
    """The fakes and the filter; nothing that is installed."""
    import router.fakes

    return load([("fakes", router.fakes), ("files", FileSource()), ("filter", filter_plugin)], points=[])


class Configs:
    """Writes configs into a folder and loads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, text: str | bytes, name: str = "wye.toml") -> str:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def load(self, *texts: str | bytes, environment: Mapping[str, str] | None = None) -> Config:
        """The texts as files ``wye.toml``, ``wye2.toml``, …"""
        files = [self.write(text, f"wye{number or ''}.toml") for number, text in _numbered(texts)]
        return load_config(files, registry(), {} if environment is None else environment)

    def problems(self, *texts: str | bytes, environment: Mapping[str, str] | None = None) -> list[Problem]:
        """What is wrong with the texts; nothing is an empty list."""
        try:
            self.load(*texts, environment=environment)
        except ConfigError as error:
            return [
                Problem(Path(one.file).name, one.line, one.table, one.key, one.message.replace(f"{self.folder}/", ""))
                for one in error.problems
            ]
        return []

    def said(self, *texts: str | bytes, environment: Mapping[str, str] | None = None) -> str:
        """The problems as they are printed."""
        return "\n".join(map(str, self.problems(*texts, environment=environment)))


def _numbered(texts: Sequence[str | bytes]) -> list[tuple[int, str | bytes]]:
    return [(0 if index == 0 else index + 1, text) for index, text in enumerate(texts)]
