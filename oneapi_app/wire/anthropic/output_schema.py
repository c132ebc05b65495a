"""The part of JSON schema that structured outputs accept.

What they do not accept goes into the description, as Anthropic's own libraries do, so the model may still follow it.
https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
"""

from typing import Any, cast

import msgspec

from oneapi_app.errors import ConversionError

Json = dict[str, Any]
_KEPT = ("type", "enum", "const", "title", "description", "$ref", "default")
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
_GROUPS = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}
_DEFINITIONS = ("$defs", "definitions", "properties")


def accepted_schema(schema: Json) -> Json:
    """A copy; objects are closed, since open ones are refused. Raises ConversionError."""
    try:
        return _trimmed(schema)
    except RecursionError:
        raise ConversionError("json_schema: nested too deeply") from None


def _trimmed(schema: Json) -> Json:
    kept: Json = {}
    rest: Json = {}
    for key, value in schema.items():
        if key in _KEPT or (key == "format" and value in _FORMATS) or (key == "minItems" and value in (0, 1)):
            kept[key] = value
        elif key in _GROUPS and isinstance(value, list):
            kept[_GROUPS[key]] = [_accepted(variant) for variant in cast("list[Any]", value)]
        elif key in _DEFINITIONS and isinstance(value, dict):
            kept[key] = {name: _accepted(part) for name, part in cast("Json", value).items()}
        elif key == "items":
            kept[key] = _accepted(value)
        elif key == "required":
            kept[key] = value
        elif key not in ("additionalProperties", "$schema", "$id"):
            rest[key] = value
    if kept.get("type") == "object" or "properties" in kept:
        kept["additionalProperties"] = False
    if rest:
        note = ", ".join(f"{key}: {msgspec.json.encode(value).decode()}" for key, value in rest.items())
        said = kept.get("description")
        kept["description"] = f"{said}\n\n{{{note}}}" if said else f"{{{note}}}"
    return kept


def _accepted(schema: Any) -> Any:
    return _trimmed(cast("Json", schema)) if isinstance(schema, dict) else schema
