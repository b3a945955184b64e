"""The page of each vendor says what the code does: its options, names, limits, quirks and examples.

A quirk on a page has a title in bold, and a test of that name: "An empty id is absent" is ``test_quirk_an_empty_id_is_absent``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from e2e.kit import ROOT
from wye.config.describe import describe
from wye.event import CUSTOM, EVENT_TYPES
from wye.plugin import AdapterPart, Role
from wye.registry import load
from wye_plugins.clickstream import names as clickstream_names
from wye_plugins.clickstream import schema as clickstream
from wye_plugins.clickstream.encode import LIMITS as CLICKSTREAM_LIMITS
from wye_plugins.google_retail import attributes as google_attributes
from wye_plugins.google_retail import encode as google_encode
from wye_plugins.google_retail import reply as google_reply
from wye_plugins.google_retail import rules as google_rules
from wye_plugins.google_retail import schema as google
from wye_plugins.moloco import schema as moloco
from wye_plugins.reelevant import schema as reelevant
from wye_plugins.richrelevance import schema as richrelevance

PAGES = {path.stem: path for path in (ROOT / "docs" / "vendors").glob("*.md")}
PARTS = {offer.part.name: offer.part for offer in load().offers if isinstance(offer.part, AdapterPart)}
VENDORS = sorted(PARTS.keys() - {"canonical"})
each_vendor = pytest.mark.parametrize("vendor", VENDORS)


def section(vendor: str, title: str) -> str:
    """What stands under a heading of a page, up to the next one."""
    return page_parts(vendor)[title]


@cache
def page_parts(vendor: str) -> dict[str, str]:
    _, *parts = re.split(r"^## ", PAGES[vendor].read_text(), flags=re.MULTILINE)
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


def rows(text: str) -> list[list[str]]:
    """The cells of the rows of the first table, without its head."""
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[0].splitlines()[2:]]


def words(cell: str) -> list[str]:
    """What a cell has in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def test_every_vendor_has_a_page_and_every_page_a_vendor() -> None:
    assert sorted(PAGES) == VENDORS


# ── options ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def options_of(role: Role[Any] | None, side: str) -> set[tuple[str, str]]:
    config: type[Struct] | None = role.config if role else None
    return {(option.name, side) for option in describe(config)} if config else set()


@each_vendor
def test_the_table_of_options_has_every_option_and_no_other(vendor: str) -> None:
    found = [(words(name)[0], side) for name, sides, _ in rows(section(vendor, "Options")) for side in sides.split(", ")]
    assert len(found) == len(set(found))
    assert set(found) == options_of(PARTS[vendor].source, "source") | options_of(PARTS[vendor].sink, "sink")


# ── names and limits ─────────────────────────────────────────────────────────────────────────────────────────────────────

Names = Mapping[str, str]
READ: dict[str, Names] = {
    "clickstream": clickstream.TYPES,
    "google-retail": {name: google.TYPES.get(name, CUSTOM + name) for name in {*google.NAMES.values(), *google.SEED_ONLY}},
    "moloco": moloco.TYPES,
    "reelevant": reelevant.TYPES,
    "richrelevance": {kind.name: kind.type for kind in richrelevance.KINDS},
}
WRITTEN: dict[str, Names] = {
    "clickstream": clickstream.NAMES,
    "google-retail": google.NAMES,
    "moloco": moloco.NAMES,
    "reelevant": {**reelevant.NAMES, **{kind: kind for kind in reelevant.KEPT}},
    "richrelevance": {kind.type: kind.name for kind in richrelevance.KINDS},
}


@each_vendor
def test_the_table_of_types_is_the_codes(vendor: str) -> None:
    found = {words(name)[0]: (words(read), words(written)) for name, read, written in rows(section(vendor, "Types"))}
    names = READ[vendor].keys() | WRITTEN[vendor].values()
    expected = {
        name: (
            [READ[vendor].get(name, CUSTOM + name)],
            [kind for kind in EVENT_TYPES if WRITTEN[vendor].get(kind) == name],
        )
        for name in names
    }
    assert found == expected


