from __future__ import annotations

import pytest

from plugins.http.http_kit import Vendor
from wye.message import Head
from wye.plugin import Claim
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


def test_a_claim_with_a_reply_gives_way_to_one_without() -> None:
    refusing, willing = Vendor(), Elsewhere()
    assert Endpoints([refusing, willing], "web").choose(head("/denied")).endpoint is willing
    assert Endpoints([refusing, Vendor()], "web").choose(head("/denied")).endpoint is refusing
