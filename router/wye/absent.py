"""Members that a document may lack, for the structs of ``wire``: ``name: Maybe[str] = ABSENT``.

One that is missing reads as ``None``, and ``None`` is never written. A ``null`` on the wire is something else: at run time the
types refuse it, so that it goes to ``rest`` and comes back as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

from msgspec import Meta

T = TypeVar("T")

if TYPE_CHECKING:
    Maybe: TypeAlias = T | None
else:

    class Maybe:
        """``Maybe[T]`` is ``T`` to whoever reads documents."""

        def __class_getitem__(cls, kind: Any) -> Any:
            return kind


ABSENT: Any = None

Int64: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Int32: TypeAlias = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
