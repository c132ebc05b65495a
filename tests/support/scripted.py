"""A provider that does exactly what a test says: raw bytes on real sockets, one script per connection."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

LIMIT_S = 10
"""No wait of a test lasts longer."""


@dataclass
class Request:
    """What arrived. ``head`` without the empty line."""

    head: bytes
    body: bytes

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n")[0]

    @property
    def headers(self) -> dict[bytes, bytes]:
        lines = [line.partition(b":") for line in self.head.split(b"\r\n")[1:]]
        return {name.strip().lower(): value.strip() for name, _, value in lines}


@dataclass
class Peer:
    """One connection, seen from the provider. ``number`` counts from 1. ``left``: the caller has hung up."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def request(self) -> Request:
        """The next request. Raises asyncio.IncompleteReadError when the caller hangs up instead."""
        head = (await self.reader.readuntil(b"\r\n\r\n"))[:-4]
        request = Request(head, b"")
        length = int(request.headers.get(b"content-length", b"0"))
        return Request(head, await self.reader.readexactly(length))

    async def send(self, *pieces: bytes) -> None:
        """Each piece in a packet of its own, as far as that can be had."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            if len(pieces) > 1:
                await asyncio.sleep(0)

    async def answer(self, body: bytes = b"ok", *headers: bytes, status: int = 200) -> None:
        lines = [b"HTTP/1.1 %d Fine" % status, b"Content-Length: %d" % len(body), *headers]
        await self.send(b"\r\n".join(lines) + b"\r\n\r\n" + body)

    async def gone(self) -> None:
        """For the end of a script: reads on until the caller hangs up, and notes that."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        self.left.set()

    def reset(self) -> None:
        """Ends the connection with RST."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def close(self) -> None:
        self.writer.close()


Script = Callable[[Peer], Awaitable[None]]


@dataclass
class Provider:
    """``peers``: every connection so far. ``failures``: what went wrong in scripts; read by the fixture."""

    port: int = 0
    host: str = "127.0.0.1"
    secure: bool = False
    peers: list[Peer] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}/v1/chat/completions"


@contextlib.asynccontextmanager
async def provider(
    script: Script, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Provider]:
    """A provider on a free port. A script that returns leaves its connection open until the end."""
    made = Provider(host=host, secure=tls is not None)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        peer = Peer(len(made.peers) + 1, reader, writer)
        made.peers.append(peer)
        try:
            await script(peer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        except Exception as error:
            made.failures.append(error)

    server = await asyncio.start_server(serve, host, 0, ssl=tls, limit=1 << 20)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for peer in made.peers:
            peer.writer.transport.abort()
        await asyncio.sleep(0)
        assert not made.failures, made.failures
