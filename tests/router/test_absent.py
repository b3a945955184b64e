from __future__ import annotations

import msgspec
import pytest

from wye.absent import ABSENT, Int64, Maybe
from wye.message import Payload
from wye.wire import Wire, WireDecoder, write


class Note(Wire, frozen=True):
    text: Maybe[str] = ABSENT
    count: Maybe[Int64] = ABSENT


def test_what_is_missing_is_none_and_not_written() -> None:
    [note], _ = WireDecoder(Note).read(Payload(b'{"count":1}'))
    assert (note.text, note.count) == (None, 1)
    assert write(note, {}) == b'{"count":1}'


@pytest.mark.parametrize("document", [b'{"text":null}', b'{"count":9223372036854775808}', b'{"count":-9223372036854775809}'])
def test_a_null_and_what_has_no_room_come_back(document: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(document, type=Note)
    [note], _ = WireDecoder(Note).read(Payload(document))
    assert (note.text, note.count) == (None, None)
    assert write(note, {}) == document
