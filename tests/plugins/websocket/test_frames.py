from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from wye_plugins.websocket.frames import text_frame


def read(frames: bytes) -> list[str]:
    """What a client's end makes of ``frames``."""
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(frames)
    messages: list[str] = []
    parts: list[str] = []
    for event in client.events():
        assert isinstance(event, TextMessage)
        parts.append(event.data)
        if event.message_finished:
            messages.append("".join(parts))
            parts = []
    assert not parts
    return messages


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
def test_every_form_of_the_length_is_understood(size: int) -> None:
    assert read(text_frame(b"x" * size)) == ["x" * size]


@given(st.lists(st.text(max_size=200), max_size=5))
def test_frames_written_together_are_read_apart(texts: list[str]) -> None:
    assert read(b"".join(text_frame(text.encode()) for text in texts)) == texts
