"""Which connections carry another request, and which must not."""

import asyncio

import pytest

from oneapi_app.relay.transport import Transport
from oneapi_app.relay.transport_errors import ConnectionLost
from tests.relay.transport.calls import PATIENT, call, ours, post
from tests.support.scripted import LIMIT_S, Peer, provider


async def test_one_connection_carries_many_requests(transport: Transport):
    async def script(peer: Peer):
        while True:
            await peer.request()
            await peer.answer(b"%d" % peer.number)

    async with provider(script) as upstream:
        for _ in range(20):
            assert await call(transport, upstream.url) == (200, b"1")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", id="asked for"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", id="HTTP/1.0"),
    ],
)
async def test_a_connection_the_provider_does_not_keep(transport: Transport, answer: bytes):
    async def script(peer: Peer):
        await peer.request()
        await peer.send(answer)
        await peer.gone()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        for _ in range(2):
            assert await call(transport, upstream.url) == (200, b"ok")
        assert len(upstream.peers) == 2
        await upstream.peers[0].left.wait()


@ours
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\n\r\n", id="a second answer"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 5", id="part of one"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok...", id="extra bytes"),
    ],
)
async def test_a_surprising_answer_counts_but_its_connection_is_not_used_again(
    transport: Transport, answer: bytes
):
    async def script(peer: Peer):
        await peer.request()
        await peer.send(answer)
        await peer.gone()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        for _ in range(2):
            assert await call(transport, upstream.url) == (200, b"ok")
        assert len(upstream.peers) == 2
        await upstream.peers[0].left.wait()


async def test_bytes_on_an_idle_connection_end_it(transport: Transport):
    speak, spoken = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer):
        await peer.request()
        await peer.answer(b"%d" % peer.number)
        if peer.number == 1:
            await speak.wait()
            await peer.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 2\r\n\r\nno")
            spoken.set()
        await peer.gone()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        assert await call(transport, upstream.url) == (200, b"1")
        speak.set()
        await spoken.wait()
        await asyncio.sleep(0.02)  # over the loopback and into the client's loop
        assert await call(transport, upstream.url) == (200, b"2")


@ours
async def test_an_answer_before_the_request_is_out_ends_the_connection(transport: Transport):
    """As a proxy that refuses a body by its length: it answers and reads on, or not."""

    async def script(peer: Peer):
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.answer(b"too large", status=413)
        await asyncio.Event().wait()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        for number in (1, 2):
            response = await transport.send(post(upstream.url, bytes(20_000_000)), PATIENT)
            assert (response.status, await response.read(100)) == (413, b"too large")
            await response.aclose()
            assert len(upstream.peers) == number


async def test_a_connection_closed_while_idle_is_not_used(transport: Transport):
    closed = asyncio.Event()

    async def script(peer: Peer):
        await peer.request()
        await peer.answer(b"%d" % peer.number)
        if peer.number == 1:
            peer.close()
            await peer.writer.wait_closed()
            closed.set()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        assert await call(transport, upstream.url) == (200, b"1")
        await closed.wait()
        assert await call(transport, upstream.url) == (200, b"2")


async def test_a_body_not_read_to_its_end_ends_the_connection(transport: Transport):
    async def script(peer: Peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        await peer.gone()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        response = await transport.send(post(upstream.url), PATIENT)
        assert await response.receive() == b"hello"
        await response.aclose()
        await upstream.peers[0].left.wait()
        response = await transport.send(post(upstream.url), PATIENT)
        await response.aclose()
        assert len(upstream.peers) == 2


@ours
@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_a_stale_connection_costs_no_request(transport: Transport, ending: str):
    """The provider gives the idle connection up at the moment we use it."""
    bodies: list[bytes] = []

    async def script(peer: Peer):
        while True:
            bodies.append((await peer.request()).body)
            if peer.number == 1 and len(bodies) == 2:
                getattr(peer, ending)()
                return
            await peer.answer(b"%d" % peer.number)

    async with provider(script) as upstream:
        assert await call(transport, upstream.url) == (200, b"1")
        assert await call(transport, upstream.url) == (200, b"2")
        assert len(bodies) == 3


@ours
async def test_it_is_sent_again_only_once(transport: Transport):
    served = 0

    async def script(peer: Peer):
        nonlocal served
        await peer.request()
        served += 1
        if peer.number > 1:
            peer.close()
            return
        await peer.answer()
        await peer.request()
        served += 1
        peer.close()

    async with provider(script) as upstream:
        assert await call(transport, upstream.url) == (200, b"ok")
        with pytest.raises(ConnectionLost):
            await call(transport, upstream.url)
        assert (served, len(upstream.peers)) == (3, 2)


async def test_one_byte_of_an_answer_rules_out_sending_again(transport: Transport):
    async def script(peer: Peer):
        await peer.request()
        await peer.answer()
        await peer.request()
        await peer.send(b"H")
        peer.close()

    async with provider(script) as upstream:
        assert await call(transport, upstream.url) == (200, b"ok")
        with pytest.raises(ConnectionLost):
            await call(transport, upstream.url)
        assert len(upstream.peers) == 1


async def test_origins_do_not_share_connections(transport: Transport):
    async def script(peer: Peer):
        while True:
            await peer.answer((await peer.request()).headers[b"host"])

    async with provider(script) as one, provider(script) as other:
        for upstream in (one, other, one, other):
            assert await call(transport, upstream.url) == (200, f"127.0.0.1:{upstream.port}".encode())
        assert (len(one.peers), len(other.peers)) == (1, 1)
