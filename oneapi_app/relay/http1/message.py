"""Requests as bytes. Pure; refuses what would not arrive as it was meant."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from oneapi_app.providers.base import UpstreamRequest
from oneapi_app.relay.transport_errors import UnsendableRequest

_MAX_KNOWN_HEADS = 64
_PRINTABLE = re.compile(r"[!-~]+")
_BODILESS = frozenset({"GET", "HEAD", "DELETE"})
"""Methods that need no content-length where there is no content."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request goes. ``host`` without the brackets of IPv6."""

    secure: bool
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Address:
    """A URL, taken apart. ``line_end``: what follows the method in a request, Host header included."""

    origin: Origin
    line_end: bytes


def read_url(url: str) -> Address:
    """Raises UnsendableRequest. User names and fragments are left out."""
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        host = (parts.hostname or "").encode("idna" if not url.isascii() else "ascii").decode()
    except ValueError:  # UnicodeError is one
        raise UnsendableRequest("the channel's base URL cannot be read", "send") from None
    if parts.scheme not in ("http", "https") or not host:
        raise UnsendableRequest("the channel's base URL is no http(s) address", "send")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # urlsplit silently drops line breaks, so the whole URL is looked at.
    if not _PRINTABLE.fullmatch(target) or not _PRINTABLE.fullmatch(host) or any(c in url for c in "\r\n\t"):
        raise UnsendableRequest(
            f"the address at {host!r} holds characters that are not percent-encoded", "send"
        )
    name = f"[{host}]" if ":" in host else host
    named = name if parts.port is None else f"{name}:{port}"
    return Address(Origin(secure, host, port), f" {target} HTTP/1.1\r\nhost: {named}\r\n".encode())


class HeadWriter:
    """Writes the heads of requests to one URL. Remembers the last ones: those of one channel are mostly equal."""

    __slots__ = ("_address", "_known")

    def __init__(self, address: Address) -> None:
        self._address = address
        self._known: dict[tuple[str, tuple[tuple[bytes, bytes], ...]], bytes] = {}

    def write(self, request: UpstreamRequest) -> bytes:
        """All up to the body. Raises UnsendableRequest where a header would end its line."""
        body = request.body
        key = (request.method, request.headers)
        start = self._known.get(key)
        if start is None:
            start = self._write_start(request)
            if len(self._known) >= _MAX_KNOWN_HEADS:
                self._known.clear()
            self._known[key] = start
        if body or request.method not in _BODILESS:
            return b"%bcontent-length: %d\r\n\r\n" % (start, len(body))
        return start + b"\r\n"

    def _write_start(self, request: UpstreamRequest) -> bytes:
        parts = [request.method.encode(), self._address.line_end]
        for name, value in request.headers:
            parts += (name, b": ", value, b"\r\n")
        start = b"".join(parts)
        lines = len(request.headers) + 2
        if start.count(b"\n") != lines or start.count(b"\r") != lines or b"\0" in start:
            raise UnsendableRequest("a header holds a line break: check the channel's key", "send")
        return start
