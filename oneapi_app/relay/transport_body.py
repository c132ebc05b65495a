"""The bodies of answers, as both adapters of the transport port hand them out: decoded, in bounded pieces.

Knows nothing of sockets: an adapter says where the next received bytes come from.
"""

import zlib
from typing import Any, Protocol, cast

import brotli  # pyright: ignore[reportMissingTypeStubs]

from oneapi_app.relay.transport_errors import BadUpstreamBytes, BodyTooLarge

_untyped_brotli = cast(Any, brotli)
_brotli_error: type[Exception] = _untyped_brotli.error

PIECE_BYTES = 256 * 1024
"""Of decoded data at a time, however far a piece expands."""
MAX_EXPANSION = 200
"""Largest tolerated ratio of decoded to received bytes, counted beyond the first megabyte."""
_GRACE_BYTES = 1 << 20


class Body:
    """What is common to the answers of both adapters. See ``transport.UpstreamResponse``."""

    __slots__ = ("complete", "decoder", "headers", "host", "status")

    def __init__(self, host: str) -> None:
        self.host = host
        self.status = 0
        self.complete = False
        self.headers: dict[bytes, bytes] = {}
        self.decoder: Decoder | None = None

    def taken(self, limit: int) -> bytes | None:
        return None

    async def receive_raw(self) -> bytes:
        """What has arrived, still encoded; ``b""`` at the end."""
        raise NotImplementedError

    async def aclose(self) -> None:
        raise NotImplementedError

    async def receive(self) -> bytes:
        decoder = self.decoder
        if decoder is None:
            return await self.receive_raw()
        try:
            while True:
                data = decoder.next()
                if data:
                    return data
                received = await self.receive_raw()
                if not received:
                    decoder.finish()
                    return b""
                decoder.feed(received)
        except EncodingError as error:
            await self.aclose()
            raise BadUpstreamBytes(f"the answer of {self.host} {error}", "body") from None

    async def read(self, limit: int) -> bytes:
        whole = self.taken(limit)
        if whole is not None:
            return whole
        parts: list[bytes] = []
        size = 0
        while piece := await self.receive():
            size += len(piece)
            if size > limit:
                await self.aclose()
                raise BodyTooLarge(f"the answer of {self.host} is larger than {limit} bytes", "body")
            parts.append(piece)
        return parts[0] if len(parts) == 1 else b"".join(parts)


class EncodingError(Exception):
    """The text completes a sentence that begins with the answer."""


class Decoder:
    """Undoes one content encoding. ``feed`` received bytes, then take ``next`` until it is empty."""

    __slots__ = ("_engine", "_received", "_returned")

    def __init__(self, engine: "_Engine") -> None:
        self._engine = engine
        self._received = 0
        self._returned = 0

    def feed(self, data: bytes) -> None:
        self._received += len(data)
        self._engine.pending += data

    def next(self) -> bytes:
        """At most about PIECE_BYTES; ``b""`` when more must be fed. Raises EncodingError."""
        try:
            data = self._engine.take()
        except (zlib.error, _brotli_error):
            raise EncodingError("does not match its content-encoding") from None
        self._returned += len(data)
        if self._returned > _GRACE_BYTES and self._returned > self._received * MAX_EXPANSION:
            raise EncodingError("expands beyond reason")
        return data

    def finish(self) -> None:
        """Raises EncodingError where the encoded data is incomplete. An empty body is complete."""
        if self._received and not self._engine.complete:
            raise EncodingError("ends in the middle of its content-encoding")


class _Engine(Protocol):
    pending: bytes

    @property
    def complete(self) -> bool: ...

    def take(self) -> bytes: ...


class _Gzip:
    """One or more members (RFC 1952); what follows them and is none is ignored."""

    def __init__(self) -> None:
        self.pending = b""
        self._open()

    def _open(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)

    @property
    def complete(self) -> bool:
        return self._inflate.eof

    def take(self) -> bytes:
        while True:
            if self._inflate.eof:
                if not self.pending.startswith(b"\x1f"):
                    self.pending = b""
                    return b""
                self._open()
            data = self._inflate.decompress(self.pending, PIECE_BYTES)
            self.pending = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            if data or not self._inflate.eof or not self.pending:
                return data


class _Deflate:
    """With its zlib head (RFC 9110 8.4.1.2), or without, as some servers send it."""

    def __init__(self) -> None:
        self.pending = b""
        self._inflate: zlib._Decompress | None = None  # pyright: ignore[reportPrivateUsage]

    @property
    def complete(self) -> bool:
        return self._inflate is not None and self._inflate.eof

    def take(self) -> bytes:
        if self._inflate is None:
            if len(self.pending) < 2:
                return b""
            start = self.pending[:2]
            has_head = start[0] & 0x0F == 8 and int.from_bytes(start, "big") % 31 == 0
            self._inflate = zlib.decompressobj(wbits=15 if has_head else -15)
        data = self._inflate.decompress(self.pending, PIECE_BYTES)
        self.pending = b"" if self._inflate.eof else self._inflate.unconsumed_tail
        return data


class _BrotliDecompressor(Protocol):
    def process(self, data: bytes, output_buffer_limit: int) -> bytes: ...

    def can_accept_more_data(self) -> bool: ...

    def is_finished(self) -> bool: ...


class _Brotli:
    def __init__(self) -> None:
        self.pending = b""
        self._engine: _BrotliDecompressor = _untyped_brotli.Decompressor()

    @property
    def complete(self) -> bool:
        return self._engine.is_finished()

    def take(self) -> bytes:
        if self.complete:
            self.pending = b""
            return b""
        # What it has not decoded yet it keeps itself, and takes no more until that is out.
        given = b""
        if self._engine.can_accept_more_data():
            given, self.pending = self.pending, b""
        return self._engine.process(given, output_buffer_limit=PIECE_BYTES)


_ENGINES = {b"gzip": _Gzip, b"x-gzip": _Gzip, b"deflate": _Deflate, b"br": _Brotli}


def decoder_for(encoding: bytes) -> Decoder | None:
    """None for identity. Raises EncodingError for one nobody asked for."""
    encoding = encoding.strip().lower()
    if encoding in (b"", b"identity"):
        return None
    engine = _ENGINES.get(encoding)
    if engine is None:
        raise EncodingError("has an unknown content-encoding")
    return Decoder(engine())
