"""The front door on the one port: which of the three fronts answers a request, decided by its path alone.

The relay's paths and ``/api`` go to their own ASGI apps, untouched by Reflex and its middleware; the rest is the
console: pages, their assets, the page's websocket. Without the console the rest is a 404, or somewhere else's.
"""

import contextlib
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlsplit

from oneapi_app.errors import SettingsError
from oneapi_app.frontend_build import PROJECT, WEB
from oneapi_app.kit.ids import request_id as new_request_id
from oneapi_app.kit.request_uri import request_uri
from oneapi_app.limits.limits import retry_after

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Lifespan = Callable[[], AbstractAsyncContextManager[Any]]
PageLimit = Callable[[Scope], Awaitable[float | None]]

RELAY_PATHS = ("/v1/", "/v1beta/", "/dashboard/billing/")
API_PATHS = ("/api/",)
ASSETS = "/assets/"
UNCOUNTED = (ASSETS, "/logo.svg")

_HASHED_ASSET = (b"cache-control", b"public, max-age=31536000, immutable")
_REVALIDATED = (b"cache-control", b"no-cache")
_PAGE_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"))
_POLICY = "object-src 'none'; base-uri 'self'; frame-ancestors {}"
"""Scripts are not restricted: the pages' own stand in the page, and what operators write is theirs to answer for."""


class Gateway:
    """The ASGI app the server runs.

    ``lifespan`` is entered before the first request and left after the last; the console's own lifespan runs
    inside it. ``console`` None: no pages; they are at ``elsewhere``, where that is given. ``page_limit`` counts a
    request and says how many seconds it comes too early; it is not asked about assets and the page's websocket, which
    come in bursts and are cheap. ``frame_ancestors``: who may show pages in a frame, as in Content-Security-Policy.
    """

    def __init__(
        self,
        *,
        relay: App,
        rest: App,
        console: App | None,
        lifespan: Lifespan | None = None,
        page_limit: PageLimit | None = None,
        elsewhere: str = "",
        frame_ancestors: str = "'self'",
    ) -> None:
        self._relay = relay
        self._rest = rest
        self._console = console or (_redirect_to(elsewhere) if elsewhere else _nothing_here)
        self._has_console = console is not None
        self._lifespan = lifespan
        self._page_limit = page_limit
        policy = (b"content-security-policy", _POLICY.format(frame_ancestors).encode())
        self._page_headers = (*_PAGE_HEADERS, policy)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Hands a call on to the relay without a coroutine in between: it is one step less on the hottest path."""
        if scope["type"] == "lifespan":
            return self._live(scope, receive, send)
        path: str = scope["path"]
        if path.startswith(RELAY_PATHS) or f"{path}/" in RELAY_PATHS:
            return self._relay(scope, receive, send)
        return self._dispatch(scope, receive, send)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if _is_under(path, API_PATHS):
            await self._rest(scope, receive, send)
        elif scope["type"] == "websocket" and not is_same_origin(scope):
            logger.warning(
                "refused a page's websocket from %s: its Host is %s; a proxy in front must pass Host on",
                _header(scope, b"origin"),
                _header(scope, b"host"),
            )
            await _close(receive, send)
        elif (wait_s := await self._page_wait_s(scope)) is not None:
            await send({"type": "http.response.start", "status": 429, "headers": [retry_after(wait_s)]})
            await send({"type": "http.response.body", "body": b""})
        else:
            tag = (b"x-oneapi-request-id", new_request_id().encode())
            await self._console(scope, receive, _with_headers(path, (*self._page_headers, tag), send))

    async def _page_wait_s(self, scope: Scope) -> float | None:
        if self._page_limit is None or scope["type"] != "http" or scope["path"].startswith(UNCOUNTED):
            return None
        return await self._page_limit(scope)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._lifespan is None:
            await self._live_console(scope, receive, send)
            return
        last: list[Message] = []

        async def send_but_last(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                last.append(message)
            else:
                await send(message)

        try:
            async with self._lifespan():
                await self._live_console(scope, receive, send_but_last)
        except SettingsError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
        # Only now: the server ends the process as soon as it hears this.
        for message in last:
            await send(message)

    async def _live_console(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._has_console:
            await self._console(scope, receive, send)
            return
        while True:
            happening = (await receive())["type"]
            await send({"type": f"{happening}.complete"})
            if happening == "lifespan.shutdown":
                return


def console_asgi() -> App:
    """Reflex's ASGI app over the built frontend: pages, assets, websocket. Imports Reflex (a second or so).

    For start-up, while nothing else runs: Reflex reads rxconfig.py from the working directory only, which is
    where the operator's data is, so the directory is another one until this returns.
    """
    from reflex_base.environment import environment

    environment.REFLEX_WEB_WORKDIR.set(WEB)
    environment.REFLEX_MOUNT_FRONTEND_COMPILED_APP.set(True)
    environment.REFLEX_SKIP_COMPILE.set(True)
    with contextlib.chdir(PROJECT):
        from oneapi_app.oneapi_app import app

        return app()


def is_same_origin(scope: Scope) -> bool:
    """Whether a browser's socket comes from a page of this very site, so that its cookie may count.

    Browsers may say so themselves; otherwise the host names of Origin and of what was asked for are compared.
    Not the scheme: behind a TLS proxy the page is https and the socket arrives as plain http. Not the port:
    proxies often leave it out, and cookies know no ports anyway. Clients that are no browsers send no Origin
    and have no cookies to abuse.
    """
    if fetched_from := _header(scope, b"sec-fetch-site"):
        return fetched_from == "same-origin"
    if not (origin := _header(scope, b"origin")):
        return True
    asked = {urlsplit(f"//{_header(scope, name)}").hostname for name in (b"host", b"x-forwarded-host")}
    return urlsplit(origin).hostname in asked - {None}


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


async def _close(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008})


def _is_under(path: str, prefixes: tuple[str, ...]) -> bool:
    return path.startswith(prefixes) or f"{path}/" in prefixes


def _with_headers(path: str, page_headers: tuple[tuple[bytes, bytes], ...], send: Send) -> Send:
    caching = _HASHED_ASSET if path.startswith(ASSETS) else _REVALIDATED

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            found = message["status"] in (200, 206, 304)
            extra = (caching, *page_headers) if found else page_headers
            message = {**message, "headers": [*message.get("headers", ()), *extra]}
        await send(message)

    return send_with_headers


def _redirect_to(base_url: str) -> App:
    async def elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await _close(receive, send)
            return
        headers = [(b"location", (base_url + request_uri(scope)).encode("latin-1"))]
        await send({"type": "http.response.start", "status": 301, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return elsewhere


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await _close(receive, send)
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": b"The console is switched off (CONSOLE_ENABLED).\n"})
