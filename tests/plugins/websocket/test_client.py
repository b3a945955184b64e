from __future__ import annotations

from trio_websocket import WebSocketRequest

from plugins.websocket.websocket_kit import new_source, running, until, websocket_server
from wye.testing import FakeIntake
from wye_plugins.websocket.config import WebSocketSourceOptions


async def test_messages_become_events() -> None:
    async def handler(request: WebSocketRequest) -> None:
        connection = await request.accept()
        await connection.send_message("a b")
        await connection.send_message(b"c")
        await connection.get_message()

    intake = FakeIntake()
    async with websocket_server(handler) as url, running(new_source(WebSocketSourceOptions(url=url)), intake):
        await until(lambda: len(intake.events) == 3)
    assert [event.id for event in intake.events] == ["a", "b", "c"]
