"""Google's own client for Python against the real ``wye run``: it must notice nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import quote

import httpx
import pytest
import trio
from google.api_core import exceptions  # pyright: ignore[reportMissingTypeStubs]
from google.auth.credentials import AnonymousCredentials
from google.cloud import retail_v2  # pyright: ignore[reportMissingTypeStubs]

from e2e.kit import free_port, lines_of, running, until
from plugins.google_retail.retail_kit import PARENT, SAMPLES
from wye.testing import HttpPartner

retail: Any = cast(Any, retail_v2)
T = TypeVar("T")

SENT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)

CONFIG = """
[sources.shop]
type = "http"
address = "127.0.0.1:{port}"
adapters = [{{ type = "google-retail", parent = "{parent}" }}]
{options}

[sinks.archive]
type = "file"
inputs = ["shop"]
path = "out.jsonl"
adapter = {{ type = "google-retail", spelling = "seed", forward_control = true }}

[sinks.canonical]
type = "file"
inputs = ["shop"]
path = "canonical.jsonl"
"""


def config_of(port: int, options: str = "") -> str:
    return CONFIG.format(port=port, parent=PARENT, options=options)


def client_of(port: int) -> Any:
    return retail.UserEventServiceClient(
        credentials=AnonymousCredentials(),
        transport="rest",
        client_options={"api_endpoint": f"http://127.0.0.1:{port}"},
    )


async def calling(call: Callable[[], T]) -> T:
    """The client blocks."""
    with trio.fail_after(20):
        return await trio.to_thread.run_sync(call, abandon_on_cancel=True)


def user_event(name: str) -> Any:
    return retail.UserEvent.from_json(SAMPLES[name].decode())


async def test_everything_that_the_client_can_do(tmp_path: Path) -> None:
    port = free_port()
    async with running(tmp_path, config_of(port)) as wye:
        await wye.listening(port)
        client = client_of(port)
        await _write(client)
        await _collect(client, port)
        await _import(client)
        await _control(client)
        await _refusals(client)
        assert await wye.stop() == 0
    kinds = [event.get("eventType") or sorted(event) for event in lines_of(tmp_path / "out.jsonl")]
    assert kinds == [
        *("detail-page-view", "purchase-complete", "search", "add-to-cart"),
        *("search", "home-page-view"),
        *("home-page-view", "search", "page-view"),
        ["userEventRejoinScope"],
        ["filter", "force"],
    ]
    assert wye.sink("archive")["delivered"] == 11
    assert (wye.sink("canonical")["delivered"], wye.sink("canonical")["filtered"]) == (9, 2)
    assert [letter["reason"][:25] for letter in wye.dead_letters] == ["event_type 'invalid' is n"]


async def test_what_is_written_collected_and_imported_at_the_same_time_arrives_once(tmp_path: Path) -> None:
    port = free_port()
    events = {name: [_home(f"{name}-{number}") for number in range(count)] for name, count in COUNTS.items()}
    async with running(tmp_path, config_of(port)) as wye:
        await wye.listening(port)
        client = client_of(port)
        async with trio.open_nursery() as nursery:
            for event in events["write"]:
                request = retail.WriteUserEventRequest(parent=PARENT, user_event=event)
                nursery.start_soon(calling, partial(client.write_user_event, request=request))
            for event in events["collect"]:
                # As a tag does it that knows only the document.
                raw = retail.CollectUserEventRequest(parent=PARENT, raw_json=retail.UserEvent.to_json(event, indent=None))
                nursery.start_soon(calling, partial(client.collect_user_event, request=raw))
            source = retail.UserEventInputConfig(user_event_inline_source={"user_events": events["import"]})
            request = retail.ImportUserEventsRequest(parent=PARENT, input_config=source)
            operation = await calling(partial(client.import_user_events, request=request))
            summary = (await calling(operation.result)).import_summary
        assert await wye.stop() == 0
    assert summary.joined_events_count == COUNTS["import"]
    sent = sorted(event.visitor_id for each in events.values() for event in each)
    assert sorted(event["visitorId"] for event in lines_of(tmp_path / "out.jsonl")) == sent
    assert sorted(event["visitor_id"] for event in lines_of(tmp_path / "canonical.jsonl")) == sent
    assert wye.dead_letters == []


FULL = """
[sources.shop]
type = "http"
address = "127.0.0.1:{port}"
overload_wait_secs = 0.1
adapters = [{{ type = "google-retail", parent = "{parent}" }}]

