"""Reading and writing a vendor's JSON through typed structs, without losing what the structs do not know.

The common case is one typed decode in C with unknown fields forbidden. A document that fails it is read again as a dictionary:
what the struct has no place for goes into ``rest``, level by level, and only a document that lacks something required fails.
"""

from __future__ import annotations

import functools
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha1
from typing import Any, Generic, TypeVar, cast

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from wye.annotations import members_of, struct_in
from wye.event import Json
from wye.message import Failure, Payload
from wye.records import BAD_JSON, TOO_DEEP, PlainDecoder, in_words, split_records
from wye.values import amount as amount
from wye.values import identity as identity

REST = "wye:rest"
_REST_BYTES = REST.encode()
# Nobody writes one of these letters as an escape but to hide the name from us.
_ESCAPED_REST = re.compile(rb"\\u00(?:3[aA]|65|7[23479])")

_to_json = msgspec.json.Encoder(decimal_format="number")
_canonical_json = msgspec.json.Encoder(decimal_format="number", order="deterministic")
_any = msgspec.json.Decoder(float_hook=Decimal)


class Wire(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Base of a vendor's structs. ``rest`` holds, by wire name, what a document had beyond the struct's fields."""

    rest: dict[str, Json] | UnsetType = msgspec.field(default=UNSET, name=REST)


W = TypeVar("W", bound=Wire)
T = TypeVar("T")


class WireDecoder(Generic[W]):
    """Turns payloads into structs of one type, with an account of each record that is none."""

    def __init__(self, wire: type[W]) -> None:
        self._type = wire
        self._plain = PlainDecoder(wire)
        self._nested = bool(_nested(wire))

    def read(self, payload: Payload) -> tuple[list[W], list[Failure]]:
        """The records of a payload: one or several a line, or one or several a message; objects, or arrays of objects."""
        return self.read_as(payload, _as_they_are)

    def read_as(self, payload: Payload, turn: Callable[[list[W]], list[T]]) -> tuple[list[T], list[Failure]]:
        """What ``turn`` makes of the records, in their order: of all of them at once or, where one of them is none or ``turn``
        raises ``ValueError``, of each on its own. What it raises for one that is on its own is that one's failure."""
        plain = self._plain.read(payload)
        if plain is not None and not self._names_rest(plain, payload.body):
            try:
                return turn(plain), []
            except (ValueError, RecursionError):
                pass
        return self.read_each(payload, turn)

    def read_each(self, payload: Payload, turn: Callable[[list[W]], list[T]]) -> tuple[list[T], list[Failure]]:
        """As ``read_as``, with each record on its own from the beginning: for who knows that not all of them will do."""
        turned: list[T] = []
        failures: list[Failure] = []
        if payload.framing == "message":
            self._read_chunk(payload.body, None, turn, turned, failures)
            return turned, failures
        for index, line in enumerate(payload.body.split(b"\n")):
            if line.strip():
                self._read_chunk(line, index, turn, turned, failures)
        return turned, failures

    def _read_chunk(
        self, chunk: bytes, line: int | None, turn: Callable[[list[W]], list[T]], turned: list[T], failures: list[Failure]
    ) -> None:
        """Each record of a chunk on its own, so that a bad one costs only itself."""
        plain = self._plain_one(chunk)  # what nearly all lines around a bad one are
        try:
            pieces = [chunk] if plain is not None else split_records(chunk)
        except ValueError as error:
            failures.append(Failure(str(error), chunk, line or 0))
            return
        for place, piece in enumerate(pieces):
            try:
                known = plain if piece is chunk else self._plain_one(piece)
                turned += turn([_read_odd(piece, self._type) if known is None else known])
            except (ValueError, RecursionError) as error:
                failures.append(Failure(in_words(error, piece), piece, place if line is None else line))

    def _plain_one(self, text: bytes) -> W | None:
        """The record that ``text`` is, where it has the struct's members alone."""
        try:
            plain = self._plain.one.decode(text)
        except BAD_JSON:
            return None
        return None if self._names_rest([plain], text) else plain

    def _names_rest(self, plain: list[W], text: bytes) -> bool:
        """Whether a member of the text has the name of ``rest``, and was taken for it. One in a bag is none of our business."""
        if self._nested:
            return _may_name_rest(text)
        return not all([record.rest is UNSET for record in plain])  # noqa: C419  a generator costs three times as much


def _read_odd(text: bytes, wire: type[W]) -> W:
    """The record that ``text`` is, with what the struct does not know. Raises ``ValueError``."""
    document = parse(text)
    if too_deep(document):
        raise ValueError(TOO_DEEP)
    return sift(document, wire)


def _as_they_are(records: list[W]) -> list[W]:
    return records


def _may_name_rest(text: bytes) -> bool:
    # A single byte is found a hundred times faster than two of them.
    return _REST_BYTES in text or (b"\\" in text and b"\\u00" in text and _ESCAPED_REST.search(text) is not None)


def parse(text: bytes) -> Json:
    """One JSON document, its fractions as ``Decimal``. Raises ``ValueError`` with the reason, whatever the bytes are."""
    try:
        return _any.decode(text)
    except BAD_JSON as error:
        raise ValueError(in_words(error, text)) from None


MAX_DEPTH = 60
BAGS = frozenset((dict, list))
"""The types of what can be nested."""


def too_deep(value: Json, levels: int = MAX_DEPTH) -> bool:
    """Whether ``value`` is nested deeper than ``levels``: what the parser can still read, others may fail to walk or write."""
    if isinstance(value, dict):
        value = list(cast(dict[str, Json], value).values())
    if not isinstance(value, list):
        return False
    if levels == 0:
        return True
    for member in cast(list[Json], value):  # noqa: SIM110  a generator would cost as much as the rest
        if type(member) in BAGS and too_deep(member, levels - 1):
            return True
    return False


# ── documents and structs ────────────────────────────────────────────────────────────────────────────────────────────────


def sift(document: Json, wire: type[W]) -> W:
    """``document`` as a ``wire``; what has no place there, or not this type, is kept in ``rest``, at its own level.

    Raises ``ValueError`` when something required is missing or of another type.
    """
    if not isinstance(document, dict):
        raise ValueError(f"Expected `object`, got `{_KINDS.get(type(document), 'float')}`")
    hoped = _hoped(cast(dict[str, Json], document), wire)
    try:
        return msgspec.convert(hoped, wire)
    except msgspec.ValidationError:
        if hoped.keys() <= _ONLY_REST:
            raise
        return msgspec.convert(_fitted(cast(dict[str, Json], document), wire), wire)


_KINDS: dict[Any, str] = {type(None): "null", bool: "bool", str: "str", list: "array", int: "int"}
_ONLY_REST = frozenset((REST,))


def _hoped(document: dict[str, Json], wire: type[Wire]) -> dict[str, Json]:
    return _sifted(document, wire, _as_it_is)


def _fitted(document: dict[str, Json], wire: type[Wire]) -> dict[str, Json]:
    return _sifted(document, wire, _fit)


def _sifted(document: dict[str, Json], wire: type[Wire], fit: Callable[[Json, _Field], Json]) -> dict[str, Json]:
    known: dict[str, Json] = {}
    rest: dict[str, Json] = {}
    fields = _fields(wire)
    for name, value in document.items():
        field = fields.get(name)
        if field is None:
            rest[name] = value
            continue
        if field.plain is None:
            fitted = fit(value, field)
        elif type(value) is field.plain:
            fitted = value
        else:
            fitted = UNSET
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
    nullable: bool
    plain: type | None
    one: type[Wire] | None
    many: type[Wire] | None


@functools.cache
def _fields(wire: type[Wire]) -> dict[str, _Field]:
    return {
        field.encode_name: _Field(
            field.type,
            field.required,
            _is_nullable(field.type),
            _plain(field.type),
            _wire_in(field.type),
            _wire_in(members_of(field.type, list, tuple)),
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


def _plain(annotation: Any) -> type | None:
    """The one type that a value has to be of, where that can be told without looking into it."""
    return str if annotation is str else dict if annotation == dict[str, Any] else None


def _is_nullable(annotation: Any) -> bool:
    try:
        return msgspec.convert(None, annotation) is None
    except msgspec.ValidationError:
        return False


def _inside(value: Json, field: _Field, turn: Callable[[dict[str, Json], type[Wire]], dict[str, Json]]) -> Json:
    """``value`` with its documents turned, where the field holds such."""
    if field.one is not None and isinstance(value, dict):
        return turn(cast(dict[str, Json], value), field.one)
    if field.many is not None and isinstance(value, list):
        members = cast(list[Json], value)
        return [turn(cast(dict[str, Json], one), field.many) if isinstance(one, dict) else one for one in members]
    return value


def _as_it_is(value: Json, field: _Field) -> Json:
    """``value``, in the hope that it is of the field's type: nearly all odd documents only have members more, or nulls."""
    return UNSET if value is None and not field.nullable else _inside(value, field, _hoped)


def _fit(value: Json, field: _Field) -> Json:
    """``value`` in a shape that converts to the field's type, or ``UNSET``."""
    value = _inside(value, field, _fitted)
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


def in_ascii(document: bytes) -> str:
    """A JSON document with escapes for what is not ASCII: its characters, bytes and UTF-16 units are the same number then,
    whichever a vendor counts."""
    text = document.decode()
    return text if text.isascii() else _BEYOND_ASCII.sub(_escaped, text)


_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


def _escaped(char: re.Match[str]) -> str:
    units = char[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def _unfolded(document: dict[str, Json], wire: type[Wire]) -> dict[str, Json]:
    """Only a struct has a ``rest``: in a bag of values the same name is a value like any other."""
    rest = document.pop(REST, None)
    for name, field in _nested(wire).items():
        if name in document:
            document[name] = _inside(document[name], field, _unfolded)
    return overlay(document, rest) if rest else document


def overlay(base: dict[str, Json], over: dict[str, Json]) -> dict[str, Json]:
    """``base`` with ``over`` laid upon it; objects are merged member by member, everything else is replaced."""
    merged = {**base, **over}
    for name, value in over.items():
        above: dict[str, Json] = value
        if type(above) is dict and name in base:
            below: dict[str, Json] = base[name]
            if type(below) is dict:
                merged[name] = overlay(below, above)
    return merged


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
