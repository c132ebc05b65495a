"""The whole relay on a database of its own, called as the server calls it, with providers on real sockets behind it.

A ``Caller`` is one request: what it sends, what has reached it so far, and the moment it hangs up. After each test
nothing may be left over: no reservation, no request in flight, no task, and books that agree.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from unittest import mock

from sqlalchemy import select

from oneapi_app.events import ChannelsChanged, OptionsChanged
from oneapi_app.kit.database import Database, UnitOfWork
from oneapi_app.models import Channel, Log, LogDetail, Option, Token, User
from oneapi_app.relay import transport_h1
from oneapi_app.relay.context import RelayContext
from oneapi_app.relay.health import ChannelHealth
from oneapi_app.relay.http1.tls import client_context
from oneapi_app.relay.transport import Timeouts
from oneapi_app.runtime import Runtime, open_runtime
from oneapi_app.settings import Settings
from tests.billing.seeds import Books, books
from tests.support.scripted import LIMIT_S, Peer, Provider

KEY = "k" * 48
"""Of a common user; ``ADMIN_KEY`` of an admin."""
ADMIN_KEY = "r" * 48
QUOTA = 1_000_000_000
HELLO = [{"role": "user", "content": "Say hello"}]
CHAT = "/v1/chat/completions"


class Hangup(Exception):
    """The caller has gone: sending fails, as it does on a closed socket."""


@dataclass
class Caller:
    """One request on its way. ``leave`` hangs up."""

    task: asyncio.Task[None]
    incoming: asyncio.Queue[dict[str, Any]]
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    ended: bool = False
    gone: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, message: Mapping[str, Any]) -> None:
        if self.gone:
            return
        if message["type"] == "http.response.start":
            assert not self.status, "a second answer was begun"
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            assert self.status, "a body before its head"
            assert not self.ended, "more after the end"
            self.body += message.get("body", b"")
            self.ended = not message.get("more_body")
            if self.body or self.ended:
                self.arrived.set()

    def leave(self) -> None:
        self.gone = True
        self.incoming.put_nowait({"type": "http.disconnect"})

    async def first_bytes(self) -> bytes:
        async with asyncio.timeout(LIMIT_S):
            await self.arrived.wait()
        return self.body

    async def done(self) -> "Caller":
        async with asyncio.timeout(LIMIT_S):
            await self.task
        assert self.ended or self.gone, "the answer never ended"
        return self

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        return self.json["error"]

    @property
    def events(self) -> list[Any]:
        """Of a stream, in the form every client reads; ``[DONE]`` as text."""
        assert self.headers["content-type"] == "text/event-stream", self.headers
        found: list[Any] = []
        whole = self.body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        assert whole.endswith(b"\n\n"), whole[-100:]
        for frame in whole.rstrip(b"\n").split(b"\n\n"):
            data = b"".join(line[5:].strip() for line in frame.split(b"\n") if line.startswith(b"data:"))
            found.append("[DONE]" if data == b"[DONE]" else json.loads(data))
        return found

    @property
    def text(self) -> str:
        """The content of a streamed chat."""
        choices = [e["choices"][0] for e in self.events if isinstance(e, dict) and e.get("choices")]
        return "".join(choice.get("delta", {}).get("content") or "" for choice in choices)


@dataclass
class Clock:
    """Of the channels' health."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Bill:
    """A log row with its detail."""

    row: Log
    detail: dict[str, Any]

    @property
    def source(self) -> str:
        return self.detail["count_source"]

    @property
    def ending(self) -> str:
        return self.detail["ending"]


