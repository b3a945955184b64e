"""Cutting bytes into JSON records, and what is wrong with bytes that are none."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from decimal import Decimal, DecimalException
from typing import Generic, TypeVar

import msgspec

from wye.message import Payload

_members = msgspec.json.Decoder(list[msgspec.Raw])
_scanner = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")

_HALF = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
# The parser has no better words for it than these.
_OF_HALVES = re.compile("truncated|hex escape|surrogate")

BAD_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, DecimalException)
"""What the JSON parser raises for hostile bytes: bad syntax, not UTF-8, nesting deeper than the stack, an exponent of 20
digits."""

TOO_DEEP = "JSON is nested too deeply"

T = TypeVar("T")


class PlainDecoder(Generic[T]):
    """Reads payloads in which every record is of one type: one a line, or one or an array of them a message."""

    def __init__(self, kind: type[T]) -> None:
        self.one = msgspec.json.Decoder(kind, float_hook=Decimal)
        self._many = msgspec.json.Decoder(list[kind], float_hook=Decimal)

    def read(self, payload: Payload) -> list[T] | None:
        """The records; ``None`` where one of them is of another type, or no JSON."""
        body = payload.body
        try:
            if payload.framing == "lines":
                return self.one.decode_lines(body)
            return self._many.decode(body) if body[:1] == b"[" else [self.one.decode(body)]
        except BAD_JSON:
            return None


def split_records(text: bytes) -> list[bytes]:
    """The records of one message, each with its own bytes: an object, the members of an array, or several documents one after
    the other. A byte order mark before them, as some systems put into files, is none of them. Raises ``ValueError`` when it is
    not JSON."""
    text = text.removeprefix(BOM_UTF8)
    try:
        if text.lstrip(b" \t\r\n")[:1] == b"[":
            return [bytes(raw) for raw in _members.decode(text)]
        try:
            msgspec.json.decode(text, type=msgspec.Raw)
        except msgspec.DecodeError as error:
            if "trailing characters" not in str(error):
                raise
            return _split_concatenated(text)
        return [text]
    except BAD_JSON as error:
        raise ValueError(in_words(error, text)) from None


def _split_concatenated(text: bytes) -> list[bytes]:
    """Cut ``{…}{…}`` after each document."""
    string = text.decode()
    pieces: list[bytes] = []
    start = _SPACE.match(string).end()  # type: ignore[union-attr]  it always matches
    while start < len(string):
        _, end = _scanner.raw_decode(string, start)
        pieces.append(string[start:end].encode())
        start = _SPACE.match(string, end).end()  # type: ignore[union-attr]  it always matches
    return pieces


def in_words(error: Exception, text: bytes) -> str:
    """The reason in one of ``BAD_JSON``, which ``text`` was the cause of."""
    if isinstance(error, RecursionError):
        return TOO_DEEP
    if isinstance(error, UnicodeDecodeError):
        return _not_utf_8(text)
    if isinstance(error, DecimalException):
        return "JSON has a number whose exponent is out of range"
    half = _HALF.search(text)
    if half is not None and _OF_HALVES.search(str(error)) is not None:
        return f"JSON has half of a character, {half[0].decode()}, at byte {half.start()}: a text was cut within it"
    return str(error)


def _not_utf_8(text: bytes) -> str:
    """The JSON parser counts from the beginning of a text within the document; a reader would, from that of the document."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return f"JSON is not UTF-8: {error.reason} at byte {error.start}"
    return "JSON is not UTF-8"
