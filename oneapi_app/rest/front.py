"""What every request to ``/api`` passes first: request id, both slash forms, origin, rate limit, unmatched paths."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.requests import ClientDisconnect

from oneapi_app.kit.ids import request_id as new_request_id
from oneapi_app.limits.limits import retry_after
from oneapi_app.rest.cookies import SCOPE_KEY
from oneapi_app.rest.envelope import envelope
from oneapi_app.rest.origin import is_refused, without_foreign_cookie
from oneapi_app.runtime import Runtime

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CRITICAL_PATHS = frozenset(
    {
        "/api/verification",
        "/api/reset_password",
        "/api/user/reset",
        "/api/user/register",
        "/api/user/login",
    }
)

log = logging.getLogger(__name__)


class Front:
    """Wraps the routed app."""

    def __init__(self, app: App, runtime: Runtime) -> None:
        self._app = app
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = new_request_id()
        scope["request_id"] = request_id
        path: str = scope["path"]
        scope["path"] = path.rstrip("/") or "/"
        cookies: list[tuple[bytes, bytes]] = []
        scope[SCOPE_KEY] = cookies
        begun = False

        async def tagged(message: MutableMapping[str, Any]) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = [*message.get("headers", ()), (b"x-oneapi-request-id", request_id.encode())]
                headers += [
                    (b"cache-control", b"no-store"),
                    (b"x-content-type-options", b"nosniff"),
                    *cookies,
                ]
                message = {**message, "headers": headers}
            await send(message)

        wait_s = await self._wait_s(scope)
        if wait_s is not None:
            await _answer(tagged, 429, b"", [retry_after(wait_s)])
        elif is_refused(scope):
            message = "拒绝跨站请求"
            await _answer(tagged, 403, envelope(success=False, message=message))
        else:
            try:
                await self._app(without_foreign_cookie(scope), receive, tagged)
            except ClientDisconnect:
                pass
            except Exception as error:
                log.exception("request %s to %s failed: %s", request_id, scope["path"], type(error).__name__)
                if not begun:
                    text = f"服务器内部错误 (request id: {request_id})"
                    await _answer(tagged, 500, envelope(success=False, message=text))

    async def _wait_s(self, scope: Scope) -> float | None:
        address = self._runtime.client_address(scope)
        limits = self._runtime.limits
        path: str = scope["path"]
        wait_s = await limits.general.hit(address)
        if wait_s is None and (path in CRITICAL_PATHS or path.startswith("/api/oauth/")):
            wait_s = await limits.critical.hit(address)
        return wait_s


async def _answer(
    send: Send, status: int, body: bytes, more: list[tuple[bytes, bytes]] | None = None
) -> None:
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers + (more or [])})
    await send({"type": "http.response.body", "body": body})
