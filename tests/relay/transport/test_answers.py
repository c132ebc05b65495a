"""Answers as they should be, in every form HTTP/1.1 has for them."""

import asyncio
import gzip
import zlib

import brotli
import pytest

from oneapi_app.providers.base import UpstreamRequest
from oneapi_app.relay.transport import Transport
from oneapi_app.relay.transport_errors import (
    BadUpstreamBytes,
    BodyTooLarge,
    ConnectionLost,
    TransportError,
    UnsendableRequest,
)
from tests.relay.transport.calls import MB, PATIENT, call, everything, post
from tests.support.scripted import LIMIT_S, Peer, Request, provider


async def test_what_goes_over_the_wire(transport: Transport):
    seen: list[Request] = []

    async def script(peer: Peer):
        seen.append(await peer.request())
        await peer.answer(b"hello", b"X-Request-Id: 7", b"Content-Type: text/plain", b"X-Request-ID: 8")

    async with provider(script) as upstream:
        request = post(f"{upstream.url}?a=%20b", b"\x00\xff" * 10, ((b"authorization", b"Bearer sk-\xe9"),))
        response = await transport.send(request, PATIENT)
        assert response.status == 200
        assert response.headers.get(b"x-request-id") == b"7"
        assert response.headers.get(b"content-type") == b"text/plain"
        assert response.headers.get(b"missing") is None
        assert await response.read(100) == b"hello"
        assert await response.receive() == b""
        await response.aclose()
        await response.aclose()
    (request,) = seen
    assert request.line == b"POST /v1/chat/completions?a=%20b HTTP/1.1"
    assert request.body == b"\x00\xff" * 10
    assert request.headers == {
        b"host": f"127.0.0.1:{upstream.port}".encode(),
        b"content-type": b"application/json",
        b"authorization": b"Bearer sk-\xe9",
        b"content-length": b"20",
    }


@pytest.mark.parametrize(("method", "length"), [("GET", None), ("DELETE", None), ("POST", b"0")])
async def test_requests_without_a_body(transport: Transport, method: str, length: bytes | None):
    seen: list[Request] = []

    async def script(peer: Peer):
        seen.append(await peer.request())
        await peer.answer()

    async with provider(script) as upstream:
        response = await transport.send(UpstreamRequest(method, upstream.url, (), b""), PATIENT)
        assert await response.read(10) == b"ok"
        await response.aclose()
    assert seen[0].headers.get(b"content-length") == length


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503, 301])
async def test_every_status_is_an_answer(transport: Transport, status: int):
    async def script(peer: Peer):
        await peer.request()
        await peer.answer(b"{}", b"Location: /elsewhere", b"Retry-After: 3", status=status)

    async with provider(script) as upstream:
        assert await call(transport, upstream.url) == (status, b"{}")


