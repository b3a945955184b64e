from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, cast

import pytest
from msgspec import Meta

import wye_plugins.filter
from wye.errors import PluginError
from wye.options import Options
from wye.plugin import AdapterPart, SinkPart, TransformPart, hookimpl
from wye.registry import Registry, load


def build(*_: Any) -> Any:
    return None


def plugin(kind: str, give: Any) -> Any:
    """A plugin whose only hook gives ``give``, or raises it."""

    def hook() -> Any:
        if isinstance(give, Exception):
            raise give
        return give

    return SimpleNamespace(**{f"wye_{kind}s": hookimpl(hook)})


def sinks(*names: str) -> Any:
    return plugin("sink", [SinkPart(name, Options, build) for name in names])


def fault(*extra: tuple[str, object]) -> str:
    with pytest.raises(PluginError) as caught:
        load(extra, points=[])
    return str(caught.value)


class Dist:
    """As much of a distribution as the registry asks for."""

    def __init__(self, name: str, version: str) -> None:
        self.metadata = {"Name": name, "Version": version}


def point(name: str, value: str, distribution: str = "acme-wye") -> EntryPoint:
    made = EntryPoint(name, value, "wye")
    vars(made)["dist"] = Dist(distribution, "1.2")
    return made


def test_parts_by_kind_and_name() -> None:
    registry = load([("one", sinks("b", "a")), ("filter", wye_plugins.filter)], points=[])
    assert registry.names("sink") == ["a", "b"]
    assert registry.names("adapter") == ["canonical"]
    assert registry.names("source") == []
    part = registry.sink("a")
    assert part is not None
    assert part.name == "a"
    assert registry.transform("filter") is not None
    assert registry.sink("filter") is None


def test_what_is_installed_is_found_with_its_distribution() -> None:
    registry = load(points=[point("filter", "wye_plugins.filter")])
    offers = {offer.part.name: (offer.plugin, offer.distribution) for offer in registry.offers}
    assert offers == {"canonical": ("canonical", "wye"), "filter": ("wye_plugins.filter", "acme-wye 1.2")}


def test_everything_in_the_box_is_an_entry_point() -> None:
    registry = load()
    assert {"clickstream", "richrelevance", "canonical"} <= set(registry.names("adapter"))
    assert {"file", "http", "websocket"} <= set(registry.names("source")) & set(registry.names("sink"))
    assert {offer.distribution.partition(" ")[0] for offer in registry.offers} == {"wye"}


def test_a_plugin_that_cannot_be_imported_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "faulty_wye.py").write_text("import no_such_thing\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(PluginError) as caught:
        load(points=[point("acme", "faulty_wye"), point("gone", "no_such_module", "other")])
    assert str(caught.value).splitlines() == [
        (
            "plugin acme = \"faulty_wye\" (acme-wye 1.2) cannot be loaded: ModuleNotFoundError: No module named 'no_such_thing'"
            f" ({tmp_path.name}/faulty_wye.py:1)"
        ),
        "plugin gone = \"no_such_module\" (other 1.2) cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'",
    ]


def test_the_same_plugin_of_two_distributions() -> None:
    with pytest.raises(PluginError, match=r"is there twice: acme-wye 1\.2 brings it too; uninstall one"):
        load(points=[point("a", "wye_plugins.filter"), point("b", "wye_plugins.filter", "other")])


def test_a_name_taken_twice_names_both_owners() -> None:
    with pytest.raises(PluginError) as caught:
        load(
            [("mine", plugin("transform", [TransformPart("filter", Options, build)]))],
            points=[point("f", "wye_plugins.filter")],
        )
    assert str(caught.value) == (
        'two plugins offer the transform "filter": mine (wye) and wye_plugins.filter (acme-wye 1.2);'
        " uninstall one, or rename its transform"
    )


def test_one_name_may_be_of_several_kinds() -> None:
    both = SimpleNamespace(
        wye_sinks=sinks("x").wye_sinks, wye_transforms=plugin("transform", [TransformPart("x", Options, build)]).wye_transforms
    )
    assert len(load([("both", both)], points=[]).offers) == 3


def test_a_misspelt_hook_is_named() -> None:
    misspelt = SimpleNamespace(wye_sink=sinks("x").wye_sinks)
    assert fault(("acme", misspelt)) == (
        "plugin acme has a hook wye_sink, which wye does not know;"
        " the hooks are wye_sources, wye_sinks, wye_adapters, wye_transforms"
    )


def test_an_unmarked_hook_is_named() -> None:
    def wye_sinks() -> list[SinkPart]:
        return []

    assert fault(("acme", SimpleNamespace(wye_sinks=wye_sinks))) == (
        "plugin acme does not mark wye_sinks; put @hookimpl (of wye.plugin) before it"
    )


def test_a_plugin_without_hooks_is_named() -> None:
    assert fault(("acme", SimpleNamespace())).startswith("plugin acme offers nothing; it needs at least one of the hooks ")


def test_faults_of_several_plugins_are_told_at_once() -> None:
    assert len(fault(("a", SimpleNamespace()), ("b", SimpleNamespace())).splitlines()) == 2


@pytest.mark.parametrize(
    ("kind", "give", "said"),
    [
        ("sink", ["x"], "plugin acme (wye): wye_sinks gave 'x', expected a SinkPart"),
        ("sink", [TransformPart("x", Options, build)], "expected a SinkPart"),
        ("sink", None, "plugin acme (wye): wye_sinks gave None, expected a list of parts"),
        ("sink", "xyz", "plugin acme (wye): wye_sinks gave 'xyz', expected a list of parts"),
        ("source", RuntimeError("a bug"), "plugin acme (wye): wye_sources raised RuntimeError: a bug"),
        ("sink", [SinkPart("x", cast(Any, 5), build)], 'the options of the sink "x" are 5, expected a msgspec struct class'),
        ("adapter", [AdapterPart("x")], 'the adapter "x" has neither a source nor a sink role'),
    ],
)  # fmt: skip
def test_what_is_no_part_is_named(kind: str, give: Any, said: str) -> None:
    assert said in fault(("acme", plugin(kind, give)))


def test_options_that_no_value_could_satisfy_are_named() -> None:
    class Impossible(Options, frozen=True):
        tags: Annotated[list[str] | None, Meta(min_length=1)] = None

    assert fault(("acme", plugin("sink", [SinkPart("x", Impossible, build)]))).startswith(
        'plugin acme (wye): the options of the sink "x" cannot be used: Can only set `min_length`'
    )


def test_options_with_a_fault_of_their_own_are_named() -> None:
    class Careless(Options, frozen=True):
        def __post_init__(self) -> None:
            raise ZeroDivisionError("oops")

    assert fault(("acme", plugin("sink", [SinkPart("x", Careless, build)]))).startswith(
        'plugin acme (wye): the options of the sink "x" cannot be used: ZeroDivisionError: oops (router/test_registry.py:'
    )


def test_an_option_that_every_part_has_already_is_named() -> None:
    class Greedy(Options, frozen=True):
        batch: int = 0

    assert fault(("acme", plugin("sink", [SinkPart("x", Greedy, build)]))) == (
        'plugin acme (wye): the sink "x" has the option batch, which every sink has already; rename it'
    )
    assert load([("acme", plugin("transform", [TransformPart("x", Greedy, build)]))], points=[]).transform("x") is not None


def test_the_order_of_plugins_makes_no_difference() -> None:
    def names(registry: Registry) -> list[str]:
        return [offer.part.name for offer in registry.offers]

    one, two = ("one", sinks("b")), ("two", sinks("a"))
    assert names(load([one, two], points=[])) == names(load([two, one], points=[]))
