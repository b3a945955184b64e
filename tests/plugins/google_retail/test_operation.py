from __future__ import annotations

from typing import Any

import msgspec
import pytest

from plugins.google_retail.retail_kit import NOW_MS, PARENT
from wye.event import Event, Origin
from wye.message import FollowUp, HttpRequest, HttpResponse
from wye.testing import make_event, shipment_of
from wye.verdict import DELIVERED, Verdict
from wye_plugins.google_retail.control import Control
from wye_plugins.google_retail.encode import GoogleRetailEncoder
from wye_plugins.google_retail.operation import MAX_EVENTS, ImportRequest, PollRequest

importer = GoogleRetailEncoder(PARENT, imports=True)
NAME = f"{PARENT}/operations/import-1"


def events(count: int, **fields: Any) -> list[Event]:
    return [make_event(f"e{number}", type="home_view", visitor_id="v", **fields) for number in range(count)]


def imported(count: int) -> ImportRequest:
    (request,) = importer.requests(shipment_of(events(count), [b'{"n":%d}' % number for number in range(count)]))
    assert isinstance(request, ImportRequest)
    return request


def answer(body: Any, status: int = 200, **headers: str) -> HttpResponse:
    return HttpResponse(status, {n.replace("_", "-"): v for n, v in headers.items()}, msgspec.json.encode(body))


def done(failures: int = 0, *samples: tuple[int, str]) -> HttpResponse:
    response = {"errorSamples": [{"code": code, "message": words} for code, words in samples]}
    return answer({"name": NAME, "done": True, "metadata": {"failureCount": str(failures)}, "response": response})


def kinds(verdicts: Any) -> list[str]:
    assert not isinstance(verdicts, FollowUp)
    return [verdicts.kind] if isinstance(verdicts, Verdict) else [verdict.kind for verdict in verdicts]


# ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_import_holds_many_events() -> None:
    request = imported(3)
    assert (request.method, request.path) == ("POST", f"/v2/{PARENT}/userEvents:import")
    assert msgspec.json.decode(request.body) == {
        "inputConfig": {"userEventInlineSource": {"userEvents": [{"n": 0}, {"n": 1}, {"n": 2}]}}
    }
    assert importer.limits.max_events == MAX_EVENTS


def test_each_catalogue_and_each_call_has_its_own_request() -> None:
    encoder = GoogleRetailEncoder(imports=True, forward_control=True)
    one, two = (Origin(vendor="google-retail", tenant=f"projects/{name}/locations/l/catalogs/c") for name in "ab")
    purge = Control("purge", {"filter": 'visitorId = "v"', "force": True}).event(PARENT, NOW_MS)
    mixed = [*events(1, origin=one), purge, *events(1, origin=two), *events(1, origin=one)]
    requests = list(encoder.requests(shipment_of(mixed, [b"{}"] * 4)))
    assert [(request.path.rpartition("/catalogs/")[2], list(request.indices)) for request in requests] == [
        ("default_catalog/userEvents:purge", [1]),
        ("c/userEvents:import", [0, 3]),
        ("c/userEvents:import", [2]),
    ]


def test_no_import_has_more_events_than_google_advises() -> None:
    requests = list(importer.requests(shipment_of(events(MAX_EVENTS + 1), [b"{}"] * (MAX_EVENTS + 1))))
    assert [len(request.indices) for request in requests] == [MAX_EVENTS, 1]


# ── verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_import_that_is_done_at_once() -> None:
    assert importer.verdicts(imported(3), done()) is DELIVERED
    assert importer.verdicts(imported(1), answer({"done": True})) is DELIVERED


def test_an_import_is_asked_after_with_growing_waits_until_it_is_done() -> None:
    request: HttpRequest = imported(2)
    waits: list[float] = []
    for _ in range(9):
        found = importer.verdicts(request, answer({"name": NAME, "metadata": {}}))
        assert isinstance(found, FollowUp)
        (request,) = found.requests
        assert isinstance(request, PollRequest)
        assert (request.method, request.path, request.body, list(request.indices)) == ("GET", f"/v2/{NAME}", b"", [0, 1])
        waits.append(found.after_secs)
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert importer.verdicts(request, done()) is DELIVERED


