"""The vendor's ``value``: one amount of money for the whole event, of which it keeps two decimals."""

from __future__ import annotations

from decimal import ROUND_DOWN, Context, Decimal, InvalidOperation

from wye.event import Event, Item
from wye.money import is_amount, total

_HUNDREDTH = Decimal("0.01")
_CUT = Context(prec=420, rounding=ROUND_DOWN, traps=[InvalidOperation])


def as_value(amount: Decimal) -> Decimal:
    """``amount`` as the vendor keeps it: what is beyond two decimals is cut off, not rounded."""
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or exponent >= -2:
        return amount
    cut = amount.quantize(_HUNDREDTH, context=_CUT)
    return cut or abs(cut)


def goods_total(event: Event) -> Decimal | None:
    """The goods' total: the event's own, or for a purchase the sum of its lines, where each of them says all that it takes, in
    the currency of the event if that has one."""
    if event.goods_total is not None:
        return event.goods_total if is_amount(event.goods_total) else None
    if event.type != "purchase" or not event.items:
        return None
    currencies = {item.currency or event.currency for item in event.items}
    # The event's currency is in a label beside the value, so a sum in another would be read as money in this one.
    if len(currencies | ({event.currency} - {None})) > 1:
        return None
    lines = [line for item in event.items if (line := _line(item)) is not None]
    return total(lines) if len(lines) == len(event.items) else None


def _line(item: Item) -> tuple[Decimal, Decimal] | None:
    price, quantity = item.unit_price, item.quantity
    if price is None or quantity is None or not _is_modest(price) or not _is_modest(quantity):
        return None
    return price, quantity


def _is_modest(number: Decimal) -> bool:
    """Small enough to be multiplied and summed exactly, whatever the number of lines."""
    return number.is_finite() and abs(number.adjusted()) < 60 and len(number.as_tuple().digits) < 60
