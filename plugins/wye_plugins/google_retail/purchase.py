"""The money of an event: its purchase, and amounts that Google's floats cannot hold."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, DecimalException

from wye.event import Event
from wye.money import EXACT, total
from wye_plugins.google_retail.attributes import MONEY, Bag, carry
from wye_plugins.google_retail.numbers import fits, in_float32, is_short
from wye_plugins.google_retail.rules import part
from wye_plugins.google_retail.schema import VENDOR
from wye_plugins.google_retail.slots import PURCHASE, is_carried


class UnfitError(ValueError):
    """The event breaks a rule of Google's that nothing can be done about; the text says which."""


def write_purchase(event: Event, document: Bag, left: Bag, may: frozenset[str], came_as_attributes: Bag) -> None:
    """Write the purchase where there may be one; otherwise what there is of it is ``left``, by the names of its attributes."""
    known: Bag = {
        ours: value for ours in PURCHASE if (value := getattr(event, ours)) is not None and ours not in came_as_attributes
    }
    own = event.origin.vendor == VENDOR
    here = "purchaseTransaction" in may and (own or event.type == "purchase")
    if not here and not is_carried(event, "purchaseTransaction", known):
        left.update(known)
        return
    if event.type == "purchase" and not own:
        known.setdefault("grand_total", _grand_total(event))
        known.setdefault("currency", _currency(event))
    purchase = {PURCHASE[ours]: value for ours, value in known.items() if value is not None}
    for name, value in purchase.items():
        if type(value) is Decimal:
            check_float(f"purchaseTransaction.{name}", value)
    if purchase:
        document["purchaseTransaction"] = purchase


def _grand_total(event: Event) -> Decimal | None:
    """Google's revenue is with shipping and tax: the goods' total, or the sum of the lines where all are priced, and these."""
    goods = event.goods_total
    try:
        if goods is None:
            goods = _of_lines([(item.unit_price, item.quantity) for item in event.items or ()])
        return None if goods is None else EXACT.add(EXACT.add(goods, event.shipping or 0), event.tax or 0)
    except DecimalException:
        return None  # so large or so fine that it cannot be added up exactly


def _of_lines(lines: Sequence[tuple[Decimal | None, Decimal | None]]) -> Decimal | None:
    whole = [(price, quantity) for price, quantity in lines if price is not None and quantity is not None]
    return total(whole) if whole and len(whole) == len(lines) else None


def _currency(event: Event) -> str | None:
    """Without a currency of its own a purchase has that of its products, where they have one and the same."""
    named = {item.currency for item in event.items or () if item.unit_price is not None}
    return named.pop() if len(named) == 1 else None


def check_float(name: str, value: Decimal) -> None:
    """Raises ``UnfitError`` where Google's parser would refuse the number."""
    if not fits(value):
        raise UnfitError(f"{name}: {value:.3E} is too large for the 32-bit float that Google has for it")


def say_exactly(event: Event, document: Bag, attributes: Bag) -> None:
    """Amounts that a 32-bit float changes are said in full as well."""
    exact: Bag = {}
    purchase = part(document.get("purchaseTransaction"))
    for name, ours in (("revenue", "grand_total"), ("tax", "tax"), ("cost", "cost")):
        if name in purchase:
            _note(ours, purchase[name], exact)
    for place, item in enumerate(event.items or ()):
        if item.unit_price is not None:
            _note(f"productDetails.{place}.price", item.unit_price, exact)
    if exact:
        carry(MONEY, exact, attributes)


def _note(place: str, value: Decimal, exact: Bag) -> None:
    if not is_short(value) and in_float32(value) != value:
        exact[place] = format(value, "f")
