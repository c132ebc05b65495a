"""Our own HTTP/1.1 client: httptools over asyncio, because the upstream client decides what a request costs.

One connection carries one request at a time and is discarded on any surprise. A pool per origin hands
connections out, newest first, to waiting requests in their order. Deadlines are checked by one coarse tick
for all connections instead of a timer per request.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

import httptools

from oneapi_app.providers.base import UpstreamRequest
from oneapi_app.relay.transport import BodyDecoder, Headers, Timeouts, UpstreamResponse, decoder_for
from oneapi_app.relay.transport_errors import (
    BadUpstreamBytes,
    BodyTooLarge,
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    FirstByteTimeout,
    IdleTimeout,
    TotalTimeout,
    TransportError,
)

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 200
BUFFER_BYTES = 256 * 1024
"""Unread body beyond which the connection stops reading until its reader has caught up."""
KEEP_IDLE_S = 55.0
"""Idle connections are closed before common servers (60-75 s) do it on their side."""
TICK_S = 0.05
_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"transfer-encoding", b"content-encoding", b"content-length", b"trailer"}
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request goes."""

    secure: bool
    host: str
    port: int


@lru_cache(maxsize=4096)
def split_url(url: str) -> tuple[Origin, bytes, bytes]:
    """Origin, request target and Host header. Raises ConnectFailed for anything but http(s)."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    try:
        port = parts.port or (443 if secure else 80)
    except ValueError:
        port = 0
    if parts.scheme not in ("http", "https") or not parts.hostname or not port:
        raise ConnectFailed("the channel's base URL is no http(s) address", "connect")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    return (
        Origin(secure, parts.hostname, port),
        target.encode("ascii", "ignore"),
        host.encode("idna" if not host.isascii() else "ascii"),
    )


def render_head(request: UpstreamRequest, target: bytes, host: bytes) -> bytes:
    """Request line and headers. Raises ConnectFailed where a header would break out of its line."""
    parts = [request.method.encode(), b" ", target, b" HTTP/1.1\r\nhost: ", host, b"\r\n"]
    for name, value in request.headers:
        if b"\n" in value or b"\r" in value or b"\0" in value:
            raise ConnectFailed("a header holds a line break: check the channel's key", "send")
        parts += (name, b": ", value, b"\r\n")
    if request.body or request.method not in ("GET", "HEAD", "DELETE"):
        parts += (b"content-length: ", str(len(request.body)).encode(), b"\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


class _Connection(asyncio.Protocol):
    """One socket. Between requests it is idle and must stay silent."""

    def __init__(
        self, origin: Origin, loop: asyncio.AbstractEventLoop, lost: "Callable[[_Connection], None]"
    ) -> None:
        self.origin = origin
        self._loop = loop
        self._on_lost = lost
        self._socket: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self.closed = False
        self.used = False
        self.idle_since = 0.0
        self._reset()

    def _reset(self) -> None:
        self.busy = False
        self.complete = False
        self.answering = False
        self.reusable = False
        self.status = 0
        self.headers: Headers = []
        self._head_bytes = 0
        self._ends_with_connection = True
        self._pieces: list[bytes] = []
        self._buffered = 0
        self._paused = False
        self._error: TransportError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timeouts: Timeouts | None = None
        self._total_deadline = float("inf")
        self.deadline = float("inf")

    # what the pool and the response use

    def begin(self, payload: bytes, timeouts: Timeouts) -> None:
        """Sends a request. The socket must be idle."""
        assert self._socket is not None
        self._reset()
        self.busy = True
        self._parser = httptools.HttpResponseParser(self)
        self._timeouts = timeouts
        now = self._loop.time()
        if timeouts.total_s is not None:
            self._total_deadline = now + timeouts.total_s
        self._expect(timeouts.first_byte_s)
        self._socket.write(payload)

    async def head(self) -> None:
        """Returns when status and headers are there."""
        while not self.headers_done:
            await self._change()

    @property
    def headers_done(self) -> bool:
        return self.status >= 200

    async def piece(self) -> bytes:
        """What has arrived of the body; ``b""`` when it is complete."""
        while not self._pieces:
            if self.complete:
                return b""
            await self._change()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._buffered = 0
        if self._paused and self._socket is not None:
            self._paused = False
            self._socket.resume_reading()
            self._expect(self._timeouts.idle_s if self._timeouts else None)
        return data

    async def _change(self) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def finish(self) -> bool:
        """After an answer: whether the connection may carry another request."""
        self.busy = False
        self.deadline = float("inf")
        socket = self._socket
        return (
            self.complete
            and self.reusable
            and not self.closed
            and not self._pieces
            and socket is not None
            and not socket.is_closing()
            and socket.get_write_buffer_size() == 0
        )

    def abort(self) -> None:
        self.busy = False
        self.closed = True
        if self._socket is not None:
            self._socket.abort()

    def check_deadline(self, now: float) -> None:
        if now < self.deadline or not self.busy:
            return
        host = self.origin.host
        if now >= self._total_deadline:
            self._fail(
                TotalTimeout(f"{host} took too long to answer", "body" if self.headers_done else "head")
            )
        elif self.headers_done:
            self._fail(IdleTimeout(f"{host} stopped in the middle of its answer", "body"))
        else:
            self._fail(FirstByteTimeout(f"{host} did not begin to answer in time", "head"))

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if not self.busy or self.complete or self._parser is None:
            self.reusable = False
            self.abort()
            return
        self.answering = True
        if not self.headers_done:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(BadUpstreamBytes(f"{self.origin.host} does not answer in HTTP/1.1", "head"))
            return
        if self._error is not None:
            return
        if not self.headers_done and self._head_bytes > MAX_HEAD_BYTES:
            self._fail(BadUpstreamBytes(f"{self.origin.host} sent a head that is too large", "head"))
            return
        if self._buffered > BUFFER_BYTES and not self._paused and not self.complete:
            self._paused = True
            self._socket.pause_reading()  # type: ignore[union-attr]
            self._expect(None)  # a slow reader is not a stalled provider
        elif self.headers_done and self._timeouts is not None:
            self._expect(self._timeouts.idle_s)
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._on_lost(self)
        if not self.busy or self.complete:
            return
        if exc is None and self.headers_done and self._ends_with_connection:
            self.complete = True
            self._wake()
            return
        self._fail(
            ConnectionLost(
                f"{self.origin.host} closed the connection", "body" if self.headers_done else "head"
            )
        )

    # httptools callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in (b"content-length", b"transfer-encoding"):
            self._ends_with_connection = False
        self.headers.append((name, value))
        if len(self.headers) > MAX_HEADERS:
            self._fail(BadUpstreamBytes(f"{self.origin.host} sent too many headers", "head"))

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        status = self._parser.get_status_code()
        if status == 101:
            self._fail(BadUpstreamBytes(f"{self.origin.host} switched protocols unasked", "head"))
        elif status < 200:
            self.headers = []
            self._ends_with_connection = True
        else:
            if status in (204, 304):
                self._ends_with_connection = False
            self.status = status
            self.reusable = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)
        self._buffered += len(body)

    def on_message_complete(self) -> None:
        if self.headers_done:
            self.complete = True

    def _expect(self, seconds: float | None) -> None:
        soon = float("inf") if seconds is None else self._loop.time() + seconds
        self.deadline = min(soon, self._total_deadline)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: TransportError) -> None:
        if self._error is None:
            self._error = error
        self.reusable = False
        self.closed = True
        if self._socket is not None:
            self._socket.abort()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(self._error)


class H1Response:
    """See ``transport.UpstreamResponse``."""

    __slots__ = ("_connection", "_decoder", "_pool", "headers", "status")

    def __init__(self, connection: _Connection, pool: "_Pool") -> None:
        self._connection: _Connection | None = connection
        self._pool = pool
        self.status = connection.status
        encoding: bytes | None = None
        headers: Headers = []
        for name, value in connection.headers:
            if name == b"content-encoding":
                encoding = value
            if name not in _HOP_BY_HOP:
                headers.append((name, value))
        self.headers = headers
        self._decoder: BodyDecoder | None = decoder_for(encoding)

    def header(self, name: bytes) -> bytes | None:
        for key, value in self.headers:
            if key == name:
                return value
        return None

    async def receive(self) -> bytes:
        connection = self._connection
        if connection is None:
            return b""
        while True:
            data = await connection.piece()
            if not data:
                if self._decoder is not None:
                    decoder, self._decoder = self._decoder, None
                    decoder.finish()
                self._release()
                return b""
            if self._decoder is not None:
                data = self._decoder.feed(data)
                if not data:
                    continue
            return data

    async def read(self, limit: int) -> bytes:
        first = await self.receive()
        size = len(first)
        parts = [first]
        while size <= limit:
            piece = await self.receive()
            if not piece:
                return first if len(parts) == 1 else b"".join(parts)
            parts.append(piece)
            size += len(piece)
        await self.aclose()
        raise BodyTooLarge(f"the answer is larger than {limit} bytes", "body")

    async def aclose(self) -> None:
        if self._connection is not None:
            self._release()

    def _release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.release(connection)


@dataclass(slots=True)
class _Pool:
    """The connections of one origin."""

    origin: Origin
    limit: int
    loop: asyncio.AbstractEventLoop
    tls: ssl.SSLContext
    active: set[_Connection]
    idle: list[_Connection] = field(default_factory=list[_Connection])
    open_count: int = 0
    waiting: deque[asyncio.Future[_Connection | None]] = field(
        default_factory=deque["asyncio.Future[_Connection | None]"]
    )

    async def acquire(self, connect_s: float | None, *, fresh: bool = False) -> _Connection:
        """An idle connection or a new one; ``fresh`` never an idle one. Waits in line at the limit."""
        while self.idle and not fresh:
            connection = self.idle.pop()
            if not connection.closed:
                return connection
        if fresh and self.idle:
            self.idle.pop(0).abort()
        if self.open_count >= self.limit:
            connection = await self._wait_in_line(connect_s)
            if connection is not None:
                return connection
        self.open_count += 1
        try:
            return await self._connect(connect_s)
        except BaseException:
            self.open_count -= 1
            self._let_next_open()
            raise

    async def _wait_in_line(self, connect_s: float | None) -> _Connection | None:
        turn: asyncio.Future[_Connection | None] = self.loop.create_future()
        self.waiting.append(turn)
        try:
            async with asyncio.timeout(connect_s):
                return await turn
        except TimeoutError:
            raise ConnectTimeout(
                f"all {self.limit} connections to {self.origin.host} are busy", "connect"
            ) from None
        finally:
            if turn in self.waiting:
                self.waiting.remove(turn)
            elif turn.cancelled() or not turn.done():
                self._let_next_open()

    async def _connect(self, connect_s: float | None) -> _Connection:
        origin = self.origin
        try:
            async with asyncio.timeout(connect_s):
                _socket, connection = await self.loop.create_connection(
                    lambda: _Connection(origin, self.loop, self.lost),
                    origin.host,
                    origin.port,
                    ssl=self.tls if origin.secure else None,
                    server_hostname=origin.host if origin.secure else None,
                )
                return connection
        except TimeoutError:
            raise ConnectTimeout(f"{origin.host} did not accept a connection in time", "connect") from None
        except ssl.SSLCertVerificationError as error:
            raise ConnectFailed(
                f"the certificate of {origin.host} is not trusted: {error.verify_message}", "connect"
            ) from None
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            raise ConnectFailed(
                f"cannot connect to {origin.host}:{origin.port}: {reason}", "connect"
            ) from None

    def release(self, connection: _Connection) -> None:
        """After an answer, complete or not."""
        self.active.discard(connection)
        if not connection.finish():
            connection.abort()
            return
        connection.used = True
        connection.idle_since = self.loop.time()
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        self.idle.append(connection)

    def lost(self, connection: _Connection) -> None:
        """The socket is gone."""
        self.open_count -= 1
        if connection in self.idle:
            self.idle.remove(connection)
        self._let_next_open()

    def _let_next_open(self) -> None:
        while self.waiting and self.open_count < self.limit:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def close_idle(self, before: float) -> None:
        for connection in [c for c in self.idle if c.idle_since < before]:
            self.idle.remove(connection)
            connection.abort()


class H1Transport:
    """The relay's transport. One per event loop."""

    def __init__(self, *, connections_per_host: int = 1000, tls: ssl.SSLContext | None = None) -> None:
        self._limit = connections_per_host
        self._tls = tls or ssl.create_default_context()
        self._pools: dict[Origin, _Pool] = {}
        self._active: set[_Connection] = set()
        self._tick: asyncio.TimerHandle | None = None
        self._closed = False

    async def send(self, request: UpstreamRequest, timeouts: Timeouts) -> UpstreamResponse:
        origin, target, host = split_url(request.url)
        payload = render_head(request, target, host) + request.body
        pool = self._pools.get(origin) or self._open_pool(origin)
        connection = await pool.acquire(timeouts.connect_s)
        try:
            return await self._exchange(pool, connection, payload, timeouts)
        except ConnectionLost:
            # An idle connection the provider had already given up: nothing of this request was answered.
            if not connection.used or connection.answering:
                raise
        connection = await pool.acquire(timeouts.connect_s, fresh=True)
        return await self._exchange(pool, connection, payload, timeouts)

    async def _exchange(
        self, pool: _Pool, connection: _Connection, payload: bytes, timeouts: Timeouts
    ) -> UpstreamResponse:
        self._active.add(connection)
        try:
            connection.begin(payload, timeouts)
            await connection.head()
            return H1Response(connection, pool)
        except BaseException:
            self._active.discard(connection)
            connection.abort()
            raise

    def _open_pool(self, origin: Origin) -> _Pool:
        loop = asyncio.get_running_loop()
        pool = self._pools[origin] = _Pool(origin, self._limit, loop, self._tls, self._active)
        if self._tick is None:
            self._tick = loop.call_later(TICK_S, self._check)
        return pool

    def _check(self) -> None:
        """Deadlines of requests under way, and connections nobody has used for long."""
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(self._active):
            connection.check_deadline(now)
        for pool in self._pools.values():
            if pool.idle and pool.idle[0].idle_since < now - KEEP_IDLE_S:
                pool.close_idle(now - KEEP_IDLE_S)
        self._tick = loop.call_later(TICK_S, self._check)

    async def aclose(self) -> None:
        self._closed = True
        if self._tick is not None:
            self._tick.cancel()
        for connection in [*self._active, *(c for pool in self._pools.values() for c in pool.idle)]:
            connection.abort()
        await asyncio.sleep(0)