async def test_bodies_of_ten_megabytes_both_ways(transport: Transport):
    body = bytes(range(256)) * (10 * MB // 256)

    async def script(peer: Peer):
        while True:
            await peer.answer((await peer.request()).body[::-1])

    async with provider(script) as upstream:
        for _ in range(2):
            response = await transport.send(post(upstream.url, body), PATIENT)
            assert await response.read(10 * MB) == body[::-1]
            await response.aclose()
        assert len(upstream.peers) == 1


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(CHUNKED + b"5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n", id="chunked"),
        pytest.param(CHUNKED + b"B;x=y\r\nhello world\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", id="trailers"),
        pytest.param(CHUNKED + b"b  \r\nhello world\r\n0\r\n\r\n", id="padded chunk size"),
        pytest.param(b"HTTP/1.1 200 OK\r\nCONTENT-length: 11\r\n\r\nhello world", id="counted"),
        pytest.param(b"HTTP/1.1 200\r\ncontent-length:11\r\n\r\nhello world", id="no reason"),
        pytest.param(b"HTTP/1.1 200 OK\ncontent-length: 11\n\nhello world", id="bare LF"),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\nContent-Encoding: gzip\r\n\r\n"
            b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world",
            id="interim answers",
        ),
    ],
)
@pytest.mark.parametrize("one_by_one", [False, True])
async def test_framing_in_one_piece_and_byte_by_byte(transport: Transport, answer: bytes, one_by_one: bool):
    async def script(peer: Peer):
        while True:
            await peer.request()
            await peer.send(*([answer[i : i + 1] for i in range(len(answer))] if one_by_one else [answer]))

    async with provider(script) as upstream:
        for _ in range(2):
            response = await transport.send(post(upstream.url), PATIENT)
            assert response.headers.get(b"link") is None
            assert b"".join(await everything(response)) == b"hello world"
            await response.aclose()
        assert len(upstream.peers) == 1, "the connection was not kept"


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_a_body_may_end_with_the_connection(transport: Transport, version: bytes):
    async def script(peer: Peer):
        await peer.request()
        await peer.send(b"HTTP/" + version + b" 200 OK\r\nX: y\r\n\r\nhello ", b"world")
        peer.close()

    async with provider(script) as upstream:
        assert await call(transport, upstream.url) == (200, b"hello world")
        assert await call(transport, upstream.url) == (200, b"hello world")
        assert len(upstream.peers) == 2


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_that_have_no_body(transport: Transport, status: int):
    async def script(peer: Peer):
        while True:
            await peer.request()
            await peer.send(b"HTTP/1.1 %d Nothing\r\nX: y\r\n\r\n" % status)

    async with provider(script) as upstream:
        for _ in range(2):
            assert await call(transport, upstream.url) == (status, b"")
        assert len(upstream.peers) == 1


async def test_head_requests(transport: Transport):
    async def script(peer: Peer):
        while True:
            await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nX: y\r\n\r\n")

    async with provider(script) as upstream:
        for _ in range(2):
            response = await transport.send(UpstreamRequest("HEAD", upstream.url, (), b""), PATIENT)
            assert (response.headers.get(b"x"), await response.read(10)) == (b"y", b"")
            await response.aclose()


