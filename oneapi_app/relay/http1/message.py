"""Requests as bytes. Pure; refuses what would not arrive as it was meant."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from oneapi_app.providers.base import UpstreamRequest
from oneapi_app.relay.transport_errors import UnsendableRequest

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


def write_head(request: UpstreamRequest, address: Address) -> bytes:
    """Request line and headers, up to the body. Raises UnsendableRequest where a header would end its line."""
    parts = [request.method.encode(), address.line_end]
    for name, value in request.headers:
        parts += (name, b": ", value, b"\r\n")
    if request.body or request.method not in _BODILESS:
        parts.append(b"content-length: %d\r\n\r\n" % len(request.body))
        lines = len(request.headers) + 4
    else:
        parts.append(b"\r\n")
        lines = len(request.headers) + 3
    head = b"".join(parts)
    if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
        raise UnsendableRequest("a header holds a line break: check the channel's key", "send")
    return head