LIMITS: dict[str, dict[str, int]] = {
    "clickstream": {
        "bytes": clickstream.MAX_BODY_BYTES,
        "events": CLICKSTREAM_LIMITS.max_events or 0,
        "characters": clickstream_names.MAX_LENGTH,
        "value": clickstream_names.MAX_VALUE_CHARS,
    },
    "google-retail": {
        **{f"`{name}`": most for name, most in google_rules.MAX_CHARACTERS.items()},
        "`sessionId`": google_attributes.MAX_ID,
        "`userId`": google_attributes.MAX_ID,
        "`userAgent`": google_rules.MAX_USER_AGENT,
        "`id`": google_attributes.MAX_ID,
        "values": google.MAX_VALUES,
        "characters": google.MAX_TEXT,
        "name": google_attributes.MAX_KEY,
        "import": google_encode.MAX_EVENTS,
        "errors": google_reply.MAX_SAMPLES,
        "operations": google_reply.MAX_OPERATIONS,
    },
    "moloco": {
        **{f"`{name}`": most for name, most in moloco.MAX_CHARACTERS.items()},
        **{f"`device.{name}`": most for name, most in moloco.MAX_DEVICE_CHARACTERS.items()},
    },
    "reelevant": {"bytes": reelevant.LIMITS.max_bytes or 0, "envelopes": reelevant.LIMITS.max_events or 0},
    "richrelevance": {"`priceCents`": richrelevance.MAX_WHOLE, "`quantity`": richrelevance.MAX_WHOLE},
}


@each_vendor
def test_the_table_of_limits_is_the_codes(vendor: str) -> None:
    table = [(what, int(most.replace(",", ""))) for what, most, _ in rows(section(vendor, "Limits"))]
    for name, most in LIMITS[vendor].items():
        assert any(name in what and most == said for what, said in table), f"{name}: {most}"
    assert {said for _, said in table} == set(LIMITS[vendor].values())


def test_the_currencies_of_moloco_are_listed() -> None:
    listed = re.search(r"25: ((?:[A-Z]{3}\s+)+)", PAGES["moloco"].read_text())
    assert listed is not None
    assert set(listed[1].split()) == moloco.CURRENCIES
    assert len(moloco.CURRENCIES) == 25


# ── quirks ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def as_name(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"[`'’.]", "", title).lower()).strip("_")


@each_vendor
def test_every_quirk_has_a_test_of_its_name_and_every_such_test_a_quirk(vendor: str) -> None:
    titles = [as_name(title) for title in re.findall(r"\*\*(.+?)\*\*", section(vendor, "Quirks"), re.DOTALL)]
    folder = ROOT / "tests" / "plugins" / vendor.replace("-", "_")
    code = "".join(path.read_text() for path in folder.glob("test_*.py"))
    tests = re.findall(r"^(?:async )?def test_quirk_(\w+)", code, re.MULTILINE)
    assert sorted(titles) == sorted(tests)


# ── examples and links ───────────────────────────────────────────────────────────────────────────────────────────────────


@each_vendor
def test_the_examples_pass_the_check(vendor: str, tmp_path: Path) -> None:
    examples = re.findall(r"^```toml\n(.*?)^```$", PAGES[vendor].read_text(), re.DOTALL | re.MULTILINE)
    assert examples
    for example in examples:
        (tmp_path / "wye.toml").write_text(example)
        environment = {**os.environ, **dict.fromkeys(re.findall(r"\$\{(\w+)\}", example), "secret")}
        command = [sys.executable, "-m", "wye", "check", "wye.toml"]
        checked = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert checked.returncode == 0, checked.stderr


@each_vendor
def test_the_page_says_where_the_losses_are_and_its_links_lead_somewhere(vendor: str) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", PAGES[vendor].read_text())
    assert "../fidelity.md" in targets
    for target in targets:
        assert (PAGES[vendor].parent / target).exists(), target
