"""The documents of ``schema`` again, for those that have its members alone, as nearly all: there is no ``rest``, the garbage
collector is not told of them, and nothing is looked at in Python before ``read`` does, which raises ``ValueError`` for what
``schema`` would refuse. A payload in which one record is not lean is read as ``schema`` has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wye.absent import ABSENT
from wye.wire import REST
from wye_plugins.google_retail.schema import (
    GrCompletion,
    GrDetail,
    GrEvent,
    GrPriceInfo,
    GrProduct,
    GrPurchase,
    GrUserInfo,
)

_NO_REST: Any = msgspec.field(default=UNSET, name=REST)
"""No value on the wire is of the type ``UnsetType``, so that a member of this name is refused."""


class LeanPriceInfo(GrPriceInfo, frozen=True, kw_only=True, gc=False):
    """Its amounts may be anything."""

    rest: UnsetType = _NO_REST

    def __post_init__(self) -> None:
        pass


class LeanProduct(GrProduct, frozen=True, kw_only=True, gc=False):
    rest: UnsetType = _NO_REST
    if not TYPE_CHECKING:
        priceInfo: LeanPriceInfo = ABSENT  # noqa: N815  the vendor's own names, here and below


class LeanDetail(GrDetail, frozen=True, kw_only=True, gc=False):
    rest: UnsetType = _NO_REST
    if not TYPE_CHECKING:
        product: LeanProduct = ABSENT


class LeanPurchase(GrPurchase, frozen=True, kw_only=True, gc=False):
    """Its amounts may be anything."""

    rest: UnsetType = _NO_REST

    def __post_init__(self) -> None:
        pass


class LeanUserInfo(GrUserInfo, frozen=True, kw_only=True, gc=False):
    rest: UnsetType = _NO_REST


class LeanCompletion(GrCompletion, frozen=True, kw_only=True, gc=False):
    rest: UnsetType = _NO_REST


class LeanEvent(GrEvent, frozen=True, kw_only=True, gc=False):
    """Its time may be none."""

    rest: UnsetType = _NO_REST
    if not TYPE_CHECKING:
        eventType: Annotated[str, Meta(min_length=1)]  # noqa: N815
        visitorId: Annotated[str, Meta(min_length=1)]  # noqa: N815
        productDetails: list[LeanDetail] = ABSENT  # noqa: N815
        completionDetail: LeanCompletion = ABSENT  # noqa: N815
        purchaseTransaction: LeanPurchase = ABSENT  # noqa: N815
        userInfo: LeanUserInfo = ABSENT  # noqa: N815

    def __post_init__(self) -> None:
        pass
