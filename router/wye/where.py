"""Conditions on canonical fields: ``where = { type = ["purchase"], grand_total = { min = 100 } }`` as a function.

All keys must hold. A value, or one of a list, must equal the field; a table asks for a range (``min``, ``max``) or for presence
(``present = true``). ``not = {…}`` turns a condition round, ``any = [{…}, {…}]`` asks for one of several. A field that holds
several values (``items``) matches when one of them does. A field that is absent matches nothing but ``present = false``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any, cast, get_type_hints

from msgspec import Struct

from wye.annotations import alternatives, members_of, struct_in, values_of
from wye.errors import Path, Report
from wye.event import CUSTOM, EVENT_TYPES, Event, UserAttr
from wye.words import closest, found, literals, nearest

Test = Callable[[Any], bool]

_BOUNDS = ("min", "max")
_OPERATORS = (*_BOUNDS, "present")


def compile_where(table: dict[str, Any], path: Path, report: Report) -> Callable[[Event], bool]:
    """The condition as a function of an event. ``report`` is told of each mistake, with its path."""
    return _all_of(table, Event, path, report)


def _all_of(table: dict[str, Any], struct: type[Struct], path: Path, report: Report) -> Test:
    return _every([_one(key, value, struct, (*path, key), report) for key, value in table.items()])


def _every(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    return lambda subject: all(test(subject) for test in tests)


def _one(key: str, value: Any, struct: type[Struct], path: Path, report: Report) -> Test:
    if key == "not":
        return _not(value, struct, path, report)
    if key == "any":
        return _any(value, struct, path, report)
    hints = _hints(struct)
    name, dot, rest = key.partition(".")
    if name not in hints:
        report(path, f"no such field; {nearest(name, [*hints, 'not', 'any'])}")
        return _never
    if dot:  # "page.url": one key in the file, two in the condition

        def report_at_key(at: Path, message: str) -> None:
            report((*path, *at[len(path) + 1 :]), message)

        inner = _field(hints[name], {rest: value}, path, report_at_key)
    else:
        inner = _field(hints[name], value, path, report)
    if name == "type" and struct is Event:
        _check_types(value, path, report)
    return lambda subject: inner(getattr(subject, name))


def _not(value: Any, struct: type[Struct], path: Path, report: Report) -> Test:
    if not isinstance(value, dict):
        report(path, f"expected a table of conditions, found {found(value)}")
        return _never
    inner = _all_of(cast(dict[str, Any], value), struct, path, report)
    return lambda subject: not inner(subject)


def _any(value: Any, struct: type[Struct], path: Path, report: Report) -> Test:
    choices = cast(list[Any], value) if isinstance(value, list) else []
    if not choices:
        report(path, f"expected a list of tables of conditions, found {found(value)}")
    tests: list[Test] = []
    for index, choice in enumerate(choices):
        if isinstance(choice, dict):
            tests.append(_all_of(cast(dict[str, Any], choice), struct, (*path, index), report))
        else:
            report((*path, index), f"expected a table of conditions, found {found(choice)}")
    return lambda subject: any(test(subject) for test in tests)


# ── fields: by what they are ─────────────────────────────────────────────────────────────────────────────────────────────


def _field(annotation: Any, value: Any, path: Path, report: Report) -> Test:
    """A test of a field's content: one or several structs, a bag of values by name, or plain values."""
    member = members_of(annotation, tuple)
    struct, bag = struct_in(member or annotation), values_of(annotation)
    if struct is None and bag is None:
        return _value(value, member or annotation, path, report)
    if not isinstance(value, dict):
        what = "a table of conditions on " + (", ".join(_hints(struct)) if struct else "its members")
        report(path, f"expected {what}, or {{ present = true }}; found {found(value)}")
        return _never
    table = cast(dict[str, Any], value)
    if list(table) == ["present"]:
        return _presence(table["present"], path, report)
    if struct is not None:
        return _on_each(_all_of(table, struct, path, report))
    return _bag(table, bag, path, report)


def _bag(table: dict[str, Any], member: Any, path: Path, report: Report) -> Test:
    """A member of a bag may be any JSON value; of a user attribute it is the value, and when it was set can be asked too."""
    tests: list[tuple[str, Test]] = []
    for name, value in table.items():
        inside = cast(dict[str, Any], value) if isinstance(value, dict) else {}
        if struct_in(member) is UserAttr and inside and not inside.keys() & {*_OPERATORS}:
            test = _on_each(_all_of(inside, UserAttr, (*path, name), report))
        else:
            test = _unwrapped(_value(value, Any, (*path, name), report))
        tests.append((name, test))

    def test_bag(bag: dict[str, Any] | None) -> bool:
        return all(test((bag or {}).get(name)) for name, test in tests)

    return test_bag


def _unwrapped(test: Test) -> Test:
    return lambda member: test(member.value if isinstance(member, UserAttr) else member)


def _on_each(test: Test) -> Test:
    def on_each(subject: Any) -> bool:
        if subject is None:
            return False
        return any(map(test, cast(tuple[Any, ...], subject))) if isinstance(subject, tuple) else test(subject)

    return on_each


