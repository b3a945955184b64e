from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from msgspec import Meta

from wye.canonical import CanonicalDecoder, CanonicalEncoder
from wye.fidelity.formats import default_format, format_of
from wye.options import Options
from wye.plugin import AdapterPart, Inbound, Outbound, Role, hookimpl
from wye.registry import Registry, load


class Needy(Options, frozen=True):
    """Options of which one is required."""

    key: Annotated[str, Meta(description="A key.")]


def build_in(_: Any) -> Inbound:
    return Inbound(CanonicalDecoder())


def build_out(_: Any) -> Outbound:
    return Outbound(CanonicalEncoder())


def build_badly(_: Any) -> Inbound:
    raise KeyError("a bug")


def registry_of(source: Role[Inbound] | None, sink: Role[Outbound] | None) -> Registry:
    @hookimpl
    def hook() -> list[AdapterPart]:
        return [AdapterPart("acme", source, sink)]

    return load([("acme", SimpleNamespace(wye_adapters=hook))], points=[])


def test_a_sink_that_needs_options_can_still_be_read_back() -> None:
    registry = registry_of(Role(Options, build_in), Role(Needy, build_out))
    outbound = build_out(None)
    found = format_of(registry, "acme", outbound)
    assert found is not None
    assert found.outbound is outbound
    assert default_format(registry, "acme") is None


@pytest.mark.parametrize("source", [None, Role(Needy, build_in), Role(Options, build_badly)])
def test_what_has_no_other_side_that_works_cannot(source: Role[Inbound] | None) -> None:
    """Not even a plugin with a fault stops a sink that does not use its other side."""
    registry = registry_of(source, Role(Options, build_out))
    assert format_of(registry, "acme", build_out(None)) is None
    assert default_format(registry, "acme") is None


def test_both_sides_with_their_defaults() -> None:
    found = default_format(registry_of(Role(Options, build_in), Role(Options, build_out)), "acme")
    assert found is not None
    assert found.name == "acme"
