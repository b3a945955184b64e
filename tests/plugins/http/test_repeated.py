from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from plugins.http.http_kit import Vendor, post
from plugins.http.test_protocol import new_protocol, requests_of, summary
from wye.message import Head
from wye_plugins.http.body import Budget
from wye_plugins.http.claims import Claimed, Endpoints
from wye_plugins.http.head import Plan, RawHead, plan_for
from wye_plugins.http.repeated import Repeated, repeated

HEAD = b"POST /in?k=v HTTP/1.1\r\nHost: a\r\nContent-Length: %b\r\nX-A: b\r\n\r\n"
FIELDS = [
    "X-A: b",
    "Content-Encoding: gzip",
    "Content-Encoding: identity",
    "Connection: close",
    "Connection: Upgrade\r\nUpgrade: h2c",
    "Expect: 100-continue",
    "X-Content-Length: 3",
    "X-A: content-length: 3",
    "content-length: 3",
    "Transfer-Encoding: chunked",
]


def one_by_one(pieces: list[bytes]) -> list[object]:
    """What a parser makes of each that has never seen another, up to the first that ends the connection."""
    found: list[object] = []
    for piece in pieces:
        protocol = new_protocol()
        found += summary(requests_of(piece, protocol=protocol))
        if protocol.closed or protocol.partial:
            break
    return found


def in_a_row(pieces: list[bytes]) -> list[object]:
    protocol = new_protocol()
    for piece in pieces:
        protocol.feed(piece)
        if protocol.partial:
            break
    return summary(list(protocol.requests))


heads = st.tuples(
    st.sampled_from([b"POST", b"GET", b"HEAD"]),
    st.sampled_from(["/in", "/in?k=v", "/ten", "/ping", "/nobody"]),
    st.lists(st.sampled_from(FIELDS), max_size=2),
)
bodies = st.binary(max_size=20) | st.sampled_from([b"", b"\r\n\r\n", b"\r\n\r\n\r\n\r\n", b"x" * 300, b"y" * 1100])


@given(heads, st.lists(bodies, min_size=1, max_size=5))
@example((b"HEAD", "/in", []), [b"ab", b"ab"])
def test_requests_with_one_head_are_what_they_are_by_themselves(
    head: tuple[bytes, str, list[str]], contents: list[bytes]
) -> None:
    method, path, fields = head
    pieces = [post(content, path, *fields).replace(b"POST", method, 1) for content in contents]
    assert in_a_row(pieces) == one_by_one(pieces)


@given(bodies, st.data())
def test_so_are_those_whose_head_differs_anywhere(content: bytes, data: st.DataObject) -> None:
    usual = HEAD % b"%d" % len(content) + content
    place = data.draw(st.integers(0, len(usual) - 1))
    instead = data.draw(st.binary(max_size=3) | st.sampled_from([b"\n", b"\r", b"\r\n", b" ", b"0", b"-", b"+", b"_", b","]))
    other = usual[:place] + instead + usual[place + data.draw(st.integers(0, 2)) :]
    assert in_a_row([usual, usual, other]) == one_by_one([usual, usual, other])


@given(st.text("0123456789 \t+-_x,", min_size=1, max_size=12))
@example("007")
@example("0")
@example("1" * 10)
def test_so_is_whatever_stands_for_the_length(digits: str) -> None:
    pieces = [HEAD % b"2" + b"ab", HEAD % digits.encode() + b"abcdefg"]
    assert in_a_row(pieces) == one_by_one(pieces)


def test_a_head_with_line_ends_of_its_own_is_left_to_the_parser() -> None:
    head = b"POST /in HTTP/1.1\nContent-Length: 4\n\n"
    pieces = [head + b"\r\n\r\n", head + b"\r\n\r\n", head + b"abcd"]
    assert in_a_row(pieces) == one_by_one(pieces)


# ── what it takes from the parser ────────────────────────────────────────────────────────────────────────────────────────


class Chooser:
    """Counts the heads that were looked at."""

    def __init__(self) -> None:
        self.heads: list[Head] = []
        self._choose = Endpoints([Vendor()], "web").choose

    def plan(self, raw: RawHead) -> Plan:
        return plan_for(raw, True, self._choose_and_note, 1000, None)

    def _choose_and_note(self, head: Head) -> Claimed:
        self.heads.append(head)
        return self._choose(head)


def known(chooser: Chooser, content: bytes = b"ab", max_header_bytes: int = 2000) -> Repeated | None:
    digits = b"%d" % len(content)
    raw = RawHead(b"POST", "1.1", b"/in?k=v", [(b"Host", b"a"), (b"Content-Length", digits), (b"X-A", b"b")])
    return repeated(HEAD % digits + content, content, raw, chooser.plan(raw), max_header_bytes, chooser.plan)


def test_only_a_length_that_is_new_is_worked_out_and_the_head_says_it() -> None:
    chooser = Chooser()
    usual = known(chooser)
    assert usual is not None
    chooser.heads.clear()
    for content in (b"abcde", b"fghij", b"abcde"):
        found = usual.split(HEAD % b"5" + content)
        assert found is not None
        assert found[1] == content
        assert found[0].head.headers == {"host": "a", "content-length": "5", "x-a": "b"}
    assert len(chooser.heads) == 1


def test_more_lengths_than_are_kept_are_worked_out_again() -> None:
    chooser = Chooser()
    usual = known(chooser)
    assert usual is not None
    for length in (*range(1, 40), *range(1, 40)):
        found = usual.split(HEAD % b"%d" % length + b"x" * length)
        assert found is not None
        assert len(found[1]) == length


def test_of_a_long_head_fewer_lengths_are_kept() -> None:
    chooser = Chooser()
    raw = RawHead(b"POST", "1.1", b"/in", [(b"Content-Length", b"2"), (b"X-A", b"b" * 3000)])
    head = b"POST /in HTTP/1.1\r\nContent-Length: %b\r\nX-A: " + b"b" * 3000 + b"\r\n\r\n"
    usual = repeated(head % b"2" + b"ab", b"ab", raw, chooser.plan(raw), 9000, chooser.plan)
    assert usual is not None
    chooser.heads.clear()
    for length in (1, 2, 1, 2, 3, 1):
        assert usual.split(head % b"%d" % length + b"x" * length)
    assert [head.headers["content-length"] for head in chooser.heads] == ["1", "2", "3", "1"]


def test_a_body_that_is_not_all_of_the_rest_is_left_to_the_parser() -> None:
    usual = known(Chooser())
    assert usual is not None
    assert usual.split(HEAD % b"3" + b"ab") is None
    assert usual.split(HEAD % b"3" + b"abcd") is None
    assert usual.split(HEAD % b"1001" + b"x" * 1001) is None
    assert usual.split(HEAD % b"0") is None


def test_a_head_near_its_bound_is_left_to_the_parser() -> None:
    assert known(Chooser(), max_header_bytes=len(HEAD) + 5) is None


def test_a_body_without_room_is_refused_as_ever() -> None:
    budget = Budget(10)
    protocol = new_protocol(budget=budget)
    replies: list[int | None] = []
    for _ in range(4):
        protocol.feed(HEAD % b"4" + b"abcd")
        replies.append(reply.status if (reply := protocol.requests[-1].reply) else None)
    assert replies == [None, None, 503, 503]
    protocol.close()
    assert budget.used == 0
