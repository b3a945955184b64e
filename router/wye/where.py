"""Conditions on canonical fields: ``where = { type = ["purchase"], grand_total = { min = 100 } }`` as a function.

All keys must hold. A value, or one of a list, must equal the field; a table asks for a range (``min``, ``max``) or for presence
(``present = true``). ``not = {…}`` turns a condition round, ``any = [{…}, {…}]`` asks for one of several. A field that holds
several values (``items``) matches when one of them does. A field that is absent matches nothing but ``present = false``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, cast, get_origin, get_type_hints

from msgspec import Struct

from wye.annotations import alternatives, members_of, struct_in
from wye.errors import Path, Report, nearest
from wye.event import CUSTOM, EVENT_TYPES, Event

Test = Callable[[Any], bool]

_OPERATORS = ("min", "max", "present")


def compile_where(table: dict[str, Any], path: Path, report: Report) -> Callable[[Event], bool]:
    """The condition as a function of an event. ``report`` is told of each mistake, with its path."""
    types_only = table.get("type") if len(table) == 1 else None
    test = _all_of(table, Event, path, report)
    if isinstance(types_only, list):
        wanted = frozenset(cast(list[str], types_only))
        return lambda event: event.type in wanted
    return test


def _all_of(table: dict[str, Any], struct: type[Struct], path: Path, report: Report) -> Test:
    tests = [_one(key, value, struct, (*path, key), report) for key, value in table.items()]
    if len(tests) == 1:
        return tests[0]
    return lambda subject: all(test(subject) for test in tests)


def _one(key: str, value: Any, struct: type[Struct], path: Path, report: Report) -> Test:
    if key == "not" and isinstance(value, dict):
        inner = _all_of(cast(dict[str, Any], value), struct, path, report)
        return lambda subject: not inner(subject)
    if key == "any" and isinstance(value, list):
        choices = [
            _all_of(cast(dict[str, Any], choice), struct, (*path, index), report)
            for index, choice in enumerate(cast(list[Any], value))
            if isinstance(choice, dict) or report((*path, index), "expected a table of conditions")
        ]
        return lambda subject: any(test(subject) for test in choices)
    hints = get_type_hints(struct)
    name, _, rest = key.partition(".")
    if name not in hints:
        report(path, f"no such field; {nearest(name, [*hints, 'not', 'any'])}")
        return _never
    if rest:
        value = {rest: value}
    inner = _field(name, hints[name], value, path, report)
    return lambda subject: inner(getattr(subject, name))


def _field(name: str, annotation: Any, value: Any, path: Path, report: Report) -> Test:
    """A test of one field's content, by what the field is: a struct, a bag, a list of one of these, or plain."""
    if isinstance(value, dict) and not _is_operators(cast(dict[str, Any], value)):
        table = cast(dict[str, Any], value)
        struct = struct_in(members_of(annotation, tuple) or annotation)
        if struct is not None:
            return _on_each(_all_of(table, struct, path, report))
        if _is_bag(annotation):
            return _bag(table, path, report)
        report(path, f"expected a value, a list of values, or a table of {', '.join(_OPERATORS)}")
        return _never
    if name == "type":
        _check_types(value, path, report)
    return _value(value, path, report)


def _bag(table: dict[str, Any], path: Path, report: Report) -> Test:
    tests = [(name, _value(value, (*path, name), report)) for name, value in table.items()]

    def test(bag: dict[str, Any] | None) -> bool:
        return all(one((bag or {}).get(name)) for name, one in tests)

    return test


def _on_each(test: Test) -> Test:
    def on_each(subject: Any) -> bool:
        if subject is None:
            return False
        return any(map(test, cast(tuple[Any, ...], subject))) if isinstance(subject, tuple) else test(subject)

    return on_each


def _value(value: Any, path: Path, report: Report) -> Test:
    if isinstance(value, dict):
        return _operators(cast(dict[str, Any], value), path, report)
    wanted: list[Any] = [_comparable(one) for one in (cast(list[Any], value) if isinstance(value, list) else [value])]
    if any(type(one) in (dict, list) for one in wanted):
        report(path, "expected plain values: strings, numbers, true or false")
        return _never
    return lambda subject: any(one in wanted for one in _values(subject))


def _operators(table: dict[str, Any], path: Path, report: Report) -> Test:
    tests: list[Test] = []
    for name in ("min", "max"):
        if name in table:
            bound = _comparable(table[name])
            if isinstance(bound, bool) or not isinstance(bound, int | Decimal):
                report((*path, name), f"expected a number, found {table[name]!r}")
            else:
                tests.append(_bounded(bound, below=name == "min"))
    if "present" in table:
        present = table["present"]
        if not isinstance(present, bool):
            report((*path, "present"), f"expected true or false, found {present!r}")
        tests.append(lambda subject: (subject not in (None, (), {})) is present)
    for name in table:
        if name not in _OPERATORS:
            report((*path, name), f"unknown; {nearest(name, _OPERATORS)}")
    return lambda subject: all(test(subject) for test in tests)


def _bounded(bound: int | Decimal, *, below: bool) -> Test:
    def test(subject: Any) -> bool:
        numbers = [one for one in _values(subject) if isinstance(one, int | Decimal) and not isinstance(one, bool)]
        return any(one >= bound if below else one <= bound for one in numbers)

    return test


def _values(subject: Any) -> Iterable[Any]:
    if subject is None:
        return ()
    return cast(Iterable[Any], subject) if isinstance(subject, tuple | list) else (subject,)


def _comparable(value: Any) -> Any:
    return Decimal(repr(value)) if isinstance(value, float) else value


def _never(_: Any) -> bool:
    return False


def _is_operators(table: dict[str, Any]) -> bool:
    return bool(table) and any(name in _OPERATORS for name in table)


def _check_types(value: Any, path: Path, report: Report) -> None:
    for one in cast(list[Any], value) if isinstance(value, list) else [value]:
        if isinstance(one, str) and one not in EVENT_TYPES and not one.startswith(CUSTOM):
            report(path, f"no such event type: {one!r}; {nearest(one, EVENT_TYPES)} (a vendor's own is {CUSTOM}NAME)")


def _is_bag(annotation: Any) -> bool:
    return any(get_origin(one) is dict for one in alternatives(annotation))
