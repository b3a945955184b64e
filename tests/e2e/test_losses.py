"""What a sink's format cannot hold: counted, warned of, refused or acknowledged, as the config says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from e2e.kit import SAMPLES, lines_of, running

CONFIG = """
[sources.shop]
type = "file"
path = "in.jsonl"
adapter = "clickstream"

[sinks.stream]
type = "file"
inputs = ["shop"]
path = "out.jsonl"
adapter = "richrelevance"
"""


def write(folder: Path, *names: str) -> list[Any]:
    events = [json.loads((SAMPLES / "clickstream" / f"{name}.json").read_bytes()) for name in names]
    (folder / "in.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    return events


async def test_losses_are_in_the_ledger_by_type_and_leaf(tmp_path: Path) -> None:
    write(tmp_path, "generator-web-purchase")
    async with running(tmp_path, CONFIG) as wye:
        assert await wye.ended() == 0, wye.printed
    account: Any = wye.sink("stream")
    assert account["losses"]["purchase"]["leaves"]["lost currency"] == 1
    assert "lost items.unit_price" not in account["losses"]["purchase"]["leaves"]
    assert "sink stream: lost" in wye.printed


async def test_money_that_would_be_lost_goes_to_the_dead_letters_when_asked(tmp_path: Path) -> None:
    write(tmp_path, "generator-web-purchase", "generator-web-search")
    async with running(tmp_path, CONFIG + 'on_loss = { money = "dead_letter" }\n') as wye:
        assert await wye.ended() == 0, wye.printed
    assert [line["eventType"] for line in lines_of(tmp_path / "out.jsonl")] == ["search"]
    (letter,) = wye.dead_letters
    assert letter["stage"] == "encode"
    assert letter["reason"].startswith("on_loss: currency (lost)")
    assert letter["event"]["currency"] == "USD"


async def test_an_acknowledged_loss_passes(tmp_path: Path) -> None:
    write(tmp_path, "generator-web-purchase")
    known = (
        '[{ leaf = "currency", reason = "one shop, one currency" }, { leaf = "goods_total", reason = "the sum of the lines" }]'
    )
    async with running(tmp_path, CONFIG + f'on_loss = {{ money = "dead_letter" }}\nacknowledge = {known}\n') as wye:
        assert await wye.ended() == 0, wye.printed
    assert len(lines_of(tmp_path / "out.jsonl")) == 1
    assert wye.dead_letters == []


async def test_types_without_a_name_can_be_refused(tmp_path: Path) -> None:
    write(tmp_path, "generator-web-view_cart")
    async with running(tmp_path, CONFIG + 'unmapped = "dead_letter"\n') as wye:
        assert await wye.ended() == 0, wye.printed
    (letter,) = wye.dead_letters
    assert "cart_view" in letter["reason"]
    assert wye.sink("stream")["dead_lettered"] == 1


async def test_a_default_currency_is_the_operators_word(tmp_path: Path) -> None:
    order = json.loads((SAMPLES / "richrelevance" / "07-order.json").read_bytes())
    (tmp_path / "in.jsonl").write_text(json.dumps(order) + "\n")
    config = (
        CONFIG.replace('"richrelevance"', '"x"').replace('"clickstream"', '"richrelevance"').replace('"x"', '"clickstream"')
    )
    async with running(tmp_path, config + 'defaults = { currency = "EUR" }\n') as wye:
        assert await wye.ended() == 0, wye.printed
    (event,) = lines_of(tmp_path / "out.jsonl")
    assert event["event_value_currency"] == "EUR"
    assert event["event_value"] == 58.97
