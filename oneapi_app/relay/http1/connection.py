"""One socket and the answers that come from it, one at a time.

The connection reads into the answer to the request under way and lets go of it with its last byte; from then on
the answer is complete in memory and the connection may serve others. It is closed on any surprise. Who gets it
next is the pool's business.
"""

import asyncio
import ssl
from typing import TYPE_CHECKING, cast

import httptools

from oneapi_app.relay.http1.tls import ResumingContext
from oneapi_app.relay.http1.watch import NEVER
from oneapi_app.relay.transport import Timeouts
from oneapi_app.relay.transport_body import Body, EncodingError, decoder_for
from oneapi_app.relay.transport_errors import (
    BadUpstreamBytes,
    BodyTooLarge,
    ConnectionLost,
    FirstByteTimeout,
    IdleTimeout,
    TotalTimeout,
    TransportError,
)

if TYPE_CHECKING:
    from oneapi_app.relay.http1.pool import Pool

MAX_HEAD_BYTES = 64 * 1024
"""Of an answer's head, interim answers included; also of trailers, and of chunk heads without any data."""
MAX_HEADERS = 200
BUFFER_BYTES = 256 * 1024
"""Unread body beyond which the connection stops reading until its reader has caught up."""
KEEP_IDLE_S = 55.0
"""Idle connections are closed before common servers (60-75 s) do it on their side."""
_ONE_WRITE_BYTES = 64 * 1024
"""Up to here head and body are joined, which costs less than handing over two pieces."""


class _Unusable(Exception):
    """Stops the parser: the text says what the answer does."""


