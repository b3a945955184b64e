"""Reading and writing a vendor's JSON through typed structs, without losing what the structs do not know.

The common case is one typed decode in C with unknown fields forbidden. A document that fails it is read again as a dictionary:
what the struct has no place for goes into ``rest``, level by level, and only a document that lacks something required fails.
"""

from __future__ import annotations

import functools
import json
import re
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from decimal import Clamped, Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Subnormal
from hashlib import sha1
from typing import Any, Generic, TypeVar, cast

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from wye.annotations import members_of, struct_in
from wye.event import Json
from wye.message import Failure, Payload
from wye.money import is_amount

REST = "wye:rest"
_REST_BYTES = REST.encode()
# Nobody writes one of these letters as an escape but to hide the name from us.
_ESCAPED_REST = re.compile(rb"\\u00(?:3[aA]|65|7[23479])")

_to_json = msgspec.json.Encoder(decimal_format="number")
_canonical_json = msgspec.json.Encoder(decimal_format="number", order="deterministic")
_any = msgspec.json.Decoder(float_hook=Decimal)
_members = msgspec.json.Decoder(list[msgspec.Raw])
_scanner = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")

# What the JSON parser raises for hostile bytes: bad syntax, not UTF-8, nesting deeper than the stack, an exponent of 20 digits.
_BAD_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, DecimalException)


