"""Our own client's inner promises: slots and waiting requests, limits, the one timer."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from oneapi_app.relay.http1 import connection, watch
from oneapi_app.relay.http1.message import HeadWriter, read_url
from oneapi_app.relay.http1.pool import Pool
from oneapi_app.relay.transport_errors import BadUpstreamBytes, ConnectFailed, ConnectionLost
from oneapi_app.relay.transport_h1 import H1Transport
from tests.relay.transport.calls import PATIENT, call, post
from tests.support.scripted import LIMIT_S, Peer, provider


@pytest_asyncio.fixture
async def narrow() -> AsyncIterator[H1Transport]:
    """One connection per host."""
    transport = H1Transport(connections_per_host=1)
    yield transport
    await transport.aclose()


def pool_of(transport: H1Transport) -> Pool:
    (pool,) = transport._pools.values()
    return pool


async def serve(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.answer(b"%d" % peer.number)


async def test_requests_cancelled_in_line_take_nobodys_place(narrow: H1Transport):
    hold = asyncio.Event()
    served: list[bytes] = []

    async def script(peer: Peer):
        while True:
            served.append((await peer.request()).body)
            await hold.wait()
            await peer.answer()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        tasks: list[asyncio.Task[None]] = []
        for number in range(10):
            tasks.append(asyncio.create_task(ask(narrow, upstream.url, b"%d" % number)))
            await asyncio.sleep(0)
        for task in tasks[1::2]:
            task.cancel()
        hold.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert served == [b"0", b"2", b"4", b"6", b"8"]
        assert len(pool_of(narrow).idle) == 1


async def ask(transport: H1Transport, url: str, body: bytes) -> None:
    response = await transport.send(post(url, body), PATIENT)
    await response.read(100)
    await response.aclose()


async def test_a_request_cancelled_when_its_turn_has_come_passes_it_on(narrow: H1Transport):
    """The connection is handed over and the request cancelled before it runs again."""
    async with provider(serve) as upstream, asyncio.timeout(LIMIT_S):
        await call(narrow, upstream.url)
        pool = pool_of(narrow)
        held = pool.idle.pop()
        first = asyncio.create_task(pool.acquire())
        second = asyncio.create_task(pool.acquire())
        await asyncio.sleep(0)
        pool.release(held)
        first.cancel()
        assert await second is held
        assert first.cancelled()


async def test_a_connection_lost_between_being_handed_over_and_used_is_replaced(narrow: H1Transport):
    async with provider(serve) as upstream, asyncio.timeout(LIMIT_S):
        await call(narrow, upstream.url)
        pool = pool_of(narrow)
        held = pool.idle.pop()
        waiting = [asyncio.create_task(pool.acquire()) for _ in range(2)]
        await asyncio.sleep(0)
        pool.release(held)
        held.close()
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        fresh = done.pop().result()
        assert fresh is not held
        assert not fresh.closed
        pool.release(fresh)
        await asyncio.gather(*waiting)
        assert len(upstream.peers) == 2


async def test_failed_connections_give_their_place_back(narrow: H1Transport):
    async with provider(serve) as upstream:
        url = upstream.url
    results = await asyncio.gather(*(call(narrow, url) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(result, ConnectFailed) for result in results)
    assert not pool_of(narrow).is_full


async def test_the_end_of_the_transport_reaches_those_who_wait(narrow: H1Transport):
    async def script(peer: Peer):
        await peer.gone()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        tasks = [asyncio.create_task(narrow.send(post(upstream.url), PATIENT)) for _ in range(3)]
        while not upstream.peers:
            await asyncio.sleep(0)
        await narrow.aclose()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] in (
            [ConnectionLost, ConnectFailed, ConnectFailed],
            [ConnectFailed, ConnectFailed, ConnectFailed],
        )
        await asyncio.sleep(0)


async def test_idle_connections_are_closed_after_a_while(
    narrow: H1Transport, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connection, "KEEP_IDLE_S", 0.05)

    async def script(peer: Peer):
        await peer.request()
        await peer.answer()
        await peer.gone()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        await call(narrow, upstream.url)
        await upstream.peers[0].left.wait()
        assert pool_of(narrow).idle == []
        assert not pool_of(narrow).is_full


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"".join(b"X%d: y\r\n" % i for i in range(300)) + b"\r\n", "too many headers"),
        (b"X: " + b"y" * 70_000 + b"\r\n\r\n", "too large a head"),
        (b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: " + b"y" * 400_000, "no data in it"),
        (b"Transfer-Encoding: chunked\r\n\r\n1;" + b"y" * 400_000, "no data in it"),
        (b"Transfer-Encoding: gzip\r\n\r\n", "unknown transfer-encoding"),
    ],
)
async def test_limits_of_what_an_answer_may_hold(narrow: H1Transport, answer: bytes, reason: str):
    async def script(peer: Peer):
        await peer.request()
        pieces = [answer[i : i + 8192] for i in range(0, len(answer), 8192)]
        await peer.send(b"HTTP/1.1 200 OK\r\n", *pieces)
        await peer.gone()

    async with provider(script) as upstream:
        with pytest.raises(BadUpstreamBytes, match=reason):
            await call(narrow, upstream.url)


async def test_endless_interim_answers(narrow: H1Transport):
    async def script(peer: Peer):
        await peer.request()
        while True:
            await peer.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)

    async with provider(script) as upstream:
        with pytest.raises(BadUpstreamBytes, match="too large a head"):
            await call(narrow, upstream.url)


async def test_both_ways_of_framing_at_once(narrow: H1Transport):
    """Chunks win (RFC 9112, 6.3); node and others refuse, but such proxies exist."""

    async def script(peer: Peer):
        await peer.request()
        await peer.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        )

    async with provider(script) as upstream:
        assert await call(narrow, upstream.url) == (200, b"ok")


class Clock:
    """Something with a deadline."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.expired = asyncio.Event()

    def expire(self, now: float) -> None:
        assert now >= self.deadline
        self.deadline = watch.NEVER
        self.expired.set()

    def close(self) -> None: ...


