"""TLS, IPv6, and hosts of several addresses."""

import asyncio
import socket
import ssl

import pytest

from oneapi_app.relay.http1 import dial
from oneapi_app.relay.transport import Transport
from oneapi_app.relay.transport_errors import ConnectFailed, TransportError
from tests.relay.transport.calls import PATIENT, call, everything, ours, post
from tests.relay.transport.conftest import MakeTransport
from tests.relay.transport.test_faults import full_backlog
from tests.support.scripted import LIMIT_S, Peer, provider


async def echo_host(peer: Peer) -> None:
    while True:
        await peer.answer((await peer.request()).headers[b"host"])


async def test_a_trusted_certificate(transport: Transport, server_tls: ssl.SSLContext):
    async with provider(echo_host, tls=server_tls) as upstream:
        for host in ("127.0.0.1", "localhost"):
            url = upstream.url.replace("127.0.0.1", host)
            for _ in range(2):
                assert await call(transport, url) == (200, f"{host}:{upstream.port}".encode())
        assert len(upstream.peers) == 2
        names = [peer.writer.get_extra_info("ssl_object").version() for peer in upstream.peers]
        assert set(names) <= {"TLSv1.2", "TLSv1.3"}


async def test_large_bodies_over_tls(transport: Transport, server_tls: ssl.SSLContext):
    body = bytes(range(256)) * 20_000

    async def script(peer: Peer):
        await peer.answer((await peer.request()).body)

    async with provider(script, tls=server_tls) as upstream:
        response = await transport.send(post(upstream.url, body), PATIENT)
        assert b"".join(await everything(response)) == body
        await response.aclose()


async def test_the_name_is_sent_for_virtual_hosts(transport: Transport, server_tls: ssl.SSLContext):
    names: list[str | None] = []
    server_tls.sni_callback = lambda _object, name, _context: names.append(name)
    async with provider(echo_host, tls=server_tls) as upstream:
        await call(transport, upstream.url.replace("127.0.0.1", "localhost"))
    assert names == ["localhost"]


async def test_an_unknown_authority(make_transport: MakeTransport, server_tls: ssl.SSLContext):
    async with provider(echo_host, tls=server_tls) as upstream:
        with pytest.raises(ConnectFailed, match="not trusted"):
            await call(make_transport(trusting=False), upstream.url)


async def test_a_certificate_of_another_name(transport: Transport, server_tls: ssl.SSLContext):
    async with provider(echo_host, host="127.0.0.2", tls=server_tls) as upstream:
        with pytest.raises(ConnectFailed, match="not trusted"):
            await call(transport, upstream.url)


async def test_https_to_a_port_that_speaks_http(transport: Transport):
    async def script(peer: Peer):
        await peer.reader.read(100)
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        peer.close()

    async with provider(script) as upstream:
        with pytest.raises(TransportError):
            await call(transport, upstream.url.replace("http:", "https:"))


@ours
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_session_is_taken_up_again(
    transport: Transport, server_tls: ssl.SSLContext, version: ssl.TLSVersion
):
    server_tls.maximum_version = version
    reused: list[bool] = []

    async def script(peer: Peer):
        await peer.request()
        reused.append(peer.writer.get_extra_info("ssl_object").session_reused)
        await peer.answer(b"ok")
        await peer.request()
        await peer.answer(b"ok", b"Connection: close")

    async with provider(script, tls=server_tls) as upstream:
        for _ in range(4):
            assert await call(transport, upstream.url) == (200, b"ok")
    assert reused == [False, True]


async def test_ipv6(transport: Transport):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("needs IPv6 on the loopback")
    async with provider(echo_host, host="::1") as upstream:
        assert await call(transport, upstream.url) == (200, f"[::1]:{upstream.port}".encode())


async def test_a_name_of_several_addresses(transport: Transport):
    """``localhost`` is ::1 and 127.0.0.1 on many machines, and only one of them answers here."""
    async with provider(echo_host) as upstream:
        status, _ = await call(transport, upstream.url.replace("127.0.0.1", "localhost"))
        assert status == 200


def target(port: int) -> dial.Target:
    return socket.AF_INET, ("127.0.0.1", port)


async def test_a_dead_address_does_not_hold_up_the_next():
    crowd = full_backlog()
    try:
        async with provider(echo_host) as upstream, asyncio.timeout(LIMIT_S):
            started = asyncio.get_running_loop().time()
            connected = await dial.first_connected([target(crowd[0].getsockname()[1]), target(upstream.port)])
            assert connected.getpeername()[1] == upstream.port
            assert asyncio.get_running_loop().time() - started < 1
            connected.close()
    finally:
        for each in crowd:
            each.close()


async def test_a_refusing_address_makes_room_at_once():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        refusing = probe.getsockname()[1]
    async with provider(echo_host) as upstream, asyncio.timeout(LIMIT_S):
        connected = await dial.first_connected([target(refusing), target(upstream.port)])
        connected.close()
    with pytest.raises(ConnectionRefusedError):
        await dial.first_connected([target(refusing), target(refusing)])
