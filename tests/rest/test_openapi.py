"""The description of the API is complete, says what is so, and can be read."""

import ast
import inspect
import textwrap
from html.parser import HTMLParser

import pytest

from oneapi_app.accounts import api as accounts
from oneapi_app.rest.description import PUBLIC, describes, description_of
from oneapi_app.rest.openapi import described_routes

MISSING = "goes between the router's decorator and the function, see oneapi_app/rest/description.py"


async def test_every_route_says_what_it_takes_and_gives(site):
    document = (await site.client("").get("/api/openapi.json")).json()
    routes = list(described_routes(site.api))
    assert len(routes) > 50
    for method, path, endpoint in routes:
        assert description_of(endpoint) is not None, f"{method} {path}: @describes(…) {MISSING}"
        operation = document["paths"][path][method.lower()]
        assert operation["summary"] and operation["tags"] and operation["operationId"]
        declared = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert {name.strip("{}") for name in path.split("/") if name.startswith("{")} <= declared
        for parameter in operation.get("parameters", ()):
            assert parameter["schema"], f"{method} {path}: {parameter['name']} has no type"
        (content,) = operation["responses"]["200"]["content"].values()
        assert content["schema"], f"{method} {path} does not say what it answers"
        assert {"404", "429"} <= operation["responses"].keys()
        assert ("401" in operation["responses"]) == bool(operation["security"])


async def test_the_body_described_is_the_body_that_is_read(site):
    for method, path, endpoint in described_routes(site.api):
        described = description_of(endpoint).body
        read = bodies_read_by(endpoint)
        assert read <= {described}, f"{method} {path} reads {read}, @describes says {described}"
        if described is not None:
            assert read == {described}, f"{method} {path}: its body is described but not read"


def bodies_read_by(endpoint):
    """The structs a handler decodes bodies into: ``read_json(request, KIND)``, ``decode(…, type=KIND)``."""
    found = set()
    for call in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(endpoint)))):
        if isinstance(call, ast.Call):
            name = ast.unparse(call.func)
            if name == "read_json":
                found.add(ast.unparse(call.args[1]))
            elif name == "msgspec.json.decode":
                found |= {ast.unparse(given.value) for given in call.keywords if given.arg == "type"}
    return {endpoint.__globals__[name] for name in found}


def test_a_body_that_is_not_the_one_described_is_noticed():
    assert bodies_read_by(accounts.login) == {accounts.Credentials}


async def test_every_reference_leads_somewhere(site):
    document = (await site.client("").get("/api/openapi.json")).json()

    def follow(node):
        if isinstance(node, dict):
            if isinstance(reference := node.get("$ref"), str):
                found = document
                for step in reference.removeprefix("#/").split("/"):
                    found = found[step]
            for inner in node.values():
                follow(inner)
        elif isinstance(node, list):
            for inner in node:
                follow(inner)

    follow(document)


async def test_every_path_of_the_api_is_in_it(site):
    """Nothing answers beside what is described."""
    document = (await site.client("").get("/api/openapi.json")).json()
    hidden = {"/api/docs", "/api/openapi.json"}
    for path in ("/docs", "/redoc", "/openapi.json", "/api/redoc", "/docs/oauth2-redirect"):
        assert (await site.client("").get(path)).status_code == 404
    assert not hidden & document["paths"].keys()


async def test_an_undescribed_route_is_refused(site):
    async def forgotten():
        return None

    app = site.api
    app.openapi_schema = None
    app.add_api_route("/api/forgotten", forgotten, methods=["GET"])
    with pytest.raises(LookupError, match="GET /api/forgotten"):
        app.openapi()


def test_describing_leaves_the_function_as_it_is():
    def endpoint():
        return 7

    assert describes("Seven", role=PUBLIC)(endpoint) is endpoint
    assert description_of(endpoint).summary == "Seven"


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.addresses = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href") and value]


async def test_the_page_shows_every_route_and_fetches_nothing(site):
    answer = await site.client("").get("/api/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = _Page()
    page.feed(answer.text)
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert all(address.startswith(("#", "/api/")) for address in page.addresses)
    for _method, path, _endpoint in described_routes(site.api):
        assert f"<code>{path}</code>" in answer.text


async def test_names_in_the_document_are_text_in_the_page():
    from oneapi_app.rest.docs_page import render

    schema = {"type": "object", "properties": {"<i>": {"type": "<b>"}}, "required": []}
    operation = {
        "summary": "<script>",
        "description": "a `<u>` b",
        "tags": ["<s>"],
        "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/X"}}}},
        "responses": {"200": {"content": {"a": {"schema": {"anyOf": [schema]}}}}},
    }
    page = render(
        {
            "info": {"title": "<t>", "description": "&"},
            "paths": {"/<p>": {"post": operation}},
            "components": {"schemas": {"X": schema}},
        }
    )
    assert not any(f"<{name}>" in page for name in ("i>", "script", "u", "s", "t", "b>"))
