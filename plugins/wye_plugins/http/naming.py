"""What to call an adapter in an error: it has no name of its own once it is built."""

from __future__ import annotations


def adapter_name(coder: object) -> str:
    """The package and class of an adapter's decoder or encoder, such as ``clickstream (Decoder)``."""
    kind = coder.__class__
    package = kind.__module__.rpartition(".")[0] or kind.__module__
    return f"{package.rpartition('.')[2]} ({kind.__name__})"
