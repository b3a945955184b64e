"""Canonical events as a hostile world would have them: every type, any subset of leaves, values at the edges.

An event is read from a *tape*, a few hundred bytes that hypothesis draws at once: a draw for each leaf would cost twenty times
as much. Two bytes decide about a leaf: in the lower half it is absent, else they choose its value. So a tape of zeros is the
least event, and what hypothesis does to shrink bytes shrinks the event.
"""

from __future__ import annotations

import functools
import random
import string
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from hypothesis import strategies as st
from msgspec import structs

from wye.event import EVENT_TYPES, App, Device, Event, Item, Origin, Page, UserAttr

T = TypeVar("T")
Make = Callable[[int], T]

_CODES = 170
_MANY_ITEMS = 1_000


class Tape:
    """Decisions, one after the other; behind the end every one is 0."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def code(self) -> int:
        """0..65535."""
        found = int.from_bytes(self._data[self._place : self._place + 2], "big")
        self._place += 2
        return found

    def maybe(self, make: Make[T]) -> T | None:
        """``None`` for half of all codes, else what is made of the others."""
        code = self.code()
        return make(code - 0x8000) if code >= 0x8000 else None

    def mostly(self, make: Make[T]) -> T | None:
        """``None`` for one code in sixteen."""
        code = self.code()
        return make(code & 0x7FFF) if code >= 0x1000 else None

    def one(self, make: Make[T]) -> T:
        return make(self.code() & 0x7FFF)


def edged(edges: Sequence[T], make: Callable[[random.Random], T]) -> Make[T]:
    """One of ``edges`` for every other code, the first for the least; else something random, the same for the same code."""

    @functools.cache
    def value(code: int) -> T:
        return edges[code // 2 % len(edges)] if code % 2 == 0 else make(random.Random(code))

    return value


_LETTERS = string.ascii_letters + string.digits + "_-"
_ANY = string.printable + "äßéñ漢字😀\U0001f9ff\U0010ffff\u200b\xa0\x00\x7f\u2028"


def _id(chance: random.Random) -> str:
    return "".join(chance.choices(_LETTERS, k=chance.randint(1, 40)))


def _text(chance: random.Random) -> str:
    return "".join(chance.choices(_ANY, k=chance.randint(1, 12)))


def _amount(chance: random.Random) -> Decimal:
    """0, 2, 3 or up to 20 decimals."""
    return Decimal(chance.randint(-(10**9), 10**12)).scaleb(-chance.choice((0, 0, 2, 2, 3, 5, 20)))


AMOUNTS = [
    Decimal(text)
    for text in (
        *("0", "1", "1599.97", "9999999.99", "0.00", "-3.50", "0.005", "12.500", "1500", "9007199254740993", "1E+3"),
        *("-9007199254740993.01", "0.00000000000000000001", "18446744073709551616", "123456789012345678.90", "4.35"),
    )
]
TIMES = [
    1_700_000_000_000,
    *(0, 1, -1, 1_000, 999_999_999, 1_700_000_000, 99_999_999_999, 100_000_000_000, -62_135_596_800_000),
    *(4_102_444_800_000, 253_402_300_799_999, 1_700_000_000_000_000, 2**53 + 1, 2**63 - 1, -(2**63)),
]
"""In milliseconds; some are what a time in seconds or microseconds looks like."""

ident = edged(["a", "A1", "0", "12", "user@shop.example", "x" * 128, "x" * 129, "a b", "Zoë", "😀", "-1"], _id)
text = edged(
    ["a", "", "A1", "Zoë", "😀 emoji", "a b", " ", "x" * 300, "12", "1.50", "<b>", '"quoted"', "line\nbreak", "null", "\x00"],
    _text,
)
amount = edged(AMOUNTS, _amount)
quantity = edged([Decimal(1), *map(Decimal, ("2", "0", "-2", "1.5", "2.0", "2147483648", "9007199254740993"))], _amount)
currency = edged(["EUR", "USD", "JPY", "KWD"], lambda chance: chance.choice(["GBP", "CHF", "SEK", "BHD", "KRW"]))
url = edged(
    ["https://shop.example/a", "/a?b=c#d", "https://shop.example/?q=ä", "unknown", "x" * 6_000],
    lambda chance: f"https://shop.example/{_id(chance)}",
)
whole = edged([0, 1, -1, 1080, 2**31, 2**53 + 1, 2**63 - 1], lambda chance: chance.randint(-(10**6), 10**13))
size = edged([0, 1080, 1], lambda chance: chance.randint(0, 10_000))
offset = edged([0, 3_600_000, -43_200_000, 50_400_000, 1, 20_700_000], lambda chance: chance.randint(-43_200_000, 50_400_000))
scalar: Make[Any] = edged(
    [True, 0, "", False, -1, 2**53 + 1, Decimal("1.50"), Decimal("0.00000000000000000001"), "true", "1", 2**63, -(2**63)],
    lambda chance: chance.choice((_text, _amount, _id))(chance),
)
bagged: Make[Any] = edged(
    [1, [], {}, ["a", "b"], [1, Decimal("2.5")], {"a": {"b": [1]}}, [["a"], []], {"text": ["a"]}, ["a", 1, True], {"": ""}],
    lambda chance: scalar(chance.randrange(0x8000)),
)
time_ms = edged([TIMES[0]] * len(TIMES) + TIMES, lambda chance: chance.randint(10**11, 4 * 10**12))
kind = edged(
    EVENT_TYPES, lambda chance: chance.choice([*EVENT_TYPES, "custom:button_click", "custom:3D view!", "custom:", "custom:ä"])
)

_OWN: dict[str, Make[Any]] = {
    **dict.fromkeys(("url", "referrer"), url),
    **dict.fromkeys(("unit_price", "goods_total", "grand_total", "shipping", "tax", "cost"), amount),
    **dict.fromkeys(("screen_height", "screen_width", "viewport_height", "viewport_width"), size),
    **dict.fromkeys(("id", "group_id", "seller_id", "user_id", "visitor_id", "session_id", "order_id", "cart_id"), ident),
    "quantity": quantity,
    "currency": currency,
    "zone_offset_ms": offset,
    "platform": edged(["Android", "iOS", "Web"], _text),
    "channel": edged(["app", "site", "desktop_site", "mobile_site"], _text),
    "user_agent": edged(["Mozilla/5.0 (X11)"], _id),
    "ip": edged(["203.0.113.7", "2001:db8::1"], lambda chance: f"203.0.113.{chance.randint(0, 255)}"),
}
_LEAVES = {struct: struct.__struct_fields__ for struct in (Page, Device, App)}
_EVENT_LEAVES = (
    *("user_id", "visitor_id", "session_id", "order_id", "cart_id", "currency", "goods_total", "grand_total", "shipping"),
    *("tax", "cost", "search_query", "brand", "channel", "attribution"),
)
_ITEM_LEAVES = tuple(name for name in Item.__struct_fields__ if name not in ("id", "attrs", "extra"))


def _leaves(tape: Tape, names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name in names if (value := tape.maybe(_OWN.get(name, text))) is not None}


def _item(tape: Tape) -> Item:
    return Item(id=tape.mostly(ident), **_leaves(tape, _ITEM_LEAVES), attrs=_bag(tape, bagged, 1))


def _bag(tape: Tape, make: Make[Any], most: int) -> dict[str, Any]:
    """Up to ``most`` attributes; rarely is one's name empty, or an odd one."""
    names = [tape.maybe(text if most > 1 else ident) for _ in range(most)]
    return {name: tape.one(make) for name in names if name is not None}


