"""The second adapter of the transport port, for outbound proxies: http, https and socks5, by httpx."""

import asyncio

import httpx

from oneapi_app.providers.base import UpstreamRequest
from oneapi_app.relay.transport import Headers, Timeouts, UpstreamResponse
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

_DROPPED = frozenset(
    {b"connection", b"keep-alive", b"transfer-encoding", b"content-encoding", b"content-length", b"trailer"}
)


class HttpxTransport:
    """See ``transport.Transport``. ``proxy`` empty: directly."""

    def __init__(self, *, proxy: str = "", connections_per_host: int = 1000, verify: object = True) -> None:
        self._client = httpx.AsyncClient(
            proxy=proxy or None,
            trust_env=False,
            verify=verify,  # type: ignore[arg-type]
            follow_redirects=False,
            limits=httpx.Limits(max_connections=connections_per_host, max_keepalive_connections=100),
        )

    async def send(self, request: UpstreamRequest, timeouts: Timeouts) -> UpstreamResponse:
        host = httpx.URL(request.url).host
        deadline = None if timeouts.total_s is None else asyncio.get_running_loop().time() + timeouts.total_s
        built = self._client.build_request(
            request.method,
            request.url,
            headers=[*request.headers, (b"accept-encoding", b"identity")],
            content=request.body,
            timeout=httpx.Timeout(
                connect=timeouts.connect_s,
                read=timeouts.first_byte_s,
                write=timeouts.first_byte_s,
                pool=timeouts.connect_s,
            ),
        )
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._client.send(built, stream=True)
        except TimeoutError:
            raise TotalTimeout(f"{host} took too long to answer", "head") from None
        except httpx.HTTPError as error:
            raise _translated(error, host, "head") from None
        return HttpxResponse(response, host, timeouts.idle_s, deadline)

    async def aclose(self) -> None:
        await self._client.aclose()


class HttpxResponse:
    """See ``transport.UpstreamResponse``."""

    def __init__(
        self, response: httpx.Response, host: str, idle_s: float | None, deadline: float | None
    ) -> None:
        self._response = response
        self._pieces = response.aiter_bytes()
        self._host = host
        self._idle_s = idle_s
        self._deadline = deadline
        self.status = response.status_code
        self.headers: Headers = [
            (name.lower(), value) for name, value in response.headers.raw if name.lower() not in _DROPPED
        ]

    def header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.headers if key == name), None)

    async def receive(self) -> bytes:
        now = asyncio.get_running_loop().time()
        idle_at = None if self._idle_s is None else now + self._idle_s
        total_first = self._deadline is not None and (idle_at is None or self._deadline < idle_at)
        try:
            async with asyncio.timeout_at(self._deadline if total_first else idle_at):
                return await anext(self._pieces, b"")
        except TimeoutError:
            if total_first:
                raise TotalTimeout(f"{self._host} took too long to answer", "body") from None
            raise IdleTimeout(f"{self._host} stopped in the middle of its answer", "body") from None
        except httpx.HTTPError as error:
            raise _translated(error, self._host, "body") from None

    async def read(self, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while piece := await self.receive():
            parts.append(piece)
            size += len(piece)
            if size > limit:
                await self.aclose()
                raise BodyTooLarge(f"the answer is larger than {limit} bytes", "body")
        return b"".join(parts)

    async def aclose(self) -> None:
        await self._response.aclose()


def _translated(error: httpx.HTTPError, host: str, phase: str) -> TransportError:
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return ConnectTimeout(f"{host} did not accept a connection in time", "connect")
        case httpx.ReadTimeout() | httpx.WriteTimeout():
            if phase == "head":
                return FirstByteTimeout(f"{host} did not begin to answer in time", phase)
            return IdleTimeout(f"{host} stopped in the middle of its answer", phase)
        case httpx.ConnectError() | httpx.ProxyError() | httpx.UnsupportedProtocol():
            return ConnectFailed(f"cannot connect to {host}", "connect")
        case httpx.DecodingError() | httpx.LocalProtocolError():
            return BadUpstreamBytes(f"{host} does not answer in usable HTTP", phase)
        case httpx.RemoteProtocolError():
            if "disconnected" in str(error) or "closed" in str(error):
                return ConnectionLost(f"{host} closed the connection", phase)
            return BadUpstreamBytes(f"{host} does not answer in HTTP/1.1", phase)
        case _:
            return ConnectionLost(f"{host} closed the connection", phase)
