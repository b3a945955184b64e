"""The http sink importing into a Google that takes its time, and names failures by their number alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from e2e.kit import free_port, lines_of, running
from plugins.google_retail.retail_kit import PARENT, SAMPLES, judge
from router.core_rig import make_sink, put, writing
from router.core_rig import running as draining
from samples.payloads import written
from wye.deadletters import DeadLetters
from wye.event import Event
from wye.message import Reply
from wye.plugin import Outbound, SinkContext
from wye.testing import HttpPartner, Post, make_event
from wye_plugins.google_retail.encode import GoogleRetailEncoder
from wye_plugins.http.config import HttpSinkOptions
from wye_plugins.http.sink import HttpSink

JSON = (("Content-Type", "application/json"),)


class Google:
    """Imports events whose visitor is not ``bad``; an operation is done when it has been asked after ``polls`` times."""

    def __init__(self, polls: int = 1) -> None:
        self.polls = polls
        self.taken: dict[str, Any] = {}
        self.asked: dict[str, int] = {}
        self.results: dict[str, Any] = {}
        self.imports = 0

    def __call__(self, post: Post) -> Reply:
        if post.method == "POST":
            return self._import(post.json()["inputConfig"]["userEventInlineSource"]["userEvents"])
        name = post.target.removeprefix("/v2/")
        self.asked[name] += 1
        body = self.results[name] if self.asked[name] >= self.polls else {"name": name}
        return Reply(200, JSON, msgspec.json.encode(body))

    def _import(self, events: list[Any]) -> Reply:
        for event in events:
            judge(written(event))
        good = [event for event in events if event["visitorId"] != "bad"]
        self.taken.update({event["attributes"]["event_id"]["text"][0]: event for event in good})
        self.imports += 1
        name = f"{PARENT}/operations/{self.imports}"
        self.asked[name] = 0
        metadata = {"successCount": str(len(good)), "failureCount": str(len(events) - len(good))}
        self.results[name] = {"name": name, "done": True, "metadata": metadata, "response": {}}
        return Reply(200, JSON, msgspec.json.encode({"name": name, "metadata": {}}))


def events(*visitors: str) -> list[Event]:
    return [make_event(f"e{place}", type="home_view", visitor_id=visitor) for place, visitor in enumerate(visitors)]


@pytest.mark.parametrize(
    ("visitors", "imports"), [(["v"] * 8, 1), (["v"] * 5 + ["bad"] + ["v"] * 2, 7), (["bad", "bad"], 1), (["bad"], 1)]
)
async def test_only_the_culprits_are_refused(
    visitors: list[str], imports: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wye_plugins.google_retail.operation._FIRST_WAIT_SECS", 0.001)
    google = Google(polls=2)
    sent = events(*visitors)
    encoder = GoogleRetailEncoder(PARENT, imports=True)
    letters = DeadLetters(tmp_path / "letters")
    async with HttpPartner(google).listening() as partner, writing(letters):
        http = HttpSink(HttpSinkOptions(url=partner.url), SinkContext("google", Outbound(encoder)))
        sink = make_sink(letters, http, encoder=encoder)
        async with draining(sink):
            put(sink, sent)
    assert (sink.account.delivered, sink.account.dead_lettered) == (len(sent) - visitors.count("bad"), visitors.count("bad"))
    assert google.imports == imports
    assert google.taken.keys() == {event.id for event in sent if event.visitor_id != "bad"}
    assert all(count == 2 for count in google.asked.values())


RELAY = """
[sources.files]
type = "file"
path = "in.jsonl"
adapter = {{ type = "google-retail" }}

[sinks.google]
type = "http"
inputs = ["files"]
url = "http://127.0.0.1:{port}"
adapter = {{ type = "google-retail", mode = "{mode}", parent = "{parent}", spelling = "seed" }}
"""

STAND_IN = """
[sources.google]
type = "http"
address = "127.0.0.1:{port}"
adapters = [{{ type = "google-retail", parent = "{parent}" }}]

[sinks.archive]
type = "file"
inputs = ["google"]
path = "out.jsonl"
adapter = {{ type = "google-retail", spelling = "seed" }}
"""


@pytest.mark.parametrize("mode", ["write", "import"])
async def test_from_wye_to_wye_each_way(tmp_path: Path, mode: str) -> None:
    """What the stand-in refuses, the sender has in its dead letters; everything else arrives once."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    lines = [msgspec.json.format(SAMPLES[name], indent=-1) for name in sorted(SAMPLES)]
    (here / "in.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    port = free_port()
    async with running(there, STAND_IN.format(port=port, parent=PARENT)) as stand_in:
        await stand_in.listening(port)
        async with running(here, RELAY.format(port=port, parent=PARENT, mode=mode)) as relay:
            assert await relay.ended() == 0
        assert await stand_in.stop() == 0
    assert (relay.sink("google")["delivered"], relay.sink("google")["dead_lettered"]) == (12, 1)
    (letter,) = relay.dead_letters
    assert "event_type 'invalid' is not one of" in letter["reason"]
    kinds = sorted(event["eventType"] for event in lines_of(there / "out.jsonl"))
    assert kinds == sorted(
        msgspec.json.decode(SAMPLES[name])["eventType"] for name in SAMPLES if not name.endswith("2-invalid")
    )
