"""Files that requests link to: fetched from out there, never from in here, and never too much of it."""

import asyncio
import contextlib
import gzip
import socket
from collections.abc import Callable

import brotli
import pytest

from oneapi_app.relay import media
from oneapi_app.relay.media import MAX_FILES, MAX_REDIRECTS, MediaFetcher
from oneapi_app.relay.refusals import Refusal
from tests.relay.stage import Stage, completion
from tests.support.scripted import Peer, Provider, Script, provider

OUT = "127.0.0.2"
"""Stands for the internet where a test says so; 127.0.0.1 is the house."""
PNG = b"\x89PNG\r\n\x1a\n rest"
IMAGE = b"Content-Type: image/png"


def only_out(address: str) -> bool:
    return address == OUT


def fetcher(may_reach: Callable[[str], bool] = only_out, timeout_s: float = 5) -> MediaFetcher:
    return MediaFetcher(timeout_s, may_reach=may_reach)


def answering(body: bytes = PNG, *headers: bytes, status: int = 200) -> Script:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.answer(body, *(headers or (IMAGE,)), status=status)

    return script


def at(server: Provider, path: str = "/a.png") -> str:
    return f"http://{server.host}:{server.port}{path}"


async def refusal(given: MediaFetcher, *urls: str) -> str:
    with pytest.raises(Refusal) as refused:
        await given.fetch(urls)
    assert (refused.value.status, refused.value.code) == (400, "invalid_image_url")
    return refused.value.message


async def test_a_file_out_there_is_fetched():
    async with provider(answering(), host=OUT) as server:
        found = await fetcher().fetch([at(server)] * 3)
    assert found == {at(server): media.Media("image/png", PNG)}
    assert len(server.peers) == 1


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "[::ffff:127.0.0.1]",
     "[::1]", "[::]", "user:password@127.0.0.1", "127.0.0.1#@8.8.8.8", "8.8.8.8@127.0.0.1"],
)  # fmt: skip
async def test_the_house_is_out_of_reach_however_it_is_called(host):
    async with provider(answering()) as server:
        name, _, fragment = host.partition("#")
        url = f"http://{name}:{server.port}/a.png" + (f"#{fragment}" if fragment else "")
        message = await refusal(MediaFetcher(5), url)
        assert "private address" in message or "cannot be fetched" in message
        assert not server.peers
        assert "password" not in message


@pytest.mark.parametrize("host", ["10.0.0.1", "192.168.0.1", "169.254.169.254", "100.100.100.200", "[fd00::1]",
                                  "[fe80::1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]"])  # fmt: skip
async def test_neither_are_its_neighbours(host):
    assert "private address" in await refusal(MediaFetcher(5), f"http://{host}/latest/meta-data/")


async def test_where_it_is_allowed_the_house_answers():
    async with provider(answering()) as server:
        found = await fetcher(lambda _: True).fetch([at(server)])
    assert found[at(server)].data == PNG


async def test_a_redirect_does_not_lead_into_the_house():
    async with provider(answering()) as house:
        for target in (at(house), f"//127.0.0.1:{house.port}/", f"http://localhost:{house.port}/x"):
            go = answering(b"", b"Location: " + target.encode(), status=302)
            async with provider(go, host=OUT) as server:
                assert "private address" in await refusal(fetcher(), at(server))
        assert not house.peers


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://x/y", "javascript:1", "http://"]
)
async def test_a_redirect_leads_to_no_other_kind_of_address(target):
    async with provider(answering(b"", b"Location: " + target.encode(), status=301), host=OUT) as server:
        await refusal(fetcher(), at(server))


async def test_redirects_end():
    async with provider(answering(b"", b"Location: /again", status=307), host=OUT) as server:
        assert "redirects too often" in await refusal(fetcher(), at(server))
        requests = len(server.peers)
    assert requests <= MAX_REDIRECTS + 1


async def test_a_redirect_out_there_is_followed():
    async def script(peer: Peer) -> None:
        while True:
            asked = await peer.request()
            if asked.line.startswith(b"GET /there"):
                await peer.answer(PNG, IMAGE)
            else:
                await peer.answer(b"", b"Location: /there?x=1", status=302)

    async with provider(script, host=OUT) as server:
        assert (await fetcher().fetch([at(server)]))[at(server)].data == PNG


