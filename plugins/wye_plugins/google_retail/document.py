"""The document of one event as it is written: structs whose members are in the order of Google's documents.

What is ``None`` or ``UNSET`` is not written. The garbage collector is not told of them, as nothing in them leads back.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

import msgspec
from msgspec import UNSET, Struct

from wye.event import Json
from wye_plugins.google_retail.attributes import Bag


class Texts(Struct, gc=False):
    """A custom attribute of texts."""

    text: Sequence[str]


class Numbers(Struct, gc=False):
    """A custom attribute of numbers."""

    numbers: Sequence[Json]


Attributes = dict[str, "Texts | Numbers | Bag"]


class PriceInfo(Struct, gc=False, omit_defaults=True, rename="camel"):
    currency_code: str | None = None
    price: Decimal | None = None
    original_price: Json = UNSET
    cost: Json = UNSET


class Product(Struct, gc=False, omit_defaults=True, rename="camel"):
    id: str | None = None
    price_info: PriceInfo | None = None


class Detail(Struct, gc=False, omit_defaults=True, rename="camel"):
    """One product. The last two are the third-party document's."""

    product: Product | None = None
    quantity: int | None = None
    rating: Json = UNSET
    promotion_id: Json = UNSET


class UserInfo(Struct, gc=False, omit_defaults=True, rename="camel"):
    user_id: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None


class Document(Struct, gc=False, omit_defaults=True, rename="camel"):
    """One event."""

    event_type: str
    event_time: str
    visitor_id: str | None = None
    session_id: str | None = None
    user_info: UserInfo | None = None
    attribution_token: str | None = None
    uri: str | None = None
    referrer_uri: str | None = None
    page_view_id: str | None = None
    cart_id: str | None = None
    search_query: str | None = None
    page_categories: Sequence[str] | None = None
    purchase_transaction: Bag | None = None
    product_details: list[Detail] | None = None
    experiment_ids: Json = UNSET
    filter: Json = UNSET
    order_by: Json = UNSET
    offset: Json = UNSET
    entity: Json = UNSET
    completion_detail: Bag | None = None
    attributes: Attributes | None = None


def bag_of(document: Document) -> Bag:
    """The same as a dictionary of its own, in JSON's spelling."""
    return cast(Bag, msgspec.to_builtins(document, builtin_types=cast(Any, (Decimal,))))
