"""The JSON Schema of a whole config, plugins included, from the structs that check it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from wye.config.model import RootOptions, SinkOptions, SourceOptions, TransformOptions
from wye.plugin import AdapterPart, SinkPart, SourcePart, TransformPart
from wye.registry import Kind, Registry

Schema = dict[str, Any]

_COMMON: dict[Kind, type[Struct]] = {"source": SourceOptions, "sink": SinkOptions, "transform": TransformOptions}


def config_schema(registry: Registry) -> Schema:
    """JSON Schema (2020-12) of a config file, for this set of plugins."""
    return _Schemas(registry).document()


class _Schemas:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._definitions: dict[str, Schema] = {}

    def document(self) -> Schema:
        root = self._object(RootOptions)
        for kind in ("source", "transform", "sink"):
            variants = [self._variant(kind, part) for part in self._parts(kind)]
            root["properties"][f"{kind}s"] = {"type": "object", "additionalProperties": {"oneOf": variants}}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "wye",
            "description": "A wye config file. ${VAR}, ${VAR:-default} and ${file:/path} may stand in any string.",
            **root,
            "required": ["sources", "sinks"],
            "$defs": dict(sorted(self._definitions.items())),
        }

    def _parts(self, kind: Kind) -> Sequence[Any]:
        return [offer.part for offer in self._registry.offers if offer.kind == kind]

    def _variant(self, kind: Kind, part: SourcePart | SinkPart | TransformPart) -> Schema:
        common, own = self._object(_COMMON[kind]), self._object(part.config)
        properties = {**common["properties"], **own["properties"], "type": {"const": part.name}}
        side = "source" if kind == "source" else "sink"
        if "adapter" in properties:
            properties["adapter"] = self._adapter(side, properties["adapter"])
        if "adapters" in properties:
            one = self._adapter(side, properties["adapters"])
            one.pop("description", None)
            properties["adapters"] = {**_described(properties["adapters"]), "type": "array", "items": one}
            if isinstance(part, SourcePart) and part.adapters == "one":
                del properties["adapters"]
        required = sorted({*common.get("required", ()), *own.get("required", ())})
        return {
            "title": f"{part.name} {kind}",
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }

    def _adapter(self, side: str, schema: Schema) -> Schema:
        """An adapter's name, or a table with its type and options."""
        choices: list[Schema] = []
        names: list[str] = []
        for part in self._parts("adapter"):
            assert isinstance(part, AdapterPart)
            role = part.source if side == "source" else part.sink
            if role is None:
                continue
            names.append(part.name)
            own = self._object(role.config)
            choices.append(
                {
                    "title": f"{part.name} adapter",
                    "type": "object",
                    "properties": {"type": {"const": part.name}, **own["properties"]},
                    "required": ["type", *own.get("required", ())],
                    "additionalProperties": False,
                }
            )
        return {**_described(schema), "anyOf": [{"enum": names}, *choices]}

    def _object(self, struct: type[Struct]) -> Schema:
        """A struct's own object schema; the structs in it become definitions."""
        (reference,), components = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
        mine = str(reference["$ref"]).rpartition("/")[2]
        own = components.pop(mine)
        for name, schema in components.items():
            if self._definitions.setdefault(name, schema) != schema:
                raise ValueError(f"two option structs are called {name}; rename one")
        return own


def _described(schema: Schema) -> Schema:
    return {"description": schema["description"]} if "description" in schema else {}
