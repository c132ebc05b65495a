"""The management API as OpenAPI: FastAPI's parameters, the bodies and answers ``rest.description`` holds.

Bodies and data are msgspec structs, so their schemas come from the very types that decode and encode them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from oneapi_app.actor import ADMIN, COMMON, ROOT
from oneapi_app.rest.description import NOTHING, PUBLIC, Description, description_of

ROLES = {PUBLIC: "anybody", COMMON: "users", ADMIN: "admins", ROOT: "root"}
_REF = "#/components/schemas/{name}"
_ABOUT = """\
Every answer is an envelope, `{"success": true, "message": "", "data": …}`; refusals have `success: false` and the
reason in `message`, with HTTP status 200 but for those listed. Sign in for a session cookie, or send your access token as
`Authorization`. Paths may end with a slash or not. Unknown fields of a body are ignored."""
_SECURITY_SCHEMES = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "Set by `POST /api/user/login`; for browsers.",
    },
    "accessToken": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "The user's access token, with or without `Bearer `; for programs.",
    },
}
_FAILURE = {
    "type": "object",
    "description": "A refusal.",
    "properties": {
        "success": {"const": False},
        "message": {"type": "string"},
        "message_en": {"type": "string", "description": "In English, with `Accept-Language: en`."},
    },
    "required": ["success", "message"],
}
_UNMATCHED = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("message", "type", "param", "code")},
            "required": ["message", "type"],
        }
    },
    "required": ["error"],
}
_ID_HEADER = {"X-Oneapi-Request-Id": {"schema": {"type": "string"}}}


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": description,
        "headers": _ID_HEADER,
        "content": {"application/json; charset=utf-8": {"schema": schema}},
    }


_FAILED = {"$ref": "#/components/schemas/Failure"}
_RESPONSES: dict[str, Any] = {
    "Unauthenticated": _json("Neither a session nor an access token.", _FAILED),
    "CrossSite": _json("A browser sent it from another site.", _FAILED),
    "NotFound": _json("No such path.", {"$ref": "#/components/schemas/Unmatched"}),
    "TooMany": {
        "description": "Too many requests from this address; the body is empty.",
        "headers": {**_ID_HEADER, "Retry-After": {"schema": {"type": "integer"}}},
    },
}


def described_routes(app: FastAPI) -> Iterator[tuple[str, str, Any]]:
    """(method, path, endpoint) of every route that is part of the API."""
    for route in iter_route_contexts(app.routes):
        if getattr(route, "include_in_schema", False) and route.path and route.methods:
            for method in sorted(route.methods - {"HEAD"}):
                yield method, route.path, route.endpoint


def describe_api(app: FastAPI) -> dict[str, Any]:
    """The whole document. Raises LookupError for a route nobody described."""
    document = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
    operations: list[tuple[str, dict[str, Any], Description]] = []
    for method, path, endpoint in described_routes(app):
        found = description_of(endpoint)
        if found is None:
            raise LookupError(f"{method} {path} lacks @describes")
        operation = document["paths"][path][method.lower()]
        operation["summary"] = found.summary
        operation["tags"] = [endpoint.__module__.split(".")[-2]]
        operations.append((method, operation, found))
    schemas, components = _schemas([found for *_, found in operations])
    for method, operation, found in operations:
        _complete(method, operation, found, schemas)
    document["components"] = {
        "schemas": {**components, "Failure": _FAILURE, "Unmatched": _UNMATCHED},
        "responses": _RESPONSES,
        "securitySchemes": _SECURITY_SCHEMES,
    }
    return document


class _Schemas:
    """The schema of each type the descriptions mention."""

    def __init__(self, types: list[Any], schemas: Sequence[dict[str, Any]]) -> None:
        self._found = {str(kind): schema for kind, schema in zip(types, schemas, strict=True)}

    def of(self, kind: Any) -> dict[str, Any]:
        return self._found[str(kind)]


def _schemas(described: list[Description]) -> tuple[_Schemas, dict[str, Any]]:
    types: list[Any] = []
    for found in described:
        types += [found.body] if found.body is not None else []
        types += [found.answer] if found.answer is not None else []
        types += [found.data] if found.data is not NOTHING else []
        types += found.more.values()
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    return _Schemas(types, schemas), components


def _complete(method: str, operation: dict[str, Any], found: Description, schemas: _Schemas) -> None:
    said = operation.get("description", "")
    operation["description"] = f"{said}\n\nFor {ROLES[found.role]}.".strip()
    operation["security"] = [] if found.role == PUBLIC else [{"session": []}, {"accessToken": []}]
    if found.body is not None:
        content = {"application/json": {"schema": schemas.of(found.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    responses = {"200": _json("Done, or refused in words.", _answer(found, schemas))}
    if found.role != PUBLIC:
        responses["401"] = {"$ref": "#/components/responses/Unauthenticated"}
    if method != "GET":
        responses["403"] = {"$ref": "#/components/responses/CrossSite"}
    responses["404"] = {"$ref": "#/components/responses/NotFound"}
    responses["429"] = {"$ref": "#/components/responses/TooMany"}
    for status, why in found.statuses.items():
        responses[str(status)] = _json(why, _FAILED)
    operation["responses"] = responses


def _answer(found: Description, schemas: _Schemas) -> dict[str, Any]:
    if found.answer is not None:
        return {"anyOf": [schemas.of(found.answer), _FAILED]}
    fields: dict[str, Any] = {"success": {"const": True}, "message": {"type": "string"}}
    if found.data is not NOTHING:
        fields["data"] = schemas.of(found.data)
    fields |= {name: schemas.of(kind) for name, kind in found.more.items()}
    return {"anyOf": [{"type": "object", "properties": fields, "required": list(fields)}, _FAILED]}
