"""The answer to one call, on its way out."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from oneapi_app.limits.limits import retry_after

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CORS: tuple[tuple[bytes, bytes], ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"X-Oneapi-Request-Id"),
)
EVENT_STREAM = b"text/event-stream"
_STREAM_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)


class ClientGone(Exception):
    """The caller closed the connection."""


class Reply(msgspec.Struct, gc=False):
    """One answer. ``committed`` once the first byte has gone out: from then on there is no other answer."""

    send: Send
    request_id: str
    committed: bool = False
    from_a_page: bool = False
    """The caller is a browser on some site and has to be told that it may read the answer."""

    def _headers(self, content_type: bytes) -> list[tuple[bytes, bytes]]:
        headers = [(b"content-type", content_type), (b"x-oneapi-request-id", self.request_id.encode())]
        if self.from_a_page:
            headers.extend(CORS)
        return headers

    async def whole(
        self,
        status: int,
        body: bytes,
        content_type: bytes = b"application/json",
        retry_after_s: float | None = None,
    ) -> None:
        """The complete answer."""
        self.committed = True
        headers = [
            (b"content-type", content_type),
            (b"x-oneapi-request-id", self.request_id.encode()),
            (b"content-length", b"%d" % len(body)),
        ]
        if self.from_a_page:
            headers.extend(CORS)
        if retry_after_s is not None:
            headers.append(retry_after(retry_after_s))
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    async def redirect(self, url: str) -> None:
        """The answer is at another address, for good."""
        self.committed = True
        headers = [*self._headers(b"text/html"), (b"location", url.encode("latin-1"))]
        await self.send({"type": "http.response.start", "status": 301, "headers": headers})
        await self.send({"type": "http.response.body", "body": b""})

    async def begin_stream(self, content_type: bytes = EVENT_STREAM) -> None:
        self.committed = True
        headers = self._headers(content_type)
        headers.extend(_STREAM_HEADERS)
        await self.send({"type": "http.response.start", "status": 200, "headers": headers})

    async def write(self, frames: bytes) -> None:
        await self.send({"type": "http.response.body", "body": frames, "more_body": True})

    async def end_stream(self, frames: bytes) -> None:
        await self.send({"type": "http.response.body", "body": frames, "more_body": False})
