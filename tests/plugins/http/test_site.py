from __future__ import annotations

import logging

import pytest

from wye_plugins.http.site import Spell


def test_a_condition_is_said_when_it_starts_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    spell = Spell(logging.getLogger("wye.http"), "web", "it rains", "it is dry")
    spell.over()
    for _ in range(3):
        spell.hit()
    spell.over()
    spell.over()
    spell.hit()
    assert caplog.messages == ["source web: it rains", "source web: it is dry; it happened 3 times", "source web: it rains"]
