"""Fetches what a request links to, for providers that want the bytes: guarded, bounded, no redirects into the house.

The address is resolved here and the connection goes to that very address, so that a name cannot point
somewhere else between the check and the call. Where a proxy resolves names, those are its to judge.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from oneapi_app.kit.public_address import is_public
from oneapi_app.providers.base import Media
from oneapi_app.relay.refusals import Refusal, invalid_request

MAX_BYTES = 20 * 1024 * 1024
"""Largest fetched file."""
MAX_BYTES_IN_ALL = 64 * 1024 * 1024
"""Of one request's files together."""
MAX_FILES = 16
MAX_REDIRECTS = 3
_PLAIN = {"accept-encoding": "identity"}
"""Media are compressed already; what an encoding could blow up is not unpacked."""


@dataclass(slots=True)
class _Allowance:
    """Bytes the files of one request may still have."""

    left: int = MAX_BYTES_IN_ALL


class MediaFetcher:
    """Reads http(s) URLs users name, at addresses that ``may_reach`` lets them point to."""

    def __init__(
        self, timeout_s: float, proxy: str = "", *, may_reach: Callable[[str], bool] = is_public
    ) -> None:
        self._timeout_s = timeout_s
        self._proxy = proxy or None
        self._may_reach = may_reach

    async def fetch(self, urls: Iterable[str]) -> dict[str, Media]:
        """URL -> media. Raises Refusal 400 naming the first URL that cannot be used."""
        wanted = list(dict.fromkeys(urls))
        if not wanted:
            return {}
        if len(wanted) > MAX_FILES:
            raise invalid_request(f"at most {MAX_FILES} linked files per request", "invalid_image_url")
        async with httpx.AsyncClient(timeout=self._timeout_s, proxy=self._proxy, trust_env=False) as client:
            allowance = _Allowance()
            fetched = await asyncio.gather(*(self._one(client, url, allowance) for url in wanted))
        return dict(zip(wanted, fetched, strict=True))

    async def _one(self, client: httpx.AsyncClient, url: str, allowance: _Allowance) -> Media:
        current = url
        try:
            async with asyncio.timeout(self._timeout_s):
                for _ in range(MAX_REDIRECTS + 1):
                    request = await self._request(client, current)
                    response = await client.send(request, stream=True)
                    try:
                        if response.is_redirect:
                            current = urljoin(current, response.headers.get("location", ""))
                            continue
                        return await self._read(url, response, allowance)
                    finally:
                        await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, ValueError) as error:
            raise _refused(url, f"cannot be fetched ({type(error).__name__})") from None
        raise _refused(url, "redirects too often")

    async def _request(self, client: httpx.AsyncClient, url: str) -> httpx.Request:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise _refused(url, "is no http(s) address")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if self._proxy is not None:
            if _is_numeric(parts.hostname):
                await self._resolve(url, parts.hostname, port)
            return client.build_request("GET", url, headers=_PLAIN)
        address = await self._resolve(url, parts.hostname, port)
        host = f"[{address}]" if ":" in address else address
        pinned = parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host)
        return client.build_request(
            "GET",
            pinned.geturl(),
            headers={"host": parts.netloc.rpartition("@")[2], **_PLAIN},
            extensions={"sni_hostname": parts.hostname},
        )

    async def _resolve(self, url: str, host: str, port: int) -> str:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for _family, _type, _proto, _name, target in found:
            address = str(target[0])
            if self._may_reach(address):
                return address
        raise _refused(url, "points to a private address")

    async def _read(self, url: str, response: httpx.Response, allowance: _Allowance) -> Media:
        if response.status_code != 200:
            raise _refused(url, f"answers {response.status_code}")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise _refused(url, "comes in an encoding that was not asked for")
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_raw():
            size += len(part)
            allowance.left -= len(part)
            if size > MAX_BYTES:
                raise _refused(url, f"is larger than {MAX_BYTES // (1 << 20)} MB")
            if allowance.left < 0:
                raise _refused(url, f"and the others are larger than {MAX_BYTES_IN_ALL // (1 << 20)} MB")
            parts.append(part)
        kind = response.headers.get("content-type", "application/octet-stream").partition(";")[0].strip()
        return Media(media_type=kind, data=b"".join(parts))


def _is_numeric(host: str) -> bool:
    """An address instead of a name, in any of the forms resolvers take: 127.0.0.1, 127.1, 0x7f000001, ::1."""
    if ":" in host:
        return True
    try:
        socket.inet_aton(host)
    except OSError:
        return False
    return True


def _refused(url: str, why: str) -> Refusal:
    try:
        host = urlsplit(url).hostname or "?"
    except ValueError:
        host = "?"
    return invalid_request(f"linked file at {host} {why}", "invalid_image_url")
