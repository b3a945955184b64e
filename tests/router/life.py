"""A daemon with fake parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from router.fakes import Configs, FakeSink, FakeSource
from wye.config import Config
from wye.daemon import Daemon
from wye.errors import Exit


class Life:
    """A daemon with fake parts, and what they said, in order."""

    def __init__(self, configs: Configs, text: str) -> None:
        self.config: Config = configs.load(text.replace("DATA", str(configs.folder / "data")))
        self.sources = {one.name: cast(FakeSource, one.source) for one in self.config.sources}
        self.sinks = {one.name: cast(FakeSink, one.transport) for one in self.config.sinks}
        self.said: list[str] = []
        for part in (*self.sources.values(), *self.sinks.values()):
            part.said = self.said
        self.daemon = Daemon(self.config)

    async def run(self, on_started: Callable[[], None] = lambda: None) -> Exit:
        return await self.daemon.run(on_started)

    def account(self, sink: str) -> dict[str, int]:
        """The counts that are not zero; they add up."""
        assert self.daemon.ledger.balanced
        (account,) = [one for one in self.daemon.ledger.sinks if one.name == sink]
        names = ("received", "delivered", "filtered", "dead_lettered", "dropped", "in_flight")
        return {name: getattr(account, name) for name in names if getattr(account, name)}
