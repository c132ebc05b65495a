"""``/api/docs``: the API's description as one page, made here from the OpenAPI document; no script, nothing fetched."""

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Request, Response

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --ink: #57606a; }
@media (prefers-color-scheme: dark) { :root { --ink: #9aa4af; } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1rem 6rem; font: 16px/1.55 system-ui, sans-serif }
h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; text-transform: capitalize }
h3 { font-size: .8rem; margin: 1.1rem 0 .3rem; color: var(--ink); font-weight: 600 }
p { margin: .4rem 0 } a { color: inherit }
code { font: .875em/1.4 ui-monospace, monospace }
nav { display: flex; flex-wrap: wrap; gap: .4rem 1rem; margin: 1rem 0; text-transform: capitalize }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .4rem 0 }
summary { display: flex; flex-wrap: wrap; gap: .2rem .75rem; padding: .55rem .8rem; cursor: pointer; align-items: baseline }
summary:focus-visible { outline: 2px solid; outline-offset: 2px; border-radius: .5rem }
summary b { font: 600 .75rem ui-monospace, monospace; width: 3.6rem }
summary span { color: var(--ink); margin-left: auto; font-size: .9rem }
@media (max-width: 40rem) { summary span { margin-left: 0; flex-basis: 100% } }
details > div { padding: 0 .8rem .9rem }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-top: 1px solid var(--line); vertical-align: top }
th { color: var(--ink); font-weight: 600; border: 0 }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_METHODS = ("get", "post", "put", "delete")

router = APIRouter(prefix="/api", include_in_schema=False)


@router.get("/docs")
async def docs(request: Request) -> Response:
    page = render(request.app.openapi())
    return Response(page, media_type="text/html", headers={"content-security-policy": _POLICY})


def render(document: dict[str, Any]) -> str:
    """The page. ``document`` is what ``rest.openapi`` makes."""
    operations = sorted(_operations(document), key=lambda found: found[0])
    areas = [(area, list(found)) for area, found in groupby(operations, key=lambda found: found[0])]
    links = "".join(f'<a href="#{escape(area)}">{_words(area)}</a>' for area, _ in areas)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'>",
        f"<title>{escape(document['info']['title'])}</title><style>{_STYLE}</style>",
        f"<h1>{escape(document['info']['title'])}</h1>",
        f"<p>{_prose(document['info']['description'])}</p>",
        "<p>For programs: <a href=/api/openapi.json>OpenAPI</a>.</p>",
        f"<nav>{links}</nav>",
    ]
    for area, found in areas:
        parts.append(f"<h2 id={escape(area)}>{_words(area)}</h2>")
        parts += [_operation(method, path, operation, document) for _, method, path, operation in found]
    return "".join(parts)


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield methods[method]["tags"][0], method, path, methods[method]


def _operation(method: str, path: str, operation: dict[str, Any], document: dict[str, Any]) -> str:
    parts = [
        f"<details><summary><b>{method.upper()}</b><code>{escape(path)}</code>",
        f"<span>{_prose(operation['summary'])}</span></summary><div>",
        *(f"<p>{_prose(text)}</p>" for text in operation["description"].split("\n\n")),
    ]
    if parameters := operation.get("parameters"):
        rows = [(p["name"], p["in"], _kind(p["schema"]), p.get("description", "")) for p in parameters]
        parts.append(_table("Parameters", ("Name", "In", "Type", "Meaning"), rows))
    if body := operation.get("requestBody"):
        schema = body["content"]["application/json"]["schema"]
        parts.append(_fields("Body", schema, document))
    parts.append(_answer(operation["responses"], document))
    others = [status for status in operation["responses"] if status != "200"]
    parts.append(f"<p>Also {', '.join(others)}.</p></div></details>")
    return "".join(parts)


def _answer(responses: dict[str, Any], document: dict[str, Any]) -> str:
    (content,) = responses["200"]["content"].values()
    good = _resolve(content["schema"]["anyOf"][0], document)
    fields = {
        name: schema for name, schema in good["properties"].items() if name not in ("success", "message")
    }
    if not fields:
        return "<h3>Answer</h3><p>No data.</p>"
    parts: list[str] = []
    for name, schema in fields.items():
        parts.append(f"<h3>Answer: <code>{escape(name)}</code>, {escape(_kind(schema))}</h3>")
        if _struct_in(schema, document):
            parts.append(_fields("", schema, document))
    return "".join(parts)


def _fields(heading: str, schema: dict[str, Any], document: dict[str, Any]) -> str:
    struct = _struct_in(schema, document) or {}
    needed = struct.get("required", ())
    rows = [
        (name, _kind(kind), "required" if heading and name in needed else "")
        for name, kind in struct.get("properties", {}).items()
    ]
    return _table(heading, ("Name", "Type", ""), rows)


def _struct_in(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any] | None:
    """The struct a schema is, or is a list of."""
    for candidate in (schema, *schema.get("anyOf", ()), schema.get("items", {})):
        for inner in (candidate, candidate.get("items", {})):
            if "$ref" in inner:
                return _resolve(inner, document)
    return None


def _resolve(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]


def _kind(schema: dict[str, Any]) -> str:
    """A type in words."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_kind(part) for part in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if schema.get("type") == "object" and "additionalProperties" in schema:
        return f"object of {_kind(schema['additionalProperties'])}"
    return str(schema.get("type", "any"))


def _table(heading: str, names: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{name}" for name in names)
    body = "".join(
        f"<tr><td><code>{escape(first)}</code>" + "".join(f"<td>{_prose(cell)}" for cell in rest)
        for first, *rest in rows
    )
    title = f"<h3>{heading}</h3>" if heading else ""
    return f"{title}<div class=wide><table><tr>{head}{body}</table></div>"


def _words(area: str) -> str:
    return escape(area.replace("_", " "))


def _prose(text: str) -> str:
    """Text with `code` in it."""
    pieces = text.replace("``", "`").split("`")
    return "".join(
        f"<code>{escape(piece)}</code>" if index % 2 else escape(piece) for index, piece in enumerate(pieces)
    )