async def test_a_name_that_changes_between_check_and_call(monkeypatch):
    """Rebinding: the name is asked for once, and the connection goes where the answer said."""
    real = socket.getaddrinfo
    answers = [OUT, "127.0.0.1", "127.0.0.1"]
    asked: list[str] = []

    def dns(host, port, *more, **named):
        if host != "rebinding.test":
            return real(host, port, *more, **named)
        asked.append(host)
        return real(answers[len(asked) - 1], port, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", dns)
    async with provider(answering(b"the house's")) as house, contextlib.AsyncExitStack() as stack:
        server = await asyncio.start_server(lambda r, w: _serve(r, w), OUT, house.port)
        stack.push_async_callback(server.wait_closed)
        stack.callback(server.close)
        url = f"http://rebinding.test:{house.port}/a.png"
        found = await fetcher().fetch([url])
        assert found[url].data == PNG
        assert len(asked) == 1 and not house.peers


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"host: rebinding.test:" in head.lower()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(PNG) + PNG)
    await writer.drain()
    writer.close()


async def test_of_several_addresses_only_public_ones_are_used(monkeypatch):
    real = socket.getaddrinfo

    def dns(host, port, *more, **named):
        if host != "both.test":
            return real(host, port, *more, **named)
        return [*real("127.0.0.1", port, *more, **named), *real(OUT, port, *more, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", dns)
    async with provider(answering(), host=OUT) as server:
        url = f"http://both.test:{server.port}/"
        assert (await fetcher().fetch([url]))[url].data == PNG


async def test_files_that_are_too_large(monkeypatch):
    monkeypatch.setattr(media, "MAX_BYTES", 1 << 20)
    async with provider(answering(b"x" * (1 << 20) + b"y"), host=OUT) as server:
        assert "larger than" in await refusal(fetcher(), at(server))


async def test_files_that_are_too_large_together():
    async with provider(answering(b"x" * (10 << 20)), host=OUT) as server:
        urls = [at(server, f"/{n}") for n in range(7)]
        assert "the others are larger than 64 MB" in await refusal(fetcher(timeout_s=20), *urls)
        assert len(await fetcher(timeout_s=20).fetch(urls[:3])) == 3


async def test_too_many_files():
    message = await refusal(fetcher(), *(f"http://{OUT}/{n}" for n in range(MAX_FILES + 1)))
    assert "at most 16" in message


BOMBS = {b"gzip": gzip.compress(bytes(50 << 20)), b"br": brotli.compress(bytes(50 << 20), quality=1)}


@pytest.mark.parametrize("name", BOMBS)
async def test_nothing_is_unpacked(name):
    """50 MB in a few kilobytes: no encoding is asked for, and one that comes is refused unread."""

    async def script(peer: Peer) -> None:
        asked = await peer.request()
        assert asked.headers[b"accept-encoding"] == b"identity"
        await peer.answer(BOMBS[name], IMAGE, b"Content-Encoding: " + name)

    async with provider(script, host=OUT) as server:
        assert "encoding" in await refusal(fetcher(), at(server))


async def test_a_server_that_never_ends():
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 5\r\n\r\n12")
        await peer.gone()

    async with provider(script, host=OUT) as server:
        assert "TimeoutError" in await refusal(fetcher(timeout_s=0.3), at(server))


@pytest.mark.parametrize(
    "url",
    ["", "x", "http://", "http:///x", "http://[", "http://[::1", "http://a:99999/", "http://a:b/", "http://\x01/",
     "http://127.0.0.2/\x01", "http://127.0.0.2\r\nX: y/", "http://a" + "b" * 300 + "/", "http://ü\ud800/",
     "http://.../", "http://x.invalid/", "file:///etc/passwd", "data:,x", "//127.0.0.2/", "http://%00/"],
)  # fmt: skip
async def test_addresses_that_are_none(url):
    await refusal(fetcher(), url)


async def test_behind_a_proxy_addresses_are_still_looked_at():
    """Names are the proxy's to resolve; what is an address already is not sent there."""
    async with provider(answering()) as proxy:
        behind = MediaFetcher(5, f"http://127.0.0.1:{proxy.port}")
        for host in ("127.0.0.1", "127.1", "0x7f000001", "169.254.169.254", "[::1]", "[fd00::1]"):
            assert "private address" in await refusal(behind, f"http://{host}/")
        assert not proxy.peers
        url = "http://pictures.example/a.png"
        assert (await behind.fetch([url]))[url].data == PNG


async def test_a_chat_with_an_image_in_the_house_is_refused(relay: Stage):
    """Through the whole relay, for a provider that wants the bytes."""
    async with provider(answering()) as house, provider(answering(completion())) as vendor:
        await relay.add_channel(vendor, "gemini-2.5-flash", type=24)
        picture = {"type": "image_url", "image_url": {"url": at(house)}}
        answer = await relay.chat(model="gemini-2.5-flash", messages=[{"role": "user", "content": [picture]}])
        assert answer.status == 400 and "private address" in answer.error["message"]
        assert not house.peers and not vendor.peers
