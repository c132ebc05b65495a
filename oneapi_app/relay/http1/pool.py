"""The connections to one origin: handed out newest first, up to a limit, to waiting requests in their order."""

import asyncio
import ssl
from collections import deque

from oneapi_app.relay.http1.connection import Connection
from oneapi_app.relay.http1.dial import dial, reason_of
from oneapi_app.relay.http1.message import Origin
from oneapi_app.relay.http1.tls import ResumingContext
from oneapi_app.relay.http1.watch import Watch
from oneapi_app.relay.transport_errors import ConnectFailed, TransportError


class Pool:
    """``idle``: ready to be taken, the newest last. While requests wait there are none."""

    __slots__ = ("_limit", "_queue", "_slots_taken", "_tls", "closed", "idle", "loop", "origin", "watch")

    def __init__(
        self,
        origin: Origin,
        limit: int,
        tls: ResumingContext,
        watch: Watch,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.origin = origin
        self.watch = watch
        self.loop = loop
        self.closed = False
        self._limit = limit
        self._tls = tls if origin.secure else None
        self.idle: list[Connection] = []
        self._slots_taken = 0
        self._queue: deque[asyncio.Future[Connection | None]] = deque()

    @property
    def is_full(self) -> bool:
        return self._slots_taken >= self._limit

    async def acquire(self) -> Connection:
        """A new connection, or, at the limit, the next to be given back: no idle one, it may be stale.

        Raises ConnectFailed. Time limits are the caller's.
        """
        if self.is_full and self.idle:
            self.idle[0].close()
        if self.is_full:
            connection = await self._wait_in_line()
            if connection is not None:
                return connection
        else:
            self._slots_taken += 1
        try:
            return await self._open()
        except BaseException:
            self._give_slot()
            raise

    async def _wait_in_line(self) -> Connection | None:
        """A connection, or None together with the right to open one."""
        turn: asyncio.Future[Connection | None] = self.loop.create_future()
        self._queue.append(turn)
        while True:
            try:
                connection = await turn
            except BaseException:
                self._leave_line(turn)
                raise
            if connection is None or not connection.closed:
                return connection
            # It was lost between being handed over and now.
            if not self.is_full:
                self._slots_taken += 1
                return None
            turn = self.loop.create_future()
            self._queue.appendleft(turn)

    def _leave_line(self, turn: "asyncio.Future[Connection | None]") -> None:
        if not turn.done() or turn.cancelled():
            if turn in self._queue:
                self._queue.remove(turn)
            return
        if turn.exception() is not None:
            return
        connection = turn.result()
        if connection is None:
            self._give_slot()
        elif not connection.closed:
            self.release(connection)

    async def _open(self) -> Connection:
        origin = self.origin
        where = f"{origin.host}:{origin.port}"
        try:
            socket = await dial(origin.host, origin.port)
            try:
                _, connection = await self.loop.create_connection(
                    lambda: Connection(self, self._tls),
                    sock=socket,
                    ssl=self._tls,
                    server_hostname=origin.host if self._tls else None,
                )
            except BaseException:
                socket.close()
                raise
        except ssl.SSLCertVerificationError as error:
            raise ConnectFailed(
                f"the certificate of {where} is not trusted: {error.verify_message}", "connect"
            ) from None
        except ssl.SSLError as error:
            if self._tls is not None:
                self._tls.forget(origin.host)
            reason = (error.reason or "failed").lower().replace("_", " ")
            raise ConnectFailed(f"no TLS with {where}: {reason}", "connect") from None
        except OSError as error:
            raise ConnectFailed(f"cannot connect to {where}: {reason_of(error)}", "connect") from None
        except UnicodeError:
            raise ConnectFailed(f"cannot connect to {where}: no usable name", "connect") from None
        if connection.closed or self.closed:
            connection.close()
            raise ConnectFailed(f"{where} closed the connection at once", "connect")
        connection.pooled = True
        return connection

    def release(self, connection: Connection) -> None:
        """The connection is idle."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        self.idle.append(connection)

    def forget(self, connection: Connection) -> None:
        """The connection is closed."""
        if connection in self.idle:
            self.idle.remove(connection)
        self._give_slot()

    def _give_slot(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._slots_taken -= 1

    def close(self, error: TransportError) -> None:
        """Nobody waits any longer. The connections are the caller's to close."""
        self.closed = True
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_exception(error)
