"""Events that can be told from each other: each is made from a number, and what a sink must get is known to the byte."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zlib import crc32

import msgspec
from msgspec import Struct

CLICKSTREAM, MOLOCO, REELEVANT, BROKEN = range(4)
"""What an event is sent as. ``BROKEN`` is one that nobody can decode, sent among Clickstream's."""

FIRST_MS = 1_700_000_000_000
KEYS = 199
"""Visitors of each client."""

POISON_EVERY = 2_999

_SENT = {
    CLICKSTREAM: (
        '{"event_type":"purchase","event_id":"e-%(n)d","timestamp":%(ms)d,"app_id":"shop","unique_id":"%(key)s",'
        '"items":[{"id":"A1","price":%(cents)d.99,"quantity":1}],"attributes":{"proof":"%(proof)s","n":%(n)d}}'
    ),
    MOLOCO: (
        '{"id":"e-%(n)d","event_type":"HOME","timestamp":%(ms)d,"channel_type":"SITE","session_id":"%(proof)s",'
        '"device":{"persistent_id":"%(key)s"}}'
    ),
    REELEVANT: (
        '{"eventId":"e-%(n)d","clientId":"%(key)s","data":{"proof":"%(proof)s","n":%(n)d},"v":1,"tmpId":"%(key)s",'
        '"name":"page_view","key":"shop","url":"https://shop.example/","timestamp":%(ms)d}'
    ),
    BROKEN: '{"broken":"b-%(n)d","proof":"%(proof)s"}',
}
_GOT = {
    "clickstream": {
        CLICKSTREAM: _SENT[CLICKSTREAM],
        MOLOCO: (
            '{"event_type":"_page_view","event_id":"e-%(n)d","timestamp":%(ms)d,"app_id":"SHOP","unique_id":"%(key)s",'
            '"attributes":{"_session_id":"%(proof)s","channel":"site","wye_event_type":"home_view"}}'
        ),
        REELEVANT: (
            '{"event_type":"_page_view","event_id":"e-%(n)d","timestamp":%(ms)d,"app_id":"shop","unique_id":"%(key)s",'
            '"user":{"_user_id":{"value":"%(key)s","set_timestamp":%(ms)d}},'
            '"attributes":{"proof":"%(proof)s","n":%(n)d,"_page_url":"https://shop.example/"}}'
        ),
    },
    "canonical": {
        CLICKSTREAM: (
            '{"id":"e-%(n)d","type":"purchase","time_ms":%(ms)d,"origin":{"vendor":"clickstream","tenant":"shop"},'
            '"visitor_id":"%(key)s","items":[{"id":"A1","quantity":1,"unit_price":%(cents)d.99}],'
            '"device":{"ip":"127.0.0.1"},"attrs":{"proof":"%(proof)s","n":%(n)d}}'
        ),
        MOLOCO: (
            '{"id":"e-%(n)d","type":"home_view","time_ms":%(ms)d,"origin":{"vendor":"moloco","tenant":"SHOP"},"visitor_id":"%(key)s",'
            '"session_id":"%(proof)s","channel":"site"}'
        ),
        REELEVANT: (
            '{"id":"e-%(n)d","type":"page_view","time_ms":%(ms)d,"origin":{"vendor":"reelevant","tenant":"shop"},'
            '"user_id":"%(key)s","visitor_id":"%(key)s","page":{"url":"https://shop.example/"},'
            '"device":{"ip":"127.0.0.1"},"attrs":{"proof":"%(proof)s","n":%(n)d}}'
        ),
    },
}
FORMATS = tuple(_GOT)


class _Clickstream(Struct):
    event_id: str


class _Canonical(Struct):
    id: str


_NUMBER = re.compile(r"e-(\d{1,9})")
_broken = re.compile(r'"broken":"b-(\d{1,9})"')
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_clickstream = msgspec.json.Decoder(list[_Clickstream])
_canonical = msgspec.json.Decoder(list[_Canonical])


def is_poison(number: int) -> bool:
    """Whether the vendors refuse it."""
    return number % POISON_EVERY == POISON_EVERY - 1


def sent(number: int, kind: int, client: int) -> str:
    """The document that a client sends."""
    return _SENT[kind] % _facts(number, client)


def expected(number: int, kind: int, client: int, form: str) -> str:
    """The document that a sink of this format must get."""
    return _GOT[form][kind] % _facts(number, client)


def key_of(number: int, client: int) -> str:
    return f"c{client}k{number % KEYS}"


def same(document: bytes, number: int, kind: int, client: int, form: str) -> bool:
    """Whether it is what it must be: to the byte, or at least as JSON."""
    wanted = expected(number, kind, client, form).encode()
    return document == wanted or msgspec.json.decode(document) == msgspec.json.decode(wanted)


def _facts(number: int, client: int) -> dict[str, int | str]:
    proof = f"{crc32(b'%d' % number):08x}"
    key = key_of(number, client)
    return {"n": number, "ms": FIRST_MS + number, "key": key, "cents": number % 100, "proof": proof}


def documents(body: bytes, form: str) -> Sequence[tuple[int | None, bytes]]:
    """The documents of a JSON array with their numbers; ``None`` where it is nobody's. Raises ``msgspec.DecodeError``."""
    raws = [bytes(raw) for raw in _raws.decode(body)]
    if form == "clickstream":
        ids = [one.event_id for one in _clickstream.decode(body)]
    else:
        ids = [one.id for one in _canonical.decode(body)]
    return [(number_of(one), raw) for one, raw in zip(ids, raws, strict=True)]


def number_of(event_id: str) -> int | None:
    match = _NUMBER.fullmatch(event_id)
    return int(match[1]) if match else None


def broken_number(original: str) -> int | None:
    match = _broken.search(original)
    return int(match[1]) if match else None
