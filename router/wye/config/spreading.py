"""What several worker processes cannot have, as far as the sinks do not say it themselves."""

from __future__ import annotations

from wye.config.files import Document
from wye.config.interpolate import is_resolved
from wye.config.model import Config


def check(config: Config, document: Document) -> None:
    """Report what does not go together with ``workers > 1``."""
    spread = [one.name for one in config.sources if one.spreads]
    if config.sources and not spread and document.complete and not document.broken and not document.problems():
        document.report(
            ("workers",),
            "there is nothing to share: no source listens, and the others run in one process only; leave workers out",
        )
    for name in spread:
        address = document.sources[name].get("address")
        if isinstance(address, str) and is_resolved(address) and address.endswith(":0"):
            document.report(
                ("sources", name, "address"),
                "port 0 gives every worker a port of its own; name one they can share, or leave workers out",
            )
