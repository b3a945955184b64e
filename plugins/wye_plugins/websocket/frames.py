"""WebSocket frames as a server writes them: not masked, so that one frame serves every subscriber."""

from __future__ import annotations

import struct

_FINAL_TEXT = 0x81


def text_frame(document: bytes) -> bytes:
    """``document`` (UTF-8) as one unfragmented text message (RFC 6455, section 5.2)."""
    size = len(document)
    if size < 126:
        return bytes((_FINAL_TEXT, size)) + document
    if size < 65536:
        return struct.pack("!BBH", _FINAL_TEXT, 126, size) + document
    return struct.pack("!BBQ", _FINAL_TEXT, 127, size) + document
