from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from wye.message import Head
from wye.net import public_url
from wye_plugins.richrelevance import RichRelevanceOptions, build_sink, build_source, wye_adapters
from wye_plugins.richrelevance.endpoint import PATH, RichRelevanceStream

SAMPLE = "wss://streams.richrelevance.com/upsevents/api/v2/service/UserProfileStream/k1?clientApiKey=c1&clientSecret=s1"
stream = RichRelevanceStream("k1", "c1", "s1")
open_stream = RichRelevanceStream(None, None, None)


def admit(url: str, by: RichRelevanceStream = stream) -> int | None:
    parts = urlsplit(url)
    query = {name: found[-1] for name, found in parse_qs(parts.query).items()}
    reply = by.admit(Head("GET", parts.path, query, {}))
    return None if reply is None else reply.status


def test_the_url_of_the_vendors_sample_is_admitted() -> None:
    assert admit(SAMPLE) is None


@pytest.mark.parametrize(
    "url",
    [
        f"{PATH}?apiKey=k1&clientApiKey=c1&clientSecret=s1",
        f"{PATH}/?apiKey=k1&apiClientKey=c1&clientSecret=s1",
        f"{PATH}/k1?apiClientKey=c1&clientSecret=s1",
    ],
)
def test_quirk_the_credentials_have_two_spellings_and_two_places(url: str) -> None:
    assert admit(url) is None


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (PATH, 401),
        (f"{PATH}/k1", 401),
        (f"{PATH}/k1?clientApiKey=c1", 401),
        (f"{PATH}/k1?clientapikey=c1&clientSecret=s1", 401),
        (f"{PATH}/K1?clientApiKey=c1&clientSecret=s1", 403),
        (f"{PATH}/k1?clientApiKey=c2&clientSecret=s1", 403),
        (f"{PATH}/k1?clientApiKey=c1&clientSecret=é", 403),
        ("/", 404),
        (PATH.lower() + "/k1", 404),
        (f"{PATH}x/k1", 404),
        (f"{PATH}/k1/k2", 404),
    ],
)
def test_who_lacks_the_credentials_is_refused(url: str, status: int) -> None:
    assert admit(url) == status


def test_without_credentials_anybody_may_connect_to_the_right_path() -> None:
    assert admit(PATH, open_stream) is None
    assert admit(f"{PATH}/any?clientSecret=thing", open_stream) is None
    assert admit("/other", open_stream) == 404


def test_quirk_the_secret_is_in_the_url() -> None:
    assert urlsplit(public_url(stream.connect_url(SAMPLE)))[2:] == ("", "", "")
    reply = stream.admit(Head("GET", f"{PATH}/k1", {"clientApiKey": "c1", "clientSecret": "no"}, {}))
    assert reply is not None
    assert b"s1" not in reply.body


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("wss://streams.richrelevance.com", SAMPLE),
        ("wss://streams.richrelevance.com/", SAMPLE),
        (f"wss://streams.richrelevance.com{PATH}", SAMPLE),
        (f"wss://streams.richrelevance.com{PATH}/", SAMPLE),
        (f"ws://h:81{PATH}?apiKey=mine", f"ws://h:81{PATH}?apiKey=mine&clientApiKey=c1&clientSecret=s1"),
        (f"ws://h{PATH}/mine?apiClientKey=c2&clientSecret=s2", f"ws://h{PATH}/mine?apiClientKey=c2&clientSecret=s2"),
        ("ws://h/elsewhere?x=1", "ws://h/elsewhere?x=1&clientApiKey=c1&clientSecret=s1"),
    ],
)
def test_a_url_gets_what_it_lacks_and_keeps_what_it_has(url: str, expected: str) -> None:
    assert stream.connect_url(url) == expected


def test_credentials_are_escaped_and_found_again() -> None:
    odd = RichRelevanceStream("a/b", "c&d", "e f")
    url = odd.connect_url("ws://h")
    assert url == f"ws://h{PATH}/a%2Fb?clientApiKey=c%26d&clientSecret=e%20f"
    assert odd.admit(Head("GET", f"{PATH}/a/b", {"clientApiKey": "c&d", "clientSecret": "e f"}, {})) is None


def test_without_credentials_only_the_path_is_added() -> None:
    assert open_stream.connect_url("ws://h:1") == f"ws://h:1{PATH}"


def test_both_sides_are_built_from_the_same_options() -> None:
    (part,) = wye_adapters()
    assert part.name == "richrelevance"
    options = msgspec.convert({"api_key": "k1", "client_api_key": "c1", "client_secret": "s1"}, RichRelevanceOptions)
    for side in (build_source(options), build_sink(options)):
        assert side.stream is not None
        assert side.stream.connect_url("wss://streams.richrelevance.com") == SAMPLE
