"""Outbound proxies, which only the httpx adapter speaks: plain http, CONNECT, socks5."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

import pytest

from oneapi_app.relay.http1.tls import ResumingContext
from oneapi_app.relay.transport_errors import ConnectFailed, TransportError
from oneapi_app.relay.transport_httpx import HttpxTransport
from tests.relay.transport.calls import call
from tests.support.scripted import Peer, Provider, provider


async def serve(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.answer(b"from the provider")


async def relay(peer: Peer, port: int) -> None:
    """Bytes both ways until one side is done."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()

    try:
        await asyncio.gather(copy(peer.reader, writer), copy(reader, peer.writer))
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def http_proxy(asked: list[bytes]) -> AsyncIterator[Provider]:
    async def script(peer: Peer):
        request = await peer.request()
        asked.append(request.line)
        method, target, _ = request.line.split(b" ")
        if method == b"CONNECT":
            await peer.send(b"HTTP/1.1 200 Connected\r\n\r\n")
            await relay(peer, int(target.rpartition(b":")[2]))
        elif request.headers.get(b"proxy-authorization"):
            await peer.answer(b"from the proxy, known")
        else:
            await peer.answer(b"from the proxy")

    async with provider(script) as proxy:
        yield proxy


@contextlib.asynccontextmanager
async def socks_proxy(asked: list[bytes]) -> AsyncIterator[Provider]:
    """RFC 1928, without authentication."""

    async def script(peer: Peer):
        _version, count = await peer.reader.readexactly(2)
        await peer.reader.readexactly(count)
        await peer.send(b"\x05\x00")
        kind = (await peer.reader.readexactly(4))[3]
        size = 4 if kind == 1 else (await peer.reader.readexactly(1))[0]
        asked.append(await peer.reader.readexactly(size))
        port = int.from_bytes(await peer.reader.readexactly(2), "big")
        await peer.send(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        await relay(peer, port)

    async with provider(script) as proxy:
        yield proxy


@contextlib.asynccontextmanager
async def through(proxy_url: str, trusting_tls: ResumingContext) -> AsyncIterator[HttpxTransport]:
    transport = HttpxTransport(proxy=proxy_url, tls=trusting_tls)
    yield transport
    await transport.aclose()


async def test_plain_http_goes_through_the_proxy(trusting_tls: ResumingContext):
    asked: list[bytes] = []
    async with http_proxy(asked) as proxy:
        async with through(f"http://127.0.0.1:{proxy.port}", trusting_tls) as transport:
            assert await call(transport, "http://far.example/v1") == (200, b"from the proxy")
        async with through(f"http://user:pw@127.0.0.1:{proxy.port}", trusting_tls) as transport:
            assert await call(transport, "http://far.example/v1") == (200, b"from the proxy, known")
    assert asked[0] == b"POST http://far.example/v1 HTTP/1.1"


async def test_https_goes_through_a_tunnel_and_is_still_verified(
    trusting_tls: ResumingContext, server_tls: ssl.SSLContext
):
    asked: list[bytes] = []
    async with (
        provider(serve, tls=server_tls) as upstream,
        http_proxy(asked) as proxy,
        through(f"http://127.0.0.1:{proxy.port}", trusting_tls) as transport,
    ):
        url = upstream.url.replace("127.0.0.1", "localhost")
        assert await call(transport, url) == (200, b"from the provider")
        with pytest.raises(ConnectFailed, match="not trusted"):
            await call(transport, upstream.url.replace("127.0.0.1", "wrong.example"))
    assert asked[0] == f"CONNECT localhost:{upstream.port} HTTP/1.1".encode()


@pytest.mark.parametrize("secure", [False, True])
async def test_socks5(trusting_tls: ResumingContext, server_tls: ssl.SSLContext, secure: bool):
    asked: list[bytes] = []
    async with (
        provider(serve, tls=server_tls if secure else None) as upstream,
        socks_proxy(asked) as proxy,
        through(f"socks5://127.0.0.1:{proxy.port}", trusting_tls) as transport,
    ):
        url = upstream.url.replace("127.0.0.1", "localhost")
        assert await call(transport, url) == (200, b"from the provider")
    assert asked == [b"localhost"]


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_is_not_there(trusting_tls: ResumingContext, scheme: str):
    async with provider(serve) as gone:
        port = gone.port
    async with through(f"{scheme}://127.0.0.1:{port}", trusting_tls) as transport:
        with pytest.raises(ConnectFailed):
            await call(transport, "https://far.example/")


async def test_a_proxy_that_refuses(trusting_tls: ResumingContext):
    async def script(peer: Peer):
        await peer.request()
        await peer.answer(b"", status=407)

    async with (
        provider(script) as proxy,
        through(f"http://127.0.0.1:{proxy.port}", trusting_tls) as transport,
    ):
        with pytest.raises(ConnectFailed, match="proxy"):
            await call(transport, "https://far.example/")


async def test_a_proxy_that_breaks_off(trusting_tls: ResumingContext):
    async def script(peer: Peer):
        await peer.reader.read(10)
        peer.close()

    async with (
        provider(script) as proxy,
        through(f"socks5://127.0.0.1:{proxy.port}", trusting_tls) as transport,
    ):
        with pytest.raises(TransportError):
            await call(transport, "https://far.example/")