class Answer(Body):
    """See ``transport.UpstreamResponse``. ``begun``: any byte of it has come, which rules out sending again."""

    __slots__ = ("begun", "buffered", "connection", "error", "pieces", "skip_body", "waiter")

    def __init__(self, connection: "Connection", waiter: "asyncio.Future[None]", *, skip_body: bool) -> None:
        self.host = connection.host
        self.status = 0
        self.decoder = None
        self.connection: Connection | None = connection
        self.waiter: asyncio.Future[None] | None = waiter
        self.pieces: list[bytes] = []
        self.buffered = 0
        self.begun = False
        self.complete = False
        self.error: TransportError | None = None
        self.skip_body = skip_body

    async def receive_raw(self) -> bytes:
        while not self.pieces:
            if self.complete:
                return b""
            if self.error is not None:
                raise self.error
            connection = self.connection
            assert connection is not None
            self.waiter = connection.loop.create_future()
            try:
                await self.waiter
            except BaseException:
                self.abandon()
                raise
        return self._take()

    def _take(self) -> bytes:
        pieces = self.pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.buffered = 0
        if self.connection is not None:
            self.connection.resume()
        return data

    def taken(self, limit: int) -> bytes | None:
        if not self.complete or self.decoder is not None:
            return None
        if self.buffered > limit:
            raise BodyTooLarge(f"the answer of {self.host} is larger than {limit} bytes", "body")
        return self._take()

    async def aclose(self) -> None:
        if self.connection is not None:
            self.abandon()
        self.pieces.clear()

    def abandon(self) -> None:
        """Closes the connection if the answer still comes from it."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    def wake(self) -> None:
        waiter = self.waiter
        if waiter is not None:
            self.waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def fail(self, error: TransportError) -> None:
        """What has arrived before can still be received."""
        self.connection = None
        self.error = error
        if self.pieces:
            self.wake()
            return
        waiter, self.waiter = self.waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)


class Connection(asyncio.Protocol):
    """``used`` once it has carried an answer, ``pooled`` once the pool counts it, ``closed`` for good.

    ``on_header`` and ``on_body`` are what the parser calls most: methods of a dict and a list, so that a header
    costs no call into Python. What they collect moves to the answer.
    """

    __slots__ = (
        "_answer",
        "_fields",
        "_idle_s",
        "_keep",
        "_parser",
        "_paused",
        "_pieces",
        "_pool",
        "_silent_bytes",
        "_tls",
        "_total_at",
        "_transport",
        "_watch",
        "closed",
        "deadline",
        "host",
        "loop",
        "on_body",
        "on_header",
        "pooled",
        "used",
    )

    _transport: asyncio.Transport

    def __init__(self, pool: "Pool", tls: ResumingContext | None) -> None:
        self._pool = pool
        self._tls = tls
        self._watch = pool.watch
        self.loop = pool.loop
        self.host = pool.origin.host
        self.closed = False
        self.used = False
        self.pooled = False
        self.deadline = NEVER
        self._answer: Answer | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._paused = False
        self._keep = False
        self._fields: dict[bytes, bytes] = {}
        self._pieces: list[bytes] = []
        self.on_header = self._fields.setdefault
        self.on_body = self._pieces.append

    def begin(
        self, head: bytes, body: bytes, timeouts: Timeouts, total_at: float, *, skip_body: bool = False
    ) -> Answer:
        """Sends a request on the idle connection. The answer's ``waiter`` is done when its head is there."""
        answer = self._answer = Answer(self, self.loop.create_future(), skip_body=skip_body)
        self._silent_bytes = 0
        self._total_at = total_at
        self._idle_s = NEVER if timeouts.idle_s is None else timeouts.idle_s
        self._expect(NEVER if timeouts.first_byte_s is None else timeouts.first_byte_s)
        if len(body) < _ONE_WRITE_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))
        return answer

    def resume(self) -> None:
        """The reader has caught up."""
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
            self._expect(self._idle_s)

    def close(self) -> None:
        """At once, without waiting for anything to be sent."""
        if self.closed:
            return
        self.closed = True
        self.deadline = NEVER
        self._watch.watched.discard(self)
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.fail(ConnectionLost(f"the answer of {self.host} was given up", "body"))
        self._transport.abort()
        if self.pooled:
            self._pool.forget(self)

    def expire(self, now: float) -> None:
        """The deadline has passed: of the answer, or of being idle."""
        answer = self._answer
        if answer is None:
            self.close()
        elif now >= self._total_at:
            phase = "body" if answer.status else "head"
            self._fail(answer, TotalTimeout(f"{self.host} took too long to answer", phase))
        elif answer.status:
            self._fail(answer, IdleTimeout(f"{self.host} stopped in the middle of its answer", "body"))
        else:
            self._fail(answer, FirstByteTimeout(f"{self.host} did not begin to answer in time", "head"))

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpResponseParser(self)
        # As other clients do: heads with bare LF, blanks behind chunk sizes, and both ways of framing at once.
        self._parser.set_dangerous_leniencies(
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
            lenient_chunked_length=True,
        )
        self._watch.watched.add(self)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        parser = self._parser
        if answer is None or parser is None:
            self.close()  # bytes nobody asked for
            return
        answer.begun = True
        if not answer.status:
            self._silent_bytes += len(data)
        unusable: BadUpstreamBytes | None = None
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._keep = False
            if not answer.complete:
                unusable = self._unusable(answer, error)
        pieces = self._pieces
        if pieces:
            if not answer.skip_body:
                answer.pieces += pieces
                answer.buffered += len(pieces[0]) if len(pieces) == 1 else sum(map(len, pieces))
            pieces.clear()
            self._silent_bytes = 0
        elif answer.status and not answer.complete:
            self._silent_bytes += len(data)
        if unusable is not None:
            self._fail(answer, unusable)
        elif answer.complete:
            self._end(answer)
        elif self._silent_bytes > MAX_HEAD_BYTES:
            what = "has no data in it" if answer.status else "has too large a head"
            phase = "body" if answer.status else "head"
            self._fail(answer, BadUpstreamBytes(f"the answer of {self.host} {what}", phase))
        elif answer.status:
            if answer.buffered <= BUFFER_BYTES:
                self._expect(self._idle_s)
            elif not self._paused:
                self._paused = True
                self._transport.pause_reading()
                self._expect(NEVER)  # a slow reader is not a stalled provider
            answer.wake()

    def _unusable(self, answer: Answer, error: Exception) -> BadUpstreamBytes:
        cause = error.__context__
        reason = str(cause) if isinstance(cause, _Unusable) else "is not HTTP/1.1"
        return BadUpstreamBytes(f"the answer of {self.host} {reason}", "body" if answer.status else "head")

    def eof_received(self) -> None:
        if self._answer is None:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        answer = self._answer
        if answer is not None:
            if exc is None and answer.status and _ends_with_connection(answer):
                answer.complete = True
                self._keep = False
                self._end(answer)
            else:
                phase = "body" if answer.status else "head"
                self._fail(answer, ConnectionLost(f"{self.host} closed the connection", phase))
        self.close()
        self._parser = None  # it refers back to us

    # httptools

    def on_message_begin(self) -> None:
        answer = self._answer
        if answer is None or answer.complete:
            raise _Unusable("is followed by another one")

    def on_headers_complete(self) -> None:
        answer, parser = self._answer, self._parser
        assert answer is not None
        assert parser is not None
        raw = self._fields
        if self._silent_bytes > MAX_HEAD_BYTES:
            # The last piece may have brought some of the body, too.
            size = sum(len(name) + len(value) + 4 for name, value in raw.items())
            if size > MAX_HEAD_BYTES:
                raise _Unusable("has too large a head")
        if len(raw) > MAX_HEADERS:
            raise _Unusable("has too many headers")
        fields = {name.lower(): value for name, value in raw.items()}
        if len(fields) < len(raw):  # the same name in two spellings: the first counts
            fields = {name.lower(): value for name, value in reversed(raw.items())}
        raw.clear()
        status = parser.get_status_code()
        if status < 200:
            if status < 100 or status == 101:
                raise _Unusable("has a status we did not ask for")
            return
        if b"content-encoding" in fields:
            try:
                answer.decoder = decoder_for(fields[b"content-encoding"])
            except EncodingError as error:
                raise _Unusable(str(error)) from None
        if b"transfer-encoding" in fields and fields[b"transfer-encoding"].strip().lower() != b"chunked":
            raise _Unusable("has an unknown transfer-encoding")
        self._silent_bytes = 0
        self._keep = parser.should_keep_alive()
        answer.headers = fields
        answer.status = status
        if answer.skip_body:
            # The parser does not know of HEAD, so it is of no use any more.
            self._keep = False
            answer.complete = True

    def on_message_complete(self) -> None:
        answer = self._answer
        assert answer is not None
        if answer.status:
            answer.complete = True
            self._fields.clear()  # of trailers

    def _end(self, answer: Answer) -> None:
        """The whole answer is there. The connection goes back before its reader goes on."""
        self._answer = None
        answer.connection = None
        if not self._keep or self._transport.get_write_buffer_size():
            self.close()  # an answer before the request was out counts as a surprise, too
        else:
            if not self.used:
                self.used = True
                self._remember_session()
            self._total_at = NEVER
            self._expect(KEEP_IDLE_S)
            self._pool.release(self)
        answer.wake()

    def _remember_session(self) -> None:
        if self._tls is not None:
            tls: object = self._transport.get_extra_info("ssl_object")
            if isinstance(tls, ssl.SSLObject):
                self._tls.remember(tls)

    def _fail(self, answer: Answer, error: TransportError) -> None:
        self._answer = None
        answer.fail(error)
        self.close()

    def _expect(self, seconds: float) -> None:
        deadline = self.loop.time() + seconds
        if deadline > self._total_at:
            deadline = self._total_at
        self.deadline = deadline
        if deadline < self._watch.at:
            self._watch.wake_at(deadline)


def _ends_with_connection(answer: Answer) -> bool:
    return b"content-length" not in answer.headers and b"transfer-encoding" not in answer.headers
