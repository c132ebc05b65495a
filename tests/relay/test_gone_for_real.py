"""A running gateway, callers that hang up their sockets, and OpenAI's client at the end of broken answers."""

import asyncio
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from sqlmodel import select

from oneapi_app.kit.database import Database
from oneapi_app.models import Log
from oneapi_app.settings import Settings
from tests.relay.stage import DONE, HELLO, SSE, USAGE, chunk, pieces, stream_head
from tests.support.databases import Databases
from tests.support.gateway import gateway_process, running_gateway
from tests.support.scripted import LIMIT_S, Peer, provider

ACCESS = "0123456789abcdef0123456789abcdef"
TOKEN = "c" * 48
START = {
    "INITIAL_ROOT_PASSWORD": "long enough",
    "INITIAL_ROOT_TOKEN": TOKEN,
    "INITIAL_ROOT_ACCESS_TOKEN": ACCESS,
    "RELAY_IDLE_TIMEOUT": "1",
    "RELAY_FIRST_CONTENT_TIMEOUT": "1",
}


@pytest.fixture(scope="module")
def directory(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each database's own: the journals that lie there are of one."""
    return tmp_path_factory.mktemp("gateway")


@pytest.fixture(scope="module")
def gateway(databases: Databases, directory: Path) -> Iterator[str]:
    with databases.fresh() as settings, running_gateway(directory, settings, **START) as address:
        yield address


async def add_channel(gateway: str, model: str, url: str) -> None:
    channel = {"type": 1, "name": model, "key": "k", "base_url": url.partition("/v1/")[0], "models": model, "group": "default"}  # fmt: skip
    async with httpx.AsyncClient() as admin:
        made = await admin.post(f"{gateway}/api/channel/", json=channel, headers={"authorization": ACCESS})
        assert made.json()["success"], made.text


async def row_of(gateway: str, model: str) -> dict[str, Any]:
    async with httpx.AsyncClient(headers={"authorization": ACCESS}) as admin:
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            found = (await admin.get(f"{gateway}/api/log/?p=0&model_name={model}")).json()["data"]
            if found:
                return found[0]
            await asyncio.sleep(0.05)
    raise AssertionError("no log row")


async def connect(gateway: str, model: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A socket on which a stream has been asked for."""
    host, _, port = gateway.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 12)
    body = b'{"model":"%b","stream":true,"messages":[{"role":"user","content":"Say hello"}]}' % model.encode()
    lines = (
        "POST /v1/chat/completions HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer sk-{TOKEN}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return reader, writer


@pytest.mark.parametrize("begun", [False, True], ids=["before the first byte", "in the middle"])
async def test_a_caller_hangs_up(gateway: str, directory: Path, begun: bool) -> None:
    model = f"gpt-4o-{begun}"
    heard = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await stream_head(peer)
        if begun:
            await pieces(peer, chunk("Hello"))
        heard.set()
        await peer.gone()

    async with provider(script) as vendor:
        await add_channel(gateway, model, vendor.url)
        reader, writer = await connect(gateway, model)
        async with asyncio.timeout(LIMIT_S):
            await heard.wait()
            if begun:
                await reader.readuntil(b"Hello")
        writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        writer.close()
        async with asyncio.timeout(2):
            await vendor.peers[0].left.wait()
    row = await row_of(gateway, model)
    assert (row["prompt_tokens"], row["completion_tokens"]) == (9, 1 if begun else 0)
    assert "Traceback" not in (directory / "server.log").read_text()


async def test_a_caller_that_does_not_read_holds_the_provider_up_and_nothing_else(gateway: str) -> None:
    sent = 0
    over = asyncio.Event()
    piece = chunk("word " * 10_000)

    async def flood(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await stream_head(peer)
        try:
            while True:
                await pieces(peer, piece)
                sent += len(piece)
        except ConnectionError:
            over.set()

    async with provider(flood) as vendor:
        await add_channel(gateway, "gpt-4o-flood", vendor.url)
        reader, writer = await connect(gateway, "gpt-4o-flood")
        async with asyncio.timeout(LIMIT_S):
            await reader.readuntil(b"word ")
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.3)
        # What fits into the sockets on the way and the gateway's buffers.
        assert sent < 32 << 20
        async with httpx.AsyncClient() as other:
            assert (await other.get(f"{gateway}/api/status", timeout=2)).status_code == 200
        writer.transport.abort()
        async with asyncio.timeout(3):
            await over.wait()
    assert (await row_of(gateway, "gpt-4o-flood"))["completion_tokens"] > 0


async def test_a_websocket_is_refused(gateway: str) -> None:
    host, _, port = gateway.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = (
        "GET /v1/realtime HTTP/1.1",
        f"Host: {host}:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
    async with asyncio.timeout(LIMIT_S):
        assert b" 403 " in await reader.readline()
    writer.close()


async def _broken(peer: Peer) -> None:
    peer.reset()


async def _stalled(peer: Peer) -> None:
    await peer.gone()


@pytest.mark.parametrize("breaking", [_broken, _stalled])
async def test_openais_client_is_told_of_a_broken_answer(gateway: str, breaking: Any) -> None:
    model = f"gpt-4{breaking.__name__}"

    async def script(peer: Peer) -> None:
        await peer.request()
        await stream_head(peer)
        await pieces(peer, chunk("Hello"))
        await breaking(peer)

    async with provider(script) as vendor:
        await add_channel(gateway, model, vendor.url)
        client = openai.AsyncOpenAI(
            api_key=f"sk-{TOKEN}", base_url=f"{gateway}/v1", max_retries=0, timeout=10
        )
        heard = ""
        with pytest.raises(openai.APIError, match="the provider"):
            async for event in await client.chat.completions.create(model=model, messages=HELLO, stream=True):  # type: ignore[arg-type]
                heard += event.choices[0].delta.content or ""
        assert heard == "Hello"
    assert (await row_of(gateway, model))["completion_tokens"] == 1


async def test_openais_client_is_told_when_nothing_comes(gateway: str) -> None:
    async def silent(peer: Peer) -> None:
        await peer.request()
        await stream_head(peer, SSE)
        await peer.gone()

    async with provider(silent) as vendor:
        await add_channel(gateway, "gpt-4-silent", vendor.url)
        client = openai.AsyncOpenAI(
            api_key=f"sk-{TOKEN}", base_url=f"{gateway}/v1", max_retries=0, timeout=10
        )
        with pytest.raises(openai.InternalServerError, match="request id") as raised:
            await client.chat.completions.create(model="gpt-4-silent", messages=HELLO, stream=True)  # type: ignore[call-overload]
    assert raised.value.status_code == 504


async def test_openais_client_has_the_end_at_once(gateway: str) -> None:
    """A provider that says [DONE] and then leaves its stream open holds nobody up."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await stream_head(peer)
        await pieces(peer, chunk("Hello"), chunk(usage=USAGE), DONE)
        await peer.gone()

    async with provider(script) as vendor:
        await add_channel(gateway, "gpt-4-open", vendor.url)
        client = openai.AsyncOpenAI(
            api_key=f"sk-{TOKEN}", base_url=f"{gateway}/v1", max_retries=0, timeout=10
        )
        stream = await client.chat.completions.create(model="gpt-4-open", messages=HELLO, stream=True)  # type: ignore[call-overload]
        chunks = [event async for event in stream]
    assert chunks[-1].usage.prompt_tokens == 100
    assert (await row_of(gateway, "gpt-4-open"))["prompt_tokens"] == 100


async def test_a_stream_that_is_under_way_ends_before_the_server_does(
    database: Database, database_settings: Settings, tmp_path: Path
) -> None:
    stopping = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await stream_head(peer)
        await pieces(peer, chunk("Hel"))
        await stopping.wait()
        await asyncio.sleep(0.5)
        await pieces(peer, chunk("lo"), chunk(usage=USAGE), DONE)
        await peer.send(b"0\r\n\r\n")

    async with provider(script) as vendor:
        with gateway_process(tmp_path, database_settings, **START) as (gateway, process):
            await add_channel(gateway, "gpt-4o", vendor.url)
            client = openai.AsyncOpenAI(
                api_key=f"sk-{TOKEN}", base_url=f"{gateway}/v1", max_retries=0, timeout=10
            )
            heard = ""
            async for event in await client.chat.completions.create(
                model="gpt-4o", messages=HELLO, stream=True
            ):  # type: ignore[arg-type]
                heard += event.choices[0].delta.content or "" if event.choices else ""
                if not stopping.is_set():
                    process.send_signal(signal.SIGTERM)
                    stopping.set()
            await client.close()
            assert heard == "Hello"
            assert await asyncio.to_thread(process.wait, 20) == 0
    assert database.read_sync(
        lambda uow: uow.log_session.exec(select(Log.quota).where(Log.type == 2)).all()
    ) == [350]
    assert not [left for left in (tmp_path / "ledger").iterdir() if left.suffix == ".journal"]
