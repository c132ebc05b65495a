"""The port between the relay and the network, and what both of its adapters share."""

import zlib
from dataclasses import dataclass
from typing import Protocol

import brotli

from oneapi_app.providers.base import UpstreamRequest
from oneapi_app.relay.transport_errors import BadUpstreamBytes

Headers = list[tuple[bytes, bytes]]
"""Lower-case names."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds; None means no limit. ``idle_s`` is between two pieces of an answer."""

    connect_s: float | None = 10.0
    first_byte_s: float | None = 300.0
    idle_s: float | None = 120.0
    total_s: float | None = None


class UpstreamResponse(Protocol):
    """An answer whose head has arrived. Bodies are decoded; ``aclose`` must always be called."""

    status: int
    headers: Headers

    def header(self, name: bytes) -> bytes | None:
        """The first value, or None."""
        ...

    async def receive(self) -> bytes:
        """The next piece of the body, ``b""`` at its clean end. Raises TransportError."""
        ...

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises BodyTooLarge beyond ``limit`` bytes, TransportError otherwise."""
        ...

    async def aclose(self) -> None:
        """Gives the connection back after a complete body, else closes it. May be called twice."""
        ...


class Transport(Protocol):
    """Sends requests to providers."""

    async def send(self, request: UpstreamRequest, timeouts: Timeouts) -> UpstreamResponse:
        """The answer once its head is there. Raises TransportError."""
        ...

    async def aclose(self) -> None:
        """Closes every connection."""
        ...


class BodyDecoder(Protocol):
    """Undoes a content encoding piece by piece."""

    def feed(self, data: bytes) -> bytes: ...

    def finish(self) -> bytes: ...


MAX_EXPANSION = 200
"""Largest tolerated ratio of decoded to received bytes, counted beyond the first megabyte."""
_GRACE = 1 << 20


class _Decoder:
    def __init__(self, encoding: bytes) -> None:
        self._brotli = brotli.Decompressor() if encoding == b"br" else None
        self._zlib = None if self._brotli else zlib.decompressobj(wbits=47 if encoding != b"deflate" else 15)
        self._received = 0
        self._decoded = 0

    def feed(self, data: bytes) -> bytes:
        self._received += len(data)
        try:
            decoded = self._brotli.process(data) if self._brotli else self._zlib.decompress(data)  # type: ignore[union-attr]
        except (zlib.error, brotli.error):
            raise BadUpstreamBytes("the body does not match its content-encoding", "body") from None
        self._decoded += len(decoded)
        if self._decoded > _GRACE and self._decoded > self._received * MAX_EXPANSION:
            raise BadUpstreamBytes("the body expands beyond reason", "body")
        return decoded

    def finish(self) -> bytes:
        complete = self._brotli.is_finished() if self._brotli else self._zlib.eof  # type: ignore[union-attr]
        if not complete and self._received:
            raise BadUpstreamBytes("the encoded body ends too early", "body")
        return b""


def decoder_for(encoding: bytes | None) -> BodyDecoder | None:
    """None for identity. Raises BadUpstreamBytes for an encoding nobody asked for."""
    if encoding is None or encoding.lower() in (b"", b"identity"):
        return None
    encoding = encoding.lower().strip()
    if encoding not in (b"gzip", b"x-gzip", b"deflate", b"br"):
        raise BadUpstreamBytes("unknown content-encoding", "head")
    return _Decoder(encoding)