async def test_events_arrive_as_they_are_sent(transport: Transport):
    go_on = asyncio.Event()

    async def script(peer: Peer):
        await peer.request()
        await peer.send(CHUNKED + b"9\r\ndata: 1\n\n\r\n")
        await go_on.wait()
        await peer.send(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        response = await transport.send(post(upstream.url), PATIENT)
        assert await response.receive() == b"data: 1\n\n"
        go_on.set()
        assert b"".join(await everything(response)) == b"data: 2\n\n"
        await response.aclose()


async def test_a_body_larger_than_the_reader_allows(transport: Transport):
    async def script(peer: Peer):
        await peer.request()
        await peer.answer(b"x" * 1000, b"Connection: close")

    async with provider(script) as upstream:
        response = await transport.send(post(upstream.url), PATIENT)
        with pytest.raises(BodyTooLarge, match="999 bytes"):
            await response.read(999)
        await response.aclose()
        response = await transport.send(post(upstream.url), PATIENT)
        assert len(await response.read(1000)) == 1000
        await response.aclose()


TEXT = b'{"text": "hello, hello, hello"}' * 5000
ENCODED = {
    "gzip": (b"gzip", gzip.compress(TEXT)),
    "members": (b"GZIP", gzip.compress(TEXT[:99]) + gzip.compress(TEXT[99:]) + b"\0\0"),
    "zlib": (b"deflate", zlib.compress(TEXT)),
    "raw": (b"deflate", zlib.compressobj(wbits=-15).compress(b"") + zlib.compress(TEXT)[2:-4]),
    "brotli": (b"br", brotli.compress(TEXT)),
    "none": (b"identity", TEXT),
}


@pytest.mark.parametrize("form", ENCODED)
async def test_encoded_bodies_are_decoded(transport: Transport, form: str):
    encoding, data = ENCODED[form]

    async def script(peer: Peer):
        await peer.request()
        await peer.send(
            CHUNKED[:-2] + b"Content-Encoding: " + encoding + b"\r\n\r\n",
            *(b"%x\r\n%b\r\n" % (len(data[i : i + 97]), data[i : i + 97]) for i in range(0, len(data), 97)),
            b"0\r\n\r\n",
        )

    async with provider(script) as upstream:
        response = await transport.send(post(upstream.url), PATIENT)
        assert await response.read(MB) == TEXT
        await response.aclose()


async def test_an_encoded_event_is_handed_out_when_it_is_there(transport: Transport):
    packer = zlib.compressobj(wbits=31)
    go_on = asyncio.Event()

    async def script(peer: Peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
        await peer.send(packer.compress(b"data: 1\n\n") + packer.flush(zlib.Z_SYNC_FLUSH))
        await go_on.wait()
        await peer.send(packer.compress(b"data: 2\n\n") + packer.flush())
        peer.close()

    async with provider(script) as upstream, asyncio.timeout(LIMIT_S):
        response = await transport.send(post(upstream.url), PATIENT)
        assert await response.receive() == b"data: 1\n\n"
        go_on.set()
        assert b"".join(await everything(response)) == b"data: 2\n\n"
        await response.aclose()


async def answer_encoded(transport: Transport, encoding: bytes, data: bytes) -> list[bytes]:
    async def script(peer: Peer):
        await peer.request()
        await peer.answer(data, b"Content-Encoding: " + encoding)

    async with provider(script) as upstream:
        response = await transport.send(post(upstream.url), PATIENT)
        try:
            return await everything(response)
        finally:
            await response.aclose()


@pytest.mark.parametrize(
    ("encoding", "data", "reason"),
    [
        (b"gzip", gzip.compress(TEXT)[:-9], "ends in the middle"),
        (b"br", brotli.compress(TEXT)[:-1], "ends in the middle"),
        (b"deflate", zlib.compress(TEXT)[:-5], "ends in the middle"),
        (b"gzip", b"this is no gzip", "does not match"),
        (b"br", b"\xff" * 50, "does not match"),
        (b"compress", b"anything", "unknown content-encoding"),
        (b"gzip, br", b"anything", "unknown content-encoding"),
    ],
)
async def test_encodings_that_do_not_hold_what_they_promise(
    transport: Transport, encoding: bytes, data: bytes, reason: str
):
    with pytest.raises(BadUpstreamBytes, match=reason):
        await answer_encoded(transport, encoding, data)


async def test_an_empty_body_needs_no_encoding(transport: Transport):
    assert await answer_encoded(transport, b"gzip", b"") == []


@pytest.mark.parametrize("encoding", [b"gzip", b"br"])
async def test_a_bomb_is_refused_early(transport: Transport, encoding: bytes):
    zeros = bytes(100 * MB)
    data = gzip.compress(zeros, 9) if encoding == b"gzip" else brotli.compress(zeros, quality=3)
    sizes: list[int] = []

    async def script(peer: Peer):
        await peer.request()
        await peer.answer(data, b"Content-Encoding: " + encoding)

    async with provider(script) as upstream:
        response = await transport.send(post(upstream.url), PATIENT)
        with pytest.raises(BadUpstreamBytes, match="expands beyond reason"):
            while piece := await response.receive():
                sizes.append(len(piece))
        await response.aclose()
    assert max(sizes) <= MB
    assert sum(sizes) < 40 * MB


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "http:///v1",
        "127.0.0.1/v1",
        "http://h:99999/",
        "http://h/a b",
        "http://h/\u4e2d",
        "http://h/\r\nx: y",
    ],
)
async def test_urls_that_cannot_be_sent(transport: Transport, url: str):
    with pytest.raises(UnsendableRequest):
        await transport.send(post(url), PATIENT)


@pytest.mark.parametrize("value", [b"a\r\nx: y", b"a\n", b"\r", b"a\0b"])
async def test_headers_that_would_end_their_line(transport: Transport, value: bytes):
    with pytest.raises(UnsendableRequest) as caught:
        await transport.send(post("http://127.0.0.1:1/", headers=((b"authorization", value),)), PATIENT)
    assert "authorization" not in str(caught.value)


async def test_reading_after_giving_up_is_an_error_not_an_end(transport: Transport):
    async def script(peer: Peer):
        await peer.request()
        await peer.send(CHUNKED)
        await peer.gone()

    async with provider(script) as upstream:
        response = await transport.send(post(upstream.url), PATIENT)
        await response.aclose()
        with pytest.raises((ConnectionLost, TransportError)):
            await response.receive()
