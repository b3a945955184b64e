from __future__ import annotations

import re

import pytest

from wye.message import Reply
from wye_plugins.http.answer import render, text

DATE = rb"Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n"


def undated(answer: bytes) -> bytes:
    plain, count = re.subn(DATE, b"", answer)
    assert count == 1
    return plain


def test_an_answer() -> None:
    answer = render(Reply(200, (("Content-Type", "text/plain"),), b"abc"))
    assert undated(answer) == b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc"


def test_an_answer_to_head_has_the_length_and_no_body() -> None:
    assert undated(render(Reply(200, (), b"abc"), to_head=True)) == b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"


@pytest.mark.parametrize("status", [204, 304])
def test_answers_that_have_no_body_have_no_length(status: int) -> None:
    assert undated(render(Reply(status, (), b"abc"))).endswith(b"\r\n\r\n")
    assert b"Content-Length" not in render(Reply(status, (), b"abc"))


def test_the_connection_field_says_what_is_not_the_rule() -> None:
    assert b"\r\nConnection: close\r\n" in render(Reply(200), keep_alive=False)
    assert b"\r\nConnection: close\r\n" in render(Reply(200), keep_alive=False, http10=True)
    assert b"\r\nConnection: keep-alive\r\n" in render(Reply(200), http10=True)
    assert b"Connection" not in render(Reply(200))


def test_fields_that_are_the_transports_business_are_left_out() -> None:
    reply = Reply(200, (("content-length", "7"), ("Transfer-Encoding", "chunked"), ("DATE", "now"), ("Connection", "x")), b"a")
    assert undated(render(reply)) == b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"


def test_a_status_without_a_name() -> None:
    assert render(Reply(299)).startswith(b"HTTP/1.1 299 \r\n")


@pytest.mark.parametrize("field", [("X", "a\r\nY: b"), ("X\n", "a"), ("", "a"), ("X", "a\0"), ("X", "\u20ac")])
def test_a_field_that_cannot_be_sent_is_an_error(field: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        render(Reply(200, (field,)))


def test_text_is_for_a_person() -> None:
    reply = text(404, "nothing here")
    assert (reply.status, reply.body, dict(reply.headers)["Content-Type"]) == (
        404,
        b"nothing here\n",
        "text/plain; charset=utf-8",
    )
