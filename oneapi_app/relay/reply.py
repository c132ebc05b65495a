"""The caller's side of one request: the answer going out, and noticing that nobody is there any more."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, TypeVar

from oneapi_app.limits.limits import retry_after

T = TypeVar("T")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CORS: tuple[tuple[bytes, bytes], ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"X-Oneapi-Request-Id"),
)
EVENT_STREAM = b"text/event-stream"
_STREAM_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
WATCH_AFTER_S = 0.05
"""Quick answers are not watched for a caller hanging up: the watcher would cost more than the answer."""


class ClientGone(Exception):
    """The caller closed the connection."""


class Reply:
    """One answer. ``committed`` once the first byte has gone out: from then on there is no other answer."""

    __slots__ = ("_request_id", "_send", "committed")

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id.encode()
        self.committed = False

    def _headers(self, content_type: bytes) -> list[tuple[bytes, bytes]]:
        return [(b"content-type", content_type), (b"x-oneapi-request-id", self._request_id), *CORS]

    async def whole(
        self,
        status: int,
        body: bytes,
        content_type: bytes = b"application/json",
        retry_after_s: float | None = None,
    ) -> None:
        """The complete answer."""
        self.committed = True
        headers = self._headers(content_type)
        headers.append((b"content-length", str(len(body)).encode()))
        if retry_after_s is not None:
            headers.append(retry_after(retry_after_s))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def redirect(self, url: str) -> None:
        """The answer is at another address, for good."""
        self.committed = True
        headers = [*self._headers(b"text/html"), (b"location", url.encode("latin-1"))]
        await self._send({"type": "http.response.start", "status": 301, "headers": headers})
        await self._send({"type": "http.response.body", "body": b""})

    async def begin_stream(self, content_type: bytes = EVENT_STREAM) -> None:
        self.committed = True
        headers = self._headers(content_type)
        headers.extend(_STREAM_HEADERS)
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def write(self, frames: bytes) -> None:
        await self._send({"type": "http.response.body", "body": frames, "more_body": True})

    async def end_stream(self, frames: bytes) -> None:
        await self._send({"type": "http.response.body", "body": frames, "more_body": False})


class Presence:
    """Interrupts a wait for the provider when the caller hangs up.

    Only waits passed through ``during`` are interrupted; billing and answering never are.
    """

    __slots__ = ("_receive", "_task", "_timer", "_waiting", "_watcher", "gone")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._waiting = False
        self._watcher: asyncio.Task[None] | None = None
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self.gone = False
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._start)

    def _start(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        if self._waiting:
            self._task.cancel()

    async def during(self, wait: Coroutine[Any, Any, T]) -> T:
        """The result of ``wait``. Raises ClientGone when the caller hangs up first, or has done so before."""
        if self.gone:
            wait.close()
            raise ClientGone
        self._waiting = True
        try:
            return await wait
        except asyncio.CancelledError:
            if not self.gone:
                raise
            self._task.uncancel()
            raise ClientGone from None
        finally:
            self._waiting = False

    def close(self) -> None:
        """Stops watching."""
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