class Wire(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Base of a vendor's structs. ``rest`` holds, by wire name, what a document had beyond the struct's fields."""

    rest: dict[str, Json] | UnsetType = msgspec.field(default=UNSET, name=REST)


W = TypeVar("W", bound=Wire)


class WireDecoder(Generic[W]):
    """Turns payloads into structs of one type, with an account of each record that is none."""

    def __init__(self, wire: type[W]) -> None:
        self._type = wire
        self._one = msgspec.json.Decoder(wire, float_hook=Decimal)
        self._many = msgspec.json.Decoder(list[wire], float_hook=Decimal)

    def read(self, payload: Payload) -> tuple[list[W], list[Failure]]:
        """The records of a payload: one or several a line, or one or several a message; objects, or arrays of objects."""
        body = payload.body
        if not _may_name_rest(body):
            try:
                if payload.framing == "lines":
                    return self._one.decode_lines(body), []
                if body[:1] == b"[":
                    return self._many.decode(body), []
                return [self._one.decode(body)], []
            except _BAD_JSON:
                pass
        records: list[W] = []
        failures: list[Failure] = []
        if payload.framing == "message":
            self._read_chunk(body, None, records, failures)
            return records, failures
        for index, line in enumerate(body.split(b"\n")):
            if line.strip():
                self._read_chunk(line, index, records, failures)
        return records, failures

    def _read_chunk(self, chunk: bytes, line: int | None, records: list[W], failures: list[Failure]) -> None:
        """Each record of a chunk on its own, so that a bad one costs only itself."""
        try:
            pieces = split_records(chunk)
        except ValueError as error:
            failures.append(Failure(str(error), chunk, line or 0))
            return
        for place, piece in enumerate(pieces):
            try:
                records.append(self._read_one(piece))
            except ValueError as error:
                failures.append(Failure(str(error), piece, place if line is None else line))

    def _read_one(self, text: bytes) -> W:
        if not _may_name_rest(text):
            try:
                return self._one.decode(text)
            except _BAD_JSON:
                pass
        document = parse(text)
        if too_deep(document):
            raise ValueError("JSON is nested too deeply")
        return sift(document, self._type)


def _may_name_rest(text: bytes) -> bool:
    return _REST_BYTES in text or (b"\\u00" in text and _ESCAPED_REST.search(text) is not None)


def parse(text: bytes) -> Json:
    """One JSON document, its fractions as ``Decimal``. Raises ``ValueError`` with the reason, whatever the bytes are."""
    with _as_value_error():
        return _any.decode(text)


MAX_DEPTH = 60


def too_deep(value: Json, levels: int = MAX_DEPTH) -> bool:
    """Whether ``value`` is nested deeper than ``levels``: what the parser can still read, others may fail to walk or write."""
    if isinstance(value, dict):
        value = list(cast(dict[str, Json], value).values())
    if not isinstance(value, list):
        return False
    return levels == 0 or any(too_deep(member, levels - 1) for member in cast(list[Json], value))


def split_records(text: bytes) -> list[bytes]:
    """The records of one message, each with its own bytes: an object, the members of an array, or several documents one after
    the other. Raises ``ValueError`` when it is not JSON."""
    with _as_value_error():
        if text.lstrip(b" \t\r\n")[:1] == b"[":
            return [bytes(raw) for raw in _members.decode(text)]
        try:
            msgspec.json.decode(text, type=msgspec.Raw)
        except msgspec.DecodeError as error:
            if "trailing characters" not in str(error):
                raise
            return _split_concatenated(text)
        return [text]


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


@contextmanager
def _as_value_error() -> Generator[None]:
    try:
        yield
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"JSON is not UTF-8: {error.reason} at byte {error.start}") from None
    except DecimalException:
        raise ValueError("JSON has a number whose exponent is out of range") from None
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None


# ── documents and structs ────────────────────────────────────────────────────────────────────────────────────────────────


def sift(document: Json, wire: type[W]) -> W:
    """``document`` as a ``wire``; what has no place there, or not this type, is kept in ``rest``, at its own level.

    Raises ``ValueError`` when something required is missing or of another type.
    """
    if not isinstance(document, dict):
        raise ValueError(f"Expected `object`, got `{_kind(document)}`")
    return msgspec.convert(_sifted(cast(dict[str, Json], document), wire), wire)


def _sifted(document: dict[str, Json], wire: type[Wire]) -> dict[str, Json]:
    known: dict[str, Json] = {}
    rest: dict[str, Json] = {}
    for name, value in document.items():
        field = _fields(wire).get(name)
        if field is None:
            rest[name] = value
            continue
        fitted = _fit(value, field)
        if fitted is not UNSET:
            known[name] = fitted
        elif field.required:
            known[name] = value  # let the conversion say what is wrong with it
        else:
            rest[name] = value
    if rest:
        known[REST] = rest
    return known


class _Field(Struct, frozen=True):
    type: Any
    required: bool
    one: type[Wire] | None
    many: type[Wire] | None


@functools.cache
def _fields(wire: type[Wire]) -> dict[str, _Field]:
    return {
        field.encode_name: _Field(
            field.type, field.required, _wire_in(field.type), _wire_in(members_of(field.type, list, tuple))
        )
        for field in structs.fields(wire)
        if field.encode_name != REST
    }


@functools.cache
def _nested(wire: type[Wire]) -> dict[str, _Field]:
    return {name: field for name, field in _fields(wire).items() if field.one is not None or field.many is not None}


def _wire_in(annotation: Any) -> type[Wire] | None:
    struct = struct_in(annotation)
    return struct if struct is not None and issubclass(struct, Wire) else None


def _fit(value: Json, field: _Field) -> Json:
    """``value`` in a shape that converts to the field's type, or ``UNSET``."""
    if field.one is not None and isinstance(value, dict):
        value = _sifted(cast(dict[str, Json], value), field.one)
    elif field.many is not None and isinstance(value, list):
        members = cast(list[Json], value)
        value = [_sifted(cast(dict[str, Json], m), field.many) if isinstance(m, dict) else m for m in members]
    try:
        msgspec.convert(value, field.type)
        return value
    except msgspec.ValidationError:
        if (
            isinstance(value, Decimal)
            and value.is_finite()
            and 0 <= value.adjusted() < 30
            and value == value.to_integral_value()
        ):
            return _fit(int(value), field)
        return UNSET


def write(wire: Wire, extra: dict[str, Json]) -> bytes:
    """One document: the struct's fields, with ``extra`` and every ``rest`` laid over them at their own level."""
    document = _unfolded(msgspec.to_builtins(wire, builtin_types=(Decimal,)), type(wire))
    return _to_json.encode(overlay(document, extra) if extra else document)


def _unfolded(document: dict[str, Json], wire: type[Wire]) -> dict[str, Json]:
    """Only a struct has a ``rest``: in a bag of values the same name is a value like any other."""
    rest = document.pop(REST, None)
    for name, field in _nested(wire).items():
        value = document.get(name)
        if field.one is not None and isinstance(value, dict):
            document[name] = _unfolded(cast(dict[str, Json], value), field.one)
        elif field.many is not None and isinstance(value, list):
            document[name] = [
                _unfolded(cast(dict[str, Json], member), field.many) if isinstance(member, dict) else member
                for member in cast(list[Json], value)
            ]
    return overlay(document, rest) if rest else document


def overlay(base: dict[str, Json], over: dict[str, Json]) -> dict[str, Json]:
    """``base`` with ``over`` laid upon it; objects are merged member by member, everything else is replaced."""
    merged = dict(base)
    for name, value in over.items():
        below = merged.get(name)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[name] = overlay(cast(dict[str, Json], below), cast(dict[str, Json], value))
        else:
            merged[name] = value
    return merged


# ── what a value says ────────────────────────────────────────────────────────────────────────────────────────────────────

# What programs write into an id field when there is nobody. "0" is not among them: some shop's first customer has it.
_NOBODY = frozenset(("", "null", "undefined", "none", "nil", "nan", "unknown", "anonymous", "(not set)"))
_NOBODYS_UUID = "00000000-0000-0000-0000-000000000000"

# Raises for whatever is not plain, and so spares nearly every number the thorough look of ``is_amount``.
_PLAIN = Context(prec=28, Emin=-60, Emax=60, traps=[Inexact, InvalidOperation, Overflow, Subnormal, Clamped])
_NUMBER = re.compile(r"-?\d{1,200}(?:\.\d{1,200})?", re.ASCII)


def identity(value: Json) -> str | None:
    """A text that names somebody or something, or ``None``: empty texts and placeholder words in any case name nobody."""
    if type(value) is not str:
        return None
    if len(value) < 16:
        return None if value.strip().lower() in _NOBODY else value
    return None if value == _NOBODYS_UUID or value.isspace() else value


def amount(value: Json) -> Decimal | None:
    """A JSON number, or a text that spells a plain one, as a ``Decimal`` that can be calculated with; otherwise ``None``."""
    if type(value) is int or (type(value) is str and _NUMBER.fullmatch(value)):
        value = Decimal(value)
    if type(value) is not Decimal:
        return None
    try:
        _PLAIN.plus(value)
    except DecimalException:
        return value if is_amount(value) else None
    return value if value.is_finite() else None


# ── ids ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_NAMESPACE = uuid.UUID("5f0c1f0e-7f0b-5c1e-9d3a-0d6c7e2b9a41").bytes


def derive_id(vendor: str, wire: Wire) -> str:
    """A UUID (version 5) from the vendor's name and the document's content; key order and white space make no difference."""
    content = _canonical_json.encode(wire)
    digest = bytearray(sha1(b"%s%s:%s" % (_NAMESPACE, vendor.encode(), content), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "str"
    if isinstance(value, list):
        return "array"
    return "int" if isinstance(value, int) else "float"