class Stage:
    def __init__(self, runtime: Runtime, clock: Clock) -> None:
        self.runtime = runtime
        self.clock = clock
        self._number = 0

    @property
    def context(self) -> RelayContext:
        return self.runtime.context

    @property
    def database(self) -> Database:
        return self.runtime.database

    async def add_channel(self, url: str | Provider, models: str = "gpt-4o", **fields: Any) -> int:
        """``url``: of a provider's socket, or a provider."""
        base = url if isinstance(url, str) else url.url.partition("/v1/")[0]
        self._number += 1
        given: dict[str, Any] = {"type": 1, "key": f"channel-key-{self._number}", "group": "default"}

        def work(uow: UnitOfWork) -> int:
            channel = Channel(base_url=base, models=models, name=f"c{self._number}", **(given | fields))
            uow.session.add(channel)
            uow.session.flush()
            assert channel.id is not None
            uow.publish(ChannelsChanged())
            return channel.id

        return await self.database.run(work)

    async def set_option(self, name: str, value: str) -> None:
        def work(uow: UnitOfWork) -> None:
            uow.session.merge(Option(key=name, value=value))
            uow.publish(OptionsChanged((name,)))

        await self.database.run(work)

    def call(
        self,
        fields: Any = None,
        *,
        path: str = CHAT,
        method: str = "POST",
        body: bytes | None = None,
        key: str = KEY,
        headers: Mapping[str, str] | None = None,
    ) -> Caller:
        """Starts a request; ``fields`` is the JSON body."""
        if body is None:
            body = b"" if fields is None else json.dumps(fields).encode()
        given = {"content-type": "application/json", "authorization": f"Bearer sk-{key}", **(headers or {})}
        bare, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": bare,
            "query_string": query.encode(),
            "headers": [(n.encode(), v.encode("latin-1")) for n, v in given.items()],
            "client": ("127.0.0.1", 1),
        }
        incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for at in range(0, len(body), 1 << 20):
            piece = body[at : at + (1 << 20)]
            incoming.put_nowait(
                {"type": "http.request", "body": piece, "more_body": at + len(piece) < len(body)}
            )
        if not body:
            incoming.put_nowait({"type": "http.request", "body": b""})

        async def send(message: Mapping[str, Any]) -> None:
            await caller.send(message)

        task = asyncio.ensure_future(self.runtime.relay(scope, incoming.get, send))
        caller = Caller(task, incoming)
        return caller

    async def ask(self, fields: Any = None, **how: Any) -> Caller:
        """The whole answer."""
        return await self.call(fields, **how).done()

    async def chat(self, *, stream: bool = False, key: str = KEY, **fields: Any) -> Caller:
        asked: dict[str, Any] = {"model": "gpt-4o", "messages": HELLO} | fields
        if stream:
            asked["stream"] = True
        return await self.ask(asked, key=key)

    async def bills(self) -> list[Bill]:
        """Of everything settled so far, oldest first."""
        await self.settled()
        return await self.database.read(_bills)

    async def bill(self) -> Bill:
        (only,) = await self.bills()
        return only

    async def settled(self) -> None:
        async with asyncio.timeout(LIMIT_S):
            while self.context.tasks:
                await asyncio.gather(*self.context.tasks)
            await self.runtime.ledger.flushed()

    async def channel(self, channel_id: int) -> Channel:
        """As the database has it, once all that was to be written is."""
        await self.context.health.stop()

        def work(uow: UnitOfWork) -> Channel:
            found = uow.session.get(Channel, channel_id)
            assert found is not None
            uow.session.expunge(found)
            return found

        return await self.database.read(work)

    def books(self) -> Books:
        return books(self.database)


def _bills(uow: UnitOfWork) -> list[Bill]:
    found = uow.log_session.execute(
        select(Log, LogDetail).where(Log.request_id == LogDetail.request_id, Log.type == 2).order_by(Log.id)
    ).all()
    return [Bill(row, json.loads(detail.detail)) for row, detail in found]


def _people(uow: UnitOfWork) -> None:
    for number, (key, role) in enumerate(((KEY, 1), (ADMIN_KEY, 10)), start=1):
        uow.session.add(
            User(
                id=number,
                username=f"user{number}",
                role=role,
                quota=QUOTA,
                access_token=f"a{number}",
                aff_code=f"f{number}",
            )
        )
        uow.session.add(Token(id=number, user_id=number, key=key, name=f"token{number}", remain_quota=QUOTA))