# ── plain values ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _value(value: Any, kind: Any, path: Path, report: Report) -> Test:
    if isinstance(value, dict):
        return _operators(cast(dict[str, Any], value), kind, path, report)
    several = isinstance(value, list)
    members = cast(list[Any], value) if several else [value]
    if not members:
        report(path, "an empty list matches nothing; expected at least one value")
    wanted: set[tuple[bool, Any]] = set()
    for index, one in enumerate(members):
        if _fits(one, kind):
            wanted.add(_comparable(one))
        else:
            report((*path, index) if several else path, _misfit(one, kind, alone=not several))
    if kind is not Any and all(isinstance(one, str) for _, one in wanted):
        return _text(frozenset(one for _, one in wanted))
    return lambda subject: any(_comparable(one) in wanted for one in _values(subject))


def _text(wanted: frozenset[str]) -> Test:
    """The common case, and the fast one."""

    def test(subject: str | tuple[str, ...] | None) -> bool:
        return not wanted.isdisjoint(subject) if isinstance(subject, tuple) else subject in wanted

    return test


def _operators(table: dict[str, Any], kind: Any, path: Path, report: Report) -> Test:
    for name in table:
        if name not in _OPERATORS:
            report((*path, name), f"unknown; {nearest(name, _OPERATORS)}")
    if not table:
        report(path, f"an empty table; {nearest('', _OPERATORS)}")
    tests: list[Test] = []
    if "present" in table:
        tests.append(_presence(table["present"], path, report))
    if any(name in table for name in _BOUNDS):
        tests.append(_between(table, kind, path, report))
    return _every(tests)


def _presence(present: Any, path: Path, report: Report) -> Test:
    if not isinstance(present, bool):
        report((*path, "present"), f"expected true or false, found {found(present)}")
    return lambda subject: (subject is not None and subject != () and subject != {}) is present


def _between(table: dict[str, Any], kind: Any, path: Path, report: Report) -> Test:
    """One value must lie within both bounds."""
    if not _holds_numbers(kind):
        report(path, f"min and max are for numbers; expected {_wanted(kind)[0]}")
        return _never
    bounds = {"min": Decimal("-Infinity"), "max": Decimal("Infinity")}
    for name in _BOUNDS:
        if name in table:
            if _is_number(table[name]):
                bounds[name] = Decimal(str(table[name]))
            else:
                report((*path, name), f"expected a number, found {found(table[name])}")
    low, high = bounds["min"], bounds["max"]
    if low > high:
        report(path, f"min is larger than max: nothing lies between {low} and {high}")

    def test(subject: Any) -> bool:
        return any(_is_number(one) and low <= one <= high for one in _values(subject))

    return test


def _values(subject: Any) -> Iterator[Any]:
    """A field's values: several, one or none. What cannot be compared (a table in a bag, not-a-number) is no value."""
    for one in cast(list[Any], subject) if isinstance(subject, tuple | list) else [subject]:
        if isinstance(one, str | int | float) or (isinstance(one, Decimal) and not one.is_nan()):
            yield one


def _comparable(value: Any) -> tuple[bool, Any]:
    """Numbers are equal by what they are worth; true is not 1."""
    if isinstance(value, float):
        return False, Decimal(repr(value))
    return isinstance(value, bool), value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool) and not Decimal(value).is_nan()


# ── what a field can be compared to ──────────────────────────────────────────────────────────────────────────────────────


def _fits(value: Any, kind: Any) -> bool:
    if kind is Any:
        return isinstance(value, str | bool) or _is_number(value)
    choices = literals(kind)
    if choices:
        return value in choices
    return _is_number(value) if _holds_numbers(kind) else isinstance(value, str) and str in alternatives(kind)


def _misfit(value: Any, kind: Any, *, alone: bool) -> str:
    one, several = _wanted(kind)
    hint = closest(value, literals(kind)) if isinstance(value, str) else None
    message = f"expected {one}{f' or {several}' if alone and several else ''}, found {found(value)}"
    return message if hint is None else f"{message}; did you mean {found(hint)}?"


def _wanted(kind: Any) -> tuple[str, str]:
    """What a field can be compared to, and the words for several of that."""
    if kind is Any:
        return "a string, a number, true or false", "a list of these"
    choices = literals(kind)
    if choices:
        return "one of " + ", ".join(map(found, choices)), "a list of these"
    if bytes in alternatives(kind):
        return "{ present = true }", ""
    return ("a number", "a list of numbers") if _holds_numbers(kind) else ("a string", "a list of strings")


def _holds_numbers(kind: Any) -> bool:
    return kind is Any or any(one in (int, float, Decimal, Any) for one in alternatives(kind))


def _check_types(value: Any, path: Path, report: Report) -> None:
    several = isinstance(value, list)
    for index, one in enumerate(cast(list[Any], value) if several else [value]):
        fault = type_fault(one) if isinstance(one, str) else None
        if fault is not None:
            report((*path, index) if several else path, fault)


def type_fault(name: str) -> str | None:
    """What is wrong with the name of a canonical type, if anything is."""
    if name in EVENT_TYPES or name.startswith(CUSTOM):
        return None
    return f"no such event type as {found(name)}; {nearest(name, EVENT_TYPES, values=True)} (a vendor's own is {CUSTOM}NAME)"


@cache
def _hints(struct: type[Struct]) -> dict[str, Any]:
    return get_type_hints(struct)


def _never(_: Any) -> bool:
    return False
