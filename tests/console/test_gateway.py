"""Which front answers which path, whose websocket is let in, and how long pages may be cached."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from oneapi_app.errors import SettingsError
from oneapi_app.gateway import Gateway, is_same_origin
from oneapi_app.settings import load_settings


def answering(name: str) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                kind = (await receive())["type"]
                await send({"type": f"{kind}.complete", "by": name})
                if kind == "lifespan.shutdown":
                    return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-front", name.encode())]})
        await send({"type": "http.response.body", "body": b""})

    return app


def gateway(**changes: Any) -> Gateway:
    fronts = {name: answering(name) for name in ("relay", "rest", "console")}
    return Gateway(**{**fronts, **changes})


async def ask(app: Any, path: str, **scope: Any) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app({"type": "http", "path": path, "headers": [], **scope}, receive, send)
    return sent


@pytest.mark.parametrize(
    ("path", "front"),
    [
        ("/v1/chat/completions", b"relay"),
        ("/v1/models", b"relay"),
        ("/v1", b"relay"),
        ("/dashboard/billing/usage", b"relay"),
        ("/api/status", b"rest"),
        ("/api", b"rest"),
        ("/dashboard", b"console"),
        ("/", b"console"),
        ("/v1x", b"console"),
        ("/apidocs", b"console"),
        ("/_event/", b"console"),
    ],
)
async def test_paths(path: str, front: bytes):
    assert (b"x-front", front) in (await ask(gateway(), path))[0]["headers"]


async def test_assets_are_cached_for_good_and_pages_never():
    assert b"immutable" in dict((await ask(gateway(), "/assets/a-1.js"))[0]["headers"])[b"cache-control"]
    assert dict((await ask(gateway(), "/token"))[0]["headers"])[b"cache-control"] == b"no-cache"


async def test_pages_keep_browsers_to_themselves():
    """Who may frame them is the operator's to say; no object, no foreign base, no guessed content type."""
    for path in ("/", "/login", "/assets/a-1.js", "/nothing"):
        headers = dict((await ask(gateway(frame_ancestors="'none'"), path))[0]["headers"])
        policy = headers[b"content-security-policy"].decode()
        assert policy == "object-src 'none'; base-uri 'self'; frame-ancestors 'none'"
        assert headers[b"x-content-type-options"] == b"nosniff"
        assert headers[b"referrer-policy"] == b"same-origin"


@pytest.mark.parametrize(
    "value", ["'self'; script-src *", "https://a\r\nX-Evil:1", "javascript:x", "*", "selfish", "https://a;b"]
)
def test_who_may_frame_pages_is_checked(value: str):
    with pytest.raises(SettingsError, match="FRAME_ANCESTORS"):
        load_settings({"FRAME_ANCESTORS": value}, dotenv=None)


def test_spaces_may_frame_pages_unless_told_otherwise():
    assert load_settings({}, dotenv=None).frame_ancestors == "'self' https://huggingface.co"
    given = load_settings({"FRAME_ANCESTORS": "'self'  https://*.example.com:8443"}, dotenv=None)
    assert given.frame_ancestors == "'self' https://*.example.com:8443"
    # As a shell or a .env file hands them over.
    for written in ("none", "'none'"):
        assert load_settings({"FRAME_ANCESTORS": written}, dotenv=None).frame_ancestors == "'none'"


@pytest.mark.parametrize(
    "path",
    [
        b"//evil.example/",
        b"/\\evil.example",
        b"/%0d%0aSet-Cookie:%20a=b",
        b"@evil.example",
        b"/..//evil.example",
    ],
)
async def test_pages_elsewhere_are_where_the_operator_said(path: bytes):
    """FRONTEND_BASE_URL: no path leads to another host or writes a header."""
    there = gateway(console=None, elsewhere="https://console.example")
    (start, _) = await ask(there, "/x", raw_path=path, query_string=b"next=//evil.example")
    location = dict(start["headers"])[b"location"].decode()
    assert urlsplit(location).netloc == "console.example"
    assert "\r" not in location and "\n" not in location


async def test_pages_have_a_request_id_too():
    ids = {dict((await ask(gateway(), "/token"))[0]["headers"])[b"x-oneapi-request-id"] for _ in range(3)}
    assert len(ids) == 3


async def test_the_relay_and_the_api_get_no_extra_headers():
    assert len((await ask(gateway(), "/api/status"))[0]["headers"]) == 1
    assert len((await ask(gateway(), "/v1/models"))[0]["headers"]) == 1


async def test_without_the_console_pages_are_missing():
    sent = await ask(gateway(console=None), "/token")
    assert sent[0]["status"] == 404


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({}, True),
        ({"origin": "http://a:3000", "host": "a:3000"}, True),
        ({"origin": "https://a", "host": "a"}, True),
        ({"origin": "https://a", "host": "a:443"}, True),
        ({"origin": "https://A.example", "host": "a.example"}, True),
        ({"origin": "https://a", "host": "inner:3000", "x-forwarded-host": "a"}, True),
        ({"origin": "https://a", "host": "inner:3000", "sec-fetch-site": "same-origin"}, True),
        ({"origin": "https://a:8443", "host": "a"}, True),
        ({"origin": "http://[::1]:3000", "host": "[::1]:3000"}, True),
        ({"origin": "https://a.evil", "host": "a"}, False),
        ({"origin": "https://a", "host": ""}, False),
        ({"origin": "https://evil", "host": "a"}, False),
        ({"origin": "null", "host": "a"}, False),
        ({"origin": "https://a", "host": "a", "sec-fetch-site": "cross-site"}, False),
    ],
)
def test_origins(headers: dict[str, str], same: bool):
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert is_same_origin({"headers": raw}) is same


async def test_a_foreign_pages_websocket_is_closed():
    headers = [(b"origin", b"https://evil"), (b"host", b"a")]
    sent = await ask(gateway(), "/_event/", type="websocket", headers=headers)
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize("with_console", [True, False])
async def test_our_lifespan_surrounds_the_consoles(with_console: bool):
    order: list[str] = []

    @asynccontextmanager
    async def lifespan():
        order.append("open")
        yield
        order.append("closed")

    app = gateway(lifespan=lifespan, **({} if with_console else {"console": None}))
    asked: asyncio.Queue[dict[str, str]] = asyncio.Queue()

    async def send(message: dict[str, str]) -> None:
        order.append(message["type"])

    for kind in ("startup", "shutdown"):
        asked.put_nowait({"type": f"lifespan.{kind}"})
    await app({"type": "lifespan"}, asked.get, send)
    assert order == ["open", "lifespan.startup.complete", "closed", "lifespan.shutdown.complete"]
