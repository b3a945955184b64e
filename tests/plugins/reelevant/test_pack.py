from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.reelevant.reelevant_kit import event_of
from wye.event import Device, Event
from wye.message import HttpRequest
from wye.testing import shipment_of
from wye_plugins.reelevant.encode import ReelevantEncoder
from wye_plugins.reelevant.schema import LIMITS

ID = "61a095fdd8d2e20011544831"
MAX_BYTES = LIMITS.max_bytes or 0
encoder = ReelevantEncoder(ID)


def requests_of(events: Sequence[Event], by: ReelevantEncoder = encoder) -> list[HttpRequest]:
    documents = by.encode(events)
    return list(by.requests(shipment_of(events, [each for each in documents if isinstance(each, bytes)])))


def by_agent(agent: str | None) -> Event:
    return event_of(device=Device(user_agent=agent))


def test_one_envelope_goes_as_an_object_and_several_as_an_array() -> None:
    (single,) = requests_of([event_of(id="a")])
    assert (single.method, single.path, single.query, single.indices) == ("POST", f"/collect/{ID}/rlvt", {}, [0])
    assert single.headers == {"Content-Type": "application/json"}
    assert json.loads(single.body)["eventId"] == "a"
    (several,) = requests_of([event_of(id="a"), event_of(id="b")])
    assert [each["eventId"] for each in json.loads(several.body)] == ["a", "b"]


def test_without_a_datasource_the_url_has_to_be_the_whole_address() -> None:
    assert requests_of([event_of()], ReelevantEncoder())[0].path == ""


def test_quirk_each_user_agent_has_requests_of_its_own_so_that_a_bot_takes_nobody_with_it() -> None:
    requests = requests_of([by_agent("Mozilla"), by_agent("Googlebot"), by_agent("Mozilla"), by_agent(None), event_of()])
    assert [(request.headers.get("User-Agent"), request.indices) for request in requests] == [
        ("Mozilla", [0, 2]),
        ("Googlebot", [1]),
        (None, [3, 4]),
    ]


@pytest.mark.parametrize("agent", ["a\r\nX-Evil: 1", "ключ", " padded ", "", "tab\there"])
def test_what_is_no_header_text_is_not_sent_as_one(agent: str) -> None:
    (request,) = requests_of([by_agent(agent)])
    assert set(request.headers) == {"Content-Type"}


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, MAX_BYTES - 2) | st.integers(1, 40)), max_size=250))
def test_requests_are_within_the_limits_and_nothing_is_left_out(shapes: list[tuple[str, int]]) -> None:
    events = [by_agent(agent) for agent, _ in shapes]
    requests = list(encoder.requests(shipment_of(events, [bytes(size) for _, size in shapes])))
    assert all(len(request.body) <= MAX_BYTES and 1 <= len(request.indices) <= 100 for request in requests)
    assert sorted(index for request in requests for index in request.indices) == list(range(len(shapes)))
    for request in requests:
        assert {shapes[index][0] for index in request.indices} == {request.headers["User-Agent"]}
        assert list(request.indices) == sorted(request.indices)