[sinks.partner]
type = "http"
inputs = ["shop"]
url = "{url}/collect?appId=partner"
adapter = {{ type = "clickstream", app_id = "partner" }}
buffer = {{ max_events = 1 }}
"""


async def test_while_the_sinks_are_full_the_client_is_told_so_in_googles_words_and_nothing_is_doubled(tmp_path: Path) -> None:
    port, down = free_port(), True
    first, second = (retail.WriteUserEventRequest(parent=PARENT, user_event=_home(f"visitor-{n}")) for n in (1, 2))
    async with HttpPartner(lambda _: 503 if down else 200).listening() as partner:
        async with running(tmp_path, FULL.format(port=port, parent=PARENT, url=partner.url)) as wye:
            await wye.listening(port)
            client = client_of(port)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(calling, partial(client.write_user_event, request=first))
                await until(lambda: partner.posts)
                with pytest.raises(exceptions.ServiceUnavailable, match="The service is currently unavailable"):
                    await calling(partial(client.write_user_event, request=second))
                down = False
            answer = await calling(partial(client.write_user_event, request=second))
            assert await wye.stop() == 0
    assert answer.visitor_id == "visitor-2"
    assert [event["unique_id"] for event in partner.accepted()] == ["visitor-1", "visitor-2"]


COUNTS = {"write": 30, "collect": 30, "import": 1000}


def _home(visitor: str) -> Any:
    return retail.UserEvent(event_type="home-page-view", visitor_id=visitor, event_time=SENT)


async def _write(client: Any) -> None:
    for name in ("seed-detail-page-view", "seed-purchase-complete", "seed-search", "seed-add-to-cart"):
        event = user_event(name)
        request = retail.WriteUserEventRequest(parent=PARENT, user_event=event, write_async=name == "seed-search")
        answer = await calling(lambda request=request: client.write_user_event(request=request))
        assert answer.event_time is not None
        answer.event_time = None
        assert answer == event


async def _collect(client: Any, port: int) -> None:
    event = SAMPLES["user_events-2-search"].decode()
    request = retail.CollectUserEventRequest(parent=PARENT, user_event=quote(event), uri="https://shop.example/", ets=5)
    answer = await calling(lambda: client.collect_user_event(request=request))
    assert (answer.content_type, answer.data[:6]) == ("image/gif", b"GIF89a")
    async with httpx.AsyncClient(trust_env=False) as http:
        home = SAMPLES["user_events-1-home-page-view"].decode()
        found = await http.get(f"http://127.0.0.1:{port}/v2/{PARENT}/userEvents:collect", params={"userEvent": home})
    assert (found.status_code, found.headers["content-type"], found.content[:6]) == (200, "image/gif", b"GIF89a")


async def _import(client: Any) -> None:
    """Also what the client's own tutorial imports with errors in it."""
    bad = [f"user_events_some_invalid-{name}" for name in ("1-home-page-view", "2-invalid", "3-search")]
    events = [user_event(name) for name in (*bad, "seed-inline-page-view-INVALID-TYPE")]
    source = retail.UserEventInlineSource(user_events=events)
    request = retail.ImportUserEventsRequest(
        parent=PARENT, input_config=retail.UserEventInputConfig(user_event_inline_source=source)
    )
    operation = await calling(lambda: client.import_user_events(request=request))
    result = await calling(operation.result)
    assert (result.import_summary.joined_events_count, result.import_summary.unjoined_events_count) == (3, 0)
    assert [error.message.partition(":")[0] for error in result.error_samples] == ["user_events[1]"]
    assert (operation.metadata.success_count, operation.metadata.failure_count) == (3, 1)
    assert (await calling(lambda: client.get_operation({"name": operation.operation.name}))).done


async def _control(client: Any) -> None:
    scope = retail.RejoinUserEventsRequest.UserEventRejoinScope.UNJOINED_EVENTS
    rejoin = retail.RejoinUserEventsRequest(parent=PARENT, user_event_rejoin_scope=scope)
    operation = await calling(lambda: client.rejoin_user_events(request=rejoin))
    assert (await calling(operation.result)).rejoined_user_events_count == 0
    purge = retail.PurgeUserEventsRequest(parent=PARENT, filter='visitorId = "visitor-123"', force=True)
    operation = await calling(lambda: client.purge_user_events(request=purge))
    assert (await calling(operation.result)).purged_events_count == 0


async def _refusals(client: Any) -> None:
    invalid = retail.WriteUserEventRequest(parent=PARENT, user_event=user_event("user_events_some_invalid-2-invalid"))
    with pytest.raises(exceptions.BadRequest, match="is not one of"):
        await calling(lambda: client.write_user_event(request=invalid))
    other = "projects/other/locations/global/catalogs/c"
    elsewhere = retail.WriteUserEventRequest(parent=other, user_event=user_event("seed-search"))
    with pytest.raises(exceptions.Forbidden, match="Permission"):
        await calling(lambda: client.write_user_event(request=elsewhere))
    storage = retail.UserEventInputConfig(gcs_source=retail.GcsSource(input_uris=["gs://bucket/events.json"]))
    stored = retail.ImportUserEventsRequest(parent=PARENT, input_config=storage)
    with pytest.raises(exceptions.Forbidden, match=r"storage\.objects\.get"):
        await calling(lambda: client.import_user_events(request=stored))
    with pytest.raises(exceptions.NotFound):
        await calling(lambda: client.get_operation({"name": f"{PARENT}/operations/none"}))


async def test_a_source_that_has_no_room_is_a_service_that_is_unavailable(tmp_path: Path) -> None:
    port = free_port()
    async with running(tmp_path, config_of(port, "max_pending_bytes = 10")) as wye:
        await wye.listening(port)
        request = retail.WriteUserEventRequest(parent=PARENT, user_event=_home("v"))
        with pytest.raises(exceptions.ServiceUnavailable, match=r"The service is currently unavailable\."):
            await calling(partial(client_of(port).write_user_event, request=request))
        assert await wye.stop() == 0
