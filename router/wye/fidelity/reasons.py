"""Why a leaf fares as it does: the vendor's rule, as its adapter says it, or what the measurement itself shows."""

from __future__ import annotations

from fnmatch import fnmatchcase

from msgspec import Struct

from wye.fidelity.compare import Kind
from wye.fidelity.leaves import Leaf
from wye.fidelity.measure import Format
from wye.plugin import Rule


class Reason(Struct, frozen=True):
    """One sentence, and whose word it is: ``proto``, ``schema``, …; empty where it is only what was seen."""

    text: str
    source: str = ""


_SEEN: dict[Kind, str] = {
    "kept": "",
    "coerced": "it comes back changed",
    "ambiguous": "what comes back could have been said so itself",
    "invented": "wye makes it, since the format has it in every event",
    "default": "the operator's default",
}


def reason_of(leaf: Leaf, kind: Kind, event_type: str, source: str, target: Format) -> Reason:
    """The first of the target's rules that speaks of this; otherwise what was seen."""
    if kind == "lost" and leaf.startswith(("extra.", "items.extra.")):
        return Reason(f"a spelling or a member that only {source} has")
    rule = rule_of(leaf, kind, event_type, target)
    if rule is not None:
        return Reason(rule.text, rule.source)
    return Reason(f"{target.name} has no place for it" if kind == "lost" else _SEEN[kind])


def rule_of(leaf: Leaf, kind: Kind, event_type: str, target: Format) -> Rule | None:
    """The first rule of the target's that explains this fate of a leaf; none does for what is kept, or the operator's word."""
    if kind in ("kept", "default"):
        return None
    return next((rule for rule in target.outbound.rules if _speaks_of(rule, leaf, kind, event_type)), None)


def _speaks_of(rule: Rule, leaf: Leaf, kind: Kind, event_type: str) -> bool:
    return (
        (not rule.kinds or kind in rule.kinds)
        and (not rule.types or event_type in rule.types)
        and any(fnmatchcase(leaf, pattern) for pattern in rule.leaves)
    )
