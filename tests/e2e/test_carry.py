"""A → B → A through `wye translate --carry` gives back what went in, where B has room to carry."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from e2e.kit import samples
from wye.plugin import AdapterPart
from wye.registry import load


def adapters() -> list[AdapterPart]:
    return [part for offer in load().offers if isinstance(part := offer.part, AdapterPart) and part.name != "canonical"]


def bags() -> list[str]:
    """The vendors that have room to carry."""
    sides = [(part.name, part.sink) for part in adapters() if part.sink is not None]
    return [name for name, sink in sides if sink.build(sink.config()).bag is not None]


def translate(lines: str, *arguments: str) -> tuple[list[Any], set[int]]:
    """The documents, and the numbers of the lines that the target cannot take."""
    command = [sys.executable, "-m", "wye", "translate", *arguments]
    result = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=60)
    refused = {int(number) for number in re.findall(r"^line (\d+): ", result.stderr, re.MULTILINE)}
    assert refused or (result.returncode, result.stderr) == (0, "")
    return [json.loads(line) for line in result.stdout.splitlines()], refused


def as_lines(events: list[Any]) -> str:
    return "".join(json.dumps(event) + "\n" for event in events)


@pytest.mark.parametrize("carrier", bags())
@pytest.mark.parametrize("vendor", ["richrelevance", "clickstream"])
def test_there_and_back_is_exact(vendor: str, carrier: str) -> None:
    events = samples(vendor)
    plain, _ = translate(as_lines(events), "--from", vendor, "--to", vendor)
    carried, refused = translate(as_lines(events), "--from", vendor, "--to", carrier, "--carry")
    back, _ = translate(as_lines(carried), "--from", carrier, "--to", vendor)
    assert back == [one for number, one in enumerate(plain, start=1) if number not in refused]
    assert len(back) >= len(events) // 3


def test_a_vendor_without_attributes_cannot_carry() -> None:
    command = [sys.executable, "-m", "wye", "translate", "--from", "clickstream", "--to", "richrelevance", "--carry"]
    result = subprocess.run(command, input="", capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "richrelevance has no free attributes to carry in" in result.stderr