async def test_one_timer_keeps_many_deadlines():
    loop = asyncio.get_running_loop()
    kept = watch.Watch(loop)
    now = loop.time()
    clocks = [Clock(now + delay) for delay in (0.15, 0.05, 0.1)]
    never = Clock(watch.NEVER)
    kept.watched.update(clocks, [never])
    kept.wake_at(now + 0.05)
    clocks[1].deadline = now + 0.12  # moved away: the timer need not know
    async with asyncio.timeout(LIMIT_S):
        for clock in clocks:
            await clock.expired.wait()
    assert kept.at == watch.NEVER
    assert not never.expired.is_set()
    kept.stop()


def test_hosts_and_targets_of_urls():
    def line(url: str) -> bytes:
        return read_url(url).line_end

    assert line("https://api.example.com/v1?x=1#part") == b" /v1?x=1 HTTP/1.1\r\nhost: api.example.com\r\n"
    assert line("http://user:secret@h:81") == b" / HTTP/1.1\r\nhost: h:81\r\n"
    assert line("http://[::1]:8080/") == b" / HTTP/1.1\r\nhost: [::1]:8080\r\n"
    assert line("http://b\u00fccher.example/") == b" / HTTP/1.1\r\nhost: xn--bcher-kva.example\r\n"
    assert read_url("https://h/").origin.port == 443
    assert read_url("HTTP://H/").origin == read_url("http://h:80/x").origin


def test_remembered_heads_are_told_apart():
    writer = HeadWriter(read_url("http://h/"))
    heads = [
        writer.write(post("http://h/", body, ((b"authorization", key),)))
        for key in (b"a", b"b", b"a")
        for body in (b"1", b"22")
    ]
    assert heads[:2] == heads[4:]
    assert len(set(heads)) == 4
    for number in range(200):
        writer.write(post("http://h/", b"", ((b"n", b"%d" % number),)))
