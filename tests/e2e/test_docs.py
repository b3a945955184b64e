"""What a user can meet is documented where a user looks."""

from __future__ import annotations

import pytest
from msgspec import Struct

from e2e.kit import ROOT
from wye.cli import COMMANDS
from wye.config.describe import describe
from wye.config.model import RootOptions
from wye.deadletters import Entry
from wye.errors import Exit
from wye.plugin import AdapterPart
from wye.registry import load

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
REFERENCE = (ROOT / "docs" / "configuration.md").read_text()
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_operations_page(command: str) -> None:
    assert f"| `wye {command}" in OPERATIONS


@pytest.mark.parametrize("code", Exit)
def test_every_exit_code_is_in_the_operations_page(code: Exit) -> None:
    assert f"| {code.value} | `{code.name}` |" in OPERATIONS


@pytest.mark.parametrize("key", Entry.__struct_fields__)
def test_every_key_of_a_dead_letter_is_in_the_operations_page(key: str) -> None:
    assert f"`{key}`" in OPERATIONS


def test_every_part_is_in_the_reference_and_in_the_readme() -> None:
    for offer in load().offers:
        assert f"`{offer.part.name}`" in README or offer.kind == "transform", offer.part.name
        heading = (
            f"### `{offer.part.name}` in a " if offer.kind == "adapter" else f'### `type = "{offer.part.name}"` ({offer.kind})'
        )
        assert heading in REFERENCE


def test_every_option_is_in_the_reference_with_a_description() -> None:
    structs: list[type[Struct]] = [RootOptions]
    for offer in load().offers:
        part = offer.part
        if isinstance(part, AdapterPart):
            structs += [role.config for role in (part.source, part.sink) if role is not None]
        else:
            structs.append(part.config)
    for struct in structs:
        for option in describe(struct, nested=True):
            assert option.description, f"{struct.__name__}.{option.name} has no description"
            assert f"| `{option.name}` |" in REFERENCE


def test_every_module_of_the_core_is_on_the_architecture_page() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    for path in (ROOT / "router" / "wye").iterdir():
        if not path.name.startswith("__"):
            assert f"`{path.name}{'/' if path.is_dir() else ''}`" in page, path.name
