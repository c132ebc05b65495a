"""The relay's own HTTP/1.1 client over httptools: what a relayed call costs is decided here.

See docs/adr/0003-own-http1-transport.md. It goes to providers directly; ``transport_httpx`` goes through proxies.
"""

import asyncio

from oneapi_app.providers.base import UpstreamRequest
from oneapi_app.relay.http1.connection import Connection
from oneapi_app.relay.http1.message import HeadWriter, Origin, read_url
from oneapi_app.relay.http1.pool import Pool
from oneapi_app.relay.http1.tls import ResumingContext, client_context
from oneapi_app.relay.http1.watch import NEVER, Watch
from oneapi_app.relay.transport import Timeouts, UpstreamResponse
from oneapi_app.relay.transport_errors import ConnectFailed, ConnectionLost, ConnectTimeout, TotalTimeout

_MAX_KNOWN_URLS = 4096


class H1Transport:
    """See ``transport.Transport``. ``tls``: for other authorities than the system's."""

    def __init__(self, *, connections_per_host: int = 1000, tls: ResumingContext | None = None) -> None:
        self._limit = connections_per_host
        self._tls = tls or client_context()
        self._pools: dict[Origin, Pool] = {}
        self._known: dict[str, tuple[HeadWriter, Pool]] = {}
        self._watch: Watch | None = None
        self._closed = False

    async def send(self, request: UpstreamRequest, timeouts: Timeouts) -> UpstreamResponse:
        writer, pool = self._known.get(request.url) or self._learn(request.url)
        head = writer.write(request)
        total_at = NEVER if timeouts.total_s is None else pool.loop.time() + timeouts.total_s
        skip_body = request.method == "HEAD"
        sent_again = False
        connection = pool.idle.pop() if pool.idle else await self._connect(pool, timeouts, total_at)
        while True:
            answer = connection.begin(head, request.body, timeouts, total_at, skip_body=skip_body)
            assert answer.waiter is not None
            try:
                await answer.waiter
                return answer
            except ConnectionLost:
                # An idle connection the provider had given up: no byte says that it has seen this request.
                if answer.begun or sent_again or not connection.used:
                    raise
            except BaseException:
                answer.abandon()
                raise
            sent_again = True
            connection = await self._connect(pool, timeouts, total_at)

    async def _connect(self, pool: Pool, timeouts: Timeouts, total_at: float) -> Connection:
        now = pool.loop.time()
        connect_at = NEVER if timeouts.connect_s is None else now + timeouts.connect_s
        until = min(connect_at, total_at)
        crowded = pool.is_full
        try:
            async with asyncio.timeout_at(None if until == NEVER else until):
                return await pool.acquire()
        except TimeoutError:
            host = pool.origin.host
            if total_at <= connect_at:
                raise TotalTimeout(f"{host} took too long to answer", "connect") from None
            if crowded:
                raise ConnectTimeout(f"all connections to {host} are busy", "connect") from None
            raise ConnectTimeout(f"{host} did not accept a connection in time", "connect") from None

    def _learn(self, url: str) -> tuple[HeadWriter, Pool]:
        if self._closed:
            raise ConnectFailed("the gateway is shutting down", "connect")
        address = read_url(url)
        loop = asyncio.get_running_loop()
        if self._watch is None:
            self._watch = Watch(loop)
        pool = self._pools.get(address.origin)
        if pool is None:
            pool = Pool(address.origin, self._limit, self._tls, self._watch, loop)
            self._pools[address.origin] = pool
        if len(self._known) >= _MAX_KNOWN_URLS:
            self._known.clear()
        known = self._known[url] = (HeadWriter(address), pool)
        return known

    async def aclose(self) -> None:
        self._closed = True
        self._known.clear()
        for pool in self._pools.values():
            pool.close(ConnectFailed("the gateway is shutting down", "connect"))
        if self._watch is not None:
            for connection in list(self._watch.watched):
                connection.close()
            self._watch.stop()
        await asyncio.sleep(0)  # the sockets are closed by the loop