_system_authorities = cache(client_context)
"""Reading them takes longer than most tests."""
QUICK = Timeouts(connect_s=5.0, first_byte_s=5.0, idle_s=5.0, total_s=None)


@asynccontextmanager
async def stage(settings: Settings, database: Database, **changes: Any) -> AsyncIterator[Stage]:
    """``changes`` of settings. Checks at the end that nothing is left over."""
    database.run_sync(_people)
    with mock.patch.object(transport_h1, "client_context", _system_authorities):
        runtime = open_runtime(replace(settings, **changes), database)
    context = runtime.context
    clock = Clock()
    context.timeouts = QUICK
    context.health = ChannelHealth(
        runtime.settings, database, context.failures, lambda: runtime.options, clock
    )
    async with runtime.running():
        before = asyncio.all_tasks()
        made = Stage(runtime, clock)
        yield made
        await made.settled()
        await context.health.stop()
        await nothing_is_left(made, before)


async def nothing_is_left(made: Stage, before: set[Any]) -> None:
    context = made.context
    assert context.watch.in_flight == 0
    balances = context.ledger._balances
    assert {a.reserved for a in (*balances.users.values(), *balances.tokens.values())} <= {0}
    if made.runtime.options.log_consume_enabled:
        books_agree(made.books())
    await context.failures.stop()
    # Scripts of providers are the test's own.
    running = asyncio.all_tasks() - before - {asyncio.current_task()}
    ours = [task for task in running if "scripted" not in repr(task)]
    if ours:
        _, left = await asyncio.wait(ours, timeout=2)
        assert not left


def books_agree(found: Books) -> None:
    """Tests of channels have log rows, too."""
    assert len({found.logged, found.user_used, found.token_used, found.channel_used, found.hours}) == 1, found
    assert found.details == found.requests == found.hour_requests, found
    assert found.user_quota == found.token_remain == 2 * QUOTA - found.logged, found


# What providers say.


def frame(data: Any) -> bytes:
    return b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"


DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}


def chunk(text: str | None = None, **fields: Any) -> bytes:
    """A chunk of a streamed chat as OpenAI writes it."""
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": None if text is not None else "stop"}
    whole = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o"}
    return frame(whole | {"choices": [choice]} | fields)


def completion(text: str = "Hello!", usage: Any = USAGE, **fields: Any) -> bytes:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    whole = {"id": "c1", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": [choice]}
    return json.dumps(whole | ({} if usage is None else {"usage": usage}) | fields).encode()


def error(message: str = "no", kind: str = "server_error", code: str | None = None) -> bytes:
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()


SSE = b"Content-Type: text/event-stream"
JSON = b"Content-Type: application/json"


async def stream_head(peer: Peer, *headers: bytes) -> None:
    """The head of an answer in chunks."""
    lines = [b"HTTP/1.1 200 OK", *(headers or (SSE,)), b"Transfer-Encoding: chunked"]
    await peer.send(b"\r\n".join(lines) + b"\r\n\r\n")


async def pieces(peer: Peer, *data: bytes) -> None:
    for piece in data:
        await peer.send(b"%x\r\n%b\r\n" % (len(piece), piece))


async def stream(peer: Peer, *data: bytes, headers: tuple[bytes, ...] = ()) -> None:
    """A whole stream."""
    await stream_head(peer, *headers)
    await pieces(peer, *data)
    await peer.send(b"0\r\n\r\n")


def answering(body: bytes, *headers: bytes, status: int = 200) -> Any:
    """A provider that answers every request so."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.answer(body, *(headers or (JSON,)), status=status)

    return script


def streaming(*data: bytes, headers: tuple[bytes, ...] = ()) -> Any:
    """A provider that answers every request with this stream."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await stream(peer, *data, headers=headers)

    return script
