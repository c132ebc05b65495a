"""What goes wrong on the way to a provider, each with its own error, and nothing left open."""

import asyncio
import socket
from dataclasses import replace

import pytest

from oneapi_app.relay.transport import Timeouts, Transport
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
from tests.relay.transport.calls import MB, PATIENT, call, everything, ours, post
from tests.relay.transport.conftest import MakeTransport
from tests.support.scripted import LIMIT_S, Peer, provider

SOON = 0.15


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def full_backlog() -> list[socket.socket]:
    """A listener nobody accepts from, its queue filled: further connections are never answered."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    crowd = [listener]
    for _ in range(4):
        each = socket.socket()
        each.setblocking(False)
        each.connect_ex(listener.getsockname())
        crowd.append(each)
    return crowd


async def test_refused(transport: Transport):
    port = free_port()
    with pytest.raises(ConnectFailed, match=r"127\.0\.0\.1") as caught:
        await call(transport, f"http://127.0.0.1:{port}/")
    assert caught.value.phase == "connect"
    assert "refused" in str(caught.value).lower()


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".example"])
async def test_a_name_that_is_not_found(transport: Transport, host: str):
    with pytest.raises(ConnectFailed, match=host):
        await call(transport, f"http://{host}/")


async def test_no_connection_in_time(transport: Transport):
    crowd = full_backlog()
    try:
        url = f"http://127.0.0.1:{crowd[0].getsockname()[1]}/"
        with pytest.raises(ConnectTimeout):
            await call(transport, url, replace(PATIENT, connect_s=SOON))
        with pytest.raises(TotalTimeout):
            await call(transport, url, replace(PATIENT, total_s=SOON))
    finally:
        for each in crowd:
            each.close()


async def test_a_stall_before_the_head(transport: Transport):
    async def script(peer: Peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n")
        await peer.gone()

    async with provider(script) as upstream:
        with pytest.raises(FirstByteTimeout, match=r"127\.0\.0\.1") as caught:
            await call(transport, upstream.url, replace(PATIENT, first_byte_s=SOON))
        assert caught.value.phase == "head"
        async with asyncio.timeout(LIMIT_S):
            await upstream.peers[0].left.wait()


async def test_a_stall_in_the_body(transport: Transport):
    async def script(peer: Peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        await peer.gone()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        response = await transport.send(post(upstream.url), replace(PATIENT, idle_s=SOON))
        assert await response.receive() == b"hello"
        with pytest.raises(IdleTimeout) as caught:
            await response.receive()
        assert caught.value.phase == "body"
        await response.aclose()
        await upstream.peers[0].left.wait()


async def test_pieces_that_keep_coming_are_no_stall(transport: Transport):
    """Ten pieces, each within the limit, together beyond it."""
    asked = asyncio.Event()

    async def script(peer: Peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        for _ in range(10):
            await asyncio.wait_for(asked.wait(), LIMIT_S)
            asked.clear()
            await peer.send(b"x")

    loop = asyncio.get_running_loop()
    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        response = await transport.send(post(upstream.url), replace(PATIENT, idle_s=0.3))
        for _ in range(10):
            loop.call_later(0.05, asked.set)
            assert await response.receive() == b"x"
        assert await response.receive() == b""
        await response.aclose()


async def test_too_long_in_all(transport: Transport):
    async def script(peer: Peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await peer.send(b"1\r\nx\r\n")
            await asyncio.sleep(0.01)

    async with provider(script) as upstream:
        with pytest.raises(TotalTimeout):
            await call(transport, upstream.url, replace(PATIENT, total_s=SOON))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", id="half a head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", id="half a body"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", id="no last chunk"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", id="half a chunk"),
    ],
)
@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_the_connection_ends_before_the_answer_does(transport: Transport, answer: bytes, ending: str):
    read = asyncio.Event()

    async def script(peer: Peer):
        await peer.request()
        await peer.send(answer)
        if b"\r\n\r\n" in answer and ending == "reset":
            await read.wait()  # a reset may overtake what was sent before it
        getattr(peer, ending)()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        with pytest.raises(ConnectionLost):
            response = await transport.send(post(upstream.url), PATIENT)
            try:
                read.set()
                assert await response.receive() in (b"hello", b"he")
                await response.receive()
            finally:
                await response.aclose()
        assert len(upstream.peers) == 1, "sent again on a fresh connection"


async def test_a_reset_cuts_a_body_that_would_end_with_the_connection(transport: Transport):
    read = asyncio.Event()

    async def script(peer: Peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        await read.wait()
        peer.reset()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        response = await transport.send(post(upstream.url), PATIENT)
        assert await response.receive() == b"hello"
        read.set()
        with pytest.raises(ConnectionLost):
            await response.receive()
        await response.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", id="no status"),
        pytest.param(b"HTTP/1.1 2000 OK\r\n\r\n", id="four digits"),
        pytest.param(b"\x00\xff\xfe" * 10, id="noise"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
        pytest.param(b"\x15\x03\x01\x00\x02\x02\x28", id="TLS alert"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", id="no length"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", id="two lengths"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", id="no header"),
        pytest.param(b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxyz", id="switch"),
    ],
)
async def test_a_head_that_is_none(transport: Transport, answer: bytes):
    async def script(peer: Peer):
        await peer.request()
        await peer.send(answer)
        peer.close()

    async with provider(script) as upstream:
        with pytest.raises(BadUpstreamBytes) as caught:
            await call(transport, upstream.url)
        assert "SSH" not in str(caught.value)


@pytest.mark.parametrize("body", [b"xyz\r\nhello\r\n", b"5\r\nhelloworld\r\n", b"-5\r\nhello\r\n"])
async def test_broken_chunks(transport: Transport, body: bytes):
    async def script(peer: Peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        await peer.gone()

    async with provider(script) as upstream:
        with pytest.raises(BadUpstreamBytes):
            await call(transport, upstream.url)


@pytest.mark.parametrize(
    "filler", [b"X: " + b"y" * 300_000, b"\r\n".join(b"X%d: y" % i for i in range(40_000))]
)
@pytest.mark.parametrize("interim", [b"", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_a_head_that_is_too_large(transport: Transport, filler: bytes, interim: bytes):
    async def script(peer: Peer):
        await peer.request()
        await peer.send(interim + b"HTTP/1.1 200 OK\r\n" + filler + b"\r\nContent-Length: 2\r\n\r\nok")
        await peer.gone()

    async with provider(script) as upstream:
        with pytest.raises(BadUpstreamBytes):
            await call(transport, upstream.url)


async def test_a_cancelled_request_ends_its_connection(transport: Transport):
    asked = asyncio.Event()

    async def script(peer: Peer):
        await peer.request()
        asked.set()
        await peer.gone()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        task = asyncio.create_task(transport.send(post(upstream.url), PATIENT))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await upstream.peers[0].left.wait()


async def test_a_cancelled_read_ends_its_connection(transport: Transport):
    async def script(peer: Peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        await peer.gone()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        response = await transport.send(post(upstream.url), PATIENT)
        assert await response.receive() == b"hello"
        task = asyncio.create_task(response.receive())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await upstream.peers[0].left.wait()
        await response.aclose()


async def test_a_slow_reader_slows_the_provider_down_and_is_no_stall(transport: Transport):
    total = 48 * MB
    sent = 0

    async def script(peer: Peer):
        nonlocal sent
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        while sent < total:
            await peer.send(b"x" * (MB // 16))
            sent += MB // 16

    async def standstill() -> None:
        """Returns when nothing has been sent for 0.2 s, which is longer than ``idle_s`` below."""
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.2)

    async with provider(script) as upstream, asyncio.timeout(3 * LIMIT_S):
        response = await transport.send(post(upstream.url), replace(PATIENT, idle_s=0.15))
        first = await response.receive()
        await standstill()
        # What fits into the kernel's buffers on both sides, and ours.
        assert sent < 24 * MB
        pieces = await everything(response)
        assert max(map(len, pieces)) <= 2 * MB
        assert len(first) + sum(map(len, pieces)) == total
        await response.aclose()


@ours
async def test_waiting_requests_are_served_in_their_order(make_transport: MakeTransport):
    transport = make_transport(connections_per_host=1)
    order: list[int] = []
    go_on = asyncio.Event()

    async def script(peer: Peer):
        while True:
            order.append(int((await peer.request()).body))
            await go_on.wait()
            await peer.answer()

    async def one(upstream_url: str, number: int) -> None:
        response = await transport.send(post(upstream_url, b"%02d" % number), PATIENT)
        assert await response.read(10) == b"ok"
        await response.aclose()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        tasks: list[asyncio.Task[None]] = []
        for number in range(12):
            tasks.append(asyncio.create_task(one(upstream.url, number)))
            await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(*tasks)
        assert len(upstream.peers) == 1
    assert order == list(range(12))


async def test_no_free_connection_in_time(make_transport: MakeTransport):
    transport = make_transport(connections_per_host=1)
    go_on = asyncio.Event()

    async def script(peer: Peer):
        while True:
            await peer.request()
            await go_on.wait()
            await peer.answer()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        first = asyncio.create_task(call(transport, upstream.url))
        await asyncio.sleep(0)
        with pytest.raises(ConnectTimeout, match="busy"):
            await call(transport, upstream.url, replace(PATIENT, connect_s=SOON))
        go_on.set()
        assert await first == (200, b"ok")
        assert await call(transport, upstream.url) == (200, b"ok")


async def test_two_hundred_at_once(transport: Transport):
    async def script(peer: Peer):
        while True:
            await peer.answer((await peer.request()).body * 100)

    async def one(url: str, number: int) -> None:
        body = b"%d," % number
        response = await transport.send(post(url, body), PATIENT)
        assert await response.read(MB) == body * 100
        await response.aclose()

    async with provider(script) as upstream, asyncio.timeout(6 * LIMIT_S):
        await asyncio.gather(*(one(upstream.url, number) for number in range(200)))
        assert len(upstream.peers) <= 100


async def test_closing_the_transport_ends_everything(make_transport: MakeTransport):
    transport = make_transport()
    asked = asyncio.Event()

    async def script(peer: Peer):
        await peer.request()
        asked.set()
        await peer.gone()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        task = asyncio.create_task(transport.send(post(upstream.url), PATIENT))
        await asked.wait()
        await transport.aclose()
        with pytest.raises(TransportError):
            await task
        with pytest.raises(ConnectFailed):
            await transport.send(post(upstream.url), PATIENT)
        await upstream.peers[0].left.wait()


async def test_no_limit_at_all(transport: Transport):
    async def script(peer: Peer):
        await peer.request()
        await peer.answer()

    async with provider(script) as upstream:
        assert await call(transport, upstream.url, Timeouts(None, None, None, None)) == (200, b"ok")
