"""Adapters on the command line: a name, or an inline table as in a config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wye.errors import Problem

if TYPE_CHECKING:
    from wye.config.secrets import Secrets
    from wye.registry import Registry

ADAPTER_HELP = 'an adapter\'s name, or its inline table as in a config: \'{ type = "clickstream", app_id = "shop" }\''


def adapter_of(registry: Registry, side: Any, option: str, text: str, secrets: Secrets, problems: list[Problem]) -> Any:
    """The ``Inbound`` or ``Outbound`` that the text of a command-line ``option`` asks for, a name or an inline table; ``None``
    when ``problems`` got what is wrong with it."""
    from wye.config.adapters import build_adapter

    reference: Any = text
    if text.lstrip().startswith("{"):
        reference = inline_table(option, text, problems)
        if reference is None:
            return None
    return build_adapter(
        registry,
        side,
        reference,
        (),
        lambda path, message: problems.append(Problem(option, 0, "", ".".join(map(str, path)), secrets.redact(message))),
        secrets,
    )


def inline_table(option: str, text: str, problems: list[Problem]) -> dict[str, Any] | None:
    """The inline table that the text of a command-line ``option`` is; ``None`` when ``problems`` got what is wrong with it."""
    import tomli

    from wye.config.files import parsed

    try:
        table: Any = parsed(f"it = {text}")["it"]
    except (tomli.TOMLDecodeError, RecursionError) as error:
        reason = error.msg if isinstance(error, tomli.TOMLDecodeError) else "nested too deeply"
    else:
        if isinstance(table, dict):
            return table  # type: ignore[return-value]  whatever it holds
        reason = "its braces are missing"
    problems.append(Problem(option, 0, "", "", f"not a TOML inline table: {reason}"))
    return None
