from __future__ import annotations

import pytest

from plugins.http.http_kit import Vendor
from wye.message import Head, Received, Reply
from wye.plugin import Claim
from wye_plugins.http.answer import text
from wye_plugins.http.claims import BROKEN, NOT_FOUND, Endpoints


class Elsewhere(Vendor):
    """Claims everything that the other one does not."""

    def claim(self, head: Head, /) -> Claim | None:
        return Claim()


def head(path: str) -> Head:
    return Head("POST", path, {}, {})


def test_nobody_s_path_has_a_ready_answer() -> None:
    assert Endpoints([Vendor()], "web").choose(head("/nowhere")).claim.reply is NOT_FOUND


def test_an_endpoint_that_raises_does_not_stand_in_the_way_of_another(caplog: pytest.LogCaptureFixture) -> None:
    broken, other = Vendor(), Elsewhere()
    assert Endpoints([broken], "web").choose(head("/claim-boom")).claim.reply is BROKEN
    assert Endpoints([broken, other], "web").choose(head("/claim-boom")).endpoint is other
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]


def test_what_several_adapters_raise_is_said_of_each_by_its_name(caplog: pytest.LogCaptureFixture) -> None:
    endpoints = Endpoints([Vendor(), Vendor()], "web", ["acme", "emca"])
    for _ in range(2):
        endpoints.choose(head("/claim-boom"))
    assert caplog.messages == [
        f'source web: adapter "{name}" raised; answered 500 (said once per kind)' for name in ("acme", "emca")
    ]


class Speechless(Vendor):
    """Written before there were refusals."""

    def refusal(self, head: Head, status: int, words: str, /) -> Reply:
        return None  # type: ignore[return-value]  what a stranger may do


def test_an_endpoint_that_refuses_with_no_reply_is_answered_for_in_words(caplog: pytest.LogCaptureFixture) -> None:
    endpoints = Endpoints([(speechless := Speechless())], "web", ["acme"])
    for _ in range(2):
        assert endpoints.refuse(speechless, head("/in"), 413, "too large") == text(413, "too large")
    (said,) = caplog.records
    assert said.getMessage() == 'source web: adapter "acme" raised about a refusal; answered in plain text (said once per kind)'
    assert "refusal gave NoneType, expected Reply" in str(said.exc_info)


def test_what_a_refusal_raises_does_not_hide_what_the_rest_raises(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Vendor):
        def refusal(self, head: Head, status: int, words: str, /) -> Reply:
            raise KeyError("refusal")

    endpoints = Endpoints([(broken := Broken())], "web", ["acme"])
    endpoints.refuse(broken, head("/in"), 413, "too large")
    endpoints.receive(broken, Received(head("/boom"), b"", 0))
    assert ["refusal" in message for message in caplog.messages] == [True, False]


def test_a_claim_with_a_reply_gives_way_to_one_without() -> None:
    refusing, willing = Vendor(), Elsewhere()
    assert Endpoints([refusing, willing], "web").choose(head("/denied")).endpoint is willing
    assert Endpoints([refusing, Vendor()], "web").choose(head("/denied")).endpoint is refusing
