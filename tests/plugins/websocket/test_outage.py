from __future__ import annotations

import logging

import pytest

from wye_plugins.websocket.outage import Outage

log = logging.getLogger("test.outage")


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def test_one_line_when_lost_and_one_when_back(lines: pytest.LogCaptureFixture) -> None:
    outage = Outage(log, "shop", "ws://h:80", now=100)
    outage.up(100)
    outage.lost("the connection broke off", now=150)
    outage.failed("Connection refused")
    outage.failed("Connection refused")
    outage.up(162.5)
    assert lines.messages == [
        "shop: connected to ws://h:80",
        "shop: lost the connection to ws://h:80: the connection broke off; connecting again",
        "shop: connected to ws://h:80 again after 12.5 s",
    ]


def test_a_server_that_is_down_from_the_start_is_one_warning(lines: pytest.LogCaptureFixture) -> None:
    outage = Outage(log, "shop", "ws://h:80", now=0)
    for _ in range(3):
        outage.failed("Connection refused")
    outage.up(7)
    assert [record.levelname for record in lines.records] == ["WARNING", "INFO"]
    assert lines.messages[0].startswith("shop: cannot connect to ws://h:80: Connection refused")
    assert lines.messages[1].endswith("after 7.0 s")


def test_refused_credentials_are_loud_once_even_during_an_outage(lines: pytest.LogCaptureFixture) -> None:
    outage = Outage(log, "shop", "ws://h:80", now=0)
    outage.failed("Connection refused")
    outage.refused(403)
    outage.refused(403)
    outage.failed("Connection refused")
    assert [record.levelname for record in lines.records] == ["WARNING", "ERROR"]
    assert lines.messages[1] == "shop: ws://h:80 refused (403): check the credentials"


def test_refused_credentials_are_said_again_after_they_once_worked(lines: pytest.LogCaptureFixture) -> None:
    outage = Outage(log, "shop", "ws://h:80", now=0)
    outage.refused(401)
    outage.up(1)
    outage.lost("the connection broke off", now=2)
    outage.refused(401)
    assert [record.levelname for record in lines.records] == ["ERROR", "INFO", "WARNING", "ERROR"]


def test_another_refusal_is_an_ordinary_failure(lines: pytest.LogCaptureFixture) -> None:
    outage = Outage(log, "shop", "ws://h:80", now=0)
    outage.refused(503)
    assert [record.levelname for record in lines.records] == ["WARNING"]
    assert "refused (503)" in lines.messages[0]
