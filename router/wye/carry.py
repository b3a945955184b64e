"""What a format has no place for, carried in its bag of free attributes, and put back when it is read again.

The residue of an event is what differs after a trip through the format, as canonical JSON, cut into pieces that the vendor
takes. With it, A → B → A is exact for every B that has a bag. A field that somebody changed on the way is left as it came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import sha1
from typing import Any, cast

import msgspec
from msgspec import Struct, structs

from wye.event import Event
from wye.plugin import Bag
from wye.wire import in_ascii, parse

NAME = "x_carry"
"""The attribute that holds the residue; with a number behind it where it takes several."""
_FIRST_PIECE = f"{NAME}_0"

_VERSION = 1

_json = msgspec.json.Encoder(decimal_format="number", order="deterministic")


class _Residue(Struct, omit_defaults=True):
    """``native`` is a hash of what the format itself gave back; ``fields`` the original values of the fields that differ, the
    absent ones as ``null``."""

    v: int
    native: str
    fields: dict[str, Any]


def pack(whole: Event, back: Event, bag: Bag) -> Event:
    """The event with its residue among its attributes, where ``back`` is what the format gives back of it; the event itself
    where nothing differs. Original bytes are not carried."""
    event = structs.replace(whole, origin=structs.replace(whole.origin, raw=None))
    fields = {
        field.name: getattr(event, field.name)
        for field in structs.fields(Event)
        if getattr(event, field.name) != getattr(back, field.name)
    }
    if set(fields) <= {"origin"}:
        return whole
    residue = _Residue(_VERSION, _hash(back), msgspec.to_builtins(fields, builtin_types=(Decimal,)))
    pieces = _cut(in_ascii(_json.encode(residue)), bag.piece_chars)
    return structs.replace(whole, attrs={**event.attrs, **_placed(pieces, bag)})


def _placed(pieces: list[str], bag: Bag) -> Mapping[str, Any]:
    if bag.lists:
        return {NAME: pieces}
    return {f"{NAME}_{number}": piece for number, piece in enumerate(pieces)} if bag.piece_chars else {NAME: pieces[0]}


def _cut(text: str, size: int | None) -> list[str]:
    return [text] if size is None else [text[start : start + size] for start in range(0, len(text), size)]


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def carries(event: Event) -> bool:
    """Whether there is a residue among the attributes."""
    return NAME in event.attrs or _FIRST_PIECE in event.attrs


def unpacked(events: Sequence[Event]) -> Sequence[Event]:
    """``events`` as they were before they were carried; the same sequence where none was."""
    # Asked of every event there is, so written out: a call of ``carries`` for each costs three times as much.
    if not [event for event in events if event.attrs and (NAME in event.attrs or _FIRST_PIECE in event.attrs)]:
        return events
    return [unpack(event) if carries(event) else event for event in events]


def unpack(event: Event) -> Event:
    """The event as it was before it was carried; ``event`` as it is when the residue cannot be read."""
    text = _text(event.attrs)
    native = structs.replace(event, attrs={name: value for name, value in event.attrs.items() if not _is_piece(name)})
    try:
        residue = msgspec.convert(parse(text.encode()), _Residue)
        if residue.v != _VERSION:
            return event
        return _restored(native, residue)
    except (ValueError, TypeError):
        return event


def _restored(native: Event, residue: _Residue) -> Event:
    names = {field.name for field in structs.fields(Event)} & set(residue.fields)
    if _hash(native) != residue.native:
        # Somebody changed something on the way: what is there now is true, and only what is missing comes back.
        names = {name for name in names if not getattr(native, name) and residue.fields[name] is not None}
    document = cast(dict[str, Any], msgspec.to_builtins(native, builtin_types=(Decimal,)))
    for name in names:
        if residue.fields[name] is None:
            document.pop(name, None)
        else:
            document[name] = residue.fields[name]
    return msgspec.convert(document, Event)


def _text(attrs: Mapping[str, Any]) -> str:
    whole = attrs.get(NAME)
    if isinstance(whole, str):
        return whole
    pieces: list[Any] = []
    if isinstance(whole, list | tuple):
        pieces = list(cast(list[Any], whole))
    else:
        while (piece := attrs.get(f"{NAME}_{len(pieces)}")) is not None:
            pieces.append(piece)
    return "".join(piece for piece in pieces if isinstance(piece, str))


def _is_piece(name: str) -> bool:
    return name == NAME or (name.startswith(f"{NAME}_") and name[len(NAME) + 1 :].isdigit())


def _hash(event: Event) -> str:
    """Of what the format gave back, but for what says nothing of an edit: an id derived from the document, and the device,
    parts of which travel in the headers of a request."""
    known = structs.replace(event, id="", device=None, origin=structs.replace(event.origin, raw=None))
    return sha1(_json.encode(known), usedforsecurity=False).hexdigest()[:16]
