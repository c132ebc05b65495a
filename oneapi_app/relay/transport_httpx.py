"""The second adapter of the transport port, for outbound proxies (http, https and socks5), by httpx.

What it does less well than ``transport_h1``, because httpx does not let it: a request on a connection the provider
closes at that very moment is not sent again, bytes behind an answer are not noticed, an answer is read only after
the whole request is out, and requests that wait for a free connection are served in no order.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator

import httpx
from socksio.exceptions import SOCKSError

from oneapi_app.providers.base import UpstreamRequest
from oneapi_app.relay.http1.dial import reason_of
from oneapi_app.relay.http1.message import HeadWriter, read_url
from oneapi_app.relay.http1.tls import client_context
from oneapi_app.relay.transport import Timeouts, UpstreamResponse
from oneapi_app.relay.transport_body import Body, EncodingError, decoder_for
from oneapi_app.relay.transport_errors import (
    BadUpstreamBytes,
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    FirstByteTimeout,
    IdleTimeout,
    TotalTimeout,
    TransportError,
)

KEEP_IDLE_S = 20.0


class HttpxTransport:
    """See ``transport.Transport``. ``proxy`` empty: directly. ``tls``: for other authorities than the system's."""

    def __init__(
        self, *, proxy: str = "", connections_per_host: int = 1000, tls: ssl.SSLContext | None = None
    ) -> None:
        self._client = httpx.AsyncClient(
            proxy=proxy or None,
            trust_env=False,
            verify=tls or client_context(),
            limits=httpx.Limits(max_connections=connections_per_host, keepalive_expiry=KEEP_IDLE_S),
        )

    async def send(self, request: UpstreamRequest, timeouts: Timeouts) -> UpstreamResponse:
        address = read_url(request.url)
        HeadWriter(address).write(request)  # for its refusals
        host = address.origin.host
        now = asyncio.get_running_loop().time()
        total_at = None if timeouts.total_s is None else now + timeouts.total_s
        limits: dict[str, float | None] = {
            "connect": timeouts.connect_s,
            "pool": timeouts.connect_s,
            "write": timeouts.first_byte_s,
            "read": timeouts.first_byte_s,
        }
        # Made by hand: the client would add headers of its own.
        built = httpx.Request(
            request.method,
            request.url,
            headers=list(request.headers),
            content=request.body or None,
            extensions={"timeout": limits},
        )
        try:
            async with asyncio.timeout_at(total_at):
                response = await self._client.send(built, stream=True)
        except TimeoutError:
            raise TotalTimeout(f"{host} took too long to answer", "head") from None
        except (httpx.HTTPError, httpx.InvalidURL, SOCKSError, RuntimeError) as error:
            raise _translated(error, host, "head") from None
        # httpcore reads its limits when it begins to wait, so this one is in time for the body.
        limits["read"] = timeouts.idle_s
        try:
            return HttpxResponse(response, host, total_at)
        except EncodingError as error:
            await response.aclose()
            raise BadUpstreamBytes(f"the answer of {host} {error}", "head") from None

    async def aclose(self) -> None:
        await self._client.aclose()


class HttpxResponse(Body):
    """See ``transport.UpstreamResponse``."""

    __slots__ = ("_pieces", "_response", "_total_at")

    def __init__(self, response: httpx.Response, host: str, total_at: float | None) -> None:
        super().__init__(host)
        self._response = response
        self._pieces: AsyncIterator[bytes] = response.aiter_raw()
        self._total_at = total_at
        self.status = response.status_code
        for name, value in response.headers.raw:
            name = name.lower()
            if name == b"content-encoding":
                self.decoder = decoder_for(value)
            self.headers.setdefault(name, value)

    async def receive_raw(self) -> bytes:
        try:
            async with asyncio.timeout_at(self._total_at):
                return await anext(self._pieces, b"")
        except TimeoutError:
            raise TotalTimeout(f"{self.host} took too long to answer", "body") from None
        except httpx.HTTPError as error:
            raise _translated(error, self.host, "body") from None
        except httpx.StreamError:
            raise ConnectionLost(f"the answer of {self.host} was given up", "body") from None
        except asyncio.CancelledError:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        await self._response.aclose()


def _translated(error: Exception, host: str, phase: str) -> TransportError:
    match error:
        case httpx.ConnectTimeout():
            return ConnectTimeout(f"{host} did not accept a connection in time", "connect")
        case httpx.PoolTimeout():
            return ConnectTimeout(f"all connections to {host} are busy", "connect")
        case httpx.TimeoutException() if phase == "head":
            return FirstByteTimeout(f"{host} did not begin to answer in time", phase)
        case httpx.TimeoutException():
            return IdleTimeout(f"{host} stopped in the middle of its answer", phase)
        case httpx.ConnectError():
            return ConnectFailed(f"cannot connect to {host}: {_reason(error)}", "connect")
        case httpx.ProxyError() | SOCKSError() | httpx.UnsupportedProtocol() | httpx.InvalidURL():
            return ConnectFailed(f"cannot connect to {host} through the proxy", "connect")
        case httpx.ProtocolError() if not _ended(error):
            return BadUpstreamBytes(f"the answer of {host} is not HTTP/1.1", phase)
        case RuntimeError():
            return ConnectFailed("the gateway is shutting down", "connect")
        case _:
            return ConnectionLost(f"{host} closed the connection", phase)


def _ended(error: Exception) -> bool:
    """httpx tells an early end from garbage by its words only."""
    return "disconnected" in str(error) or "closed connection" in str(error)


def _reason(error: Exception) -> str:
    """Of the error below those of httpx, httpcore and anyio."""
    reason = "no connection"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, OSError):
            reason = reason_of(cause)
        cause = cause.__cause__ or cause.__context__
    return reason