def test_failures_that_are_named_cost_only_themselves() -> None:
    found = importer.verdicts(imported(3), done(1, (3, "user_events[1]: event_type is invalid")))
    assert kinds(found) == ["delivered", "rejected", "delivered"]
    camel = importer.verdicts(imported(2), done(0, (3, "at inputConfig.userEventInlineSource.userEvents[0].eventType")))
    assert kinds(camel) == ["rejected", "delivered"]
    assert kinds(importer.verdicts(imported(2), done(1, (13, "user_events[1]: internal")))) == ["delivered", "retry"]


@pytest.mark.parametrize(
    "response",
    [
        done(1),
        done(1, (3, "an event is invalid")),
        done(2, (3, "user_events[1]: invalid")),
        done(1, (3, "user_events[9]: invalid")),
        answer({"name": NAME, "done": True, "error": {"code": 3, "message": "no"}}),
        answer({"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}, 400),
        answer({"error": {"code": 413, "message": "too large"}}, 413),
        HttpResponse(200, {}, b'{"done":true,"response":{"errorSamples":[' + b" " * 65_536),
    ],
)
def test_failures_without_names_are_left_to_the_core_to_halve(response: HttpResponse) -> None:
    found = importer.verdicts(imported(5), response)
    assert isinstance(found, Verdict)
    assert found.kind == "rejected"
    assert found.faulty in (None, 1, 2)
    assert importer.limits.divisible


def test_how_many_have_failed_is_told_where_it_is_not_said_which() -> None:
    found = importer.verdicts(imported(5), done(2, (3, "invalid")))
    assert isinstance(found, Verdict)
    assert (found.of, found.faulty) == (5, 2)


def test_a_failure_that_a_poll_finds_is_told_like_that_of_an_import() -> None:
    waiting = importer.verdicts(imported(2), answer({"name": NAME}))
    assert isinstance(waiting, FollowUp)
    assert importer.verdicts(waiting.requests[0], done(1)) == importer.verdicts(imported(2), done(1))


@pytest.mark.parametrize(
    ("code", "kind"),
    [(5, "hold"), (7, "hold"), (9, "hold"), (16, "hold"), (8, "busy"), (14, "busy"), (13, "retry"), (2, "retry")],
)
def test_an_operation_that_failed(code: int, kind: str) -> None:
    assert kinds(importer.verdicts(imported(2), answer({"done": True, "error": {"code": code, "message": "m"}}))) == [kind]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "hold"), (403, "hold"), (404, "hold"), (429, "busy"), (500, "retry"), (503, "busy"), (204, "retry")],
)
def test_an_import_that_was_not_begun(status: int, kind: str) -> None:
    assert kinds(importer.verdicts(imported(2), HttpResponse(status))) == [kind]


@pytest.mark.parametrize("body", [b"", b"OK", b"[]", b'{"done":"yes"}', b"{}"])
def test_an_answer_without_an_operation_is_tried_again(body: bytes) -> None:
    assert kinds(importer.verdicts(imported(2), HttpResponse(200, {}, body))) == ["retry"]


def poll() -> HttpRequest:
    found = importer.verdicts(imported(2), answer({"name": NAME}))
    assert isinstance(found, FollowUp)
    return found.requests[0]


@pytest.mark.parametrize("status", [429, 500, 503, 504])
def test_a_poll_that_fails_says_nothing_about_the_import(status: int) -> None:
    found = importer.verdicts(poll(), HttpResponse(status))
    assert isinstance(found, FollowUp)
    assert (found.requests[0].path, found.after_secs) == (f"/v2/{NAME}", 0.5)
    asked = importer.verdicts(poll(), HttpResponse(status, {"retry-after": "7"}))
    assert isinstance(asked, FollowUp)
    assert asked.after_secs == 7


@pytest.mark.parametrize(("status", "kind"), [(404, "retry"), (400, "retry"), (401, "hold"), (403, "hold"), (302, "hold")])
def test_a_poll_that_is_refused(status: int, kind: str) -> None:
    assert kinds(importer.verdicts(poll(), HttpResponse(status))) == [kind]


def test_a_call_is_taken_when_google_begins_with_it() -> None:
    call = HttpRequest([0], path=f"/v2/{PARENT}/userEvents:purge")
    assert importer.verdicts(call, answer({"name": NAME})) is DELIVERED
    assert kinds(importer.verdicts(call, HttpResponse(403))) == ["hold"]
