"""The money of an event: its purchase, and amounts that Google's floats cannot hold."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, DecimalException

from wye.event import Event
from wye.money import EXACT, total
from wye_plugins.google_retail.attributes import Bag
from wye_plugins.google_retail.document import Document
from wye_plugins.google_retail.numbers import fits, in_float32, is_short
from wye_plugins.google_retail.schema import VENDOR
from wye_plugins.google_retail.slots import PURCHASE, is_carried


class UnfitError(ValueError):
    """The event breaks a rule of Google's that nothing can be done about; the text says which."""


def put_purchase(event: Event, document: Document, facts: Bag, may: frozenset[str], came: Bag, inexact: Bag) -> None:
    """Write the purchase where there may be one; otherwise what there is of it are ``facts``, by the names of their attributes.
    What ``came`` as attributes stays there."""
    known: Bag = {}
    put_known(event, known)
    if came:
        known = {ours: value for ours, value in known.items() if ours not in came}
    own = event.origin.vendor == VENDOR
    here = "purchaseTransaction" in may and (own or event.type == "purchase")
    if not here and not (own and is_carried(event, "purchaseTransaction", known)):
        facts.update(known)
        return
    if event.type == "purchase" and not own:
        known.setdefault("grand_total", _grand_total(event))
        known.setdefault("currency", _currency(event))
    purchase = {PURCHASE[ours]: value for ours, value in known.items() if value is not None}
    for ours in ("grand_total", "tax", "cost"):
        value = known.get(ours)
        if value is not None and not is_short(value):
            weigh(value, f"purchaseTransaction.{PURCHASE[ours]}", ours, inexact)
    if purchase:
        document.purchase_transaction = purchase


def put_known(event: Event, facts: Bag) -> None:
    """What there is of a purchase, by the names of its attributes."""
    if event.order_id is not None:
        facts["order_id"] = event.order_id
    if event.grand_total is not None:
        facts["grand_total"] = event.grand_total
    if event.tax is not None:
        facts["tax"] = event.tax
    if event.cost is not None:
        facts["cost"] = event.cost
    if event.currency is not None:
        facts["currency"] = event.currency


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
        raise UnfitError(f"{name}: {value:.3E} does not fit into the 32-bit float that Google has for it")


def weigh(value: Decimal, name: str, place: str, inexact: Bag) -> None:
    """Note at its ``place`` what a 32-bit float changes. Raises ``UnfitError`` where the member ``name`` cannot be this."""
    check_float(name, value)
    if in_float32(value) != value:
        inexact[place] = format(value, "f")