def _items(tape: Tape) -> tuple[Item, ...] | None:
    code = tape.code()
    if code < 0x6000:
        return None
    if code % 1_024 == 1_023:
        few = [_item(tape) for _ in range(3)]
        return tuple(few[place % 3] for place in range(_MANY_ITEMS))
    return tuple(_item(tape) for _ in range((0, 1, 1, 2, 4)[code % 5]))


def event_from(data: bytes) -> Event:
    """The event that a tape says. One with zeros alone is the least."""
    tape = Tape(data)
    fields = _leaves(tape, _EVENT_LEAVES)
    for name, struct in (("page", Page), ("device", Device), ("app", App)):
        if tape.code() >= 0x8000:
            fields[name] = struct(**_leaves(tape, _LEAVES[struct]))
    return Event(
        id=tape.one(ident),
        type=tape.one(kind),
        time_ms=tape.one(time_ms),
        time_ns_rest=(0, 0, 1, 999_999)[tape.code() % 4],
        origin=Origin(vendor="generated", tenant=tape.maybe(ident)),
        item_ids_are=("product", "product", "product", "reference", "category", "brand")[tape.code() % 6],  # type: ignore[arg-type]
        categories=tuple(one for one in (tape.maybe(text), tape.maybe(text)) if one is not None),
        user_attrs={name: UserAttr(value, tape.maybe(whole)) for name, value in _bag(tape, scalar, 2).items()},
        attrs=_bag(tape, bagged, 3),
        items=_items(tape),
        **fields,
    )


def tapes(codes: int = _CODES) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=2 * codes, max_size=2 * codes)


def _as_if_read(data: bytes) -> Event:
    """With something that only the vendor knows whom it came from."""
    return structs.replace(event_from(data), extra=_bag(Tape(data[-6:]), bagged, 1))


events: st.SearchStrategy[Event] = tapes().map(event_from)
events_as_read: st.SearchStrategy[Event] = tapes().map(_as_if_read)
